"""The gated recurrent unit of Cho et al."""

import numpy as np

from ._activations import logistic
from ._base import Cell, check_chrono, chrono_biases


class GRUCell(Cell):
    r"""The gated recurrent unit (Cho et al., 2014).

    With the blocks r, z, n of W, R and b, and a separate bias b_n on the recurrent
    side:

    .. math::

        r &= \sigma(x_t W_r + b_r + h_{t-1} R_r) \\
        z &= \sigma(x_t W_z + b_z + h_{t-1} R_z) \\
        n &= \tanh(x_t W_n + b[n] + r \odot (h_{t-1} R_n + b_n)) \\
        h_t &= (1 - z) \odot n + z \odot h_{t-1}

    With ``reset_after=False``, the reset gate is applied before the product, and there is
    no b_n:

    .. math::

        n = \tanh(x_t W_n + b[n] + (r \odot h_{t-1}) R_n)

    Parameters
    ----------
    reset_after : bool, default=True
        Whether the reset gate is applied after the product with R, as in cuDNN, PyTorch and
        Keras, or before it, as in the final version of the paper.
    chrono : float, default=None
        The length in steps of the longest expected dependency, :math:`T_{\max}`, at least
        2. The bias of the update gate z, which keeps the state, is then initialised to
        :math:`\log \mathcal{U}(1, T_{\max} - 1)` in each unit, so that the units remember
        for up to that many steps (Tallec & Ollivier, 2018). None initialises it to zero.

    Raises
    ------
    ValueError
        If a parameter has an invalid value.

    References
    ----------
    Cho, K. et al. (2014). Learning phrase representations using RNN encoder-decoder for
    statistical machine translation. EMNLP. arXiv:1406.1078, equations 5 to 8; the reset
    gate is after the product in version 1 of that paper, and before it in version 3.

    Tallec, C. & Ollivier, Y. (2018). Can recurrent neural networks warp time? ICLR.
    arXiv:1804.11188.

    Examples
    --------
    >>> from skbptt import RNNRegressor
    >>> from skbptt.cells import GRUCell
    >>> RNNRegressor(cell=GRUCell())
    RNNRegressor(cell=GRUCell())
    >>> RNNRegressor(cell=GRUCell(reset_after=False, chrono=500))
    RNNRegressor(cell=GRUCell(reset_after=False, chrono=500))
    """

    gates = ("r", "z", "n")
    # Also of models that were stored when there were no parameters.
    reset_after = True
    chrono = None

    def __init__(self, reset_after=True, chrono=None):
        if not isinstance(reset_after, (bool, np.bool_)):
            raise ValueError(f"reset_after must be True or False. Got {reset_after!r}.")
        check_chrono(chrono)
        self.reset_after, self.chrono = bool(reset_after), chrono

    @property
    def vectors(self):  # type: ignore[override]
        return ("b_n",) if self.reset_after else ()

    @property
    def late_gate(self):  # type: ignore[override]
        return not self.reset_after

    @property
    def _compiled(self) -> str:
        return "gru" if self.reset_after else "gru_reset_before"

    def initialise(self, p, rng):
        super().initialise(p, rng)
        if self.chrono is not None:
            n = len(p["R"])
            p["b"][n : 2 * n] = chrono_biases(self.chrono, rng, n)

    def step(self, a, u, state, p):
        (h,) = state
        r, z = logistic(a[:2] + u[:2])
        if self.reset_after:
            m = u[2] + p["b_n"]
            n = np.tanh(a[2] + r * m)
        else:
            m = r * h
            n = np.tanh(a[2] + m @ self.late_R(p))
        return (n + z * (h - n),), (r, z, n, m, h)

    def late_input(self, tape):
        return tape[3]

    def step_back(self, d_state, tape, p):
        r, z, n, m, h = tape
        (dh,) = d_state
        da = np.empty((3, *dh.shape), dh.dtype)
        da[2] = dh * (1 - z) * (1 - n * n)
        da[1] = dh * (h - n) * z * (1 - z)
        if not self.reset_after:
            dm = da[2] @ self.late_R(p).T
            da[0] = dm * h * r * (1 - r)
            return da, da, (dh * z + dm * r,), {}
        da[0] = da[2] * m * r * (1 - r)
        du = da.copy()
        du[2] *= r
        return da, du, (dh * z,), {"b_n": du[2].sum(axis=0)}

    def gate_values(self, tape):
        return dict(zip(self.gates, tape))
