"""Sequences of labels as targets, whose lengths are not those of the input."""

import numpy as np

from ._sequences import Sequences, object_array
from ._validation import as_array, is_list, missing


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


def label_sequences(y, name="y"):
    """Sequences of labels of any form: whether they are texts, and a list of sequences.

    Parameters
    ----------
    y : list, tuple or object array of sequences of labels, or array-like of str
    name : str
        What to call y in errors.

    Returns
    -------
    texts : bool
    sequences : list of str, or list of ndarray of shape (n_labels,)
    """
    what = "a list of sequences of labels, one for each sequence of X, or of texts"
    if y is None:
        raise ValueError(f"{name} must be {what}. Got None.")
    if hasattr(y, "tolist") and getattr(y, "ndim", 1) == 1 and not is_list(y):
        y = y.tolist()  # arrays and Series of texts
    if isinstance(y, str) or not is_list(y):
        shape = getattr(y, "shape", None)
        got = type(y).__name__ if shape is None else f"an array of shape {shape}"
        raise ValueError(f"{name} must be {what}. Got {got}.")
    items = list(y)
    is_text = [isinstance(item, str) for item in items]
    if items and all(is_text):
        return True, items
    if any(is_text):
        i = is_text.index(not is_text[0])
        raise ValueError(
            f"{name} must hold texts only or sequences only. {name}[0] is "
            f"{type(items[0]).__name__}, but {name}[{i}] is {type(items[i]).__name__}."
        )
    return False, [one_sequence(item, i, name) for i, item in enumerate(items)]


def one_sequence(item, i, name):
    """The labels of one sequence."""
    if not np.ndim(item):
        raise ValueError(
            f"{name}[{i}] is {item!r}, but must be a sequence of labels. For one label per "
            "sequence use RNNClassifier."
        )
    labels = as_array(item)
    if labels.ndim != 1:
        raise ValueError(
            f"{name}[{i}] must be a 1-D sequence of labels. Got {labels.ndim} dimensions."
        )
    if labels.dtype.kind == "f" and len(labels) and (labels % 1 != 0).any():
        raise ValueError(
            f"{name}[{i}] holds the number {labels[labels % 1 != 0][0]}, but "
            "labels must be integers or strings."
        )
    if missing(labels).any():
        raise ValueError(f"{name}[{i}] has missing labels, which are not allowed.")
    return labels


def classes_of(sequences, name="y"):
    """The different labels of all sequences, sorted."""
    kinds = {array.dtype.kind for array in sequences if len(array)}
    if len({"text" if kind in "US" else kind for kind in kinds} - {"O"}) > 1 and (
        kinds & set("US")
    ):
        raise TypeError(f"{name} must hold integers only or strings only. Got both.")
    known = [array for array in sequences if len(array)]
    if not known:
        raise ValueError(f"{name} holds no label: at least one is needed.")
    try:
        return np.unique(np.concatenate(known))
    except TypeError as error:
        raise TypeError(
            f"{name} must hold integers only or strings only. Got both."
        ) from error


def codes_of_labels(sequences, classes, name="y"):
    """Positions among the classes, stacked, and the lengths of the sequences."""
    lengths = np.array([len(array) for array in sequences])
    stacked = [array for array in sequences if len(array)]
    if not stacked:
        return np.empty(0, np.intp), lengths
    place = {label: k for k, label in enumerate(classes.tolist())}
    values = [value for array in stacked for value in array.tolist()]
    codes = np.array([place.get(value, -1) for value in values])
    if (codes < 0).any():
        unknown = sorted({str(v) for v, k in zip(values, codes) if k < 0})
        raise ValueError(
            f"{name} has the labels {unknown[:5]}, which are not among the "
            f"{len(classes)} classes that training began with."
        )
    return codes, lengths


def labels_of_codes(codes, classes):
    """Sequences of labels from a list of sequences of codes, as an object array."""
    return object_array([classes[np.asarray(of_one, np.intp)] for of_one in codes])
