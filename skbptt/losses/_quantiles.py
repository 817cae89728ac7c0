"""Several quantiles at once, which do not cross."""

import numpy as np

from ._base import weighted_mean, weighted_quantile
from ._pointwise import LEAST_SHARE, Parametric
from ._special import inverse_softplus, logistic, softplus


class Quantiles(Parametric):
    """Mean pinball loss of increasing quantiles (Koenker & Bassett, 1978).

    The raw outputs stand in the order of the quantiles. That of the middle one, the nearest
    to the median, is its prediction. The softplus of each other is the distance from its
    neighbour towards the middle, in units of the targets' spread: so no two can cross.

    The loss is linear in the predictions, up to kinks. So its Gauss-Newton matrix is zero.
    """

    degree = 1

    def __init__(self, quantiles):
        self.shares = np.asarray(quantiles, np.float64)
        self.n_raw = len(self.shares)
        self.middle = int(np.abs(self.shares - 0.5).argmin())

    def predict(self, raw):
        """Quantiles, of shape (n, n_outputs, n_quantiles)."""
        return np.moveaxis(self._quantiles(self._parts(raw)), 0, -1).astype(raw.dtype)

    def curvature(self, raw, raw_dot, y, weights):
        return np.zeros_like(raw)

    def prediction_slope(self, raw, share):
        slope = self._chain(share.T[:, np.newaxis], self._parts(raw))
        return np.concatenate(slope, axis=1).astype(raw.dtype)

    def _quantiles(self, parts):
        middle = self.middle
        steps = softplus(parts)
        steps[middle] = parts[middle]
        upper = np.cumsum(steps[middle:], axis=0)
        steps[middle] = -parts[middle]
        lower = -np.cumsum(steps[middle::-1], axis=0)[::-1]
        return np.concatenate([lower, upper[1:]])

    def _chain(self, slopes, parts):
        """Derivatives by the parts, from ``slopes``, those by the quantiles."""
        middle = self.middle
        factor = logistic(parts)
        above = np.cumsum(slopes[::-1], axis=0)[::-1] * factor
        below = -np.cumsum(slopes, axis=0) * factor
        total = slopes.sum(axis=0) * np.ones_like(parts[middle])
        return np.concatenate([below[:middle], [total], above[middle + 1 :]])

    def _pinball_slopes(self, quantiles, y):
        shares = self.shares[:, np.newaxis, np.newaxis]
        return np.where((quantiles - y).real > 0, 1 - shares, -shares)

    def _losses(self, parts, y):
        quantiles = self._quantiles(parts)
        return ((quantiles - y) * self._pinball_slopes(quantiles, y)).mean(axis=0)

    def _slopes(self, parts, y):
        slopes = self._pinball_slopes(self._quantiles(parts), y)
        return self._chain(slopes / self.n_raw, parts)

    def _location(self, y, weights):
        return weighted_quantile(y, weights, self.shares[self.middle])

    def _spread(self, r, weights):
        return weighted_mean(np.abs(r), weights)

    def _raw_units(self, location, scale):
        shift = np.zeros((self.n_raw, len(location)))
        factor = np.ones_like(shift)
        shift[self.middle], factor[self.middle] = location, scale
        return shift.ravel(), factor.ravel()

    def start(self, y, weights):
        """The quantiles, with distances that are not out of reach."""
        y = y.astype(np.float64)
        found = np.array([weighted_quantile(y, weights, share) for share in self.shares])
        least = LEAST_SHARE * self.units(y, weights).y_scale
        raw = inverse_softplus(np.maximum(np.diff(found, axis=0), least))
        return np.insert(raw, self.middle, found[self.middle], axis=0).ravel()
