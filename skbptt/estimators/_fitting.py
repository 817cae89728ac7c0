"""From data to the fitted attributes of an estimator."""

from abc import ABC, abstractmethod
from copy import copy, deepcopy
from inspect import signature
from numbers import Integral
from types import SimpleNamespace

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from .. import solvers
from .._warn import warn
from ..data import (
    canonical,
    check_sequences,
    drop_weightless,
    fingerprint,
    names_of,
)
from ..losses import Units, units_of
from ..network import Stack
from ..training import (
    FEW,
    TOO_FEW,
    Frozen,
    Run,
    diagnose,
    far_from_unit_scale,
    hold_back,
    train,
)
from ._parameters import embedding_dims, hidden_sizes, make_cell, same_cell, window_of

# Least number of targets from which a first call estimates the spread of all targets.
TYPICAL = 30


class Fitting(BaseEstimator, ABC):
    """The part of an estimator that prepares data, trains, stores and resumes."""

    # Parameters that say which network it is, and which loss.
    _of_network: tuple[str, ...] = (
        "hidden_layer_sizes",
        "cell",
        "activation",
        "bidirectional",
        "embedding_dim",
        "initial_state",
    )
    _of_loss: tuple[str, ...] = ()

    n_outputs_: int
    classes_: np.ndarray

    # What the subclasses say.

    @abstractmethod
    def _with_targets(
        self, sequences, y, sample_weight, *, per_step, known, incremental, classes
    ):
        """Data with validated and encoded targets, and their weights.

        Sets ``n_outputs_``, ``classes_`` and such, if not ``known``.
        """

    @abstractmethod
    def _readout_of(self, spec):
        """The readout of the network, or None for an output at each step."""

    @abstractmethod
    def _make_loss(self, spec):
        """The loss, once y is encoded."""

    @abstractmethod
    def _decode_targets(self, y):
        """Targets in the form of predictions, from encoded ones."""

    @abstractmethod
    def _automatic_alpha(self):
        """The strength of L2 with ``alpha="auto"``."""

    @property
    def _strength(self):
        """The strength of L2."""
        return self._automatic_alpha() if self.alpha == "auto" else self.alpha

    # What some subclasses have.

    def _check_encoded(self, data):
        """Refuse encoded targets that cannot be learned from."""

    def _apply_class_weight(self, data):
        """The data with their weights multiplied by those of the classes."""
        return data

    def _strata(self, data):
        """Classes by which to hold back sequences, or None."""
        return None

    # Training.

    def _train(self, X, y, sample_weight, own, iterations):
        """Train, with ``warm_start`` from where the last call ended.

        ``own`` is validation data or None. ``iterations`` reports each iteration to
        callbacks.
        """
        known = self.warm_start and hasattr(self, "_theta")
        spec = self._make_spec()
        data = self._read(X, y, sample_weight, spec, known=known)
        self._check_encoded(data)
        self._check_scale(data.sequences)
        held = None
        if own is not None:
            held = self._prepare_validation(*own, dtype=data.sequences.steps.dtype)
        run = self._make_run(spec, data, held, known)

        def attributes(theta):
            return self._fitted(run, theta, solvers.copied(run.state))

        outcome = train(self, run, iterations.begin(run.theta, attributes))
        self._store(run, outcome, diagnose(self, run, outcome))

    def _train_epoch(self, X, y, sample_weight, classes):
        """Train for one epoch on a part of the data, from where the last call ended."""
        known = hasattr(self, "_theta")
        spec = self._make_spec()
        data = self._read(
            X, y, sample_weight, spec, known=known, incremental=True, classes=classes
        )
        run = self._make_run(spec, data, None, known, incremental=True)
        self._store(run, train(self, run, one_epoch=True))

    def _read(self, X, y, sample_weight, spec, **how):
        """Training data that are ready for a solver; ``how`` as in :meth:`_prepare`."""
        if how["known"]:
            self._check_same_network(spec)
        per_step = self.return_sequences
        data = self._prepare(X, y, sample_weight, per_step=per_step, **how)
        if data.sequences.padded:
            self._equally_long = False  # also if training is resumed
        data = drop_weightless(data)
        if not how["known"]:
            data = self._without_unused_categories(data)
        return self._ready(data)

    def _hold_back(self, data, state):
        """Split into training and validation data."""
        strata = self._strata(data)
        data, held = hold_back(data, self.validation_fraction, state["split"], strata)
        if len(held.y) < FEW:
            warn(TOO_FEW, UserWarning)
        return data, held

    def _make_run(self, spec, data, held, known, incremental=False):
        """What to train, from new weights unless the network is ``known``.

        The network learns in units of the targets' spread, and users get it in their own.
        """
        network, loss = self._make_network(spec), self._make_loss(spec)
        state = self._resumed_state() if known else self._new_state()
        if not incremental:
            self._note_data(state, data, held)
        if self.early_stopping and held is None:
            data, held = self._hold_back(data, state)
        if known:
            units = self._units
            data = units.standardise(data)
            theta = state["theta"] if units.state() else self._theta
        else:
            typical = not incremental or len(data.y) >= TYPICAL
            units = loss.units(data.y, data.weights) if typical else Units()
            state["units"] = units.state()
            data = units.standardise(data)
            theta = starting_weights(network, loss, data, state["rng"])
        alpha, window = self._strength, window_of(self.truncation)
        before = self._theta if known else units.restore(theta, network.layout)
        frozen = Frozen(self.frozen, network.layout, theta, before)
        return Run(
            spec, network, loss, units, data, held, alpha, window, theta, state, frozen
        )

    def _store(self, run, outcome, found=None):
        """Warn of what went wrong, and set the fitted attributes."""
        for problem in filter(None, (outcome.message, found)):
            warn(problem, ConvergenceWarning)
        self.__dict__.update(self._fitted(run, outcome.theta, run.state))

    def _check_scale(self, sequences):
        names = None if self._univariate else getattr(self, "feature_names_in_", None)
        problem = far_from_unit_scale(sequences, names, self.is_categorical_)
        if problem:
            warn(problem, UserWarning)

    def _without_unused_categories(self, data):
        """The data with codes of the categories that they hold; sets ``categories_``."""
        if self.is_categorical_ is None:
            return data
        sequences = data.sequences
        columns = np.flatnonzero(self.is_categorical_)
        steps = sequences.steps[sequences.rows_of(np.arange(len(sequences)))]
        for k, (column, categories) in enumerate(zip(columns, self.categories_)):
            used, codes = np.unique(steps[:, column].astype(int), return_inverse=True)
            self.categories_[k], steps[:, column] = categories[used], codes
        return data.with_steps(steps)

    def _new_state(self):
        """The state that training resumes from, besides the weights, as plain values.

        Later also the "solver", its "descent" and "result", a fingerprint of the "data",
        the "units" of the targets and, where these differ from those of the user, the
        weights "theta" in them.
        """
        rng = check_random_state(self.random_state)
        seed = rng.randint(np.iinfo(np.int32).max)
        if isinstance(self.random_state, Integral):
            rng.seed(seed)  # nobody else has it, and a new one takes 50 times as long
        else:
            rng = np.random.RandomState(seed)
        split = rng.randint(np.iinfo(np.int32).max)
        return {"rng": rng, "split": split, "record": solvers.new_record()}

    def _resumed_state(self):
        """A copy of the state of the last call."""
        state = solvers.copied(self._state)
        # An earlier version may have recorded less.
        state["record"] = solvers.new_record() | state["record"]
        return {"units": None} | state

    def _note_data(self, state, data, held):
        """Count improvements anew if the data are not those of the last call."""
        seen = fingerprint(data) + (fingerprint(held) if held else b"")
        if seen != state.get("data"):
            state["record"] |= solvers.NOTHING_YET
        state["data"] = seen

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
        """Validated and encoded Data; sets what describes X and y if not ``known``.

        ``incremental`` data are a part of all, and may lack classes.
        """
        return self._with_targets(
            check_sequences(self, X, reset=not known, dtype=dtype),
            y,
            sample_weight,
            per_step=per_step,
            known=known,
            incremental=incremental,
            classes=classes,
        )

    def _ready(self, data):
        """Data in a canonical order, with class weights applied."""
        if self.shuffle or not solvers.SOLVERS[self.solver].by_batches:
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
                incremental=True,
                dtype=dtype,
            )
        except ValueError as error:
            raise ValueError(f"X_val, y_val or sample_weight_val: {error}") from error
        data = drop_weightless(data)
        if len(data.y) < 2:
            raise ValueError("X_val and y_val must hold at least 2 targets. Got 1.")
        data = self._ready(data)
        # Steps are stacked in the order of the sequences, as outputs at each step will be.
        return data.take(np.arange(len(data.sequences)))

    def _fitted(self, run, theta, state):
        """The fitted attributes, in the units of the user."""
        record, held, units = state["record"], self.early_stopping, run.units
        if state["units"]:
            state = state | {"theta": theta.copy()}
        result = state.get("result")
        if result:
            result = result | {"fun": units.restore_value(result["fun"])}
        curve, validation_curve = (
            [units.restore_value(loss) for loss in record[name]]
            for name in ("loss_curve", "validation_loss_curve")
        )
        scores, best_score = record["validation_scores"], record["best_score"]
        if self.scoring == "loss":
            scores = [units.restore_score(score) for score in scores]
            best_score = units.restore_score(best_score)
        return {
            **self._model(run, theta),
            "_state": state,
            "n_layers_": len(run.network.sizes) + 2,
            "out_activation_": run.loss.activation,
            "loss_curve_": curve,
            "grad_norm_curve_": list(record["grad_norm_curve"]),
            "learning_rate_curve_": list(record["learning_rate_curve"]),
            "n_iter_": len(curve),
            "loss_": curve[-1] if curve else np.nan,
            "solver_result_": result,
            "t_": state["descent"]["t"] if "descent" in state else 0,
            "best_loss_": None if held else units.restore_value(record["best_loss"]),
            "validation_loss_curve_": validation_curve if held else None,
            "validation_scores_": list(scores) if held else None,
            "best_validation_score_": best_score if held else None,
        }

    def _model(self, run, theta):
        """The attributes that predictions need."""
        return {
            "_spec": run.spec,
            "_network": run.network,
            "_units": run.units,
            "_loss": run.units.restore_loss(run.loss),
            "_theta": run.frozen.keep(run.units.restore(theta, run.network.layout)),
        }

    def _begun(self, weights):
        """A copy with the weights given by name, from which its training starts anew."""
        other, network, units = copy(self), self._network, self._units
        shapes = network.layout.shapes
        missing, unknown = sorted({*shapes} - {*weights}), sorted({*weights} - {*shapes})
        if missing or unknown:
            raise ValueError(
                "The weights must have the names of weights_. "
                f"Missing: {missing}. Unknown: {unknown}."
            )
        theta = np.empty(network.layout.size, np.result_type(*weights.values()))
        for name, view in network.layout.views(theta).items():
            if np.shape(weights[name]) != view.shape:
                of = f", with readout={network.readout!r}" if name == "output.W" else ""
                raise ValueError(
                    f"{name} must have the shape {view.shape}{of}. Got "
                    f"{np.shape(weights[name])}."
                )
            view[:] = weights[name]
            if not np.isfinite(view).all():
                raise ValueError(f"{name} contains NaN or infinity.")
        state = self._new_state() | {"units": units.state()}
        loss = self._make_loss(self._spec)
        trained = units.unrestore(theta, network.layout)
        frozen = Frozen(None, network.layout, trained, theta)
        run = SimpleNamespace(
            spec=self._spec, network=network, units=units, loss=loss, frozen=frozen
        )
        other.__dict__.update(self._fitted(run, trained, state))
        other._theta = theta  # without the rounding of the way there and back
        return other

    def _view(self, run, theta):
        """A copy of the estimator with other weights, for scorers; X has no names there."""
        view = copy(self)
        view.__dict__.update(self._model(run, theta))
        view.__dict__.pop("feature_names_in_", None)
        view._univariate, view._tokens, view.is_categorical_ = False, False, None
        return view

    def _make_spec(self):
        """Parameters that say which network and loss it is, as plain values."""
        # A cell or list given may be changed after fit.
        names = self._of_network + self._of_loss
        spec = {name: deepcopy(getattr(self, name)) for name in names}
        return spec | {"hidden_layer_sizes": hidden_sizes(self)}

    def _make_network(self, spec):
        return Stack(
            make_cell(spec["cell"], spec["activation"]),
            1 if self._univariate else self.n_features_in_,
            spec["hidden_layer_sizes"],
            self.n_outputs_,
            spec["bidirectional"],
            self._readout_of(spec),
            self.dropout,
            spec["initial_state"] == "learned",
            self._embeddings(spec["embedding_dim"]),
        )

    def _embeddings(self, dim):
        """Column, number of categories and length of the vectors, by feature."""
        n_categories = [len(categories) for categories in self.categories_]
        dims = embedding_dims(dim, n_categories)
        if not dims:
            return {}
        names, columns = names_of(self), np.flatnonzero(self.is_categorical_)
        of_features = zip(columns.tolist(), n_categories, dims)
        return {str(names[column]): (column, n, d) for column, n, d in of_features}

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
                    "Training continues from the last call with the same network only, but "
                    f"{name} was {before!r} and is {value!r}."
                )

    # What is stored is plain, whatever becomes of the classes of network and loss.

    def __getstate__(self):
        state = dict(super().__getstate__())
        for name in ("_network", "_loss", "_units"):
            state.pop(name, None)
        return state

    def __setstate__(self, state):
        # A model of an earlier version lacks the parameters that came later.
        defaults = {p.name: p.default for p in signature(type(self)).parameters.values()}
        super().__setstate__(defaults | state)
        if "_theta" in state:
            later: dict = {"is_categorical_": None, "categories_": [], "_tokens": False}
            of_network = {name: defaults.get(name) for name in self._of_network}
            later["_spec"] = of_network | state["_spec"]
            self.__dict__.update(later | {n: v for n, v in state.items() if n != "_spec"})
            self._network = self._make_network(self._spec)
            self._units = units_of(self._state.get("units"))
            self._loss = self._units.restore_loss(self._make_loss(self._spec))


def starting_weights(network, loss, data, rng):
    """New weights, with which the network predicts the best constant."""
    theta = network.initialise(rng, data.sequences.steps.dtype)
    network.layout.views(theta)["output.b"][:] = loss.start(data.y, data.weights)
    return theta
