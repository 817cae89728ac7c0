"""Pointwise losses of raw outputs, with gradient and link; none has seen a network.

Raw outputs have shape (n, n_outputs), targets the same or, for one output or class codes,
(n,). ``value`` has shape (n,): a mean over the outputs in regression, a sum over the labels
in classification. All run on complex raw outputs.
"""

from abc import ABC, abstractmethod

import numpy as np
from scipy.special import expit

from ._activations import logistic

# Training starts from the mean target, but with no class or rate out of reach.
LEAST_SHARE = 0.01


class Regression(ABC):
    """A loss of several outputs: the mean of one function of y and raw output."""

    activation = "identity"

    @abstractmethod
    def _value(self, raw, y):
        """Elementwise loss."""

    @abstractmethod
    def _gradient(self, raw, y):
        """Its derivative with respect to ``raw``."""

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
    """Half the Poisson deviance, up to a constant, with prediction exp(raw)."""

    activation = "exp"

    def _value(self, raw, y):
        return np.exp(raw) - y * raw

    def _gradient(self, raw, y):
        return np.exp(raw) - y

    def predict(self, raw):
        return np.exp(raw)

    def start(self, y, weights):
        return np.log(np.maximum(super().start(y, weights), LEAST_SHARE))


class BinaryCrossEntropy:
    """Cross-entropy of independent labels, with probability logistic(raw)."""

    activation = "logistic"

    def value(self, raw, y):
        y = y.reshape(raw.shape).astype(raw.real.dtype)
        # log(1 + exp(raw)) - y raw, where exp cannot overflow.
        magnitude = np.where(raw.real > 0, raw, -raw)
        softplus = np.where(raw.real > 0, raw, 0) + np.log1p(np.exp(-magnitude))
        return (softplus - y * raw).sum(axis=1)

    def gradient(self, raw, y):
        return logistic(raw) - y.reshape(raw.shape).astype(raw.real.dtype)

    def predict(self, raw):
        return expit(raw)  # right to rounding also where it is small

    def start(self, y, weights):
        p = weighted_mean(y, weights).clip(LEAST_SHARE, 1 - LEAST_SHARE)
        return np.log(p / (1 - p))


class CrossEntropy:
    """Cross-entropy of one class among several, with probabilities softmax(raw)."""

    activation = "softmax"

    def __init__(self, n_classes):
        self.n_classes = n_classes

    def value(self, raw, y):
        raw = raw - raw.real.max(axis=1, keepdims=True)
        return np.log(np.exp(raw).sum(axis=1)) - raw[np.arange(len(y)), y]

    def gradient(self, raw, y):
        p = self.predict(raw)
        p[np.arange(len(y)), y] -= 1
        return p

    def predict(self, raw):
        e = np.exp(raw - raw.real.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    def start(self, y, weights):
        sums = np.bincount(y, weights, minlength=self.n_classes)
        shares = sums / sums.sum()
        return np.log(shares.clip(LEAST_SHARE))


def weighted_mean(y, weights):
    return np.average(y, axis=0, weights=weights.astype(np.float64))
