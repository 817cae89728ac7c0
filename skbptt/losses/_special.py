"""Special functions of losses, right to rounding for real numbers and fit for complex ones.

Complex numbers have steps for imaginary parts, and functions branch on their real parts.
"""

import numpy as np

# Coefficients of Stirling's series, B_2k / (2k (2k - 1)), the highest power first.
SERIES = np.array([-691 / 360360, 1 / 1188, -1 / 1680, 1 / 1260, -1 / 360, 1 / 12])
POWERS = np.array([11, 9, 7, 5, 3, 1])

# Numbers from which the series is exact to rounding.
LARGE = 10


def log1p(z):
    """log(1 + z), whose real part NumPy rounds for complex numbers near zero."""
    if not np.iscomplexobj(z):
        return np.log1p(z)
    return np.log1p(z.real) + 1j * (z.imag / (1 + z.real))


def softplus(z):
    """log(1 + exp(z)), where exp cannot overflow."""
    over = z.real > 0
    return np.where(over, z, 0) + log1p(np.exp(np.where(over, -z, z)))


def inverse_softplus(x):
    return x + np.log(-np.expm1(-x))


def logistic(z):
    """1 / (1 + exp(-z)), the derivative of softplus, right also where it is small."""
    over = z.real > 0
    e = np.exp(np.where(over, -z, z))
    return np.where(over, 1, e) / (1 + e)


def stirling(x):
    """Remainder of Stirling's formula for x > 0, and its derivative.

    It is log Gamma(x) - (x - 1/2) log(x) + x - log(2 pi) / 2. So differences of logarithms
    of Gamma functions keep their digits where these are large.
    """
    small = x.real < LARGE
    inverse = 1 / np.where(small, x + LARGE, x)
    square = inverse * inverse
    value = inverse * np.polyval(SERIES, square)
    slope = -square * np.polyval(SERIES * POWERS, square)
    if small.any():
        # From Gamma(x + 10) = x (x + 1) ... (x + 9) Gamma(x).
        x = x[small]
        steps = x + np.arange(LARGE)[:, np.newaxis]
        above, log_x, log_above = x + LARGE, np.log(x), np.log(x + LARGE)
        value[small] += (above - 0.5) * log_above - (x - 0.5) * log_x - LARGE
        value[small] -= np.log(steps.prod(axis=0))
        slope[small] += log_above - log_x + 0.5 / x - 0.5 / above - (1 / steps).sum(axis=0)
    return value, slope
