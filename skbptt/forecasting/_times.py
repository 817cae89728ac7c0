"""The index of pandas that says when the values of a series were."""

from contextlib import suppress

import numpy as np

from ..preprocessing._series import describe_disorder, holes_in, increases, times_of


def index_of(table, label):
    """The index of a pandas series or frame as times or numbers, or None."""
    index = times_of(table, label)
    if index is None:
        return None
    import pandas as pd

    if index.inferred_type in ("date", "datetime"):  # objects of Python
        return pd.DatetimeIndex(index)
    if index.dtype.kind in "iufmM" or isinstance(index, pd.PeriodIndex) or not len(index):
        return index
    raise ValueError(
        f"The index of {label} must contain times or numbers that can be continued. Got "
        f"{index.inferred_type}. Convert it with pandas.to_datetime(), or number the rows "
        "with reset_index(drop=True)."
    )


def check_times(index, label):
    """Refuse an index that does not increase, or has a hole."""
    if not increases(index):
        raise ValueError(describe_disorder(index, np.arange(len(index)), label))
    found = holes_in(index)
    if found.any():
        i = found.argmax()
        raise ValueError(
            f"The index of {label} has a hole between {index[i]!s} and {index[i + 1]!s}. "
            "Insert rows of NaN, with asfreq() or reindex(), for values that are missing. "
            "If the rows are one step apart nevertheless, number them, with "
            "reset_index(drop=True)."
        )


def joined(index, new, label):
    """An index and what comes next after it, with the frequency of the first."""
    if not len(new):
        return index
    whole = index.append(new)
    if whole.dtype == object:
        raise ValueError(
            f"The index of {label} must be of the kind met in fit, {index.dtype}. Got "
            f"{new.dtype}."
        )
    if index.dtype.kind in "mM":
        with suppress(ValueError):  # of times that have not this frequency
            whole.freq = index.freq
    check_times(whole, label)
    return whole


def regular(index):
    """An index of times with its frequency, if it has one."""
    import pandas as pd

    if isinstance(index, pd.DatetimeIndex) and index.freq is None and len(index) > 2:
        return pd.DatetimeIndex(index, freq="infer")
    return index


def tail(index):
    """The last times of an index, from which the next follow, or None without an index."""
    return None if index is None else regular(index)[-10:]


def following(index, n):
    """The n times after those of an index, or None of no index."""
    if index is None:
        return None
    import pandas as pd

    if isinstance(index, pd.PeriodIndex):
        return pd.period_range(index[-1] + 1, periods=n, freq=index.freq, name=index.name)
    if isinstance(index, pd.DatetimeIndex):
        freq = regular(index).freq
        if freq is None:
            raise ValueError(
                "The index of series has no frequency, so its next times are unknown. Set "
                "a frequency with asfreq(), convert the index to periods with to_period(), "
                "or number the rows with reset_index(drop=True)."
            )
        return pd.date_range(index[-1], periods=n + 1, freq=freq, name=index.name)[1:]
    before, last = index[-2:].tolist()
    steps = [last + k * (last - before) for k in range(1, n + 1)]
    return pd.Index(steps, name=index.name)
