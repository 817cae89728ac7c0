"""The training objective: data, weights and L2 as functions of one flat vector."""

import numpy as np

from ._workspace import WorkspacePool

# A pass over more sequences than fill so much tape, in bytes, runs in parts. They bound the
# memory, fit the cache, and can be shared by threads.
TAPE_BYTES = 1 << 22


class Objective:
    r"""Weighted mean loss plus L2, as a function of the flat parameter vector.

    .. math:: E(\theta) = \frac{1}{\sum_i w_i} \Bigl( \sum_i w_i\, \ell_i(\theta)
              + \frac{\alpha}{2} \lVert\text{matrices of }\theta\rVert^2 \Bigr)

    The value on a part of the sequences is an unbiased estimate of the whole: the sum of
    w l over the part, times the number of sequences over the part's, divided by the
    weights of the whole. So the strength of L2 does not depend on the batch size, a
    sequence of weight 2 counts as two, and a batch of zero weights is no special case.

    With a weight :math:`w_{ik}` for each of K outputs, :math:`w_i` in the denominator is
    their mean, and :math:`w_i \ell_i` is the mean of :math:`w_{ik} \ell_{ik}` over the
    outputs in regression, and their sum over the labels in classification. So weights
    that are equal along a row are the same as one weight for that row.

    Parameters
    ----------
    network : Network
    loss : one of skbptt._losses
    data : Data
    alpha : float
        Strength of L2.
    truncation : (int, int) or None
    dropout : float
    map_parts : callable
        Like :class:`map`; may run in threads.
    units : Units, default=None
        The units of the targets in which the network was trained, if ``loss`` and the
        weights are in those of the user.
    """

    def __init__(
        self,
        network,
        loss,
        data,
        alpha=0.0,
        truncation=None,
        dropout=0.0,
        map_parts=map,
        units=None,
    ):
        self.network = network
        self.loss = loss
        self.data = data
        self.n = len(data.sequences)
        total = data.total_weight
        self.scale = self.n / total
        self.truncation = truncation
        self.dropout = dropout
        self.penalty = network.penalised(data.sequences.steps.dtype)
        self.penalty *= alpha / total
        if units is not None:
            units.rescale_penalty(self.penalty, network.layout)
        self.map_parts = map_parts
        self.workspaces = WorkspacePool()

    def value(self, theta, indices):
        """Objective over the sequences ``indices``, without dropout."""
        weigh = self.scale / len(indices)

        def value_of(part):
            with self.workspaces.lend() as workspace:
                batch, y, weights = self._pack(part, weigh)
                raw, _ = self.network.forward(theta, batch, None, workspace, keep=False)
                return self.loss.weighted_sum(raw, y, weights)

        parts = parts_of(self.network, self.data.sequences, indices, keep=False)
        return sum(self.map_parts(value_of, parts), self._penalty(theta)[0])

    def value_and_gradient(self, theta, indices=None, rng=None):
        """Objective over the sequences ``indices``, or over all, and its gradient.

        ``rng`` draws the dropout masks; without it there is no dropout. The parts of a
        batch are summed in their order, so that threads change no bit.
        """
        network = self.network
        if indices is None:
            indices = np.arange(self.n)
        weigh = self.scale / len(indices)

        def gradient_of(part_and_masks):
            part, masks = part_and_masks
            with self.workspaces.lend() as workspace:
                batch, y, weights = self._pack(part, weigh)
                raw, tape = network.forward(theta, batch, masks, workspace)
                part_value = self.loss.weighted_sum(raw, y, weights)
                d_raw = self.loss.weighted_gradient(raw, y, weights)
                return part_value, network.backward(tape, d_raw, self.truncation)[0]

        parts = parts_of(network, self.data.sequences, indices)
        masks = [None] * len(parts)
        if rng is not None and self.dropout > 0:
            masks = [
                network.draw_masks(rng, len(part), self.dropout, theta.dtype)
                for part in parts
            ]
        value, gradient = self._penalty(theta)
        for part_value, part_gradient in self.map_parts(gradient_of, [*zip(parts, masks)]):
            value = value + part_value
            gradient += part_gradient
        return value, gradient

    def _penalty(self, theta):
        gradient = self.penalty * theta
        return 0.5 * np.dot(gradient, theta), gradient

    def _pack(self, indices, weigh):
        """A packed batch, its targets, and its weights times a number."""
        batch = self.data.sequences.pack(indices)
        where = batch.rows if self.data.per_step else batch.order
        weights = self.data.weights[where] * self.data.weights.dtype.type(weigh)
        return batch, self.data.y[where], weights


def parts_of(network, sequences, indices, keep=True):
    """The sequences ``indices`` in parts, which do not depend on the number of threads."""
    bytes_per_step = network.bytes_per_step(sequences.steps.itemsize, keep)
    return sequences.chunks(indices, max(1, TAPE_BYTES // bytes_per_step))


def raw_outputs(network, theta, sequences, map_parts=map):
    """Raw outputs of all sequences, in their order, in bounded memory."""

    def outputs_of(batch, workspace):
        return network.forward(theta, batch, None, workspace, keep=False)[0]

    per_step = network.readout is None
    return by_parts(network, sequences, outputs_of, map_parts, per_step, keep=False)


def input_gradients(network, theta, sequences, d_raw_of, map_parts=map):
    """dL/dx of each step, for the L whose dL/d(raw outputs) is ``d_raw_of(raw, where)``.

    ``where`` are the sequences, or the steps, that the raw outputs are of.
    """

    def gradient_of(batch, workspace):
        raw, tape = network.forward(theta, batch, None, workspace)
        where = batch.rows if network.readout is None else batch.order
        return network.backward(tape, d_raw_of(raw, where), need_dx=True)[1]

    return by_parts(network, sequences, gradient_of, map_parts, per_step=True)


def by_parts(network, sequences, function, map_parts, per_step, keep=True):
    """Rows that ``function(batch, workspace)`` gives, put together in bounded memory.

    There is one for each sequence, or each step, in the order of ``sequences``.
    """
    workspaces = WorkspacePool()

    def rows_of(part):
        with workspaces.lend() as workspace:
            batch = sequences.pack(part)
            rows = function(batch, workspace)
            return batch.rows if per_step else batch.order, rows

    n = len(sequences.steps) if per_step else len(sequences)
    result = None
    parts = parts_of(network, sequences, np.arange(len(sequences)), keep)
    for where, rows in map_parts(rows_of, parts):
        if result is None:
            result = np.empty((n, rows.shape[1]), rows.dtype)
        result[where] = rows
    return result
