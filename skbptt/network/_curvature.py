"""Products with the second derivatives of an objective, at one point."""

import numpy as np

from ..loops import Workspace, WorkspacePool
from ._parts import parts_of

# Bytes of tapes that are kept between products. Tapes beyond these are recomputed.
KEPT_BYTES = 1 << 29


class Curvature:
    """Products with the Hessian and the Gauss-Newton matrix of an objective.

    Exact to rounding, by the R-operator (Pearlmutter, 1994), and without any matrix: a
    product costs a few gradients. The Gauss-Newton matrix (Schraudolph, 2002) is J^T H J,
    with the Jacobian J of the raw outputs and the Hessian H of the loss with respect to
    these, if the loss is convex in them, or else a matrix in its place (``curvature`` of
    the loss): so it is positive semi-definite. Both contain the penalty.

    Parameters
    ----------
    objective : Objective
        Without truncation.
    theta : ndarray
        The point.
    indices : ndarray of int, default=None
        Sequences to take; all if None.
    """

    def __init__(self, objective, theta, indices=None):
        self.objective, self.theta = objective, theta
        if indices is None:
            indices = np.arange(objective.n)
        self.weigh = objective.scale / len(indices)
        network, sequences = objective.network, objective.data.sequences
        bytes_per_step = network.bytes_per_step(sequences.steps.itemsize, keep=True)
        room = KEPT_BYTES
        self.parts = []
        self.pool = WorkspacePool()
        for part in parts_of(network, sequences, indices):
            room -= sequences.lengths[part].sum() * bytes_per_step
            self.parts.append([part, None, room >= 0])

    def hessian(self, v):
        """Product of the Hessian with a vector."""

        def of_part(tape, tangent, raw, raw_dot, y, weights):
            pair = self.objective.loss.derivative(raw, raw_dot, y, weights)
            return self.objective.network.tangent_back(tape, tangent, *pair)

        return self._sum(v, of_part)

    def gauss_newton(self, v, structural=0.0):
        """Product of the Gauss-Newton matrix with a vector.

        With ``structural``, that many times J_h^T J_h is added, for the Jacobian J_h of
        the states of all steps (Martens & Sutskever, 2011, section 3.2); in the weights
        and at the scale of the loss.
        """

        network = self.objective.network

        def of_part(tape, tangent, raw, raw_dot, y, weights):
            d_raw_dot = self.objective.loss.curvature(raw, raw_dot, y, weights)
            d_states = None
            if structural:
                batch = tape.batch
                of_row = weights.reshape(len(weights), -1).mean(axis=1)
                if not network.per_step:
                    of_row = of_row[batch.column]
                d_states = {
                    layer: structural * of_row[:, np.newaxis] * h_dot
                    for layer, h_dot in tangent.states.items()
                }
            return network.backward(tape, d_raw_dot, d_states=d_states)[0]

        return self._sum(v, of_part)

    def _sum(self, v, function):
        """The penalty's part, and the sum over the parts of the data."""
        objective, network = self.objective, self.objective.network
        v = v.astype(self.theta.dtype, copy=False)

        def of_part(k):
            part, kept, keep = self.parts[k]
            if kept is None:
                workspace = Workspace()
                batch, y, weights = objective._pack(part, self.weigh)
                raw, tape = network.forward(self.theta, batch, None, workspace)
                kept = raw, tape, y, weights
                if keep:
                    self.parts[k][1] = kept
            raw, tape, y, weights = kept
            with self.pool.lend() as workspace:
                raw_dot, tangent = network.tangent(tape, v, workspace)
                return function(tape, tangent, raw, raw_dot, y, weights)

        product = objective.penalty * v
        for part in objective.map_parts(of_part, range(len(self.parts))):
            product += part
        return product
