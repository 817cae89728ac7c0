"""Forecasts of a time series against what came."""

from datetime import date
from numbers import Integral

import numpy as np

from ...preprocessing import make_windows
from ...preprocessing._series import as_columns, as_series
from ...preprocessing._windows import chosen_columns
from ._common import COLORS, dots, legend_above, line_style, make_panels
from ._fans import draw_calibration, draw_fans

# Horizons up to which each is named.
NAMED = 6


class ForecastDisplay:
    """Forecasts of one series, each at the time that it is for, and their residuals.

    A line for each horizon; one forecast is highlighted, with the window that it was made
    from. The legend reports the root mean squared error of up to six horizons. Where there
    are random paths, a fan shows the intervals of each forecast, and the lower panel their
    calibration. It is recommended to use :meth:`from_estimator`, :meth:`from_predictions`
    or :meth:`from_backtest`.

    Parameters
    ----------
    series : ndarray of shape (n_steps,)
        What came, NaN where it is not known.
    y_pred : ndarray of shape (n_windows, n_horizons)
        Forecasts. Window i begins at step i * ``stride``.
    window : int
        Steps of a window.
    horizons : ndarray of shape (n_horizons,)
        Steps from the end of the window to what is predicted.
    stride : int, default=1
        Steps from one window to the next.
    times : ndarray of shape (n_steps,), default=None
        Times of the steps, numbers or dates; their numbers from 0 if None.
    target_name : str, default="series"
        What the series is, for its axis.
    paths : ndarray of shape (n_windows, n_paths, n_horizons), default=None
        Random paths of each forecast.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes, of shape (2, 1)
    figure_ : matplotlib Figure

    See Also
    --------
    skbptt.preprocessing.make_windows : Windows to train a forecaster.
    sklearn.metrics.PredictionErrorDisplay : Residuals by the prediction.

    Examples
    --------
    >>> import numpy as np
    >>> from skbptt import RNNRegressor
    >>> from skbptt.inspection import ForecastDisplay
    >>> from skbptt.preprocessing import make_windows
    >>> series = np.sin(np.arange(120) / 4)
    >>> X, y = make_windows(series[:80], window=16, horizon=[1, 4])
    >>> model = RNNRegressor(8, max_iter=30, random_state=0).fit(X, y)
    >>> display = ForecastDisplay.from_estimator(
    ...     model, series[80:], window=16, horizon=[1, 4], times=np.arange(80, 120)
    ... )
    >>> display.residuals.shape
    (21, 2)
    """

    def __init__(
        self,
        *,
        series,
        y_pred,
        window,
        horizons,
        stride=1,
        times=None,
        target_name="series",
        paths=None,
    ):
        self.series = series
        self.y_pred = y_pred
        self.window = window
        self.horizons = horizons
        self.stride = stride
        self.times = times
        self.target_name = target_name
        self.paths = paths

    @classmethod
    def from_estimator(
        cls,
        estimator,
        series,
        *,
        window,
        horizon=1,
        stride=1,
        target=None,
        times=None,
        highlight=None,
        ax=None,
        name=None,
        **kwargs,
    ):
        """Plot the forecasts of a fitted regressor for one series.

        Parameters
        ----------
        estimator : object
            A regressor, or a pipeline that ends in one, fitted to windows.
        series : array-like of shape (n_steps,) or (n_steps, n_columns), or data frame
            One series.
        window, horizon, stride, target
            As given to :func:`~skbptt.preprocessing.make_windows`; ``target`` is one
            column.
        times : array-like of shape (n_steps,), default=None
            Times of the steps, numbers or dates; their numbers from 0 if None.
        highlight, ax, name, **kwargs
            As in :meth:`plot`.

        Returns
        -------
        display : ForecastDisplay

        Raises
        ------
        TypeError
            If what the estimator predicts is not numbers.
        ValueError
            If it is not one series with one target, or what the estimator predicts is
            not one value for each horizon.
        """
        X, _ = make_windows(
            series, window=window, horizon=horizon, stride=stride, target=target
        )
        several = as_series(series)
        if len(several) > 1:
            raise ValueError(f"series must be one series. Got {len(several)}.")
        values = as_columns(several[0])
        names = list(getattr(several[0], "columns", ()))
        columns, _ = chosen_columns(target, None, names, values.shape[1])
        if len(columns) > 1:
            raise ValueError(
                f"target must be one column of the series. Got {len(columns)} columns: "
                "give from_predictions those of y that belong to one of them."
            )
        y_pred = np.asarray(estimator.predict(X))
        if y_pred.dtype.kind not in "biuf":
            raise TypeError(
                "estimator must be a regressor, which predicts numbers. "
                f"{type(estimator).__name__} predicts {y_pred.flat[0]!r}."
            )
        display = cls(
            series=values[:, columns[0]].astype(float),
            y_pred=as_table(y_pred, "y_pred", len(X), np.size(horizon)),
            window=window,
            horizons=np.atleast_1d(horizon),
            stride=stride,
            times=checked_times(times, len(values)),
            target_name=str(names[columns[0]]) if names else "series",
        )
        return display.plot(ax, highlight=highlight, name=name, **kwargs)

    @classmethod
    def from_predictions(
        cls,
        y_true,
        y_pred,
        *,
        window,
        horizon=1,
        stride=1,
        times=None,
        highlight=None,
        ax=None,
        name=None,
        **kwargs,
    ):
        """Plot forecasts against the targets that ``make_windows`` cut from one series.

        Parameters
        ----------
        y_true, y_pred : array-like of shape (n_windows,) or (n_windows, n_horizons)
            Targets, and forecasts of them.
        window, horizon, stride
            As given to :func:`~skbptt.preprocessing.make_windows`.
        times : array-like of shape (n_steps,), default=None
            Times of the steps of the series, numbers or dates; their numbers from 0 if
            None.
        highlight, ax, name, **kwargs
            As in :meth:`plot`.

        Returns
        -------
        display : ForecastDisplay

        Raises
        ------
        ValueError
            If y_true and y_pred are not one value for each window and horizon, or y_true
            is not of consecutive windows of one series.
        """
        horizons, n_windows = np.atleast_1d(horizon), len(y_pred)
        y_true, y_pred = (
            as_table(y, label, n_windows, len(horizons))
            for label, y in [("y_true", y_true), ("y_pred", y_pred)]
        )
        steps = steps_of(n_windows, window, horizons, stride)
        series = np.full(steps.max() + 1, np.nan)
        series[steps] = y_true
        if not np.array_equal(series[steps], y_true, equal_nan=True):
            raise ValueError(
                "y_true must be of consecutive windows of one series, with the given "
                "horizon and stride. Got different values for the same step."
            )
        display = cls(
            series=series,
            y_pred=y_pred,
            window=window,
            horizons=horizons,
            stride=stride,
            times=checked_times(
                None if times is None else times[: len(series)], len(series)
            ),
        )
        return display.plot(ax, highlight=highlight, name=name, **kwargs)

    @classmethod
    def from_backtest(
        cls,
        result,
        *,
        series=0,
        times=None,
        target_name="series",
        ax=None,
        name=None,
        **kwargs,
    ):
        """Plot what :meth:`skbptt.forecasting.RNNForecaster.backtest` returned.

        Parameters
        ----------
        result : Bunch
            The result.
        series : int, default=0
            Which of several series to plot.
        times : array-like of shape (n_steps,), default=None
            Times of its steps, numbers or dates; their numbers from 0 if None.
        target_name : str, default="series"
            What the series is, for its axis.
        ax, name, **kwargs
            As in :meth:`plot`.

        Returns
        -------
        display : ForecastDisplay

        Raises
        ------
        ValueError
            If there is no such series, or not one time for each of its steps.
        """
        several = result.y_true.ndim == 3
        n = len(result.history)
        if not isinstance(series, Integral) or series not in range(n):
            raise ValueError(
                f"series must be an integer from 0 to {n - 1}. Got {series!r}."
            )
        values, steps = result.history[series], result.steps
        y_pred, paths = (
            array[series] if several else array for array in (result.y_pred, result.paths)
        )
        display = cls(
            series=values,
            y_pred=y_pred,
            window=int(len(values) + steps[0, 0]),
            horizons=np.arange(1, steps.shape[1] + 1),
            stride=int(steps[1, 0] - steps[0, 0]) if len(steps) > 1 else 1,
            times=checked_times(times, len(values)),
            target_name=target_name,
            paths=paths,
        )
        return display.plot(ax, name=name, **kwargs)

    @property
    def steps(self):
        """Ndarray of shape (n_windows, n_horizons): the step that each forecast is for."""
        return steps_of(len(self.y_pred), self.window, self.horizons, self.stride)

    @property
    def residuals(self):
        """Ndarray of shape (n_windows, n_horizons): what came less what was predicted."""
        return self.series[self.steps] - self.y_pred

    def plot(self, ax=None, *, highlight=None, name=None, **kwargs):
        """Plot series, forecasts and residuals.

        Parameters
        ----------
        ax : matplotlib Axes or array-like of two, default=None
            One for both panels, or one per panel. By default, those of a new figure.
        highlight : int, default=None
            Number of the window whose forecast is highlighted; one in the middle if None.
        name : str, default=None
            Title, such as the name of the estimator.
        **kwargs
            For :meth:`matplotlib.axes.Axes.plot`, of forecasts and residuals.

        Returns
        -------
        display : ForecastDisplay

        Raises
        ------
        ValueError
            If there is no such window, or if there are not two axes.
        """
        n_windows, n_horizons = self.y_pred.shape
        one = n_windows // 2 if highlight is None else highlight
        if not isinstance(one, Integral) or not -n_windows <= one < n_windows:
            raise ValueError(
                f"highlight must be the number of a window, below {n_windows}. Got {one!r}."
            )
        self.figure_, self.axes_ = make_panels(
            self,
            ax,
            2,
            1,
            figsize=(6.4, 5.2),
            height_ratios=[2, 1],
            sharex=self.paths is None,
        )
        upper, lower = self.axes_[:, 0]
        times = np.arange(len(self.series)) if self.times is None else self.times
        if self.paths is not None:
            draw_fans(self, upper, times, kwargs)
            draw_calibration(self, lower)
            upper.set(
                ylabel=self.target_name, xlabel="step" if self.times is None else None
            )
            legend_above(upper, name, ncols=4)
            shorten_dates(upper, times)
            return self
        known = ~np.isnan(self.series)
        upper.plot(times[known], self.series[known], color="0.4", label=self.target_name)
        # A line joins what is next to each other only.
        joined = {} if self.stride == 1 else {"marker": ".", "linestyle": "none"}
        lower.axhline(0, color="0.4", linewidth=1)
        named = np.linspace(0, n_horizons - 1, min(n_horizons, NAMED)).astype(int)
        for j, (color, steps) in enumerate(zip(horizon_colors(n_horizons), self.steps.T)):
            residuals = self.residuals[:, j]
            style = line_style(kwargs, color=color, **joined)
            upper.plot(times[steps], self.y_pred[:, j], **dots(self.y_pred[:, j]) | style)
            if j in named:
                style = {"label": named_horizon(self.horizons[j], residuals)} | style
            lower.plot(times[steps], residuals, **dots(residuals) | style)

        start = range(n_windows)[one] * self.stride
        ends = times[[start, start + self.window - 1]]
        upper.axvspan(*ends, color="0.85", zorder=0, label="window of one forecast")
        upper.plot(
            times[self.steps[one]],
            self.y_pred[one],
            color="black",
            marker="o",
            markersize=4,
            label="that forecast",
        )
        upper.set_ylabel(self.target_name)
        lower.set_ylabel("residual\n(true - predicted)")
        legend_above(upper, name, ncols=4)
        legend_above(lower, ncols=2)
        self.figure_.align_ylabels([upper, lower])
        lower.set_xlabel("step" if self.times is None else "time")
        shorten_dates(lower, times)
        return self


