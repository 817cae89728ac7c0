"""Layers over one flat vector of parameters."""

from copy import copy

import numpy as np

from ..layers import (
    Chain,
    Columns,
    Dense,
    Dropout,
    Embedding,
    EncoderDecoder,
    Layer,
    Pass,
    Recurrent,
    Sides,
)
from ..loops import READOUTS
from ._layout import Layout


class Network:
    """A function of a flat parameter vector and a packed batch, and its derivatives.

    Parameters
    ----------
    layer : Layer
        What is computed; a :class:`~skbptt.layers.Chain` as a rule.

    Attributes
    ----------
    layout : Layout
        Where the parameters lie in the vector.
    per_step : bool
        Whether there is an output for every step, or else one for each sequence.
    """

    def __init__(self, layer):
        self.layer: Layer = layer
        self.layout = Layout(layer.shapes())
        self.per_step = not layer.reads_out

    def bytes_per_step(self, itemsize, keep):
        """About how much memory a step of a sequence takes, with a tape or without."""
        return self.layer.numbers_per_step(keep) * itemsize

    def penalised(self, dtype):
        """1 where L2 applies, which is on matrices, and 0 on biases and vectors."""
        mask = np.zeros(self.layout.size, dtype)
        self.layer.penalise(self.layout.tree(mask))
        return mask

    def initialise(self, rng, dtype):
        """A new parameter vector."""
        theta = np.zeros(self.layout.size)
        self.layer.initialise(self.layout.tree(theta), rng)
        return theta.astype(dtype)

    def draw(self, rng, n, dtype):
        """Noise of a training pass over n sequences, for :meth:`forward`."""
        return self.layer.draw(rng, n, dtype)

    def forward(self, theta, batch, noise=None, workspace=None, keep=True):
        """Raw outputs of a batch, and the tape for :meth:`backward`.

        Parameters
        ----------
        theta : ndarray of shape (layout.size,)
        batch : Batch
        noise : dict, default=None
            From :meth:`draw`; None for no noise.
        workspace : Workspace, default=None
            Where the tape lives.
        keep : bool, default=True
            Whether there will be a way back.

        Returns
        -------
        raw : ndarray of shape (n_columns, n_outputs) or (n_rows, n_outputs)
            By column of the batch, or by row where there is an output for every step.
        tape : Pass
        """
        tape = Pass(batch, workspace, keep, noise)
        tape.p = self.layout.tree(theta)
        raw, tape.tape = self.layer.forward(tape.p, batch.x, tape)
        return raw, tape

    def backward(
        self, tape, d_raw, truncation=None, need_dx=False, d_states=None, d_hs=None
    ):
        """Gradient of a loss L from dL/d(raw outputs).

        It takes no more memory however often it is called on a tape.

        Parameters
        ----------
        tape : Pass
            As returned by :meth:`forward`.
        d_raw : ndarray of the shape of the raw outputs
        truncation : (int, int) or None
            (k1, k2) of :func:`skbptt.loops._scan.scan_back`.
        need_dx : bool
            Whether dL/d(input) is wanted.
        d_states : dict of Layer to ndarray of shape (n_rows, n_hidden), default=None
            Gradients besides of the states of recurrent layers, in the order read.
        d_hs : dict, default=None
            Receives dL/dh of all steps, by recurrent layer, as of ``d_states``.

        Returns
        -------
        gradient : ndarray of shape (layout.size,)
        dx : ndarray of shape (n_rows, n_features), or None
        """
        run, workspace = tape.back(truncation, d_states, d_hs), tape.workspace
        gradient = np.empty(self.layout.size, d_raw.dtype)
        grad = self.layout.tree(gradient)
        n_taken = workspace.n_taken
        dx = self.layer.backward(tape.p, tape.tape, d_raw, grad, run, need_dx)
        if need_dx:
            dx = dx.copy()  # which may lie in the workspace
        workspace.n_taken = n_taken
        return gradient, dx

    def tangent(self, tape, theta_dot, workspace):
        """Derivative of the raw outputs along a direction of the weights.

        The R-operator (Pearlmutter, 1994): J v, for the Jacobian J of the raw outputs and
        the direction v.

        Parameters
        ----------
        tape : Pass
            As returned by :meth:`forward`, without noise.
        theta_dot : ndarray of shape (layout.size,)
            The direction.
        workspace : Workspace
            Where the results live; not that of the tape.

        Returns
        -------
        raw_dot : ndarray of the shape of the raw outputs
        tangent : Pass
            For :meth:`tangent_back`. Its ``p`` is the direction, and its ``states`` are
            the derivatives of the states of all steps, in the order read.
        """
        tangent = Pass(tape.batch, workspace, states={})
        tangent.p = self.layout.tree(theta_dot)
        raw_dot, tangent.tape = self.layer.tangent(
            tape.p, tangent.p, tape.batch.x, None, tape.tape, tangent
        )
        return raw_dot, tangent

    def tangent_back(self, tape, tangent, d_raw, d_raw_dot):
        """Derivative of the gradient that :meth:`backward` gives for ``d_raw``.

        Parameters
        ----------
        tape : Pass
            As returned by :meth:`forward`.
        tangent : Pass
            As returned by :meth:`tangent`.
        d_raw, d_raw_dot : ndarrays of the shape of the raw outputs
            dL/d(raw outputs), and its derivative along the direction.

        Returns
        -------
        gradient_dot : ndarray of shape (layout.size,)
        """
        gradient_dot = np.empty(self.layout.size, d_raw.dtype)
        grad, of_layers = self.layout.tree(gradient_dot), (tape.tape, tangent.tape)
        self.layer.tangent_back(
            tape.p, tangent.p, *of_layers, d_raw, d_raw_dot, grad, tangent, False
        )
        return gradient_dot

    def stepper(self, theta, n):
        """The network for n streams before their first step, as a Stepper."""
        return self.layer.stepper(self.layout.tree(theta), n, theta.dtype)

    def replaced(self, function):
        """A network like this, with ``function(leaf)`` in place of each single layer."""
        other = copy(self)
        other.layer = self.layer.replaced(function)
        return other


