"""Small data and small models, for the tests of training."""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skbptt import RNNClassifier, RNNRegressor

rng = np.random.RandomState(0)
LENGTHS = rng.randint(2, 9, 40)
X = [rng.standard_normal((n, 2)) for n in LENGTHS]
Y = np.array([x[:, 0].sum() for x in X])
LABELS = np.where(Y > 1, "high", np.where(Y < -1, "low", "mid"))
Y_STEPS = [np.cumsum(x[:, 0]) for x in X]

SCHEDULES = ["one_cycle", "constant", "invscaling", "adaptive"]


def regressor(**options):
    defaults = {"hidden_layer_sizes": 4, "max_iter": 6, "random_state": 0}
    return RNNRegressor(**defaults | options)


def classifier(**options):
    defaults = {"hidden_layer_sizes": 4, "max_iter": 6, "random_state": 0}
    return RNNClassifier(**defaults | options)


def quietly(call, *args, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return call(*args, **kwargs)


def assert_same_model(a, b, curve=True):
    for name, value in a.weights_.items():
        np.testing.assert_array_equal(value, b.weights_[name], err_msg=name)
    if curve:
        assert a.loss_curve_ == b.loss_curve_


def weighted_data(model, y, weights=None):
    per_step = model.return_sequences
    return model._apply_class_weight(
        model._prepare(X, y, weights, per_step=per_step, known=True)
    )
