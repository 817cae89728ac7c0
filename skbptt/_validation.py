"""From what users give to Sequences, stacked targets and stacked weights."""

from contextlib import contextmanager

import numpy as np
from scipy.sparse import issparse
from sklearn.base import is_regressor
from sklearn.utils.validation import check_array, column_or_1d, validate_data

from ._compat import _check_sample_weight
from ._mistakes import (
    refuse_huge,
    refuse_multi_index,
    refuse_none,
    refuse_text,
    warn_of_layout,
)
from ._sequences import Sequences
from ._warn import warn

FLOATS = (np.float64, np.float32)


@contextmanager
def unchanged_on_error(estimator):
    """Give an estimator the attributes back that it had, if a call on it fails.

    It holds as long as no attribute is changed in place.
    """
    before = dict(vars(estimator))
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise


def check_sequences(estimator, X, *, reset, dtype=None):
    """Validate X, in any of its forms, for ``estimator``, and give it as Sequences.

    Sets ``n_features_in_``, ``feature_names_in_`` and ``_univariate`` if ``reset``, and
    compares with them otherwise. Without ``dtype`` it is that of the estimator's weights.
    """
    if dtype is None:
        dtype = FLOATS if reset else estimator._theta.dtype
    refuse_text(X)
    refuse_multi_index(X)
    items = as_items(X)
    univariate = items is None
    if not reset:
        check_same_kind(estimator, univariate)
    # NaN and infinity are looked for at the end, where their place is known.
    options = {"dtype": dtype, "ensure_all_finite": False}
    if univariate:
        X = validate_data(estimator, X, reset=reset, **options)
        n, width = X.shape
        steps, lengths = X.reshape(-1, 1), np.full(n, width)
    else:
        steps, lengths, width = stack_items(items)
        if check_columns(items):
            validate_data(estimator, items[0], reset=reset, skip_check_array=True)
            steps = check_array(steps, input_name="X", estimator=estimator, **options)
        elif (
            reset
            or hasattr(estimator, "feature_names_in_")
            or steps.dtype != dtype
            or steps.shape[1] != estimator.n_features_in_
        ):  # else nothing is left to check, which halves the time of a small prediction
            steps = validate_data(estimator, steps, reset=reset, **options)
    check_finite(steps, lengths)
    if reset:
        estimator._univariate = univariate
    # Else NumPy would copy all steps to gather those of a batch.
    sequences = Sequences(np.ascontiguousarray(steps), lengths, width)
    refuse_huge(sequences)
    if reset and not univariate:
        warn_of_layout(sequences)
    check_padding(estimator, sequences, reset=reset)
    return sequences


def check_padding(estimator, sequences, *, reset):
    """Warn of padding in a 3-D array where fit had no reason to expect any.

    Trailing steps of a 3-D array that are all NaN are padding, whatever the user meant. If
    all sequences met in fit were equally long and none was padded, these may as well be
    values that are missing. ``fit`` stores which it was in ``_equally_long``.
    """
    width, lengths = sequences.width, sequences.lengths
    if reset:
        # One sequence in a list says nothing of the lengths of others.
        known = width is not None or len(lengths) > 1
        equal = lengths.min() == lengths.max()
        estimator._equally_long = bool(known and equal and not sequences.padded)
    # An estimator stored by an earlier version does not have it.
    elif sequences.padded and getattr(estimator, "_equally_long", False):
        i = (lengths < width).argmax()
        n_others = np.count_nonzero(lengths < width) - 1
        warn(
            f"The last {width - lengths[i]} steps of X[{i}] are all NaN"
            f"{f', and so are those of {n_others} more sequences' if n_others else ''}. "
            f"They are read as padding, X[{i}] as a sequence of {lengths[i]} steps, but "
            "all sequences in fit were equally long. If these are missing values, pass "
            "list(X) to a skbptt.preprocessing.SequenceImputer. If the sequences are "
            "shorter, pass them as a list without the padding.",
            UserWarning,
        )


