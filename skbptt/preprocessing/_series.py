"""From the series that users pass to stretches of consecutive rows."""

from bisect import bisect_left
from dataclasses import dataclass
from numbers import Integral

import numpy as np

from ..data import check_columns, missing

# A hole is a step of more than this many times the smallest.
TOLERANCE = 1.5


@dataclass(frozen=True)
class Stretch:
    """Rows of a series that follow each other in time, without a hole."""

    values: np.ndarray  # (n_steps, n_columns)
    rows: np.ndarray  # which rows of the series they are
    name: str  # of the series, for errors


def stretches_of(series, groups, holes):
    """The stretches of one series or several, and the names of their columns or None."""
    several = as_series(series)
    if groups is not None:
        if len(several) > 1:
            raise ValueError(
                "groups is for one long table of several series. Got a list of "
                f"{len(several)} series, which needs none."
            )
        table, labels = split_labels(several[0], groups)
        several, members = [table], rows_by_label(labels)
    else:
        check_columns(several, "series")
    names = [list(getattr(one, "columns", ())) for one in several]
    stretches = []
    for i, one in enumerate(several):
        values = as_columns(one)
        name = f"series[{i}]" if len(several) > 1 else "series"
        times = times_of(one, name)
        if groups is None:
            parts = {name: np.arange(len(values))}
        else:
            parts = {f"group {label!r} of {name}": rows for label, rows in members.items()}
        for part, bounded in split_at_holes(times, parts, holes):
            stretches += [Stretch(values[rows], rows, part) for rows in bounded]
    widths = {one.values.shape[1] for one in stretches}
    if len(widths) > 1:
        raise ValueError(f"All series must have the same columns. Got {sorted(widths)}.")
    return stretches, names[0]


def as_series(series):
    """A list of series, from one or several."""
    table = isinstance(series, np.ndarray) and (series.dtype != object or series.ndim > 1)
    if table or hasattr(series, "columns"):
        return [series]
    if not hasattr(series, "__len__"):
        raise ValueError(f"series must be a series, or several in a list. Got {series!r}.")
    items = list(series)
    if not items:
        raise ValueError("series is empty: at least one is required.")
    if np.ndim(items[0]) > 0 or hasattr(items[0], "columns"):
        return items
    # A pandas.Series keeps its index.
    return [series if hasattr(series, "iloc") else np.asarray(items)]


def as_columns(one):
    """A series as an array of shape (n_steps, n_columns)."""
    values = np.asarray(one)
    if values.ndim == 1:
        values = values[:, np.newaxis]
    if values.ndim != 2:
        raise ValueError(
            "A series must have the shape (n_steps,) or (n_steps, n_columns). Got "
            f"{values.ndim} dimensions: several series are given as a list."
        )
    return values


def column_numbers(wanted, parameter, names, n_columns):
    """Numbers of the columns that a parameter names."""
    columns = []
    for name in [wanted] if isinstance(wanted, (str, Integral)) else list(wanted):
        if isinstance(name, str) and name in names:
            columns.append(names.index(name))
        elif isinstance(name, Integral) and -n_columns <= name < n_columns:
            columns.append(int(name) % n_columns)
        else:
            raise ValueError(
                f"{parameter} must name columns of the series, by number below {n_columns}"
                f"{f' or one of {names}' if names else ''}. Got {name!r}."
            )
    return np.array(columns, int)


# Long tables of several series.


def split_labels(table, groups, parameter="groups"):
    """A table without the column of labels, and the label of each row."""
    names = list(getattr(table, "columns", ()))
    if isinstance(groups, str):
        if groups not in names:
            raise ValueError(
                f"{parameter} must be one label for each row, or the name of a column of "
                f"the series{f', one of {names}' if names else ''}. Got {groups!r}."
            )
        rest = [name for name in names if name != groups]
        return table[rest], np.asarray(table[groups])
    labels = np.asarray(groups)
    if labels.shape != (len(table),):
        raise ValueError(
            f"{parameter} must be one label for each of the {len(table)} rows of the "
            f"series, or the name of a column. Got an array of shape {labels.shape}."
        )
    return table, labels


