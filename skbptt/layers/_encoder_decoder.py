r"""An encoder, a decoder that starts from its last states, and attention.

The encoder reads x and gives states :math:`h_j`. The states of decoder layer k before its
first step are

.. math:: s_0^{(k)} = \tanh(\bar h W_k + b_k)

for the last state :math:`\bar h` of the encoder; of the backward direction this is the
state at the first step. The decoder reads a start symbol and then the labels, and with the
contexts :math:`c_t` of :mod:`skbptt.layers._attention` the raw outputs are

.. math:: \tanh([c_t, s_t] W + b)\, W_o + b_o

(Luong et al., 2015, equations 5 and 6). Without attention they are :math:`s_t W_o + b_o`.
"""

from typing import Any, NamedTuple

import numpy as np

from ._attention import Grid, Memory, attend, attend_back
from ._base import Layer, Pass
from ._dense import Dense
from ._dropout import Dropout
from ._groups import Group
from ._recurrent import Recurrent


class Attention(Layer):
    """The weights of attention. The encoder-decoder itself applies them."""

    penalised = ("W",)

    def __init__(self, n_decoder, n_encoder):
        self.n_decoder, self.width = n_decoder, n_encoder

    def shapes(self):
        return {"W": (self.n_decoder, self.width)}

    initialise = Dense.initialise


class Tape(NamedTuple):
    """What the way back needs of each part, and the pass of the decoder."""

    starts: dict
    encoder: Any
    bridges: dict
    decoding: Pass
    decoder: Any
    v: np.ndarray
    attention: Any
    combine: Any
    dropout: Any
    output: Any
    shape: tuple


def recurrent_in(chain):
    return [layer for layer in chain.layers.values() if isinstance(layer, Recurrent)]


