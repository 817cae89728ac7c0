"""What arguments of forecasts may be."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import clone

from ..estimators import RNNRegressor


def check_coverage(coverage):
    if not isinstance(coverage, Real) or not 0 < float(coverage) < 1:
        raise ValueError(f"coverage must be between 0 and 1. Got {coverage!r}.")


def checked_regressor(given, random_state):
    """The regressor to train, a clone of the one given."""
    if given is None:
        how = {"loss": "gaussian", "return_sequences": True, "alpha": 40.0}
        return RNNRegressor(32, **how, random_state=random_state)
    if not isinstance(given, RNNRegressor):
        raise TypeError(f"regressor must be an RNNRegressor. Got {given!r}.")
    for name, value in {"return_sequences": True, "bidirectional": False}.items():
        if getattr(given, name) != value:
            raise ValueError(
                f"regressor must have {name}={value}. Got {getattr(given, name)!r}."
            )
    if np.ndim(given.quantile):
        raise ValueError(
            "regressor must predict one value for each step. Got several quantiles, "
            f"{given.quantile!r}: with a likelihood as its loss, predict_interval gives "
            "quantiles."
        )
    return clone(given)


def check_distribution(regressor):
    """Refuse a regressor that predicts no distributions."""
    if not hasattr(regressor, "predict_distribution"):
        raise ValueError(
            "Intervals, paths and log-likelihoods need a regressor whose loss is a "
            "likelihood: 'gaussian', 'student_t', 'negative_binomial' or 'poisson'. Got "
            f"{regressor.loss!r}."
        )


def counts(value):
    """Whether a value is a positive integer."""
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) > 0


def positive_integer(name, value):
    if not counts(value):
        raise ValueError(f"{name} must be an integer of at least 1. Got {value!r}.")
    return int(value)


def positive_integers(name, value):
    """The value as a list of integers, which must be positive; none of None."""
    given = () if value is None else value
    values = np.atleast_1d(np.asarray(given, dtype=object))
    if not all(map(counts, values)):
        raise ValueError(f"{name} must be of integers of at least 1. Got {value!r}.")
    return [int(one) for one in values]
