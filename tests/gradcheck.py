"""Independent ways to a network's outputs and derivatives.

The reference network is written for one sequence at a time, with loops and no packing, and
with its own reading of truncated backpropagation: to find the state of a recurrence at step
t, it starts again from the state at the beginning of t's window, frozen to a constant, and
runs to t. So its derivative, by the complex step, is the truncated gradient by definition.
"""

import numpy as np

from skbptt.data._data import Data
from skbptt.training._objective import Objective

H = 1e-20


def complex_gradient(function, theta):
    """Gradient of a real function that runs on complex numbers, exact to rounding."""
    gradient = np.empty_like(theta)
    for k in range(len(theta)):
        shifted = theta.astype(complex)
        shifted[k] += 1j * H
        gradient[k] = function(shifted).imag / H
    return gradient


def relative_error(actual, expected):
    scale = np.abs(expected).max()
    return np.abs(actual - expected).max() / (scale if scale > 0 else 1)


def reference_scan(cell, p, x, truncation=None, initial=None, nudges=0):
    """States (n_steps, n_hidden) of one sequence x of shape (n_steps, n_in).

    ``nudges``, of the shape of the result, are added to the states.
    """
    n_gates, n_hidden = len(cell.gates), len(p["R"])
    if initial is None:
        initial = (np.zeros(n_hidden),) * len(cell.states)

    def step(x_t, state, p):
        a = (x_t @ p["W"] + p["b"]).reshape(n_gates, 1, n_hidden)
        u = (state[0] @ p["R"]).reshape(n_gates, 1, n_hidden)
        state, _ = cell.step(a, u, tuple(s[np.newaxis] for s in state), p)
        return tuple(s[0] for s in state)

    real = {name: value.real for name, value in p.items()}
    frozen = [tuple(s.real for s in initial)]
    for x_t in x.real:
        frozen.append(step(x_t, frozen[-1], real))
    nudges = np.broadcast_to(nudges, (len(x), n_hidden))
    outputs = []
    for t in range(len(x)):
        start = 0
        if truncation is not None:
            k1, k2 = truncation
            start = max(0, (t // k1 + 1) * k1 - k2)
        state = initial if start == 0 else frozen[start]
        for s in range(start, t + 1):
            h, *others = step(x[s], state, p)
            state = (h + nudges[s], *others)
        outputs.append(state[0])
    return np.array(outputs)


def directions_of(network):
    return ("forward", "backward") if network.bidirectional else ("forward",)


def names_of(network):
    """(k, direction, full names by name) of each recurrent layer, in their order."""
    return [
        (k, d, {s: f"layers.{k}.{d}.{s}" for s in network.cell.shapes(1, 1)})
        for k in range(len(network.sizes))
        for d in directions_of(network)
    ]


def reference_raw(network, theta, x, truncation=None, nudges=None):
    """Raw output of one sequence: (n_outputs,), or (n_steps, n_outputs).

    ``nudges``, by ``layers.{k}.{direction}``, are added to the states.
    """
    views = network.layout.views(theta)
    h = x
    for k in range(len(network.sizes)):
        directions = []
        for direction in directions_of(network):
            names = network.cell.shapes(1, 1)
            key = f"layers.{k}.{direction}"
            p = {name: views[f"{key}.{name}"] for name in names}
            order = slice(None) if direction == "forward" else slice(None, None, -1)
            nudge = (nudges or {}).get(key, 0)
            states = reference_scan(network.cell, p, h[order], truncation, None, nudge)
            directions.append(states[order])
        h = np.concatenate(directions, axis=1)
    n = network.sizes[-1]
    last = np.concatenate([h[-1, :n], h[0, n:]])
    top = np.array([unit[unit.real.argmax()] for unit in h.T])
    read = {
        None: h,
        "last": last,
        "mean": sum(h) / len(h),
        "max": top,
        "concat": np.concatenate([last, sum(h) / len(h), top]),
    }[network.readout]
    return read @ views["output.W"] + views["output.b"]


def states_by_hand(cell, weights, key, x):
    """States and gates of a layer for one sequence, from the equations of the papers."""
    W, R, b = (weights[f"{key}.{name}"] for name in "WRb")
    h = c = np.zeros(len(R))
    steps = []
    for x_t in x:
        a, u = x_t @ W + b, h @ R
        if cell == "rnn":
            h = np.tanh(a + u)
            steps.append({"h": h})
        elif cell == "lstm":
            i, f, g, o = np.split(a + u, 4)
            i, f, g, o = sigma(i), sigma(f), np.tanh(g), sigma(o)
            c = f * c + i * g
            h = o * np.tanh(c)
            steps.append({"h": h, "c": c, "i": i, "f": f, "g": g, "o": o})
        elif cell == "lem":
            (a1, a2, az, ay), (u1, u2, uz, _) = np.split(a, 4), np.split(u, 4)
            step_z, step_h = sigma(a1 + u1), sigma(a2 + u2)  # dt is 1
            z, g_z = c, np.tanh(az + uz)
            c = z = (1 - step_z) * z + step_z * g_z
            g_h = np.tanh(ay + z @ np.split(R, 4, axis=1)[3])
            h = (1 - step_h) * h + step_h * g_h
            of_gates = {"dt_z": step_z, "dt_h": step_h, "g_z": g_z, "g_h": g_h}
            steps.append({"h": h, "z": z, **of_gates})
        else:
            (ar, az, an), (ur, uz, un) = np.split(a, 3), np.split(u, 3)
            r, z = sigma(ar + ur), sigma(az + uz)
            n = np.tanh(an + r * (un + weights[f"{key}.b_n"]))
            h = (1 - z) * n + z * h
            steps.append({"h": h, "r": r, "z": z, "n": n})
    return {name: np.array([step[name] for step in steps]) for name in steps[0]}


def sigma(z):
    return 1 / (1 + np.exp(-z))


def reference_value(network, loss, data, alpha, truncation, theta):
    """The objective, one sequence after the other."""
    total = 0
    xs = data.sequences.split(data.sequences.steps)
    if data.per_step:
        targets = zip(data.sequences.split(data.y), data.sequences.split(data.weights))
    else:
        targets = zip(data.y[:, np.newaxis], data.weights[:, np.newaxis])
    for x, (y, weights) in zip(xs, targets):
        raw = np.atleast_2d(reference_raw(network, theta, x, truncation))
        total += (weights * loss.value(raw, y)).sum()
    views = network.layout.views(theta)
    for name, matrix in views.items():
        if name.endswith((".W", ".R")):
            total += alpha / 2 * (matrix**2).sum()
    return total / data.weights.sum()


def objective_of(network, loss, sequences, y, weights, **options):
    data = Data(sequences, y, weights, network.readout is None)
    return Objective(network, loss, data, **options)


def by_complex_step(network, theta, x, function):
    """Derivative of a function of one sequence's raw outputs with respect to its steps."""

    def value(flat):
        return function(np.atleast_2d(reference_raw(network, theta, flat.reshape(x.shape))))

    return complex_gradient(value, x.ravel()).reshape(x.shape)
