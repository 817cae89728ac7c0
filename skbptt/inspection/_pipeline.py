"""The estimators to look into, alone or as the last step of a pipeline."""

from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from ..estimators import BaseRNN, PointwiseRNN, RNNTranscriber, RNNTranslator

# The estimators that an inspection may be of, by their base.
STACKS = PointwiseRNN, RNNTranscriber
NAMES = {
    BaseRNN: "an RNNClassifier, RNNRegressor, RNNTranscriber or RNNTranslator",
    STACKS: "an RNNClassifier, RNNRegressor or RNNTranscriber",
    PointwiseRNN: "an RNNClassifier or RNNRegressor",
    RNNTranscriber: "an RNNTranscriber",
    RNNTranslator: "an RNNTranslator",
}


def last_step(estimator, base=BaseRNN):
    """The estimator itself or the last step of a pipeline, fitted and of the given base."""
    while isinstance(estimator, Pipeline):
        estimator = estimator[-1]
    if not isinstance(estimator, base):
        cure = ""
        if hasattr(estimator, "best_estimator_"):
            cure = " Pass its best_estimator_."
        elif hasattr(estimator, "regressor_"):
            cure = " Pass its regressor_, and y transformed."
        raise TypeError(
            f"estimator must be {NAMES[base]}, or a pipeline that ends with one. Got "
            f"{type(estimator).__name__}.{cure}"
        )
    check_is_fitted(estimator)
    return estimator


def steps_before(estimator):
    """What transforms X for the last step: pipelines, from the outermost."""
    before = []
    while isinstance(estimator, Pipeline):
        if len(estimator) > 1:
            before.append(estimator[:-1])
        estimator = estimator[-1]
    return before


def opened(estimator, X, base=BaseRNN):
    """The last step, as :func:`last_step` gives it, and X as the steps before give it."""
    last = last_step(estimator, base)
    for steps in steps_before(estimator):
        X = steps.transform(X)
    return last, X


def names_out(estimator):
    """Names of the features that the last step gets, or None if a step has no names."""
    names = None
    for steps in steps_before(estimator):
        try:
            names = steps.get_feature_names_out(names)
        except (AttributeError, ValueError):
            return None
    return None if names is None else list(names)
