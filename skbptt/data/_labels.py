"""Sequences of labels as targets, whose lengths are not those of the input."""

from itertools import pairwise

import numpy as np

from ._sequences import Sequences, object_array
from ._validation import as_array, is_list, missing, ndim_of

MIXED = "y must hold integers only or strings only."


class Labels:
    """A sequence of labels for each input sequence, stacked one after the other.

    Parameters
    ----------
    codes : ndarray of int of shape (sum of lengths,)
        Positions among the classes.
    lengths : ndarray of int of shape (n_sequences,)
    n_steps : ndarray of int of shape (n_sequences,)
        Number of steps of each input sequence.
    rows : ndarray of int or None, default=None
        The rows of the steps of the first input sequence, of the second, and so on, among
        those of all. None if they are stacked in this order.
    """

    def __init__(self, codes, lengths, n_steps, rows=None):
        self.codes, self.lengths = codes, lengths
        self.n_steps, self.rows = n_steps, rows
        self._starts = np.cumsum(lengths) - lengths
        self._teacher = None

    @classmethod
    def of(cls, codes, n_steps):
        """Labels from a list of arrays of codes."""
        lengths = np.array([len(of_one) for of_one in codes])
        return cls(np.concatenate(codes), lengths, n_steps)

    def __len__(self):
        return len(self.lengths)

    def __iter__(self):
        return iter(np.split(self.codes, self._starts[1:]))

    def __getitem__(self, indices):
        lengths = self.lengths[indices]
        within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        codes = self.codes[np.repeat(self._starts[indices], lengths) + within]
        return Labels(codes, lengths, self.n_steps[indices])

    def teacher(self, n_labels, dtype):
        """What a decoder reads: a start symbol and then the labels, packed as a batch.

        Its attribute ``next`` holds the codes that follow: the labels, and then the end.
        Both symbols have the code ``n_labels``.
        """
        if self._teacher is None:
            lengths = self.lengths + 1
            ends = np.cumsum(lengths)
            followed = np.empty(ends[-1], np.intp)
            is_end = np.zeros(len(followed), bool)
            is_end[ends - 1] = True
            followed[is_end], followed[~is_end] = n_labels, self.codes
            read = np.roll(followed, 1)
            sequences = Sequences(read[:, np.newaxis].astype(dtype), lengths)
            self._teacher = sequences.pack(np.arange(len(lengths)))
            self._teacher.next = followed[self._teacher.rows]
        return self._teacher

    def along(self, batch):
        """The labels of a batch, given in the order of its columns."""
        rows = np.argsort(batch.column, kind="stable")
        return Labels(self.codes, self.lengths, self.n_steps, rows)


def label_sequences(y):
    """Sequences of labels of any form: whether they are texts, and a list of them.

    Parameters
    ----------
    y : list, tuple or object array of sequences of labels, 2-D array of labels, or \
            array-like of str

    Returns
    -------
    texts : bool
    sequences : list of str, or list of ndarray of shape (n_labels,)
    """
    if y is None:
        raise ValueError(
            "This estimator requires y to be passed, but the target y is None."
        )
    ndim = getattr(y, "ndim", None)
    if isinstance(y, np.ndarray) and ndim == 2:
        y = list(y)
    elif ndim == 1 and not is_list(y):
        y = y.tolist()  # arrays and Series of texts
    if not is_list(y):
        shape = getattr(y, "shape", None)
        got = type(y).__name__ if shape is None else f"an array of shape {shape}"
        raise ValueError(
            "y must be a list of sequences of labels, one for each sequence of X, or of "
            f"texts. Got {got}."
        )
    items = list(y)
    is_text = [isinstance(item, str) for item in items]
    if items and all(is_text):
        return True, items
    if any(is_text):
        i = is_text.index(not is_text[0])
        raise TypeError(
            "y must hold texts only or sequences only. y[0] is "
            f"{type(items[0]).__name__}, but y[{i}] is {type(items[i]).__name__}."
        )
    return False, [one_sequence(item, i) for i, item in enumerate(items)]


def one_sequence(item, i):
    """The labels of one sequence."""
    ndim = ndim_of(item)
    if ndim == 0:
        raise ValueError(
            f"y[{i}] is {item!r}, but must be a sequence of labels. For one label per "
            "sequence use RNNClassifier."
        )
    if ndim > 1:
        raise ValueError(f"y[{i}] must be a 1-D sequence of labels. Got {ndim} dimensions.")
    labels = as_array(item)
    if labels.dtype == object:
        item = labels.tolist()
        labels = as_array(item)
    if missing(labels).any():
        raise ValueError(f"y[{i}] has missing labels, which are not allowed.")
    if labels.dtype.kind == "U" and not all(isinstance(label, str) for label in item):
        raise TypeError(f"{MIXED} Got both in y[{i}].")
    if labels.dtype.kind == "f":
        wrong = labels[~np.isfinite(labels) | (np.floor(labels) != labels)]
        if len(wrong):
            raise ValueError(
                f"y[{i}] holds the number {wrong[0]}, but labels must be integers or "
                "strings."
            )
    return labels


def classes_of(sequences):
    """The different labels of all sequences, sorted."""
    known = [array for array in sequences if len(array)]
    if not known:
        raise ValueError("y holds no label: at least one is needed.")
    if len({isinstance(array[0], str) for array in known}) > 1:
        raise TypeError(f"{MIXED} Got both.")
    return np.unique(np.concatenate(known))


def codes_of_labels(sequences, classes):
    """Positions among the classes, a list of arrays."""
    place = {label: k for k, label in enumerate(classes.tolist())}
    values = [label for array in sequences for label in array.tolist()]
    codes = np.array([place.get(label, -1) for label in values], np.intp)
    if (codes < 0).any():
        unknown = sorted({label for label in values if label not in place}, key=str)
        raise ValueError(
            f"y has the labels {unknown[:5]}, which are not among the {len(classes)} "
            "labels in classes_."
        )
    return np.split(codes, np.cumsum([len(array) for array in sequences])[:-1])


def labels_of_codes(codes, classes):
    """Sequences of labels from a list of sequences of codes, as an object array."""
    labels = classes[np.concatenate(codes).astype(np.intp, copy=False)]
    ends = np.cumsum([len(of_one) for of_one in codes]).tolist()
    return object_array([labels[a:b] for a, b in pairwise([0, *ends])])
