"""Gradients that vanish, explode or last."""

from itertools import cycle

import numpy as np

from ...estimators import PointwiseRNN
from .._flow import gradient_flow
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

# The band around the median.
QUANTILES = (0.25, 0.75)
# Decades below the greatest norm at which the axis ends at the latest.
DECADES = 12


class GradientFlowDisplay:
    """How far back in time the gradient reaches: the norm of dL/dh by lag.

    Median and middle half over the sequences, one panel for each layer (rows) and
    direction (columns), one line for each estimator. A dotted line marks the first lag at
    which the median is below 1 % of that at lag 0 [1]_. The spectral radius is the
    median of that of the recurrent Jacobian: below one, gradients vanish [2]_. It is
    recommended to use :meth:`from_estimator`.

    Parameters
    ----------
    flows : dict of str to :class:`~sklearn.utils.Bunch`
        For each name what :func:`~skbptt.inspection.gradient_flow` returns.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes, of shape (n_layers, n_directions)
    figure_ : matplotlib Figure

    See Also
    --------
    gradient_flow : The numbers.

    References
    ----------
    .. [1] Hochreiter, S., Bengio, Y., Frasconi, P. & Schmidhuber, J. (2001). Gradient
       flow in recurrent nets: the difficulty of learning long-term dependencies. A Field
       Guide to Dynamical Recurrent Neural Networks. IEEE Press.
    .. [2] Pascanu, R., Mikolov, T. & Bengio, Y. (2013). On the difficulty of training
       recurrent neural networks. ICML.

    Examples
    --------
    >>> import numpy as np
    >>> from skbptt import RNNRegressor
    >>> from skbptt.inspection import GradientFlowDisplay
    >>> X = np.random.default_rng(0).normal(size=(50, 20, 1))
    >>> y = X[:, 0, 0]
    >>> models = {
    ...     cell: RNNRegressor(8, cell=cell, max_iter=5, random_state=0).fit(X, y)
    ...     for cell in ("rnn", "lstm")
    ... }
    >>> display = GradientFlowDisplay.from_estimator(models, X, y)
    >>> display.axes_[0, 0].get_xlabel()
    'lag (steps before the end)'
    """

    def __init__(self, *, flows):
        self.flows = flows

    @classmethod
    def from_estimator(cls, estimator, X, y, *, ax=None, name=None, **kwargs):
        """Plot the gradient flow of fitted estimators on given data.

        Parameters
        ----------
        estimator : RNNClassifier or RNNRegressor, list of them or dict of str to them
            One fitted estimator, or several, by name in a dict; or pipelines that end with
            one.
        X : array-like of shape (n_sequences, n_steps, n_features) or \
                (n_sequences, n_steps), or list of arrays of shape (n_steps, n_features)
            Sequences of the same kind as in fit.
        y : array-like
            Targets, as in fit.
        ax, name, **kwargs
            As in :meth:`plot`.

        Returns
        -------
        display : GradientFlowDisplay

        Raises
        ------
        TypeError
            If one is another estimator.
        NotFittedError
            If one is not fitted.
        ValueError
            If X or y is not allowed in fit.
        """
        flows = {
            key: gradient_flow(one, X, y)
            for key, one in named_estimators(estimator, PointwiseRNN).items()
        }
        return cls(flows=flows).plot(ax, name=name, **kwargs)

    def plot(self, ax=None, *, name=None, **kwargs):
        """Plot the norms.

        Parameters
        ----------
        ax : matplotlib Axes or array-like of them, default=None
            One for all panels, or one per panel. By default, those of a new figure.
        name : str or list of str, default=None
            Names for the legend in place of those in ``flows``.
        **kwargs
            For :meth:`matplotlib.axes.Axes.plot`, of the medians.

        Returns
        -------
        display : GradientFlowDisplay

        Raises
        ------
        ValueError
            If there are not as many names as flows, or not as many axes as panels.
        """
        flows = renamed(self.flows, name)
        places = {place(key) for flow in flows.values() for key in flow.norm}
        n_layers = 1 + max(layer for layer, _ in places)
        directions = sorted({direction for _, direction in places}, reverse=True)
        n_columns = len(directions)
        legend = 0.22 * (len(flows) + 1)
        self.figure_, self.axes_ = make_panels(
            self,
            ax,
            n_layers,
            n_columns,
            figsize=(max(6.4, 4.5 * n_columns), n_layers * (legend + 2.8)),
            sharex=True,
            sharey=True,
        )
        axes = self.axes_
        for layer, row in enumerate(axes):
            for direction, panel in zip(directions, row):
                key = f"layers.{layer}.{direction}"
                panel.set_yscale("log")
                panel.set_ylim(limits(flows))
                for color, (label, flow) in zip(cycle(COLORS), flows.items()):
                    if key in flow.norm:
                        draw(panel, flow, key, label, line_style(kwargs, color=color))
                panel.grid(alpha=0.3)
                legend_above(panel, f"layer {layer}, {direction}")
        for panel in axes[-1]:
            panel.set_xlabel("lag (steps before the end)")
            integer_ticks(panel.xaxis)
        for panel in axes[:, 0]:
            panel.set_ylabel("norm of dL/dh")
        return self


def bands(norm):
    """Lags that some sequence has, and quantiles there."""
    norm = np.asarray(norm, dtype=float)
    lags = np.flatnonzero(~np.isnan(norm).all(axis=0))
    return lags, *np.nanquantile(norm[:, lags], [QUANTILES[0], 0.5, QUANTILES[1]], axis=0)


def place(key):
    """Layer and direction of "layers.{k}.{direction}"."""
    _, layer, direction = key.split(".")
    return int(layer), direction


def draw(panel, flow, key, label, style):
    """Draw median, band and reach of one estimator, layer and direction."""
    lags, low, median, high = bands(flow.norm[key])
    reach, radius = flow.reach[key], np.median(flow.spectral_radius[key])
    fallen = f"below 1 % at lag {reach:.0f}" if np.isfinite(reach) else "never below 1 %"
    label = f"{label}: {fallen}, spectral radius {radius:.2f}"
    panel.plot(lags, median, **{"label": label} | dots(median) | style)
    panel.fill_between(lags, low, high, color=style["color"], alpha=0.2, linewidth=0)
    if np.isfinite(reach):
        panel.axvline(reach, color=style["color"], linestyle=":", linewidth=1)


def limits(flows):
    """Ends of the axis, without what is as good as zero, such as norms of dead units."""
    norms = [norm for flow in flows.values() for norm in flow.norm.values()]
    drawn = np.concatenate([band for norm in norms for band in bands(norm)[1:]])
    positive = drawn[(drawn > 0) & np.isfinite(drawn)]
    if not len(positive):
        return 0.1, 10
    # Lag 0, which all others are seen against, is on the axis.
    at_0 = np.concatenate([norm[:, 0] for norm in norms])
    least = min(positive.max() * 10.0**-DECADES, at_0.min(initial=np.inf, where=at_0 > 0))
    return max(positive.min(), least) / 2, positive.max() * 2
