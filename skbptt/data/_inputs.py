"""From X as users give it to Sequences of numbers and codes."""

import numpy as np
from sklearn.utils.validation import check_array, validate_data

from ._categories import (
    MOST,
    categorical_mask,
    categories_of,
    check_dtypes,
    codes_of,
    is_category,
    tokens_in,
    tokens_of_rows,
)
from ._mistakes import (
    is_text,
    refuse_huge,
    refuse_multi_index,
    refuse_text,
    warn_of_layout,
)
from ._sequences import Sequences
from ._validation import (
    FLOATS,
    as_items,
    check_columns,
    check_finite,
    check_lengths,
    check_padding,
    check_same_kind,
    is_list,
    stack_items,
)


def check_sequences(estimator, X, *, reset, dtype=None):
    """Validate X, in any of its forms, for ``estimator``, and give it as Sequences.

    Categories are replaced by codes. Sets ``n_features_in_``, ``feature_names_in_``,
    ``is_categorical_``, ``categories_``, ``_univariate`` and ``_tokens`` if ``reset``, and
    compares with them otherwise. Without ``dtype`` it is that of the estimator's weights.
    """
    if dtype is None:
        dtype = FLOATS if reset else estimator._theta.dtype
    refuse_multi_index(X)
    if not may_hold_text(estimator, X, reset):
        refuse_text(X)  # before anything is said of dimensions
    tokens = tokens_in(X, lists=not reset and estimator._tokens)
    if reset:
        estimator._tokens = tokens is not None
    items = tokens if estimator._tokens and tokens is not None else as_items(X)
    univariate = items is None or items is tokens
    if estimator._tokens and items is None:
        items = tokens_of_rows(X)
    if reset:
        estimator._univariate = univariate
        estimator.is_categorical_ = mask_of(estimator, X, items)
    else:
        check_same_kind(estimator, univariate)
        if isinstance(estimator.categorical_features, str):  # from_dtype
            check_dtypes(
                dtypes_of(X, items), estimator.is_categorical_, names_of(estimator)
            )
    mixed = estimator.is_categorical_ is not None
    read = read_with_categories if mixed else read_numbers
    steps, lengths, width = read(estimator, X, items, reset, dtype)
    check_finite(steps, lengths)
    # Else NumPy would copy all steps to gather those of a batch.
    sequences = Sequences(np.ascontiguousarray(steps), lengths, width)
    refuse_huge(sequences)
    if reset and not univariate and not mixed:
        warn_of_layout(sequences)
    check_padding(estimator, sequences, reset=reset)
    return sequences


def may_hold_text(estimator, X, reset):
    """Whether there may be text among the features, which is categorical then."""
    first = X[0] if is_list(X) and len(X) else X
    if hasattr(first, "columns") and any(map(is_category, first.dtypes)):
        return True
    if not reset:
        return estimator.is_categorical_ is not None and not estimator._tokens
    given = estimator.categorical_features
    return given is not None and not isinstance(given, str)


def read_numbers(estimator, X, items, reset, dtype):
    """Steps, lengths and width of sequences of numbers."""
    refuse_text(X)
    if reset:
        estimator.categories_ = []
    # NaN and infinity are looked for at the end, where their place is known.
    options = {"dtype": dtype, "ensure_all_finite": False}
    if items is None:
        X = validate_data(estimator, X, reset=reset, **options)
        n, width = X.shape
        return X.reshape(-1, 1), np.full(n, width), width
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
    return steps, lengths, width


def read_with_categories(estimator, X, items, reset, dtype):
    """The same where some features are categorical: their columns hold codes."""
    columns, lengths, width, table = columns_of(X, items)
    validate_data(estimator, table, reset=reset, skip_check_array=True)
    names, mask = names_of(estimator), estimator.is_categorical_
    numeric, (coded,) = ~mask, np.nonzero(mask)
    if numeric.any():
        numbers = [(names[k], columns[k]) for k in np.flatnonzero(numeric)]
        numbers = numbers_of(numbers, dtype)
        dtype = numbers.dtype
    elif isinstance(dtype, tuple):
        # Ids of at most four bytes ask for no more precision than floats of four bytes.
        small = all(ids.dtype.kind in "iu" and ids.itemsize <= 4 for ids in columns)
        dtype = np.dtype(np.float32 if small else np.float64)
    if reset:
        estimator.categories_ = [categories_of(columns[k], names[k]) for k in coded]
    steps = np.empty((len(columns[0]), len(columns)), dtype)
    if numeric.any():
        steps[:, numeric] = numbers
    for k, categories in zip(coded, estimator.categories_):
        steps[:, k] = codes_of(columns[k], categories, names[k], MOST[steps.dtype])
    return steps, lengths, width