def as_table(y, label, n_windows, n_horizons):
    """Values as an array of shape (n_windows, n_horizons)."""
    y = np.asarray(y, dtype=float)
    if y.shape not in {(n_windows, n_horizons), (n_windows,) if n_horizons == 1 else None}:
        raise ValueError(
            f"{label} must have one value for each of {n_windows} windows and {n_horizons} "
            f"horizons. Got the shape {y.shape}."
        )
    return y.reshape(n_windows, n_horizons)


def steps_of(n_windows, window, horizons, stride):
    return np.arange(n_windows)[:, np.newaxis] * stride + window - 1 + horizons


def checked_times(times, n_steps):
    if times is None:
        return None
    times = np.asarray(times)
    if times.shape != (n_steps,):
        raise ValueError(
            f"times must give one time for each of {n_steps} steps. Got the shape "
            f"{times.shape}."
        )
    if times.dtype.kind == "O" and all(isinstance(time, date) for time in times):
        times = times.astype("datetime64[us]")
    if times.dtype.kind not in "iufM":
        raise ValueError(
            f"times must be numbers or dates. Got {type(times.flat[0]).__name__}."
        )
    return times


def horizon_colors(n_horizons):
    """From dark to light by the distance."""
    from matplotlib import colormaps

    return (
        [COLORS[0]]
        if n_horizons == 1
        else colormaps["viridis"](np.linspace(0, 0.85, n_horizons))
    )


def named_horizon(horizon, residuals):
    steps = "1 step" if horizon == 1 else f"{horizon} steps"
    return f"{steps} ahead, RMSE {np.sqrt(np.mean(residuals**2)):.3g}"


def shorten_dates(panel, times):
    if times.dtype.kind == "M":
        from matplotlib.dates import ConciseDateFormatter

        panel.xaxis.set_major_formatter(
            ConciseDateFormatter(panel.xaxis.get_major_locator())
        )
