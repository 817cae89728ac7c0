"""What passes through the cells of a network: states and gradients of all steps."""

from copy import copy

import numpy as np

from ._engine import STEP
from ._objective import by_parts
from ._scan import by_gate
from .cells import Cell


class Recorder(Cell):
    """A cell that does what another does, and writes it down.

    It is unknown to the compiled loops, so those of NumPy call it: layer by layer and step
    by step on the way forward, in the opposite order on the way back.
    """

    def __init__(self, cell):
        self.cell = cell
        self.gates, self.states, self.vectors = cell.gates, cell.states, cell.vectors
        self.values, self.gradients = [], []

    def step(self, a, u, state, p):
        state, tape = self.cell.step(a, u, state, p)
        named = dict(zip(self.states, state)) | self.cell.gate_values(tape)
        self.values.append(named)
        return state, tape

    def step_back(self, d_state, tape, p):
        self.gradients.append(d_state[0].copy())
        return self.cell.step_back(d_state, tape, p)


def recording(network):
    """A network like the given, and its recorder."""
    recorded = copy(network)
    recorded.cell = Recorder(network.cell)
    return recorded, recorded.cell


def record_states(network, theta, sequences, map_parts=map):
    """States and gates of all steps.

    Returns
    -------
    values : dict of str to ndarray of shape (n_steps, n_hidden)
        By ``layers.{k}.{direction}.{name}``, in the order of ``sequences``.
    """
    keys: dict[str, slice] = {}

    def values_of(batch, workspace):
        recorded, recorder = recording(network)
        recorded.forward(theta, batch, None, workspace)
        n_steps, columns, end = len(batch.sizes), [], 0
        for i, (k, direction, _) in enumerate(network.names):
            of_layer = recorder.values[i * n_steps : (i + 1) * n_steps]
            for name in of_layer[0]:
                rows = np.concatenate([values[name] for values in of_layer])
                columns.append(rows if direction == "forward" else rows[batch.mirror])
                start, end = end, end + network.sizes[k]
                keys[f"layers.{k}.{direction}.{name}"] = slice(start, end)
        return np.concatenate(columns, axis=1)

    values = by_parts(network, sequences, values_of, map_parts, per_step=True)
    return {name: values[:, columns] for name, columns in keys.items()}


def record_gradient_norms(network, theta, loss, data, map_parts=map):
    """Norms of dL/dh of all steps, by lag.

    L is each sequence's own loss, without weights, over the targets of positive weight.
    Where there is a target a step, it is the loss of the last such step alone that a
    direction reads.

    Returns
    -------
    norms : dict of str to ndarray of shape (n_sequences, max_steps)
        By ``layers.{k}.{direction}``. Column 0 is the last step that the direction reads
        before L; NaN beyond the first, and infinite where it overflows.
    """
    sequences, per_step = data.sequences, network.readout is None
    counted = (data.weights > 0).astype(theta.dtype)
    n_read = steps_read(data)

    def norms_of(batch, workspace):
        recorded, recorder = recording(network)
        raw, tape = recorded.forward(theta, batch, None, workspace)
        where = batch.rows if per_step else batch.order
        d_raw = loss.weighted_gradient(raw, data.y[where], counted[where])
        n_steps, columns = len(batch.sizes), {}
        for reads in network.directions:
            d_last = d_raw
            if per_step:
                n = np.maximum(n_read[reads][batch.order], 1)
                time = n - 1 if reads == "forward" else batch.lengths - n
                last = batch.offsets[time] + np.arange(len(n))
                d_last = np.zeros_like(d_raw)
                d_last[last] = d_raw[last]
            recorder.gradients.clear()
            recorded.backward(tape, d_last)
            gradients = recorder.gradients[::-1]
            for i, (_, direction, _) in enumerate(network.names):
                if direction == reads:
                    rows = np.concatenate(gradients[i * n_steps : (i + 1) * n_steps])
                    of_rows = np.linalg.norm(rows, axis=1)
                    columns[i] = np.where(np.isnan(of_rows), np.inf, of_rows)  # overflown
        return np.column_stack([columns[i] for i in range(len(network.names))])

    rows = by_parts(network, sequences, norms_of, map_parts, per_step=True)
    # The steps of each sequence stand in the order read.
    norms = {}
    for (k, direction, _), column in zip(network.names, rows.T):
        by_lag = np.full((len(sequences), sequences.lengths.max()), np.nan, rows.dtype)
        for row, of_sequence, n in zip(by_lag, sequences.split(column), n_read[direction]):
            row[:n] = of_sequence[:n][::-1]
        norms[f"layers.{k}.{direction}"] = by_lag
    return norms


