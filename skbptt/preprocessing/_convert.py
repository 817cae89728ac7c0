"""Sequences in the forms of other libraries, and back."""

from numbers import Integral

import numpy as np

from ..data import Sequences, check_lengths, object_array, unpadded_lengths


def pad_sequences(X, *, length=None):
    """Convert sequences of unequal length to one array, padded with NaN.

    This is the format of tslearn. The estimators read the padded sequences like the list,
    and accept step targets in either form. A sequence that itself ends in NaN cannot be
    distinguished from a shorter one afterwards.

    Parameters
    ----------
    X : list or object array of arrays of shape (n_steps, n_features) or (n_steps,)
        Sequences, or targets of their steps.
    length : int, default=None
        Number of steps after padding. None means that of the longest sequence.

    Returns
    -------
    padded : ndarray of shape (n_sequences, length, n_features) or (n_sequences, length)
        float32 if all sequences are float32, otherwise float64.

    Raises
    ------
    ValueError
        If a sequence is empty or longer than ``length``, or if features differ.
    TypeError
        If a sequence does not hold numbers.

    Examples
    --------
    >>> from skbptt.preprocessing import pad_sequences
    >>> pad_sequences([[[1.0], [2.0]], [[3.0]]])[..., 0]
    array([[ 1.,  2.],
           [ 3., nan]])
    """
    steps, lengths = to_stacked(X)
    if steps.dtype.kind not in "biuf":
        raise TypeError(f"X must hold numbers. Got dtype {steps.dtype}.")
    longest = lengths.max()
    length = longest if length is None else length
    if not isinstance(length, Integral):
        raise ValueError(f"length must be an int or None. Got {length!r}.")
    if length < longest:
        i = lengths.argmax()
        raise ValueError(
            f"length must be at least that of the longest sequence, X[{i}] with "
            f"{longest} steps. Got {length}."
        )
    dtype = steps.dtype if steps.dtype == np.float32 else np.float64
    return Sequences(steps, lengths, length).unstack(steps.astype(dtype))


def unpad_sequences(X):
    """Remove padding, that is, trailing steps that are all NaN.

    Parameters
    ----------
    X : array-like of shape (n_sequences, n_steps, n_features) or (n_sequences, n_steps)

    Returns
    -------
    sequences : ndarray of shape (n_sequences,) and dtype object
        Arrays of shape (length, n_features) or (length,).

    Raises
    ------
    ValueError
        If X has other dimensions, or a sequence consists of padding only.

    Examples
    --------
    >>> import numpy as np
    >>> from skbptt.preprocessing import unpad_sequences
    >>> unpad_sequences([[1.0, 2.0], [3.0, np.nan]])
    array([array([1., 2.]), array([3.])], dtype=object)
    """
    X = np.asarray(X)
    if X.ndim not in (2, 3):
        raise ValueError(
            "X must have the shape (n_sequences, n_steps, n_features) or (n_sequences, "
            f"n_steps). Got {X.ndim} dimension(s)."
        )
    lengths = unpadded_lengths(np.atleast_3d(X))
    return object_array([x[:n].copy() for x, n in zip(X, lengths)])


def to_stacked(X):
    """Stack sequences one after the other, in the format of hmmlearn.

    Parameters
    ----------
    X : list or object array of arrays of shape (n_steps, n_features) or (n_steps,), or \
            array of shape (n_sequences, n_steps, n_features)

    Returns
    -------
    steps : ndarray of shape (sum of lengths, n_features) or (sum of lengths,)
    lengths : ndarray of shape (n_sequences,)

    Raises
    ------
    ValueError
        If a sequence is empty, or if features or dimensions differ.

    Examples
    --------
    >>> from skbptt.preprocessing import to_stacked
    >>> steps, lengths = to_stacked([[[1], [2]], [[3]]])
    >>> steps.ravel(), lengths
    (array([1, 2, 3]), array([2, 1]))
    """
    if getattr(X, "ndim", 1) == 3 and X.dtype != object:
        X = unpad_sequences(X)
    items = [np.asarray(x) for x in X]
    if not items:
        raise ValueError("X is empty: at least one sequence is required.")
    for i, item in enumerate(items):
        if item.ndim not in (1, 2) or item.shape[1:] != items[0].shape[1:]:
            raise ValueError(
                "Sequences must have the shape (n_steps, n_features), or all (n_steps,), "
                f"with the same features. Got X[0] of shape {items[0].shape} and X[{i}] of "
                f"shape {item.shape}."
            )
    lengths = np.array([len(item) for item in items])
    check_lengths(lengths)
    return np.concatenate(items), lengths


