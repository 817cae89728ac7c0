"""The long expressive memory of Rusch et al."""

from numbers import Real

import numpy as np

from ._activations import logistic
from ._base import Cell


class LEMCell(Cell):
    r"""Long expressive memory (Rusch et al., 2022).

    Two coupled states move towards new values with learned time steps. With the blocks
    dt_z, dt_h, g_z, g_h of W, R and b:

    .. math::

        \Delta t_t &= \Delta t \, \sigma(x_t W_{dt_z} + b_{dt_z} + h_{t-1} R_{dt_z}) \\
        \overline{\Delta t}_t
            &= \Delta t \, \sigma(x_t W_{dt_h} + b_{dt_h} + h_{t-1} R_{dt_h}) \\
        z_t &= (1 - \Delta t_t) \odot z_{t-1}
            + \Delta t_t \odot \tanh(x_t W_{g_z} + b_{g_z} + h_{t-1} R_{g_z}) \\
        h_t &= (1 - \overline{\Delta t}_t) \odot h_{t-1}
            + \overline{\Delta t}_t \odot \tanh(x_t W_{g_h} + b_{g_h} + z_t R_{g_h})

    h is called y in the paper, and the blocks, in this order, 1, 2, z and y. Unlike the
    recurrent matrices of the other gates, :math:`R_{g_h}` multiplies the new z.

    Parameters
    ----------
    dt : float, default=1.0
        The longest time step, :math:`\Delta t`. The cell remembers for longer if it is
        smaller. Up to 1, all states stay between -1 and 1.

    Raises
    ------
    ValueError
        If dt is not a positive finite number.

    References
    ----------
    Rusch, T. K., Mishra, S., Erichson, N. B. & Mahoney, M. W. (2022). Long expressive
    memory for sequence modeling. ICLR. arXiv:2110.04744, equation 3.

    Examples
    --------
    >>> from skbptt import RNNRegressor
    >>> from skbptt.cells import LEMCell
    >>> RNNRegressor(cell=LEMCell(dt=0.5))
    RNNRegressor(cell=LEMCell(dt=0.5))
    """

    gates = ("dt_z", "dt_h", "g_z", "g_h")
    states = ("h", "z")
    late_gate = True
    _compiled = "lem"

    def __init__(self, dt=1.0):
        if not (isinstance(dt, Real) and 0 < float(dt) < np.inf):
            raise ValueError(f"dt must be a positive finite number. Got {dt!r}.")
        self.dt = dt

    @property
    def _constant(self):
        return self.dt

    def step(self, a, u, state, p):
        h, z_prev = state
        dt_z, dt_h = self.dt * logistic(a[:2] + u[:2])
        g_z = np.tanh(a[2] + u[2])
        z = z_prev + dt_z * (g_z - z_prev)
        g_h = np.tanh(a[3] + z @ self.late_R(p))
        return (h + dt_h * (g_h - h), z), (dt_z, dt_h, g_z, g_h, h, z_prev, z)

    def late_input(self, tape):
        return tape[-1]

    def step_back(self, d_state, tape, p):
        dt_z, dt_h, g_z, g_h, h, z_prev, _ = tape
        dh, dz = d_state
        da = np.empty((4, *dh.shape), dh.dtype)
        da[3] = dh * dt_h * (1 - g_h * g_h)
        da[1] = dh * (g_h - h) * dt_h * (1 - dt_h / self.dt)
        dz = dz + da[3] @ self.late_R(p).T
        da[2] = dz * dt_z * (1 - g_z * g_z)
        da[0] = dz * (g_z - z_prev) * dt_z * (1 - dt_z / self.dt)
        return da, da, (dh * (1 - dt_h), dz * (1 - dt_z)), {}

    def gate_values(self, tape):
        return dict(zip(self.gates, tape))
