"""Metrics of sequences of tokens, whose lengths may differ from those of the truth."""

import numpy as np
from sklearn.metrics import make_scorer

from .._compat import _check_sample_weight
from ..data import check_same_number

# Pairs of like length whose distances are found at a time.
CHUNK = 256


def edit_distance(y_true, y_pred):
    """Levenshtein distance between two sequences of tokens.

    It is the minimum number of insertions, deletions and replacements of tokens that turn
    one sequence into the other.

    Parameters
    ----------
    y_true, y_pred : sequences of tokens
        Lists, arrays or strings. Tokens are numbers, strings or anything else that is
        hashable. A string is a sequence of characters; use ``str.split`` to compare words.

    Returns
    -------
    distance : int
        At least the difference of the lengths, at most the greater length.

    Raises
    ------
    ValueError
        If an argument is not a sequence of tokens.

    References
    ----------
    Levenshtein, V. I. (1966). Binary codes capable of correcting deletions, insertions, and
    reversals. Soviet Physics Doklady 10(8). Algorithm: Wagner, R. A. & Fischer, M. J.
    (1974). The string-to-string correction problem. Journal of the ACM 21(1).

    Examples
    --------
    >>> from skbptt.metrics import edit_distance
    >>> edit_distance("kitten", "sitting")
    3
    >>> edit_distance([1, 2, 3], [2, 3])
    1
    """
    codes: dict = {}
    true, pred = (
        encode(y, codes, name) for y, name in ((y_true, "y_true"), (y_pred, "y_pred"))
    )
    return int(distances([true], [pred])[0])


def token_error_rate(y_true, y_pred, *, sample_weight=None):
    """Edit distance per true token: the error rate of words, characters, ...

    It is the sum of the distances of all sequences, divided by the sum of the lengths of
    the true sequences. It can exceed 1 if predictions are longer than the true sequences.

    Parameters
    ----------
    y_true, y_pred : array-likes of n_sequences sequences of tokens
        As in :func:`edit_distance`. Strings are compared by character. To compare words,
        pass ``[text.split() for text in texts]``.
    sample_weight : array-like of shape (n_sequences,), default=None
        Weights of the sequences.

    Returns
    -------
    rate : float
        At best 0. If a true sequence is empty, each token of the prediction is an error.
        If all true sequences are empty, the rate is 0 if all predictions are empty too, and
        infinite otherwise.

    Raises
    ------
    ValueError
        If the numbers of sequences or weights differ, an item is not a sequence of tokens,
        or weights are negative or all zero.

    See Also
    --------
    neg_token_error_rate_scorer : For ``scoring=`` in searches and cross-validation.
    sequence_accuracy_score : Share of the sequences without any error.

    Examples
    --------
    >>> from skbptt.metrics import token_error_rate
    >>> token_error_rate([[1, 2, 3], [4]], [[1, 3], [4]])
    0.25
    >>> token_error_rate(["the cat".split()], ["a cat".split()])
    0.5
    """
    true, pred, weights = check_pairs(y_true, y_pred, sample_weight)
    total = weights @ distances(true, pred)
    size = weights @ [len(sequence) for sequence in true]
    if size == 0:
        return float(np.inf if total else 0)
    return float(total / size)


def sequence_accuracy_score(y_true, y_pred, *, sample_weight=None):
    """Fraction of the sequences that are predicted without any error.

    Parameters
    ----------
    y_true, y_pred, sample_weight
        As in :func:`token_error_rate`.

    Returns
    -------
    score : float
        The best value is 1.

    Raises
    ------
    ValueError
        As in :func:`token_error_rate`.

    See Also
    --------
    sequence_accuracy_scorer : For ``scoring=`` in searches and cross-validation.

    Examples
    --------
    >>> from skbptt.metrics import sequence_accuracy_score
    >>> sequence_accuracy_score([[1, 2, 3], [4]], [[1, 3], [4]])
    0.5
    """
    true, pred, weights = check_pairs(y_true, y_pred, sample_weight)
    right = [a == b for a, b in zip(true, pred)]
    return float(np.average(right, weights=weights))


