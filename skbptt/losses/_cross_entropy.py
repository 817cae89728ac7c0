"""Cross-entropies of one class among thousands: value and gradient in one pass."""

import numpy as np

from ..loops import _engine
from ._pointwise import CrossEntropy

try:
    from ..loops._loops import cross_entropy as cross_entropy_compiled
except ImportError:  # There was no compiler when the package was installed.
    cross_entropy_compiled = None

# Numbers of raw outputs that stay in the cache.
BLOCK = 1 << 16


def cross_entropy(raw, y, weights=None):
    """Cross-entropies of rows, and the gradient of their weighted sum in place of ``raw``.

    They are those of :class:`CrossEntropy`. With one exponential for both, results differ
    in the last bits.

    Parameters
    ----------
    raw : ndarray of shape (n, n_classes)
        Complex numbers are allowed.
    y : ndarray of int of shape (n,)
    weights : ndarray of shape (n,), default=None
        None for no gradient: ``raw`` stays.

    Returns
    -------
    values : ndarray of shape (n,)
    """
    if _engine.LOOPS is not None and raw.dtype.char in "fd":
        return cross_entropy_compiled(_engine.LOOPS, raw, y, weights)
    if weights is None:
        return CrossEntropy(raw.shape[1]).value(raw, y)
    return cross_entropy_in_numpy(raw, y, weights)


def cross_entropy_in_numpy(raw, y, weights):
    """As :func:`cross_entropy`, with weights."""
    values = np.empty(len(y), raw.dtype)
    n = max(1, BLOCK // raw.shape[1])
    for start in range(0, len(y), n):
        block = slice(start, start + n)
        z, true = raw[block], y[block]
        rows = np.arange(len(z))
        top = z.real.argmax(axis=1)
        highest = z[rows, top]
        values[block] = highest - z[rows, true]
        z -= highest[:, np.newaxis]
        np.exp(z, out=z)
        z[rows, top] = 0
        others = z.sum(axis=1)
        values[block] += np.log1p(others)
        # p - 1 for the true class, but right to rounding where p is near 1.
        wrong = np.where(true == top, others, 1 + others - z[rows, true])
        z[rows, top] = 1
        z[rows, true] = -wrong
        z *= (weights[block] / (1 + others))[:, np.newaxis]
    return values
