"""What the classifier and the regressor share: validate, train, predict."""

import warnings
from abc import ABC, abstractmethod
from contextlib import nullcontext
from copy import deepcopy
from types import MappingProxyType

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from . import solvers
from ._callbacks import Iterations
from ._compat import CallbackSupportMixin, with_callbacks
from ._data import Data, canonical, drop_weightless, fingerprint, hold_back
from ._diagnosis import through_time
from ._docstrings import Documented
from ._parameters import (
    CONSTRAINTS,
    check_parameters,
    hidden_sizes,
    make_cell,
    same_cell,
    window_of,
)
from ._threads import one_blas_thread, parallel_map
from ._training import train
from ._validation import (
    check_sequences,
    check_targets,
    check_weights,
    unchanged_on_error,
)
from .network import Stack, raw_outputs

# Steps up to which a prediction is over before the threads of BLAS are limited.
SMALL = 1000


def goes_on_by_batches(estimator):
    """Whether there is a ``partial_fit``."""
    if estimator.solver in solvers.FULL_BATCH + solvers.MIXED:
        raise AttributeError(
            f"partial_fit is only available for the solvers {solvers.STOCHASTIC}. "
            f"Got solver={estimator.solver!r}."
        )
    return True


class BaseRNN(Documented, CallbackSupportMixin, BaseEstimator, ABC):
    """Base of :class:`RNNClassifier` and :class:`RNNRegressor`."""

    # Parameters that say which network it is, and which loss.
    _of_network = (
        "hidden_layer_sizes",
        "cell",
        "activation",
        "bidirectional",
        "return_sequences",
        "readout",
    )
    _of_loss: tuple[str, ...] = ()

    # Columns of y, or None if y is one-dimensional.
    _n_columns: int | None
    n_outputs_: int
    classes_: np.ndarray

    _parameter_constraints: dict = CONSTRAINTS

    # What the subclasses say.

    @abstractmethod
    def _encode(self, y, classes, known, incremental):
        """Encode validated y for the loss; sets ``n_outputs_``, ``classes_`` and such."""

    @abstractmethod
    def _make_loss(self, spec):
        """The loss, once y is encoded."""

    @abstractmethod
    def _score_raw(self, loss, raw, data):
        """Score of raw outputs against encoded targets."""

    @abstractmethod
    def _decode(self, raw):
        """Predictions from raw outputs."""

    # What only a classifier has.

    def _check_encoded(self, data):
        """Refuse encoded targets that cannot be learned from."""

    def _apply_class_weight(self, data):
        """The data with their weights multiplied by those of the classes."""
        return data

    def _strata(self, data):
        """Classes by which to hold back sequences, or None."""
        return None

    # Training.

    @with_callbacks
    def fit(
        self, X, y, sample_weight=None, *, X_val=None, y_val=None, sample_weight_val=None
    ):
        """Train the network.

        Parameters
        ----------
        X : array-like of shape (n_sequences, n_steps, n_features) or \
                (n_sequences, n_steps), or list of arrays of shape (n_steps, n_features)
            Sequences. Trailing steps of a 3-D array are padding where all features are
            NaN. A 2-D array holds univariate sequences.
        y : array-like of shape (n_sequences,) or (n_sequences, n_outputs)
            Targets. With ``return_sequences=True`` one for every step: an array of shape
            (n_sequences, n_steps) or (n_sequences, n_steps, n_outputs), or a list of
            arrays of shape (n_steps,) or (n_steps, n_outputs).
        sample_weight : array-like of shape (n_sequences,), default=None
            Weights of the sequences; with ``return_sequences=True`` also of the steps, in
            the form of y. A weight of 2 counts as two equal sequences.
        X_val, y_val, sample_weight_val : array-like, default=None
            Data of your own for ``early_stopping``, like X, y and sample_weight. Nothing
            is held back from X then. In a pipeline, X_val is transformed as X is with
            ``transform_input=["X_val"]``. A search takes validation data that are as many
            as X for one a sample of X, and cuts them like X.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter or an argument is not allowed. The estimator then stays as it
            was.

        Warns
        -----
        ConvergenceWarning
            If training has not converged, has diverged or was interrupted. Also if on fifty
            sequences the loss is still more than half that of a constant prediction, the
            median of their lengths is above twenty, and the norm of :math:`dL/dh` falls
            below 1 % on its way back (not told of where there is a target a step), or grows
            more than a thousandfold. See :func:`~skbptt.inspection.gradient_flow`.
        """
        check_parameters(self)
        own = self._check_own_validation(X_val, y_val, sample_weight_val)
        n_iterations = self.max_iter * solvers.PHASES.get(self.solver, 1)
        iterations = Iterations(self, X, y, sample_weight, n_iterations)
        with unchanged_on_error(self):
            self._train(X, y, sample_weight, self.warm_start, own, iterations)
        iterations.close(self._theta)
        return self

    def _partial_fit(self, X, y, sample_weight, classes=None):
        check_parameters(self)
        if self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True.")
        with unchanged_on_error(self):
            self._train(X, y, sample_weight, go_on=True, incremental=True, classes=classes)
        return self

    def _train(
        self,
        X,
        y,
        sample_weight,
        go_on,
        own=None,
        iterations=None,
        incremental=False,
        classes=None,
    ):
        """Train from the start, or from where the last call ended if ``go_on``.

        ``own`` are validation data or None, and ``iterations`` hears of each.
        """
        known = go_on and hasattr(self, "_theta")
        spec = self._make_spec()
        if known:
            self._check_same_network(spec)
        data = self._prepare(
            X,
            y,
            sample_weight,
            per_step=self.return_sequences,
            known=known,
            incremental=incremental,
            classes=classes,
        )
        data = self._ready(data)
        if not incremental:
            self._check_encoded(data)
        network, loss = self._make_network(spec), self._make_loss(spec)

        if known:
            theta, state = self._theta, solvers.copied(self._state)
            # Of what an earlier version did not record there is nothing yet.
            state["record"] = solvers.new_record() | state["record"]
        else:
            seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
            rng = np.random.RandomState(seed)
            # Besides: "solver", its "descent" and "result", a fingerprint of the "data".
            # All plain, to be stored and resumed.
            state = {
                "rng": rng,
                "split": rng.randint(np.iinfo(np.int32).max),
                "record": solvers.new_record(),
            }
            theta = network.initialise(rng, data.sequences.steps.dtype)

        held = None if own is None else self._prepare_validation(*own, dtype=theta.dtype)
        if not incremental:
            seen = fingerprint(data) + (fingerprint(held) if held else b"")
            if known and seen != state.get("data"):
                state["record"] |= solvers.NOTHING_YET
            state["data"] = seen
        if self.early_stopping and held is None:
            strata = self._strata(data)
            data, held = hold_back(data, self.validation_fraction, state["split"], strata)
        if not known:
            network.layout.views(theta)["output.b"][:] = loss.start(data.y, data.weights)

        def fitted(theta):
            return self._fitted(spec, network, loss, theta.copy(), solvers.copied(state))

        tell = iterations and iterations.begin(theta, fitted)
        window = window_of(self.truncation)
        theta, problem = train(
            self, network, loss, data, held, window, theta, state, tell, incremental
        )
        problems = [problem]
        if not incremental:
            problems.append(through_time(self, network, loss, data, theta))
        for problem in filter(None, problems):
            warnings.warn(problem, ConvergenceWarning, stacklevel=4)
        self.__dict__.update(self._fitted(spec, network, loss, theta, state))

    def _check_own_validation(self, X_val, y_val, sample_weight_val):
        """Validation data of the user's own, as a tuple, or None."""
        given = {"X_val": X_val, "y_val": y_val, "sample_weight_val": sample_weight_val}
        names = " and ".join(name for name, value in given.items() if value is not None)
        if not names:
            return None
        for name in ("X_val", "y_val"):
            if given[name] is None:
                raise ValueError(f"{name} is needed where {names} is given.")
        if not self.early_stopping:
            raise ValueError(
                f"{names} are for early_stopping=True only. Got early_stopping=False."
            )
        return X_val, y_val, sample_weight_val

    def _prepare(
        self,
        X,
        y,
        sample_weight,
        *,
        per_step,
        known,
        incremental=False,
        classes=None,
        dtype=None,
    ):
        """Validated and encoded Data; sets what :meth:`_encode` sets if not ``known``."""
        sequences = check_sequences(self, X, reset=not known, dtype=dtype)
        y = check_targets(self, y, sequences, per_step)
        weights = check_weights(sample_weight, sequences, per_step)
        y = self._encode(y, classes, known, incremental)
        return drop_weightless(Data(sequences, y, weights, per_step))

    def _ready(self, data):
        """Data in an order of their own, weighted by the classes as well."""
        if self.shuffle or self.solver in solvers.FULL_BATCH:
            data = canonical(data)
        # After equal sequences are one, or sums would differ in the last bit.
        return self._apply_class_weight(data)

    def _prepare_validation(self, X_val, y_val, sample_weight_val, *, dtype):
        """Data like :meth:`_prepare` and :meth:`_ready` for validation."""
        try:
            data = self._prepare(
                X_val,
                y_val,
                sample_weight_val,
                per_step=self.return_sequences,
                known=True,
                dtype=dtype,
            )
        except ValueError as error:
            raise ValueError(f"X_val, y_val or sample_weight_val: {error}") from error
        if len(data.y) < 2:
            raise ValueError("X_val and y_val must hold at least 2 targets. Got 1.")
        return self._ready(data)

    def _fitted(self, spec, network, loss, theta, state):
        """The fitted attributes."""
        record, held = state["record"], self.early_stopping
        curve = list(record["loss_curve"])
        return {
            "_spec": spec,
            "_network": network,
            "_loss": loss,
            "_theta": theta,
            "_state": state,
            "n_layers_": len(network.sizes) + 2,
            "out_activation_": loss.activation,
            "loss_curve_": curve,
            "grad_norm_curve_": list(record["grad_norm_curve"]),
            "learning_rate_curve_": list(record["learning_rate_curve"]),
            "n_iter_": len(curve),
            "loss_": curve[-1] if curve else np.nan,
            "solver_result_": state.get("result"),
            "t_": state["descent"]["t"] if "descent" in state else 0,
            "best_loss_": None if held else record["best_loss"],
            "validation_loss_curve_": (
                list(record["validation_loss_curve"]) if held else None
            ),
            "validation_scores_": list(record["validation_scores"]) if held else None,
            "best_validation_score_": record["best_score"] if held else None,
        }

    def _make_spec(self):
        """Parameters that say which network and loss it is, as plain values."""
        spec = {name: getattr(self, name) for name in self._of_network + self._of_loss}
        # A cell may be changed after fit by who gave it.
        return spec | {
            "hidden_layer_sizes": hidden_sizes(self),
            "cell": deepcopy(self.cell),
        }

    def _make_network(self, spec):
        return Stack(
            make_cell(spec["cell"], spec["activation"]),
            1 if self._univariate else self.n_features_in_,
            spec["hidden_layer_sizes"],
            self.n_outputs_,
            spec["bidirectional"],
            None if spec["return_sequences"] else spec["readout"],
            self.dropout,
        )

    def _check_same_network(self, spec):
        for name in self._of_network:
            value, before = spec[name], self._spec[name]
            if name == "readout" and spec["return_sequences"]:
                continue
            # A cell may be given by name or as an instance.
            same = value == before or (
                name == "cell"
                and same_cell(make_cell(value, spec["activation"]), self._network.cell)
            )
            if not same:
                raise ValueError(
                    "Training goes on from the last call with the same network only, but "
                    f"{name} was {before!r} and is {value!r}."
                )

    # What is stored is plain, whatever becomes of the classes of network and loss.

    def __getstate__(self):
        state = dict(super().__getstate__())
        for name in ("_network", "_loss"):
            state.pop(name, None)
        return state

    def __setstate__(self, state):
        super().__setstate__(state)
        if "_theta" in state:
            self._network = self._make_network(self._spec)
            self._loss = self._make_loss(self._spec)

    # Prediction.

    @property
    def weights_(self):
        """Read-only weights, by name.

        ``layers.{k}.{forward|backward}.W`` of shape (n_in, n_gates * n_hidden), ``.R``
        (n_hidden, n_gates * n_hidden), ``.b`` (n_gates * n_hidden,), for the GRU also
        ``.b_n`` (n_hidden,), then ``output.W`` and ``output.b``. Gates stand in the order
        i, f, g, o (LSTM) and r, z, n (GRU).
        """
        check_is_fitted(self)
        theta = self._theta.view()
        theta.flags.writeable = False
        return MappingProxyType(self._network.layout.views(theta))

    def _raw(self, X):
        """Raw outputs, and the sequences they belong to."""
        check_is_fitted(self)
        sequences = check_sequences(self, X, reset=False)
        small = len(sequences.steps) < SMALL
        limit = nullcontext() if small else one_blas_thread()
        with limit, parallel_map(self.n_jobs) as map_parts:
            raw = raw_outputs(self._network, self._theta, sequences, map_parts)
        return raw, sequences

    def _arrange(self, values, sequences):
        """Values a sequence as they are, values a step in the form of X."""
        return sequences.unstack(values) if self._network.readout is None else values

    def predict(self, X):
        """Predict targets of sequences.

        Parameters
        ----------
        X : array-like of shape (n_sequences, n_steps, n_features) or \
                (n_sequences, n_steps), or list of arrays of shape (n_steps, n_features)
            Sequences, of the kind met in fit.

        Returns
        -------
        y : ndarray of shape (n_sequences,) or (n_sequences, n_outputs)
            Predicted targets. With ``return_sequences=True``, an array (n_sequences,
            n_steps, ...) if X is an array, with NaN where X is padding; else an object
            array of arrays of shape (n_steps, ...).
        """
        raw, sequences = self._raw(X)
        return self._arrange(self._decode(raw), sequences)

    def score(self, X, y, sample_weight=None):
        """Score predictions: accuracy of a classifier, R^2 of a regressor.

        Parameters
        ----------
        X : array-like of shape (n_sequences, n_steps, n_features) or \
                (n_sequences, n_steps), or list of arrays of shape (n_steps, n_features)
            Sequences, of the kind met in fit.
        y : array-like
            True targets, as in fit. With ``return_sequences=True`` the score is taken
            over all steps that are not padding.
        sample_weight : array-like of shape (n_sequences,), default=None
            Weights, as in fit.

        Returns
        -------
        score : float
        """
        raw, sequences = self._raw(X)
        per_step = self._network.readout is None
        y = check_targets(self, y, sequences, per_step)
        weights = check_weights(sample_weight, sequences, per_step)
        return float(self._metric(y, self._decode(raw), sample_weight=weights))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags
