"""Units of targets: a regressor learns in them, and users do not see them."""

import pickle

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from skbptt import RNNRegressor, solvers
from skbptt.inspection import hessian_product, loss_gradient
from skbptt.losses._base import TargetUnits, weighted_quantile
from skbptt.losses._pointwise import AbsoluteError, Huber, Poisson, Quantile, SquaredError
from tests.fits import Y_STEPS, X, Y, assert_same_model, quietly, regressor

LOSSES = ["squared_error", "absolute_error", "huber", "quantile"]


@pytest.mark.parametrize("solver", solvers.SOLVERS)
@pytest.mark.parametrize("loss", LOSSES)
def test_a_fit_does_not_depend_on_the_units_of_y(solver, loss):
    """Predictions of a y + b are a times those of y, plus b; losses scale likewise."""
    # The choice among converged conjugate gradients depends on rounding.
    max_iter = 1 if solver == "hessian-free" else 4
    options = {"loss": loss, "solver": solver, "quantile": 0.3, "max_iter": max_iter}
    model = quietly(regressor(**options).fit, X, Y)
    expected = model.predict(X)
    degree = 1 if loss in ("absolute_error", "quantile") else 2
    for a, b in ((1e-6, 0.0), (1e6, 1e6)):
        other = quietly(regressor(**options).fit, X, a * Y + b)
        error = np.abs((other.predict(X) - b) / a - expected).max()
        assert error <= 1e-6 * np.ptp(expected)
        curve = np.array(other.loss_curve_) / a**degree
        np.testing.assert_allclose(curve, model.loss_curve_, rtol=1e-5)
        assert other.score(X, a * Y + b) == pytest.approx(model.score(X, Y), abs=1e-6)


@pytest.mark.parametrize("options", [{}, {"early_stopping": True}, {"cell": "lstm"}])
def test_targets_and_steps_have_units_of_their_own(options):
    """Each of several targets may be in another unit."""
    scale, shift = np.array([1e-3, 1e4]), np.array([5.0, -1e5])
    y = [np.column_stack([steps, steps**2]) for steps in Y_STEPS]
    options = options | {"return_sequences": True}
    model = quietly(regressor(**options).fit, X, y)
    other = quietly(regressor(**options).fit, X, [scale * steps + shift for steps in y])
    for a, b in zip(model.predict(X), other.predict(X)):
        np.testing.assert_allclose((b - shift) / scale, a, atol=1e-6)


def test_rates_scale():
    """Of counts there is a scale, but no shift."""
    counts = np.random.RandomState(0).poisson(np.exp(0.5 * Y))
    model = regressor(loss="poisson").fit(X, counts)
    other = regressor(loss="poisson").fit(X, 1e5 * counts)
    np.testing.assert_allclose(other.predict(X), 1e5 * model.predict(X), rtol=1e-6)


@pytest.mark.parametrize("loss", [*LOSSES, "poisson"])
def test_weights_and_losses_are_in_the_units_of_y(loss):
    """What is handed out is a network and an objective of y as it was given."""
    y = np.abs(1e3 * Y + 50)
    options = {"loss": loss, "solver": "lbfgs", "readout": "last", "alpha": 0.7}
    model = quietly(regressor(**options, cell="rnn").fit, X, y)
    w = model.weights_
    raw = np.empty(len(X))
    for i, x in enumerate(X):
        h = np.zeros(4)
        for step in x:
            h = np.tanh(
                step @ w["layers.0.forward.W"]
                + w["layers.0.forward.b"]
                + h @ w["layers.0.forward.R"]
            )
        raw[i] = (h @ w["output.W"] + w["output.b"])[0]
    expected = np.exp(raw) if loss == "poisson" else raw
    np.testing.assert_allclose(model.predict(X), expected, rtol=1e-10)

    value, gradient = loss_gradient(model, X, y)
    assert value == pytest.approx(model.loss_, rel=1e-9)
    units = model._units
    errors = {
        "squared_error": lambda r: r * r / 2,
        "absolute_error": np.abs,
        "quantile": lambda r: np.maximum(0.5 * r, -0.5 * r),
    }
    inner = sum(np.sum(w[f"layers.0.forward.{name}"] ** 2) for name in "WR")
    outer = np.sum(w["output.W"] ** 2) / units.raw_scale[0] ** 2
    penalty = 0.7 / 2 * units.loss * (inner + outer) / len(X)
    if loss in errors:
        assert value == pytest.approx(np.mean(errors[loss](y - raw)) + penalty, rel=1e-9)
    if loss == "squared_error":
        # The gradient is that of this value, and the Hessian that of the gradient.
        assert units.raw_scale[0] == pytest.approx(np.std(y), rel=1e-12)
        bias = {"output.b": np.ones(1)}
        assert gradient["output.b"][0] == pytest.approx(
            np.mean(raw - y), rel=1e-6, abs=1e-9
        )
        v = {name: np.zeros_like(value) for name, value in w.items()} | bias
        product = hessian_product(model, X, y, v)
        assert product["output.b"][0] == pytest.approx(1.0, rel=1e-9)


