"""What the displays share: names, panels, colours, one sequence."""

from collections.abc import Mapping

import numpy as np
from sklearn.utils._optional_dependencies import check_matplotlib_support

from ...data import missing
from ...estimators import BaseRNN
from .._pipeline import last_step, opened

# A palette for colour-blind readers (Okabe & Ito, 2008), without its pale yellow.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")


def named_estimators(estimator, base=BaseRNN):
    """Fitted estimators by name, from one, from a list or from a dict."""
    if isinstance(estimator, Mapping):
        named = dict(estimator)
        for one in named.values():
            last_step(one, base)
    elif isinstance(estimator, (list, tuple)):
        lasts = [last_step(one, base) for one in estimator]
        names = (f"{type(last).__name__} {i}" for i, last in enumerate(lasts, 1))
        named = dict(zip(names, estimator))
    else:
        named = {type(last_step(estimator, base)).__name__: estimator}
    if not named:
        raise ValueError("estimator must hold at least one estimator. Got none.")
    return named


def renamed(named, name):
    """The same values by the names given, a str or a list of them, or None for as is."""
    if name is None:
        return named
    names = [name] if isinstance(name, str) else name
    if not isinstance(names, (list, tuple)) or len(names) != len(named):
        raise ValueError(
            f"name must be a str or a list of as many names as there are, {len(named)}. "
            f"Got {name!r}."
        )
    return dict(zip(names, named.values()))


def as_batch(estimator, x, base=BaseRNN):
    """The last step of a pipeline, and its X of one sequence, without padding.

    Of an estimator alone, itself and x as its X.
    """
    last = last_step(estimator, base)
    if last is not estimator:
        # Numbers in one dimension are a row of a table; a text or tokens are an item.
        row = np.ndim(x) == 1 and np.asarray(x).dtype.kind in "biuf"
        _, X = opened(estimator, np.asarray(x)[np.newaxis] if row else [x], base)
        x = X.iloc[0] if hasattr(X, "iloc") else X[0]
    return last, batch_of(last, x)


def batch_of(estimator, x):
    """One sequence, without padding, as the X of an estimator."""
    ndim, shape = (
        (1, "(n_steps,), as X was 2-D in fit")
        if estimator._univariate
        else (2, "(n_steps, n_features)")
    )
    if np.ndim(x) != ndim:
        raise ValueError(
            f"x must be one sequence of shape {shape}. Got {np.ndim(x)} dimensions."
        )
    if ndim == 1:
        return np.asarray(x)[np.newaxis]
    known = np.flatnonzero(~missing(np.asarray(x)).all(axis=1))
    if not len(known):
        raise ValueError("x must have at least one step that is not padding. Got none.")
    return [x[: known[-1] + 1]]


def make_panels(display, ax, n_rows, n_columns, *, figsize, height_ratios=None, **share):
    """A figure and its axes: new ones, some within one ``ax``, or those in ``ax``."""
    check_matplotlib_support(f"{type(display).__name__}.plot")
    import matplotlib.pyplot as plt
    from matplotlib.axes import Axes

    n = n_rows * n_columns
    if ax is None:
        figure = plt.figure(figsize=figsize, layout="constrained")
        ax = figure.add_subplot()
    if not isinstance(ax, Axes):
        axes = np.asarray(ax, dtype=object)
        if axes.size != n:
            raise ValueError(
                f"ax must be one Axes, or one for each of {n} panels. Got {axes.size}."
            )
        return axes.flat[0].figure, axes.reshape(n_rows, n_columns)
    if n == 1:
        return ax.figure, np.array([[ax]], dtype=object)
    place = ax.get_subplotspec()
    if place is None:
        raise ValueError(f"ax must be a subplot, to be divided into {n} panels.")
    ax.set_axis_off()
    grid = place.subgridspec(n_rows, n_columns, height_ratios=height_ratios)
    return ax.figure, grid.subplots(squeeze=False, **share)


def line_style(kwargs, **defaults):
    """Arguments of a line: the user's, by their full names, and defaults for the rest."""
    from matplotlib.cbook import normalize_kwargs
    from matplotlib.lines import Line2D

    return defaults | normalize_kwargs(kwargs, Line2D)


def legend_above(ax, title=None, **options):
    """A legend above the panel, where it hides nothing."""
    options = {"frameon": False, "borderaxespad": 0.3, "fontsize": "small"} | options
    legend = ax.legend(
        loc="lower left", bbox_to_anchor=(0, 1), title=title, alignment="left", **options
    )
    legend.get_title().set_fontsize("medium")
    return legend


def dots(values):
    """A marker for a line that would not show a number alone between NaN."""
    known = np.isfinite(np.r_[np.nan, values, np.nan])
    alone = known[1:-1] & ~known[:-2] & ~known[2:]
    return {"marker": "."} if alone.any() else {}


def integer_ticks(axis):
    from matplotlib.ticker import MaxNLocator

    locator = MaxNLocator(integer=True, steps=[1, 2, 5, 10], min_n_ticks=1)
    axis.set_major_locator(locator)
