"""Covariates: numbers and categories that are known ahead, one row for each time step."""

import numpy as np

from ..data import check_columns
from ..data._categories import categorical_mask, categories_of, codes_of
from ..preprocessing._series import as_columns, rows_by_label, split_labels
from ._inputs import first_of, moments
from ._panel import reals
from ._times import index_of

# Codes are numbers of float64.
MOST = 2**53


class Covariates:
    """How covariates become numbers, learned in ``fit``.

    Parameters
    ----------
    parts : list of tables
        One for each series, with a row for each time step.
    categorical_features : "from_dtype", array-like or None

    Attributes
    ----------
    mask : ndarray of shape (n_covariates,)
        Which are categorical. The others are standardised.
    """

    def __init__(self, parts, categorical_features):
        check_columns(parts, "X")
        self.names = list(getattr(parts[0], "columns", ())) or None
        self.n = as_columns(parts[0]).shape[1]
        dtypes = None if self.names is None else list(parts[0].dtypes)
        mask = categorical_mask(categorical_features, self.names, dtypes, self.n)
        self.mask = np.zeros(self.n, bool) if mask is None else mask
        self.categories, self.scales = {}, {}
        for j in range(self.n):
            values = np.concatenate([self.column(part, j) for part in parts])
            if self.mask[j]:
                self.categories[j] = categories_of(values, self.name(j))
            else:
                self.scales[j] = location_and_scale(self.numbers(values, j))

    def name(self, j):
        return self.names[j] if self.names else f"x{j}"

    def column(self, part, j):
        """A column of a table."""
        if hasattr(part, "columns"):
            return np.asarray(
                part.iloc[:, j] if hasattr(part, "iloc") else part[part.columns[j]]
            )
        return as_columns(part)[:, j]

    def encode(self, part):
        """A table as numbers of shape (n_steps, n_covariates), with codes of categories."""
        names = list(getattr(part, "columns", ())) or None
        width = as_columns(part).shape[1]
        if width != self.n or (self.names and names and names != self.names):
            raise ValueError(
                f"X must have the covariates of fit, {self.names or self.n}. Got "
                f"{names or width}."
            )
        rows = np.empty((len(part), self.n))
        for j in range(self.n):
            values = self.column(part, j)
            if self.mask[j]:
                rows[:, j] = codes_of(values, self.categories[j], self.name(j), MOST)
            else:
                m, s = self.scales[j]
                rows[:, j] = (self.numbers(values, j) - m) / s
        return rows

    def numbers(self, values, j):
        """The values of a covariate that is not categorical."""
        label = f"Covariate {self.name(j)!r} of X"
        values = reals(values, label, "real numbers, or be categorical")
        if np.isnan(values).any():
            raise ValueError(f"{label} has missing values: all must be known.")
        return values


def location_and_scale(values):
    """Mean and standard deviation of values, or their size if they are constant."""
    size = np.abs(values).max(initial=0.0)
    m, s = moments(values)
    return m, first_of(size, s, size)


def parts_of(X, panel, series_id):
    """The rows of X that belong to the time steps of each series, as tables.

    Parameters
    ----------
    X : table, or list, dict or long data frame of tables
        One for each series, or one for all of them.
    panel : Panel
    series_id : str or None
    """
    if panel.form == "long" and series_id in getattr(X, "columns", ()):
        table, labels = split_labels(X, series_id, "series_id")
        rows = rows_by_label(labels, "series_id")
        missing = [name for name in panel.names if name not in rows]
        if missing:
            raise ValueError(f"X has no rows of the series {missing[0]!r}.")
        items = [table.iloc[rows[name]] for name in panel.names]
    elif isinstance(X, dict):
        missing = [name for name in panel.names if name not in X]
        if missing:
            raise ValueError(f"X has no covariates of the series {missing[0]!r}.")
        items = [X[name] for name in panel.names]
    elif panel.form == "list" and isinstance(X, (list, tuple)):
        if len(X) != len(panel.series):
            raise ValueError(
                f"X must be a list of {len(panel.series)} tables, one for each series. Got "
                f"{len(X)}."
            )
        items = list(X)
    else:
        items = [X] * len(panel.series)
    return [rows_of(*pair) for pair in zip(items, panel.series)]


def rows_of(table, one):
    """The rows of a table at the times of a series; all of them, if one has no times."""
    n = len(one.values)
    index = None if one.index is None else one.index[len(one.index) - n :]
    if hasattr(table, "to_frame") and not hasattr(table, "columns"):
        table = table.to_frame()
    if np.ndim(table) not in (1, 2):
        raise ValueError(
            f"X must be a table, of shape (n_steps, n_covariates), for {one.label}. Got "
            f"{type(table).__name__} of {np.ndim(table)} dimensions."
        )
    if index is not None and hasattr(table, "iloc"):
        times = index_of(table, "X")
        if not times.is_unique:
            raise ValueError(f"X has several rows at {times[times.duplicated()][0]!s}.")
        places = times.get_indexer(index)
        if (places < 0).any():
            raise ValueError(
                f"X has no covariates of {one.label} at {index[places.argmin()]!s}."
            )
        return table.iloc[places]
    table = table if hasattr(table, "columns") else as_columns(table)
    if len(table) == one.start + n:
        return table[one.start :]
    if len(table) != n:
        raise ValueError(
            f"X must have a row for each of the {n} time steps of {one.label}. Got "
            f"{len(table)}."
        )
    return table
