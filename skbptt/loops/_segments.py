"""How much of the tape of a batch is held at a time."""

from math import isqrt

# A tape of more bytes is not kept whole: the way back forms it anew, segment by segment,
# from the states before each. A pass over several sequences is cut into parts that take
# less, so this happens to single long sequences.
WHOLE = 1 << 25
# Approximate size of a segment in bytes, chosen to fit into the cache.
SEGMENT = 1 << 20


def steps_of_segment(offsets, bytes_per_row):
    """Steps of a segment, given the first row of each step, and the number of rows.

    States are stored before each segment, so that it does not get shorter than the square
    root of the number of steps, which balances both.
    """
    n_steps = len(offsets) - 1
    fitting = SEGMENT // (bytes_per_row * int(offsets[1]))
    return min(n_steps, max(fitting, isqrt(n_steps)))


def kept_whole(offsets, bytes_per_row):
    """Whether the whole tape is kept."""
    return bytes_per_row * int(offsets[-1]) <= WHOLE
