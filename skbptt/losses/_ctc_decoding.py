"""From raw outputs of connectionist temporal classification to sequences of labels."""

import numpy as np

from ._ctc import ctc, log_softmax, padded

# Steps times beams that are searched at once, for the sake of memory.
MOST_STEPS = 1 << 22

# Keys of prefixes: of no prefix, of the parent of none and of the empty one, and the empty.
DEAD, NONE, EMPTY = np.arange(3, dtype=np.uint64)


def best_path(raw, lengths):
    """Output of the most probable path of each sequence.

    Parameters
    ----------
    raw : ndarray of shape (n_rows, n_labels + 1)
        Raw outputs; the last column is the blank.
    lengths : ndarray of shape (n_sequences,)

    Returns
    -------
    labels : list of ndarrays
        Codes of the labels.
    """
    path = raw.argmax(axis=1)
    starts = np.cumsum(lengths) - lengths
    new = np.append(True, path[1:] != path[:-1])
    new[starts] = True
    kept = new & (path != raw.shape[1] - 1)
    n_kept = np.add.reduceat(kept, starts, dtype=np.intp)
    return np.split(path[kept], np.cumsum(n_kept)[:-1])


def prefix_search(raw, lengths, beam_width, n_best=1):
    r"""The most probable outputs of each sequence, by prefix beam search.

    After each step, the search keeps the ``beam_width`` prefixes of an output that are the
    most probable ones, each with the sum over its paths that end in a blank, :math:`b`, and
    over those that end in its last label, :math:`e`. A step turns :math:`(b, e)` into
    :math:`((b + e)\,p_{blank},\ e\,p_{last})`, and into a longer prefix for each label k,
    with :math:`(0, (b + e)\,p_k)`, or :math:`(0, b\,p_k)` where k is the last label.

    The final probabilities are those of :func:`ctc`, over all paths.

    Parameters
    ----------
    raw, lengths
        As in :func:`best_path`.
    beam_width : int
        Prefixes to keep, at least 1.
    n_best : int, default=1
        Outputs wanted, at most ``beam_width``. There are fewer where there are no more.

    Returns
    -------
    labels : list of lists of ndarrays
        Of each sequence, the codes of its outputs, the most probable first.
    log_probabilities : list of ndarrays

    References
    ----------
    Graves, A. et al. (2006), section 3.2; Hannun, A. et al. (2014). First-pass large
    vocabulary continuous speech recognition using bi-directional recurrent DNNs.
    """
    labels, log_probabilities = [], []
    ends = np.cumsum(lengths)
    n_chunks = -(-len(raw) * beam_width // MOST_STEPS)
    for chunk in np.array_split(np.arange(len(lengths)), min(n_chunks, len(lengths))):
        rows = slice(ends[chunk[0]] - lengths[chunk[0]], ends[chunk[-1]])
        found = search_some(raw[rows], lengths[chunk], beam_width, n_best)
        labels += found[0]
        log_probabilities += found[1]
    return labels, log_probabilities


def search_some(raw, lengths, beam_width, n_best):
    """As :func:`prefix_search`, for all sequences at once."""
    p = np.exp(log_softmax(raw.astype(np.float64)))
    came, added, live = search(padded(p, lengths), lengths, beam_width)
    labels: list[list] = [[] for _ in lengths]
    scores = np.empty((len(lengths), beam_width))
    for beam in range(beam_width):
        found = read_back(came, added, beam, raw.shape[1] - 1)
        # Where there is no prefix, the empty one stands in.
        found = [its if there else its[:0] for its, there in zip(found, live[:, beam])]
        n_labels = np.array([len(of_one) for of_one in found])
        value, _ = ctc(raw, lengths, np.concatenate(found), n_labels, gradient=False)
        scores[:, beam] = np.where(live[:, beam], -value, -np.inf)
        for of_one, its in zip(found, labels):
            its.append(of_one)
    best = np.argsort(-scores, axis=1, kind="stable")[:, :n_best]
    scores = np.take_along_axis(scores, best, axis=1)
    n_found = np.minimum(live.sum(axis=1), n_best)
    labels = [[its[k] for k in b[:n]] for its, b, n in zip(labels, best, n_found)]
    return labels, [of_one[:n] for of_one, n in zip(scores, n_found)]


def search(p, lengths, width):
    """Prefix beam search over probabilities (n_sequences, n_steps, n_labels + 1).

    Probabilities in a beam are relative to their sum. A prefix is known by a key, which is
    a hash of its labels, and by that of its parent, the prefix without its last label.

    Returns
    -------
    came : ndarray of shape (n_steps, n_sequences, width)
        From which beam of the step before each beam came.
    added : ndarray of shape (n_steps, n_sequences, width)
        The label that it added, or the blank.
    live : ndarray of shape (n_sequences, width)
        Whether there is a prefix, at the end.
    """
    n, n_steps, n_labels = p.shape
    no_label = n_labels - 1  # the blank
    order = np.argsort(-lengths, kind="stable")  # those that continue come first
    p, lengths = p[order], lengths[order]
    came = np.tile(np.arange(width, dtype=np.int32), (n_steps, n, 1))
    added = np.full((n_steps, n, width), no_label, np.int32)
    blank, ending = np.zeros((2, n, width))
    blank[:, 0] = 1
    last = np.full((n, width), no_label)
    key, parent = np.full((n, width), DEAD), np.full((n, width), NONE)
    key[:, 0] = EMPTY
    for t in range(n_steps):
        m = np.count_nonzero(lengths > t)
        rows, beams = np.arange(m)[:, np.newaxis], np.arange(width)
        x, b, e, k = p[:m, t], blank[:m], ending[:m], last[:m]
        # Of every prefix with every label more; in the last column, of the prefix itself.
        mass = (b + e)[:, :, np.newaxis] * x[:, np.newaxis]
        mass[rows, beams, k] = b * x[rows, k]
        b, e = mass[:, :, no_label].copy(), e * x[rows, k]
        # A longer prefix that is in the beam already.
        same = parent[:m, :, np.newaxis] == key[:m, np.newaxis]
        row, beam = np.nonzero(same.any(axis=2))
        of, label = same.argmax(axis=2)[row, beam], k[row, beam]
        e[row, beam] += mass[row, of, label]
        mass[row, of, label] = 0
        mass[:, :, no_label] += e
        mass = mass.reshape(m, -1)
        best = np.argpartition(-mass, width - 1, axis=1)[:, :width]
        mass = np.take_along_axis(mass, best, axis=1)
        source, label = np.divmod(best, n_labels)
        longer, dead, total = label != no_label, mass == 0, mass.sum(axis=1, keepdims=True)
        came[t, :m], added[t, :m] = source, label
        blank[:m] = np.where(longer, 0, b[rows, source]) / total
        ending[:m] = np.where(longer, mass, e[rows, source]) / total
        last[:m] = np.where(longer, label, k[rows, source])
        old = key[rows, source]
        parent[:m] = np.where(dead, NONE, np.where(longer, old, parent[rows, source]))
        key[:m] = np.where(dead, DEAD, np.where(longer, extended(old, label), old))
    back = np.argsort(order)
    return came[:, back], added[:, back], (key != DEAD)[back]


def extended(key, label):
    """Keys of prefixes with one more label."""
    mixed = key * np.uint64(0x9E3779B97F4A7C15) + (label + 1).astype(np.uint64)
    return (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)


def read_back(came, added, beam, no_label):
    """Labels of one beam, a list of arrays."""
    n_steps, n, _ = came.shape
    rows, at = np.arange(n), np.full(n, beam)
    labels = np.empty((n, n_steps), np.intp)
    for t in reversed(range(n_steps)):
        labels[:, t] = added[t, rows, at]
        at = came[t, rows, at]
    return [of_one[of_one != no_label] for of_one in labels]
