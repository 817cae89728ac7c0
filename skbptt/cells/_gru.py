"""The gated recurrent unit of Cho et al."""

import numpy as np

from ._activations import logistic
from ._base import Cell


class GRUCell(Cell):
    r"""The gated recurrent unit (Cho et al., 2014), reset gate after the product.

    With the blocks r, z, n of W, R and b, and a bias b_n of its own on the recurrent
    side:

    .. math::

        r &= \sigma(x_t W_r + b_r + h_{t-1} R_r) \\
        z &= \sigma(x_t W_z + b_z + h_{t-1} R_z) \\
        n &= \tanh(x_t W_n + b[n] + r \odot (h_{t-1} R_n + b_n)) \\
        h_t &= (1 - z) \odot n + z \odot h_{t-1}

    References
    ----------
    Cho, K. et al. (2014). Learning phrase representations using RNN encoder-decoder for
    statistical machine translation. EMNLP. arXiv:1406.1078, equations 5 to 8; the reset
    gate stands after the product as in version 1 of that paper and in cuDNN.

    Examples
    --------
    >>> from skbptt import RNNRegressor
    >>> from skbptt.cells import GRUCell
    >>> RNNRegressor(cell=GRUCell())
    RNNRegressor(cell=GRUCell())
    """

    gates = ("r", "z", "n")
    vectors = ("b_n",)
    _compiled = "gru"

    def step(self, a, u, state, p):
        (h,) = state
        r, z = logistic(a[:2] + u[:2])
        m = u[2] + p["b_n"]
        n = np.tanh(a[2] + r * m)
        return (n + z * (h - n),), (r, z, n, m, h)

    def step_back(self, d_state, tape, p):
        r, z, n, m, h = tape
        (dh,) = d_state
        da = np.empty((3, *dh.shape), dh.dtype)
        da[2] = dh * (1 - z) * (1 - n * n)
        da[1] = dh * (h - n) * z * (1 - z)
        da[0] = da[2] * m * r * (1 - r)
        du = da.copy()
        du[2] *= r
        return da, du, (dh * z,), {"b_n": du[2].sum(axis=0)}

    def gate_values(self, tape):
        return dict(zip(self.gates, tape))