class EncoderDecoder(Group):
    """Raw outputs of each label and of the end, given the labels before.

    The batch of a pass has ``targets``, which are Labels. There is a row for each label of
    each sequence and for its end, in the order of their packed batch.

    Parameters
    ----------
    encoder : Layer
        Gives a row of each step.
    n_last : int
        Units of the encoder whose last state is at the last step; those of the others is at
        the first.
    decoder : Chain
        Reads codes of labels.
    n_labels : int
    attention : bool
    dropout : float
    """

    def __init__(self, encoder, n_last, decoder, n_labels, attention, dropout):
        self.n_last, self.n_labels = n_last, n_labels
        self.attention, width = attention, decoder.width
        bridges = {
            f"{k}.{state}": Dense(encoder.width, layer.width)
            for k, layer in enumerate(recurrent_in(decoder))
            for state in layer.cell.states
        }
        layers = {"encoder": encoder, "bridge": Group(bridges), "decoder": decoder}
        if attention:
            layers["attention"] = Attention(width, encoder.width)
            layers["combine"] = Dense(encoder.width + width, width)
        if dropout:
            layers["output_dropout"] = Dropout(dropout, width)
        self.width = n_labels + 1
        layers["output"] = Dense(width, self.width)
        super().__init__(layers)

    @property
    def recurrent(self):
        """The recurrent layers of the decoder."""
        return recurrent_in(self.layers["decoder"])

    # The parts, which decoding takes one after the other.

    def encode(self, p, x, run):
        """States of the encoder, and the states from which each decoder layer starts."""
        h, tape = self.layers["encoder"].forward(p["encoder"], x, run)
        batch = run.batch
        first, last = np.arange(len(batch.order)), batch.last
        ends = np.hstack([h[last, : self.n_last], h[first, self.n_last :]])
        starts, tapes = {}, {}
        for name, dense in self.layers["bridge"].layers.items():
            z, tapes[name] = dense.forward(p["bridge"][name], ends, run)
            starts[name] = np.tanh(z)
        return h, starts, (tape, tapes)

    def remember(self, p, h, run):
        """What the decoder reads of the encoder states of a batch, at each step."""
        if not self.attention:
            return None
        V = p["combine"]["W"][: h.shape[1]]
        batch = run.batch
        grid = Grid.of(batch.column, batch.time, len(batch.order))
        return Memory.of(h, p["attention"]["W"], V, grid, run.workspace)

    def answer(self, p, s, memory):
        """Raw outputs of decoder states.

        Parameters
        ----------
        p : dict
            The parameters.
        s : ndarray of shape (n, n_decoder)
            Decoder states.
        memory : Memory
            Of the sequence of each.

        Returns
        -------
        raw : ndarray of shape (n, n_labels + 1)
        """
        if self.attention:
            v = memory.attend(s)
            v += s @ p["combine"]["W"][-s.shape[1] :]
            v += p["combine"]["b"]
            s = np.tanh(v, out=v)
        raw = s @ p["output"]["W"]
        raw += p["output"]["b"]
        return raw

    def starts_of(self, starts, order=slice(None)):
        """The starting states by layer, in another order of the sequences."""
        return {
            layer: tuple(
                np.ascontiguousarray(starts[f"{k}.{state}"][order])
                for state in layer.cell.states
            )
            for k, layer in enumerate(self.recurrent)
        }

    def forward(self, p, x, run):
        batch, y = run.batch, run.batch.targets
        h, starts, (of_encoder, of_bridges) = self.encode(p, x, run)
        teacher = y.teacher(self.n_labels, x.real.dtype)
        decoding = Pass(
            teacher,
            run.workspace,
            run.keep,
            run.noise,
            run.truncation,
            starts=self.starts_of(starts, teacher.order),
        )
        s, of_decoder = self.layers["decoder"].forward(p["decoder"], teacher.x, decoding)
        v, of_attention, of_combine, of_dropout = s, None, None, None
        if self.attention:
            n = len(batch.order)
            grids = (
                Grid.of(teacher.order[teacher.column], teacher.time, n),
                Grid.of(batch.column, batch.time, n),
            )
            c, of_attention = attend(s, h, p["attention"]["W"], *grids)
            u = np.hstack([c, s])
            v, of_combine = self.layers["combine"].forward(p["combine"], u, decoding)
            v = np.tanh(v)
        out = v
        if "output_dropout" in self.layers:
            out, of_dropout = self.layers["output_dropout"].forward({}, v, decoding)
        raw, of_output = self.layers["output"].forward(p["output"], out, decoding)
        return raw, Tape(
            starts,
            of_encoder,
            of_bridges,
            decoding,
            of_decoder,
            v,
            of_attention,
            of_combine,
            of_dropout,
            of_output,
            h.shape,
        )

    def backward(self, p, tape, dy, grad, run, need_dx):
        layers, batch, decoding, v = self.layers, run.batch, tape.decoding, tape.v
        dv = layers["output"].backward(
            p["output"], tape.output, dy, grad["output"], decoding, True
        )
        if tape.dropout is not None:
            dv = dv * tape.dropout
        if self.attention:
            dz = dv * (1 - v * v)
            du = layers["combine"].backward(
                p["combine"], tape.combine, dz, grad["combine"], decoding, True
            )
            n_encoder = tape.shape[1]
            ds, dh, dW = attend_back(tape.attention, du[:, :n_encoder])
            grad["attention"]["W"][...] = dW
            ds = ds + du[:, n_encoder:]
        else:
            ds, dh = dv, np.zeros(tape.shape, dv.dtype)
        decoding.truncation = run.truncation
        layers["decoder"].backward(
            p["decoder"], tape.decoder, ds, grad["decoder"], decoding, False
        )
        ends = np.zeros(())
        order = decoding.batch.order
        for k, layer in enumerate(self.recurrent):
            for state, d in zip(layer.cell.states, decoding.d_starts[layer]):
                name = f"{k}.{state}"
                d_start = np.empty_like(d)
                d_start[order] = d
                dz = d_start * (1 - tape.starts[name] ** 2)
                dense = layers["bridge"].layers[name]
                ends = ends + dense.backward(
                    p["bridge"][name],
                    tape.bridges[name],
                    dz,
                    grad["bridge"][name],
                    run,
                    True,
                )
        dh[batch.last, : self.n_last] += ends[:, : self.n_last]
        dh[: len(order), self.n_last :] += ends[:, self.n_last :]
        return layers["encoder"].backward(
            p["encoder"], tape.encoder, dh, grad["encoder"], run, need_dx
        )