def rows_by_label(labels, parameter="groups"):
    """Label: its rows in their order. The labels come in the order they appear."""
    unknown = missing(labels)
    if unknown.any():
        raise ValueError(f"{parameter} has no label for row {unknown.argmax()}.")
    members: dict = {}
    for row, label in enumerate(labels.tolist()):
        members.setdefault(label, []).append(row)
    return {label: np.array(rows) for label, rows in members.items()}


# Time, by the index of pandas.


def times_of(one, name):
    """The index of a pandas series or frame, or None without an index."""
    if not hasattr(one, "iloc"):
        return None
    if getattr(one.index, "nlevels", 1) > 1:
        raise ValueError(
            f"The index of {name} has {one.index.nlevels} levels, but it must be the time "
            "alone. For a table of several series, make the labels of these a column, with "
            "reset_index(level=0), and name it, as groups or series_id."
        )
    return one.index


def split_at_holes(times, parts, holes):
    """Name and stretches of rows of each part, cut (or refused) where time has a hole."""
    if times is None:
        return [(name, [rows]) for name, rows in parts.items()]
    # An index of integers that increases over a table of several series numbers its rows:
    # rows of other series between two of one are no hole.
    numbered = len(parts) > 1 and times.dtype.kind in "iu" and increases(times)
    n_holes = np.cumsum(np.append(0, holes_in(times) if numbered else []))
    bounded = []
    for name, rows in parts.items():
        index = times if len(parts) == 1 else times[rows]
        if not increases(index):
            raise ValueError(describe_disorder(index, rows, name))
        found = np.diff(n_holes[rows]) > 0 if numbered else holes_in(index)
        if holes == "raise" and found.any():
            raise ValueError(describe_hole(index, found.argmax(), name))
        bounded.append((name, np.split(rows, np.flatnonzero(found) + 1)))
    return bounded


def increases(index):
    """Whether each entry is larger than the one before."""
    return index.is_unique and index.is_monotonic_increasing and not index.hasnans


def holes_in(index):
    """After which entries of an increasing index there is a hole."""
    regular = index.dtype.kind in "mM" and index.freq is not None
    times = numbers_of(index) if len(index) > 1 and not regular else None
    if times is None:
        return np.zeros(max(len(index) - 1, 0), bool)
    steps = np.diff(times).astype(float)
    return steps > TOLERANCE * steps.min()


def numbers_of(index):
    """An index as numbers or times that can be subtracted; None of labels."""
    if index.inferred_type in ("date", "datetime"):  # objects of Python
        index = index.astype("datetime64[us]")
    if index.inferred_type == "period":  # each is one step
        index = index.astype("int64")
    if index.dtype.kind == "M":
        days = index.tz_localize(None).to_numpy().astype("datetime64[D]")
        if index.tz is not None:
            index = index.tz_convert(None)
        if np.is_busday(days).all():  # weekends that never occur take no time
            weekends = (days - days[0]).astype(int) - np.busday_count(days[0], days)
            return index.to_numpy() - weekends * np.timedelta64(1, "D")
    return index.to_numpy() if index.dtype.kind in "iufmM" else None


def describe_disorder(index, rows, name):
    """The error of an index that does not increase."""
    ends = range(len(index) + 1)
    # Not by slices: those of pandas 2.1 inherit the order of the whole.
    i = bisect_left(ends, True, key=lambda end: not increases(index.take(range(end)))) - 1
    return (
        f"The index of {name} must increase, but row {rows[i]} is at {index[i]!s}"
        f"{f', after {index[i - 1]!s}' if i else ''}. Sort the rows by time, with "
        "sort_index(), and leave one row for each time. If they are in the order of time, "
        "number them, with reset_index(drop=True)."
    )


def describe_hole(index, i, name):
    """The error of a hole after entry ``i``."""
    return (
        f"The index of {name} has a hole between {index[i]!s} and {index[i + 1]!s}: this "
        f"step is more than {TOLERANCE} times the smallest. holes='split' cuts the series "
        "there. To fill it instead, insert rows of NaN, with asfreq() or reindex(), and "
        "use a SequenceImputer. If the rows are one step apart nevertheless, number them, "
        "with reset_index(drop=True)."
    )
