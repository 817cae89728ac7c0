"""At which steps a transcriber finds the labels of a sequence."""

from ..estimators import RNNTranscriber
from ..losses import align
from ._pipeline import opened


def alignment(estimator, X, y):
    """The most probable alignment of given labels with the steps of their sequences.

    A transcriber sums over all alignments of the labels [1]_; this is the single most
    probable one.

    Parameters
    ----------
    estimator : RNNTranscriber
        A fitted estimator, or a pipeline that ends with one. The steps before it transform
        X.
    X : array-like of shape (n_sequences, n_steps, n_features) or \
            (n_sequences, n_steps), or list of arrays of shape (n_steps, n_features)
        Sequences of the same kind as in fit.
    y : list or array of n_sequences sequences of labels, or array-like of str
        The labels to align: true ones, or those of ``estimator.predict(X)``.

    Returns
    -------
    position : ndarray or object array
        For each step the position in y[i], from 0, of the label that the step belongs to;
        -1 for the blank, where no label is. In the form of X: an array of shape
        (n_sequences, n_steps), with NaN where X is padding, or an object array of arrays of
        shape (n_steps,).

    Raises
    ------
    TypeError
        If it is another estimator, or y mixes types.
    NotFittedError
        If the estimator is not fitted.
    ValueError
        If X is not allowed in predict, y holds unknown labels, or a sequence has too few
        steps for its labels.

    See Also
    --------
    AlignmentDisplay : A picture of it.

    References
    ----------
    .. [1] Graves, A., Fernández, S., Gomez, F. & Schmidhuber, J. (2006). Connectionist
       temporal classification: labelling unsegmented sequence data with recurrent neural
       networks. ICML.

    Examples
    --------
    Two words, whose letters are pulses of different heights:

    >>> import numpy as np
    >>> from skbptt import RNNTranscriber
    >>> from skbptt.inspection import alignment
    >>> rng = np.random.default_rng(0)
    >>> y = ["".join(rng.choice(list("ab"), 3)) for _ in range(100)]
    >>> X = [[[" ab".index(c)] for c in " " + " ".join(word)] for word in y]
    >>> model = RNNTranscriber(8, bidirectional=True, random_state=0).fit(X, y)
    >>> for word, position in zip(y[:2], alignment(model, X[:2], y[:2])):
    ...     print(word, position)
    bbb [-1  0 -1  1 -1  2]
    aaa [-1  0 -1  1 -1  2]
    """
    if y is None:
        raise ValueError(
            "y must be the labels to align, such as estimator.predict(X). Got None."
        )
    *_, position, sequences = aligned(estimator, X, y)
    return sequences.unstack(position)


def aligned(estimator, X, y=None):
    """Raw outputs, the labels of y or predicted ones, their alignment, and sequences."""
    estimator, X = opened(estimator, X, RNNTranscriber)
    raw, sequences = estimator._raw(X)
    labels = estimator._labels_for(y, sequences)
    position, _, _ = align(raw, sequences.lengths, labels.codes, labels.lengths)
    return raw, labels, position, sequences
