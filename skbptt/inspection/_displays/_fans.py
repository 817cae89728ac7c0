"""Fans of random paths, and how often intervals cover what came."""

import numpy as np

from ._common import COLORS, dots, legend_above, line_style

# Central intervals of a fan, the widest first.
FAN = (0.9, 0.5)

# Levels at which the coverage is counted.
LEVELS = np.linspace(0.05, 0.95, 19)


def share_below(paths, y):
    """Share of the paths below each value, where equal ones count half (PIT).

    Parameters
    ----------
    paths : ndarray of shape (n_origins, n_paths, n_horizons)
    y : ndarray of shape (n_origins, n_horizons)
    """
    y = y[:, np.newaxis]
    share = ((paths < y).mean(axis=1) + (paths <= y).mean(axis=1)) / 2
    return np.where(np.isnan(y[:, 0]), np.nan, share)


def coverage(pit, levels):
    """Share of the known values that lie in the central interval of each level."""
    inside = 2 * np.abs(pit[~np.isnan(pit)] - 0.5)
    return (inside[:, np.newaxis] <= levels).mean(axis=0)


def draw_fans(display, panel, times, kwargs):
    """The series around the forecasts, and a fan from each origin."""
    steps, paths = display.steps, display.paths
    first = max(0, steps.min() - 2 * steps.shape[1])
    shown = np.arange(first, len(times))
    values = display.series[shown]
    panel.plot(times[shown], values, color="0.3", label=display.target_name, **dots(values))
    for i, at in enumerate(steps):
        color = COLORS[i % 2]
        for level, alpha in zip(FAN, (0.2, 0.35)):
            bounds = np.quantile(paths[i], ((1 - level) / 2, (1 + level) / 2), axis=0)
            label = f"{level:.0%} interval" if i == 0 else None
            panel.fill_between(
                times[at], *bounds, color=color, alpha=alpha, linewidth=0, label=label
            )
        style = line_style(kwargs, color=color)
        named = {"label": "forecast"} if i == 0 else {}
        panel.plot(times[at], display.y_pred[i], **dots(display.y_pred[i]) | named | style)
        panel.axvline(times[at[0] - 1], color="0.7", linewidth=0.8, zorder=0)


def draw_calibration(display, panel):
    """The share of the values in the intervals of each level, beside the level."""
    pit = share_below(display.paths, display.series[display.steps])
    found = coverage(pit, LEVELS)
    at_90 = coverage(pit, np.array([0.9]))[0]
    panel.plot([0, 1], [0, 1], color="0.6", linewidth=1, label="as it should be")
    label = f"found: {at_90:.0%} in the 90% interval"
    panel.plot(LEVELS, found, color=COLORS[0], marker=".", label=label)
    panel.set(xlim=(0, 1), ylim=(0, 1), xlabel="level of the interval")
    panel.set_ylabel("share of\nvalues inside")
    legend_above(panel, ncols=2)