neg_token_error_rate_scorer = make_scorer(token_error_rate, greater_is_better=False)
neg_token_error_rate_scorer.__doc__ = """Scorer of minus the token error rate.

Pass it as ``scoring=``. It equals
``make_scorer(token_error_rate, greater_is_better=False)``. To request ``sample_weight`` by
metadata routing, make a new one in this way: a request changes the scorer.

Examples
--------
>>> from sklearn.dummy import DummyClassifier
>>> from skbptt.metrics import neg_token_error_rate_scorer
>>> y = ["abc", "abc", "abd"]
>>> model = DummyClassifier().fit([[0], [0], [0]], y)
>>> round(neg_token_error_rate_scorer(model, [[0], [0], [0]], y), 3)  # 1 of 9 characters
-0.111
"""

sequence_accuracy_scorer = make_scorer(sequence_accuracy_score)
sequence_accuracy_scorer.__doc__ = """Scorer of the share of the sequences that are right.

Pass it as ``scoring=``. It equals ``make_scorer(sequence_accuracy_score)``. To request
``sample_weight`` by metadata routing, make a new one in this way: a request changes the
scorer.

Examples
--------
>>> from sklearn.dummy import DummyClassifier
>>> from skbptt.metrics import sequence_accuracy_scorer
>>> y = ["abc", "abc", "abd", "abc"]
>>> model = DummyClassifier().fit([[0]] * 4, y)
>>> sequence_accuracy_scorer(model, [[0]] * 4, y)
0.75
"""

__test__ = {  # the examples of objects, for doctest
    "neg_token_error_rate_scorer": neg_token_error_rate_scorer.__doc__,
    "sequence_accuracy_scorer": sequence_accuracy_scorer.__doc__,
}


def check_pairs(y_true, y_pred, sample_weight):
    """Both as lists of lists of codes, equal for equal tokens, and the weights."""
    codes: dict = {}
    true, pred = (
        [encode(item, codes, f"{name}[{i}]") for i, item in enumerate(items(y, name))]
        for y, name in ((y_true, "y_true"), (y_pred, "y_pred"))
    )
    check_same_number(true, pred, "y_pred", "y_true")
    weights = _check_sample_weight(
        sample_weight, np.empty((len(true), 0)), ensure_non_negative=True
    )
    if not weights.any():
        raise ValueError("sample_weight is zero for every sequence: one must be positive.")
    return true, pred, weights


def items(y, name):
    """The sequences of y."""
    if isinstance(y, str) or not hasattr(y, "__len__") or not len(y):
        raise ValueError(
            f"{name} must be a list or array of at least one sequence of tokens. Got {y!r}."
        )
    return y


def encode(sequence, codes, name):
    """A sequence of tokens as a list of codes, from ``codes``, which grows."""
    try:
        tokens = sequence.tolist() if hasattr(sequence, "tolist") else list(sequence)
        return [codes.setdefault(token, len(codes)) for token in tokens]
    except TypeError:
        raise ValueError(
            f"{name} must be a sequence of hashable tokens, such as a list of numbers, a "
            f"list of words, or a string. Got {sequence!r}."
        ) from None


def distances(true, pred):
    """Edit distances of pairs of lists of codes."""
    longest = [max(len(a), len(b)) for a, b in zip(true, pred)]
    order = np.argsort(longest, kind="stable")
    found = np.empty(len(true), np.intp)
    for first in range(0, len(true), CHUNK):
        chunk = order[first : first + CHUNK]
        a, n_true = padded([true[i] for i in chunk])
        b, n_pred = padded([pred[i] for i in chunk])
        # d[:, j]: from the tokens of the truth so far to j of the prediction, minus j. So
        # an insertion costs nothing.
        d = np.zeros((len(chunk), b.shape[1] + 1), np.intp)
        for i in range(a.shape[1]):
            other = a[:, i : i + 1] != b
            row = np.empty_like(d)
            row[:, 0] = i + 1
            row[:, 1:] = np.minimum(d[:, 1:] + 1, d[:, :-1] + other - 1)
            np.minimum.accumulate(row, axis=1, out=row)
            d = np.where(i < n_true[:, np.newaxis], row, d)
        found[chunk] = d[np.arange(len(chunk)), n_pred] + n_pred
    return found


def padded(sequences):
    """Lists in one array, with -1 beyond their end, and their lengths."""
    lengths = np.array([len(sequence) for sequence in sequences])
    dense = np.full((len(sequences), lengths.max()), -1)
    dense[np.arange(dense.shape[1]) < lengths[:, np.newaxis]] = [
        code for sequence in sequences for code in sequence
    ]
    return dense, lengths
