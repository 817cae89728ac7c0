"""Sequences of unequal length: one stacked array, and batches packed by time."""

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
    """

    def __init__(self, steps, lengths, width=None):
        self.steps = steps
        self.lengths = lengths
        self.width = width
        self.starts = np.cumsum(lengths) - lengths

    def __len__(self):
        return len(self.lengths)

    def rows_of(self, indices):
        """Rows of ``steps`` that belong to the sequences ``indices``, in that order."""
        lengths = self.lengths[indices]
        ends = np.cumsum(lengths)
        return np.arange(lengths.sum()) + np.repeat(
            self.starts[indices] - (ends - lengths), lengths
        )

    def take(self, indices):
        """The sequences ``indices``, as new Sequences."""
        return Sequences(self.steps[self.rows_of(indices)], self.lengths[indices])

    def split(self, values):
        """Cut one value (row) a step into one array a sequence."""
        return np.split(values, self.starts[1:])

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

    def chunks(self, max_steps):
        """Index arrays that cover all sequences, of like lengths, in bounded size."""
        order = np.argsort(-self.lengths, kind="stable")
        chunk = np.cumsum(self.lengths[order]) // max_steps
        return np.split(order, np.flatnonzero(np.diff(chunk)) + 1)


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
    """

    def __init__(self, sequences, indices):
        by_length = np.argsort(-sequences.lengths[indices], kind="stable")
        self.order = indices[by_length]
        self.lengths = lengths = sequences.lengths[self.order]
        n_steps = lengths[0]
        self.sizes = len(lengths) - np.cumsum(np.bincount(lengths))[:n_steps]
        self.offsets = np.concatenate([[0], np.cumsum(self.sizes)])
        self.time = np.repeat(np.arange(n_steps), self.sizes)
        self.column = np.arange(self.offsets[-1]) - self.offsets[self.time]
        self.rows = sequences.starts[self.order][self.column] + self.time
        self.x = sequences.steps[self.rows]
        self.last = self.offsets[lengths - 1] + np.arange(len(lengths))

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
    return np.float64 if values.dtype.kind in "biu" else object
