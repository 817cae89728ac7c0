"""Metrics of predictions with their uncertainty: of distributions and of intervals."""

from collections.abc import Callable

import numpy as np
from scipy import stats
from scipy.special import betaln, expit, ive

from ..data import runs_along_steps
from ._steps import stack_steps

# A grid of log-odds on which the trapezoid rule is exact to rounding.
STEP = 0.5
LOG_ODDS = np.arange(-110, 75, STEP)


def crps(y_true, y_pred, *, sample_weight=None):
    r"""Continuous ranked probability score of predicted distributions.

    The mean of

    .. math:: \int (F(x) - 1\{x \ge y\})^2 \, dx
              = \mathrm{E} |x - y| - \tfrac{1}{2} \mathrm{E} |x - x'|

    over all targets y, for their predicted distribution functions F and two independent
    draws x and x' [1]_. It is in the unit of y. For a distribution with a single value, it
    is the absolute error.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_outputs), or step targets
        Targets. Step targets are as in :func:`stack_steps`.
    y_pred : frozen distribution of scipy.stats, object array of such, or array-like
        As returned by ``predict_distribution``: normal, Student's t, Poisson or negative
        binomial distributions, in the form of y_true. Or draws from any distribution, along
        an additional last axis; the score is then that of the empirical distribution.
    sample_weight : array-like, default=None
        Weights, as in :func:`stack_steps`.

    Returns
    -------
    score : float
        The best value is 0.

    Raises
    ------
    TypeError
        If y_pred is a distribution of another family.
    ValueError
        If numbers of samples, steps or outputs differ, or a target is missing whose weight
        is not 0.

    See Also
    --------
    sklearn.metrics.mean_pinball_loss : Of one quantile; twice its mean over all quantiles
        is this score.

    References
    ----------
    .. [1] Gneiting, T. & Raftery, A. (2007). Strictly proper scoring rules, prediction, and
       estimation. Journal of the American Statistical Association 102(477), 359-378.
    .. [2] Jordan, A., Krüger, F. & Lerch, S. (2019). Evaluating probabilistic forecasts
       with scoringRules. Journal of Statistical Software 90(12). Closed forms.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy import stats
    >>> from skbptt.metrics import crps
    >>> y, draws = np.array([0.0, 1.0]), np.random.default_rng(0).normal(size=(2, 5000))
    >>> round(crps(y, stats.norm([0.0, 0.0], [1.0, 1.0])), 1)
    0.4
    >>> round(crps(y, draws), 1)
    0.4
    """
    family, values = parameters_of(y_pred, y_true)
    if family not in SCORES:
        raise TypeError(
            "y_pred must be distributions of the same family, one of "
            f"{sorted(filter(None, SCORES))} of scipy.stats, or draws from any, such as "
            f"distribution.rvs((1000, n)).T. Got {family!r}."
        )
    y, values, weights = stacked(y_true, values, sample_weight)
    return averaged(SCORES[family](y, **values), weights)


def interval_coverage(y_true, lower, upper, *, sample_weight=None):
    """Fraction of the targets that lie in their predicted intervals, including the ends.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_outputs), or step targets
        Targets. Step targets are as in :func:`stack_steps`.
    lower, upper : array-like of the shape of y_true
        Ends of the intervals.
    sample_weight : array-like, default=None
        Weights, as in :func:`stack_steps`.

    Returns
    -------
    coverage : float
        Between 0 and 1. The best value is the nominal coverage of the intervals.

    Raises
    ------
    ValueError
        If numbers of samples, steps or outputs differ, or a target is missing whose weight
        is not 0.

    Examples
    --------
    >>> from skbptt.metrics import interval_coverage
    >>> interval_coverage([1.0, 2.0, 3.0, 4.0], [0, 0, 0, 0], [2.0, 2.0, 2.0, 5.0])
    0.75
    """
    ends = {"lower": lower, "upper": upper}
    y, ends, weights = stacked(y_true, ends, sample_weight)
    return averaged((ends["lower"] <= y) & (y <= ends["upper"]), weights)


