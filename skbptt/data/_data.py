"""Sequences with targets and weights, for which weights are counts."""

from copy import copy
from functools import cached_property, lru_cache
from hashlib import blake2b
from operator import add

import numpy as np

from ._labels import Labels
from ._sequences import Sequences
from ._targets import positive


class Data:
    """Sequences with targets and weights.

    Parameters
    ----------
    sequences : Sequences
    y : ndarray of shape (n_sequences, ...) or (n_steps, ...), or Labels
    weights : ndarray of shape (n_sequences,) or (n_steps,)
        Or (..., n_outputs): a weight for each output.
    per_step : bool
        Whether y and weights have one row per step, stacked like the steps.
    """

    def __init__(self, sequences, y, weights, per_step):
        labels = y if isinstance(y, Labels) else None
        self.sequences = sequences if labels is None else sequences.with_targets(labels)
        self.y = y
        self.weights = weights
        self.per_step = per_step

    @property
    def total_weight(self):
        """Sum of the weights, where those of the outputs count by their mean."""
        n_columns = self.weights.size // len(self.weights)
        return self.weights.sum(dtype=np.float64) / n_columns

    @property
    def known(self):
        """Where there is a weight, in a shape that broadcasts to (n, n_outputs)."""
        return positive(self.weights)

    @cached_property
    def keys(self):
        """A fingerprint of each sequence with its targets, in 32 bytes."""
        sequences = self.sequences
        of_x = digests(sequences, sequences.steps)
        if self.per_step:
            of_y = digests(sequences, self.y)
        elif isinstance(self.y, Labels):
            of_y = map(digest, self.y)
        else:
            of_y = digests_of_rows(self.y)
        return np.fromiter(map(add, of_x, of_y), "S32", len(sequences))

    def reweighted(self, weights):
        """The same sequences and targets with other weights."""
        other = copy(self)
        other.weights = weights
        return other

    def targets_of(self, batch):
        """Targets and weights of a batch of the sequences, in its order."""
        where = batch.rows if self.per_step else batch.order
        y = self.y[where] if batch.targets is None else batch.targets
        return y, self.weights[where]

    def with_steps(self, steps):
        """The same data with other steps, stacked in the order of the sequences."""
        lengths, width = self.sequences.lengths, self.sequences.width
        return Data(Sequences(steps, lengths, width), self.y, self.weights, self.per_step)

    def with_targets(self, y):
        """The same sequences and weights with other targets."""
        other = copy(self)
        other.y = y
        return other

    def fill_targets(self, known, other):
        """The same data with ``other`` targets where they are not ``known``."""
        y = self.y.reshape(len(self.y), -1)
        y = np.where(known, y, other).astype(y.dtype).reshape(self.y.shape)
        return Data(self.sequences, y, self.weights, self.per_step)

    def take(self, indices):
        """The sequences ``indices`` with their targets and weights."""
        rows = self.sequences.rows_of(indices) if self.per_step else indices
        return Data(
            self.sequences.take(indices), self.y[rows], self.weights[rows], self.per_step
        )


def drop_weightless(data):
    """The data without what has no weight: such sequences are gone, such targets zero."""
    known = data.known.any(axis=1)
    if data.per_step:
        known = np.logical_or.reduceat(known, data.sequences.starts)
    if not known.all():
        data = data.take(np.flatnonzero(known))
    return data if data.known.all() else data.fill_targets(data.known, 0)


def canonical(data):
    """The data with equal sequences merged, their weights added, in an order of content.

    So a sequence of weight 2 and the same sequence given twice are the same data, to the
    bit, and a fit cannot distinguish them.
    """
    if not data.known.all():
        data = completed(data)
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
    columns = data.weights.reshape(len(data.weights), -1).T
    sums = np.column_stack([np.bincount(rows, column) for column in columns])
    merged.weights = sums.astype(data.weights.dtype).reshape(-1, *data.weights.shape[1:])
    merged.keys = data.keys[first]
    return merged


def completed(data):
    """The data with targets of weight 0 that are those of sequences equal in X.

    So they are merged whichever of their targets has a weight, and what stands at weight 0
    does not matter. The least target where there are several, zero where there is none.
    """
    sequences = data.sequences
    of_x = data.keys.view("S16")[::2]
    _, first, group = np.unique(of_x, return_index=True, return_inverse=True)
    if len(first) == len(of_x):
        return data
    twin = first[group]
    rows = twin
    if data.per_step:
        shift = sequences.starts[twin] - sequences.starts
        rows = np.arange(len(data.y)) + np.repeat(shift, sequences.lengths)
    y = np.where(data.known, data.y.reshape(len(data.y), -1), np.inf)
    least = np.full(y.shape, np.inf)
    np.minimum.at(least, rows, y)
    least = least[rows]
    return data.fill_targets(data.known, np.where(np.isinf(least), 0, least))


def projections(sequences):
    """A number for each sequence, almost surely different for different sequences.

    Unlike a digest, it varies smoothly with the sequence: data that differ by rounding, for
    example because of another machine, are in the same order.
    """
    flat, width = sequences.steps.reshape(-1), sequences.steps.shape[1]
    direction = random_direction(int(sequences.lengths.max()) * width)
    starts, sizes = sequences.starts * width, sequences.lengths * width
    spans = zip(starts.tolist(), sizes.tolist())
    with np.errstate(over="ignore", invalid="ignore"):
        values = (flat[a : a + n].dot(direction[:n]) for a, n in spans)
        return np.fromiter(values, np.float64, len(sequences))


@lru_cache(maxsize=1)  # a new generator takes longer than the products of few sequences
def random_direction(size):
    return np.random.RandomState(0).standard_normal(size)


def fingerprint(data):
    """A fingerprint of the data."""
    return digest(data.weights) + blake2b(data.keys, digest_size=16).digest()


# Numbers that are converted at once, which bounds the memory.
BLOCK = 1 << 14


def digest(values):
    """16 bytes, the same for equal values, whatever their precision."""
    flat = values.reshape(-1)
    hashed = blake2b(as_digested(flat[:BLOCK]), digest_size=16)
    for start in range(BLOCK, len(flat), BLOCK):
        hashed.update(as_digested(flat[start : start + BLOCK]))
    return hashed.digest()


def as_digested(values):
    """The values in float64, where zero has no sign: -0.0 + 0 is 0.0."""
    return np.add(values, 0, dtype=np.float64, order="C")


def digests(sequences, values):
    """The digest of the values of each sequence, which have a row per step."""
    if values.size > BLOCK:
        return [digest(of_one) for of_one in sequences.split(values)]
    flat = as_digested(values)
    return [blake2b(of_one, digest_size=16).digest() for of_one in sequences.split(flat)]


def digests_of_rows(values):
    """The digest of each row, or number, of a small array."""
    rows = as_digested(values.reshape(len(values), -1))
    return [blake2b(row, digest_size=16).digest() for row in rows]
