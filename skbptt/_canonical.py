"""Weights are counts: an order of the data that does not depend on how it was given."""

from hashlib import blake2b

import numpy as np

from ._objective import Data


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
    targets = sequences.split(data.y) if data.per_step else data.y
    keys = [
        digest(x) + digest(y) for x, y in zip(sequences.split(sequences.steps), targets)
    ]
    _, first, group = np.unique(keys, return_index=True, return_inverse=True)
    merged = data.take(first)
    if data.per_step:
        starts = merged.sequences.starts[group]
        rows = np.arange(len(data.weights)) + np.repeat(
            starts - sequences.starts, sequences.lengths
        )
    else:
        rows = group
    weights = np.bincount(rows, data.weights).astype(data.weights.dtype)
    return Data(merged.sequences, merged.y, weights, data.per_step)


def fingerprint(data):
    """Text that tells whether it is the same data."""
    sequences = data.sequences
    parts = (sequences.steps, sequences.lengths, data.y, data.weights)
    return "".join(map(digest, parts))


def digest(values):
    """Text of fixed length for equal values, whatever their precision."""
    # Adding zero makes -0.0 equal to 0.0.
    return blake2b((values + np.float64(0)).tobytes(), digest_size=16).hexdigest()
