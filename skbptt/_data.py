"""Sequences with targets and weights, for which weights are counts."""

from copy import copy
from functools import cached_property
from hashlib import blake2b

import numpy as np


class Data:
    """Sequences with targets and weights.

    Parameters
    ----------
    sequences : Sequences
    y : ndarray of shape (n_sequences, ...) or (n_steps, ...)
    weights : ndarray of shape (n_sequences,) or (n_steps,)
    per_step : bool
        Whether y and weights are one a step, stacked like the steps.
    """

    def __init__(self, sequences, y, weights, per_step):
        self.sequences = sequences
        self.y = y
        self.weights = weights
        self.per_step = per_step

    @cached_property
    def keys(self):
        """What tells each sequence with its targets from others, in 32 bytes."""
        sequences = self.sequences
        targets = sequences.split(self.y) if self.per_step else self.y
        xs = sequences.split(sequences.steps)
        keys = (digest(x) + digest(y) for x, y in zip(xs, targets))
        return np.fromiter(keys, "S32", len(sequences))

    def reweighted(self, weights):
        """The same sequences and targets with other weights."""
        other = copy(self)
        other.weights = weights
        return other

    def with_targets(self, y):
        """The same sequences and weights with other targets."""
        other = copy(self)
        other.y = y
        return other

    def take(self, indices):
        """The sequences ``indices`` with their targets and weights."""
        rows = self.sequences.rows_of(indices) if self.per_step else indices
        return Data(
            self.sequences.take(indices), self.y[rows], self.weights[rows], self.per_step
        )


def drop_weightless(data):
    """The data without the sequences that have no weight."""
    sums = data.weights
    if data.per_step:
        sums = np.add.reduceat(sums, data.sequences.starts)
    kept = np.flatnonzero(sums)
    return data if len(kept) == len(data.sequences) else data.take(kept)


def canonical(data):
    """The data with equal sequences merged, their weights added, in an order of content.

    So a sequence of weight 2 and the same sequence given twice are the same data, to the
    bit, and a fit cannot tell them apart.
    """
    sequences = data.sequences
    _, first, group = np.unique(data.keys, return_index=True, return_inverse=True)
    order = np.argsort(projections(sequences)[first], kind="stable")
    first, group = first[order], np.argsort(order)[group]
    if data.per_step:
        merged = data.take(first)
        starts = merged.sequences.starts[group]
        rows = np.arange(len(data.weights)) + np.repeat(
            starts - sequences.starts, sequences.lengths
        )
    else:
        merged = Data(sequences.choose(first), data.y[first], data.weights[first], False)
        rows = group
    merged.weights = np.bincount(rows, data.weights).astype(data.weights.dtype)
    merged.keys = data.keys[first]
    return merged


def projections(sequences):
    """A number for each sequence that differs from those of others, almost surely.

    And that hardly changes where the sequence hardly does, as a digest would. So data that
    differ by rounding, say of a scaler on another machine, are in the same order.
    """
    size = sequences.lengths.max() * sequences.steps.shape[1]
    direction = np.random.RandomState(0).standard_normal(size)
    flat = (x.ravel() for x in sequences.split(sequences.steps))
    with np.errstate(over="ignore", invalid="ignore"):
        values = (np.dot(x, direction[: len(x)]) for x in flat)
        return np.fromiter(values, np.float64, len(sequences))


def fingerprint(data):
    """What tells whether it is the same data."""
    return digest(data.weights) + blake2b(data.keys, digest_size=16).digest()


def digest(values):
    """16 bytes, the same for equal values, whatever their precision."""
    hashed = blake2b(digest_size=16)
    flat = values.reshape(-1)
    for start in range(0, len(flat), 1 << 14):  # for the sake of memory
        block = flat[start : start + (1 << 14)]
        hashed.update(np.add(block, 0, dtype=np.float64))  # makes -0.0 equal to 0.0
    return hashed.digest()
