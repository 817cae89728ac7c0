"""Likelihoods and quantiles against scipy.stats, quadrature and the complex step."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import optimize, special, stats

from skbptt import losses
from skbptt.losses._base import TargetUnits
from skbptt.losses._likelihoods import LEAST_DF, LEAST_DISPERSION, LEAST_SCALE
from skbptt.losses._special import inverse_softplus, softplus, stirling
from tests.gradcheck import H

SCALES = [1e-6, 1.0, 1e6]
N = 300


def problem(kind, scale, dtype=np.float64):
    """A loss of two targets of some scale, its raw outputs, and targets in their reach."""
    rng = np.random.RandomState(0)
    middle, spread = scale * rng.standard_normal((N, 2)), 3 * rng.standard_normal((N, 2))
    if kind == "negative_binomial":
        mean, dispersion = np.log(scale) + spread, 4 * rng.standard_normal((N, 2))
        r = 1 / softplus(dispersion)
        y = rng.poisson(np.minimum(rng.gamma(r, np.exp(mean) / r), 1e6)).astype(float)
        return losses.NegativeBinomial(), np.hstack([mean, dispersion]).astype(dtype), y
    y = middle + 3 * scale * rng.standard_normal((N, 2))
    if kind == "quantiles":
        raw = np.hstack([spread, middle, 2 * spread[::-1], spread[:, ::-1]])
        return losses.Quantiles([0.1, 0.4, 0.7, 0.95]), raw.astype(dtype), y.astype(dtype)
    raw = np.hstack([middle, np.log(scale) + spread])
    loss = losses.Gaussian()
    if kind == "student_t":
        loss, raw = losses.StudentT(), np.hstack([raw, 6 * rng.standard_normal((N, 2))])
    return loss, raw.astype(dtype), y.astype(dtype)


LIKELIHOODS = ["gaussian", "student_t", "negative_binomial"]
each_kind = pytest.mark.parametrize("kind", [*LIKELIHOODS, "quantiles"])
each_likelihood = pytest.mark.parametrize("kind", LIKELIHOODS)
each_scale = pytest.mark.parametrize("scale", SCALES)


def frozen(loss, raw):
    return loss.family(**loss.distribution(raw))


@each_scale
@each_likelihood
def test_values_are_those_of_scipy(kind, scale):
    loss, raw, y = problem(kind, scale)
    distribution = frozen(loss, raw)
    discrete = kind == "negative_binomial"
    expected = -(distribution.logpmf(y) if discrete else distribution.logpdf(y))
    np.testing.assert_allclose(loss.each(raw, y), expected, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(
        loss.value(raw, y), expected.mean(axis=1), rtol=1e-9, atol=1e-9
    )


@each_scale
def test_raw_outputs_of_likelihoods(scale):
    """Their meaning, in the order of the columns: parameter by parameter."""
    loss, raw, _ = problem("gaussian", scale)
    parameters = loss.distribution(raw)
    np.testing.assert_array_equal(parameters["loc"], raw[:, :2])
    expected = np.hypot(LEAST_SCALE, np.exp(raw[:, 2:]))
    np.testing.assert_allclose(parameters["scale"], expected, rtol=1e-12)
    loss, raw, _ = problem("student_t", scale)
    parameters = loss.distribution(raw)
    np.testing.assert_array_equal(parameters["loc"], raw[:, :2])
    np.testing.assert_allclose(parameters["scale"], expected, rtol=1e-12)
    np.testing.assert_allclose(parameters["df"], 2.1 + np.logaddexp(0, raw[:, 4:]))
    loss, raw, _ = problem("negative_binomial", scale)
    mean, std = loss.moments(raw)
    np.testing.assert_array_equal(mean, np.exp(raw[:, :2]))
    dispersion = LEAST_DISPERSION + np.logaddexp(0, raw[:, 2:])
    np.testing.assert_allclose(std**2, mean + dispersion * mean**2, rtol=1e-12)


@each_likelihood
def test_moments_are_those_of_scipy(kind):
    loss, raw, _ = problem(kind, 1.0)
    raw[:, 2:] = np.maximum(raw[:, 2:], -5)  # where scipy has digits left
    mean, std = loss.moments(raw)
    np.testing.assert_allclose(mean, frozen(loss, raw).mean(), rtol=1e-9)
    np.testing.assert_allclose(std, frozen(loss, raw).std(), rtol=1e-9)
    np.testing.assert_array_equal(loss.predict(raw), mean)


def complex_steps(function, raw):
    """Derivatives of each row of a function by each column of raw outputs."""
    steps = (function(raw + 1j * H * along) for along in np.eye(raw.shape[1])[:, None])
    return np.stack([step.imag / H for step in steps], axis=1)


def assert_close_rows(actual, expected, tolerance):
    """Relative to the largest entry of each row."""
    scale = np.abs(expected).reshape(len(expected), -1).max(axis=1)
    error = np.abs(actual - expected).reshape(len(expected), -1).max(axis=1)
    assert (error <= tolerance * np.maximum(scale, 1e-3)).all()


@each_scale
@each_kind
def test_gradients(kind, scale):
    loss, raw, y = problem(kind, scale)
    expected = complex_steps(lambda raw: loss.value(raw, y), raw)
    tolerance = 1e-8 if kind == "negative_binomial" else 1e-10
    assert_close_rows(loss.gradient(raw, y), expected, tolerance)


@each_scale
@each_kind
def test_second_derivatives(kind, scale):
    """Along a direction, with weights; against differences of the gradient."""
    loss, raw, y = problem(kind, scale)
    rng = np.random.RandomState(1)
    weights = rng.randint(0, 3, y.shape).astype(float)
    direction = rng.standard_normal(raw.shape)
    if kind != "negative_binomial":
        middle = 2 if kind == "quantiles" else 0
        direction[:, middle : middle + 2] *= scale
    gradient, product = loss.derivative(raw, direction, y, weights)
    tiled = np.tile(weights, loss.n_raw)
    np.testing.assert_allclose(gradient, tiled * loss.gradient(raw, y), atol=1e-9)
    exact = loss.weighted_gradient(raw + 1j * H * direction, y, weights).imag / H
    np.testing.assert_array_equal(product, exact)
    if kind == "quantiles":
        return  # whose slopes jump
    h = 1e-5
    ahead, behind = (
        loss.gradient(raw + sign * h * direction, y) * tiled for sign in (1, -1)
    )
    rounding = 1e-15 * np.abs(ahead).max(axis=1) / h
    error = np.abs((ahead - behind) / (2 * h) - product).max(axis=1)
    assert (error <= 1e-6 * np.abs(product).max(axis=1) + 10 * rounding + 1e-9).all()


@each_kind
def test_float32_stays(kind):
    loss, raw, y = problem(kind, 1.0, np.float32)
    rough = [loss.value(raw, y), loss.gradient(raw, y), loss.predict(raw)]
    rough.append(loss.curvature(raw, raw, y, np.ones(N, np.float32)))
    rough += loss.derivative(raw, raw, y, np.ones(N, np.float32))
    raw, y = raw.astype(float), y.astype(float)
    exact = [loss.value(raw, y), loss.gradient(raw, y), loss.predict(raw)]
    exact.append(loss.curvature(raw, raw, y, np.ones(N)))
    exact += loss.derivative(raw, raw, y, np.ones(N))
    for a, b in zip(rough, exact):
        assert a.dtype == np.float32
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5 * np.abs(b).max())


@each_kind
@pytest.mark.parametrize("y", [0.0, 1.0, 1e6])
def test_raw_outputs_of_any_size(kind, y):
    """Nothing overflows, and the loss keeps its slope."""
    loss, _, _ = problem(kind, 1.0)
    sizes = [-1e6, -800.0, -40.0, 0.0, 40.0, 800.0, 1e6]
    raw = np.array(np.meshgrid(*[sizes] * loss.n_raw)).reshape(loss.n_raw, -1).T
    targets, ones = np.full((len(raw), 1), y), np.ones(len(raw))
    with np.errstate(all="raise", under="ignore"):
        found = [loss.value(raw, targets), loss.gradient(raw, targets)]
        found.append(loss.curvature(raw, np.ones_like(raw), targets, ones))
        found += loss.derivative(raw, np.ones_like(raw), targets, ones)
    for values in found:
        assert np.isfinite(values).all()


def test_stirling():
    """Against scipy, and by its recurrence where scipy has lost the digits."""
    x = np.geomspace(1e-6, 100, 200)
    value, slope = stirling(x)
    formula = (x - 0.5) * np.log(x) - x + 0.5 * np.log(2 * np.pi)
    np.testing.assert_allclose(value + formula, special.gammaln(x), atol=1e-13, rtol=1e-13)
    of_formula = np.log(x) - 0.5 / x
    np.testing.assert_allclose(slope + of_formula, special.psi(x), rtol=1e-12, atol=1e-13)
    x = np.array([1e3, 1e6, 1e9])
    np.testing.assert_allclose(stirling(x)[0], 1 / (12 * x), rtol=1e-6)
    np.testing.assert_allclose(stirling(x)[1], -1 / (12 * x * x), rtol=1e-6)
    x = np.array([0.3, 2.0, 9.9, 10.1, 50.0])
    step = stirling(x + 1j * H)
    np.testing.assert_allclose(step[0].imag / H, stirling(x)[1], rtol=1e-9)


# Limits, in which the other formulas of scipy lose digits.


def test_poisson_is_the_limit_of_the_negative_binomial():
    y = np.array([0.0, 3.0, 70.0])[:, np.newaxis]
    raw = np.column_stack([np.log([2.0, 3.0, 65.0]), np.full(3, -100.0)])
    expected = -stats.poisson(np.exp(raw[:, 0])).logpmf(y[:, 0])
    np.testing.assert_allclose(losses.NegativeBinomial().value(raw, y), expected, atol=1e-6)


def test_normal_is_the_limit_of_student_t():
    raw = np.array([[0.5, -0.2, 1e12]])
    y = np.array([[1.7]])
    expected = losses.Gaussian().value(raw[:, :2], y)
    np.testing.assert_allclose(losses.StudentT().value(raw, y), expected, rtol=1e-11)


# The matrix of hessian-free.


def information(loss, raw):
    """The matrix that ``curvature`` multiplies with, for one target."""
    rows = [loss.curvature(raw, e[np.newaxis], 0 * raw[:, :1], np.ones(1))[0]
            for e in np.eye(loss.n_raw)]  # fmt: skip
    return np.array(rows).T


def score_products(loss, raw, y):
    """Outer products of the gradients of the loss at targets y."""
    scores = loss.gradient(np.repeat(raw, len(y), axis=0), y[:, np.newaxis])
    return scores[:, :, np.newaxis] * scores[:, np.newaxis]


@pytest.mark.parametrize("log_scale", [-2.0, 0.0, 3.0])
@pytest.mark.parametrize("df", [None, -2.0, 1.0, 20.0])
def test_fisher_information_by_quadrature(log_scale, df):
    """It is the mean outer product of the gradients."""
    loss = losses.Gaussian() if df is None else losses.StudentT()
    raw = np.array([[0.7, log_scale] + ([] if df is None else [df])])
    distribution = loss.family(**{k: v[0, 0] for k, v in loss.distribution(raw).items()})
    u, step = np.linspace(-30, 30, 4001, retstep=True)
    y = 0.7 + np.exp(log_scale) * np.sinh(u)
    p = distribution.pdf(y) * np.exp(log_scale) * np.cosh(u) * step
    expected = np.tensordot(p, score_products(loss, raw, y), axes=1)
    actual = information(loss, raw)
    size = np.sqrt(np.outer(np.diag(actual), np.diag(actual)))
    np.testing.assert_allclose(actual / size, expected / size, atol=1e-9)


@pytest.mark.parametrize("mean", [0.1, 1.0, 30.0])
@pytest.mark.parametrize("dispersion", [1e-3, 0.1, 1.0, 20.0])
def test_fisher_information_of_counts(mean, dispersion):
    """The sum over all counts; the quadrature is right to a few percent, or better."""
    loss = losses.NegativeBinomial()
    raw = np.array([[np.log(mean), inverse_softplus(dispersion)]])
    of_loss = {k: v[0, 0] for k, v in loss.distribution(raw).items()}
    counts = np.arange(stats.nbinom(**of_loss).isf(1e-13))
    p = stats.nbinom(**of_loss).pmf(counts)
    expected = np.tensordot(p, score_products(loss, raw, counts), axes=1)
    actual = information(loss, raw)
    assert actual[0, 0] == pytest.approx(expected[0, 0], rel=1e-6)
    assert actual[1, 1] == pytest.approx(
        expected[1, 1], rel=0.05 if dispersion > 5 else 1e-3
    )
    assert actual[0, 1] == actual[1, 0] == 0
    assert abs(expected[0, 1]) <= 1e-6 * np.sqrt(expected[0, 0] * expected[1, 1])


@each_kind
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_curvature_is_semi_definite(kind, data):
    loss, _, _ = problem(kind, 1.0)
    numbers = st.floats(-1e6, 1e6) | st.floats(-20, 20)
    raw = data.draw(arrays(float, (1, loss.n_raw), elements=numbers))
    matrix = information(loss, raw)
    np.testing.assert_array_equal(matrix, matrix.T)
    assert np.linalg.eigvalsh(matrix).min() >= -1e-15 * np.abs(matrix).max()


# The start: the fit of a constant.


def fitted(loss, y, weights):
    """The loss in units, and the raw outputs with which training starts."""
    units = loss.units(y, weights)
    return units.restore_loss(loss), loss.start(y, weights)[np.newaxis]


def fitted_distribution(loss, y):
    """That of the first target."""
    loss, raw = fitted(loss, y, np.ones(len(y)))
    return loss.family(**{name: v[0, 0] for name, v in loss.distribution(raw).items()})


@pytest.mark.parametrize("shift", [0.0, 1e4])
def test_normal_start(shift):
    y = np.random.RandomState(0).normal(shift, 3, (200, 1))
    start = fitted_distribution(losses.Gaussian(), y)
    expected = stats.norm.fit(y)
    np.testing.assert_allclose([start.mean(), start.std()], expected, rtol=1e-10)


@pytest.mark.parametrize("scale", SCALES)
def test_student_start(scale):
    y = 5 * scale + scale * np.random.RandomState(0).standard_t(4, (500, 1))
    start = fitted_distribution(losses.StudentT(), y)
    df, loc, of_scale = stats.t.fit(y / scale)
    assert start.kwds["df"] == pytest.approx(df, rel=2e-3)
    assert start.kwds["loc"] == pytest.approx(scale * loc, rel=1e-3)
    assert start.kwds["scale"] == pytest.approx(scale * of_scale, rel=1e-3)
    ours, theirs = start.logpdf(y).sum(), stats.t(df, loc, of_scale).logpdf(y / scale).sum()
    assert ours + 500 * np.log(scale) >= theirs - 1e-6


@pytest.mark.parametrize("mean", [0.5, 20.0, 1e5])
def test_counts_start(mean):
    rng = np.random.RandomState(0)
    y = rng.negative_binomial(3, 3 / (3 + mean), 500).astype(float)
    start = fitted_distribution(losses.NegativeBinomial(), y[:, np.newaxis])

    def objective(log_r):
        r = np.exp(log_r)
        return -stats.nbinom(r, r / (r + y.mean())).logpmf(y).sum()

    best = optimize.minimize_scalar(objective, bounds=(-3, 5), method="bounded")
    assert start.mean() == pytest.approx(y.mean(), rel=1e-9)
    assert start.kwds["n"] == pytest.approx(np.exp(best.x), rel=1e-4)
    assert -start.logpmf(y).sum() <= best.fun + 1e-6


@pytest.mark.parametrize("units", [True, False])
def test_quantile_start(units):
    y = 7 * np.random.RandomState(0).gamma(2, size=(400, 2))
    shares = [0.1, 0.25, 0.6, 0.9]
    expected = np.quantile(y, shares, axis=0, method="inverted_cdf").T
    loss = losses.Quantiles(shares)
    raw = loss.start(y, np.ones(400))[np.newaxis]
    if units:  # as training starts, with distances in units of the spread
        units = loss.units(y, np.ones(400))
        loss = units.restore_loss(loss)
        raw = loss.start(y, np.ones(400))[np.newaxis]
    np.testing.assert_allclose(loss.predict(raw)[0], expected, rtol=1e-9)


@each_kind
def test_start_counts_weights(kind):
    """A weight of each output is a count; one without any weight starts as with equal."""
    loss, _, y = problem(kind, 1.0)
    y = y[:40]
    counts = np.random.RandomState(0).randint(0, 4, (40, 2)).astype(float)
    start = loss.start(y, counts).reshape(loss.n_raw, 2)
    for k in range(2):
        repeated = np.repeat(y[:, [k]], counts[:, k].astype(int), axis=0)
        expected = loss.start(repeated, np.ones(len(repeated)))
        np.testing.assert_allclose(start[:, k], expected, rtol=1e-4, atol=1e-4)
    if kind == "quantiles":
        return
    counts[:, 1] = 0
    start = loss.start(y, counts).reshape(loss.n_raw, 2)
    expected = loss.start(y[:, [1]], np.ones(40))
    np.testing.assert_allclose(start[:, 1], expected, rtol=1e-6, atol=1e-6)


@each_kind
def test_start_is_within_reach(kind):
    """Of constant targets, and of targets with most values equal, all slopes are alive."""
    loss, _, _ = problem(kind, 1.0)
    for y in (np.zeros((50, 1)), np.full((50, 1), 3.0), np.eye(50)[:, :1]):
        raw = np.broadcast_to(loss.start(y, np.ones(50)), (50, loss.n_raw))
        step = raw + 0.3
        moved = np.abs(loss.value(step, y) - loss.value(raw, y)).max()
        assert np.isfinite(raw).all()
        assert moved > 1e-3
        assert np.abs(raw).max() <= 20


# Quantiles.


@settings(max_examples=100, deadline=None)
@given(st.data(), st.sampled_from([np.float32, np.float64]))
def test_quantiles_do_not_cross(data, dtype):
    """Whatever the raw outputs, units and precision."""
    shares = sorted(data.draw(st.sets(st.floats(0.01, 0.99), min_size=1, max_size=6)))
    loss = losses.Quantiles(shares)
    number = st.floats(-1e6, 1e6, width=32)
    raw = data.draw(arrays(dtype, (3, 2 * loss.n_raw), elements=number))
    quantiles = loss.predict(raw)
    assert quantiles.shape == (3, 2, len(shares))
    assert quantiles.dtype == dtype
    assert (np.diff(quantiles, axis=-1) >= 0).all()
    scale = np.array([data.draw(st.floats(1e-6, 1e6)), 1.0])
    location = np.array([0.0, data.draw(st.floats(-1e6, 1e6))])
    raw_units = loss._raw_units(location, scale)
    units = TargetUnits(location, scale, *raw_units, 1.0)
    assert (np.diff(loss.in_units(units).predict(raw), axis=-1) >= 0).all()


def test_pinball_losses():
    """The mean over the quantiles of scikit-learn's loss."""
    from sklearn.metrics import mean_pinball_loss

    loss, raw, y = problem("quantiles", 1.0)
    predicted = loss.predict(raw)
    expected = [
        mean_pinball_loss(y[:, k], predicted[:, k, j], alpha=share)
        for j, share in enumerate([0.1, 0.4, 0.7, 0.95])
        for k in range(2)
    ]
    assert loss.value(raw, y).mean() == pytest.approx(np.mean(expected), rel=1e-12)


