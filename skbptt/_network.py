"""The network: recurrent layers, directions, dropout, readout and output layer."""

import numpy as np

from ._engine import scan, scan_back
from ._params import Layout
from ._workspace import Workspace

READOUTS = {
    "last": ("last",),
    "mean": ("mean",),
    "max": ("max",),
    "concat": ("last", "mean", "max"),
}


class Network:
    """A function of a flat parameter vector and a packed batch, and its gradient.

    Parameters
    ----------
    cell : Cell
    n_features : int
    hidden_layer_sizes : tuple of int
    n_outputs : int
    bidirectional : bool
    readout : a key of READOUTS, or None
        How the states of a sequence become one vector; None for an output every step.
    """

    def __init__(
        self, cell, n_features, hidden_layer_sizes, n_outputs, bidirectional, readout
    ):
        self.cell = cell
        self.sizes = tuple(hidden_layer_sizes)
        self.n_outputs = n_outputs
        self.readout = readout
        self.directions = ("forward", "backward") if bidirectional else ("forward",)
        self.widths = [len(self.directions) * size for size in self.sizes]

        # Names of each layer's parameters, by layer and direction.
        self.names = []
        shapes = {}
        for k, n_in in enumerate([n_features, *self.widths[:-1]]):
            of_layer = cell.shapes(n_in, self.sizes[k])
            for direction in self.directions:
                prefix = f"layers.{k}.{direction}."
                self.names.append((k, direction, {s: prefix + s for s in of_layer}))
                shapes.update({prefix + s: of_layer[s] for s in of_layer})
        n_read = self.widths[-1] * (len(READOUTS[readout]) if readout else 1)
        shapes["output.W"] = (n_read, n_outputs)
        shapes["output.b"] = (n_outputs,)
        self.layout = Layout(shapes)

    def bytes_per_step(self, itemsize):
        """About how much tape a step of a sequence takes."""
        arrays = len(self.cell.gates) + len(self.cell.states)
        return sum(self.widths) * arrays * itemsize

    def penalised(self, dtype):
        """1 where L2 applies, which is on matrices, and 0 on biases and vectors."""
        mask = np.zeros(self.layout.size, dtype)
        for name, view in self.layout.views(mask).items():
            view[...] = name.endswith((".W", ".R"))
        return mask

    def initialise(self, rng, dtype):
        """A new parameter vector; the output bias is zero."""
        theta = np.zeros(self.layout.size)
        views = self.layout.views(theta)
        for _, _, names in self.names:
            self.cell.initialise({s: views[name] for s, name in names.items()}, rng)
        W = views["output.W"]
        bound = np.sqrt(6 / sum(W.shape))
        W[:] = rng.uniform(-bound, bound, W.shape)
        return theta.astype(dtype)

    def draw_masks(self, rng, n, dropout, dtype):
        """Inverted dropout masks for n sequences, one a layer output."""
        return [
            ((rng.uniform(size=(n, width)) >= dropout) / (1 - dropout)).astype(dtype)
            for width in self.widths
        ]

    def forward(self, theta, batch, masks=None, workspace=None, keep=True):
        """Raw outputs of a batch, and the tape for :meth:`backward`.

        Parameters
        ----------
        theta : ndarray of shape (layout.size,)
        batch : Batch
        masks : list of ndarrays of shape (n_columns, width), default=None
            Dropout masks, one a layer: the same at every step of a sequence.
        workspace : Workspace, default=None
            Where the tape lives.
        keep : bool, default=True
            Whether there will be a way back.

        Returns
        -------
        raw : ndarray of shape (n_columns, n_outputs) or (n_rows, n_outputs)
            By column of the batch, or by row where ``readout`` is None.
        tape : tuple
        """
        if workspace is None:
            workspace = Workspace()
        views = self.layout.views(theta)
        h = batch.x.astype(np.result_type(batch.x, theta), copy=False)
        outputs, tapes = [], []
        for k, direction, names in self.names:
            p = {s: views[name] for s, name in names.items()}
            x = h if direction == "forward" else h[batch.mirror]
            output, tape = scan(self.cell, p, x, batch, workspace, keep)
            outputs.append(output if direction == "forward" else output[batch.mirror])
            tapes.append(tape)
            if direction == self.directions[-1]:
                h = outputs[0] if len(outputs) == 1 else np.hstack(outputs)
                outputs = []
                if masks is not None:
                    h = h * masks[k][batch.column]
        s, rows_of_max = self._read(h, batch)
        raw = s @ views["output.W"] + views["output.b"]
        return raw, (views, batch, masks, tapes, s, rows_of_max)

    def backward(self, tape, d_raw, truncation=None, need_dx=False):
        """Gradient of a loss L from dL/d(raw outputs).

        Parameters
        ----------
        tape : tuple
            As returned by :meth:`forward`.
        d_raw : ndarray of the shape of the raw outputs
        truncation : (int, int) or None
            (k1, k2) of :func:`skbptt._scan.scan_back`.
        need_dx : bool
            Whether dL/d(input) is wanted.

        Returns
        -------
        gradient : ndarray of shape (layout.size,)
        dx : ndarray of shape (n_rows, n_features), or None
        """
        views, batch, masks, tapes, s, rows_of_max = tape
        gradient = np.empty(self.layout.size, d_raw.dtype)
        grad_views = self.layout.views(gradient)
        grad_views["output.W"][:] = s.T @ d_raw
        grad_views["output.b"][:] = d_raw.sum(axis=0)
        dh = self._read_back(d_raw @ views["output.W"].T, batch, rows_of_max)

        dx = None
        for (k, direction, names), layer_tape in zip(self.names[::-1], tapes[::-1]):
            if direction == self.directions[-1]:
                if dx is not None:
                    dh = dx
                if masks is not None:
                    dh = dh * masks[k][batch.column]
                dx = 0
            n = self.sizes[k]
            d_output = dh[:, :n] if direction == "forward" else dh[batch.mirror, n:]
            d_input = scan_back(
                self.cell,
                {s: views[name] for s, name in names.items()},
                batch,
                layer_tape,
                d_output,
                {s: grad_views[name] for s, name in names.items()},
                truncation,
                need_dx=need_dx or k > 0,
            )
            if d_input is not None:
                dx = dx + (d_input if direction == "forward" else d_input[batch.mirror])
        return gradient, dx if need_dx else None

    def _read(self, h, batch):
        """From the states of all steps to the input of the output layer."""
        if self.readout is None:
            return h, None
        parts, rows_of_max = [], None
        for part in READOUTS[self.readout]:
            if part == "last":
                s = self._last(h, batch)
            elif part == "mean":
                s = mean_over_time(h, batch)
            else:
                s, rows_of_max = max_over_time(h, batch)
            parts.append(s)
        return np.hstack(parts), rows_of_max

    def _read_back(self, ds, batch, rows_of_max):
        """Gradient with respect to the states of all steps."""
        if self.readout is None:
            return ds
        parts = READOUTS[self.readout]
        dh = np.zeros((len(batch.rows), self.widths[-1]), ds.dtype)
        n = self.sizes[-1]
        for part, d_part in zip(parts, np.split(ds, len(parts), axis=1)):
            if part == "last":
                dh[batch.last, :n] += d_part[:, :n]
                dh[: len(ds), n:] += d_part[:, n:]
            elif part == "mean":
                dh += (d_part / batch.lengths[:, None].astype(ds.real.dtype))[batch.column]
            else:
                columns = np.arange(dh.shape[1])
                dh[rows_of_max, columns] += d_part
        return dh

    def _last(self, h, batch):
        # The backward direction has read a sequence when it is at its first step.
        n = self.sizes[-1]
        return np.hstack([h[batch.last, :n], h[: len(batch.order), n:]])


def mean_over_time(h, batch):
    s = np.zeros((len(batch.order), h.shape[1]), h.dtype)
    for columns, rows in batch.runs:
        s[:columns] += h[rows].reshape(-1, columns, h.shape[1]).sum(axis=0)
    return s / batch.lengths[:, None].astype(h.real.dtype)


def max_over_time(h, batch):
    """The largest value of each unit, and the row where it stands (the first)."""
    s = np.full((len(batch.order), h.shape[1]), -np.inf, h.dtype)
    rows_of_max = np.zeros(s.shape, np.intp)
    for columns, rows in batch.runs:
        steps = h[rows].reshape(-1, columns, h.shape[1])
        t = steps.real.argmax(axis=0)
        top = np.take_along_axis(steps, t[np.newaxis], axis=0)[0]
        higher = ~(top.real <= s[:columns].real)  # NaN is handed on
        s[:columns][higher] = top[higher]
        row = rows.start + t * columns + np.arange(columns)[:, np.newaxis]
        rows_of_max[:columns][higher] = row[higher]
    return s, rows_of_max