def check_same_kind(estimator, univariate):
    """Whether X is 2-D must be as it was in fit."""
    if univariate != estimator._univariate:
        kinds = (
            "3-D (or a list of sequences of shape (n_steps, n_features))",
            "2-D (n_sequences, n_steps)",
        )
        cure = "Pass sequences of one feature as X[:, :, 0]."
        if univariate:
            one = "x" if estimator.n_features_in_ > 1 else "x.reshape(-1, 1)"
            cure = f"Pass a single sequence x as [{one}]."
        raise ValueError(
            f"X is {kinds[univariate]}, but in fit of this {type(estimator).__name__} it "
            f"was {kinds[not univariate]}. {cure}"
        )


def as_items(X):
    """A 3-D array or a list of 2-D ones if X holds sequences; None if X is 2-D."""
    if not is_list(X):
        ndim = getattr(X, "ndim", 2)
        if ndim > 3:
            raise ValueError(
                f"X has {ndim} dimensions. Allowed are 3, (n_sequences, n_steps, "
                "n_features), and 2, (n_sequences, n_steps)."
            )
        return np.asarray(X) if ndim == 3 else None
    items = list(X)
    if not items:
        raise ValueError("X is empty: at least one sequence is required.")
    if any(map(issparse, items)):
        raise TypeError("Sparse data was passed in X, but dense sequences are required.")
    ndims = {ndim_of(item) for item in items}
    if ndims == {2}:
        return items
    if ndims <= {0} or (ndims == {1} and len({len(item) for item in items}) == 1):
        return None
    raise ValueError(
        "X is a list, so each item must be a sequence of shape (n_steps, n_features). Got "
        f"items of {' and '.join(map(str, sorted(ndims)))} dimensions. Univariate "
        "sequences of unequal length are given as x.reshape(-1, 1)."
    )


def is_list(X):
    """Whether X is a list, a tuple or a one-dimensional array of objects."""
    return isinstance(X, (list, tuple)) or (
        getattr(X, "ndim", None) == 1 and getattr(X, "dtype", None) == np.dtype(object)
    )


def ndim_of(item):
    """Number of dimensions, also of a nested list whose rows differ in length."""
    try:
        return np.ndim(item)
    except ValueError:
        return 1 + ndim_of(item[0])


def stack_items(items):
    """Stack a 3-D array or a list of 2-D ones: steps, lengths, and width if dense."""
    if isinstance(items, np.ndarray):
        if items.dtype == object:
            items = as_numbers(items)
        n, width, n_features = items.shape
        if n == 0:
            raise ValueError("X is empty: at least one sequence is required.")
        lengths = unpadded_lengths(items)
        if n_features and (lengths == width).all():
            return items.reshape(-1, n_features), lengths, width
        return items[np.arange(width) < lengths[:, None]], lengths, width
    items = [as_matrix(item, i) for i, item in enumerate(items)]
    lengths = np.array([len(item) for item in items])
    check_lengths(lengths)
    for i, item in enumerate(items):
        if item.shape[1] != items[0].shape[1]:
            raise ValueError(
                f"All sequences must have the same features: X[{i}] has "
                f"{item.shape[1]}, but X[0] has {items[0].shape[1]}."
            )
    # In one order, so that what is computed of it does not depend on the order it had.
    return np.ascontiguousarray(np.concatenate(items)), lengths, None


def unpadded_lengths(items):
    """Lengths of the sequences of a 3-D array, without the steps that are all NaN."""
    n, width, n_features = items.shape
    check_lengths(np.full(n, width))
    valid = np.ones((n, width), bool)
    if items.dtype.kind in "fO" and n_features and missing(items[..., 0]).any():
        valid = ~missing(items).all(axis=2)
    # The last valid step ends a sequence: NaN before it is no padding.
    lengths = np.where(valid.any(axis=1), width - valid[:, ::-1].argmax(axis=1), 0)
    if not lengths.all():
        raise ValueError(
            f"X[{lengths.argmin()}] is empty: all of its steps are NaN, which is padding "
            "at the end of a sequence of a 3-D array. If these are missing values, pass "
            "list(X) to a skbptt.preprocessing.SequenceImputer."
        )
    return lengths


