"""Metrics of step targets: those of scikit-learn, over the steps that are not padding."""

from functools import partial, wraps

import numpy as np
from sklearn.base import is_classifier
from sklearn.metrics import (
    check_scoring,
    log_loss,
    mean_pinball_loss,
    mean_squared_error,
    r2_score,
)

from .. import _scores
from ..data import (
    Sequences,
    Stacked,
    check_known,
    check_same_number,
    is_list,
    narrowed,
    of_outputs,
    positive,
    runs_along_steps,
    sequences_in,
    stack_per_step,
    unpadded_lengths,
    with_known,
)

RESPONSES = ("predict", "predict_proba", "predict_log_proba", "decision_function")


def stack_steps(y_true, y_pred, sample_weight=None):
    """Stack targets and predictions of all steps, as input for any metric.

    Parameters
    ----------
    y_true : array-like of shape (n_sequences, n_steps) or (n_sequences, n_steps, \
            n_outputs), or list of arrays of shape (n_steps,) or (n_steps, n_outputs)
        Targets, as in fit. They may be missing (NaN, None) where their weight is 0.
    y_pred : array-like of shape (n_sequences, n_steps, ...), or list of arrays
        Predictions or probabilities, as returned by an estimator. Trailing steps of a
        sequence in an array that are NaN are padding, and are left out.
    sample_weight : array-like of shape (n_sequences,), (n_sequences, n_steps) or \
            (n_sequences, n_steps, n_outputs), or list of arrays of shape (n_steps,) or \
            (n_steps, n_outputs), default=None
        Weights of the sequences, of the steps, or of the outputs at each step. Steps of
        weight 0 are left out, like padding.

    Returns
    -------
    y_true, y_pred : ndarrays of shape (n_valid_steps,) or (n_valid_steps, ...)
        With a weight for each output, an output of weight 0 is replaced where it is
        missing.
    sample_weight : ndarray of shape (n_valid_steps,) or (n_valid_steps, n_outputs), or None

    Raises
    ------
    ValueError
        If numbers of sequences, steps or outputs differ, or a target is missing whose
        weight is not 0.

    Examples
    --------
    >>> from sklearn.metrics import confusion_matrix
    >>> from skbptt.metrics import stack_steps
    >>> y_true, y_pred, _ = stack_steps([[0, 1, 1], [0, 1]], [[0, 1, 0], [0, 1]])
    >>> confusion_matrix(y_true, y_pred)
    array([[2, 0],
           [1, 2]])
    """
    sequences = shape_of(y_pred)
    y_true, weights, kept = stack_known(
        y_true, sample_weight, sequences, "y_true", "y_pred"
    )
    return y_true, narrowed(stack_per_step(y_pred, sequences, "y_pred"))[kept], weights


def step_accuracy_score(y_true, y_pred, *, sample_weight=None):
    """Fraction of the steps whose label is predicted correctly.

    With several labels per step, all must be right. With a weight for each label, all of
    positive weight must be, and the step counts with the mean of its weights.

    Parameters
    ----------
    y_true, y_pred, sample_weight
        As in :func:`stack_steps`.

    Returns
    -------
    score : float
        The best value is 1.

    See Also
    --------
    sklearn.metrics.accuracy_score : The same for single labels.

    Examples
    --------
    >>> from skbptt.metrics import step_accuracy_score
    >>> step_accuracy_score([[0, 1, 1], [0]], [[0, 1, 0], [0]])
    0.75
    """
    y_true, y_pred, weights = stack_steps(y_true, y_pred, sample_weight)
    return float(_scores.accuracy(y_true, y_pred, sample_weight=weights))


def step_f1_score(y_true, y_pred, *, sample_weight=None, average="macro", **options):
    """F1 score over all steps.

    Parameters
    ----------
    y_true, y_pred, sample_weight
        As in :func:`stack_steps`.
    average : str or None, default="macro"
        How the scores of the classes are averaged. With a weight for each label, None,
        "micro", "macro" or "weighted".
    **options
        Further parameters of :func:`sklearn.metrics.f1_score`.

    Returns
    -------
    score : float or ndarray of shape (n_classes,)
        The best value is 1.

    See Also
    --------
    sklearn.metrics.f1_score : The same for single labels.

    Examples
    --------
    >>> from skbptt.metrics import step_f1_score
    >>> step_f1_score([[0, 1, 1], [0]], [[0, 1, 0], [0]], average=None)
    array([0.8       , 0.66666667])
    """
    y_true, y_pred, weights = stack_steps(y_true, y_pred, sample_weight)
    return _scores.f1(y_true, y_pred, weights, average, **options)