class Stack(Network):
    """The network of the estimators: recurrent layers, a readout, an output layer.

    The parameters describe it: with a vector of weights, they are a fitted network.

    Parameters
    ----------
    cell : Cell
    n_features : int
    hidden_layer_sizes : sequence of int
    n_outputs : int
    bidirectional : bool
    readout : a key of READOUTS, or None
        How the states of a sequence become one vector; None for an output every step.
    dropout : float, default=0.0
        Share of the outputs of each recurrent layer, and of the vectors of categories,
        that noise drops.
    learned_start : bool, default=False
        Whether the initial states of the recurrent layers are parameters.
    embeddings : dict of str to (int, int, int), default=()
        Features that hold the codes of categories, by name: the column, the number of
        categories and the length of their vectors.
    """

    def __init__(
        self,
        cell,
        n_features,
        hidden_layer_sizes,
        n_outputs,
        bidirectional,
        readout,
        dropout=0.0,
        learned_start=False,
        embeddings=(),
    ):
        self.cell, self.n_features, self.n_outputs = cell, n_features, n_outputs
        self.sizes, self.bidirectional = tuple(hidden_layer_sizes), bidirectional
        self.readout, self.dropout = readout, dropout
        self.learned_start, self.embeddings = learned_start, dict(embeddings)
        layers, n_in = recurrent_stack(self)
        n_parts = len(READOUTS[readout]) if readout else 1
        layers["output"] = Dense(n_in * n_parts, n_outputs)
        super().__init__(Chain(layers))

    @property
    def description(self):
        """The parameters, by name."""
        return {
            "cell": self.cell,
            "n_features": self.n_features,
            "hidden_layer_sizes": self.sizes,
            "n_outputs": self.n_outputs,
            "bidirectional": self.bidirectional,
            "readout": self.readout,
            "dropout": self.dropout,
            "learned_start": self.learned_start,
            "embeddings": self.embeddings,
        }


class Translator(Network):
    """A stack that encodes, a decoder of layers of the same sizes, and attention.

    Parameters
    ----------
    cell, n_features, hidden_layer_sizes, bidirectional, dropout, learned_start, embeddings
        As of :class:`Stack`; of the encoder, and the cell, sizes and dropout of the decoder
        too.
    n_outputs : int
        Number of labels, and 1 for the end.
    attention : bool
    label_dim : int
        Length of the vectors of labels.
    """

    readout = None

    def __init__(
        self,
        cell,
        n_features,
        hidden_layer_sizes,
        n_outputs,
        bidirectional,
        attention,
        label_dim,
        dropout=0.0,
        learned_start=False,
        embeddings=(),
    ):
        self.cell, self.n_features, self.n_outputs = cell, n_features, n_outputs
        self.sizes, self.bidirectional = tuple(hidden_layer_sizes), bidirectional
        self.attention, self.label_dim, self.dropout = attention, label_dim, dropout
        self.learned_start, self.embeddings = learned_start, dict(embeddings)
        layers, _ = recurrent_stack(self)
        encoder = Chain(layers)
        layers = {"embedding": Embedding(1, 0, n_outputs, label_dim)}
        if dropout:
            layers["embedding_dropout"] = Dropout(dropout, label_dim)
        n_in = label_dim
        for k, size in enumerate(self.sizes):
            if k and dropout:
                layers[f"dropout.{k - 1}"] = Dropout(dropout, n_in)
            layers[f"layers.{k}.forward"] = Recurrent(cell, n_in, size)
            n_in = size
        how = n_outputs - 1, attention, dropout
        super().__init__(EncoderDecoder(encoder, self.sizes[-1], Chain(layers), *how))


def recurrent_stack(of):
    """The layers of a stack below its output, by name, and the width of the last."""
    layers: dict[str, Layer] = {}
    n_in = of.n_features
    if of.embeddings:
        layers["embedding"] = embedded = embedding_of(n_in, of.embeddings)
        n_numbers, n_in = n_in - len(of.embeddings), embedded.width
        if of.dropout:
            layers["embedding_dropout"] = Dropout(of.dropout, n_in, n_numbers)
    for k, size in enumerate(of.sizes):
        how = of.cell, n_in, size, of.readout if k == len(of.sizes) - 1 else None
        one, other = (Recurrent(*how, back, of.learned_start) for back in (False, True))
        if of.bidirectional:
            layers[f"layers.{k}"] = both = Sides({"forward": one, "backward": other})
            n_in = both.width
        else:
            layers[f"layers.{k}.forward"] = one
            n_in = size
        if of.dropout:
            layers[f"dropout.{k}"] = Dropout(of.dropout, n_in)
    return layers, n_in


def embedding_of(n_features, embeddings):
    """The layer that reads the features: numbers first, then the vectors of categories."""
    columns = [column for column, _, _ in embeddings.values()]
    numbers = np.setdiff1d(np.arange(n_features), columns)
    layers: dict[str, Layer] = {}
    if len(numbers):
        layers[""] = Columns(n_features, numbers)
    for name, of_feature in embeddings.items():
        layers[name] = Embedding(n_features, *of_feature)
    return Sides(layers)
