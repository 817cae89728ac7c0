"""Streams: predictions while sequences are still running."""

from copy import copy
from math import isfinite
from numbers import Integral

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ..data import encode_step


class Stream:
    """A fitted network that reads sequences step by step as they arrive.

    It is created by the method ``stream`` of an estimator. Later fits of that estimator do
    not change the stream. A stream can be pickled.

    Parameters
    ----------
    estimator : RNNClassifier or RNNRegressor
        A fitted estimator with ``bidirectional=False`` and ``truncation=None``.
    n_streams : int or None, default=None
        Number of sequences that are read in parallel. None for a single one, whose steps
        and predictions have no axis of streams.

    Examples
    --------
    >>> import numpy as np
    >>> from skbptt import RNNRegressor
    >>> X = np.random.default_rng(0).normal(size=(50, 8, 2))
    >>> model = RNNRegressor(4, max_iter=5, random_state=0).fit(X, X[:, :, 0].sum(axis=1))
    >>> stream = model.stream()
    >>> for x in X[0]:
    ...     prediction = stream.push(x)
    ...
    >>> bool(np.isclose(prediction, model.predict(X[:1])[0]))
    True
    """

    def __init__(self, estimator, n_streams=None):
        check_is_fitted(estimator)
        whole = isinstance(n_streams, Integral) and not isinstance(n_streams, bool)
        if n_streams is not None and not (whole and n_streams >= 1):
            raise ValueError(
                f"n_streams must be None or an integer of at least 1. Got {n_streams!r}."
            )
        reason = estimator._network.layer.cannot("stream")
        if reason:
            raise ValueError(
                f"This {type(estimator).__name__} cannot stream: {reason}. Fit it with "
                "bidirectional=False."
            )
        if estimator.truncation is not None:
            raise ValueError(
                f"truncation must be None in stream(). Got {estimator.truncation!r}. "
                "Predictions do not depend on it, so set_params(truncation=None) suffices, "
                "without a new fit."
            )
        self.n_streams = n_streams
        self._model = copy(estimator)
        self._begin()

    def _begin(self):
        """Prepare all that follows from the model and the number of streams."""
        model = self._model
        self._n = 1 if self.n_streams is None else int(self.n_streams)
        shape = () if self.n_streams is None else (self._n,)
        self._shape = shape if model._univariate else (*shape, model.n_features_in_)
        self._dtype = model._theta.dtype
        self._coded = model.is_categorical_ is not None
        self._methods = {
            method: getattr(model, of_raw)
            for method, of_raw in model._responses.items()
            if hasattr(model, method)
        }
        stepper = model._network.stepper(model._theta, self._n)
        self._step, self._states = stepper.step, stepper.states
        self._start = {name: array[0].copy() for name, array in self._states.items()}

    def push(self, x, method="predict", return_std=False):
        """Read one more step of every sequence, and predict.

        Parameters
        ----------
        x : array-like of shape (n_features,) or (n_streams, n_features)
            The features of the step, also as the row of a data frame. For an estimator
            fitted to a 2-D X or to tokens, a number, or an array of shape (n_streams,).
        method : {"predict", "predict_proba", "predict_log_proba", "decision_function", \
                "predict_distribution"}, default="predict"
            A method of the estimator.
        return_std : bool, default=False
            As in ``predict`` of a regressor.

        Returns
        -------
        prediction : ndarray, scalar, frozen distribution or tuple
            What this method of the estimator returns for the sequence so far, without the
            axis of sequences for a single stream. With step targets, what it returns for
            this step.

        Raises
        ------
        ValueError
            If x is not numeric, has another shape, or contains NaN, infinity or values
            whose squares overflow, or if the estimator has no such method. The stream then
            stays as it was.
        """
        respond = self._methods.get(method)
        if respond is None:
            raise ValueError(
                f"method must be one of {sorted(self._methods)}. Got {method!r}."
            )
        if return_std:
            if method != "predict" or "predict_distribution" not in self._methods:
                raise ValueError(
                    "return_std=True needs method='predict' and a regressor whose loss has "
                    f"a distribution. Got {method!r} of {self._model!r}."
                )
            respond = self._model._decode_with_std
        if self._coded:
            x = encode_step(self._model, x, self._shape)
        elif x.__class__ is not np.ndarray or x.dtype != self._dtype:
            x = as_numbers(x, self._dtype)
        if x.shape != self._shape:
            raise ValueError(f"x must have the shape {self._shape}. Got {x.shape}.")
        if not isfinite(np.vdot(x, x)):
            refuse_values(x)
        values = respond(self._step(x.reshape(self._n, -1)))
        return values if self.n_streams is not None else first_of(values)

    def reset(self, which=None):
        """Start new sequences.

        Parameters
        ----------
        which : int, array-like of int or bool mask, default=None
            The streams to reset. None resets all.

        Returns
        -------
        self : Stream

        Raises
        ------
        ValueError
            If ``which`` does not select existing streams. The streams then stay unchanged.
        """
        rows = np.arange(self._n)
        if which is not None:
            try:
                rows = rows[list(which) if isinstance(which, tuple) else which]
            except (IndexError, TypeError) as error:
                raise ValueError(
                    f"which must be integers below n_streams={self._n}, or a mask of "
                    f"{self._n} bools. Got {which!r}."
                ) from error
        for name, start in self._start.items():
            self._states[name][rows] = start
        return self

    def copy(self):
        """Return an independent copy of the stream in its current state.

        Returns
        -------
        stream : Stream
        """
        return copy(self)

    @property
    def state(self):
        """Copies of the arrays that hold the current state of the streams, by name.

        Each has n_streams rows. A dict with the same names and shapes can be assigned.
        """
        return {name: array.copy() for name, array in self._states.items()}

    @state.setter
    def state(self, state):
        own = self._states
        if set(state) != set(own):
            raise ValueError(
                f"state must have the names {sorted(own)}. Got {sorted(state)}."
            )
        arrays = {name: np.array(state[name], own[name].dtype) for name in own}
        for name, array in arrays.items():
            if array.shape != own[name].shape:
                raise ValueError(
                    f"state[{name!r}] must have the shape {own[name].shape}. Got "
                    f"{array.shape}."
                )
        for name, array in arrays.items():
            own[name][:] = array

    # Copies and pickles hold values alone, since steppers belong to one process.

    def __getstate__(self):
        return {"n_streams": self.n_streams, "model": self._model, "state": self.state}

    def __setstate__(self, stored):
        self.n_streams, self._model = stored["n_streams"], stored["model"]
        self._begin()
        self.state = stored["state"]


def first_of(values):
    """What was predicted for the first stream."""
    if isinstance(values, tuple):
        return tuple(value[0] for value in values)
    if hasattr(values, "kwds"):  # a frozen distribution
        return values.dist(**{name: value[0] for name, value in values.kwds.items()})
    return values[0]


def as_numbers(x, dtype):
    """x as an array of ``dtype``; what is too large for it becomes infinity."""
    try:
        x = np.asarray(x)
        if x.dtype.kind not in "biufOUS":
            raise TypeError(f"Its type is {x.dtype}.")
        if x.dtype == dtype:
            return x
        with np.errstate(over="ignore"):
            return x.astype(dtype)
    except (TypeError, ValueError) as error:
        raise ValueError(f"x must hold real numbers. {error}") from error


def refuse_values(x):
    """Say what is wrong with x, the sum of whose squares is not finite."""
    if not np.isfinite(x).all():
        raise ValueError("x contains NaN or infinity. Values must be finite.")
    bound = np.sqrt(np.finfo(x.dtype).max)
    if (size := np.abs(x).max()) >= bound:
        raise ValueError(
            f"x is too large: it contains values of magnitude {size:.3g}. They must be "
            f"below {bound:.2g}, or their products overflow in {x.dtype}."
        )
