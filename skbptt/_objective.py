"""The training objective: data, weights and L2 as functions of one flat vector."""

import numpy as np

from ._workspace import Workspace

# Steps that one forward and backward pass holds in memory, at most, for full batches.
MAX_STEPS = 1 << 14


class Objective:
    r"""Weighted mean loss plus L2, as a function of the flat parameter vector.

    .. math:: E(\theta) = \frac{1}{\sum_i w_i} \Bigl( \sum_i w_i\, \ell_i(\theta)
              + \frac{\alpha}{2} \lVert\text{matrices of }\theta\rVert^2 \Bigr)

    The value on a part of the sequences is an unbiased estimate of the whole: the sum of
    w l over the part, times the number of sequences over the part's, divided by the
    weights of the whole. So the strength of L2 does not depend on the batch size, a
    sequence of weight 2 counts as two, and a batch of zero weights is no special case.

    Parameters
    ----------
    network : Network
    loss : one of skbptt._losses
    data : Data
    alpha : float
        Strength of L2.
    truncation : (int, int) or None
    dropout : float
    """

    def __init__(self, network, loss, data, alpha=0.0, truncation=None, dropout=0.0):
        self.network = network
        self.loss = loss
        self.data = data
        self.n = len(data.sequences)
        total = data.weights.sum(dtype=np.float64)
        self.scale = self.n / total
        self.truncation = truncation
        self.dropout = dropout
        self.penalty = network.penalised(data.sequences.steps.dtype)
        self.penalty *= alpha / total
        self.workspace = Workspace()

    def value(self, theta, indices):
        """Objective over the sequences ``indices``, without dropout."""
        scale = self.scale / len(indices)
        value, _, _ = self._forward(theta, indices, scale, None)
        return 0.5 * np.dot(self.penalty * theta, theta) + value

    def value_and_gradient(self, theta, indices=None, rng=None):
        """Objective over the sequences ``indices``, or over all, and its gradient.

        ``rng`` draws the dropout masks; without it there is no dropout.
        """
        if indices is None:
            parts = self.data.sequences.chunks(MAX_STEPS)
            n = self.n
        else:
            parts, n = [indices], len(indices)
        penalty = self.penalty * theta
        value, gradient = 0.5 * np.dot(penalty, theta), penalty
        for part in parts:
            part_value, d_raw, tape = self._forward(theta, part, self.scale / n, rng)
            value = value + part_value
            gradient += self.network.backward(tape, d_raw, self.truncation)[0]
        return value, gradient

    def _forward(self, theta, indices, scale, rng):
        """scale * (sum of w l) over one packed batch, dL/d(raw outputs), and the tape."""
        batch = self.data.sequences.pack(indices)
        where = batch.rows if self.data.per_step else batch.order
        y = self.data.y[where]
        weights = self.data.weights[where] * self.data.weights.dtype.type(scale)
        masks = None
        if rng is not None and self.dropout > 0:
            masks = self.network.draw_masks(rng, len(indices), self.dropout, theta.dtype)
        self.workspace.reset()
        raw, tape = self.network.forward(theta, batch, masks, self.workspace)
        d_raw = weights[:, None] * self.loss.gradient(raw, y)
        return np.dot(weights, self.loss.value(raw, y)), d_raw, tape


def raw_outputs(network, theta, sequences):
    """Raw outputs of all sequences, in their order, in bounded memory."""
    per_step = network.readout is None
    raw = None
    workspace = Workspace()
    theta = theta.astype(np.result_type(theta, sequences.steps), copy=False)
    for indices in sequences.chunks(MAX_STEPS):
        workspace.reset()
        batch = sequences.pack(indices)
        part, _ = network.forward(theta, batch, workspace=workspace, keep=False)
        if raw is None:
            n = len(sequences.steps) if per_step else len(sequences)
            raw = np.empty((n, part.shape[1]), part.dtype)
        raw[batch.rows if per_step else batch.order] = part
    return raw