def parameters_of(y_pred, y_true):
    """The family of frozen distributions, and their parameters by name.

    None, and the values themselves, of draws.
    """
    if hasattr(y_pred, "dist"):
        return y_pred.dist.name, parameters_of_one(y_pred, y_true)
    families = {one.dist.name for one in y_pred if hasattr(one, "dist")}
    if not families:
        return None, {"draws": y_pred}
    if len(y_pred) != len(y_true):
        raise ValueError(
            f"y_true has {len(y_true)} sequences, but y_pred has {len(y_pred)} "
            "distributions."
        )
    each = [parameters_of_one(one, y) for one, y in zip(y_pred, y_true)]
    values = {name: [one[name] for one in each] for name in each[0]}
    return " and ".join(sorted(families)), values


def parameters_of_one(distribution, y_true):
    """Parameters of a frozen distribution by name, each in the shape of the targets."""
    shapes = distribution.dist.shapes
    names = [*(shapes.split(", ") if shapes else ()), "loc", "scale"]
    given = {"loc": 0.0} | dict(zip(names, distribution.args)) | distribution.kwds
    return {name: np.broadcast_to(v, np.shape(y_true)) for name, v in given.items()}


def stacked(y_true, values, sample_weight):
    """Targets, what was predicted of them, and weights, with a row for each step."""
    if not runs_along_steps(y_true):  # each is a step of its own
        y_true = np.reshape(y_true, (-1, 1))
        values = {name: np.asarray(v)[:, np.newaxis] for name, v in values.items()}
    rows = {}
    for name, value in values.items():
        y, rows[name], weights = stack_steps(y_true, value, sample_weight)
    return y, rows, weights


def averaged(scores, weights):
    """Mean of the scores of targets, or of their outputs, with their weights."""
    if weights is not None and weights.ndim < scores.ndim:
        scores = scores.mean(axis=1)
    return float(np.average(scores, weights=weights))


def crps_of_draws(y, draws):
    if draws.ndim != y.ndim + 1:
        raise ValueError(
            "y_pred must be frozen distributions, or draws along a last axis that y_true "
            f"has not. Got {draws.ndim} and {y.ndim} dimensions, steps stacked."
        )
    n = draws.shape[-1]
    draws = np.sort(draws, axis=-1)
    distances = np.abs(draws - y[..., np.newaxis]).mean(axis=-1)
    return distances - draws @ (2 * np.arange(n) - n + 1) / n**2


def crps_of_normal(y, loc, scale=1.0):
    z = (y - loc) / scale
    signed = z * (2 * stats.norm.cdf(z) - 1) + 2 * stats.norm.pdf(z)
    return scale * (signed - 1 / np.sqrt(np.pi))


def crps_of_t(y, df, loc, scale=1.0):
    z = (y - loc) / scale
    tails = 2 * stats.t.pdf(z, df) * (df + z * z)
    spread = 2 * np.sqrt(df) * np.exp(betaln(0.5, df - 0.5) - 2 * betaln(0.5, df / 2))
    return scale * (z * (2 * stats.t.cdf(z, df) - 1) + (tails - spread) / (df - 1))


def crps_of_poisson(y, mu, loc):
    y = y - loc
    below = stats.poisson.cdf(y, mu), stats.poisson.cdf(y - 1, mu)
    distance = y * (2 * below[0] - 1) + mu * (1 - 2 * below[1])
    return distance - mu * (ive(0, 2 * mu) + ive(1, 2 * mu))


def crps_of_negative_binomial(y, n, p, loc):
    """With half the distance of two draws as an integral of the characteristic function.

    Of an integer D, E|D| is the integral of (1 - Re phi(t)) / (1 - cos t) over t from 0 to
    pi, over pi. The variable becomes the log-odds of sin²(t / 2).
    """
    y, q = y - loc, 1 - p
    below = stats.nbinom.cdf(y, n, p), stats.nbinom.cdf(y - 1, n + 1, p)
    distance = y * (2 * below[0] - 1) + n * q / p * (1 - 2 * below[1])
    half = 0.0
    for v in LOG_ODDS:
        missing = -np.expm1(-n * np.log1p(4 * q / p**2 * expit(v)))
        half = half + missing * np.exp(-0.5 * v)
    return distance - STEP / (4 * np.pi) * half


# By the family; None of draws.
SCORES: dict[str | None, Callable] = {
    None: crps_of_draws,
    "norm": crps_of_normal,
    "t": crps_of_t,
    "poisson": crps_of_poisson,
    "nbinom": crps_of_negative_binomial,
}
