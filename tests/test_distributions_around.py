"""Distributions and quantiles in pipelines, inspections and displays; mistakes."""

import pickle

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbptt.inspection import (
    ForecastDisplay,
    SaliencyDisplay,
    gradient_flow,
    hessian_product,
    hidden_states,
    loss_gradient,
    permutation_importance,
    saliency,
)
from skbptt.preprocessing import TimeDistributed, make_windows
from tests.distributions import (
    NAMES,
    STEPS,
    each_setting,
    make,
    targets,
    two,
)
from tests.fits import LENGTHS, Y_STEPS, X, Y, regressor

# Within scikit-learn, and inspections.


def test_pipelines_hand_return_std_on():
    pipeline = make_pipeline(TimeDistributed(StandardScaler()), make("gaussian"))
    mean, std = pipeline.fit(X, Y).predict(X, return_std=True)
    scaled = pipeline[:-1].transform(X)
    np.testing.assert_array_equal(std, pipeline[-1].predict(scaled, return_std=True)[1])
    assert mean.shape == (40,)


@each_setting
@pytest.mark.parametrize("per_step", [False, True])
def test_derivatives_of_the_objective(name, per_step):
    """Of fitted models, in the units of y, against differences."""
    y = two(name, Y_STEPS if per_step else Y)
    model = make(name, return_sequences=per_step, readout="mean", max_iter=2).fit(X, y)
    _, gradient = loss_gradient(model, X, y)
    rng = np.random.RandomState(0)
    v = {key: rng.standard_normal(w.shape) for key, w in model.weights_.items()}
    for part in ("output.W", "output.b"):
        v[part] = v[part] * model._units.raw_scale if model._units.state() else v[part]
    slope = sum((gradient[key] * v[key]).sum() for key in v)
    theta, layout = model._theta, model._network.layout
    flat = np.concatenate([v[key].ravel() for key in layout.views(theta)])
    found = []
    for shift in (1e-6, -1e-6):
        model._theta = theta + shift * flat
        found.append(loss_gradient(model, X, y))
    model._theta = theta
    assert (found[0][0] - found[1][0]) / 2e-6 == pytest.approx(slope, rel=1e-4, abs=1e-6)
    if name != "quantiles":
        product = hessian_product(model, X, y, v)
        for key, value in product.items():
            change = (found[0][1][key] - found[1][1][key]) / 2e-6
            np.testing.assert_allclose(
                value, change, rtol=1e-3, atol=1e-4 * np.abs(change).max()
            )
    bowl = hessian_product(model, X, y, v, kind="gauss-newton")
    assert sum((bowl[key] * v[key]).sum() for key in v) > 0


@each_setting
def test_saliency(name):
    """Of the sum of what is predicted, against differences; and of the loss."""
    y = two(name)
    model = make(name, readout="last", max_iter=2).fit(X, y)
    relevance, of_loss = saliency(model, X), saliency(model, X, y)
    assert [r.shape for r in relevance] == [x.shape for x in X]
    h = 1e-6
    for shift_in in (0, 1):
        found = []
        for sign in (1, -1):
            moved = [X[0].copy()]
            moved[0][-1, shift_in] += sign * h
            predicted = model.predict(moved)
            predicted = np.log(predicted) if name == NAMES[2] else predicted
            found.append((predicted.sum(), loss_of_one(model, moved, y[:1])))
        (up, loss_up), (down, loss_down) = found
        expected = relevance[0][-1, shift_in]
        assert (up - down) / (2 * h) == pytest.approx(expected, rel=1e-4, abs=1e-6)
        expected = of_loss[0][-1, shift_in]
        assert (loss_up - loss_down) / (2 * h) == pytest.approx(
            expected, rel=1e-4, abs=1e-6
        )


def loss_of_one(model, x, y):
    return loss_gradient(clone_with(model, alpha=0.0), x, y)[0]


def clone_with(model, **parameters):
    """The fitted model, with other parameters."""
    return pickle.loads(pickle.dumps(model)).set_params(**parameters)


@each_setting
def test_other_inspections(name):
    y = targets(name)
    model = make(name, max_iter=30).fit(X, y)
    assert np.isfinite(gradient_flow(model, X, y).norm["layers.0.forward"][:, 0]).all()
    assert hidden_states(model, X)["layers.0.forward.h"][0].shape == (LENGTHS[0], 4)
    importance = permutation_importance(model, X, y, random_state=0).importances_mean
    assert importance.argmax() == 0


