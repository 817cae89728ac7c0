r"""Connectionist temporal classification (CTC): the loss of a sequence of labels.

At each of T steps, softmax of the raw outputs gives probabilities :math:`p_{tk}` of K
labels and of a blank, which is the last column. A path has a label or a blank at each step.
Its output is what remains without repetitions and then without blanks. The probability of
an output l is a sum over all paths that have this output:

.. math::

   p(l \mid x) = \sum_{\pi \text{ with output } l} \prod_t p_{t \pi_t}

Such a path passes through the places blank, :math:`l_1`, blank, :math:`l_2`, ..., blank. At
each step it stays, goes to the next place, or skips a blank between two labels that differ.
So the sum is a recursion over time: :math:`\alpha_{ts}` is the probability of all ways
from the first step to place s at step t, and :math:`\beta_{ts}` that of all ways from there
to the last step, both with the probability of that place at step t. The gradient of the
loss :math:`L = -\log p(l \mid x)` by the raw outputs :math:`a_{tk}` is softmax minus
occupation:

.. math::

   \frac{\partial L}{\partial a_{tk}} = p_{tk} -
   \sum_{s \text{ with label } k} \frac{\alpha_{ts} \beta_{ts}}{p_{tk}\, p(l \mid x)}

Sequences are stacked: the rows of the first, then those of the second, and so on. So are
their labels, which are codes from 0 to K - 1.

Graves, A., Fernández, S., Gomez, F. & Schmidhuber, J. (2006). Connectionist temporal
classification: labelling unsegmented sequence data with recurrent neural networks. ICML.
"""

import numpy as np

from ..loops import _engine

try:
    from ..loops._loops import ctc as ctc_compiled
except ImportError:  # There was no compiler when the package was installed.
    ctc_compiled = None

# The logarithm of zero. No difference of two of them is NaN.
NEVER = -1e30


def ctc(raw, lengths, labels, label_lengths, gradient=True):
    """Loss of each sequence, and its gradient by the raw outputs.

    Parameters
    ----------
    raw : ndarray of shape (n_rows, n_labels + 1)
        Raw outputs of all steps, before softmax. The last column is the blank. Complex
        numbers are allowed.
    lengths : ndarray of shape (n_sequences,)
        Number of steps of each sequence. Their sum is n_rows.
    labels : ndarray of shape (sum of label_lengths,)
        Codes of the target labels of all sequences.
    label_lengths : ndarray of shape (n_sequences,)
        Number of labels of each sequence; 0 is allowed.
    gradient : bool, default=True
        Whether the gradient is wanted.

    Returns
    -------
    value : ndarray of shape (n_sequences,)
        -log p(labels | raw), in nats.
    d_raw : ndarray of the shape of raw, or None
        Gradient of the sum of the values.

    Raises
    ------
    ValueError
        If a sequence has too few steps for its labels.
    """
    check_alignable(lengths, labels, label_lengths)
    if _engine.LOOPS is not None and raw.dtype.char in "fd":
        return ctc_compiled(_engine.LOOPS, raw, lengths, labels, label_lengths, gradient)
    return ctc_in_numpy(raw, lengths, labels, label_lengths, gradient)


def check_alignable(lengths, labels, label_lengths):
    """Raise a ValueError if a sequence has too few steps for its labels.

    A label takes one step, and a repetition of the label before it one more, for the blank
    between the two. Parameters are those of :func:`ctc`.
    """
    of_sequence = np.repeat(np.arange(len(lengths)), label_lengths)
    repeats = (labels[1:] == labels[:-1]) & (of_sequence[1:] == of_sequence[:-1])
    n_repeats = np.bincount(of_sequence[1:][repeats], minlength=len(lengths))
    least = label_lengths + n_repeats
    wrong = np.flatnonzero(least > lengths)
    if len(wrong):
        i = wrong[0]
        n_others = len(wrong) - 1
        others = f" {n_others} further targets are too long as well." if n_others else ""
        raise ValueError(
            f"y[{i}] cannot be aligned with X[{i}]: its {label_lengths[i]} labels, "
            f"{n_repeats[i]} of which repeat the label before, need at least {least[i]} "
            f"steps, but X[{i}] has {lengths[i]}.{others}"
        )


def ctc_in_numpy(raw, lengths, labels, label_lengths, gradient=True):
    """As :func:`ctc`, without the check. It computes in float64 or complex128."""
    dtype = raw.dtype
    log_p = log_softmax(raw.astype(np.result_type(dtype, np.float64)))
    blank = raw.shape[1] - 1
    places, n_places = places_of(labels, label_lengths, blank)
    y = outputs_at(padded(log_p, lengths), places, n_places)
    alpha = ways_to(y, places, lengths)
    rows = np.arange(len(lengths))
    last = alpha[:, -1]
    in_label = np.where(n_places > 1, last[rows, n_places - 2], NEVER)
    value = -log_sum(np.stack([last[rows, n_places - 1], in_label]))
    if not gradient:
        return value.astype(dtype), None
    back = flipped(flipped(y, lengths, 1), n_places, 2)
    beta = ways_to(back, flipped(places, n_places, 1), lengths)
    beta = flipped(flipped(beta, n_places, 2), lengths, 1)
    occupation = np.exp(alpha + beta - y + value[:, np.newaxis, np.newaxis])
    d_raw = padded(np.exp(log_p), lengths)
    for s in range(places.shape[1]):
        d_raw[rows, :, places[:, s]] -= occupation[:, :, s]
    return value.astype(dtype), stacked(d_raw, lengths).astype(dtype)


