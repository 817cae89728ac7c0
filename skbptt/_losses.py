"""Pointwise losses of raw outputs, with gradient and link; none has seen a network.

Raw outputs have shape (n, n_outputs), targets the same or, for one output or class codes,
(n,). ``value`` has shape (n,): a mean over the outputs in regression, a sum over the labels
in classification. All run on complex raw outputs.
"""

from abc import ABC, abstractmethod

import numpy as np
from scipy.special import expit, xlogy

# Training starts from the mean target, but with no class or rate out of reach.
LEAST_SHARE = 0.01


class Loss(ABC):
    """A loss with weights: one for each target, or one for each output of a target."""

    @abstractmethod
    def value(self, raw, y):
        """Losses of the targets, of shape (n,)."""

    @abstractmethod
    def each(self, raw, y):
        """Losses of the outputs, of shape (n, n_outputs), whose mean is ``value``."""

    @abstractmethod
    def gradient(self, raw, y):
        """Derivative of ``value`` with respect to ``raw``, of its shape."""

    def weighted_sum(self, raw, y, weights):
        """Sum of the losses times their weights; a target counts its outputs' mean."""
        values = self._values(raw, y, weights)
        return np.dot(weights.ravel(), values.ravel()) / (weights.size // len(weights))

    def weighted_average(self, raw, y, weights):
        """The sum over the weights that the targets have on average."""
        return np.average(self._values(raw, y, weights), weights=weights)

    def weighted_gradient(self, raw, y, weights):
        """Derivative of ``weighted_sum`` with respect to ``raw``."""
        return weights.reshape(len(weights), -1) * self.gradient(raw, y)

    def _values(self, raw, y, weights):
        return self.value(raw, y) if weights.ndim == 1 else self.each(raw, y)


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
        return self._gradient(raw, y) / raw.shape[1]

    def predict(self, raw):
        """Predictions, from raw outputs."""
        return raw

    def start(self, y, weights):
        """The constant raw output with which training starts."""
        return weighted_mean(y, weights)


class SquaredError(Regression):
    """(raw - y)² / 2."""

    def _value(self, raw, y):
        return 0.5 * (raw - y) ** 2

    def _gradient(self, raw, y):
        return raw - y


class AbsoluteError(Regression):
    """abs(raw - y), whose minimiser is the median."""

    def _value(self, raw, y):
        return (raw - y) * self._gradient(raw, y)

    def _gradient(self, raw, y):
        return np.sign((raw - y).real).astype(raw.dtype)


class Huber(Regression):
    """(raw - y)² / 2 where that distance is below 1, and its tangent beyond."""

    def _value(self, raw, y):
        r = raw - y
        slope = self._gradient(raw, y)
        return slope * (r - 0.5 * slope)

    def _gradient(self, raw, y):
        r = raw - y
        return np.where(np.abs(r.real) <= 1, r, np.sign(r.real))


class Quantile(AbsoluteError):
    """Pinball loss, whose minimiser is the given quantile (Koenker & Bassett, 1978)."""

    def __init__(self, quantile):
        self.quantile = quantile

    def _gradient(self, raw, y):
        above = np.where((raw - y).real > 0, 1 - self.quantile, -self.quantile)
        return above.astype(raw.dtype)


class Poisson(Regression):
    """Half the Poisson deviance, with prediction exp(raw)."""

    activation = "exp"

    def _value(self, raw, y):
        return np.exp(raw) - y * raw + (xlogy(y, y) - y)

    def _gradient(self, raw, y):
        return np.exp(raw) - y

    def predict(self, raw):
        return np.exp(raw)

    def start(self, y, weights):
        return np.log(np.maximum(super().start(y, weights), LEAST_SHARE))


class BinaryCrossEntropy(Loss):
    """Cross-entropy of independent labels, with probability logistic(raw)."""

    activation = "logistic"

    def each(self, raw, y):
        return self._value(raw, y) * raw.shape[1]

    def value(self, raw, y):
        return self._value(raw, y).sum(axis=1)

    def _value(self, raw, y):
        # log(1 + exp(z)), where exp cannot overflow.
        z = np.where(y.reshape(raw.shape) == 1, -raw, raw)
        over = z.real > 0
        return np.where(over, z, 0) + np.log1p(np.exp(np.where(over, -z, z)))

    def gradient(self, raw, y):
        # What is wrong with the probability of the true label, right to rounding also
        # where it is small.
        true = y.reshape(raw.shape) == 1
        z = np.where(true, -raw, raw)
        e = np.exp(np.where(z.real > 0, -z, z))
        missing = np.where(z.real > 0, 1, e) / (1 + e)
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


def weighted_mean(y, weights):
    """Mean of each output; of one that has no weight, as if all weights were equal."""
    weights = np.where(weights.any(axis=0), weights, 1)
    return np.average(y, axis=0, weights=weights.astype(np.float64))
