"""Shares of the inputs in an output, which sum to what they change."""

from numbers import Integral

import numpy as np

from ..data import check_sequences
from ..layers import Embedding
from ..network import input_gradients
from ..training import one_blas_thread, parallel_map
from ._pipeline import opened
from ._target import of_output


def integrated_gradients(estimator, X, *, target=None, baseline=0.0, n_nodes=32):
    """Share of each input in an output: integrated gradients [1]_.

    The gradient is averaged over the straight path from a baseline :math:`b` to the input,
    and multiplied by the distance:

    .. math::

        s_i = (x_i - b_i) \\int_0^1
        \\frac{\\partial F(b + \\alpha (x - b))}{\\partial x_i} d\\alpha

    The shares of a sequence sum to :math:`F(x) - F(b)` (completeness). The gradient times
    the input has this property to first order only. F is the output that :func:`saliency`
    explains without y. It does not change along the path: F is that of the class, signs or
    labels that are predicted for X.

    Parameters
    ----------
    estimator : RNNClassifier, RNNRegressor, RNNTranscriber or RNNTranslator
        A fitted estimator, or a pipeline that ends with one. The steps before it transform
        X.
    X : array-like of shape (n_sequences, n_steps, n_features) or \
            (n_sequences, n_steps), or list of arrays of shape (n_steps, n_features)
        Sequences of the same kind as in fit.
    target : label, int or tuple of two ints, default=None
        The output to explain in place of what is predicted, as in :func:`saliency`.
    baseline : float or array-like of shape (n_features,), default=0.0
        The value that represents no information, at each step. Zero is the mean of
        standardised features. An array has one number for each feature that is not
        categorical. The path of a category goes from the zero vector, which represents an
        unknown category, to its embedding vector. For a pipeline, the baseline is in the
        units of the last step.
    n_nodes : int, default=32
        Number of gradients, at the nodes of the Gauss-Legendre quadrature, which is exact
        for derivatives that are polynomials in :math:`\\alpha` up to degree
        ``2 * n_nodes - 1``. The error falls exponentially with their number where F is
        smooth. The maximum over the steps in ``readout="concat"`` and ``"max"`` has kinks;
        with these the error falls as ``1 / n_nodes``. The error is the difference between
        the sum of the shares and :math:`F(x) - F(b)`.

    Returns
    -------
    share : ndarray or object array
        In the form of X: an array of its shape, with NaN where X is padding, or an object
        array of arrays of shape (n_steps, n_features). For a pipeline, in the form of X as
        the last step gets it.

    See Also
    --------
    saliency : The gradient at the input alone.
    SaliencyDisplay : A picture of one sequence, with ``method="integrated_gradients"``.

    Raises
    ------
    TypeError
        If it is another estimator, or target or n_nodes is of the wrong type.
    NotFittedError
        If the estimator is not fitted.
    ValueError
        If X is not allowed in predict, target is not one of the outputs, baseline has
        another shape or is not finite, or n_nodes is below 1.

    References
    ----------
    .. [1] Sundararajan, M., Taly, A. & Yan, Q. (2017). Axiomatic attribution for deep
       networks. ICML. Equation 1 and Proposition 1.

    Examples
    --------
    >>> import numpy as np
    >>> from skbptt import RNNClassifier
    >>> from skbptt.inspection import integrated_gradients
    >>> X = np.random.default_rng(0).normal(size=(100, 8, 2))
    >>> y = X[:, :, 0].sum(axis=1) > 0
    >>> model = RNNClassifier(8, readout="last", max_iter=20, random_state=0).fit(X, y)
    >>> share = integrated_gradients(model, X[:3], target=True)
    >>> change = model.decision_function(X[:3]) - model.decision_function(0 * X[:1])
    >>> np.allclose(share.sum(axis=(1, 2)), change)
    True
    """
    estimator, X = opened(estimator, X)
    if not isinstance(n_nodes, Integral) or isinstance(n_nodes, bool):
        raise TypeError(f"n_nodes must be an int. Got {n_nodes!r}.")
    if n_nodes < 1:
        raise ValueError(f"n_nodes must be at least 1. Got {n_nodes}.")
    sequences = check_sequences(estimator, X, reset=False)
    numeric = numeric_features(estimator, sequences)
    origin = origin_of(estimator, baseline, numeric)
    sequences, d_raw_of = of_output(estimator, sequences, target, along_path=True)
    total = np.zeros(sequences.steps.shape)
    nodes, weights = np.polynomial.legendre.leggauss(int(n_nodes))
    with one_blas_thread(), parallel_map(estimator.n_jobs) as map_parts:
        for alpha, weight in zip((1 + nodes) / 2, weights / 2):
            theta, steps = on_path(estimator, sequences.steps, numeric, origin, alpha)
            gradient = input_gradients(
                estimator._network, theta, sequences.with_steps(steps), d_raw_of, map_parts
            )
            # The derivative is by a factor of the vectors on the path, which are alpha
            # times the embedding vectors.
            gradient[:, ~numeric] /= alpha
            total += weight * gradient
    total[:, numeric] *= sequences.steps[:, numeric] - origin
    share = total.astype(sequences.steps.dtype, copy=False)
    return sequences.unstack(share[:, 0] if estimator._univariate else share)


def numeric_features(estimator, sequences):
    """Which features are numbers, as a mask; the others are categories."""
    if estimator.is_categorical_ is None:
        return np.ones(sequences.steps.shape[1], bool)
    return ~estimator.is_categorical_


def origin_of(estimator, baseline, numeric):
    """The baseline of the numeric features."""
    n, dtype = int(numeric.sum()), estimator._theta.dtype
    try:
        origin = np.asarray(baseline, dtype)
    except (TypeError, ValueError):
        origin = np.full(1, np.nan)
    if origin.shape not in ((), (n,)) or not np.isfinite(origin).all():
        raise ValueError(
            "baseline must be a finite number, or one for each numeric feature, of which "
            f"there are {n}. Got {baseline!r}."
        )
    if not n and origin.any():
        raise ValueError(
            "baseline must be 0 where all features are categorical: their path begins at "
            f"the vector zero. Got {baseline!r}."
        )
    return origin


def on_path(estimator, steps, numeric, origin, alpha):
    """Weights and steps with which the network sees a point of the path."""
    theta, steps = estimator._theta.copy(), steps.copy()
    steps[:, numeric] = origin + alpha * (steps[:, numeric] - origin)
    views = estimator._network.layout.views(theta)
    for name, leaf in estimator._network.layer.leaves().items():
        # The decoder of a translator has vectors of the labels that it reads.
        if isinstance(leaf, Embedding) and name != "decoder.embedding":
            views[f"{name}.W"] *= alpha
    return theta, steps
