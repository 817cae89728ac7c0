"""Likelihoods: minus the logarithm of the probability of what came.

The raw outputs of a target are parameters of its distribution. They may be any numbers:
what has to be positive, such as a scale, is a positive function of them.
"""

from abc import abstractmethod

import numpy as np
from scipy import stats
from scipy.optimize import minimize
from scipy.special import gammaln, polygamma, xlogy

from ._base import Units, weighted, weighted_mean
from ._pointwise import LEAST_SHARE, Huber, Parametric
from ._special import inverse_softplus, log1p, logistic, softplus, stirling

HALF_LOG_2PI = 0.5 * np.log(2 * np.pi)

# Scales stay above this share of the targets' spread, or the likelihood of targets without
# noise would have no bound.
LEAST_SCALE = 1e-6

# Degrees of freedom stay above this number, so that the variance is finite.
LEAST_DF = 2.1

# Dispersions stay above this number, with which the distribution is as good as Poisson's.
LEAST_DISPERSION = 1e-8

# Training starts with degrees of freedom and dispersions up to about this number: from far
# larger ones there is no way back in time.
MOST_AT_START = 20.0

# Nodes of a quadrature for expectations.
NODES, NODE_WEIGHTS = np.polynomial.laguerre.laggauss(8)


class Likelihood(Parametric):
    """-log p(y) of a distribution of scipy.stats.

    The positive semi-definite matrix that replaces the Hessian is the Fisher information of
    the distribution, which is the expectation of the Hessian under it (Martens, 2020).
    """

    degree = 0
    least = -np.inf

    @abstractmethod
    def _moments(self, parts):
        """Mean and standard deviation."""

    @abstractmethod
    def _distribution(self, parts):
        """Parameters of the ``family``, by name."""

    @abstractmethod
    def _information(self, parts):
        """Entries of the Fisher information, by pairs of parts; the others are zero."""

    def predict(self, raw):
        return self.moments(raw)[0]

    def moments(self, raw):
        """Means and standard deviations."""
        return tuple(v.astype(raw.dtype) for v in self._moments(self._parts(raw)))

    def distribution(self, raw):
        """Parameters of the ``family``, in double precision."""
        return self._distribution(self._parts(raw))

    def curvature(self, raw, raw_dot, y, weights):
        parts, direction = self._parts(raw), self._parts(raw_dot)
        product = np.zeros(parts.shape)
        for (i, j), entry in self._information(parts).items():
            product[i] += entry * direction[j]
            if i != j:
                product[j] += entry * direction[i]
        product = np.concatenate(product, axis=1) / y.shape[1]
        return weighted(product.astype(raw.dtype), weights)

    def share_left(self, loss, constant):
        """The unexplained share of the variance (Cox & Snell, 1989, page 208)."""
        return np.exp(2 * (loss - constant))

    def prediction_slope(self, raw, share):
        slope = np.zeros_like(raw)
        slope[:, : len(share)] = share
        return slope

    def _most_likely(self, y, weights, guess, bounds):
        """The constant parts of the greatest likelihood, of shape (n_raw, n_outputs).

        ``guess`` and ``bounds`` hold one array, and one pair of arrays, for each part.
        """
        weights = np.broadcast_to(weights.reshape(len(weights), -1), y.shape)
        weights = np.where(weights.any(axis=0), weights, 1).astype(np.float64)

        def value_and_gradient(raw, y, weights):
            raw = np.broadcast_to(raw, (len(y), self.n_raw))
            return weights @ self.value(raw, y), weights @ self.gradient(raw, y)

        found = [
            minimize(
                value_and_gradient,
                [part[k] for part in guess],
                (y[:, [k]], weights[:, k] / weights[:, k].sum()),
                jac=True,
                method="L-BFGS-B",
                bounds=[(low[k], high[k]) for low, high in bounds],
                options={"ftol": 1e-15, "gtol": 1e-9},
            ).x
            for k in range(y.shape[1])
        ]
        return np.transpose(found)


