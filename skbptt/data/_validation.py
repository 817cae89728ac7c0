"""From what users give to Sequences."""

from contextlib import contextmanager

import numpy as np
from scipy.sparse import issparse

from .._warn import warn
from ._sequences import Sequences

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
        tokens = getattr(estimator, "_tokens", False)
        kinds = (
            "3-D (or a list of sequences of shape (n_steps, n_features))",
            "a list of sequences of tokens" if tokens else "2-D (n_sequences, n_steps)",
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
    """Where there is NaN, or None or the NA of pandas among objects."""
    if values.dtype != object:
        return values != values
    return np.frompyfunc(is_missing, 1, 1)(values).astype(bool)


def is_missing(value):
    """Whether a value is missing."""
    try:
        return value is None or bool(value != value)
    except TypeError:  # of NA, which is neither equal to itself nor not
        return True
    except ValueError:  # of an array
        return False


def as_array(values):
    """An array, in which what is missing among strings is not the string "nan"."""
    array = np.asarray(values)
    if array.dtype.kind == "U" and not isinstance(values, np.ndarray):
        objects = np.array(values, dtype=object)
        return objects if missing(objects).any() else array
    return array


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
    i, step = Sequences(steps, lengths).place_of(row)
    place = f"X[{i}] at step {step}, feature {feature}"
    if np.isinf(steps[row, feature]):
        raise ValueError(f"Input X contains infinity: {place}. Values must be finite.")
    raise ValueError(
        f"Input X contains NaN: {place}. Values must be finite; only the end of the "
        "sequences of a 3-D array may be padded, with steps whose features are all NaN. "
        "skbptt.preprocessing.SequenceImputer fills missing values."
    )