def missing(values):
    """Where there is NaN, or None among objects."""
    nan = values != values  # which nothing else is, also among labels
    return nan | (values == None) if values.dtype == object else nan  # noqa: E711


def as_numbers(items):
    """An array of objects as one of float, if they are numbers."""
    try:
        return items.astype(np.float64)
    except (TypeError, ValueError):
        return items  # to be refused, or transformed


def check_columns(items, name="X"):
    """Whether the items are data frames: all or none, with the same columns in order."""
    if isinstance(items, np.ndarray) and items.ndim > 1:
        return False
    framed = [hasattr(item, "columns") for item in items]
    if not any(framed):
        return False
    columns = [list(getattr(item, "columns", ())) for item in items]
    for i, of_item in enumerate(columns):
        if of_item != columns[0]:
            mixed = "" if all(framed) else " Data frames and arrays cannot be mixed."
            raise ValueError(
                "All data frames must have the same columns in the same order: "
                f"{name}[{i}] has {of_item}, but {name}[0] has {columns[0]}.{mixed}"
            )
    return True


def as_matrix(item, i):
    try:
        return np.asarray(item)
    except ValueError as error:
        raise ValueError(f"X[{i}] is not a matrix of numbers: {error}") from error


def check_lengths(lengths):
    if not lengths.all():
        raise ValueError(
            f"X[{lengths.argmin()}] is empty: a sequence must have at least one step."
        )


def check_finite(steps, lengths, *, allow_nan=False):
    """Say which sequence holds a NaN or infinity, and where."""
    if steps.dtype.kind != "f":
        return
    # The sum is finite unless something is not, or overflows; it takes no memory.
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(steps.sum()):
            return
    bad = np.isinf(steps) if allow_nan else ~np.isfinite(steps)
    if not bad.any():
        return
    row, feature = np.argwhere(bad)[0]
    ends = np.cumsum(lengths)
    i = np.searchsorted(ends, row, side="right")
    place = f"X[{i}] at step {row - (ends[i] - lengths[i])}, feature {feature}"
    if np.isinf(steps[row, feature]):
        raise ValueError(f"Input X contains infinity: {place}. Values must be finite.")
    raise ValueError(
        f"Input X contains NaN: {place}. Values must be finite; only the end of the "
        "sequences of a 3-D array may be padded, with steps whose features are all NaN. "
        "skbptt.preprocessing.SequenceImputer fills missing values."
    )


def stack_per_step(values, sequences, name, of="X"):
    """Stack one value, or row of values, a step: y or weights that run along X.

    Parameters
    ----------
    values : ndarray of shape (n, n_steps) or (n, n_steps, k), or list of (length, ...)
        Dense values are cut to the lengths of the sequences.
    sequences : Sequences
    name, of : str
        What to call the values, and the sequences, in errors.

    Returns
    -------
    ndarray of shape (sum of lengths,) or (sum of lengths, k)
    """
    if not is_list(values):
        values = np.asarray(values)
        if values.ndim not in (2, 3):
            raise ValueError(
                f"With return_sequences=True, {name} must hold one value a step: an "
                f"array of shape (n_sequences, n_steps) or (n_sequences, n_steps, k), or "
                f"a list of arrays. Got {values.ndim} dimension(s)."
            )
    check_same_number(sequences, values, name, of)
    width = sequences.width
    if width is not None and all(len(value) == width for value in values):
        if name in ("y", "y_true"):
            warn_of_dropped(values, sequences, name, of)
        values = [value[:n] for value, n in zip(values, sequences.lengths)]
    values = [np.asarray(value) for value in values]
    for i, (value, n) in enumerate(zip(values, sequences.lengths)):
        if value.ndim not in (1, 2) or value.ndim != values[0].ndim:
            raise ValueError(
                f"{name}[{i}] has {value.ndim} dimensions. All must have 1, or all 2: one "
                "value, or row of values, for each step, as with return_sequences=True."
            )
        if len(value) != n:
            raise ValueError(f"{name}[{i}] has {len(value)} steps, but {of}[{i}] has {n}.")
    try:
        return np.concatenate(values)
    except ValueError as error:
        raise ValueError(f"The items of {name} differ in shape: {error}") from error


