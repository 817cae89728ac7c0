"""A cell over time."""

import numpy as np

from .._engine import run as run_cell
from .._engine import run_back, run_back_tangent, run_tangent
from .._readout import READOUTS, read_on, start_reading
from .._scan import by_gate
from ._base import Layer


class Recurrent(Layer):
    """A cell over the steps of each sequence, in one direction.

    Parameters
    ----------
    cell : Cell
    n_in, n_hidden : int
    readout : a key of READOUTS, or None
        How the states of a sequence become one vector; None for the states of all steps.
    reverse : bool, default=False
        Whether each sequence is read from its end.
    """

    penalised = ("W", "R")

    def __init__(self, cell, n_in, n_hidden, readout=None, reverse=False):
        if readout is not None and readout not in READOUTS:
            raise ValueError(
                f"readout must be one of {[*READOUTS]}, or None. Got {readout!r}."
            )
        self.cell, self.n_in, self.width = cell, n_in, n_hidden
        self.parts = READOUTS[readout] if readout else ()
        self.reads_out = bool(self.parts)
        self.reverse = reverse

    def shapes(self):
        return self.cell.shapes(self.n_in, self.width)

    def initialise(self, p, rng):
        self.cell.initialise(p, rng)

    def numbers_per_step(self, keep):
        arrays = len(self.cell.gates) + len(self.cell.states) if keep else 1
        return self.width * arrays

    def forward(self, p, x, run):
        if x.dtype != p["R"].dtype:
            x = x.astype(np.result_type(x, p["R"]), copy=False)
        x = self._turned(x, run.batch)
        y, tape = run_cell(self.cell, p, x, run.batch, self.parts, run.workspace, run.keep)
        return self._turned_output(y, run.batch), tape

    def backward(self, p, tape, dy, grad, run, need_dx):
        dx = run_back(
            self.cell,
            p,
            run.batch,
            self.parts,
            tape,
            self._turned_output(dy, run.batch),
            grad,
            run.truncation,
            need_dx,
            run.states.get(self),
        )
        return self._turned(dx, run.batch) if need_dx else None

    def tangent(self, p, p_dot, x, x_dot, tape, run):
        if x_dot is not None:
            x_dot = self._turned(x_dot, run.batch)
        y_dot, run.states[self], tangent = run_tangent(
            self.cell, p, p_dot, x_dot, run.batch, self.parts, tape, run.workspace
        )
        return self._turned_output(y_dot, run.batch), tangent

    def tangent_back(self, p, p_dot, tape, tangent, dy, dy_dot, grad, run, need_dx):
        dx, dx_dot = run_back_tangent(
            self.cell,
            run.batch,
            self.parts,
            tangent,
            self._turned_output(dy, run.batch),
            self._turned_output(dy_dot, run.batch),
            grad,
            need_dx,
            run.workspace,
        )
        if not need_dx:
            return None, None
        return self._turned(dx, run.batch), self._turned(dx_dot, run.batch)

    def _turned(self, rows, batch):
        """Rows of steps in the order read, or back: the exchange is its own inverse."""
        return rows[batch.mirror] if self.reverse else rows

    def _turned_output(self, rows, batch):
        """The same for what the layer gives. A readout has no order of steps."""
        return rows if self.parts else self._turned(rows, batch)

    # Streams.

    def cannot(self, what):
        if what == "stream" and self.reverse:
            return "it reads each sequence from its end"
        return super().cannot(what)

    def start_state(self, n, dtype):
        zeros = {name: np.zeros((n, self.width), dtype) for name in self.cell.states}
        return {"cell": zeros, "readout": start_reading(self.parts, n, self.width, dtype)}

    def step(self, p, x, state):
        if self.reverse:
            raise TypeError(self.cannot("stream"))
        n_gates = len(self.cell.gates)
        before = tuple(state["cell"].values())
        a, u = x @ p["W"] + p["b"], before[0] @ p["R"]
        after, _ = self.cell.step(by_gate(a, n_gates), by_gate(u, n_gates), before, p)
        y, reading = read_on(after[0], self.parts, state["readout"])
        return y, {"cell": dict(zip(self.cell.states, after)), "readout": reading}
