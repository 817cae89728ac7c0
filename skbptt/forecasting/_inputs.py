r"""What the network reads and learns at a time step, from the values before it.

With the lags :math:`l_1 < \dots < l_k`, the base lag b and the mean :math:`\bar z_{t,p}` of
the last p values, for each period p, the network reads at step t

.. math::

   \frac{z_{t-b} - m}{s}, \qquad \frac{z_{t-l_i} - z_{t-b}}{d} \quad (l_i \neq b), \qquad
   \frac{\bar z_{t,p} - z_{t-b}}{d}

and the covariates of step t, and learns :math:`(z_t - z_{t-b}) / d`. The location m and the
scales s, of values, and d, of differences at the base lag, are those of the series in
``fit``. Without a base lag, for counts, it reads :math:`(\log(1 + z) - m) / s` of the
values and the means, with m and s of the logarithms, and learns :math:`z_t` itself.
"""

from dataclasses import dataclass

import numpy as np

# Losses of counts, of which the network learns the values themselves.
OF_COUNTS = {"poisson", "negative_binomial"}
# Relative to the largest value, smaller spreads are rounding.
ROUNDING = 1e-12


@dataclass
class Scales:
    """Location and scales of series, from their values in ``fit``.

    Parameters
    ----------
    m, s, d : ndarrays of shape (n_series,)
    """

    m: np.ndarray
    s: np.ndarray
    d: np.ndarray

    def repeat(self, n):
        """The same with each series n times."""
        return Scales(*(np.repeat(values, n) for values in (self.m, self.s, self.d)))

    def of(self, i):
        """The scales of series i, for its time steps."""
        return Scales(*(values[i : i + 1] for values in (self.m, self.s, self.d)))


class Inputs:
    """Inputs and targets of the network, from the values of series.

    Parameters
    ----------
    lags : sequence of int
        Which of the values before are read.
    base : int or None
        The lag of the value that others are compared with; None for counts.
    periods : sequence of int, default=()
        Numbers of values whose means are read, at most the largest lag.
    """

    def __init__(self, lags, base, periods=()):
        self.lags, self.base = np.unique([*lags, base or 1]), base
        self.periods = tuple(periods)
        self.n_before = int(self.lags[-1])
        self.n = len(self.lags) + len(self.periods)

    def check(self, values, label):
        """Refuse values that cannot be counts, where they should be."""
        if self.base is None and (values < 0).any():
            raise ValueError(
                f"{label} must have values of zero or more, with this loss of the "
                f"regressor. The least is {np.nanmin(values)}."
            )

    def scales(self, several):
        """The Scales of several series of values, NaN where they are not known."""
        if self.base is None:
            several = [np.log1p(values) for values in several]
        found = [scales_of(values, self.base or 1) for values in several]
        return Scales(*map(np.array, zip(*found)))

    def read(self, before, scales):
        """Inputs of the next steps.

        Parameters
        ----------
        before : ndarray of shape (n, n_before)
            The values before each step, the last of them next to it.
        scales : Scales
            Of each, or one for all.

        Returns
        -------
        inputs : ndarray of shape (n, n_lags + n_periods)
        """
        m, s, d = (values[:, np.newaxis] for values in (scales.m, scales.s, scales.d))
        means = [before[:, -p:].mean(axis=1, keepdims=True) for p in self.periods]
        if self.base is None:
            return (np.log1p(np.hstack([before[:, -self.lags], *means])) - m) / s
        base = before[:, -self.base, np.newaxis]
        others = before[:, -self.lags[self.lags != self.base]]
        return np.hstack([(base - m) / s, (np.hstack([others, *means]) - base) / d])

    def shift_and_scale(self, before, scales):
        """Shift and scale of the next values, which the network learns without both."""
        if self.base is None:
            return np.zeros(len(before)), np.ones(len(before))
        return before[:, -self.base], np.broadcast_to(scales.d, len(before))


def scales_of(values, lag):
    """Location and scales of one series, whose differences are those at a lag.

    What does not vary has the next best scale, so that no scale is mere rounding.
    """
    size = np.nanmax(np.abs(values))
    m, s = moments(values)
    m_of_steps, d = moments(differences(values, lag))
    s = first_of(size, s, size)
    return m, s, first_of(size, d, abs(m_of_steps), s)


def first_of(size, *scales):
    """The first scale that is more than the rounding of values of that size, or 1."""
    return next((scale for scale in scales if scale > ROUNDING * size), 1.0)


def moments(values):
    """Mean and standard deviation of the values that are known, or zeros."""
    known = values[~np.isnan(values)]
    return (known.mean(), known.std()) if len(known) else (0.0, 0.0)


def differences(values, lag):
    """Differences from the values ``lag`` steps before, filled where these are missing."""
    return values[lag:] - filled(values)[:-lag]


def filled(values):
    """Values with those that are missing replaced by the last before, or the first."""
    known = ~np.isnan(values)
    last = np.maximum.accumulate(np.where(known, np.arange(len(values)), -1))
    return values[np.where(last < 0, known.argmax(), last)]


def previous_values(values, inputs):
    """The values before each step of a series but the first, filled where missing."""
    return np.lib.stride_tricks.sliding_window_view(filled(values), inputs.n_before)[:-1]


def naive_error(values):
    """Mean absolute difference from one value to the next, or 1."""
    error, _ = moments(np.abs(differences(values, 1)))
    return error if error > ROUNDING * np.nanmax(np.abs(values)) else 1.0
