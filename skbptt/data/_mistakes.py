"""Frequent mistakes in X and y, each with its cure."""

import numpy as np

from .._warn import warn

# Features from which a single step looks like a whole sequence.
MANY = 5
# Steps and features that look like channels and steps.
FEW_STEPS, LONG = 9, 24
# Sequences that are looked at, and how many of them it takes.
MOST, LEAST = 1000, 10
# How unlike neighbours are along time at most, and along channels at least. On real data
# with channels first it is up to 0.57 and from 0.86. In the right order the features give
# 0.73 or more, but for spectra, whose steps are alike (0.26 or less).
ORDERED, UNORDERED = 0.6, 0.75


def refuse_text(X):
    """Refuse X whose first sequence holds text that is no number."""
    if getattr(getattr(X, "dtype", None), "kind", "O") not in "OUS":
        return
    table = hasattr(X, "columns") or getattr(X, "ndim", 1) > 1
    try:
        first = np.asarray(X[:1] if table else next(iter(X), None))
    except (TypeError, ValueError):
        return  # to be refused for its shape
    cure = (
        "Features of text are categorical: list them in categorical_features, or give the "
        "columns of data frames the dtype 'category'."
        if first.ndim - table > 1
        else "Turn texts into sequences of tokens first, as in "
        "make_pipeline(skbptt.preprocessing.TokenEncoder(), estimator)."
    )
    for value in first.ravel().tolist() if first.dtype.kind in "OUS" else ():
        if is_text(value):
            raise ValueError(
                f"X contains text: could not convert string to float: {value!r}. {cure}"
            )


def is_text(value):
    """Whether a value is a string that is no number."""
    if not isinstance(value, (str, bytes)):
        return False
    try:
        float(value)
    except ValueError:
        return True
    return False


def refuse_multi_index(X):
    """Refuse a data frame with a MultiIndex: it would be read as univariate sequences."""
    if not hasattr(X, "columns"):
        return
    for axis, cure in (
        (
            "index",
            "a list of sequences: if the first level numbers them, "
            "[x for _, x in X.groupby(level=0)]",
        ),
        (
            "columns",
            "a 3-D array: if the first level names features and the second steps, "
            "np.stack([X[name] for name in X.columns.unique(0)], axis=2)",
        ),
    ):
        if getattr(getattr(X, axis, None), "nlevels", 1) > 1:
            raise ValueError(
                f"X is a data frame with a MultiIndex as its {axis}. A data frame is read "
                "as univariate sequences, one in each row, with a step in each column. "
                f"Pass {cure}."
            )


def refuse_huge(sequences):
    """Refuse values so large that their squares overflow."""
    steps = sequences.steps
    bound = np.sqrt(np.finfo(steps.dtype).max)
    if max(steps.max(initial=0), -steps.min(initial=0)) < bound:
        return
    row, feature = np.argwhere(np.abs(steps) >= bound)[0]
    i, step = sequences.place_of(row)
    raise ValueError(
        f"X is too large: X[{i}] at step {step}, feature {feature}, is "
        f"{steps[row, feature]:.3g}. Values must be below {bound:.2g} in magnitude, or "
        f"their products overflow in {steps.dtype}. Scale X; if such values stand for "
        "missing ones, impute them."
    )


def warn_of_layout(sequences):
    """Warn where the shape of X looks like another order of its axes."""
    lengths, n_features = sequences.lengths, sequences.steps.shape[1]
    n_steps = lengths[0]
    if (lengths != n_steps).any():
        return
    cure = "skbptt.preprocessing.from_channels_first(X)"
    if n_steps == 1 and n_features >= MANY:
        warn(
            f"Every sequence of X has 1 step and {n_features} features, which leaves "
            "nothing to a recurrent network. X must have the shape (n_sequences, n_steps, "
            f"n_features). If these are {n_features} steps of one feature, pass {cure}.",
            UserWarning,
        )
    elif 1 < n_steps <= FEW_STEPS and n_features >= LONG and channels_first(sequences):
        warn(
            f"Every sequence of X has {n_steps} steps and {n_features} features that vary "
            "like a time series. X must have the shape (n_sequences, n_steps, "
            f"n_features). If these are {n_features} steps of {n_steps} features, pass "
            f"{cure}.",
            UserWarning,
        )


def channels_first(sequences):
    """Whether features of sequences of one length look like time, and steps do not.

    Values next to each other in time are alike. Along the features this is seen by von
    Neumann's ratio: the mean squared difference of neighbours by that of any two values of
    a step. It is 1 where the order means nothing, and near 0 for smooth curves. Few steps
    do not suffice for that: there it is the correlation of neighbours over all sequences.

    von Neumann, J. (1941). Distribution of the ratio of the mean square successive
    difference to the variance. Annals of Mathematical Statistics 12(4).
    """
    n, n_steps = len(sequences), sequences.lengths[0]
    if n < LEAST:
        return False
    some = np.arange(0, n, -(-n // MOST))
    values = sequences.steps[sequences.rows_of(some)].astype(np.float64)
    with np.errstate(over="ignore"):
        scale = values.std(axis=0)
    varied = (scale > 0) & np.isfinite(scale)
    if np.count_nonzero(varied) < LONG:
        return False
    values = (values[:, varied] - values[:, varied].mean(axis=0)) / scale[varied]
    values = values.reshape(len(some), n_steps, -1)
    of_any = values.var(axis=2, ddof=1).mean()
    return unlike(values, axis=2) < ORDERED * of_any and unlike(values, axis=1) > UNORDERED


def unlike(values, axis):
    """Half the mean squared difference of neighbours; of unit variables 1 - correlation."""
    return (np.diff(values, axis=axis) ** 2).mean() / 2