def columns_of(X, items):
    """Each feature of all steps, lengths and width, and a table that has the features."""
    if items is None:
        n, width = np.shape(X)
        return [np.asarray(X).reshape(-1)], np.full(n, width), width, X
    if np.ndim(items[0]) == 1:  # tokens
        ids = np.concatenate(items)
        return [ids], np.array([len(item) for item in items]), None, ids[:1, np.newaxis]
    if check_columns(items):
        lengths = np.array([len(item) for item in items])
        check_lengths(lengths)
        names = list(items[0].columns)
        if len(set(names)) < len(names):
            raise ValueError(f"The columns of X must have different names. Got {names}.")
        columns = [joined([np.asarray(item[name]) for item in items]) for name in names]
        return columns, lengths, None, items[0]
    steps, lengths, width = stack_items(items)
    return list(steps.T), lengths, width, steps[:1]


def joined(parts):
    """Arrays one after the other, in which numbers do not become strings."""
    if any(part.dtype.kind not in "biuf" for part in parts):
        parts = [part.astype(object) for part in parts]
    return np.concatenate(parts)


def dtypes_of(X, items):
    """The dtype of each feature in data frames, or None."""
    if items is None:
        return list(X.dtypes)[:1] if hasattr(X, "columns") else None
    framed = len(items) > 0 and hasattr(items[0], "columns")
    return list(items[0].dtypes) if framed else None


def names_of(estimator):
    """A name for each feature."""
    if estimator._univariate:
        return ["x0"]
    numbered = [f"x{k}" for k in range(estimator.n_features_in_)]
    return list(getattr(estimator, "feature_names_in_", numbered))


def mask_of(estimator, X, items):
    """Which features are categorical, as a mask, or None if there are none."""
    given, dtypes = estimator.categorical_features, dtypes_of(X, items)
    if estimator._tokens:
        return np.array([True])
    if given is None or (dtypes is None and isinstance(given, str)):
        return None
    if items is None:
        return categorical_mask(given, None, dtypes, 1)
    names = list(items[0].columns) if dtypes else None
    return categorical_mask(given, names, dtypes, np.shape(items[0])[1])


def numbers_of(columns, dtype):
    """Features, given as pairs of name and values, as one matrix of floats."""
    for name, values in columns:
        if values.dtype.kind in "OUS":
            text = next(filter(is_text, values.tolist()), None)
            if text is not None:
                raise ValueError(
                    f"Feature {name!r} of X contains text: could not convert string to "
                    f"float: {text!r}. List it in categorical_features, or give its "
                    "column the dtype 'category'."
                )
    matrix = np.column_stack([values for _, values in columns])
    return check_array(matrix, input_name="X", dtype=dtype, ensure_all_finite=False)


def encode_step(estimator, x, shape):
    """One step with categories as an array of numbers and codes of the given shape."""
    values = np.asarray(x, None if estimator._univariate else object)
    if values.shape != shape:
        raise ValueError(f"x must have the shape {shape}. Got {values.shape}.")
    if estimator._tokens and (values.dtype.kind not in "iu" or values.min() < 0):
        raise ValueError(f"x must be ids of tokens, integers of at least 0. Got {x!r}.")
    columns = values.reshape(-1, len(estimator.is_categorical_)).T
    encoded = np.empty(columns.shape, estimator._theta.dtype)
    categories = iter(estimator.categories_)
    for k, (coded, name) in enumerate(zip(estimator.is_categorical_, names_of(estimator))):
        if coded:
            most = MOST[encoded.dtype]
            encoded[k] = codes_of(columns[k], next(categories), name, most)
        else:
            encoded[k] = numbers_of([(name, columns[k])], encoded.dtype)[:, 0]
    return np.ascontiguousarray(encoded.T).reshape(shape)
