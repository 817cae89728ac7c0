"""The training objective: data, weights and L2 as functions of one flat vector."""

import numpy as np

from ..loops import WorkspacePool
from ..network import Curvature, by_parts, parts_of


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
    loss : one of skbptt.losses._pointwise
    data : Data
    alpha : float
        Strength of L2.
    truncation : (int, int) or None
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
        self.alpha = alpha
        self.penalty = network.penalised(data.sequences.steps.dtype)
        self.penalty *= alpha / total
        if units is not None:
            units.rescale_penalty(self.penalty, network.layout)
        self.map_parts = map_parts
        self.workspaces = WorkspacePool()

    def value(self, theta, indices):
        """Objective over the sequences ``indices``, without noise."""
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

        ``rng`` draws the noise of the network; without it there is none. The parts of a
        batch are summed in their order, so that threads change no bit.
        """
        network = self.network
        if indices is None:
            indices = np.arange(self.n)
        weigh = self.scale / len(indices)

        def gradient_of(part_and_noise):
            part, noise = part_and_noise
            with self.workspaces.lend() as workspace:
                batch, y, weights = self._pack(part, weigh)
                raw, tape = network.forward(theta, batch, noise, workspace)
                part_value, d_raw = self.loss.weighted_value_and_gradient(raw, y, weights)
                return part_value, network.backward(tape, d_raw, self.truncation)[0]

        parts = parts_of(network, self.data.sequences, indices)
        noise = [None] * len(parts)
        if rng is not None:
            noise = [network.draw(rng, len(part), theta.dtype) for part in parts]
        value, gradient = self._penalty(theta)
        for part_value, part_gradient in self.map_parts(gradient_of, [*zip(parts, noise)]):
            value = value + part_value
            if gradient is None:
                gradient = part_gradient
            else:
                gradient += part_gradient
        return value, gradient

    def curvature(self, theta, indices=None):
        """Second derivatives over the sequences ``indices``, or over all, without noise."""
        return Curvature(self, theta, indices)

    def _penalty(self, theta):
        """The value of L2 and its gradient; None for no gradient."""
        if not self.alpha:
            return theta.dtype.type(0), None
        gradient = self.penalty * theta
        return 0.5 * np.dot(gradient, theta), gradient

    def _pack(self, indices, weigh):
        """A packed batch, its targets, and its weights times a number."""
        batch = self.data.sequences.pack(indices)
        y, weights = self.data.targets_of(batch)
        return batch, y, weights * weights.dtype.type(weigh)


def losses_of(network, theta, loss, data, map_parts=map):
    """Loss of each sequence, without its weight, for targets that are Labels."""

    def of_batch(batch, workspace):
        y, _ = data.targets_of(batch)
        raw, _ = network.forward(theta, batch, None, workspace, keep=False)
        return loss.value(raw, y)[:, np.newaxis]

    per_sequence = by_parts(network, data.sequences, of_batch, map_parts, False, keep=False)
    return per_sequence[:, 0]