def step_log_loss(y_true, y_prob, *, sample_weight=None, labels=None):
    """Mean cross-entropy of the probabilities of all steps.

    Parameters
    ----------
    y_true, sample_weight
        As in :func:`stack_steps`, with at most one weight per step.
    y_prob : array-like of shape (n_sequences, n_steps, n_classes), or list of arrays of \
            shape (n_steps, n_classes)
        Probabilities, as returned by ``predict_proba``.
    labels : array-like of shape (n_classes,), default=None
        The classes, ``classes_`` of the estimator, if some do not occur in y_true, or
        only at weight 0. The columns of y_prob are in their sorted order.

    Returns
    -------
    loss : float
        In nats.

    See Also
    --------
    sklearn.metrics.log_loss : The same for single labels.

    Examples
    --------
    >>> from skbptt.metrics import step_log_loss
    >>> round(step_log_loss([[0, 1], [1]], [[[0.5, 0.5], [0.5, 0.5]], [[0, 1]]]), 3)
    0.462
    """
    y_true, y_prob, weights = stack_steps(y_true, y_prob, sample_weight)
    if _scores.of_each_output(weights):
        raise ValueError(
            "sample_weight has a weight for each label, but step_log_loss takes one weight "
            "for each sequence or step."
        )
    return log_loss(y_true, y_prob, sample_weight=weights, labels=labels)


def step_r2_score(y_true, y_pred, *, sample_weight=None, **options):
    """R^2, the coefficient of determination, over all steps.

    Parameters
    ----------
    y_true, y_pred, sample_weight
        As in :func:`stack_steps`.
    **options
        Further parameters of :func:`sklearn.metrics.r2_score`.

    Returns
    -------
    score : float or ndarray of shape (n_outputs,)
        The best value is 1. Predicting the mean of all steps scores 0.

    See Also
    --------
    sklearn.metrics.r2_score : The same for single targets.

    Examples
    --------
    >>> from skbptt.metrics import step_r2_score
    >>> step_r2_score([[0.0, 1.0, 2.0], [3.0]], [[0.0, 1.0, 2.0], [2.0]])
    0.8
    """
    y_true, y_pred, weights = stack_steps(y_true, y_pred, sample_weight)
    return _scores.by_output(r2_score, y_true, y_pred, weights, **options)


def step_mean_squared_error(y_true, y_pred, *, sample_weight=None, **options):
    """Mean squared error of all steps.

    Parameters
    ----------
    y_true, y_pred, sample_weight
        As in :func:`stack_steps`.
    **options
        Further parameters of :func:`sklearn.metrics.mean_squared_error`.

    Returns
    -------
    error : float or ndarray of shape (n_outputs,)

    See Also
    --------
    sklearn.metrics.mean_squared_error : The same for single targets.

    Examples
    --------
    >>> from skbptt.metrics import step_mean_squared_error
    >>> step_mean_squared_error([[0.0, 1.0, 2.0], [3.0]], [[0.0, 1.0, 2.0], [2.0]])
    0.25
    """
    y_true, y_pred, weights = stack_steps(y_true, y_pred, sample_weight)
    return _scores.by_output(mean_squared_error, y_true, y_pred, weights, **options)


def step_pinball_loss(y_true, y_pred, *, sample_weight=None, alpha=0.5, **options):
    """Mean pinball loss of a quantile of all steps.

    Parameters
    ----------
    y_true, y_pred, sample_weight
        As in :func:`stack_steps`.
    alpha : float, default=0.5
        The quantile that y_pred estimates.
    **options
        Further parameters of :func:`sklearn.metrics.mean_pinball_loss`.

    Returns
    -------
    loss : float or ndarray of shape (n_outputs,)

    See Also
    --------
    sklearn.metrics.mean_pinball_loss : The same for single targets.

    Examples
    --------
    >>> from skbptt.metrics import step_pinball_loss
    >>> step_pinball_loss([[0.0, 1.0, 2.0], [3.0]], [[0.0, 1.0, 2.0], [1.0]], alpha=0.9)
    0.45
    """
    y_true, y_pred, weights = stack_steps(y_true, y_pred, sample_weight)
    metric = partial(mean_pinball_loss, alpha=alpha)
    return _scores.by_output(metric, y_true, y_pred, weights, **options)


def make_step_scorer(scoring):
    """Make a scorer for step targets from a scorer of scikit-learn.

    The scorer treats each step of a sequence as a sample. All metrics of scikit-learn can
    therefore be used in searches and cross-validation of an estimator with
    ``return_sequences=True``, for which the original scorer would fail, or interpret the
    targets of a sequence as indicators. Steps of weight 0 are left out. With a weight for
    each output of a regressor, the score is the mean of the scores of the outputs. Folds
    may lack a class, since steps cannot be stratified: for "neg_log_loss", make a scorer
    with ``labels=``. Pass the scorer to scikit-learn's ScoringMonitor in a dict, such as
    ``{"f1": scorer}``.

    Parameters
    ----------
    scoring : str or callable
        The name of a scorer, as in :func:`sklearn.metrics.get_scorer_names`, or a scorer,
        as from :func:`sklearn.metrics.make_scorer`.

    Returns
    -------
    scorer : StepScorer
        A callable with the signature (estimator, X, y), or an argument for ``scoring``.

    Raises
    ------
    ValueError
        If there is no scorer of that name.
    TypeError
        If ``scoring`` is neither a name nor callable.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.model_selection import KFold, cross_val_score
    >>> from skbptt import RNNClassifier
    >>> from skbptt.metrics import make_step_scorer
    >>> rng = np.random.default_rng(0)
    >>> X = [rng.normal(size=(n, 1)) for n in rng.integers(3, 9, size=60)]
    >>> y = [(x[:, 0] > 0).astype(int) for x in X]
    >>> model = RNNClassifier(4, return_sequences=True, max_iter=30, random_state=0)
    >>> scorer = make_step_scorer("f1_macro")
    >>> scores = cross_val_score(model, X, y, scoring=scorer, cv=KFold(3))
    >>> bool((scores > 0.9).all())
    True
    """
    if not (isinstance(scoring, str) or callable(scoring)):
        raise TypeError(
            "scoring must be the name of a scorer or a callable of (estimator, X, y). Got "
            f"{scoring!r}."
        )
    return StepScorer(check_scoring(scoring=scoring))  # which refuses mere metrics