class LocationScale(Likelihood):
    """A likelihood of a location and a scale, which are the first two raw outputs.

    The second is the logarithm of the scale, but for a floor: scale² = LEAST_SCALE² +
    exp(raw)².
    """

    def _raw_units(self, location, scale):
        zeros = np.zeros_like(scale)
        others = [zeros] * (self.n_raw - 2)
        shift = np.concatenate([location, np.log(scale), *others])
        return shift, np.concatenate([scale, *[zeros + 1] * (self.n_raw - 1)])

    def start(self, y, weights):
        units = self.units(y, weights)
        standard = (y.astype(np.float64) - units.y_shift) / units.y_scale
        return units.raw_shift + units.raw_scale * self._constant(standard, weights).ravel()

    @abstractmethod
    def _constant(self, y, weights):
        """The best constant parts, of shape (n_raw, n_outputs), for standardised y."""

    def _scaled(self, parts, y):
        """Residuals in units of the scale, and that unit and its logarithm."""
        log_scale = log_scale_of(parts[1])
        per_scale = np.exp(-log_scale)
        return (y - parts[0]) * per_scale, per_scale, log_scale


class Gaussian(LocationScale):
    """Normal distribution; the raw outputs are mean and log-scale."""

    n_raw = 2
    family = stats.norm

    def _losses(self, parts, y):
        z, _, log_scale = self._scaled(parts, y)
        return 0.5 * z * z + log_scale + HALF_LOG_2PI

    def _slopes(self, parts, y):
        z, per_scale, _ = self._scaled(parts, y)
        return -z * per_scale, (1 - z * z) * log_scale_slope(parts[1])

    def _information(self, parts):
        precision = np.exp(-2 * log_scale_of(parts[1]))
        return {(0, 0): precision, (1, 1): 2 * log_scale_slope(parts[1]) ** 2}

    def _moments(self, parts):
        return parts[0], np.exp(log_scale_of(parts[1]))

    def _distribution(self, parts):
        return {"loc": parts[0], "scale": np.exp(log_scale_of(parts[1]))}

    def _constant(self, y, weights):
        return np.zeros((2, y.shape[1]))  # the units are mean and standard deviation


class StudentT(LocationScale):
    """Student's t; the raw outputs are location, log-scale and softplus^-1(df - LEAST_DF).

    The Fisher information is that of Lange, Little & Taylor (1989), appendix B.
    """

    n_raw = 3
    family = stats.t

    # Outliers do not bear on them.
    _location, _spread = Huber._location, Huber._spread

    def _losses(self, parts, y):
        z, _, log_scale = self._scaled(parts, y)
        df = df_of(parts[2])
        x = 0.5 * df
        # log Gamma(x + 1/2) - log Gamma(x) - log(x) / 2
        gammas = x * log1p(0.5 / x) - 0.5 + stirling(x + 0.5)[0] - stirling(x)[0]
        tails = (x + 0.5) * log1p(z * z / df)
        return log_scale + HALF_LOG_2PI - gammas + tails

    def _slopes(self, parts, y):
        z, per_scale, _ = self._scaled(parts, y)
        df = df_of(parts[2])
        x, square = 0.5 * df, z * z
        pull = (df + 1) / (df + square)
        gammas = log1p(0.5 / x) - 1 / (df + 1) + stirling(x + 0.5)[1] - stirling(x)[1]
        by_df = 0.5 * (log1p(square / df) - gammas - pull * square / df)
        return (
            -pull * z * per_scale,
            (1 - pull * square) * log_scale_slope(parts[1]),
            by_df * logistic(parts[2]),
        )

    def _information(self, parts):
        df = df_of(parts[2])
        by_scale, by_df = log_scale_slope(parts[1]), logistic(parts[2])
        of_scale, mixed = 2 * df / (df + 3), -2 / ((df + 1) * (df + 3))
        of_df = 0.25 * (polygamma(1, 0.5 * df) - polygamma(1, 0.5 * (df + 1)))
        of_df -= (df + 5) / (2 * df * (df + 1) * (df + 3))
        # Where all digits cancel, it shall stay semi-definite.
        of_df = np.maximum(of_df, mixed**2 / of_scale)
        return {
            (0, 0): (df + 1) / (df + 3) * np.exp(-2 * log_scale_of(parts[1])),
            (1, 1): of_scale * by_scale**2,
            (1, 2): mixed * by_scale * by_df,
            (2, 2): of_df * by_df**2,
        }

    def _moments(self, parts):
        df = df_of(parts[2])
        return parts[0], np.exp(log_scale_of(parts[1])) * np.sqrt(df / (df - 2))

    def _distribution(self, parts):
        scale = np.exp(log_scale_of(parts[1]))
        return {"df": df_of(parts[2]), "loc": parts[0], "scale": scale}

    def _constant(self, y, weights):
        ones = np.ones(y.shape[1])
        free = -np.inf * ones, np.inf * ones
        scales = np.log(LEAST_SHARE) * ones, np.inf * ones
        df = inverse_softplus(0.1) * ones, MOST_AT_START * ones
        return self._most_likely(y, weights, (0 * ones, 0 * ones, ones), (free, scales, df))


