"""From what users call series to arrays, and from arrays to what users call forecasts."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..preprocessing._series import (
    as_columns,
    describe_disorder,
    holes_in,
    increases,
    rows_by_label,
    split_labels,
    times_of,
)

FORMS = (
    "series must be one series, a table with a column for each series, a list or dict of "
    "series, or with series_id a long data frame."
)


@dataclass
class Series:
    """One series.

    Attributes
    ----------
    name : object
        A column, key, label, or position.
    values : ndarray of shape (n_steps,)
        NaN where they are not known.
    index : pandas.Index or None
    label : str
        What errors call it.
    """

    name: Any
    values: np.ndarray
    index: Any
    label: str


@dataclass
class Panel:
    """Several series, and the form that they were given in.

    Attributes
    ----------
    series : list of Series
    form : {"one", "table", "list", "dict", "long"}
    columns : tuple
        Of a long frame, the names of the labels and of the values.
    """

    series: list
    form: str
    columns: tuple = ()

    @property
    def names(self):
        return [one.name for one in self.series]

    @property
    def indices(self):
        return [one.index for one in self.series]

    @property
    def lengths(self):
        return [len(one.values) for one in self.series]

    def without_values(self):
        """The series with their names and times."""
        nothing = np.empty(0)
        return self._with([replace(one, values=nothing) for one in self.series])

    def ahead(self, n):
        """The next n time steps, of values that are not known."""
        nothing = np.full(n, np.nan)
        return self._with(
            [
                replace(one, values=nothing, index=following(one.index, n))
                for one in self.series
            ]
        )

    def part(self, here):
        """A slice of the time steps of each series."""
        return self._with(
            [
                replace(
                    one,
                    values=one.values[here],
                    index=None if one.index is None else one.index[here],
                )
                for one in self.series
            ]
        )

    def _with(self, series):
        return replace(self, series=series)

    def next_panel(self, series, series_id):
        """What came after the series of this Panel, which need not be all of them.

        The index of its series is that of the whole.
        """
        new = panel_of(series, series_id, first=False)
        if new.form != self.form or (
            new.form in ("one", "list", "table") and len(new.series) != len(self.series)
        ):
            raise ValueError(
                f"series must have the form met in fit, {self.form!r} of "
                f"{len(self.series)} series. Got {new.form!r} of {len(new.series)}."
            )
        if self.form == "one":
            return self._with([after(self.series[0], new.series[0])])
        by_name = {one.name: one for one in new.series}
        unknown = [name for name in by_name if name not in self.names]
        if unknown:
            raise ValueError(f"series holds {unknown[0]!r}, which was not there in fit.")
        return self._with([after(one, by_name.get(one.name)) for one in self.series])

    def give(self, arrays, indices, labels=None):
        """Results in the form of the series.

        Parameters
        ----------
        arrays : list of ndarrays of shape (n_steps,) or (n_steps, n_labels)
            One for each series.
        indices : list of pandas.Index or None
            Their times.
        labels : list, default=None
            Names of the columns.
        """
        form = self.form
        if form == "one":
            return framed(arrays[0], indices[0], labels, self.names[0])
        if form == "list":
            pairs = zip(arrays, indices, self.names)
            return [framed(array, index, labels, None) for array, index, _ in pairs]
        if form == "dict":
            triples = zip(self.names, arrays, indices)
            return {name: framed(*of_one, labels, name) for name, *of_one in triples}
        if form == "table":
            if indices[0] is None:
                return np.stack(arrays, axis=1)
            import pandas as pd

            parts = [framed(*of_one, labels, None) for of_one in zip(arrays, indices)]
            return pd.concat(parts, axis=1, keys=self.names)
        import pandas as pd

        by, value = self.columns
        parts = []
        for name, array, index in zip(self.names, arrays, indices):
            part = framed(array, index, labels or [value], None)
            part = part if hasattr(part, "columns") else part.to_frame(value)
            part.insert(0, by, name)
            parts.append(part)
        return pd.concat(parts)


def framed(array, index, labels, name):
    """An array, or a Series or DataFrame with that index."""
    if index is None:
        return array
    import pandas as pd

    if array.ndim == 1:
        return pd.Series(array, index, name=name)
    return pd.DataFrame(array, index, columns=labels)


def after(one, new):
    """The Series ``new``, checked to come next after ``one``; without values if None."""
    if new is None:
        return replace(one, values=np.empty(0))
    if (one.index is None) != (new.index is None):
        have = "no index" if one.index is None else "an index"
        raise ValueError(f"{new.label} must have {have} of pandas, as in fit.")
    if one.index is None:
        return replace(one, values=new.values)
    index = one.index.append(new.index)
    check_times(index, new.label)
    return replace(one, values=new.values, index=index)


def panel_of(series, series_id, first=True):
    """A Panel from series in any form; in those that are not the ``first``, NaN stays."""
    panel = read_form(series, series_id, first)
    for one in panel.series:
        if first and (not len(one.values) or np.isnan(one.values).all()):
            raise ValueError(f"{one.label} has no value: at least one is required.")
    return panel


def read_form(series, series_id, first):
    if series_id is not None:
        return from_long(series, series_id)
    if isinstance(series, dict):
        return several("dict", list(series), list(series.values()))
    if hasattr(series, "columns") or (isinstance(series, np.ndarray) and series.ndim == 2):
        return from_table(series, first)
    if hasattr(series, "iloc") or not isinstance(series, (list, tuple)):
        if not np.ndim(series) == 1:
            raise ValueError(f"{FORMS} Got {type(series).__name__}.")
        return Panel([checked(series, getattr(series, "name", None), "series")], "one")
    if not len(series):
        raise ValueError("series is empty: at least one is required.")
    if np.ndim(series[0]) == 0:
        return Panel([checked(np.asarray(series), None, "series")], "one")
    return several("list", range(len(series)), series)


def several(form, names, items):
    if not items:
        raise ValueError("series is empty: at least one is required.")
    pairs = zip(names, items)
    return Panel([checked(one, name, f"series[{name!r}]") for name, one in pairs], form)


def from_table(table, first):
    """Each column is a series; what is not known before a first value is not part of it."""
    names = list(getattr(table, "columns", range(as_columns(table).shape[1])))
    if len(names) == 1:
        return Panel([checked(table, names[0], "series")], "one")
    columns = numbers(table, "series").T
    index = times_of(table, "series")
    parts = []
    for name, values in zip(names, columns):
        start = np.isnan(values).argmin() if first else 0
        times = None if index is None else index[start:]
        parts.append(with_index(values[start:], times, name, f"series[{name!r}]"))
    return Panel(parts, "table")


def from_long(table, series_id):
    """The series of a long data frame."""
    if not hasattr(table, "iloc") or not hasattr(table, "columns"):
        raise ValueError(
            f"series_id={series_id!r} needs series as one pandas DataFrame. Got "
            f"{type(table).__name__}."
        )
    values, labels = split_labels(table, series_id)
    if values.shape[1] != 1:
        raise ValueError(
            "A long frame of series must have two columns, labels and values, with the "
            f"time as its index. Got {list(table.columns)}."
        )
    column = values.columns[0]
    parts = []
    for name, rows in rows_by_label(labels).items():
        parts.append(checked(values.iloc[rows], name, f"series {name!r}"))
    return Panel(parts, "long", (series_id, column))


def checked(one, name, label):
    """A Series, whose values are numbers and whose times follow each other."""
    values = numbers(one, label)
    if values.shape[1] != 1:
        raise ValueError(f"{label} must have one column. Got {values.shape[1]}.")
    return with_index(values[:, 0], times_of(one, label), name, label)


def with_index(values, index, name, label):
    if index is not None:
        check_times(index, label)
    return Series(name, values, index, label)


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
            "If the rows are one step apart all the same, number them, with "
            "reset_index(drop=True)."
        )


def numbers(table, label):
    """Real numbers of shape (n_steps, n_columns), with NaN where they are missing."""
    try:
        values = as_columns(table).astype(float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{label} must hold real numbers. {error}") from error
    if np.isinf(values).any():
        raise ValueError(f"{label} contains infinity. Values must be finite or NaN.")
    return values


def following(index, n):
    """The n times after those of an index, or None of no index."""
    if index is None:
        return None
    import pandas as pd

    last, ahead = index[-1], np.arange(1, n + 1)
    if isinstance(index, pd.PeriodIndex):
        return pd.PeriodIndex(
            [last + int(k) for k in ahead], freq=index.freq, name=index.name
        )
    if isinstance(index, pd.DatetimeIndex):
        freq = index.freq
        if freq is None and len(index) > 2:
            freq = pd.DatetimeIndex(index, freq="infer").freq
        if freq is None and (index.dayofweek < 5).all():
            freq = "B"
        if freq is None:
            raise ValueError(
                "The next times cannot be told from the index of series, which has no "
                "frequency: give it one with asfreq(), or number the rows with "
                "reset_index(drop=True)."
            )
        return pd.date_range(last, periods=n + 1, freq=freq, name=index.name)[1:]
    if index.dtype.kind in "iuf":
        step = index[-1] - index[-2] if len(index) > 1 else 1
        return pd.Index(last + ahead * step, name=index.name)
    return pd.RangeIndex(1, n + 1, name=index.name)
