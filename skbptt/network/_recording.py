"""What passes through the cells of a network: states and gradients of all steps."""

from copy import copy

import numpy as np

from ..cells import Cell
from ..layers import Recurrent
from ..loops import STEP, by_early_gate
from ._parts import by_parts, parts_of


class Recorder(Cell):
    """A cell that does what another does, and writes it down.

    It is unknown to the compiled loops, so those of NumPy call it, step by step on the way
    forward.

    Parameters
    ----------
    cell : Cell
    """

    def __init__(self, cell):
        self.cell = cell
        self.gates, self.states, self.vectors = cell.gates, cell.states, cell.vectors
        self.late_gate = cell.late_gate
        self.inputs, self.values = [], []

    def step(self, a, u, state, p):
        after, tape = self.cell.step(a, u, state, p)
        self.inputs.append((p, a, state))
        gates = self.cell.gate_values(tape)
        self.values.append(dict(zip(self.states, after)) | gates)
        return after, tape

    def step_back(self, d_state, tape, p):
        return self.cell.step_back(d_state, tape, p)


def recurrent_layers(network):
    """The recurrent layers of a network, by name."""
    leaves = network.layer.leaves()
    return {name: leaf for name, leaf in leaves.items() if isinstance(leaf, Recurrent)}


def recording(network):
    """A network like the given whose cells are recorded, and its recurrent layers."""

    def recorded(leaf):
        if isinstance(leaf, Recurrent):
            leaf = copy(leaf)
            leaf.cell = Recorder(leaf.cell)
        return leaf

    other = network.replaced(recorded)
    return other, recurrent_layers(other)


def record_attention(network, theta, sequences, labels, map_parts=map):
    """Weights of attention while a translator reads labels.

    Parameters
    ----------
    network : Translator
    theta : ndarray
    sequences : Sequences
    labels : Labels
    map_parts : callable
        Like :class:`map`; may run in threads.

    Returns
    -------
    weights : list of ndarray of shape (n_labels + 1, n_steps)
        Of each sequence.
    """
    sequences = sequences.with_targets(labels)
    weights = [np.empty(0)] * len(sequences)

    def of_part(part):
        batch = sequences.pack(part)
        _, run = network.forward(theta, batch, keep=False)
        return batch.order, run.tape.attention[0]

    parts = parts_of(network, sequences, np.arange(len(sequences)), keep=False)
    for order, alpha in map_parts(of_part, parts):
        for i, of_one in zip(order, alpha):
            n_labels, n_steps = labels.lengths[i] + 1, sequences.lengths[i]
            weights[i] = of_one[:n_labels, :n_steps].copy()
    return weights


def record_states(network, theta, sequences, map_parts=map):
    """States and gates of all steps.

    Returns
    -------
    values : dict of str to ndarray of shape (n_steps, n_hidden)
        By ``{layer}.{name}``, as in ``layers.0.forward.h``, in the order of ``sequences``.
    """
    keys: dict[str, slice] = {}

    def values_of(batch, workspace):
        recorded, layers = recording(network)
        recorded.forward(theta, batch, None, workspace)
        columns, end = [], 0
        for key, layer in layers.items():
            values = layer.cell.values
            for name in values[0]:
                rows = np.concatenate([of_step[name] for of_step in values])
                columns.append(rows[batch.mirror] if layer.reverse else rows)
                start, end = end, end + layer.width
                keys[f"{key}.{name}"] = slice(start, end)
        return np.concatenate(columns, axis=1)

    values = by_parts(network, sequences, values_of, map_parts, per_step=True)
    return {name: values[:, columns] for name, columns in keys.items()}


def record_gradient_norms(network, theta, loss, data, map_parts=map):
    """Norms of dL/dh of all steps, by lag, and the raw outputs.

    L is the loss of each sequence, without weights, over the targets of positive weight.
    With step targets it is the loss of the last such step that a layer reads.

    Returns
    -------
    norms : dict of str to ndarray of shape (n_sequences, max_steps)
        By recurrent layer. Column 0 is the last step that the layer reads before L; NaN
        beyond the first, and infinite where it overflows.
    raw : ndarray of shape (n_sequences, n_outputs) or (n_steps, n_outputs)
    """
    sequences, per_step = data.sequences, network.per_step
    layers = recurrent_layers(network)
    reverse = {name: layer.reverse for name, layer in layers.items()}
    counted = data.reweighted((data.weights > 0).astype(theta.dtype))
    n_read = steps_read(data)
    raws = np.empty((len(data.y), network.n_outputs), theta.dtype)

    def norms_of(batch, workspace):
        raw, tape = network.forward(theta, batch, None, workspace)
        raws[batch.rows if per_step else batch.order] = raw
        d_raw = loss.weighted_gradient(raw, *counted.targets_of(batch))
        columns = {}
        for back in set(reverse.values()):
            d_last = d_raw
            if per_step:
                n = np.maximum(n_read[back][batch.order], 1)
                time = batch.lengths - n if back else n - 1
                last = batch.offsets[time] + np.arange(len(n))
                d_last = np.zeros_like(d_raw)
                d_last[last] = d_raw[last]
            d_hs: dict[Recurrent, np.ndarray] = {}
            network.backward(tape, d_last, d_hs=d_hs)
            for name, layer in layers.items():
                if layer.reverse == back:
                    of_rows = np.linalg.norm(d_hs[layer], axis=1)
                    overflown = np.isnan(of_rows)
                    columns[name] = np.where(overflown, np.inf, of_rows)
        return np.column_stack([columns[name] for name in reverse])

    rows = by_parts(network, sequences, norms_of, map_parts, per_step=True)
    # The steps of each sequence stand in the order read.
    norms = {}
    for (name, back), column in zip(reverse.items(), rows.T):
        by_lag = np.full((len(sequences), sequences.lengths.max()), np.nan, rows.dtype)
        for row, of_sequence, n in zip(by_lag, sequences.split(column), n_read[back]):
            row[:n] = of_sequence[:n][::-1]
        norms[name] = by_lag
    return norms, raws