def align(raw, lengths, labels, label_lengths):
    """The most probable path of given labels, by Viterbi's recursion.

    Parameters
    ----------
    raw, lengths, labels, label_lengths
        As in :func:`ctc`; real.

    Returns
    -------
    path : ndarray of shape (n_rows,)
        Position, in the labels of the sequence, of the label that each step belongs to; -1
        for a blank.
    first, last : ndarrays of shape (sum of label_lengths,)
        First and last step, in its sequence, of each label.

    Raises
    ------
    ValueError
        If a sequence has too few steps for its labels.
    """
    check_alignable(lengths, labels, label_lengths)
    log_p = log_softmax(raw.astype(np.float64))
    places, n_places = places_of(labels, label_lengths, raw.shape[1] - 1)
    y = outputs_at(padded(log_p, lengths), places, n_places)
    best = ways_to(y, places, lengths, add=np.maximum.reduce)
    rows, may_skip = np.arange(len(lengths)), skips(places)
    path = np.empty(best.shape[:2], np.intp)
    at = np.full(len(lengths), -1)
    for t in reversed(range(best.shape[1])):
        # From the place at the step after, or at the end from the last two places.
        ends = t == lengths - 1
        at = np.where(ends, n_places, at)
        sources = at[:, np.newaxis] - np.arange(3)
        allowed = (sources >= 0) & (sources < n_places[:, np.newaxis])
        allowed[:, 2] &= ends | may_skip[rows, np.minimum(at, n_places - 1)]
        ways = best[rows[:, np.newaxis], t, np.where(allowed, sources, 0)]
        ways = np.where(allowed, ways, -np.inf)
        at = np.where(t < lengths, at - ways.argmax(axis=1), at)
        path[:, t] = np.where(at % 2, at // 2, -1)
    path = stacked(path, lengths)
    step = np.concatenate([np.arange(n) for n in lengths])
    start_of = np.repeat(np.cumsum(label_lengths) - label_lengths, lengths)
    there = path >= 0
    of_label = (start_of + path)[there]
    first = np.empty(len(labels), np.intp)
    last = np.empty(len(labels), np.intp)
    last[of_label] = step[there]
    first[of_label[::-1]] = step[there][::-1]
    return path, first, last


def log_softmax(raw):
    return raw - log_sum(raw.T)[:, np.newaxis]


def log_sum(terms):
    """log of the sum of exp along the first axis, also of complex numbers."""
    top = terms.real.max(axis=0)
    return top + np.log(np.exp(terms - top).sum(axis=0))


def padded(rows, lengths):
    """Rows of each sequence in an array (n_sequences, n_steps, ...), then zeros."""
    dense = np.zeros((len(lengths), lengths.max(), *rows.shape[1:]), rows.dtype)
    dense[np.arange(dense.shape[1]) < lengths[:, np.newaxis]] = rows
    return dense


def stacked(dense, lengths):
    """The way back from :func:`padded`."""
    return dense[np.arange(dense.shape[1]) < lengths[:, np.newaxis]]


def flipped(dense, lengths, axis):
    """Each sequence in reverse along an axis, up to its length there."""
    k, n = np.arange(dense.shape[axis]), lengths[:, np.newaxis]
    index = np.where(k < n, n - 1 - k, k)
    shape = [len(lengths)] + [1] * (dense.ndim - 1)
    shape[axis] = len(k)
    return np.take_along_axis(dense, index.reshape(shape), axis)


def places_of(labels, label_lengths, blank):
    """Labels with blanks around them, (n_sequences, n_places), and how many each has."""
    places = np.full((len(label_lengths), 2 * label_lengths.max() + 1), blank)
    places[:, 1::2][np.arange(label_lengths.max()) < label_lengths[:, np.newaxis]] = labels
    return places, 2 * label_lengths + 1


def outputs_at(log_p, places, n_places):
    """Log-probability of each place at each step, (n_sequences, n_steps, n_places)."""
    y = np.take_along_axis(log_p, places[:, np.newaxis], axis=2)
    there = np.arange(places.shape[1]) < n_places[:, np.newaxis]
    return np.where(there[:, np.newaxis], y, NEVER)


def skips(places):
    """Whether a path may come to each place from the last but one."""
    differ = places[:, 2:] != places[:, :-2]  # two blanks do not
    return np.pad(differ, ((0, 0), (2, 0)))[:, : places.shape[1]]


def ways_to(y, places, lengths, add=log_sum):
    """Log-probability of all ways to each place at each step, with its output.

    Parameters
    ----------
    y : ndarray of shape (n_sequences, n_steps, n_places)
    places : ndarray of shape (n_sequences, n_places)
    lengths : ndarray of shape (n_sequences,)
        The last step is repeated beyond.
    add : callable, default=log_sum
        Joins the ways along the first axis; ``np.maximum.reduce`` keeps the best one.
    """
    may_skip = skips(places)
    alpha = np.empty_like(y)
    now = np.full(places.shape, NEVER, y.dtype)
    now[:, 0] = 0
    for t in range(y.shape[1]):
        before = np.pad(now, ((0, 0), (2, 0)), constant_values=NEVER)
        skip = np.where(may_skip, before[:, :-2], NEVER)
        after = add(np.stack([now, before[:, 1:-1], skip])) + y[:, t]
        now = np.where((t < lengths)[:, np.newaxis], after, now)
        alpha[:, t] = now
    return alpha
