"""The long short-term memory of Hochreiter and Schmidhuber."""

import numpy as np

from ._activations import logistic
from ._base import Cell, check_chrono, chrono_biases


class LSTMCell(Cell):
    r"""Long short-term memory (Hochreiter & Schmidhuber, 1997) with a forget gate.

    With the blocks i, f, g, o of W, R and b:

    .. math::

        i, f, o &= \sigma(x_t W_{i,f,o} + b_{i,f,o} + h_{t-1} R_{i,f,o}) \\
        g &= \tanh(x_t W_g + b_g + h_{t-1} R_g) \\
        c_t &= f \odot c_{t-1} + i \odot g \\
        h_t &= o \odot \tanh(c_t)

    The forget gate's bias is initialised to 1 (Jozefowicz, Zaremba & Sutskever, 2015).

    Parameters
    ----------
    chrono : float, default=None
        The length in steps of the longest expected dependency, :math:`T_{\max}`, at least
        2. The biases are then initialised to
        :math:`b_f \sim \log \mathcal{U}(1, T_{\max} - 1)` and :math:`b_i = -b_f` in each
        unit, so that the units remember for up to that many steps (Tallec & Ollivier,
        2018).

    Raises
    ------
    ValueError
        If chrono is neither None nor a finite number of at least 2.

    References
    ----------
    Hochreiter, S. & Schmidhuber, J. (1997). Long short-term memory. Neural Computation
    9(8), 1735-1780.

    Gers, F. A., Schmidhuber, J. & Cummins, F. (2000). Learning to forget: continual
    prediction with LSTM. Neural Computation 12(10), 2451-2471.

    Tallec, C. & Ollivier, Y. (2018). Can recurrent neural networks warp time? ICLR.
    arXiv:1804.11188.

    Examples
    --------
    >>> from skbptt import RNNRegressor
    >>> from skbptt.cells import LSTMCell
    >>> RNNRegressor(cell=LSTMCell())
    RNNRegressor(cell=LSTMCell())
    >>> RNNRegressor(cell=LSTMCell(chrono=500))
    RNNRegressor(cell=LSTMCell(chrono=500))
    """

    gates = ("i", "f", "g", "o")
    states = ("h", "c")
    initial_bias = {"f": 1.0}
    chrono = None  # also of models that were stored when there was no such parameter
    _compiled = "lstm"

    def __init__(self, chrono=None):
        check_chrono(chrono)
        self.chrono = chrono

    def initialise(self, p, rng):
        super().initialise(p, rng)
        if self.chrono is not None:
            n = len(p["R"])
            keep = chrono_biases(self.chrono, rng, n)
            p["b"][:n], p["b"][n : 2 * n] = -keep, keep

    def step(self, a, u, state, p):
        _, c_prev = state
        a = a + u
        i, f = logistic(a[:2])
        g = np.tanh(a[2])
        o = logistic(a[3])
        c = f * c_prev + i * g
        k = np.tanh(c)
        return (o * k, c), (i, f, g, o, c_prev, k)

    def step_back(self, d_state, tape, p):
        i, f, g, o, c_prev, k = tape
        dh, dc = d_state
        dc = dc + dh * o * (1 - k * k)
        da = np.empty((4, *dh.shape), dh.dtype)
        da[0] = dc * g * i * (1 - i)
        da[1] = dc * c_prev * f * (1 - f)
        da[2] = dc * i * (1 - g * g)
        da[3] = dh * k * o * (1 - o)
        return da, da, (0, dc * f), {}

    def gate_values(self, tape):
        return dict(zip(self.gates, tape))
