"""Pointwise losses of raw outputs, with gradient and link; none has seen a network.

Raw outputs have shape (n, n_outputs), targets the same or, for one output or class codes,
(n,). ``value`` has shape (n,): a mean over the outputs in regression, a sum over the labels
in classification. All run on complex raw outputs.

Losses with several raw outputs per target have raw outputs of shape (n, n_raw * n_outputs):
the first of all targets, then the second of all, and so on.
"""

from abc import abstractmethod

import numpy as np
from scipy import stats
from scipy.special import expit, xlogy

from ._base import (
    Loss,
    ScaledInUnits,
    TargetUnits,
    positive_or_one,
    weighted_mean,
    weighted_quantile,
)
from ._special import logistic, softplus

# Training starts from the mean rate or the shares of classes, with none out of reach.
LEAST_SHARE = 0.01

# The standard deviation of a normal distribution, in median absolute deviations.
SIGMA_OF_MAD = 1.4826


class Regression(Loss):
    """A loss of several outputs: the mean of one function of y and raw output."""

    activation = "identity"

    @abstractmethod
    def _value(self, raw, y):
        """Elementwise loss."""

    @abstractmethod
    def _gradient(self, raw, y):
        """Its derivative with respect to ``raw``."""

    def each(self, raw, y):
        return self._value(raw, y)

    def value(self, raw, y):
        return self._value(raw, y).mean(axis=1)

    def gradient(self, raw, y):
        return self._gradient(raw, y) / y.shape[1]

    def predict(self, raw):
        """Predictions, from raw outputs."""
        return raw

    def start(self, y, weights):
        """The constant raw output with which training starts, the best one."""
        return self._location(y, weights)

    def units(self, y, weights):
        """The units in which to learn targets that are given in full precision."""
        y = y.astype(np.float64)
        location = self._location(y, weights)
        scale = positive_or_one(self._spread(y - location, weights), location)
        loss = float(np.mean(scale**self.degree))
        offset = 0.0 if self.degree else float(np.mean(np.log(scale)))
        raw_shift, raw_scale = self._raw_units(location, scale)
        return TargetUnits(location, scale, raw_shift, raw_scale, loss, offset)

    # The power of the unit of y that is the unit of the loss; 0 if its logarithm is added.
    degree = 2

    def _raw_units(self, location, scale):
        """Shift and scale of the raw outputs, for those of the targets."""
        return location, scale

    def _location(self, y, weights):
        return weighted_mean(y, weights)

    def _spread(self, r, weights):
        """Spread of the distances ``r`` from the location."""
        top = np.maximum(np.abs(r).max(axis=0), np.finfo(np.float64).tiny)
        return top * np.sqrt(weighted_mean((r / top) ** 2, weights))


class Parametric(Regression):
    """A loss with several raw outputs per target, computed in double precision.

    Not all of them have the unit of the target. So predictions are made in the units of
    training, and then scaled.
    """

    @abstractmethod
    def _losses(self, parts, y):
        """Losses of shape (n, n_outputs), from ``parts`` of shape (n_raw, n, n_outputs)."""

    @abstractmethod
    def _slopes(self, parts, y):
        """Their derivatives with respect to each of the parts."""

    def _value(self, raw, y):
        values = self._losses(self._parts(raw), y.astype(np.float64))
        return values.astype(raw.dtype)

    def _gradient(self, raw, y):
        slopes = self._slopes(self._parts(raw), y.astype(np.float64))
        return np.concatenate(slopes, axis=1).astype(raw.dtype)

    def _parts(self, raw):
        parts = raw.astype(np.result_type(raw, np.float64), copy=False)
        return parts.reshape(len(raw), self.n_raw, -1).swapaxes(0, 1)

    def in_units(self, units):
        return ScaledInUnits(self, units)


class SquaredError(Regression):
    """(raw - y)² / 2."""

    def _value(self, raw, y):
        return 0.5 * (raw - y) ** 2

    def _gradient(self, raw, y):
        return raw - y


class AbsoluteError(Regression):
    """abs(raw - y), whose minimiser is the median."""

    degree = 1
    share = 0.5

    def _value(self, raw, y):
        return (raw - y) * self._gradient(raw, y)

    def _gradient(self, raw, y):
        return np.sign((raw - y).real).astype(raw.dtype)

    def _location(self, y, weights):
        return weighted_quantile(y, weights, self.share)

    def _spread(self, r, weights):
        return weighted_mean(np.abs(r), weights)


