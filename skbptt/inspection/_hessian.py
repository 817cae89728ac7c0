"""Products with second derivatives of the objective."""

import numpy as np
from sklearn.utils._param_validation import StrOptions, validate_params

from ..estimators import PointwiseRNN
from ..network import Curvature
from ..training import one_blas_thread, parallel_map
from ._gradient import objective_of
from ._pipeline import opened


@validate_params(
    {"kind": [StrOptions({"hessian", "gauss-newton"})]}, prefer_skip_nested_validation=True
)
def hessian_product(estimator, X, y, vector, *, kind="hessian", sample_weight=None):
    """Hessian of the objective, times a vector; exact, and without the Hessian.

    The objective is that of :func:`loss_gradient`, and its derivatives are exact, whatever
    ``truncation``. A product costs one to three gradients; the Hessian itself, of as many
    rows and columns as there are weights, is never formed.

    Parameters
    ----------
    estimator : RNNClassifier or RNNRegressor
        A fitted estimator, or a pipeline that ends with one. The steps before it transform
        X.
    X : array-like of shape (n_sequences, n_steps, n_features) or \
            (n_sequences, n_steps), or list of arrays of shape (n_steps, n_features)
        Sequences of the same kind as in fit.
    y : array-like
        Targets, as in fit.
    vector : mapping of str to ndarray
        By the names and in the shapes of ``weights_``.
    kind : {"hessian", "gauss-newton"}, default="hessian"
        The Gauss-Newton matrix is J^T H J, with the Jacobian J of the raw outputs by the
        weights, and the Hessian H of the loss by the raw outputs if the loss is convex in
        these, so that the matrix is positive semi-definite. Other losses have another H:
        the Fisher information of the distribution for "gaussian", "student_t" and
        "negative_binomial", and zero for several quantiles. Both contain the L2 penalty.
    sample_weight : array-like, default=None
        Weights, as in fit.

    Returns
    -------
    product : dict of str to ndarray
        By the same names and in the same shapes.

    Raises
    ------
    TypeError
        If it is another estimator.
    NotFittedError
        If the estimator is not fitted.
    ValueError
        If X, y or sample_weight is not allowed in fit, or vector is not like ``weights_``.

    Notes
    -----
    By the R-operator: Pearlmutter, B. (1994). Fast exact multiplication by the Hessian.
    Neural Computation 6(1), 147-160. Gauss-Newton: Schraudolph, N. (2002). Fast curvature
    matrix-vector products for second-order gradient descent. Neural Computation 14(7).

    Where the objective has kinks, at zero of "relu" or where two states are the greatest of
    readouts "max" and "concat", it is the Hessian of the smooth part that the weights are
    on.

    Examples
    --------
    How fast the slope along the gradient changes:

    >>> import numpy as np
    >>> from skbptt import RNNRegressor
    >>> from skbptt.inspection import hessian_product, loss_gradient
    >>> X = np.random.default_rng(0).normal(size=(20, 6, 1))
    >>> y = X[:, 0, 0]
    >>> model = RNNRegressor(2, readout="last", max_iter=5, random_state=0).fit(X, y)
    >>> _, gradient = loss_gradient(model, X, y)
    >>> product = hessian_product(model, X, y, gradient)
    >>> product["output.W"].shape
    (2, 1)
    >>> bowl = hessian_product(model, X, y, gradient, kind="gauss-newton")
    >>> bool(sum((gradient[name] * bowl[name]).sum() for name in gradient) > 0)
    True
    """
    estimator, X = opened(estimator, X, PointwiseRNN)
    layout, theta = estimator._network.layout, estimator._theta
    v = flat_vector(layout, vector, theta.dtype)
    with one_blas_thread(), parallel_map(estimator.n_jobs) as map_parts:
        objective = objective_of(estimator, X, y, sample_weight, map_parts=map_parts)
        curvature = Curvature(objective, theta)
        product = curvature.hessian if kind == "hessian" else curvature.gauss_newton
        return layout.views(product(v))


def flat_vector(layout, vector, dtype):
    """A mapping like ``weights_`` as one flat vector."""
    flat = np.empty(layout.size, dtype)
    views = layout.views(flat)
    if set(vector) != set(views):
        raise ValueError(
            f"vector must have the names of weights_, {sorted(views)}. Got "
            f"{sorted(vector)}."
        )
    for name, view in views.items():
        value = np.asarray(vector[name])
        if value.shape != view.shape:
            raise ValueError(
                f"vector[{name!r}] must have the shape {view.shape}. Got {value.shape}."
            )
        view[:] = value
    if not np.isfinite(flat).all():
        raise ValueError("vector must be finite.")
    return flat
