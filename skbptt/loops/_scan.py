"""The loops over time, in NumPy, for any cell and for complex numbers.

The steps form segments, one for all in most batches. Before the loop forward through a
segment, one product forms all its input projections; after the loop back, one forms each
weight gradient. Inside stand the recurrent product and the gates. Of a long tape, only the
states before each segment are kept, and the way back forms it anew. The compiled loops, for
the cells of the package, do the same.
"""

from copy import copy

import numpy as np

from ._readout import read_on, start_reading
from ._segments import kept_whole, steps_of_segment


def by_gate(matrix, n_gates):
    """(n, n_gates * n_hidden) as contiguous (n_gates, n, n_hidden)."""
    n, width = matrix.shape
    blocks = matrix.reshape(n, n_gates, width // n_gates).transpose(1, 0, 2)
    return np.ascontiguousarray(blocks)


def rows_of(W, codes):
    """Rows of W by gate, and zeros for the code -1."""
    rows = W[:, codes]
    rows[:, codes < 0] = 0
    return rows


def by_early_gate(cell, R):
    """R by gate, without a late gate."""
    n_gates = len(cell.gates)
    return by_gate(R, n_gates)[: n_gates - cell.late_gate]


def scan(cell, p, x, batch, initial=None, keep=True):
    """Run a cell forward over a packed batch.

    Parameters
    ----------
    cell : Cell
    p : dict of str to ndarray
        Parameters of the layer, as named by ``cell.shapes``.
    x : ndarray of shape (n_rows, n_in), or of int of shape (n_rows,)
        Packed input, in the layout given by ``batch``. Codes stand for rows of W in place
        of products x W, and -1 for zero; they have no way back.
    batch : Batch
    initial : tuple of ndarrays of shape (n_columns, n_hidden), default=None
        State before the first step; zeros if None.
    keep : bool, default=True
        Whether to keep the tape.

    Returns
    -------
    h : ndarray of shape (n_rows, n_hidden)
        Output of every step.
    tape : tuple
        For :func:`scan_back`.
    """
    run = Forward(cell, p, x, batch)
    if initial is None:
        zeros = np.zeros((len(batch.order), len(p["R"])), run.dtype)
        initial = (zeros,) * len(cell.states)
    h = np.empty((len(batch.rows), len(p["R"])), run.dtype)
    saved = []
    state, whole = initial, kept_whole(batch.offsets, run.bytes_per_row)
    for segment in range(run.n_segments):
        before = state
        state, tapes = run(segment, state, h, keep)
        if keep:
            saved.append((before, tapes if whole else None))
    return h, (x, h, saved)


class Forward:
    """The way forward through some steps at a time.

    Attributes
    ----------
    n_segments, n_steps : int
        Number of segments, and steps of each but the last.
    """

    def __init__(self, cell, p, x, batch):
        n_gates = len(cell.gates)
        self.cell, self.p, self.x, self.batch = cell, p, x, batch
        self.W, self.R = by_gate(p["W"], n_gates), by_early_gate(cell, p["R"])
        self.b = p["b"].reshape(n_gates, 1, -1)
        self.dtype = p["R"].dtype if x.ndim == 1 else np.result_type(x, p["R"])
        # As many arrays as a pass has of each step: a, da, du, and about as much tape.
        n_numbers = (4 * n_gates + len(cell.states)) * len(p["R"])
        self.bytes_per_row = n_numbers * self.dtype.itemsize
        self.n_steps = steps_of_segment(batch.offsets, self.bytes_per_row)
        self.n_segments = -(-len(batch.sizes) // self.n_steps)

    def __call__(self, segment, state, h, keep=True):
        """Run one segment from the state before it; h is filled.

        Returns the state after it, and its tapes by step.
        """
        sizes, offsets = self.batch.sizes, self.batch.offsets
        steps = range(len(sizes))[segment * self.n_steps :][: self.n_steps]
        first = offsets[steps[0]]
        x = self.x[first : offsets[steps[-1] + 1]]
        a = x @ self.W if x.ndim == 2 else rows_of(self.W, x)
        a += self.b
        tapes = []
        for t in steps:
            n, rows = sizes[t], slice(offsets[t], offsets[t + 1])
            state = tuple(s[:n] for s in state)
            a_t = a[:, rows.start - first : rows.stop - first]
            state, tape = self.cell.step(a_t, state[0] @ self.R, state, self.p)
            h[rows] = state[0]
            if keep:
                tapes.append(tape)
        return state, tapes


class Stepper:
    """A cell, step by step, for streams that arrive in parallel.

    Parameters
    ----------
    cell, p : as in :func:`scan`
        Later changes of the arrays have no effect.
    parts : tuple of str
        What is wanted of the states: a value of ``READOUTS``, or () for the first.
    n_streams : int

    Attributes
    ----------
    states : dict of str to ndarray of n_streams rows
        The current states of the cell, zero at first, and of the readout, by name. A step
        changes them in place, and so may the caller.
    """

    def __init__(self, cell, p, parts, n_streams):
        n_gates, n_hidden = len(cell.gates), len(p["R"])
        p = {name: value.copy() for name, value in p.items()}
        self._cell, self._p = cell, p
        self._W, self._R = by_gate(p["W"], n_gates), by_early_gate(cell, p["R"])
        self._b = p["b"].reshape(n_gates, 1, n_hidden)
        self._parts = parts
        self._begin(n_streams)

    def _begin(self, n_streams):
        """Take memory for the states of streams before their first step."""
        names, R, parts = self._cell.states, self._p["R"], self._parts
        self._arrays = tuple(np.zeros((len(names), n_streams, len(R)), R.dtype))
        self.states = dict(zip(names, self._arrays))
        self._reading = None
        if parts:
            values = np.empty((n_streams, len(parts), len(R)), R.dtype)
            self._reading = parts, values, np.empty((n_streams, 1), np.int64)
            self.states |= start_reading(*self._reading)

    def choose(self, streams):
        """A stepper of the streams with these indices, in their current states."""
        other = copy(self)
        other._begin(len(streams))
        for name, array in self.states.items():
            other.states[name][:] = array[streams]
        return other

    def step(self, x):
        """Read one time step, x of shape (n_streams, n_in), or codes as of :func:`scan`.

        Returns the first state, of shape (n_streams, n_hidden), or the parts of the
        readout so far, of shape (n_streams, n_parts, n_hidden), which it overwrites.
        """
        h = self._arrays[0]
        a = x @ self._W if x.ndim == 2 else rows_of(self._W, x)
        a, u = a + self._b, h @ self._R
        after, _ = self._cell.step(a, u, self._arrays, self._p)
        # A state may become the one before of another.
        for own, new in zip(self._arrays, [state.copy() for state in after]):
            own[:] = new
        if self._reading is None:
            return h
        read_on(h, *self._reading)
        return self._reading[1]


def scan_back(cell, p, batch, tape, dh, grad, truncation=None, need_dx=True, d_h=None):
    """Propagate the gradient of a loss L back through :func:`scan`.

    With ``truncation=(k1, k2)``, what dL/dh_t injects at a step t of the k1 steps
    m*k1 <= t < (m+1)*k1 flows back through the k2 steps that end with (m+1)*k1 - 1, for
    m = 0, 1, ...: BPTT(h; h') of Williams & Peng (1990). The state before is constant.

    Parameters
    ----------
    cell, p, batch : as in :func:`scan`
    tape : tuple
        As returned by :func:`scan`.
    dh : ndarray of shape (n_rows, n_hidden)
        dL/dh_t, without what passes through later steps.
    grad : dict of str to ndarray
        Filled with dL/dp.
    truncation : (int, int) or None
    need_dx : bool
        Whether dL/dx is wanted.
    d_h : ndarray of shape (n_rows, n_hidden), default=None
        Filled with dL/dh_t, with what passes through later steps; without truncation.

    Returns
    -------
    dx : ndarray of shape (n_rows, n_in), or None
    d_initial : tuple of ndarrays of shape (n_columns, n_hidden)
        dL/d(initial state).
    """
    x, h, saved = tape
    run = Forward(cell, p, x, batch)
    n_gates, n_hidden, n_states = len(cell.gates), len(p["R"]), len(cell.states)
    R_T = np.ascontiguousarray(run.R.transpose(0, 2, 1))
    sizes, offsets = batch.sizes, batch.offsets

    for name in ("W", "R", "b", *cell.vectors):
        grad[name][:] = 0
    dx = np.zeros(x.shape if need_dx else 0, dh.dtype)
    d_initial = np.zeros((n_states, sizes[0], n_hidden), dh.dtype)
    held, tapes = None, []
    for first, begin, end in windows(len(sizes), truncation):
        # Gradient of the state after step t; zero where a sequence has ended.
        carried = np.zeros_like(d_initial)
        for start, stop in pieces(begin, end, run.n_steps):
            if held != start // run.n_steps:
                held = start // run.n_steps
                before, tapes = saved[held]
                if tapes is None:
                    _, tapes = run(held, before, h)
            of_piece = tapes[start - held * run.n_steps :][: stop - start]
            origin, all_rows = offsets[start], slice(offsets[start], offsets[stop])
            da = np.empty((n_gates, all_rows.stop - origin, n_hidden), dh.dtype)
            du = da
            for t in range(stop - 1, start - 1, -1):
                n, rows = sizes[t], slice(offsets[t], offsets[t + 1])
                if t >= first:
                    carried[0, :n] += dh[rows]
                if d_h is not None:
                    d_h[rows] = carried[0, :n]
                da_t, du_t, d_state, d_vectors = cell.step_back(
                    tuple(carried[:, :n]), of_piece[t - start], p
                )
                if du is da and du_t is not da_t:
                    du = da.copy()
                rows = slice(rows.start - origin, rows.stop - origin)
                da[:, rows] = da_t
                if du is not da:
                    du[:, rows] = du_t
                for name in cell.vectors:
                    grad[name] += d_vectors[name]
                for k in range(n_states):
                    carried[k, :n] = d_state[k]
                carried[0, :n] += (du_t[: len(R_T)] @ R_T).sum(axis=0)

            # The three sums over time: dL/dW, dL/dR and dL/db.
            h_prev = states_before(h, saved[0][0][0], batch, start, stop)
            dW, dR = x[all_rows].T @ da, h_prev.T @ du
            if cell.late_gate:
                v = np.concatenate([*map(cell.late_input, of_piece)])
                dR[-1] = v.T @ du[-1]
            grad["W"] += dW.transpose(1, 0, 2).reshape(grad["W"].shape)
            grad["R"] += dR.transpose(1, 0, 2).reshape(grad["R"].shape)
            grad["b"] += da.sum(axis=1).ravel()
            if need_dx:
                dx[all_rows] += np.tensordot(da, run.W, ((0, 2), (0, 2)))
        if begin == 0:
            d_initial += carried
    return dx if need_dx else None, tuple(d_initial)


def states_before(h, initial, batch, start, stop):
    """The state before each row of the steps start <= t < stop."""
    sizes, offsets = batch.sizes, batch.offsets
    steps = range(max(start, 1), stop)
    rows = [h[offsets[t - 1] : offsets[t - 1] + sizes[t]] for t in steps]
    return np.concatenate([initial, *rows] if start == 0 else rows)


def pieces(start, stop, n_steps):
    """What of a window lies in each segment of n_steps, the last first."""
    while stop > start:
        piece = max(start, (stop - 1) // n_steps * n_steps)
        yield piece, stop
        stop = piece


def windows(n_steps, truncation):
    """Windows of truncated BPTT as (first injecting step, first step, end)."""
    if truncation is None:
        return [(0, 0, n_steps)]
    k1, k2 = truncation
    return [
        (first, max(0, first + k1 - k2), min(n_steps, first + k1))
        for first in range(0, n_steps, k1)
    ]