def steps_read(data):
    """Steps of each sequence that a direction reads up to its last target with a weight."""
    sequences, known = data.sequences, data.known.any(axis=1)
    if not data.per_step:
        return dict.fromkeys(("forward", "backward"), np.where(known, sequences.lengths, 0))
    places = [np.flatnonzero(one) for one in sequences.split(known)]
    first = np.array([one.min(initial=n) for one, n in zip(places, sequences.lengths)])
    last = np.array([one.max(initial=-1) for one in places])
    return {"forward": last + 1, "backward": sequences.lengths - first}


def median_by_lag(norms):
    """Median over sequences, up to the largest lag that one has."""
    norms = norms[:, ~np.isnan(norms).all(axis=0)]
    return np.nanmedian(norms, axis=0)


def reach_of(norms):
    """The first lag at which the median norm is below 1 % of that at lag 0, or inf."""
    median = median_by_lag(norms)
    below = np.flatnonzero(median < 0.01 * median[0])
    return float(below[0]) if len(below) else np.inf


def spectral_radii(network, theta, sequences, values, n_samples):
    """Spectral radii of the Jacobian of a state by the one before, at some steps.

    Parameters
    ----------
    network, theta, sequences : as in :func:`record_states`
    values : dict
        What that function gave.
    n_samples : int
        Steps at the most, spread over all.

    Returns
    -------
    radii : dict of str to ndarray of shape (n_samples,)
        By ``layers.{k}.{direction}``.
    """
    n, cell = len(sequences.steps), network.cell
    output = cell.states[0]
    # Even spacing might meet the same step of each sequence; multiples of the golden ratio
    # are as even, and meet all alike.
    golden = (np.arange(n_samples) * ((np.sqrt(5) - 1) / 2) + 0.5) % 1
    rows = np.unique((n * golden).astype(int)) if n > n_samples else np.arange(n)
    views, x, radii = network.layout.views(theta), sequences.steps, {}
    ends = sequences.starts + sequences.lengths - 1
    for k, direction, names in network.names:
        p = {s: views[name] for s, name in names.items()}
        forward, key = direction == "forward", f"layers.{k}.{direction}"
        first = np.isin(rows, sequences.starts if forward else ends)
        before = (rows - 1 if forward else rows + 1) % n
        states = [
            np.where(first[:, None], 0, values[f"{key}.{name}"][before])
            for name in cell.states
        ]
        radii[key] = np.array(
            [
                spectral_radius(cell, p, x[row], [state[i] for state in states])
                for i, row in enumerate(rows)
            ]
        )
        if direction == network.directions[-1]:
            x = np.concatenate(
                [values[f"layers.{k}.{side}.{output}"] for side in network.directions],
                axis=1,
            )
    return radii


def spectral_radius(cell, p, x, state):
    """Of the Jacobian of one step of a cell, by the complex step."""
    n_gates, n_hidden = len(cell.gates), len(p["R"])
    n = len(state) * n_hidden
    varied = np.tile(np.concatenate(state), (n, 1)) + 1j * STEP * np.eye(n)
    varied = tuple(np.split(varied, len(state), axis=1))
    a = (x @ p["W"] + p["b"]).reshape(n_gates, 1, n_hidden).repeat(n, axis=1)
    after, _ = cell.step(a, varied[0] @ by_gate(p["R"], n_gates), varied, p)
    jacobian = np.concatenate(after, axis=1).imag / STEP
    if not np.isfinite(jacobian).all():
        return np.inf
    return np.abs(np.linalg.eigvals(jacobian)).max()