class NegativeBinomial(Likelihood):
    """Negative binomial distribution of counts, with variance m + dispersion m².

    The raw outputs are log(m) and softplus^-1(dispersion - LEAST_DISPERSION). Evaluated as
    a deviance and small terms (Loader, 2000), which stays exact towards Poisson's.
    """

    n_raw = 2
    activation = "exp"
    family = stats.nbinom

    def units(self, y, weights):
        return Units()

    def _losses(self, parts, y):
        size, log_odds = size_of(parts)
        ratio = log1p(y / size)
        deviance = (y + size) * (softplus(log_odds) - ratio) - y * parts[0] + xlogy(y, y)
        of_y = gammaln(y + 1) - xlogy(y, y) + y
        return deviance + of_y + 0.5 * ratio + stirling(size)[0] - stirling(size + y)[0]

    def _slopes(self, parts, y):
        size, log_odds = size_of(parts)
        of_mean = size * logistic(log_odds) - y * logistic(-log_odds)
        gammas = log1p(y / size) + 0.5 / size - 0.5 / (size + y)
        gammas = gammas + stirling(size + y)[1] - stirling(size)[1]
        of_log = of_mean - size * (softplus(log_odds) - gammas)
        return of_mean, of_log * size * logistic(parts[1])

    def _information(self, parts):
        size, log_odds = size_of(parts)
        share = logistic(log_odds)
        u = -np.expm1(-NODES[:, np.newaxis, np.newaxis] / size)
        u_share = np.minimum(share * u, 1 - 1e-15)
        logs = np.maximum((-log1p(-u_share) - u_share) / u, 0)
        of_log = size * np.tensordot(NODE_WEIGHTS, logs, axes=1)
        by_raw = size * logistic(parts[1])
        return {(0, 0): size * share, (1, 1): of_log * by_raw**2}

    def _moments(self, parts):
        size, _ = size_of(parts)
        mean = np.exp(parts[0])
        return mean, np.sqrt(mean + mean * mean / size)

    def _distribution(self, parts):
        size, log_odds = size_of(parts)
        return {"n": size, "p": logistic(-log_odds)}

    def start(self, y, weights):
        y = y.astype(np.float64)
        mean = np.maximum(weighted_mean(y, weights), LEAST_SHARE)
        variance = weighted_mean((y - mean) ** 2, weights)
        least = np.maximum(LEAST_SHARE / mean, 2 * LEAST_DISPERSION)
        dispersion = ((variance - mean) / mean**2).clip(least, MOST_AT_START)
        low, guess = (inverse_softplus(v - LEAST_DISPERSION) for v in (least, dispersion))
        high = np.full_like(low, MOST_AT_START)
        log_mean = np.log(mean)
        means = log_mean, log_mean  # whatever the dispersion
        found = self._most_likely(y, weights, (log_mean, guess), (means, (low, high)))
        return found.ravel()


def log_scale_of(raw):
    floor = np.log(LEAST_SCALE)
    return floor + 0.5 * softplus(2 * (raw - floor))


def log_scale_slope(raw):
    return logistic(2 * (raw - np.log(LEAST_SCALE)))


def df_of(raw):
    return LEAST_DF + softplus(raw)


def size_of(parts):
    """1 / dispersion, and log(mean * dispersion)."""
    dispersion = LEAST_DISPERSION + softplus(parts[1])
    return 1 / dispersion, parts[0] + np.log(dispersion)
