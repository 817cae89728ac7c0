"""From what users call series to arrays, and from arrays to what users call forecasts."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..data import is_list, missing
from ..data._validation import ndim_of
from ..preprocessing._series import as_columns, rows_by_label, split_labels
from ._times import check_times, following, index_of, joined, tail

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
    start : int
        Rows of a table before the first.
    """

    name: Any
    values: np.ndarray
    index: Any
    label: str
    start: int = 0


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
        """The series with their names and last times."""
        nothing = np.empty(0)
        return self._with(
            [
                replace(one, values=nothing, index=tail(one.index), start=0)
                for one in self.series
            ]
        )

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
            return {
                name: framed(array, index, labels, name) for name, array, index in triples
            }
        if form == "table":
            if indices[0] is None:
                return self._side_by_side(arrays)
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

    def _side_by_side(self, arrays):
        """A table of arrays that end together, with NaN where one has not begun."""
        n = max(one.start + len(array) for one, array in zip(self.series, arrays))
        table = np.full((n, len(arrays), *arrays[0].shape[1:]), np.nan)
        for i, array in enumerate(arrays):
            table[n - len(array) :, i] = array
        return table


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
    return replace(one, values=new.values, index=joined(one.index, new.index, new.label))


def panel_of(series, series_id, first=True):
    """A Panel from series in any form; in those that are not the ``first``, NaN stays."""
    panel = read_form(series, series_id, first)
    if first and not panel.series:
        raise ValueError("series is empty: at least one is required.")
    for one in panel.series:
        if first and np.isnan(one.values).all():
            raise ValueError(f"{one.label} has no value: at least one is required.")
    return panel


def read_form(series, series_id, first):
    if series_id is not None:
        return from_long(series, series_id)
    if isinstance(series, dict):
        return several("dict", list(series), list(series.values()))
    if hasattr(series, "columns") or (isinstance(series, np.ndarray) and series.ndim == 2):
        return from_table(series, first)
    if is_list(series) and any(map(ndim_of, series)):
        return several("list", range(len(series)), series)
    if np.ndim(series) != 1:
        raise ValueError(f"{FORMS} Got {type(series).__name__}.")
    return Panel([checked(series, getattr(series, "name", None), "series")], "one")


def several(form, names, items):
    pairs = zip(names, items)
    return Panel([checked(one, name, f"series[{name!r}]") for name, one in pairs], form)


def from_table(table, first):
    """Each column is a series; what is not known before a first value is not part of it."""
    names = list(getattr(table, "columns", range(as_columns(table).shape[1])))
    if len(set(names)) < len(names):
        raise ValueError(f"The columns of series must have different names. Got {names}.")
    if len(names) == 1:
        return Panel([checked(table, names[0], "series")], "one")
    columns = reals(as_columns(table), "series").T
    index = index_of(table, "series")
    parts = []
    for name, values in zip(names, columns):
        start = np.isnan(values).argmin() if first else 0
        times = None if index is None else index[start:]
        one = with_index(values[start:], times, name, f"series[{name!r}]")
        parts.append(replace(one, start=start))
    return Panel(parts, "table")


def from_long(table, series_id):
    """The series of a long data frame."""
    if not hasattr(table, "iloc") or not hasattr(table, "columns"):
        raise ValueError(
            f"series_id={series_id!r} needs series as one pandas DataFrame. Got "
            f"{type(table)!r}."
        )
    values, labels = split_labels(table, series_id, "series_id")
    if values.shape[1] != 1:
        raise ValueError(
            "A long frame of series must have two columns, labels and values, with the "
            f"time as its index. Got {list(table.columns)}."
        )
    column = values.columns[0]
    parts = []
    for name, rows in rows_by_label(labels, "series_id").items():
        parts.append(checked(values.iloc[rows], name, f"series {name!r}"))
    return Panel(parts, "long", (series_id, column))


def checked(one, name, label):
    """A Series, whose values are numbers and whose times follow each other."""
    values = as_columns(one)
    if values.shape[1] != 1:
        raise ValueError(f"{label} must have one column. Got {values.shape[1]}.")
    return with_index(reals(values[:, 0], label), index_of(one, label), name, label)


def with_index(values, index, name, label):
    if index is not None:
        check_times(index, label)
    return Series(name, values, index, label)


def reals(values, label, what="real numbers"):
    """Real numbers as float64, with NaN where they are missing."""
    if values.dtype.kind not in "biufO":
        raise ValueError(f"{label} must hold {what}. Got {values.dtype}.")
    try:
        values = np.where(missing(values), np.nan, values).astype(float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{label} must hold {what}. {error}") from error
    if np.isinf(values).any():
        raise ValueError(f"{label} contains infinity. Values must be finite or NaN.")
    return values
