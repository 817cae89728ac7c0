"""Windows of a time series, for forecasts."""

from numbers import Integral

import numpy as np

from .._validation import check_columns


def make_windows(series, *, window, horizon=1, stride=1, target=None):
    """Cut series into windows and what follows them, so that a forecast is a regression.

    Window i holds the ``window`` steps from i * ``stride`` on. Its target stands
    ``horizon`` steps after its last step, so nothing that is to be predicted is in X, and
    no window reaches from one series into another. To forecast what is not yet known,
    predict from the last ``window`` steps.

    Parameters
    ----------
    series : array-like of shape (n_steps,) or (n_steps, n_columns), data frame, or list \
            of them
        One series, or several. A list of numbers is one series.
    window : int
        Steps of a window.
    horizon : int or sequence of int, default=1
        Steps ahead, 1 for the next.
    stride : int, default=1
        Steps from one window to the next.
    target : int, str or list of them, default=None
        Columns to predict, by number, or by name in data frames; all if None. The others
        are exogenous: they are in X only.

    Returns
    -------
    X : ndarray of shape (n_windows, window, n_columns)
    y : ndarray of shape (n_windows,) or (n_windows, n_horizons * n_targets)
        One-dimensional for one horizon, as an int, and one target. Else all targets at
        the first horizon, then all at the second, ...

    Raises
    ------
    ValueError
        If window, horizon or stride are not positive integers, if a column does not exist,
        or if all series are too short for one window and its target.

    See Also
    --------
    sklearn.model_selection.TimeSeriesSplit : Cross-validation in the order of time. At a
        stride of 1, ``gap=horizon - 1`` makes sure that every target trained on is known
        at the end of the first test window, and ``gap=window + horizon - 1`` that training
        and test have no step in common.

    Examples
    --------
    >>> import numpy as np
    >>> from skbptt.preprocessing import make_windows
    >>> X, y = make_windows(np.arange(6), window=3, horizon=2)
    >>> X[..., 0]
    array([[0, 1, 2],
           [1, 2, 3]])
    >>> y
    array([4, 5])
    """
    horizons = np.atleast_1d(horizon)
    whole = horizons.ndim == 1 and len(horizons) and horizons.dtype.kind in "iu"
    if not whole or (horizons < 1).any():
        raise ValueError(
            f"horizon must be a positive integer, or several. Got {horizon!r}."
        )
    for name, value in [("window", window), ("stride", stride)]:
        if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
            raise ValueError(f"{name} must be a positive integer. Got {value!r}.")

    several = as_series(series)
    check_columns(several, "series")
    parts = []
    for one in several:
        values = as_columns(one)
        columns = target_columns(one, values.shape[1], target)
        starts = np.arange(0, len(values) - window - horizons.max() + 1, stride)
        ahead = starts[:, np.newaxis] + window - 1 + horizons
        parts.append(
            (
                values[starts[:, np.newaxis] + np.arange(window)],
                values[ahead][..., columns].reshape(
                    len(starts), ahead.shape[1] * len(columns)
                ),
            )
        )
    widths = {x.shape[2] for x, _ in parts}
    if len(widths) > 1:
        raise ValueError(f"All series must have the same columns. Got {sorted(widths)}.")
    X, y = (np.concatenate(arrays) for arrays in zip(*parts))
    if not len(X):
        raise ValueError(
            f"No series is as long as a window of {window} steps and a horizon of "
            f"{horizons.max()}."
        )
    return X, y[:, 0] if np.ndim(horizon) == 0 and y.shape[1] == 1 else y


def as_series(series):
    """A list of series, from one or several."""
    if hasattr(series, "columns") or (
        isinstance(series, np.ndarray) and series.dtype != object
    ):
        return [series]
    if not hasattr(series, "__len__"):
        raise ValueError(f"series must be a series, or several in a list. Got {series!r}.")
    series = list(series)
    if not series:
        raise ValueError("series is empty: at least one is required.")
    return [np.asarray(series)] if np.ndim(series[0]) == 0 else series


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


def target_columns(one, n_columns, target):
    """Numbers of the columns to predict."""
    if target is None:
        return np.arange(n_columns)
    targets = [target] if isinstance(target, (str, Integral)) else list(target)
    if not targets:
        raise ValueError("target must name at least one column of the series. Got none.")
    names = list(getattr(one, "columns", ()))
    columns = []
    for name in targets:
        if isinstance(name, str) and name in names:
            columns.append(names.index(name))
        elif isinstance(name, Integral) and -n_columns <= name < n_columns:
            columns.append(int(name))
        else:
            raise ValueError(
                f"target must name columns of the series, by number below {n_columns}"
                f"{f' or one of {names}' if names else ''}. Got {name!r}."
            )
    return np.array(columns)
