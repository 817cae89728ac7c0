"""Metrics of scikit-learn, with a weight for each output as well."""

from functools import partial

import numpy as np
from sklearn.metrics import accuracy_score, d2_pinball_score, f1_score, r2_score


def accuracy(y_true, y_pred, sample_weight=None):
    """Share of the targets that are right.

    With a weight for each label, a target is right if all its labels of positive weight
    are, and counts with the mean of its weights.
    """
    if not of_each_output(sample_weight):
        return accuracy_score(y_true, y_pred, sample_weight=sample_weight)
    right = ((y_true == y_pred) | (sample_weight == 0)).all(axis=1)
    return np.average(right, weights=sample_weight.mean(axis=1))


def r2(y_true, y_pred, sample_weight=None):
    """R^2, averaged over the outputs."""
    return by_output(r2_score, y_true, y_pred, sample_weight)


def d2_quantiles(y_true, y_pred, quantiles, sample_weight=None):
    """D^2 of the pinball loss, averaged over the outputs and over the quantiles."""
    scores = [
        by_output(
            partial(d2_pinball_score, alpha=quantile), y_true, y_pred[..., j], sample_weight
        )
        for j, quantile in enumerate(quantiles)
    ]
    return np.mean(scores)


def by_output(
    metric, y_true, y_pred, sample_weight, multioutput="uniform_average", **options
):
    """A metric of regression, for each output with its own weights, averaged over them.

    An output without any weight is left out; among "raw_values" it is NaN.
    """
    if not of_each_output(sample_weight):
        return metric(
            y_true, y_pred, sample_weight=sample_weight, multioutput=multioutput, **options
        )
    scores = of_columns(metric, y_true, y_pred, sample_weight, **options)
    if isinstance(multioutput, str):
        if multioutput == "raw_values":
            return scores
        if multioutput != "uniform_average":
            raise ValueError(
                "multioutput must be 'raw_values', 'uniform_average' or array-like where "
                f"sample_weight has a weight for each output. Got {multioutput!r}."
            )
        multioutput = np.ones(len(scores))
    return averaged(scores, np.asarray(multioutput))


def f1(y_true, y_pred, sample_weight, average, **options):
    """The F1 score, for each label with its own weights, averaged as asked."""
    if not of_each_output(sample_weight):
        return f1_score(
            y_true, y_pred, sample_weight=sample_weight, average=average, **options
        )
    if average == "micro":
        flat = y_true.ravel(), y_pred.ravel()
        return f1_score(*flat, sample_weight=sample_weight.ravel(), **options)
    scores = of_columns(f1_score, y_true, y_pred, sample_weight, **options)
    if average is None:
        return scores
    if average not in ("macro", "weighted"):
        raise ValueError(
            "average must be None, 'micro', 'macro' or 'weighted' where sample_weight has "
            f"a weight for each output. Got {average!r}."
        )
    support = (sample_weight * y_true).sum(axis=0)
    return averaged(scores, support if average == "weighted" else np.ones(len(scores)))


def of_each_output(sample_weight):
    """Whether there is a weight for each output."""
    return sample_weight is not None and sample_weight.ndim == 2


def of_columns(metric, y_true, y_pred, sample_weight, **options):
    """The metric of each output; NaN where it has no weight."""
    columns = zip(y_true.T, y_pred.T, sample_weight.T)
    return np.array(
        [
            metric(y, p, sample_weight=w, **options) if w.any() else np.nan
            for y, p, w in columns
        ]
    )


def averaged(scores, weights):
    """Average of the scores that there are."""
    there = ~np.isnan(scores)
    return float(np.average(scores[there], weights=weights[there]))
