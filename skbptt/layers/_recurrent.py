"""A cell over time."""

import numpy as np

from ..loops import READOUTS, run_back, run_back_tangent, run_tangent, stepper
from ..loops import run as run_cell
from ._base import Layer, Stepper


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
    learned_start : bool, default=False
        Whether the states before the first step are parameters, ``{state}_0``, which
        start at zero. Otherwise they are zero.
    """

    penalised = ("W", "R")

    def __init__(
        self, cell, n_in, n_hidden, readout=None, reverse=False, learned_start=False
    ):
        if readout is not None and readout not in READOUTS:
            raise ValueError(
                f"readout must be one of {[*READOUTS]}, or None. Got {readout!r}."
            )
        self.cell, self.n_in, self.width = cell, n_in, n_hidden
        self.parts = READOUTS[readout] if readout else ()
        self.reads_out = bool(self.parts)
        self.reverse = reverse
        self.starts = [f"{name}_0" for name in cell.states] if learned_start else []

    def shapes(self):
        shapes = self.cell.shapes(self.n_in, self.width)
        return shapes | {name: (self.width,) for name in self.starts}

    def initialise(self, p, rng):
        self.cell.initialise(p, rng)

    def numbers_per_step(self, keep):
        arrays = len(self.cell.gates) + len(self.cell.states) if keep else 1
        return self.width * arrays

    def forward(self, p, x, run):
        if x.ndim == 2 and x.dtype != p["R"].dtype:
            x = x.astype(np.result_type(x, p["R"]), copy=False)
        batch = run.batch
        if self.reverse:
            x = run.workspace.take(x, batch.mirror)
        initial = run.starts[self] if run.starts else self._start(p, batch)
        y, tape = run_cell(
            self.cell, p, x, batch, self.parts, run.workspace, run.keep, initial
        )
        return self._turned(y, run), tape

    def _start(self, p, batch):
        """States before the first step, or None for zeros."""
        if not self.starts:
            return None
        n = len(batch.order)
        return tuple(np.tile(p[name], (n, 1)) for name in self.starts)

    def _start_gradients(self, batch, like, given=False):
        """Arrays for the gradients of the states before the first step, or None."""
        shape = len(batch.order), self.width
        states = self.cell.states if given else self.starts
        return tuple(np.zeros(shape, like.dtype) for _ in states) or None

    def _sum_start_gradients(self, gradients, grad):
        for name, gradient in zip(self.starts, gradients or ()):
            grad[name][:] = gradient.sum(axis=0)

    def backward(self, p, tape, dy, grad, run, need_dx):
        d_start = self._start_gradients(run.batch, dy, run.starts)
        d_h = None
        if run.d_hs is not None:
            d_h = run.d_hs[self] = np.empty((len(run.batch.rows), self.width), dy.dtype)
        dx = run_back(
            self.cell,
            p,
            run.batch,
            self.parts,
            tape,
            self._turned(dy, run),
            grad,
            run.truncation,
            need_dx,
            run.states.get(self) if run.states else None,
            d_start,
            d_h,
        )
        if run.starts:
            run.d_starts[self] = d_start
        else:
            self._sum_start_gradients(d_start, grad)
        return run.workspace.take(dx, run.batch.mirror) if need_dx and self.reverse else dx

    def tangent(self, p, p_dot, x, x_dot, tape, run):
        if x_dot is not None and self.reverse:
            x_dot = run.workspace.take(x_dot, run.batch.mirror)
        y_dot, h_dot, tangent = run_tangent(
            self.cell,
            p,
            p_dot,
            x_dot,
            run.batch,
            self.parts,
            tape,
            run.workspace,
            self._start(p_dot, run.batch),
        )
        if run.states is not None:
            run.states[self] = h_dot
        return self._turned(y_dot, run), tangent

    def tangent_back(self, p, p_dot, tape, tangent, dy, dy_dot, grad, run, need_dx):
        d_start_dot = self._start_gradients(run.batch, dy)
        dx, dx_dot = run_back_tangent(
            self.cell,
            run.batch,
            self.parts,
            tangent,
            self._turned(dy, run),
            self._turned(dy_dot, run),
            grad,
            need_dx,
            run.workspace,
            d_start_dot,
        )
        self._sum_start_gradients(d_start_dot, grad)
        if need_dx and self.reverse:
            dx, dx_dot = (run.workspace.take(d, run.batch.mirror) for d in (dx, dx_dot))
        return dx, dx_dot

    def _turned(self, y, run):
        """The output in the order of x from that in the order read, or the other way.

        The exchange is its own inverse. A readout has no order of steps.
        """
        if self.reverse and not self.parts:
            return run.workspace.take(y, run.batch.mirror)
        return y

    # Streams.

    def cannot(self, what):
        if what == "stream" and self.reverse:
            return "it reads each sequence from its end"
        return super().cannot(what)

    def stepper(self, p, n, dtype):
        if self.reverse:
            raise TypeError(self.cannot("stream"))
        of_cell = stepper(self.cell, p, self.parts, n)
        for name, start in zip(self.cell.states, self.starts):
            of_cell.states[name][:] = p[start]
        return as_stepper(of_cell)


def as_stepper(of_cell):
    """A stepper of the layer, from that of its cell."""
    return Stepper(
        of_cell.step, of_cell.states, lambda streams: as_stepper(of_cell.choose(streams))
    )