def from_stacked(X, lengths):
    """Split stacked steps into sequences, the inverse of :func:`to_stacked`.

    Parameters
    ----------
    X : array-like of shape (sum of lengths, n_features) or (sum of lengths,)
        The steps of all sequences, one sequence after the other.
    lengths : array-like of shape (n_sequences,)
        Number of steps of each sequence.

    Returns
    -------
    sequences : ndarray of shape (n_sequences,) and dtype object
        Arrays of shape (length, n_features) or (length,).

    Raises
    ------
    ValueError
        If the lengths are not positive, or do not add up to the number of steps.

    Examples
    --------
    >>> from skbptt.preprocessing import from_stacked
    >>> from_stacked([1, 2, 3], [2, 1])
    array([array([1, 2]), array([3])], dtype=object)
    """
    X = np.asarray(X)
    lengths = np.asarray(lengths)
    if lengths.ndim != 1 or lengths.dtype.kind not in "iu" or (lengths < 1).any():
        raise ValueError(f"lengths must be positive integers. Got {lengths!r}.")
    if lengths.sum() != len(X):
        raise ValueError(
            f"lengths must add up to the {len(X)} steps of X. They add up to "
            f"{lengths.sum()}."
        )
    return object_array([x.copy() for x in Sequences(X, lengths).split(X)])


def from_channels_first(X):
    """Turn sequences with time last, as in aeon and sktime, into those with time first.

    Parameters
    ----------
    X : array-like of shape (n_sequences, n_channels, n_steps), or list of arrays of \
            shape (n_channels, n_steps)

    Returns
    -------
    sequences : ndarray of shape (n_sequences, n_steps, n_channels), or object array of \
            arrays of shape (n_steps, n_channels)
        Sequences for the estimators: an array if X is an array.

    Raises
    ------
    ValueError
        If X has other dimensions.

    Examples
    --------
    >>> import numpy as np
    >>> from skbptt.preprocessing import from_channels_first
    >>> from_channels_first(np.zeros((5, 2, 100))).shape
    (5, 100, 2)
    """
    return swap_time(X, "(n_channels, n_steps)")


def to_channels_first(X):
    """Turn sequences into those with time last, as in aeon and sktime.

    Parameters
    ----------
    X : array-like of shape (n_sequences, n_steps, n_features), or list of arrays of \
            shape (n_steps, n_features)

    Returns
    -------
    sequences : ndarray of shape (n_sequences, n_features, n_steps), or object array of \
            arrays of shape (n_features, n_steps)
        aeon takes the latter as a list: ``list(sequences)``.

    Raises
    ------
    ValueError
        If X has other dimensions.

    Examples
    --------
    >>> import numpy as np
    >>> from skbptt.preprocessing import to_channels_first
    >>> to_channels_first(np.zeros((5, 100, 2))).shape
    (5, 2, 100)
    """
    return swap_time(X, "(n_steps, n_features)")


def swap_time(X, shape):
    if getattr(X, "ndim", 1) == 3:
        return np.swapaxes(X, 1, 2).copy()
    items = [np.asarray(x) for x in X]
    for i, item in enumerate(items):
        if item.ndim != 2:
            raise ValueError(
                f"Sequences must have the shape {shape}. Got X[{i}] of shape {item.shape}."
            )
    return object_array([item.T.copy() for item in items])
