"""The course of training."""

from itertools import cycle
from typing import Any

import numpy as np

from .._pipeline import last_step
from ._common import (
    COLORS,
    dots,
    integer_ticks,
    legend_above,
    line_style,
    make_panels,
    named_estimators,
    renamed,
)

# The curves in each panel, and the height of the panel.
PANELS = {
    "loss": (("loss", "validation_loss"), 2),
    "validation score": (("validation_score",), 1.2),
    "gradient norm": (("grad_norm",), 1),
    "learning rate": (("learning_rate",), 1),
}
# Ratio of the greatest to the least loss from which a linear scale hides the small.
WIDE = 10
KEPT: dict[str, Any] = {
    "marker": "o",
    "markersize": 8,
    "fillstyle": "none",
    "linestyle": "none",
}
END: dict[str, Any] = {"marker": "x", "markersize": 7, "linestyle": "none"}


class LossCurveDisplay:
    """The course of training: loss, validation score, gradient norm and learning rate.

    One panel for each of them that there is, over the iterations; several trainings in one
    picture. A cross shows where training ended, a circle which weights were kept. It is
    recommended to use :meth:`from_estimator`.

    Parameters
    ----------
    curves : dict of str to dict of str to array-like
        For each name the curves of a training, of one number an iteration, by the names
        "loss", "validation_loss", "validation_score", "grad_norm" (before clipping) and
        "learning_rate". Those that there are not may be left out or NaN. A shorter one
        is of the last iterations.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes, of shape (n_panels, 1)
    figure_ : matplotlib Figure

    See Also
    --------
    sklearn.model_selection.LearningCurveDisplay : Scores by the number of samples.

    Examples
    --------
    >>> import numpy as np
    >>> from skbptt import RNNRegressor
    >>> from skbptt.inspection import LossCurveDisplay
    >>> X = np.random.default_rng(0).normal(size=(50, 6, 1))
    >>> y = X.sum(axis=(1, 2))
    >>> adam = RNNRegressor(4, max_iter=20, early_stopping=True, random_state=0)
    >>> sgd = RNNRegressor(4, max_iter=20, solver="sgd", random_state=0)
    >>> models = {"Adam": adam.fit(X, y), "SGD": sgd.fit(X, y)}
    >>> display = LossCurveDisplay.from_estimator(models)
    >>> display.kept["SGD"]
    20
    """

    def __init__(self, *, curves):
        self.curves = curves

    @classmethod
    def from_estimator(cls, estimator, *, ax=None, name=None, **kwargs):
        """Plot what fitted estimators have recorded.

        Parameters
        ----------
        estimator : RNNClassifier, RNNRegressor or RNNTranscriber, list or dict of them
            One fitted estimator, or several, by name in a dict; or pipelines that end with
            one.
        ax, name, **kwargs
            As in :meth:`plot`.

        Returns
        -------
        display : LossCurveDisplay

        Raises
        ------
        TypeError
            If one is another estimator.
        NotFittedError
            If one is not fitted.
        """
        named = {key: last_step(one) for key, one in named_estimators(estimator).items()}
        curves = {
            key: {
                "loss": list(one.loss_curve_),
                "validation_loss": list(one.validation_loss_curve_ or []),
                "validation_score": since_new_data(one),
                "grad_norm": list(one.grad_norm_curve_),
                "learning_rate": list(one.learning_rate_curve_),
            }
            for key, one in named.items()
        }
        return cls(curves=curves).plot(ax, name=name, **kwargs)

    @property
    def kept(self):
        """Dict of str to int: the iteration, from 1, whose weights were kept.

        The first of the best validation score, or the last whose loss is finite where there
        are no scores.
        """
        return {key: best_iteration(curves) for key, curves in self.curves.items()}

    def plot(self, ax=None, *, name=None, **kwargs):
        """Plot the curves.

        Parameters
        ----------
        ax : matplotlib Axes or array-like of them, default=None
            One for all panels, or one per panel. By default, those of a new figure.
        name : str or list of str, default=None
            Names for the legend in place of those in ``curves``.
        **kwargs
            For :meth:`matplotlib.axes.Axes.plot`, of the curves.

        Returns
        -------
        display : LossCurveDisplay

        Raises
        ------
        ValueError
            If there are not as many names as curves, or not as many axes as panels.
        """
        named = {
            key: with_numbers(curves) for key, curves in renamed(self.curves, name).items()
        }
        present = {key for curves in named.values() for key in curves} | {"loss"}
        panels = [label for label, (keys, _) in PANELS.items() if present & set(keys)]
        heights = [PANELS[label][1] for label in panels]
        self.figure_, self.axes_ = make_panels(
            self,
            ax,
            len(panels),
            1,
            figsize=(6.4, 1.2 + 1.2 * sum(heights)),
            height_ratios=heights,
            sharex=True,
        )
        axes = self.axes_[:, 0]
        for panel, label in zip(axes, panels):
            keys = PANELS[label][0]
            drawn = []
            for color, curves in zip(cycle(COLORS), named.values()):
                drawn += draw(panel, curves, keys, line_style(kwargs, color=color))
            if is_log(label, np.concatenate([np.empty(0), *drawn])):
                panel.set_yscale("log", nonpositive="mask")
            panel.set_ylabel(label.replace(" ", "\n"))
            panel.grid(alpha=0.3)
        self.figure_.align_ylabels(axes)
        axes[-1].set_xlabel("iteration")
        integer_ticks(axes[-1].xaxis)
        self._add_legend(axes[0], named, kwargs, "validation_loss" in present)
        return self

    def _add_legend(self, panel, named, kwargs, validated):
        from matplotlib.lines import Line2D

        several = len(named) > 1
        styles = [line_style(kwargs, color=color) for _, color in zip(named, cycle(COLORS))]
        plain = {"color": "0.3"} if several else styles[0]
        marks = {"color": plain["color"]}
        entries = dict(zip(named, styles)) if several else {}
        entries["training"] = plain
        if validated:
            entries["validation"] = plain | {"linestyle": "--"}
        entries |= {"kept": KEPT | marks, "end": END | marks}
        handles = [
            Line2D([], [], **style | {"label": key}) for key, style in entries.items()
        ]
        title = None if several else next(iter(named))
        legend_above(panel, title, handles=handles, ncols=4)


