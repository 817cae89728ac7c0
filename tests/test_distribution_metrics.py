"""Metrics of distributions and intervals, against sums and integrals."""

import numpy as np
import pytest
from scipy import integrate, stats
from sklearn.metrics import mean_absolute_error, mean_pinball_loss

from skbptt.metrics import crps, interval_coverage, step_pinball_loss
from tests.fits import LENGTHS, Y_STEPS, X, regressor
from tests.test_metrics import STEP_WEIGHTS, WEIGHTS, padded

rng = np.random.RandomState(0)


def by_integral(distribution, y):
    """The definition, for one target."""
    parts = [(-np.inf, y, lambda x: distribution.cdf(x) ** 2)]
    parts.append((y, np.inf, lambda x: distribution.sf(x) ** 2))
    return sum(integrate.quad(f, a, b, epsabs=1e-12, limit=500)[0] for a, b, f in parts)


def by_sum(distribution, y):
    """The definition, of a distribution of counts."""
    x = np.arange(max(distribution.isf(1e-15), y) + 2)
    return np.sum((distribution.cdf(x) - (x >= y)) ** 2)


@pytest.mark.parametrize("y", [-3.0, 0.2, 40.0])
@pytest.mark.parametrize(
    "distribution",
    [
        stats.norm(),
        stats.norm(1.5, 0.3),
        stats.norm(loc=-1, scale=20),
        stats.t(2.1),
        stats.t(5, 1, 2),
        stats.t(df=1e4, scale=0.1),
    ],
)
def test_crps_by_integrals(distribution, y):
    expected = by_integral(distribution, y)
    assert crps([y], distribution) == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize("mean", [0.1, 3.0, 2000.0])
@pytest.mark.parametrize("size", [None, 0.05, 2.0, 1e3, 1e8])
def test_crps_by_sums(mean, size):
    distribution = stats.poisson(mean)
    if size is not None:
        distribution = stats.nbinom(size, size / (size + mean))
    for y in (0.0, np.round(1.3 * mean) + 1):
        expected = by_sum(distribution, y)
        assert crps([y], distribution) == pytest.approx(expected, rel=1e-6)


def test_crps_of_draws():
    """That of their empirical distribution, and near that of what they are drawn from."""
    y, draws = rng.standard_normal(5), rng.standard_normal((5, 7))
    pairs = np.abs(draws[:, :, np.newaxis] - draws[:, np.newaxis]).mean(axis=(1, 2))
    expected = np.abs(draws - y[:, np.newaxis]).mean(axis=1) - 0.5 * pairs
    assert crps(y, draws) == pytest.approx(expected.mean(), rel=1e-12)
    assert crps(y, draws[:, :1]) == pytest.approx(mean_absolute_error(y, draws[:, 0]))
    many = rng.standard_normal((5, 100_000))
    assert crps(y, many) == pytest.approx(crps(y, stats.norm()), rel=0.02)


def test_crps_is_twice_the_mean_pinball_loss():
    y, distribution = rng.standard_normal(4), stats.norm([0, 1, 2, 3], 1.5)
    shares = (np.arange(20_000) + 0.5) / 20_000
    losses = [
        mean_pinball_loss(y, distribution.ppf(share), alpha=share) for share in shares[::10]
    ]
    assert crps(y, distribution) == pytest.approx(2 * np.mean(losses), rel=1e-3)


@pytest.mark.parametrize("form", ["ragged", "padded"])
@pytest.mark.parametrize("weights", [None, WEIGHTS, STEP_WEIGHTS])
@pytest.mark.parametrize("several", [False, True])
def test_steps(form, weights, several):
    """Of what an estimator predicts, in both forms; padding does not count."""
    y = [np.c_[y, 3 * y] for y in Y_STEPS] if several else Y_STEPS
    shape = padded if form == "padded" else list
    model = regressor(return_sequences=True, loss="gaussian").fit(X, y)
    mean, std = (np.concatenate(values) for values in model.predict(X, return_std=True))
    true, flat_weights = np.concatenate(y), None
    if weights is not None:
        steps = weights if isinstance(weights, list) else np.repeat(weights, LENGTHS)
        flat_weights = np.concatenate(steps) if isinstance(weights, list) else steps
        weights = shape(weights) if isinstance(weights, list) else weights

    def mean_of(values):
        rows = values.reshape(len(values), -1).mean(axis=1)
        return np.average(rows, weights=flat_weights)

    one_by_one = [
        crps([t], stats.norm(m, s)) for t, m, s in zip(true.flat, mean.flat, std.flat)
    ]
    expected = mean_of(np.reshape(one_by_one, true.shape))
    distribution = model.predict_distribution(shape(X))
    score = crps(shape(y), distribution, sample_weight=weights)
    assert score == pytest.approx(expected, rel=1e-10)

    low, high = mean - std, mean + 2 * std
    expected = mean_of((low <= true) & (true <= high))
    mean, std = model.predict(shape(X), return_std=True)
    coverage = interval_coverage(
        shape(y), mean - std, mean + 2 * std, sample_weight=weights
    )
    assert coverage == pytest.approx(expected, rel=1e-12)
    expected = mean_pinball_loss(true, low, alpha=0.2, sample_weight=flat_weights)
    actual = step_pinball_loss(shape(y), mean - std, alpha=0.2, sample_weight=weights)
    assert actual == pytest.approx(expected, rel=1e-12)


def test_weights_of_outputs_and_unknown_targets():
    y, weights = rng.standard_normal((6, 2)), rng.randint(0, 3, (6, 2)).astype(float)
    distribution = stats.norm(rng.standard_normal((6, 2)), 1.0)
    low = distribution.ppf(0.3)
    scores = [[crps([v], stats.norm(m)) for v, m in zip(*rows)]
              for rows in zip(y, distribution.mean())]  # fmt: skip
    unknown = np.where(weights > 0, y, np.nan)
    for target in (y, unknown):
        score = crps(target, distribution, sample_weight=weights)
        assert score == pytest.approx(np.average(scores, weights=weights), rel=1e-12)
        coverage = interval_coverage(target, low, 0 * y + 9, sample_weight=weights)
        assert coverage == pytest.approx(np.average(y >= low, weights=weights), rel=1e-12)
    with pytest.raises(ValueError, match="Input y_true contains NaN"):
        crps(np.where(y > 0, y, np.nan), distribution)


@pytest.mark.parametrize(
    ("y", "predicted", "error", "message"),
    [
        ([1.0], stats.gamma(2), TypeError, r"one of \['nbinom', .*Got 'gamma'"),
        (
            [[1.0], [2.0]],
            [stats.norm([0]), stats.t(3, [0])],
            TypeError,
            "same family.* Got 'norm and t'",
        ),
        ([[1.0]], [stats.norm([0])] * 2, ValueError, "1 sequences, but y_pred has 2"),
        ([1.0, 2.0], [1.0, 2.0], ValueError, "draws along a last axis"),
        ([1.0, 2.0], np.zeros((3, 4)), ValueError, "y_pred has 3 sequences, y_true has 2"),
    ],
)
def test_bad_input(y, predicted, error, message):
    with pytest.raises(error, match=message):
        crps(y, predicted)


def test_coverage_counts_ends():
    assert interval_coverage([0.0, 1.0, 2.0], [0, 0, 0], [1, 1, 1]) == pytest.approx(2 / 3)