@each_setting
@pytest.mark.usefixtures("close_figures")
def test_saliency_displays(name):
    pytest.importorskip("matplotlib").use("Agg")
    model = make(name).fit(X, targets(name))
    SaliencyDisplay.from_estimator(model, X[0], targets(name)[0])
    steps = make(name, **STEPS).fit(X, targets(name, Y_STEPS))
    display = SaliencyDisplay.from_estimator(steps, X[0], targets(name, Y_STEPS)[0])
    np.testing.assert_array_equal(display.y_pred, steps.predict(X[:1])[0])
    with pytest.raises(ValueError, match="y must have the shape"):
        SaliencyDisplay.from_estimator(model, X[0], [1.0, 2.0])


@pytest.mark.usefixtures("close_figures")
def test_forecast_displays():
    pytest.importorskip("matplotlib").use("Agg")
    series = np.sin(np.arange(60) / 4)
    windows, y = make_windows(series, window=8, horizon=[1, 3])
    model = make("gaussian").fit(windows, y)
    display = ForecastDisplay.from_estimator(model, series, window=8, horizon=[1, 3])
    np.testing.assert_array_equal(display.y_pred, model.predict(windows))
    model = make("quantiles").fit(windows, y)
    with pytest.raises(ValueError, match=r"y_pred must have one value .*\(50, 2, 3\)"):
        ForecastDisplay.from_estimator(model, series, window=8, horizon=[1, 3])


# Attributes and mistakes.


@each_setting
def test_columns_of_the_output(name):
    """Parameter by parameter, and in each of them target by target."""
    model = make(name).fit(X, two(name))
    n_raw = {"gaussian": 2, "student_t": 3, "negative_binomial": 2, "quantiles": 3}[name]
    assert model.n_outputs_ == 2 * n_raw
    assert model.weights_["output.W"].shape == (12, 2 * n_raw)
    theta = model._theta = np.zeros_like(model._theta)
    b = model._network.layout.views(theta)["output.b"]
    b[:] = np.arange(2 * n_raw) / 4
    if name == "quantiles":
        np.testing.assert_allclose(model.predict(X)[0, :, 1], b[2:4])
        return
    parameters = {key: v[0] for key, v in model.predict_distribution(X).kwds.items()}
    if name == "negative_binomial":
        np.testing.assert_allclose(model.predict(X)[0], np.exp(b[:2]))
        np.testing.assert_allclose(1 / parameters["n"], np.logaddexp(0, b[2:]), rtol=1e-6)
        return
    np.testing.assert_allclose(parameters["loc"], b[:2], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(parameters["scale"], np.exp(b[2:4]), rtol=1e-6)
    if name == "student_t":
        np.testing.assert_allclose(parameters["df"], 2.1 + np.logaddexp(0, b[4:]))


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (Y, "loss='negative_binomial' needs y of zero or more. The least y is -"),
        (np.abs(Y), "loss='negative_binomial' needs counts.* y has the value "),
    ],
)
def test_counts_are_counts(y, message):
    with pytest.raises(ValueError, match=message):
        regressor(loss="negative_binomial").fit(X, y)


@pytest.mark.parametrize(
    "quantile", [[], [0.5, 0.1], [0.1, 0.1], [0.0, 0.5], [0.5, 1.0], [[0.5]], ["a"], [None]]
)
def test_bad_quantiles(quantile):
    with pytest.raises(ValueError, match="quantile must be a float between 0 and 1, or"):
        regressor(loss="quantile", quantile=quantile).fit(X, Y)


@pytest.mark.parametrize("call", ["fit", "partial_fit"])
@pytest.mark.parametrize(
    "options",
    [
        {"loss": "squared_error"},
        {"loss": "negative_binomial"},
        {"loss": "quantile", "quantile": [0.1, 0.9]},
    ],
)
def test_training_goes_on_with_the_same_outputs(call, options):
    y = targets("negative_binomial")
    model = regressor(loss="gaussian", warm_start=True).fit(X, y)
    expected = model.predict(X)
    with pytest.raises(ValueError, match="same outputs only, but began with loss='gauss"):
        getattr(model.set_params(**options), call)(X, y)
    np.testing.assert_array_equal(model.predict(X), expected)


def test_a_list_that_changes_later():
    shares = [0.1, 0.9]
    model = regressor(loss="quantile", quantile=shares).fit(X, Y)
    expected = model.score(X, Y)
    shares[0] = 0.5
    assert model.score(X, Y) == expected
