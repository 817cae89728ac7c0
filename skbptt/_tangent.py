"""Derivatives of a network and of its gradient along one direction of the weights.

The R-operator of Pearlmutter (1994), layer by layer: what is named x_dot is the derivative
of x along the direction. The forward part gives J v, the Jacobian of the raw outputs times
the direction; the way back gives the Hessian times it.
"""

from typing import Any

import numpy as np

from ._engine import run_back_tangent, run_tangent


class Tangent:
    """The derivative of a forward pass along one direction.

    Parameters
    ----------
    network : Network
    tape : tuple
        As returned by :meth:`Network.forward`, without dropout.
    theta_dot : ndarray of shape (layout.size,)
        The direction.
    workspace : Workspace
        Where the results live; not that of the tape.

    Attributes
    ----------
    raw_dot : ndarray of the shape of the raw outputs
    states_dot : list of ndarrays of shape (n_rows, n_hidden)
        Of the states of all steps, by layer and direction, in the order read.
    """

    def __init__(self, network, tape, theta_dot, workspace):
        self.network, self.tape, self.workspace = network, tape, workspace
        self.dots = network.layout.views(theta_dot)
        views, batch, _, tapes, s = tape
        self.states_dot, self.layers = [], []
        h_dot: Any = None
        outputs = []
        for (k, direction, names), layer_tape in zip(network.names, tapes):
            p = {s: views[name] for s, name in names.items()}
            p_dot = {s: self.dots[name] for s, name in names.items()}
            forward, parts = direction == "forward", network.parts[k]
            x_dot = h_dot if h_dot is None or forward else h_dot[batch.mirror]
            output, states, tangent = run_tangent(
                network.cell, p, p_dot, x_dot, batch, parts, layer_tape, workspace
            )
            self.states_dot.append(states)
            self.layers.append(tangent)
            outputs.append(output if forward or parts else output[batch.mirror])
            if direction == network.directions[-1]:
                h_dot = outputs[0] if len(outputs) == 1 else np.concatenate(outputs, -1)
                outputs = []
        self.s_dot = h_dot.reshape(len(h_dot), -1)
        self.raw_dot = (
            self.s_dot @ views["output.W"]
            + s @ self.dots["output.W"]
            + self.dots["output.b"]
        )

    def backward(self, d_raw, d_raw_dot):
        """Derivative of the gradient that :meth:`Network.backward` gives for ``d_raw``.

        Parameters
        ----------
        d_raw, d_raw_dot : ndarrays of the shape of the raw outputs
            dL/d(raw outputs), and its derivative along the direction.

        Returns
        -------
        gradient_dot : ndarray of shape (layout.size,)
        """
        network, dots = self.network, self.dots
        views, batch, _, _, s = self.tape
        gradient_dot = np.empty(network.layout.size, d_raw.dtype)
        grad_views = network.layout.views(gradient_dot)
        grad_views["output.W"][:] = s.T @ d_raw_dot + self.s_dot.T @ d_raw
        grad_views["output.b"][:] = d_raw_dot.sum(axis=0)
        # What belongs together: a gradient and its derivative.
        W, W_dot = views["output.W"].T, dots["output.W"].T
        pair: Any = np.stack([d_raw @ W, d_raw_dot @ W + d_raw @ W_dot])
        if network.parts[-1]:
            pair = pair.reshape(2, len(d_raw), len(network.parts[-1]), -1)

        for (k, direction, names), tangent in zip(network.names[::-1], self.layers[::-1]):
            if direction == network.directions[-1]:
                of_states, pair = pair, 0
            n, forward = network.sizes[k], direction == "forward"
            d_output = of_states[..., :n] if forward else of_states[..., n:]
            if not (forward or network.parts[k]):
                d_output = d_output[:, batch.mirror]
            d_input: Any = run_back_tangent(
                network.cell,
                batch,
                network.parts[k],
                tangent,
                d_output[0],
                d_output[1],
                {s: grad_views[name] for s, name in names.items()},
                k > 0,
                self.workspace,
            )
            if k > 0:
                d_input = np.stack(d_input)
                pair = pair + (d_input if forward else d_input[:, batch.mirror])
        return gradient_dot