def with_numbers(curves):
    """The curves that hold a number, as arrays of one length: they end together.

    A validation curve is shorter where training went on with early stopping.
    """
    n = max(map(len, curves.values()), default=0)
    arrays = {
        key: np.concatenate([np.full(n - len(values), np.nan), values])
        for key, values in curves.items()
    }
    return {key: array for key, array in arrays.items() if np.isfinite(array).any()}


def best_iteration(curves):
    """The first of the best validation score, or the last of finite loss, from 1."""
    curves = with_numbers(curves)
    if "validation_score" in curves:
        return int(np.nanargmax(curves["validation_score"])) + 1
    finite = np.flatnonzero(np.isfinite(curves.get("loss", [])))
    return int(finite[-1]) + 1 if len(finite) else 0


def since_new_data(estimator):
    """The validation scores, without those before the best that count no more.

    After a warm start on other data, the best is that since.
    """
    scores = list(estimator.validation_scores_ or [])
    higher = [i for i, s in enumerate(scores) if s > estimator.best_validation_score_]
    return scores[higher[-1] + 1 :] if higher else scores


def is_log(label, values):
    """Whether a panel is of logarithms."""
    if label == "gradient norm":
        return (values > 0).any()
    wide = len(values) > 0 and np.nanmax(values) > WIDE * np.nanmin(values) > 0
    return label == "loss" and wide


def draw(panel, curves, keys, style):
    """Draw and mark those curves of one training that are in one panel."""
    keys = [key for key in keys if key in curves]
    for key in keys:
        values = curves[key]
        dashes = {"linestyle": "--"} if key == "validation_loss" else {}
        dashes |= dots(values)
        panel.plot(np.arange(1, len(values) + 1), values, **style | dashes)
    marks = {"color": style["color"], "zorder": 3}
    if "loss" in keys:
        panel.plot(len(curves["loss"]), curves["loss"][-1], **END, **marks)
    # On what decides: validation where there is one, else training.
    at = best_iteration(curves)
    if at and keys and not {"grad_norm", "learning_rate"} & set(keys):
        panel.plot(at, curves[keys[-1]][at - 1], **KEPT, **marks)
    return [curves[key] for key in keys]
