"""Look into a fitted network."""

from sklearn.utils.validation import check_is_fitted

from ._base import BaseRNN
from ._objective import Objective
from ._parameters import window_of
from ._threads import one_blas_thread

__all__ = ["loss_gradient"]


def loss_gradient(estimator, X, y, sample_weight=None):
    """Objective of a fitted estimator on given data, and its exact gradient.

    The objective is the one that ``fit`` minimises: the weighted mean loss, class weights
    included, plus L2, and with ``truncation`` the gradient is the truncated one: the loss
    that was fitted, with the other parameters as they are now. There is no dropout and no
    clipping.

    Parameters
    ----------
    estimator : RNNClassifier or RNNRegressor
        A fitted estimator.
    X : array-like of shape (n_sequences, n_steps, n_features) or \
            (n_sequences, n_steps), or list of arrays of shape (n_steps, n_features)
        Sequences, of the kind met in fit.
    y : array-like
        Targets, as in fit.
    sample_weight : array-like of shape (n_sequences,), default=None
        Weights, as in fit.

    Returns
    -------
    loss : float
    gradient : dict of str to ndarray
        Derivatives of the loss, by the names and in the shapes of ``weights_``.

    Raises
    ------
    TypeError
        If it is another estimator.
    NotFittedError
        If the estimator is not fitted.
    ValueError
        If X, y or sample_weight would not do in fit.

    Notes
    -----
    Computed by backpropagation through time (Werbos, 1990).

    Examples
    --------
    >>> import numpy as np
    >>> from skbptt import RNNRegressor
    >>> from skbptt.inspection import loss_gradient
    >>> X = np.random.default_rng(0).normal(size=(20, 6, 1))
    >>> model = RNNRegressor(2, cell="rnn", solver="lbfgs", readout="last")
    >>> model = model.set_params(max_iter=5000, random_state=0).fit(X, X[:, 0, 0])
    >>> loss, gradient = loss_gradient(model, X, X[:, 0, 0])
    >>> sorted(gradient)
    ['layers.0.forward.R', 'layers.0.forward.W', 'layers.0.forward.b', \
'output.W', 'output.b']
    >>> bool(abs(loss - model.loss_) < 1e-12)
    True
    """
    if not isinstance(estimator, BaseRNN):
        raise TypeError(
            "estimator must be an RNNClassifier or RNNRegressor. Got "
            f"{type(estimator).__name__}."
        )
    check_is_fitted(estimator)
    network = estimator._network
    per_step = network.readout is None
    data = estimator._prepare(X, y, sample_weight, per_step=per_step, known=True)
    objective = Objective(
        network,
        estimator._loss,
        estimator._apply_class_weight(data),
        estimator.alpha,
        window_of(estimator.truncation),
    )
    with one_blas_thread():
        loss, gradient = objective.value_and_gradient(estimator._theta)
    return float(loss), network.layout.views(gradient)
