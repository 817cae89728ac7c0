"""The simple recurrent network of Elman."""

import numpy as np

from ._activations import ACTIVATIONS, DERIVATIVES
from ._base import Cell


class ElmanCell(Cell):
    """The simple recurrence of Elman (1990).

    .. math:: h_t = g_1(x_t W + b + h_{t-1} R)

    Parameters
    ----------
    activation : {"tanh", "relu", "logistic", "identity"}, default="tanh"
        The function g_1.

    References
    ----------
    Elman, J. L. (1990). Finding structure in time. Cognitive Science 14(2), 179-211.

    Examples
    --------
    >>> from skbptt import RNNRegressor
    >>> from skbptt.cells import ElmanCell
    >>> RNNRegressor(cell=ElmanCell("relu"))
    RNNRegressor(cell=ElmanCell('relu'))
    """

    gates = ("h",)

    def __init__(self, activation="tanh"):
        if activation not in ACTIVATIONS:
            raise ValueError(
                f"activation must be one of {sorted(ACTIVATIONS)}. Got {activation!r}."
            )
        self.activation = activation

    @property
    def _compiled(self) -> str:
        return self.activation

    def step(self, a, u, state, p):
        (h,) = ACTIVATIONS[self.activation](a + u)
        return (h,), h

    def step_back(self, d_state, h, p):
        (dh,) = d_state
        da = (dh * DERIVATIVES[self.activation](h))[np.newaxis]
        return da, da, (0,), {}

    def __repr__(self):
        return f"ElmanCell({self.activation!r})"