def test_raw_outputs_of_quantiles():
    """The middle one is itself, and distances grow away from it."""
    raw = np.array([[0.3, -1.0, 5.0, 2.0]])
    lowest, low, middle, high = losses.Quantiles([0.1, 0.3, 0.5, 0.9]).predict(raw)[0, 0]
    assert middle == 5
    assert high - middle == pytest.approx(np.logaddexp(0, 2.0))
    assert middle - low == pytest.approx(np.logaddexp(0, -1.0))
    assert low - lowest == pytest.approx(np.logaddexp(0, 0.3))


@each_kind
def test_prediction_slope(kind):
    """Derivative of the sum of what is predicted, on the log scale of counts."""
    loss, raw, _ = problem(kind, 1.0)

    def predicted(raw):
        values = (
            np.log(loss.predict(raw)) if loss.activation == "exp" else loss.predict(raw)
        )
        return values.reshape(N, -1).sum(axis=1)

    expected = complex_steps(predicted, raw)
    ones = np.ones(loss.predict(raw).shape[1:])
    np.testing.assert_allclose(loss.prediction_slope(raw, ones), expected, rtol=1e-12)


def test_degrees_of_freedom_have_a_variance():
    raw = np.array([[0.0, 0.0, -1e6]])
    mean, std = losses.StudentT().moments(raw)
    assert std == pytest.approx(np.sqrt(LEAST_DF / (LEAST_DF - 2)))
    assert frozen(losses.StudentT(), raw).std() == pytest.approx(std)