class Huber(Regression):
    """(raw - y)² / 2 where that distance is below 1, and its tangent beyond.

    In units of the targets' spread, as in Huber's regression: their median absolute
    deviation, scaled to that of a normal distribution.
    """

    def _value(self, raw, y):
        r = raw - y
        slope = self._gradient(raw, y)
        return slope * (r - 0.5 * slope)

    def _gradient(self, raw, y):
        r = raw - y
        return np.where(np.abs(r.real) <= 1, r, np.sign(r.real))

    def _location(self, y, weights):
        return weighted_quantile(y, weights, 0.5)

    def _spread(self, r, weights):
        spread = SIGMA_OF_MAD * weighted_quantile(np.abs(r), weights, 0.5)
        # Zero where half of the targets are equal.
        return np.where(spread > 0, spread, weighted_mean(np.abs(r), weights))


class Quantile(AbsoluteError):
    """Pinball loss, whose minimiser is the given quantile (Koenker & Bassett, 1978)."""

    def __init__(self, quantile):
        self.share = quantile

    def _gradient(self, raw, y):
        above = np.where((raw - y).real > 0, 1 - self.share, -self.share)
        return above.astype(raw.dtype)


class Poisson(Regression):
    """Half the Poisson deviance, with prediction exp(raw)."""

    activation = "exp"
    family = stats.poisson

    def _value(self, raw, y):
        return np.exp(raw) - y * raw + (xlogy(y, y) - y)

    def _gradient(self, raw, y):
        return np.exp(raw) - y

    def predict(self, raw):
        return np.exp(raw)

    def moments(self, raw):
        """Means and standard deviations."""
        return np.exp(raw), np.exp(0.5 * raw)

    def distribution(self, raw):
        """Parameters of the ``family``."""
        return {"mu": np.exp(raw)}

    def start(self, y, weights):
        return np.log(np.maximum(super().start(y, weights), LEAST_SHARE))

    def units(self, y, weights):
        mean = positive_or_one(weighted_mean(y, weights), 0)
        zero, one = np.zeros_like(mean), np.ones_like(mean)
        return TargetUnits(zero, mean, np.log(mean), one, float(mean.mean()))


class BinaryCrossEntropy(Loss):
    """Cross-entropy of independent labels, with probability logistic(raw)."""

    activation = "logistic"

    def each(self, raw, y):
        return self._value(raw, y) * raw.shape[1]

    def value(self, raw, y):
        return self._value(raw, y).sum(axis=1)

    def _value(self, raw, y):
        return softplus(np.where(y.reshape(raw.shape) == 1, -raw, raw))

    def gradient(self, raw, y):
        # What is wrong with the probability of the true label, right to rounding also
        # where it is small.
        true = y.reshape(raw.shape) == 1
        missing = logistic(np.where(true, -raw, raw))
        return np.where(true, -missing, missing)

    def predict(self, raw):
        return expit(raw)  # right to rounding also where it is small

    def start(self, y, weights):
        p = weighted_mean(y, weights).clip(LEAST_SHARE, 1 - LEAST_SHARE)
        return np.log(p / (1 - p))


class CrossEntropy(Loss):
    """Cross-entropy of one class among several, with probabilities softmax(raw)."""

    activation = "softmax"

    def __init__(self, n_classes):
        self.n_classes = n_classes

    def each(self, raw, y):
        raise NotImplementedError("A class has one weight, whatever its outputs.")

    def value(self, raw, y):
        # log(sum of exp(raw - raw_y)), with the largest term set apart.
        rows = np.arange(len(y))
        top = raw.real.argmax(axis=1)
        others = np.exp(raw - raw[rows, top, np.newaxis])
        others[rows, top] = 0
        return raw[rows, top] - raw[rows, y] + np.log1p(others.sum(axis=1))

    def gradient(self, raw, y):
        p = self.predict(raw)
        rows = np.arange(len(y))
        p[rows, y] = 0
        p[rows, y] = -p.sum(axis=1)  # p - 1, but right to rounding where p is near 1
        return p

    def predict(self, raw):
        e = np.exp(raw - raw.real.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    def start(self, y, weights):
        sums = np.bincount(y, weights, minlength=self.n_classes)
        shares = sums / sums.sum()
        return np.log(shares.clip(LEAST_SHARE))
