"""The output to explain: what is predicted, or what the user chooses."""

from numbers import Integral

import numpy as np
from sklearn.base import is_classifier

from ..estimators import PointwiseRNN


def of_output(estimator, sequences, target=None, along_path=False):
    """Sequences, and the derivative of the output to explain by the raw outputs.

    Parameters
    ----------
    estimator : BaseRNN
        A fitted estimator.
    sequences : Sequences
    target : label, int or tuple of two ints, default=None
        As in :func:`saliency`.
    along_path : bool, default=False
        Whether the steps will be others than those of ``sequences``, whose predictions
        count all the same.

    Returns
    -------
    sequences : Sequences
    d_raw_of : callable
        ``d_raw_of(raw, batch)``, for a batch of the sequences.
    """
    if not isinstance(estimator, PointwiseRNN):
        if target is not None:
            raise ValueError(
                "target is for an RNNClassifier or RNNRegressor. For an "
                f"{type(estimator).__name__}, give the labels to explain as y of saliency. "
                f"Got target={target!r}."
            )
        sequences = sequences.with_targets(estimator._labels_for(None, sequences))
        return sequences, lambda raw, batch: -estimator._loss.gradient(raw, batch.targets)
    if not is_classifier(estimator):
        share = share_of_outputs(estimator, target)
        slope = estimator._loss.prediction_slope
        return sequences, lambda raw, batch: slope(raw, share)
    if target is not None:
        chosen = toward_class(estimator, target)
        return sequences, lambda raw, batch: np.tile(chosen, (len(raw), 1))
    if not along_path:
        return sequences, lambda raw, batch: toward_prediction(estimator, raw)
    signs = toward_prediction(estimator, estimator._raw_of(sequences))
    per_step = estimator._network.per_step
    return sequences, lambda raw, batch: signs[batch.rows if per_step else batch.order]


def toward_prediction(estimator, raw):
    """Derivative of a classifier's output for what is predicted by the raw outputs."""
    if raw.shape[1] == 1 or estimator._n_columns is not None:
        return np.where(raw > 0, 1, -1).astype(raw.dtype)
    return np.eye(raw.shape[1], dtype=raw.dtype)[raw.argmax(axis=1)]


def toward_class(estimator, target):
    """Derivative of the output for a class, or a column of indicators."""
    n, dtype = estimator.n_outputs_, estimator._theta.dtype
    if estimator._n_columns is not None:
        return np.eye(n, dtype=dtype)[index_of(target, n, "a column of y")]
    index = class_of(estimator, target)
    return np.array([2 * index - 1], dtype) if n == 1 else np.eye(n, dtype=dtype)[index]


def class_of(estimator, target):
    """The position of a label in ``classes_``."""
    if np.ndim(target):
        raise TypeError(f"target must be one of the classes. Got {target!r}.")
    classes = estimator.classes_.tolist()
    if target not in classes:
        raise ValueError(f"target must be one of the classes {classes}. Got {target!r}.")
    return classes.index(target)


def share_of_outputs(estimator, target):
    """What each prediction of a regressor is multiplied by before they are added."""
    n, quantiles = estimator._n_columns or 1, estimator._quantiles
    shape = (n,) if quantiles is None else (n, len(quantiles))
    if target is None:
        return np.ones(shape)
    share = np.zeros(shape)
    if quantiles is None:
        where = index_of(target, n, "a column of y")
    elif estimator._n_columns is None:
        where = 0, index_of(target, len(quantiles), "a quantile")
    elif not isinstance(target, tuple) or len(target) != 2:
        raise TypeError(
            "target must be a tuple of the indices of a column of y and of a quantile. Got "
            f"{target!r}."
        )
    else:
        column, quantile = target
        where = (
            index_of(column, n, "a column of y"),
            index_of(quantile, len(quantiles), "a quantile"),
        )
    share[where] = 1
    return share


def index_of(target, n, what):
    """A target that is an index, checked."""
    if not isinstance(target, Integral) or isinstance(target, (bool, np.bool_)):
        raise TypeError(f"target must be the index of {what}, an int. Got {target!r}.")
    if not 0 <= int(target) < n:
        raise ValueError(
            f"target must be the index of {what}, from 0 to {n - 1}. Got {target!r}."
        )
    return int(target)
