"""The base class of recurrent cells."""

from abc import ABC, abstractmethod
from numbers import Real

import numpy as np


class Cell(ABC):
    """One step of a recurrence and its reverse, elementwise, without state.

    The loop over time calls :meth:`step` with two arrays that it has computed:

    - ``a``, the input projection x_t W + b, and
    - ``u``, the recurrent product h_{t-1} R,

    each of shape (n_gates, n, n_hidden), so that ``i, f = a + u`` unpacks the gates of
    a cell that has two. A cell only defines the elementwise operations. All arrays may be
    float32, float64 or complex128, so use analytic operations, or branch on real parts.

    The last gate may be late: its block of R then multiplies a vector v that the step
    itself computes, such as another state after the step, instead of h_{t-1}. ``u`` then
    lacks this gate. :meth:`step` computes the product of v and :meth:`late_R`,
    :meth:`step_back` passes the gradient back through it, and :meth:`late_input` returns v.

    A custom cell defines :attr:`gates`, :meth:`step` and :meth:`step_back`, and is passed
    to an estimator as ``cell=MyCell()``.

    Attributes
    ----------
    gates : tuple of str
        Names of the blocks of W, R and b, in their order.
    states : tuple of str, default=("h",)
        Names of the states that are passed from step to step. The first is the output of
        the cell, and is multiplied by R.
    vectors : tuple of str, default=()
        Names of additional parameters besides W, R and b, each of shape (n_hidden,).
    initial_bias : dict of str to float, default={}
        Initial biases that are not zero, by gate.
    late_gate : bool, default=False
        Whether the last gate is late.

    Examples
    --------
    A leaky integrator, h_t = (h_{t-1} + tanh(x_t W + b + h_{t-1} R)) / 2:

    >>> import numpy as np
    >>> from skbptt import RNNRegressor
    >>> from skbptt.cells import Cell
    >>> class LeakyCell(Cell):
    ...     gates = ("s",)
    ...     def step(self, a, u, state, p):
    ...         (h,) = state
    ...         (s,) = np.tanh(a + u)
    ...         return ((h + s) / 2,), s
    ...     def step_back(self, d_state, s, p):
    ...         (dh,) = d_state
    ...         da = (dh / 2 * (1 - s * s))[np.newaxis]
    ...         return da, da, (dh / 2,), {}
    ...
    >>> X = np.random.default_rng(0).normal(size=(50, 8, 2))
    >>> model = RNNRegressor(8, cell=LeakyCell(), max_iter=5, random_state=0)
    >>> model.fit(X, X[:, :, 0].mean(axis=1)).predict(X).shape
    (50,)
    """

    gates: tuple = ()
    states: tuple = ("h",)
    vectors: tuple = ()
    initial_bias: dict = {}
    late_gate: bool = False

    @property
    def _compiled(self) -> str | None:
        """Name in the table of the compiled loops, ``loops/cells.h``."""
        return None

    @property
    def _constant(self) -> float:
        """A number that the compiled step reads."""
        return 0

    def shapes(self, n_in, n_hidden):
        """Shapes of the parameters of one layer, by name."""
        width = len(self.gates) * n_hidden
        return {
            "W": (n_in, width),
            "R": (n_hidden, width),
            "b": (width,),
            **{name: (n_hidden,) for name in self.vectors},
        }

    def initialise(self, p, rng):
        """Fill the parameters ``p`` of one layer with initial values.

        W as in Glorot & Bengio (2010), and R orthogonal (Saxe et al., 2014), gate by gate;
        b from :attr:`initial_bias`; additional vectors with zeros.
        """
        n_in, n_hidden = len(p["W"]), len(p["R"])
        bound = np.sqrt(6 / (n_in + n_hidden))
        normal = np.empty((len(self.gates), n_hidden, n_hidden))
        for k, gate in enumerate(self.gates):
            block = slice(k * n_hidden, (k + 1) * n_hidden)
            p["W"][:, block] = rng.uniform(-bound, bound, (n_in, n_hidden))
            normal[k] = rng.standard_normal((n_hidden, n_hidden))
            p["b"][block] = self.initial_bias.get(gate, 0)
        p["R"][:] = np.concatenate(orthogonal(normal), axis=1)
        for name in self.vectors:
            p[name][:] = 0

    @abstractmethod
    def step(self, a, u, state, p):
        """One step forward.

        Parameters
        ----------
        a, u : ndarrays of shape (n_gates, n, n_hidden)
            Input projection and recurrent product, ``u`` without a late gate.
        state : tuple of ndarrays of shape (n, n_hidden)
            The previous state, as named by :attr:`states`.
        p : dict of str to ndarray
            The parameters of the layer.

        Returns
        -------
        state : tuple of ndarrays of shape (n, n_hidden)
            The next state.
        tape : object
            Whatever :meth:`step_back` needs.
        """

    @abstractmethod
    def step_back(self, d_state, tape, p):
        """One step back: gradients of a loss L, given those with respect to the state.

        Parameters
        ----------
        d_state : tuple of ndarrays of shape (n, n_hidden)
            dL/d(next state).
        tape : object
            As returned by :meth:`step`.
        p : dict of str to ndarray
            The parameters of the layer.

        Returns
        -------
        da, du : ndarrays of shape (n_gates, n, n_hidden)
            dL/da and dL/du, the same object if they are equal. For a late gate, the latter
            is the gradient with respect to v R.
        d_state : tuple of ndarrays of shape (n, n_hidden), or 0
            dL/d(previous state), without what passes through u.
        d_vectors : dict of str to ndarray of shape (n_hidden,)
            dL/d(additional parameter), by the names in :attr:`vectors`.
        """

    def late_R(self, p):
        """The block of R of the last gate, of shape (n_hidden, n_hidden)."""
        return p["R"][:, -len(p["R"]) :]

    def late_input(self, tape):
        """The vector v that R multiplies in the late gate.

        Parameters
        ----------
        tape : object
            As returned by :meth:`step`.

        Returns
        -------
        v : ndarray of shape (n, n_hidden)
        """
        raise NotImplementedError(f"{type(self).__name__} has no late_input.")

    def gate_values(self, tape):
        """Values of the gates at a step, for inspection. Cells need not define this.

        Parameters
        ----------
        tape : object
            As returned by :meth:`step`.

        Returns
        -------
        values : dict of str to ndarray of shape (n, n_hidden)
            By the names of the gates that are not states.
        """
        return {}

    def __repr__(self):
        cls = type(self)
        values = ", ".join(
            f"{name}={value!r}"
            for name, value in vars(self).items()
            if getattr(cls, name, self) is not value  # a default
        )
        return f"{type(self).__name__}({values})"


def orthogonal(normal):
    """Random orthogonal matrices, uniform over them, from normal ones (Mezzadri, 2007)."""
    q, r = np.linalg.qr(normal)
    return q * np.sign(np.diagonal(r, axis1=1, axis2=2))[:, np.newaxis]


def check_chrono(chrono):
    """Raise a ValueError unless it is None or a dependency in steps."""
    if chrono is not None and not (
        isinstance(chrono, Real) and 2 <= float(chrono) < np.inf
    ):
        raise ValueError(
            f"chrono must be a number of steps, at least 2, or None. Got {chrono!r}."
        )


def chrono_biases(chrono, rng, n):
    """Biases of gates that keep for up to ``chrono`` steps (Tallec & Ollivier, 2018)."""
    return np.log(rng.uniform(1, chrono - 1, n))
