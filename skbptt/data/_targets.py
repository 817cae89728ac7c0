"""From what users give to stacked targets and stacked weights."""

import numpy as np
from sklearn.base import is_regressor
from sklearn.utils.validation import check_array, column_or_1d

from .._compat import _check_sample_weight
from .._warn import warn
from ._validation import as_array, is_list, missing


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
                f"With return_sequences=True, {name} must hold one value per step: an "
                f"array of shape (n_sequences, n_steps) or (n_sequences, n_steps, k), or "
                f"a list of arrays. Got {values.ndim} dimension(s)."
            )
    check_same_number(sequences, values, name, of)
    width = sequences.width
    if width is not None and all(len(value) == width for value in values):
        if name in ("y", "y_true"):
            warn_of_dropped(values, sequences, name, of)
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
        # Otherwise a missing value alone in its sequence would become the string "nan".
        values = [v.astype(object) if missing(v).any() else v for v in values]
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
            "y holds one array per sequence. For one target per step, set "
            "return_sequences=True."
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
        i, step = sequences.place_of(row)
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
    """Validate weights: one per sequence or, if ``per_step``, stacked with one per step.

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
