"""Layers made of layers: one after the other, or side by side."""

from copy import copy

import numpy as np

from ._base import Layer, Stepper


class Group(Layer):
    """Layers by name.

    Parameters
    ----------
    layers : dict of str to Layer
    """

    def __init__(self, layers):
        self.layers = dict(layers)
        self.reads_out = any(layer.reads_out for layer in self.layers.values())

    def shapes(self):
        return {name: layer.shapes() for name, layer in self.layers.items()}

    def initialise(self, p, rng):
        for name, layer in self.layers.items():
            layer.initialise(p[name], rng)

    def penalise(self, mask):
        for name, layer in self.layers.items():
            layer.penalise(mask[name])

    def draw(self, rng, n, dtype):
        noise: dict[Layer, np.ndarray] = {}
        for layer in self.layers.values():
            noise |= layer.draw(rng, n, dtype)
        return noise

    def numbers_per_step(self, keep):
        return sum(layer.numbers_per_step(keep) for layer in self.layers.values())

    def stepper(self, p, n, dtype):
        of_layers = {
            name: layer.stepper(p[name], n, dtype) for name, layer in self.layers.items()
        }
        return self._stepper(of_layers)

    def _stepper(self, steppers):
        """That of the group, from those of its layers by name."""
        states = {
            f"{name}.{own}": array
            for name, stepper in steppers.items()
            for own, array in stepper.states.items()
        }

        def choose(streams):
            chosen = {name: stepper.choose(streams) for name, stepper in steppers.items()}
            return self._stepper(chosen)

        steps = [stepper.step for stepper in steppers.values()]
        return Stepper(self._together(steps), states, choose)

    def _together(self, steps):
        """One step of the group, of those of its layers."""
        raise NotImplementedError

    def cannot(self, what):
        for name, layer in self.layers.items():
            if reason := layer.cannot(what):
                return f"{name}: {reason}"
        return None

    def leaves(self):
        return {
            f"{name}.{below}" if below else name: leaf
            for name, layer in self.layers.items()
            for below, leaf in layer.leaves().items()
        }

    def replaced(self, function):
        other = copy(self)
        other.layers = {n: layer.replaced(function) for n, layer in self.layers.items()}
        return other


class Chain(Group):
    """Layers one after the other: each reads what the one before gives."""

    def __init__(self, layers):
        super().__init__(layers)
        *_, top = self.layers.values()
        self.width = top.width
        with_parameters = [bool(layer.shapes()) for layer in self.layers.values()]
        # Down to here gradients have to pass, even if that of the input is not wanted.
        self.lowest = with_parameters.index(True) if any(with_parameters) else 0

    def forward(self, p, x, run):
        tapes = []
        for name, layer in self.layers.items():
            y, tape = layer.forward(p[name], x, run)
            tapes.append((name, layer, x, tape))
            x = y
        return x, tapes

    def backward(self, p, tapes, dy, grad, run, need_dx):
        lowest = 0 if need_dx else self.lowest
        for k in range(len(tapes) - 1, lowest - 1, -1):
            name, layer, _, tape = tapes[k]
            need = need_dx or k > lowest
            dy = layer.backward(p[name], tape, dy, grad[name], run, need)
        return dy if need_dx else None

    def tangent(self, p, p_dot, x, x_dot, tapes, run):
        tangents = []
        for name, layer, x, tape in tapes:
            x_dot, tangent = layer.tangent(p[name], p_dot[name], x, x_dot, tape, run)
            tangents.append(tangent)
        return x_dot, tangents

    def tangent_back(self, p, p_dot, tapes, tangents, dy, dy_dot, grad, run, need_dx):
        lowest = 0 if need_dx else self.lowest
        for k in range(len(tapes) - 1, lowest - 1, -1):
            name, layer, _, tape = tapes[k]
            of_layer = p[name], p_dot[name], tape, tangents[k]
            need = need_dx or k > lowest
            dy, dy_dot = layer.tangent_back(*of_layer, dy, dy_dot, grad[name], run, need)
        return (dy, dy_dot) if need_dx else (None, None)

    def _together(self, steps):
        def step(x):
            for of_layer in steps:
                x = of_layer(x)
            return x

        return step


class Sides(Group):
    """Layers that read the same input. Their outputs stand side by side."""

    def __init__(self, layers):
        super().__init__(layers)
        ends = np.cumsum([layer.width for layer in self.layers.values()]).tolist()
        self.width = ends[-1]
        self.spans = dict(zip(self.layers, map(slice, [0, *ends[:-1]], ends)))

    def forward(self, p, x, run):
        outputs, tapes = [], {}
        for name, layer in self.layers.items():
            y, tapes[name] = layer.forward(p[name], x, run)
            outputs.append(y)
        return side_by_side(outputs, run.workspace), tapes

    def backward(self, p, tapes, dy, grad, run, need_dx):
        dx = None
        for name, layer in reversed(self.layers.items()):
            d_side = dy[..., self.spans[name]]
            d = layer.backward(p[name], tapes[name], d_side, grad[name], run, need_dx)
            if need_dx:
                dx = d if dx is None else dx + d
        return dx

    def tangent(self, p, p_dot, x, x_dot, tapes, run):
        outputs, tangents = [], {}
        for name, layer in self.layers.items():
            y_dot, tangents[name] = layer.tangent(
                p[name], p_dot[name], x, x_dot, tapes[name], run
            )
            outputs.append(y_dot)
        return side_by_side(outputs, run.workspace), tangents

    def tangent_back(self, p, p_dot, tapes, tangents, dy, dy_dot, grad, run, need_dx):
        dx = dx_dot = None
        for name, layer in reversed(self.layers.items()):
            span = self.spans[name]
            of_layer = p[name], p_dot[name], tapes[name], tangents[name]
            pair = dy[..., span], dy_dot[..., span]
            d, d_dot = layer.tangent_back(*of_layer, *pair, grad[name], run, need_dx)
            if dx is not None:
                d, d_dot = dx + d, dx_dot + d_dot
            dx, dx_dot = d, d_dot
        return dx, dx_dot

    def _together(self, steps):
        return lambda x: side_by_side([of_side(x) for of_side in steps])


def side_by_side(outputs, workspace=None):
    """Outputs along their last axis, in the workspace if there is one."""
    if len(outputs) == 1:
        return outputs[0]
    out = None
    if workspace is not None:
        width = sum(output.shape[-1] for output in outputs)
        shape = *outputs[0].shape[:-1], width
        out = workspace.empty(shape, np.result_type(*outputs))
    return np.concatenate(outputs, axis=-1, out=out)
