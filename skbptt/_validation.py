"""From what users give to Sequences, stacked targets and stacked weights."""

from contextlib import contextmanager

import numpy as np
from scipy.sparse import issparse
from sklearn.base import is_regressor
from sklearn.utils.validation import check_array, column_or_1d, validate_data

from ._compat import _check_sample_weight
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


def check_sequences(estimator, X, *, reset, dtype=None):
    """Validate X, in any of its forms, for ``estimator``, and give it as Sequences.

    Sets ``n_features_in_``, ``feature_names_in_`` and ``_univariate`` if ``reset``, and
    compares with them otherwise. Without ``dtype`` it is that of the estimator's weights.
    """
    if dtype is None:
        dtype = FLOATS if reset else estimator._theta.dtype
    items = as_items(X)
    univariate = items is None
    if not reset:
        check_same_kind(estimator, univariate)
    if univariate:
        X = validate_data(estimator, X, reset=reset, dtype=dtype)
        n, width = X.shape
        steps, lengths = X.reshape(-1, 1), np.full(n, width)
    else:
        steps, lengths, width = stack_items(items)
        check_finite(steps, lengths)
        if hasattr(items[0], "columns"):
            check_columns(items)
            validate_data(estimator, items[0], reset=reset, skip_check_array=True)
            steps = check_array(steps, dtype=dtype, input_name="X", estimator=estimator)
        elif (
            reset
            or hasattr(estimator, "feature_names_in_")
            or steps.dtype != dtype
            or steps.shape[1] != estimator.n_features_in_
        ):  # else nothing is left to check, which halves the time of a small prediction
            steps = validate_data(estimator, steps, reset=reset, dtype=dtype)
    if reset:
        estimator._univariate = univariate
    # Else NumPy would copy all steps to gather those of a batch.
    return Sequences(np.ascontiguousarray(steps), lengths, width)


def check_same_kind(estimator, univariate):
    """Whether X is 2-D must be as it was in fit."""
    if univariate != estimator._univariate:
        kinds = (
            "3-D (or a list of sequences of shape (n_steps, n_features))",
            "2-D (n_sequences, n_steps)",
        )
        raise ValueError(
            f"X is {kinds[univariate]}, but in fit of this {type(estimator).__name__} it "
            f"was {kinds[not univariate]}."
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
    check_lengths(lengths)
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


def check_columns(frames, name="X"):
    """Data frames of one call must have the same columns, in the same order."""
    columns = list(frames[0].columns)
    for i, frame in enumerate(frames):
        if list(getattr(frame, "columns", ())) != columns:
            raise ValueError(
                "All data frames must have the same columns in the same order: "
                f"{name}[{i}] has {list(getattr(frame, 'columns', ()))}, but {name}[0] has "
                f"{columns}."
            )


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


def check_finite(steps, lengths):
    """Say which sequence holds a NaN or infinity, and where."""
    if steps.dtype.kind != "f":
        return
    # The sum is finite unless something is not, or overflows; it takes no memory.
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(steps.sum()) or np.isfinite(steps).all():
            return
    row, feature = np.argwhere(~np.isfinite(steps))[0]
    i, step = place_of(row, lengths)
    what = "NaN" if np.isnan(steps[row, feature]) else "infinity"
    raise ValueError(
        f"Input X contains {what}: X[{i}] at step {step}, feature {feature}. Values must "
        "be finite; only the end of the sequences of a 3-D array may be padded, with steps "
        "whose features are all NaN."
    )


def place_of(row, lengths):
    """The sequence that a stacked step belongs to, and its number there."""
    ends = np.cumsum(lengths)
    i = np.searchsorted(ends, row, side="right")
    return i, row - (ends[i] - lengths[i])


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
        values = [value[:n] for value, n in zip(values, sequences.lengths)]
    values = [as_array(value) for value in values]
    for i, (value, n) in enumerate(zip(values, sequences.lengths)):
        if value.ndim not in (1, 2) or value.ndim != values[0].ndim:
            raise ValueError(
                f"{name}[{i}] has {value.ndim} dimensions. All must have 1, or all 2: one "
                "value, or row of values, for each step, as with return_sequences=True."
            )
        if len(value) != n:
            raise ValueError(f"{name}[{i}] has {len(value)} steps, but {of}[{i}] has {n}.")
    if any(value.dtype.kind == "U" for value in values):
        # Else what is missing in a sequence of its own would become the string "nan".
        values = [v.astype(object) if missing(v).any() else v for v in values]
    try:
        return np.concatenate(values)
    except ValueError as error:
        raise ValueError(f"The items of {name} differ in shape: {error}") from error


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


def check_targets(estimator, y, sample_weight, sequences, per_step):
    """Validate targets and their weights.

    Returns
    -------
    y : ndarray of shape (n,) or (n, k)
        With n sequences, or if ``per_step`` n steps, stacked. A target that is missing at
        weight 0 is replaced by one that is not, and so is any real target at weight 0.
    weights : ndarray of shape (n,) or (n, k)
    """
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
    values = as_array(y)
    if values.ndim not in (1, 2):  # which is refused below
        values = np.zeros(len(sequences))
    elif not per_step:
        check_same_number(sequences, values, "y")
    n_outputs = values.shape[1] if values.ndim == 2 else 1
    weights = check_weights(sample_weight, sequences, per_step, n_outputs)
    regression = is_regressor(estimator)
    unknown = check_known(values, weights, sequences if per_step else None, "y")
    if regression:
        unknown = np.broadcast_to(~positive(weights), unknown.shape)
    if unknown.any():
        y = with_known(values, unknown, weights)
    y = check_array(
        y,
        ensure_2d=False,
        dtype=sequences.steps.dtype if regression else None,
        input_name="y",
        estimator=estimator,
    )
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0] if per_step else column_or_1d(y, warn=True)
    return y, weights