def warn_of_dropped(y, sequences, name, of):
    """Warn of finite targets at steps that are padding, which are left out.

    Only of floats: what cannot be NaN has to hold something there.
    """
    for i in np.flatnonzero(sequences.lengths < sequences.width):
        rest = np.asarray(y[i])[sequences.lengths[i] :]
        if rest.dtype.kind == "f" and np.isfinite(rest).any():
            warn(
                f"{name}[{i}] has finite values in its last {len(rest)} steps, where all "
                f"features of {of}[{i}] are NaN. These steps are read as padding, and "
                "their targets are left out. If the features are missing values, pass "
                "list(X) to a skbptt.preprocessing.SequenceImputer. If the sequence is "
                f"shorter, set {name} to NaN there.",
                UserWarning,
            )
            return


def runs_along_steps(values):
    """Whether the items of ``values`` are arrays themselves."""
    if is_list(values):
        return any(np.ndim(value) > 0 for value in values)
    return getattr(values, "ndim", 1) > 1


def check_same_number(sequences, values, name, of="X"):
    if len(sequences) != len(values):
        raise ValueError(
            f"Found input variables with inconsistent numbers of samples: {of} has "
            f"{len(sequences)} sequences, {name} has {len(values)}."
        )


def check_targets(estimator, y, sequences, per_step):
    """Validate y: (n,) or (n, k), or stacked (n_steps,) or (n_steps, k) if per step."""
    if y is None:
        raise ValueError(
            f"This {type(estimator).__name__} estimator requires y to be passed, but the "
            "target y is None."
        )
    if per_step:
        y = stack_per_step(y, sequences, "y")
    elif getattr(y, "ndim", 1) > 2 or (is_list(y) and len(set(map(np.shape, y))) > 1):
        raise ValueError(
            "y holds an array a sequence. For one target a step, set return_sequences=True."
        )
    refuse_none(y, sequences, per_step)
    y = check_array(
        y,
        ensure_2d=False,
        dtype=sequences.steps.dtype if is_regressor(estimator) else None,
        input_name="y",
        estimator=estimator,
    )
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0] if per_step else column_or_1d(y, warn=True)
    if not per_step:
        check_same_number(sequences, y, "y")
    return y


def check_weights(sample_weight, sequences, per_step):
    """Validate weights: one a sequence, or stacked one a step if ``per_step``."""
    dtype = sequences.steps.dtype
    if per_step and sample_weight is not None and runs_along_steps(sample_weight):
        weights = stack_per_step(sample_weight, sequences, "sample_weight")
        weights = _check_sample_weight(weights, weights, dtype=dtype)
    else:
        weights = _check_sample_weight(sample_weight, sequences.lengths, dtype=dtype)
        if per_step:
            weights = np.repeat(weights, sequences.lengths)
    if (weights < 0).any():
        raise ValueError(
            f"Negative values in sample_weight: the least is {weights.min()}, and they "
            "must be zero or more."
        )
    if not weights.any():
        raise ValueError("sample_weight is zero for every sequence: one must be positive.")
    with np.errstate(over="ignore"):
        total = weights.sum(dtype=np.float64)
    if not np.isfinite(total):
        raise ValueError(
            f"The sum of sample_weight must be finite. The largest is {weights.max()}."
        )
    return weights
