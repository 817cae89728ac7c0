"""Streams: predictions while sequences are still running."""

from copy import copy, deepcopy
from numbers import Integral

import numpy as np
from sklearn.utils.validation import check_is_fitted


class Stream:
    """Sequences that arrive step by step, read by a fitted network.

    Created by ``stream`` of an estimator, which it does not change: later fits of that
    estimator have no effect on the stream. A stream can be pickled.

    Parameters
    ----------
    estimator : RNNClassifier or RNNRegressor
        Fitted, and of one direction.
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
        self.n_streams = n_streams
        self._model = copy(estimator)
        self._n = 1 if n_streams is None else int(n_streams)
        self._state = self._start(self._n)

    def _start(self, n):
        return self._model._network.start_state(n, self._model._theta.dtype)

    def push(self, x, method="predict"):
        """Read one more step of every sequence, and predict.

        Parameters
        ----------
        x : array-like of shape (n_features,) or (n_streams, n_features)
            The features of the step, also as the row of a data frame. For an estimator
            fitted to a 2-D X, a number, or an array of shape (n_streams,).
        method : {"predict", "predict_proba", "predict_log_proba", "decision_function"}, \
                default="predict"
            A method of the estimator.

        Returns
        -------
        prediction : ndarray or scalar
            What this method of the estimator returns for the sequence so far, without the
            axis of sequences for a single stream. With step targets, what it returns for
            this step.

        Raises
        ------
        ValueError
            If x has another shape or is not finite, or if the estimator has no such
            method. The stream then stays as it was.
        """
        model = self._model
        if method not in model._responses:
            raise ValueError(
                f"method must be one of {sorted(model._responses)}. Got {method!r}."
            )
        raw, state = model._network.step(model._theta, self._rows(x), self._state)
        self._state = state
        values = getattr(model, model._responses[method])(raw)
        return values[0] if self.n_streams is None else values

    def _rows(self, x):
        """One step as an array of shape (n_streams, n_features)."""
        model = self._model
        x = np.asarray(x, model._theta.dtype)
        shape = () if self.n_streams is None else (self._n,)
        if not model._univariate:
            shape += (model.n_features_in_,)
        if x.shape != shape:
            raise ValueError(f"x must have the shape {shape}. Got {x.shape}.")
        if not np.isfinite(x).all():
            raise ValueError("x contains NaN or infinity. Values must be finite.")
        return x.reshape(self._n, -1)

    def reset(self, which=None):
        """Start sequences anew.

        Parameters
        ----------
        which : int, array-like of int or bool mask, default=None
            The streams to reset; all if None.

        Returns
        -------
        self : Stream
        """
        which = slice(None) if which is None else which
        state = self.state
        for name, start in flat(self._start(self._n)).items():
            state[name][which] = start[which]
        self.state = state
        return self

    def copy(self):
        """A stream that goes on from here on its own.

        Returns
        -------
        stream : Stream
        """
        other = copy(self)
        other._state = deepcopy(self._state)
        return other

    @property
    def state(self):
        """Copies of the arrays from which the streams go on, by name.

        Each has n_streams rows. A dict with the same names and shapes can be assigned.
        """
        return {name: array.copy() for name, array in flat(self._state).items()}

    @state.setter
    def state(self, state):
        own = flat(self._state)
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
        self._state = nested(self._state, arrays)


def flat(state, prefix=""):
    """The arrays of nested dicts, by dotted names."""
    arrays: dict[str, np.ndarray] = {}
    for name, value in state.items():
        whole = f"{prefix}{name}"
        arrays |= flat(value, f"{whole}.") if isinstance(value, dict) else {whole: value}
    return arrays


def nested(like, arrays, prefix=""):
    """Nested dicts like the given, with the arrays of :func:`flat`."""
    return {
        name: nested(value, arrays, f"{prefix}{name}.")
        if isinstance(value, dict)
        else arrays[f"{prefix}{name}"]
        for name, value in like.items()
    }
