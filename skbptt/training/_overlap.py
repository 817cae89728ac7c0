"""Sequences that are windows of the same series, found by the steps that they share."""

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


def positions_in_series(sequences):
    """The series that each sequence is a window of, and where it begins there.

    One sequence continues another if it begins with the steps with which the other ends.
    The order of the sequences does not matter.

    Parameters
    ----------
    sequences : Sequences

    Returns
    -------
    (series, position) : ndarrays of int of shape (n_sequences,), or None
        None unless at least half of the sequences are continued by another. Positions of
        a series count from anywhere.
    """
    n, lengths = len(sequences), sequences.lengths
    if lengths.min() < 2:
        return None
    steps = sequences.steps[sequences.rows_of(np.arange(n))]
    starts = np.cumsum(lengths) - lengths
    names, n_distinct = names_of(steps)
    # Without shared steps nothing overlaps; among few symbols all do, by chance.
    if n_distinct == len(steps) or n_distinct < n / 2:
        return None
    successor, shift = successors(names, starts, lengths)
    if np.count_nonzero(successor >= 0) < n / 2:
        return None

    # Distance to the last window of the series, by jumps of doubling length.
    distance, target = shift.copy(), successor.copy()
    for _ in range(n.bit_length() + 1):
        (moving,) = np.nonzero(target >= 0)
        if not len(moving):
            break
        distance[moving] += distance[target[moving]]
        target[moving] = target[target[moving]]
    else:
        return None  # a circle: a series that repeats itself
    (linked,) = np.nonzero(successor >= 0)
    links = coo_array((np.ones(len(linked)), (linked, successor[linked])), (n, n))
    return connected_components(links, directed=False)[1], -distance


def names_of(steps):
    """A number for each step, the same for equal steps, and how many there are."""
    direction = np.random.RandomState(0).standard_normal(steps.shape[1])
    with np.errstate(over="ignore", invalid="ignore"):
        # Not by BLAS, in which rounding may depend on the place of a row.
        sums = (steps * direction).sum(axis=1)
    values, names = np.unique(sums, return_inverse=True)
    return names, len(values)


def successors(names, starts, lengths):
    """For each sequence the next that continues it, or -1, and after how many steps."""
    n = len(starts)
    pairs = names[:-1] * (names.max() + 1) + names[1:]
    first, of_first = np.unique(pairs[starts], return_index=True)
    owner = np.repeat(np.arange(n), lengths)[:-1]
    time = np.arange(len(pairs)) - starts[owner]
    place = np.searchsorted(first, pairs).clip(max=len(first) - 1)
    candidate = (first[place] == pairs) & (time > 0) & (time < lengths[owner] - 1)
    rows = np.flatnonzero(candidate)
    rows = rows[np.unique(owner[rows], return_index=True)[1]]
    successor, shift = np.full(n, -1), np.zeros(n, int)
    for row in rows:
        a, b, t = owner[row], of_first[place[row]], time[row]
        shared = lengths[a] - t
        ours, theirs = names[row : row + shared], names[starts[b] : starts[b] + shared]
        if a != b and shared <= lengths[b] and (ours == theirs).all():
            successor[a], shift[a] = b, t
    return successor, shift