class StepScorer:
    """A scorer that treats each step of a sequence as a sample.

    Parameters
    ----------
    scorer : callable
        ``scorer(estimator, X, y)`` for single targets.
    """

    def __init__(self, scorer):
        self.scorer = scorer

    def __call__(self, estimator, X, y, sample_weight=None, **params):
        sequences = Stacked(X, sequences_in(X)).sequences
        y, weights, kept = stack_known(y, sample_weight, sequences, "y", "X")
        if not _scores.of_each_output(weights):
            if weights is not None:
                params["sample_weight"] = weights
            return self.scorer(OfSteps(estimator, sequences, kept), X, y, **params)
        if is_classifier(estimator):
            raise ValueError(
                "sample_weight has a weight for each label, but a scorer of a classifier "
                "takes one weight for each sequence or step."
            )
        scores = []
        for k in np.flatnonzero(weights.any(axis=0)):
            known = weights[:, k] > 0
            of_output = OfSteps(estimator, sequences, (np.flatnonzero(kept)[known], k))
            params["sample_weight"] = weights[known, k]
            scores.append(self.scorer(of_output, X, y[known, k], **params))
        return float(np.mean(scores))

    def set_score_request(self, **requests):
        """Set which metadata the scorer requests, as in scikit-learn.

        Parameters
        ----------
        **requests : dict
            ``sample_weight=True``, for example.

        Returns
        -------
        self : StepScorer
        """
        self.scorer.set_score_request(**requests)
        return self

    def get_metadata_routing(self):
        """Which metadata the scorer wants.

        Returns
        -------
        routing : MetadataRequest
        """
        return self.scorer.get_metadata_routing()

    def __repr__(self):
        return f"make_step_scorer({self.scorer!r})"


class OfSteps:
    """An estimator whose predictions are stacked, one row per step, and a part of them."""

    def __init__(self, estimator, sequences, kept):
        self.estimator = estimator
        self.sequences = sequences
        self.kept = kept

    def __getattr__(self, name):
        attribute = getattr(self.estimator, name)
        if name not in RESPONSES:
            return attribute

        @wraps(attribute)
        def respond(X):
            stacked = stack_per_step(attribute(X), self.sequences, name)
            return narrowed(stacked)[self.kept]

        return respond


def shape_of(y_pred):
    """Lengths of the sequences of predictions, and their width if they are an array."""
    ragged = is_list(y_pred)
    if not len(y_pred) or (np.ndim(y_pred[0]) < 1 if ragged else np.ndim(y_pred) < 2):
        raise ValueError(
            "y_pred must hold one value per step: an array of shape (n_sequences, n_steps) "
            "or (n_sequences, n_steps, k), or a list of arrays, of at least one sequence. "
            f"Got {y_pred!r}."
        )
    if ragged:
        return Sequences(None, np.array([len(item) for item in y_pred]))
    y_pred = np.asarray(y_pred)
    values = y_pred.reshape(*y_pred.shape[:2], -1)
    return Sequences(None, unpadded_lengths(values), y_pred.shape[1])


def stack_known(y, sample_weight, sequences, name, of):
    """Targets and weights of the steps that have a weight, and which of all these are."""
    y = stack_per_step(y, sequences, name, of)
    weights = weights_of_steps(sample_weight, y, sequences, of)
    unknown = check_known(y, weights, sequences, name)
    if weights is None:
        return y, None, slice(None)
    if unknown.any() and positive(weights).any():
        y = with_known(y, unknown, weights)
    kept = positive(weights).any(axis=1)
    return y[kept], weights[kept], kept


def weights_of_steps(sample_weight, y, sequences, of):
    """Weights of the steps, or of their outputs, from those of sequences or of steps."""
    if sample_weight is None:
        return None
    if not runs_along_steps(sample_weight):
        check_same_number(sequences, sample_weight, "sample_weight", of)
        return np.repeat(np.asarray(sample_weight), sequences.lengths)
    weights = stack_per_step(sample_weight, sequences, "sample_weight", of)
    n_outputs = y.shape[1] if y.ndim == 2 else 1
    return of_outputs(weights, n_outputs, per_step=True) if weights.ndim == 2 else weights
