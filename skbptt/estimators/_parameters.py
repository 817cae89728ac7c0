"""What the parameters of the estimators may be, and what they stand for."""

from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.metrics import get_scorer_names
from sklearn.utils._param_validation import Interval, Options, StrOptions

from .. import solvers
from ..cells import Cell, ElmanCell, GRUCell, LEMCell, LSTMCell
from ..cells._activations import ACTIVATIONS
from ..loops import READOUTS

CELLS = {"rnn": ElmanCell, "gru": GRUCell, "lem": LEMCell, "lstm": LSTMCell}

CONSTRAINTS: dict = {
    "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
    "cell": [StrOptions(set(CELLS)), Cell],
    "activation": [StrOptions(set(ACTIVATIONS))],
    "bidirectional": ["boolean"],
    "readout": [StrOptions(set(READOUTS))],
    "return_sequences": ["boolean"],
    "dropout": [Interval(Real, 0, 1, closed="left")],
    "categorical_features": ["array-like", StrOptions({"from_dtype"}), None],
    "embedding_dim": [
        "array-like",
        Interval(Integral, 1, None, closed="left"),
        StrOptions({"auto"}),
    ],
    "initial_state": [StrOptions({"zeros", "learned"})],
    "solver": [StrOptions(set(solvers.SOLVERS))],
    "alpha": [Interval(Real, 0, None, closed="left"), StrOptions({"auto"})],
    "max_grad_norm": [Interval(Real, 0, None, closed="neither"), None],
    "truncation": [Interval(Integral, 1, None, closed="left"), "array-like", None],
    "n_jobs": [
        Interval(Integral, None, -1, closed="right"),
        Interval(Integral, 1, None, closed="left"),
        None,
    ],
    "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    "learning_rate": [StrOptions({"auto", *solvers.SCHEDULES})],
    "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
    "power_t": [Interval(Real, 0, None, closed="left")],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "shuffle": ["boolean"],
    "random_state": ["random_state"],
    "tol": [Interval(Real, 0, None, closed="left")],
    "verbose": ["verbose"],
    "warm_start": ["boolean"],
    "frozen": ["array-like", None],
    "momentum": [Interval(Real, 0, 1, closed="left")],
    "nesterovs_momentum": ["boolean"],
    "early_stopping": ["boolean"],
    "scoring": [StrOptions({"loss", *get_scorer_names()}), callable, None],
    "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
    "beta_1": [Interval(Real, 0, 1, closed="left")],
    "beta_2": [Interval(Real, 0, 1, closed="left")],
    "epsilon": [Interval(Real, 0, None, closed="neither")],
    "n_iter_no_change": [
        Interval(Integral, 1, None, closed="left"),
        Options(Real, {np.inf}),
    ],
    "max_fun": [Interval(Integral, 1, None, closed="left")],
}


def check_parameters(estimator):
    """Raise ValueError for a parameter, or two together, that are not allowed."""
    estimator._validate_params()
    hidden_sizes(estimator)
    cell = make_cell(estimator.cell, estimator.activation)
    if not cell.gates or {"W", "R", "b"} & set(cell.vectors):
        raise ValueError(
            "cell must name one or more gates, and vectors other than W, R and b. Got "
            f"{cell!r} with gates={cell.gates} and vectors={cell.vectors}."
        )
    if estimator.cell != "rnn" and estimator.activation != "tanh":
        raise ValueError(
            f"activation={estimator.activation!r} needs cell='rnn': the gated cells keep "
            f"theirs, and an ElmanCell has its own. Got cell={estimator.cell!r}."
        )
    window = window_of(estimator.truncation)
    if window is not None and not (
        len(window) == 2
        and all(isinstance(k, Integral) for k in window)
        and 1 <= window[0] <= window[1]
    ):
        raise ValueError(
            "truncation must be None, an int k of at least 1, or a tuple (k1, k2) of ints "
            f"with 1 <= k1 <= k2. Got {estimator.truncation!r}."
        )
    name, batches = estimator.solver, estimator.batch_size != "auto"
    for parameter, value, used, trait, why in (
        ("batch_size", "auto", batches, "by_batches", "data at once"),
        ("truncation", None, window is not None, "takes_estimates", "exact gradients"),
        ("dropout", 0, estimator.dropout > 0, "takes_estimates", "exact gradients"),
    ):
        if used and not getattr(solvers.SOLVERS[name], trait):
            raise ValueError(
                f"{parameter}={getattr(estimator, parameter)!r} needs one of the solvers "
                f"{solvers.names_with(trait)}, but solver={name!r} needs {why}. Leave "
                f"{parameter} at {value!r}."
            )


def hidden_sizes(estimator):
    """The parameter ``hidden_layer_sizes`` as a list of int."""
    given = estimator.hidden_layer_sizes
    sizes = [given] if isinstance(given, Integral) else list(given)
    if not sizes or any(
        not isinstance(n, Integral) or isinstance(n, bool) or n < 1 for n in sizes
    ):
        raise ValueError(
            "hidden_layer_sizes must be an int, or a tuple of one or more ints, of at "
            f"least 1. Got {given!r}."
        )
    return [int(n) for n in sizes]


def embedding_dims(given, n_categories):
    """The parameter ``embedding_dim``: a length for the vectors of each feature."""
    if isinstance(given, str):
        return [automatic_dim(n) for n in n_categories]
    dims = [given] * len(n_categories) if isinstance(given, Integral) else list(given)
    whole = all(isinstance(d, Integral) and not isinstance(d, bool) for d in dims)
    if len(dims) != len(n_categories) or not whole or any(d < 1 for d in dims):
        raise ValueError(
            "embedding_dim must be 'auto', an int of at least 1, or one for each of the "
            f"{len(n_categories)} categorical features. Got {given!r}."
        )
    return [int(d) for d in dims]


def automatic_dim(n_categories):
    """Length of the embedding vectors for a number of categories."""
    return min(64, -(-n_categories // 2))


def window_of(truncation):
    """The parameter ``truncation`` as (k1, k2) or None."""
    if isinstance(truncation, Integral):
        return truncation, truncation
    return None if truncation is None else tuple(truncation)


def make_cell(cell, activation):
    """The Cell that the parameters stand for."""
    if isinstance(cell, Cell):
        return cell
    return ElmanCell(activation) if cell == "rnn" else CELLS[cell]()


def same_cell(one, other):
    """Whether two cells are of one class, and have equal parameters."""
    # A cell that was stored when its class had no parameters has those of the class.
    names = vars(one).keys() | vars(other).keys()
    missing: Any = object()
    return type(one) is type(other) and all(
        np.array_equal(getattr(one, name, missing), getattr(other, name, missing))
        for name in names
    )
