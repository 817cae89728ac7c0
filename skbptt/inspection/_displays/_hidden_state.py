"""States and gates over time."""

import numpy as np

from ...cells import ElmanCell, GRUCell, LEMCell, LSTMCell
from .._flow import hidden_states
from .._pipeline import STACKS
from ._common import as_batch, integer_ticks, make_panels

LOGISTIC, TANH = (0.0, 1.0), (-1.0, 1.0)
RANGES: dict = {
    LSTMCell: {"h": TANH, "i": LOGISTIC, "f": LOGISTIC, "g": TANH, "o": LOGISTIC},
    GRUCell: {"h": TANH, "r": LOGISTIC, "z": LOGISTIC, "n": TANH},
}
# A value that is as near as this to an end of its range is saturated.
MARGIN = 0.1
TITLES = {
    "h": "state",
    "c": "cell state",
    "i": "input gate",
    "f": "forget gate",
    "g": "candidate",
    "o": "output gate",
    "r": "reset gate",
    "z": "update gate",
    "n": "candidate",
    "dt_z": "time step of z",
    "dt_h": "time step of h",
    "g_z": "candidate of z",
    "g_h": "candidate of h",
}


class HiddenStateDisplay:
    """States and gates of a layer while it reads one sequence, as heat maps.

    Units are rows and steps are columns. The titles tell which share of the values is
    saturated: within 0.1 of an end of the range, (0, 1) of gates and (-1, 1) of what a
    tanh has gone through. There the activation is flat and passes on little gradient. It is
    recommended to use :meth:`from_estimator`.

    Parameters
    ----------
    states : dict of str to ndarray of shape (n_steps, n_units)
        States and gates by name, such as "h", "c", "i", "f", "g" and "o".
    ranges : dict of str to tuple of two floats, default=None
        Ranges of those that can saturate.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes
    figure_ : matplotlib Figure

    See Also
    --------
    hidden_states : The numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from skbptt import RNNRegressor
    >>> from skbptt.inspection import HiddenStateDisplay
    >>> X = np.random.default_rng(0).normal(size=(50, 20, 1))
    >>> model = RNNRegressor(8, cell="gru", max_iter=5, random_state=0)
    >>> model = model.fit(X, X.sum(axis=(1, 2)))
    >>> display = HiddenStateDisplay.from_estimator(model, X[0])
    >>> list(display.states)
    ['h', 'r', 'z', 'n']
    >>> display.saturation["z"]
    0.0
    """

    def __init__(self, *, states, ranges=None):
        self.states = states
        self.ranges = ranges

    @classmethod
    def from_estimator(
        cls, estimator, x, *, layer=0, direction="forward", ax=None, name=None, **kwargs
    ):
        """Plot what a layer of a fitted estimator does on one sequence.

        Parameters
        ----------
        estimator : RNNClassifier, RNNRegressor or RNNTranscriber
            A fitted estimator, or a pipeline that ends with one. The steps before it
            transform x.
        x : array-like of shape (n_steps, n_features) or (n_steps,)
            One sequence, without the first axis of the X in fit. Steps of NaN at
            its end are padding.
        layer : int, default=0
            Layer, from 0, the one next to the input.
        direction : {"forward", "backward"}, default="forward"
            Direction, for a bidirectional network.
        ax, name, **kwargs
            As in :meth:`plot`.

        Returns
        -------
        display : HiddenStateDisplay

        Raises
        ------
        TypeError
            If it is another estimator.
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If x is not one sequence, or there is no such layer or direction.
        """
        estimator, X = as_batch(estimator, x, STACKS)
        every = hidden_states(estimator, X)
        prefix = f"layers.{layer}.{direction}."
        states = {
            key.removeprefix(prefix): values[0]
            for key, values in every.items()
            if key.startswith(prefix)
        }
        if not states:
            places = sorted({key.rpartition(".")[0] for key in every})
            raise ValueError(
                f"layer and direction must be of one of {places}. Got layer={layer!r}, "
                f"direction={direction!r}."
            )
        display = cls(states=states, ranges=ranges_of(estimator._network.cell))
        return display.plot(ax, name=name, **kwargs)

    @property
    def saturation(self):
        """Dict of str to float: the share of the values that are saturated."""
        return {
            key: float(
                np.mean(
                    (self.states[key] < low + MARGIN) | (self.states[key] > high - MARGIN)
                )
            )
            for key, (low, high) in (self.ranges or {}).items()
        }

    def plot(self, ax=None, *, name=None, **kwargs):
        """Plot the heat maps.

        Parameters
        ----------
        ax : matplotlib Axes or array-like of them, default=None
            One for all panels, or one per panel. By default, those of a new figure.
        name : str, default=None
            A name, such as that of the estimator, before the title of the first panel.
        **kwargs
            For :meth:`matplotlib.axes.Axes.imshow`.

        Returns
        -------
        display : HiddenStateDisplay

        Raises
        ------
        ValueError
            If there are not as many axes as panels.
        """
        n = len(self.states)
        n_columns = 1 if n % 2 else 2
        n_rows = n // n_columns
        self.figure_, self.axes_ = make_panels(
            self,
            ax,
            n_rows,
            n_columns,
            figsize=(6.4 if n == 1 else 9, max(3.2, 0.6 + 2.1 * n_rows)),
            sharex=True,
            sharey=True,
        )
        axes = self.axes_
        saturation = self.saturation
        for panel, (key, values) in zip(axes.flat, self.states.items()):
            low, high = (self.ranges or {}).get(key, None) or symmetric(values)
            image = panel.imshow(
                np.transpose(values),
                **{
                    "aspect": "auto",
                    "interpolation": "nearest",
                    "cmap": "RdBu_r" if low < 0 else "viridis",
                    "vmin": low,
                    "vmax": high,
                }
                | kwargs,
            )
            title = f"{TITLES.get(key, '')} {key}".strip()
            if key in saturation:
                title += f", {100 * saturation[key]:.0f} % saturated"
            if name is not None and panel is axes[0, 0]:
                title = f"{name}: {title}"
            panel.set_title(title, fontsize="medium")
            self.figure_.colorbar(image, ax=panel, pad=0.02)
        for panel in axes[-1]:
            panel.set_xlabel("step")
            integer_ticks(panel.xaxis)
        for panel in axes[:, 0]:
            panel.set_ylabel("unit")
            integer_ticks(panel.yaxis)
        return self


def ranges_of(cell):
    """Ranges of what can saturate in a cell of the package."""
    if isinstance(cell, ElmanCell):
        found = {"tanh": TANH, "logistic": LOGISTIC}.get(cell.activation)
        return {"h": found} if found else {}
    if isinstance(cell, LEMCell):
        steps = dict.fromkeys(("dt_z", "dt_h"), (0.0, float(cell.dt)))
        return {"h": TANH, **steps, "g_z": TANH, "g_h": TANH}
    return RANGES.get(type(cell), {})


def symmetric(values):
    """A range around zero that holds the values."""
    limit = float(np.abs(values).max()) or 1.0
    return -limit, limit
