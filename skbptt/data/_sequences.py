"""Sequences of unequal length: one stacked array, and batches packed by time."""

from copy import copy
from functools import cached_property
from itertools import pairwise

import numpy as np


class Sequences:
    """n sequences stacked one after the other.

    Parameters
    ----------
    steps : ndarray of shape (n_steps, n_features)
        All time steps: those of the first sequence, then those of the second, ...
    lengths : ndarray of shape (n_sequences,)
        Number of steps of each sequence; their sum is ``n_steps``.
    width : int or None
        Number of steps of the dense array they came from; None if they came ragged.
    starts : ndarray of shape (n_sequences,), default=None
        Where each begins in ``steps``, if they are a choice of those stacked there.
    """

    def __init__(self, steps, lengths, width=None, starts=None):
        self.steps = steps
        self.lengths = lengths
        self.width = width
        self.starts = np.cumsum(lengths) - lengths if starts is None else starts
        self.targets = None

    def with_targets(self, labels):
        """The same sequences, whose batches have the ``labels`` of their sequences."""
        other = copy(self)
        other.targets = labels
        return other

    def with_steps(self, steps):
        """The same sequences with other values at their steps."""
        other = copy(self)
        other.steps = steps
        return other

    def __len__(self):
        return len(self.lengths)

    @property
    def padded(self):
        """Whether they came in a dense array with padding."""
        return self.width is not None and bool(self.lengths.min() < self.width)

    def rows_of(self, indices):
        """Rows of ``steps`` that belong to the sequences ``indices``, in that order."""
        lengths = self.lengths[indices]
        ends = np.cumsum(lengths)
        return np.arange(lengths.sum()) + np.repeat(
            self.starts[indices] - (ends - lengths), lengths
        )

    def place_of(self, row):
        """Sequence and step that a row of ``steps`` belongs to."""
        i = np.searchsorted(self.starts, row, side="right") - 1
        return i, row - self.starts[i]

    def take(self, indices):
        """The sequences ``indices``, as new Sequences."""
        return Sequences(self.steps[self.rows_of(indices)], self.lengths[indices])

    def choose(self, indices):
        """The sequences ``indices`` over the same steps, without a copy."""
        return Sequences(self.steps, self.lengths[indices], starts=self.starts[indices])

    def split(self, values):
        """Cut one value (row) a step into one array a sequence."""
        starts, lengths = self.starts.tolist(), self.lengths.tolist()
        return [values[a : a + n] for a, n in zip(starts, lengths)]

    def unstack(self, values):
        """Give values per step the form that the sequences came in.

        Dense input gives an array (n_sequences, width, ...), whose padding, if any, is
        NaN; ragged input gives an object array of (length, ...) arrays.
        """
        if self.width is None:
            return object_array(self.split(values))
        shape = (len(self), self.width, *values.shape[1:])
        if len(values) == len(self) * self.width:
            return values.reshape(shape)
        dtype = values.dtype if values.dtype.kind in "fO" else padded_dtype(values)
        dense = np.full(shape, np.nan, dtype)
        dense[np.arange(self.width) < self.lengths[:, None]] = values
        return dense

    def pack(self, indices):
        """The sequences ``indices`` as a :class:`Batch`."""
        return Batch(self, np.asarray(indices))

    def chunks(self, indices, max_steps, min_sequences=16):
        """The sequences ``indices`` in parts of similar lengths and numbers of steps.

        A part has at most about ``max_steps`` steps, but at least ``min_sequences``
        sequences.
        """
        lengths = self.lengths[indices]
        n_steps = lengths.sum()
        if n_steps <= max_steps or len(indices) < 2 * min_sequences:
            return [indices]
        n_parts = -(-n_steps // max_steps)
        n_parts += n_parts % 2  # so that two threads share them evenly
        n_parts = min(n_parts, len(indices) // min_sequences)
        order = np.argsort(-lengths, kind="stable")
        part = (np.cumsum(lengths[order]) - 1) * n_parts // n_steps
        return np.split(indices[order], np.flatnonzero(np.diff(part)) + 1)


class Batch:
    """Sequences packed time-major, the longest first, without padding.

    Step t of the ``sizes[t]`` sequences that are still running at t fills the rows
    ``offsets[t]`` to ``offsets[t + 1]`` of ``x``; column b of a step is always the same
    sequence. So a loop over time touches ``sum(lengths)`` rows and no mask.

    Attributes
    ----------
    x : ndarray of shape (n_rows, n_features)
    order : ndarray of shape (n_columns,)
        Column b is the sequence ``order[b]`` of the Sequences.
    rows : ndarray of shape (n_rows,)
        Row r is the step ``rows[r]`` of the Sequences.
    column, time : ndarrays of shape (n_rows,)
        Column and time step of each row.
    last : ndarray of shape (n_columns,)
        Row of each column's last step. The first steps are rows 0 to n_columns.
    sizes, offsets : ndarrays of shape (n_steps,) and (n_steps + 1,)
    targets : Labels or None
        Of each column, if the Sequences have them.
    """

    def __init__(self, sequences, indices):
        lengths = sequences.lengths[indices]
        if (lengths == lengths[0]).all():
            self.order, self.lengths = indices, lengths
            self.sizes = np.full(lengths[0], len(indices))
            steps = np.arange(lengths[0])[:, np.newaxis]
            self.rows = (sequences.starts[indices] + steps).ravel()
        else:
            by_length = np.argsort(-lengths, kind="stable")
            self.order, self.lengths = indices[by_length], lengths[by_length]
            n_ended = np.cumsum(np.bincount(lengths))[: self.lengths[0]]
            self.sizes = len(lengths) - n_ended
            self.rows = sequences.starts[self.order][self.column] + self.time
        self.x = sequences.steps.take(self.rows, axis=0)
        labels = sequences.targets
        self.targets = None if labels is None else labels[self.order].along(self)

    @cached_property
    def offsets(self):
        return np.concatenate([[0], np.cumsum(self.sizes)])

    @cached_property
    def time(self):
        return np.repeat(np.arange(len(self.sizes)), self.sizes)

    @cached_property
    def column(self):
        return np.arange(self.offsets[-1]) - self.offsets[self.time]

    @cached_property
    def last(self):
        return self.offsets[self.lengths - 1] + np.arange(len(self.lengths))

    @cached_property
    def mirror(self):
        """Row of the step that stands as far from its sequence's other end."""
        return self.offsets[self.lengths[self.column] - 1 - self.time] + self.column

    @cached_property
    def runs(self):
        """Spans of time in which no sequence ends, as (n_columns, row slice)."""
        edges = np.flatnonzero(np.diff(self.sizes)) + 1
        edges = np.concatenate([[0], edges, [len(self.sizes)]])
        return [
            (self.sizes[a], slice(self.offsets[a], self.offsets[b]))
            for a, b in pairwise(edges)
        ]


def object_array(items):
    """A 1-D object array of ``items``, even where they have equal shapes."""
    array = np.empty(len(items), dtype=object)
    for i, item in enumerate(items):
        array[i] = item
    return array


def padded_dtype(values):
    """A dtype that holds ``values`` and NaN."""
    kind = values.dtype.kind
    exact = kind == "b" or (kind in "iu" and (np.abs(values.astype(float)) < 2**53).all())
    return np.float64 if exact else object
