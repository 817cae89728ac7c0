"""What a translator reads of its input at each label."""

from ..data import check_sequences, object_array
from ..estimators import RNNTranslator
from ..network import record_attention
from ..training import one_blas_thread, parallel_map
from ._pipeline import opened


def attention_weights(estimator, X, y=None):
    """Attention weights of a translator: which input steps each label is read from.

    Parameters
    ----------
    estimator : RNNTranslator
        A fitted estimator with attention, or a pipeline that ends with one. The steps
        before it transform X.
    X : array-like
        Sequences of the same kind as in fit.
    y : list of sequences of labels, or array-like of str, default=None
        Outputs, of labels among ``classes_``, each of which the decoder reads label by
        label. None means the predictions for X.

    Returns
    -------
    weights : ndarray of shape (n_sequences,) and dtype object
        Arrays of shape (n_labels + 1, n_steps). Row t holds the weights of the input steps
        when label t is predicted, given the labels before it. The last row is for the end
        of the output. The sum of each row is 1.

    Raises
    ------
    TypeError
        If the estimator is not a translator.
    NotFittedError
        If the estimator is not fitted.
    ValueError
        If the estimator was fitted with ``attention=None``, if X is not allowed in predict,
        or if y does not fit X or has labels that are not among ``classes_``.

    See Also
    --------
    AttentionDisplay : Plots the weights of one sequence.

    References
    ----------
    Luong, M.-T., Pham, H. & Manning, C. D. (2015). Effective approaches to attention-based
    neural machine translation. EMNLP. Equation 7.

    Examples
    --------
    The outputs repeat the inputs. Each label is read from one step:

    >>> import numpy as np
    >>> from skbptt import RNNTranslator
    >>> from skbptt.inspection import attention_weights
    >>> rng = np.random.default_rng(0)
    >>> X = [rng.permutation(6)[: rng.integers(2, 6)] for _ in range(300)]
    >>> model = RNNTranslator(16, max_iter=60, random_state=0).fit(X, X)
    >>> weights = attention_weights(model, [[1, 4, 2], [3, 0]])
    >>> weights[0].shape, weights[1].shape
    ((4, 3), (3, 2))
    >>> weights[0][:3].argmax(axis=1)
    array([0, 1, 2])
    """
    return object_array(labelled_weights(estimator, X, y)[0])


def labelled_weights(estimator, X, y=None):
    """The weights of each sequence, and the labels that they belong to."""
    estimator, X = opened(estimator, X, RNNTranslator)
    network = estimator._network
    if not network.attention:
        raise ValueError(
            'estimator must be fitted with attention="dot". Got attention=None.'
        )
    sequences = check_sequences(estimator, X, reset=False)
    labels = estimator._labels_for(y, sequences)
    with one_blas_thread(), parallel_map(estimator.n_jobs) as map_parts:
        weights = record_attention(network, estimator._theta, sequences, labels, map_parts)
    return weights, [estimator.classes_[codes] for codes in labels]
