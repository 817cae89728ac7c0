"""The network: recurrent layers, directions, dropout, readout and output layer."""

import numpy as np

from ._engine import run, run_back
from ._params import Layout
from ._readout import READOUTS
from ._workspace import Workspace


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
        # What each layer hands on: its states, or parts of the readout.
        top = READOUTS[readout] if readout else ()
        self.parts = [*[()] * (len(self.sizes) - 1), top]

        # Names of each layer's parameters, by layer and direction.
        self.names = []
        shapes = {}
        for k, n_in in enumerate([n_features, *self.widths[:-1]]):
            of_layer = cell.shapes(n_in, self.sizes[k])
            for direction in self.directions:
                prefix = f"layers.{k}.{direction}."
                self.names.append((k, direction, {s: prefix + s for s in of_layer}))
                shapes.update({prefix + s: of_layer[s] for s in of_layer})
        n_read = self.widths[-1] * max(1, len(top))
        shapes["output.W"] = (n_read, n_outputs)
        shapes["output.b"] = (n_outputs,)
        self.layout = Layout(shapes)

    def bytes_per_step(self, itemsize, keep):
        """About how much memory a step of a sequence takes, with a tape or without."""
        arrays = len(self.cell.gates) + len(self.cell.states) if keep else 1
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
            forward, parts = direction == "forward", self.parts[k]
            x = h if forward else h[batch.mirror]
            output, tape = run(self.cell, p, x, batch, parts, workspace, keep)
            tapes.append(tape)
            if parts:  # (n_columns, n_parts, n_hidden)
                outputs.append(output)
            else:
                outputs.append(output if forward else output[batch.mirror])
            if direction == self.directions[-1]:
                h = outputs[0] if len(outputs) == 1 else np.concatenate(outputs, axis=-1)
                outputs = []
                if masks is not None:
                    h = h * self._mask(masks, k, batch)
        s = h.reshape(len(h), -1)
        raw = s @ views["output.W"] + views["output.b"]
        return raw, (views, batch, masks, tapes, s)

    def backward(self, tape, d_raw, truncation=None, need_dx=False, d_states=None):
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
        d_states : list of ndarrays of shape (n_rows, n_hidden), default=None
            Gradients besides of the states, by layer and direction in the order read.

        Returns
        -------
        gradient : ndarray of shape (layout.size,)
        dx : ndarray of shape (n_rows, n_features), or None
        """
        views, batch, masks, tapes, s = tape
        gradient = np.empty(self.layout.size, d_raw.dtype)
        grad_views = self.layout.views(gradient)
        grad_views["output.W"][:] = s.T @ d_raw
        grad_views["output.b"][:] = d_raw.sum(axis=0)
        dx = d_raw @ views["output.W"].T
        if self.parts[-1]:
            dx = dx.reshape(len(dx), len(self.parts[-1]), -1)

        if d_states is None:
            d_states = [None] * len(tapes)
        for (k, direction, names), layer_tape, d_h in zip(
            self.names[::-1], tapes[::-1], d_states[::-1]
        ):
            if direction == self.directions[-1]:
                dh = dx if masks is None else dx * self._mask(masks, k, batch)
                dx = 0
            n, forward = self.sizes[k], direction == "forward"
            d_output = dh[..., :n] if forward else dh[..., n:]
            if not (forward or self.parts[k]):
                d_output = d_output[batch.mirror]
            d_input = run_back(
                self.cell,
                {s: views[name] for s, name in names.items()},
                batch,
                self.parts[k],
                layer_tape,
                d_output,
                {s: grad_views[name] for s, name in names.items()},
                truncation,
                need_dx or k > 0,
                d_h,
            )
            if d_input is not None:
                dx = dx + (d_input if forward else d_input[batch.mirror])
        return gradient, dx if need_dx else None

    def _mask(self, masks, k, batch):
        """Dropout mask of the output of a layer."""
        # To scale a state of all steps is to scale its last, its mean and its maximum.
        return masks[k][:, np.newaxis] if self.parts[k] else masks[k][batch.column]