def positive(weights):
    """Where there is a weight, in a shape that broadcasts to (n, n_outputs)."""
    return weights.reshape(len(weights), -1) > 0


def check_known(y, weights, sequences, name):
    """Where targets are missing, of shape (n, n_outputs); an error unless at weight 0.

    ``weights`` are None where there are none, ``sequences`` where a target is not a step's.
    """
    unknown = missing(y).reshape(len(y), -1)
    wrong = unknown if weights is None else unknown & positive(weights)
    if not wrong.any():
        return unknown
    row, output = np.argwhere(wrong)[0]
    value = y.reshape(len(y), -1)[row, output]
    place = f"{name}[{row}]"
    if sequences is not None:
        i, step = place_of(row, sequences.lengths)
        place = f"{name}[{i}] at step {step}"
    if y.ndim == 2:
        place += f", output {output}"
    raise ValueError(
        f"Input {name} contains {'NaN' if isinstance(value, float) else value}: {place}. "
        "A weight of 0 in sample_weight leaves out a target that is not known."
    )


def with_known(y, unknown, weights):
    """Targets of which the ``unknown`` ones are replaced by one of positive weight."""
    known = np.broadcast_to(positive(weights), unknown.shape).reshape(y.shape)
    y, values = y.copy(), y[known]
    y[unknown.reshape(y.shape)] = values[0]
    return narrowed(y)


def narrowed(values):
    """Values that were objects, for the sake of what was missing, as they are."""
    return np.array(values.tolist()) if values.dtype == object else values


def check_weights(sample_weight, sequences, per_step, n_outputs):
    """Validate weights: one a sequence, or stacked one a step if ``per_step``.

    Or several, for the outputs of each.
    """
    dtype = sequences.steps.dtype
    weights = sample_weight
    along = per_step and weights is not None and runs_along_steps(weights)
    if along:
        weights = stack_per_step(weights, sequences, "sample_weight")
    if np.asarray(weights).ndim > 1:
        weights = check_array(
            weights, dtype=dtype, ensure_2d=False, allow_nd=True, input_name="sample_weight"
        )
        if not along:
            check_same_number(sequences, weights, "sample_weight")
        weights = of_outputs(weights, n_outputs, per_step)
    else:
        like = weights if along else sequences.lengths
        weights = _check_sample_weight(weights, like, dtype=dtype)
        if per_step and not along:
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


def of_outputs(weights, n_outputs, per_step):
    """Weights of outputs, in one dimension where there is one output."""
    if weights.shape[1:] != (n_outputs,):
        steps, each = (", n_steps", "step") if per_step else ("", "sequence")
        shapes = ["(n_sequences,)"]
        shapes += [f"(n_sequences{steps})"] if per_step else []
        shapes += [f"(n_sequences{steps}, {n_outputs})"]
        ragged = f", or lists of arrays (n_steps,) or (n_steps, {n_outputs})"
        raise ValueError(
            f"sample_weight holds an array of shape {weights.shape[1:]} for each {each}, "
            f"but y has {n_outputs} output(s). Allowed are the shapes "
            f"{' and '.join(shapes)}{ragged if per_step else ''}."
        )
    return weights[:, 0] if n_outputs == 1 else weights
