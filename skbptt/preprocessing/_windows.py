"""Windows of a time series, for forecasts."""

from numbers import Integral

import numpy as np

from ..data import missing
from ._series import column_numbers, stretches_of


def make_windows(
    series,
    *,
    window,
    horizon=1,
    stride=1,
    target=None,
    future=None,
    groups=None,
    holes="raise",
):
    """Cut series into windows and the values that follow them, to forecast by regression.

    Window i contains the ``window`` steps from i * ``stride`` on. Its target is ``horizon``
    steps after its last step, so X does not contain the value to predict. No window extends
    from one series into another. To forecast unknown values, predict from the last
    ``window`` steps.

    Parameters
    ----------
    series : array-like of shape (n_steps,) or (n_steps, n_columns), data frame, or list \
            of them
        One series, or several. A list of numbers is one series. The index of a pandas
        Series or DataFrame is read as time: it must increase.
    window : int
        Number of steps of a window.
    horizon : int or sequence of int, default=1
        Steps ahead, 1 for the next.
    stride : int, default=1
        Number of steps from one window to the next.
    target : int, str or list of them, default=None
        Columns to predict, by number, or by name in data frames. If None, all
        columns that are not in ``future``. Columns that are not predicted are only in X.
    future : int, str or list of them, default=None
        Columns that are known ahead of time, such as the hour, a holiday or a price that
        is announced. For each horizon h, X gets another feature for each of them: at
        step t of the series, its value at step t + h. At the last step of a window that is
        its value at the step to predict.
    groups : str or array-like of shape (n_steps,), default=None
        For one long table of several series: the series that each row belongs to, or the
        name of the column that identifies it, which is left out of X. The rows of a series
        need not be contiguous, but must be in the order of time. Numbers in ``target`` and
        ``future`` do not count that column.
    holes : {"raise", "split"}, default="raise"
        What to do if the index has a hole, that is, a step of more than 1.5 times its
        smallest step: raise an error, or split the series, so that no window spans the
        hole. See Notes.

    Returns
    -------
    X : ndarray of shape (n_windows, window, n_columns + n_horizons * n_future)
        The columns of the series, then the columns of ``future`` at the first horizon,
        then at the second, ... The windows of each series, and of each group in the order
        in which the groups appear, are consecutive.
    y : ndarray of shape (n_windows,) or (n_windows, n_horizons * n_targets)
        One-dimensional if ``horizon`` is an int and there is one target. Otherwise all
        targets at the first horizon, then all at the second, ...

    Raises
    ------
    ValueError
        If window, horizon or stride are not positive integers; if a column does not exist,
        or is both a target and known ahead; if all series are too short for one window
        and its target; if an index does not increase, or has a hole; or if the last step
        of a window is all NaN, which would be read as padding, so that the window would be
        a shorter sequence: fill it before, with a :class:`SequenceImputer`.

    See Also
    --------
    SequenceImputer : Fills missing values, of ``[series]``.
    sklearn.model_selection.TimeSeriesSplit : Cross-validation in the order of time. At a
        stride of 1, ``gap=horizon - 1`` makes sure that every target trained on is known
        at the end of the first test window, and ``gap=window + horizon - 1`` that training
        and test have no step in common.

    Notes
    -----
    *Time.* The steps of an index are the differences of its numbers, or of its instants;
    periods are one step apart. The months of a year differ in length by less than the
    tolerance of 1.5, and so do the days at a change to daylight saving time. If no entry is
    on a Saturday or Sunday, weekends take no time, so that Monday follows Friday. A
    holiday is nevertheless a hole, and so is the hour that is skipped in spring in local
    times without a time zone. If the rows are one step apart regardless of the index,
    number them: ``frame.reset_index(drop=True)``. Labels, such as strings, must increase,
    but have no holes. With ``groups``, each series has its own time, unless integers
    increase over the whole table: these number its rows. polars has no index.

    *Columns known ahead.* To forecast beyond the end of the series, append one row for each
    of the next ``max(horizon)`` steps, with the values of ``future``, and NaN elsewhere. Of
    these and the ``window`` rows before them, ``make_windows`` makes the single window to
    predict from.

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

    The second column is known ahead. X also contains its value two steps later:

    >>> series = np.array([[0, 10], [1, 11], [2, 12], [3, 13], [4, 14]])
    >>> X, y = make_windows(series, window=3, horizon=2, future=1)
    >>> X[0]
    array([[ 0, 10, 12],
           [ 1, 11, 13],
           [ 2, 12, 14]])
    >>> y
    array([4])
    """
    horizons = check_lags(window, horizon, stride)
    if holes not in ("raise", "split"):
        raise ValueError(f"holes must be 'raise' or 'split'. Got {holes!r}.")
    stretches, names = stretches_of(series, groups, holes)
    targets, known = chosen_columns(target, future, names, stretches[0].values.shape[1])
    parts = [windows_of(one, window, horizons, stride, targets, known) for one in stretches]
    X, y = (np.concatenate(arrays) for arrays in zip(*parts))
    if not len(X):
        raise ValueError(
            f"No series is as long as a window of {window} steps and a horizon of "
            f"{horizons.max()}{', between holes' if holes == 'split' else ''}."
        )
    return X, y[:, 0] if np.ndim(horizon) == 0 and y.shape[1] == 1 else y


def check_lags(window, horizon, stride):
    """The horizons as an array, if all are positive integers."""
    horizons = np.atleast_1d(horizon)
    whole = horizons.ndim == 1 and len(horizons) and horizons.dtype.kind in "iu"
    if not whole or (horizons < 1).any():
        raise ValueError(
            f"horizon must be a positive integer, or several. Got {horizon!r}."
        )
    for name, value in [("window", window), ("stride", stride)]:
        if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
            raise ValueError(f"{name} must be a positive integer. Got {value!r}.")
    return horizons


def chosen_columns(target, future, names, n_columns):
    """Numbers of the columns to predict, and of those known ahead."""
    known = np.array([], int)
    if future is not None:
        known = column_numbers(future, "future", names, n_columns)
    if target is None:
        targets = np.setdiff1d(np.arange(n_columns), known)
    else:
        targets = column_numbers(target, "target", names, n_columns)
    if not len(targets):
        raise ValueError(
            "target must name at least one column of the series"
            f"{'' if future is None else ' that is not in future'}. Got none."
        )
    both = np.intersect1d(targets, known)
    if len(both):
        name = names[both[0]] if names else int(both[0])
        raise ValueError(
            f"Column {name!r} is in target and in future, but what is to be predicted "
            "cannot be known ahead."
        )
    return targets, known


def windows_of(stretch, window, horizons, stride, targets, known):
    """Windows of one stretch, with their targets."""
    values = stretch.values
    starts = np.arange(0, len(values) - window - horizons.max() + 1, stride)
    steps = starts[:, np.newaxis] + np.arange(window)
    X = values[steps]
    if len(known):
        later = values[steps[..., np.newaxis] + horizons][..., known]
        later = later.reshape(*steps.shape, len(horizons) * len(known))
        X = np.concatenate([X, later], axis=2)
    empty = missing(X[:, -1]).all(axis=1)
    if empty.any():
        row = stretch.rows[steps[empty.argmax(), -1]]
        raise ValueError(
            f"Row {row} of {stretch.name} has no value, and a window ends there: the "
            "estimators would read the end of the window as padding. Fill missing values "
            "first: skbptt.preprocessing.SequenceImputer().fit_transform([series])[0]."
        )
    ahead = steps[:, -1:] + horizons
    y = values[ahead][..., targets]
    return X, y.reshape(len(starts), len(horizons) * len(targets))