@pytest.mark.parametrize(
    ("loss", "value"),
    [
        (SquaredError(), lambda r: r * r),
        (AbsoluteError(), np.abs),
        (Quantile(0.2), lambda r: np.maximum(0.2 * r, -0.8 * r)),
    ],
)
def test_training_starts_from_the_best_constant(loss, value):
    random = np.random.RandomState(0)
    y, weights = random.gamma(0.5, size=(50, 1)), random.uniform(size=50)

    def mean(c):
        return np.average(value(y[:, 0] - c), weights=weights)

    best = minimize_scalar(mean, bounds=(0, y.max()), method="bounded")
    assert mean(loss.start(y, weights)[0]) <= best.fun * (1 + 1e-9)


@pytest.mark.parametrize("share", [0.05, 0.5, 0.73])
def test_weighted_quantile_counts(share):
    random = np.random.RandomState(1)
    y, counts = random.normal(size=(30, 2)), random.randint(1, 5, 30)
    repeated = np.repeat(y, counts, axis=0)
    expected = np.quantile(repeated, share, axis=0, method="inverted_cdf")
    np.testing.assert_array_equal(weighted_quantile(y, counts, share), expected)


@pytest.mark.parametrize("loss", [SquaredError(), AbsoluteError(), Huber()])
def test_spread_of_huge_and_tiny_targets(loss):
    y, ones = np.random.RandomState(0).normal(size=(40, 1)), np.ones(40)
    spread = loss.units(y, ones).y_scale
    for factor in (1e-150, 1e150):
        np.testing.assert_allclose(loss.units(factor * y, ones).y_scale / factor, spread)
    assert loss.units(np.full((9, 1), 1e6), np.ones(9)).y_scale == 1


def test_huber_bends_at_a_robust_distance():
    """Outliers do not move it, whatever their size."""
    y = np.random.RandomState(0).normal(5, 2, size=(1000, 1))
    units = Huber().units(y, np.ones(1000))
    assert units.y_scale[0] == pytest.approx(2, rel=0.05)
    y[::20] = 1e9
    assert Huber().units(y, np.ones(1000)).y_scale[0] == pytest.approx(2, rel=0.15)


def test_only_zeros_are_a_rate_as_well():
    assert np.isfinite(quietly(regressor(loss="poisson").fit, X, 0 * Y).predict(X)).all()
    assert Poisson().units(np.zeros((3, 1)), np.ones(3)).y_scale == 1


@pytest.mark.parametrize("loss", [*LOSSES, "poisson"])
def test_what_is_resumed_keeps_its_units(loss):
    """Also where the new targets have others, and after storing; to the bit."""
    y = np.abs(100 * Y)
    options = {"warm_start": True, "loss": loss, "learning_rate": "constant"}
    model = quietly(regressor(**options).fit, X, y)
    stored = pickle.loads(pickle.dumps(model))
    assert isinstance(stored._units, TargetUnits)
    assert_same_model(quietly(model.fit, X, 3 * y), quietly(stored.fit, X, 3 * y))
    whole = quietly(regressor(**options, max_iter=12).fit, X, y)
    halves = quietly(quietly(regressor(**options).fit, X, y).fit, X, y)
    assert_same_model(whole, halves)


def test_partial_fit_takes_the_units_of_its_first_call():
    """If that has enough targets to tell them; else it learns targets as they are."""
    model, other = (regressor().partial_fit(X, a * Y) for a in (1.0, 1e4))
    np.testing.assert_allclose(other.predict(X), 1e4 * model.predict(X), rtol=1e-6)
    few = regressor().partial_fit(X[:29], Y[:29])
    assert not isinstance(few._units, TargetUnits)


def test_float32_stays():
    x = [steps.astype("f4") for steps in X]
    model = RNNRegressor(4, max_iter=20, random_state=0).fit(x, (1e4 * Y).astype("f4"))
    assert {w.dtype for w in model.weights_.values()} == {np.dtype("f4")}
    double = RNNRegressor(4, max_iter=20, random_state=0).fit(X, 1e4 * Y)
    np.testing.assert_allclose(model.predict(x), double.predict(X), atol=2e-3 * 1e4)
