"""Derivatives of the objective by the weights, and of a prediction by the inputs."""

from ..data import check_sequences, drop_weightless
from ..estimators import window_of
from ..network import input_gradients
from ..training import Objective, one_blas_thread, parallel_map
from ._pipeline import opened
from ._target import of_output


def loss_gradient(estimator, X, y, sample_weight=None):
    """Objective of a fitted estimator on given data, and its exact gradient.

    The objective is the one that ``fit`` minimises: the weighted mean loss, class weights
    included, plus L2, and with ``truncation`` the gradient is the truncated one: the loss
    that was fitted, with the other parameters as they are now. There is no dropout and no
    clipping.

    Parameters
    ----------
    estimator : RNNClassifier, RNNRegressor, RNNTranscriber or RNNTranslator
        A fitted estimator, or a pipeline that ends with one. The steps before it transform
        X.
    X : array-like of shape (n_sequences, n_steps, n_features) or \
            (n_sequences, n_steps), or list of arrays of shape (n_steps, n_features)
        Sequences of the same kind as in fit.
    y : array-like
        Targets, as in fit.
    sample_weight : array-like, default=None
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
        If X, y or sample_weight is not allowed in fit.

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
    estimator, X = opened(estimator, X)
    window = window_of(estimator.truncation)
    objective = objective_of(estimator, X, y, sample_weight, window)
    with one_blas_thread():
        loss, gradient = objective.value_and_gradient(estimator._theta)
    return float(loss), estimator._network.layout.views(gradient)


def saliency(estimator, X, y=None, *, target=None, sample_weight=None):
    """Gradient with respect to the inputs: which feature mattered, at which step.

    Exact, by backpropagation through time to the inputs, whatever ``truncation``. Its
    product with the inputs, or with their distance from a baseline, is the share of each
    in the output, to first order.

    Parameters
    ----------
    estimator : RNNClassifier, RNNRegressor, RNNTranscriber or RNNTranslator
        A fitted estimator, or a pipeline that ends with one. The steps before it transform
        X.
    X : array-like of shape (n_sequences, n_steps, n_features) or \
            (n_sequences, n_steps), or list of arrays of shape (n_steps, n_features)
        Sequences of the same kind as in fit.
    y : array-like, default=None
        Targets, as in fit. Then it is the gradient of each sequence's own loss, without
        weights: half the squared error (mean over several outputs), the cross-entropy (sum
        over labels), and so on; the sum over the steps where there is a target a step.
        Without y it is that of the raw output (before the logistic, softmax or exponential
        function) in favour of what is predicted [1]_: of the class, of the regressor's
        prediction (the mean of a distribution; the sum of several targets or quantiles), or
        of the logit times 1 where an indicator or the second of two classes is predicted
        and times -1 where not, summed over labels; again the sum over the steps. For a
        transcriber or a translator it is that of the log-probability of the predicted
        labels.
    target : label, int or tuple of two ints, default=None
        The output to explain in place of what is predicted, the same for all sequences and
        steps: a label of ``classes_`` for the raw output of this class, for example the one
        that was expected; the index of a column of y, for indicators or several targets in
        regression; that of a quantile, or of a column and a quantile. Not for a transcriber
        or a translator, where y is the labels to explain.
    sample_weight : array-like, default=None
        Weights, as in fit: the targets of weight 0 are left out of the loss, and only
        these may be missing. The other weights do not matter.

    Returns
    -------
    gradient : ndarray or object array
        In the form of X: an array of its shape, with NaN where X is padding, or an object
        array of arrays of shape (n_steps, n_features). For a pipeline, with respect to X as
        the last step gets it.

    See Also
    --------
    integrated_gradients : Shares that sum to the change of the output.
    SaliencyDisplay : A picture of one sequence.

    Raises
    ------
    TypeError
        If it is another estimator, or target is of the wrong type.
    NotFittedError
        If the estimator is not fitted.
    ValueError
        If X, y or sample_weight is not allowed in fit, if there are weights without y, or
        if target is not one of the outputs.

    References
    ----------
    .. [1] Simonyan, K., Vedaldi, A. & Zisserman, A. (2014). Deep inside convolutional
       networks: visualising image classification models and saliency maps. ICLR.
       Section 3.

    Examples
    --------
    The target depends only on the first of two features, and only at the last two steps:

    >>> import numpy as np
    >>> from skbptt import RNNRegressor
    >>> from skbptt.inspection import saliency
    >>> X = np.random.default_rng(0).normal(size=(200, 5, 2))
    >>> y = X[:, -1, 0] + X[:, -2, 0]
    >>> model = RNNRegressor(8, cell="rnn", activation="identity", solver="lbfgs")
    >>> model = model.set_params(readout="last", alpha=1e-6, random_state=0).fit(X, y)
    >>> np.abs(saliency(model, X)).mean(axis=0).round(1)
    array([[0., 0.],
           [0., 0.],
           [0., 0.],
           [1., 0.],
           [1., 0.]])
    """
    estimator, X = opened(estimator, X)
    if y is None:
        if sample_weight is not None:
            raise ValueError("sample_weight is for the loss, which needs y. Got y=None.")
        sequences = check_sequences(estimator, X, reset=False)
        sequences, d_raw_of = of_output(estimator, sequences, target)
    elif target is not None:
        raise ValueError(
            "target chooses an output, and y asks for the gradient of the loss. Give one "
            f"of them. Got target={target!r} and y."
        )
    else:
        sequences, d_raw_of = of_loss(estimator, X, y, sample_weight)
    with one_blas_thread(), parallel_map(estimator.n_jobs) as map_parts:
        gradient = input_gradients(
            estimator._network, estimator._theta, sequences, d_raw_of, map_parts
        )
    return sequences.unstack(gradient[:, 0] if estimator._univariate else gradient)


def of_loss(estimator, X, y, sample_weight):
    """Sequences, and the derivative of their losses with respect to the raw outputs."""
    data = prepare(estimator, X, y, sample_weight)
    counted = data.reweighted((data.weights > 0).astype(estimator._theta.dtype))

    def d_raw_of(raw, batch):
        return estimator._loss.weighted_gradient(raw, *counted.targets_of(batch))

    return data.sequences, d_raw_of


def objective_of(estimator, X, y, sample_weight, window=None, map_parts=map):
    """The objective of a fitted estimator on given data, without dropout."""
    data = drop_weightless(prepare(estimator, X, y, sample_weight))
    data = estimator._apply_class_weight(data)
    network, loss = estimator._network, estimator._loss
    return Objective(
        network,
        loss,
        data,
        estimator._strength,
        window,
        map_parts=map_parts,
        units=estimator._units,
    )


def prepare(estimator, X, y, sample_weight=None):
    """Data for the network of a fitted estimator."""
    per_step = estimator._network.per_step
    return estimator._prepare(
        X, y, sample_weight, per_step=per_step, known=True, incremental=True
    )
