"""Categorical features: which they are, and the codes of their categories."""

from numbers import Integral

import numpy as np

from ._validation import as_items, is_list, missing

# Codes are stored together with numbers, and larger integers are not exact in that
# precision.
MOST = {np.dtype(np.float32): 2**24, np.dtype(np.float64): 2**53}


def tokens_in(X, lists=False):
    """The sequences of X if they hold ids of tokens: 1-D arrays of integers; else None.

    Lists of Python integers are sequences of tokens if they differ in length, or if
    ``lists``: others of equal length are rows of numbers.
    """
    if not is_list(X) or not len(X) or getattr(X[0], "ndim", 1) > 1:
        return None
    if all_tokens(X):
        return list(X)
    lists = lists or len({len(item) for item in X if isinstance(item, (list, tuple))}) > 1
    items, n_tokens = [], 0
    for item in X:
        array = item
        if isinstance(item, (list, tuple)):
            if not all(isinstance(value, Integral) for value in item):
                return None
            array = np.array(item, dtype=np.int64) if lists else item
        kind = getattr(getattr(array, "dtype", None), "kind", None)
        n_tokens += kind in ("i", "u") and array.ndim == 1
        items.append(array)
    if not n_tokens:
        return None
    for i, item in enumerate(items):
        check_tokens(item, i)
    return [np.asarray(item) for item in items]


def all_tokens(items):
    """Whether all items are what :func:`check_tokens` allows, without a look at each."""
    return (
        all(isinstance(item, np.ndarray) and item.ndim == 1 for item in items)
        and all(item.dtype.kind in "iu" and len(item) for item in items)
        and np.concatenate(items).min() >= 0
    )


def sequences_in(X):
    """Sequences of tokens, or else what :func:`as_items` finds in X."""
    tokens = tokens_in(X)
    return as_items(X) if tokens is None else tokens


def check_tokens(item, i):
    """Refuse what is no sequence of ids among others that are."""
    shape, dtype = np.shape(item), getattr(item, "dtype", None)
    if len(shape) != 1 or (shape[0] and getattr(dtype, "kind", "") not in ("i", "u")):
        what = f"{dtype or type(item).__name__} of shape {shape}"
        raise ValueError(
            f"X holds sequences of tokens, 1-D arrays of integers, but X[{i}] is {what}. "
            "All sequences of X must be of one kind."
        )
    if not shape[0]:
        raise ValueError(
            f"X[{i}] is empty: a sequence must have at least one step. "
            "skbptt.preprocessing.TokenEncoder gives an empty text one unknown token."
        )
    if item.min() < 0:
        raise ValueError(
            f"X[{i}] holds the id {item.min()}. The ids of tokens must be integers of at "
            "least 0."
        )


def tokens_of_rows(X):
    """The rows of a 2-D X as sequences of tokens."""
    rows = np.asarray(X)
    if rows.ndim != 2 or rows.dtype.kind not in "iu":
        raise ValueError(
            "X must hold ids of tokens, which are integers, as in fit. Got "
            f"{rows.dtype} of shape {rows.shape}."
        )
    return tokens_in(list(rows))


def categorical_mask(given, names, dtypes, n_features):
    """Which features are categorical, as a mask, or None if there are none.

    Parameters
    ----------
    given : "from_dtype", array-like or None
        The parameter ``categorical_features``.
    names : list of str or None
        Of the features, where these are columns of a data frame.
    dtypes : list or None
        Of the columns of a data frame.
    n_features : int
    """
    mask = np.zeros(n_features, bool)
    if isinstance(given, str):
        if given != "from_dtype":
            raise refused(given, "a feature alone is given as a list")
        if dtypes is not None:
            mask[:] = [is_category(dtype) for dtype in dtypes]
    elif given is not None:
        chosen = np.atleast_1d(np.asarray(given))
        if chosen.dtype.kind == "b":
            if chosen.shape != (n_features,):
                raise refused(given, f"a mask must have the shape ({n_features},)")
            mask[:] = chosen
        elif chosen.dtype.kind in "iu":
            if ((chosen < 0) | (chosen >= n_features)).any():
                raise refused(given, f"indices must be from 0 to {n_features - 1}")
            mask[chosen] = True
        elif chosen.dtype.kind not in "OU" and chosen.size:
            raise refused(given, "indices are integers")
        elif chosen.size:
            if names is None:
                raise refused(given, "names need X to be a data frame, or a list of them")
            unknown = [name for name in chosen.tolist() if name not in names]
            if unknown:
                raise refused(given, f"X has no feature {unknown[0]!r}, but {names}")
            mask[[names.index(name) for name in chosen.tolist()]] = True
    return mask if mask.any() else None


def refused(given, why):
    return ValueError(
        "categorical_features must be 'from_dtype', None, a mask, indices or names of "
        f"features: {why}. Got {given!r}."
    )


def is_category(dtype):
    """Whether the dtype of a column is that of categories, in pandas or polars."""
    return str(dtype).partition("(")[0] in ("category", "Categorical", "Enum")


def check_dtypes(dtypes, mask, names):
    """Refuse columns of data frames that are categorical in fit or now, and not both."""
    mask = np.zeros(len(names), bool) if mask is None else mask
    for name, dtype, before in zip(names, dtypes or (), mask):
        if is_category(dtype) != before:
            kinds = f"no dtype of categories, but {dtype}", f"the dtype {dtype}"
            was = "categorical" if before else "numeric"
            raise ValueError(
                f"Feature {name!r} of X was {was} in fit, and now has "
                f"{kinds[is_category(dtype)]}. Convert the column, or name the features "
                "in categorical_features."
            )


def categories_of(values, name):
    """The different values, sorted; at the end NaN if some are missing."""
    gone = missing(values)
    known = values[~gone]
    if values.dtype.kind not in "biuf":
        known = np.array(known.tolist(), dtype=object)
    try:
        known = np.unique(known)
    except TypeError as error:
        kinds = sorted({type(value).__name__ for value in known})
        raise TypeError(
            f"Categories must be all strings or all numbers. Feature {name!r} of X has "
            f"values of the types {kinds}."
        ) from error
    return np.append(known, np.nan) if gone.any() else known


def codes_of(values, categories, name, most):
    """Position of each value among the categories; -1 where it is not there."""
    if len(categories) > most:
        raise ValueError(
            f"Feature {name!r} of X has {len(categories)} categories. At most {most} can "
            "be distinguished in the precision of the numbers of X."
        )
    gone = missing(values)
    with_missing = bool(missing(categories[-1:]).any())
    known = categories[: len(categories) - with_missing]
    codes = np.full(len(values), -1)
    codes[gone] = len(known) if with_missing else -1
    there = values[~gone]
    if len(known) and len(there):
        text = [array.dtype.kind not in "biuf" for array in (known, there)]
        if isinstance(there[0], str) != isinstance(known[0], str):
            raise ValueError(
                f"Feature {name!r} of X holds {type(there[0]).__name__}, such as "
                f"{there[0]!r}, but in fit it held {type(known[0]).__name__}."
            )
        if any(text):
            place = {value: k for k, value in enumerate(known.tolist())}
            codes[~gone] = [place.get(value, -1) for value in there.tolist()]
        else:
            place = np.searchsorted(known, there).clip(max=len(known) - 1)
            codes[~gone] = np.where(known[place] == there, place, -1)
    return codes