def steps_read(data):
    """Steps of each sequence that are read up to its last target with a weight.

    By whether a layer reads in reverse.
    """
    sequences, known = data.sequences, data.known.any(axis=1)
    if not data.per_step:
        return dict.fromkeys((False, True), np.where(known, sequences.lengths, 0))
    places = [np.flatnonzero(one) for one in sequences.split(known)]
    first = np.array([one.min(initial=n) for one, n in zip(places, sequences.lengths)])
    last = np.array([one.max(initial=-1) for one in places])
    return {False: last + 1, True: sequences.lengths - first}


def median_by_lag(norms):
    """Median over sequences, up to the largest lag that one has."""
    n = np.count_nonzero(~np.isnan(norms), axis=0)
    (lags,) = np.nonzero(n)
    n, ordered = n[lags], np.sort(norms, axis=0)  # NaN last
    return (ordered[(n - 1) // 2, lags] + ordered[n // 2, lags]) / 2


def reach_of(median):
    """The first lag at which the median norm is below 1 % of that at lag 0, or inf."""
    below = np.flatnonzero(median < 0.01 * median[0])
    return float(below[0]) if len(below) else np.inf


def spectral_radii(network, theta, sequences, n_samples, map_parts=map):
    """Spectral radii of the Jacobian of a state by the one before, at some steps.

    Parameters
    ----------
    network, theta, sequences, map_parts : as in :func:`record_states`
    n_samples : int
        Maximum number of steps, evenly spaced.

    Returns
    -------
    radii : dict of str to ndarray of shape (n_samples,)
        By recurrent layer.
    """
    n = len(sequences.steps)
    # Even spacing might meet the same step of each sequence; multiples of the golden ratio
    # are as even, and meet all alike.
    golden = (np.arange(n_samples) * ((np.sqrt(5) - 1) / 2) + 0.5) % 1
    steps = np.unique((n * golden).astype(int)) if n > n_samples else np.arange(n)
    wanted = np.isin(np.arange(n), steps)
    met = np.logical_or.reduceat(wanted, sequences.starts)

    def radii_of(batch, workspace):
        recorded, layers = recording(network)
        recorded.forward(theta, batch, None, workspace)
        radii = np.full((len(batch.rows), len(layers)), np.nan)
        for row in np.flatnonzero(wanted[batch.rows]):
            for k, layer in enumerate(layers.values()):
                read = batch.mirror[row] if layer.reverse else row
                p, a, state = layer.cell.inputs[batch.time[read]]
                column = slice(batch.column[read], batch.column[read] + 1)
                of_column = a[:, column], tuple(s[column] for s in state)
                radii[row, k] = spectral_radius(layer.cell.cell, p, *of_column)
        return radii

    some = sequences.choose(np.flatnonzero(met))
    radii = by_parts(network, some, radii_of, map_parts, per_step=True)
    return dict(zip(recurrent_layers(network), radii[steps].T))


def spectral_radius(cell, p, a, state):
    """Of the Jacobian of one step of a cell, by the complex step.

    Parameters
    ----------
    cell, p : as in :meth:`Cell.step`
    a : ndarray of shape (n_gates, 1, n_hidden)
        Input projection.
    state : tuple of ndarrays of shape (1, n_hidden)
        The state before.
    """
    n = len(state) * len(p["R"])
    varied = np.concatenate(state, axis=1) + 1j * STEP * np.eye(n)
    varied = tuple(np.split(varied, len(state), axis=1))
    u = varied[0] @ by_early_gate(cell, p["R"])
    after, _ = cell.step(a.repeat(n, axis=1), u, varied, p)
    jacobian = np.concatenate(after, axis=1).imag / STEP
    if not np.isfinite(jacobian).all():
        return np.inf
    return np.abs(np.linalg.eigvals(jacobian)).max()
