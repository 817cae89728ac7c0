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
from ._data import Data, canonical, drop_weightless, fingerprint, hold_back
from ._network import Network
from ._objective import Objective, raw_outputs
from ._parameters import (
    CONSTRAINTS,
    check_parameters,
    hidden_sizes,
    make_cell,
    window_of,
)
from ._threads import one_blas_thread, parallel_map
from ._validation import (
    check_sequences,
    check_targets,
    check_weights,
    unchanged_on_error,
)

# Steps up to which a prediction is over before the threads of BLAS are limited.
SMALL = 1000


def goes_on_by_batches(estimator):
    """Whether there is a ``partial_fit``."""
    if estimator.solver in solvers.FULL_BATCH:
        raise AttributeError(
            f"partial_fit is only available for the solvers {solvers.STOCHASTIC}. "
            f"Got solver={estimator.solver!r}."
        )
    return True


class BaseRNN(BaseEstimator, ABC):
    """Base of :class:`RNNClassifier` and :class:`RNNRegressor`."""

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
    def _make_loss(self):
        """The loss, once y is encoded."""

    @abstractmethod
    def _score_raw(self, raw, data):
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

    def fit(self, X, y, sample_weight=None):
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

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter or an argument is not allowed. The estimator then stays as it
            was.
        """
        with unchanged_on_error(self):
            self._train(X, y, sample_weight, go_on=self.warm_start)
        return self

    def _partial_fit(self, X, y, sample_weight, classes=None):
        with unchanged_on_error(self):
            self._train(X, y, sample_weight, go_on=True, incremental=True, classes=classes)
        return self

    def _train(self, X, y, sample_weight, *, go_on, incremental=False, classes=None):
        """Train from the start, or from where the last call ended if ``go_on``."""
        known = go_on and hasattr(self, "_theta")
        check_parameters(self)
        if incremental and self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True.")
        if known:
            self._check_same_network()
        data = self._prepare(
            X,
            y,
            sample_weight,
            per_step=self.return_sequences,
            known=known,
            incremental=incremental,
            classes=classes,
        )
        if self.shuffle or self.solver in solvers.FULL_BATCH:
            data = canonical(data)
        # After equal sequences are one, or sums would differ in the last bit.
        data = self._apply_class_weight(data)
        if not incremental:
            self._check_encoded(data)
        loss = self._make_loss()

        if known:
            network, theta, state = self._network, self._theta, deepcopy(self._state)
        else:
            network = self._make_network(data)
            seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
            rng = np.random.RandomState(seed)
            # Besides: "solver" and its "descent", the "record" of the monitor, and what
            # tells the "data" of the last fit. All plain, to be stored and resumed.
            state = {"rng": rng, "split": rng.randint(np.iinfo(np.int32).max)}
            theta = network.initialise(rng, data.sequences.steps.dtype)
        if not incremental:
            seen = fingerprint(data)
            if known and seen != state.get("data"):
                state["record"] |= solvers.NOTHING_YET
            state["data"] = seen

        held = None
        if self.early_stopping:
            strata = self._strata(data)
            data, held = hold_back(data, self.validation_fraction, state["split"], strata)
        if not known:
            network.layout.views(theta)["output.b"][:] = loss.start(data.y, data.weights)

        # What overflows is told by the loss, and warned of once.
        quiet = np.errstate(over="ignore", invalid="ignore")
        with one_blas_thread(), parallel_map(self.n_jobs) as map_parts, quiet:
            objective = Objective(
                network,
                loss,
                data,
                self.alpha,
                window_of(self.truncation),
                self.dropout,
                map_parts,
            )
            validate = held and self._validator(network, loss, held, map_parts)
            monitor = solvers.Monitor(
                theta,
                tol=self.tol,
                patience=self.n_iter_no_change if self._stops_on_plateau() else np.inf,
                verbose=self.verbose,
                validate=validate,
                record=state.get("record"),
            )
            theta, problem = self._solve(theta, objective, monitor, state, incremental)
        if problem is not None:
            warnings.warn(problem, ConvergenceWarning, stacklevel=4 if incremental else 3)
        state["record"] = monitor.record
        self._store(network, theta, state, loss)

    def _prepare(
        self, X, y, sample_weight, *, per_step, known, incremental=False, classes=None
    ):
        """Validated and encoded Data; sets what :meth:`_encode` sets if not ``known``."""
        sequences = check_sequences(self, X, reset=not known)
        y = check_targets(self, y, sequences, per_step)
        weights = check_weights(sample_weight, sequences, per_step)
        y = self._encode(y, classes, known, incremental)
        return drop_weightless(Data(sequences, y, weights, per_step))

    def _stops_on_plateau(self):
        """Whether a loss that no longer falls, or a score, ends training.

        A cycle ends by its falling rate: a plateau before means nothing. A full batch
        ends by its gradient.
        """
        descends = self.solver in solvers.STOCHASTIC and self.learning_rate != "one_cycle"
        return self.early_stopping or descends

    def _solve(self, theta, objective, monitor, state, incremental):
        """Run the solver; gives the weights, and what went wrong or None."""
        if self.solver in solvers.FULL_BATCH:
            state["solver"] = self.solver
            return solvers.minimise(
                theta,
                objective.value_and_gradient,
                self.solver,
                monitor,
                max_iter=self.max_iter,
                max_fun=self.max_fun,
                tol=self.tol,
            )
        rule = (
            solvers.Adam(self.beta_1, self.beta_2, self.epsilon)
            if self.solver == "adam"
            else solvers.SGD(self.momentum, self.nesterovs_momentum)
        )
        if state.get("solver") != self.solver:
            state.update(solver=self.solver, descent=solvers.start(theta, rule))
        return solvers.descend(
            theta,
            objective.value_and_gradient,
            objective.value,
            objective.n,
            rule,
            monitor,
            state["descent"],
            state["rng"],
            batch_size=32 if self.batch_size == "auto" else self.batch_size,
            shuffle=self.shuffle,
            learning_rate=self.learning_rate,
            learning_rate_init=self.learning_rate_init,
            power_t=self.power_t,
            max_grad_norm=self.max_grad_norm,
            max_iter=self.max_iter,
            one_epoch=incremental,
        )

    def _store(self, network, theta, state, loss):
        """Set the fitted attributes."""
        record = state["record"]
        self._network = network
        self._theta = theta
        self._state = state
        self._loss = loss
        self._fitted_shape = self._shape()
        self.n_layers_ = len(network.sizes) + 2
        self.out_activation_ = loss.activation
        self.loss_curve_ = list(record["loss_curve"])
        self.n_iter_ = len(self.loss_curve_)
        self.loss_ = self.loss_curve_[-1] if self.loss_curve_ else np.nan
        self.t_ = state["descent"]["t"] if "descent" in state else 0
        held = self.early_stopping
        self.best_loss_ = None if held else record["best_loss"]
        self.validation_loss_curve_ = (
            list(record["validation_loss_curve"]) if held else None
        )
        self.validation_scores_ = list(record["validation_scores"]) if held else None
        self.best_validation_score_ = record["best_score"] if held else None

    def _validator(self, network, loss, data, map_parts):
        """A function from weights to loss and score on ``data``."""

        def validate(theta):
            raw = raw_outputs(network, theta, data.sequences, map_parts)
            if not np.isfinite(loss.predict(raw)).all():
                return np.nan, -np.inf
            values = loss.value(raw, data.y)
            return np.average(values, weights=data.weights), self._score_raw(raw, data)

        return validate

    def _make_network(self, data):
        return Network(
            make_cell(self),
            data.sequences.steps.shape[1],
            hidden_sizes(self),
            self.n_outputs_,
            self.bidirectional,
            None if self.return_sequences else self.readout,
        )

    def _shape(self):
        """The parameters that say which network it is, as plain values."""
        return {
            "hidden_layer_sizes": hidden_sizes(self),
            "cell": repr(make_cell(self)),
            "bidirectional": self.bidirectional,
            "return_sequences": self.return_sequences,
            "readout": self.return_sequences or self.readout,
        }

    def _check_same_network(self):
        for name, value in self._shape().items():
            if value != self._fitted_shape[name]:
                raise ValueError(
                    "Training goes on from the last call with the same network only, but "
                    f"{name} was {self._fitted_shape[name]!r} and is {value!r}."
                )

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
