"""Elementwise functions, and their derivatives from their own values.

All are analytic or branch on real parts only, so that they also run on complex numbers
(see the complex step in the tests).
"""

from collections.abc import Callable

import numpy as np


def identity(x):
    return x


def tanh(x):
    return np.tanh(x)


def logistic(x):
    # Several times as fast as 1 / (1 + exp(-x)), and it cannot overflow.
    return 0.5 * np.tanh(0.5 * x) + 0.5


def relu(x):
    return np.where(x.real <= 0, 0, x)  # NaN is handed on


ACTIVATIONS = {"identity": identity, "tanh": tanh, "logistic": logistic, "relu": relu}

# dy/dx as a function of y.
DERIVATIVES: dict[str, Callable] = {
    "identity": np.ones_like,
    "tanh": lambda y: 1 - y * y,
    "logistic": lambda y: y * (1 - y),
    "relu": lambda y: (y.real > 0).astype(y.dtype),
}
