"""Estimators that predict distributions or several quantiles."""

import pickle

import numpy as np
import pytest
import skops.io
from scipy import optimize, stats
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import d2_pinball_score, r2_score

from skbptt import TRUSTED_TYPES, solvers
from skbptt.inspection import (
    loss_gradient,
)
from tests.distributions import (
    NAMES,
    PADDED,
    SHARES,
    STEPS,
    each_likelihood,
    each_setting,
    make,
    targets,
    two,
)
from tests.fits import LENGTHS, Y_STEPS, X, Y, assert_same_model, quietly, regressor

# What is predicted.


@each_likelihood
@pytest.mark.parametrize("several", [False, True])
def test_distribution_mean_and_std_agree(name, several):
    y = two(name) if several else targets(name)
    model = make(name).fit(X, y)
    mean, std = model.predict(X, return_std=True)
    distribution = model.predict_distribution(X)
    np.testing.assert_array_equal(mean, model.predict(X))
    assert mean.shape == std.shape == y.shape
    np.testing.assert_allclose(distribution.mean(), mean, rtol=1e-7)
    np.testing.assert_allclose(distribution.std(), std, rtol=1e-7)
    assert model.score(X, y) == pytest.approx(r2_score(y, mean), rel=1e-12)


@each_likelihood
@pytest.mark.parametrize("several", [False, True])
def test_loss_is_the_log_likelihood(name, several):
    """That of the distributions that are predicted, in the units of y."""
    y = 1e3 * two(name) if several else 1e3 * targets(name)
    model = make(name, max_iter=3, alpha=0.0).fit(X, y)
    distribution = model.predict_distribution(X)
    log_p = distribution.logpmf(y) if name == NAMES[2] else distribution.logpdf(y)
    loss, _ = loss_gradient(model, X, y)
    assert loss == pytest.approx(-log_p.mean(), rel=1e-9)
    model = quietly(make(name, max_iter=3, alpha=0.0, solver="lbfgs").fit, X, y)
    assert model.loss_ == pytest.approx(loss_gradient(model, X, y)[0], rel=1e-12)
    assert model.solver_result_["fun"] == model.loss_
    held = make(name, early_stopping=True).fit(X, y, X_val=X, y_val=y)
    best = held.best_validation_score_
    assert -best == pytest.approx(min(held.validation_loss_curve_), rel=1e-12)
    found = loss_gradient(held.set_params(alpha=0.0), X, y)[0]
    assert -best == pytest.approx(found, rel=1e-9)


@each_setting
@pytest.mark.parametrize("several", [False, True])
def test_step_targets_and_their_forms(name, several):
    """Padded, ragged, and step by step: the same numbers in the form of X."""
    y = (two if several else targets)(name, Y_STEPS)
    model = make(name, **STEPS).fit(X, y)
    predicted, padded = model.predict(X), model.predict(PADDED)
    quantiles = (3,) if name == "quantiles" else ()
    for x, of_one, row, true in zip(X, predicted, padded, y):
        assert of_one.shape == true.shape + quantiles
        np.testing.assert_allclose(row[: len(x)], of_one, rtol=1e-12, atol=1e-12)
        assert np.isnan(row[len(x) :]).all()
    if name == "quantiles":
        return
    mean, std = model.predict(X, return_std=True)
    _, padded_std = model.predict(PADDED, return_std=True)
    each, dense = model.predict_distribution(X), model.predict_distribution(PADDED)
    for i, n in enumerate(LENGTHS):
        np.testing.assert_array_equal(mean[i], predicted[i])
        np.testing.assert_allclose(each[i].mean(), mean[i], rtol=1e-7)
        np.testing.assert_allclose(each[i].std(), std[i], rtol=1e-7)
        np.testing.assert_allclose(padded_std[i, :n], std[i], rtol=1e-12)
        np.testing.assert_allclose(dense.std()[i, :n], std[i], rtol=1e-7)
    assert np.isnan(padded_std[LENGTHS < 8]).any()


def test_poisson_is_a_distribution_as_well():
    counts = targets("negative_binomial")
    model = regressor(loss="poisson").fit(X, counts)
    mean, std = model.predict(X, return_std=True)
    np.testing.assert_array_equal(mean, model.predict(X))
    np.testing.assert_allclose(std**2, mean)
    distribution = model.predict_distribution(X)
    np.testing.assert_array_equal(distribution.mean(), mean)
    log_p = stats.poisson(mean).logpmf(counts)
    np.testing.assert_allclose(distribution.logpmf(counts), log_p)


@pytest.mark.parametrize("loss", ["squared_error", "huber", "quantile"])
def test_other_losses_have_no_distribution(loss):
    model = regressor(loss=loss)
    assert not hasattr(model, "predict_distribution")
    model.fit(X, Y)
    with pytest.raises(AttributeError, match="predict_distribution"):
        model.predict_distribution(X)
    with pytest.raises(ValueError, match=f"return_std .*'gaussian'.* Got loss='{loss}'"):
        model.predict(X, return_std=True)
    stream = model.stream()
    with pytest.raises(ValueError, match="return_std=True needs"):
        stream.push(X[0][0], return_std=True)
    with pytest.raises(ValueError, match=r"method must be one of \['predict'\]"):
        stream.push(X[0][0], "predict_distribution")
    assert stream.push(X[0][0]) == model.stream().push(X[0][0])  # it stayed as it was


def test_the_loss_that_was_fitted_counts():
    model = regressor(loss="gaussian").fit(X, Y)
    expected = model.predict(X, return_std=True)[1]
    model.set_params(loss="squared_error")
    np.testing.assert_array_equal(model.predict_distribution(X).std(), expected)


def test_scores_of_quantiles():
    """The share of the pinball loss explained, averaged over quantiles and targets."""
    model = make("quantiles").fit(X, two("quantiles"))
    predicted, weights = model.predict(X), np.linspace(1, 2, 40)
    assert predicted.shape == (40, 2, 3)
    for w in (None, weights):
        expected = [
            d2_pinball_score(two("quantiles"), predicted[..., j], alpha=q, sample_weight=w)
            for j, q in enumerate(SHARES)
        ]
        score = model.score(X, two("quantiles"), w)
        assert score == pytest.approx(np.mean(expected), rel=1e-12)
    rows = np.column_stack([weights, weights])
    assert model.score(X, two("quantiles"), rows) == pytest.approx(score, rel=1e-12)
    steps = make("quantiles", **STEPS).fit(X, Y_STEPS)
    flat, of_steps = np.concatenate(Y_STEPS), np.concatenate(steps.predict(X))
    ones = np.ones(len(flat))  # without weights, scikit-learn before 1.7 differs
    expected = [
        d2_pinball_score(flat, of_steps[:, j], alpha=q, sample_weight=ones)
        for j, q in enumerate(SHARES)
    ]
    assert steps.score(X, Y_STEPS) == pytest.approx(np.mean(expected), rel=1e-12)
    one = regressor(loss="quantile", quantile=[0.3]).fit(X, Y)
    assert one.predict(X).shape == (40, 1)


# Fits of a constant, and of data drawn from the model.

BLIND = [np.zeros((3, 1))] * 300  # of which a net without biases knows nothing


def draw(name, rng, mean=3.0, size=300):
    if name == "gaussian":
        return rng.normal(mean, 2, size)
    if name == "student_t":
        return mean + 2 * rng.standard_t(5, size)
    return rng.negative_binomial(2, 2 / (2 + mean), size).astype(float)


@each_likelihood
def test_a_constant_is_the_fit_of_scipy(name):
    y = draw(name, np.random.RandomState(0))
    model = make(name, solver="lbfgs", max_iter=300, tol=1e-9)
    parameters = quietly(model.fit, BLIND, y).predict_distribution(BLIND[:1]).kwds
    parameters = {key: value[0] for key, value in parameters.items()}
    if name == "gaussian":
        expected = dict(zip(["loc", "scale"], stats.norm.fit(y)))
    elif name == "student_t":
        expected = dict(zip(["df", "loc", "scale"], stats.t.fit(y)))
    else:

        def objective(log):
            return -stats.nbinom(np.exp(log), special_p(log, y)).logpmf(y).sum()

        n = np.exp(optimize.minimize_scalar(objective, (-1, 3)).x)
        expected = {"n": n, "p": n / (n + y.mean())}
    for key, value in expected.items():
        assert parameters[key] == pytest.approx(value, rel=5e-3), key


def special_p(log, y):
    return np.exp(log) / (np.exp(log) + y.mean())


def drawn_by_a_net(name, n, seed):
    """Sequences whose first feature moves the mean, and whose second the scale."""
    rng = np.random.RandomState(seed)
    x = rng.standard_normal((n, 4, 2))
    mean, scale = x[:, -1, 0], np.exp(0.8 * x[:, -1, 1])
    if name == "negative_binomial":
        mean = np.exp(1 + 0.5 * mean)
        return x, rng.negative_binomial(2, 2 / (2 + mean)).astype(float)
    noise = rng.standard_t(5, n) if name == "student_t" else rng.standard_normal(n)
    return x, mean + scale * noise


@each_setting
def test_intervals_cover(name):
    """Those of 90 % hold about 90 % of what is drawn, at small scales and at large ones."""
    options = {"hidden_layer_sizes": 6, "cell": "rnn", "readout": "last"}
    options |= {"solver": "lbfgs", "max_iter": 60, "quantile": [0.05, 0.5, 0.95]}
    model = make(name, **options)
    quietly(model.fit, *drawn_by_a_net(name, 2000, 0))
    x, y = drawn_by_a_net(name, 4000, 1)
    if name == "quantiles":
        low, _, high = model.predict(x).T
        covered = (low <= y) & (y <= high)
        assert covered.mean() == pytest.approx(0.9, abs=0.02)
    elif name == "negative_binomial":
        # Of counts no interval has just so much; the distribution functions are uniform.
        distribution = model.predict_distribution(x)
        p = distribution.cdf(y) - np.random.RandomState(2).uniform(size=4000) * (
            distribution.pmf(y)
        )
        covered = (p > 0.05) & (p < 0.95)
        assert covered.mean() == pytest.approx(0.9, abs=0.02)
    else:
        low, high = model.predict_distribution(x).interval(0.9)
        covered = (low <= y) & (y <= high)
        assert covered.mean() == pytest.approx(0.9, abs=0.02)
        wide = x[:, -1, 1] > 0.8
        calm = x[:, -1, 1] < -0.8
        assert covered[wide].mean() == pytest.approx(0.9, abs=0.04)
        assert covered[calm].mean() == pytest.approx(0.9, abs=0.04)
        assert np.median((high - low)[wide]) > 3 * np.median((high - low)[calm])


# Training.


@each_setting
@pytest.mark.parametrize("solver", solvers.SOLVERS)
def test_solvers_descend(name, solver):
    model = make(name, solver=solver, max_iter=8, alpha=0.01)
    curve = quietly(model.fit, X, two(name)).loss_curve_
    assert np.isfinite(curve).all()
    assert curve[-1] < curve[0]


@pytest.mark.parametrize("solver", ["adam", "lbfgs", "newton-cg", "hessian-free"])
@pytest.mark.parametrize("name", ["gaussian", "student_t", "quantiles"])
def test_a_fit_does_not_depend_on_the_units_of_y(name, solver):
    max_iter = 1 if solver == "hessian-free" else 4
    options = {"solver": solver, "max_iter": max_iter}
    model = quietly(make(name, **options).fit, X, Y)
    for a, b in ((1e-6, 0.0), (1e6, 1e6)):
        other = quietly(make(name, **options).fit, X, a * Y + b)
        np.testing.assert_allclose((other.predict(X) - b) / a, model.predict(X), atol=1e-5)
        curve = np.array(other.loss_curve_)
        curve = curve / a if name == "quantiles" else curve - np.log(a)
        np.testing.assert_allclose(curve, model.loss_curve_, rtol=1e-5, atol=1e-6)
        if name != "quantiles":
            stds = (m.predict(X, return_std=True)[1] for m in (other, model))
            np.testing.assert_allclose(next(stds) / a, next(stds), rtol=1e-4)


@pytest.mark.parametrize("name", ["gaussian", "student_t", "quantiles"])
def test_targets_have_units_of_their_own(name):
    scale, shift = np.array([1e-3, 1e4]), np.array([5.0, -1e5])
    options = STEPS | {"early_stopping": True}
    model = make(name, **options).fit(X, two(name, Y_STEPS))
    other = make(name, **options).fit(X, [scale * y + shift for y in two(name, Y_STEPS)])
    if name == "quantiles":
        scale, shift = scale[:, np.newaxis], shift[:, np.newaxis]
    for a, b in zip(model.predict(X), other.predict(X)):
        np.testing.assert_allclose((b - shift) / scale, a, rtol=1e-6, atol=1e-5)


@each_setting
@pytest.mark.parametrize("per_step", [False, True])
def test_weights_are_counts(name, per_step):
    y = two(name, Y_STEPS if per_step else Y)
    rng = np.random.RandomState(1)
    counts = [rng.randint(0, 3, np.shape(one)) for one in y]
    model = make(name, return_sequences=per_step, early_stopping=True, max_iter=3)
    model.set_params(validation_fraction=0.3)
    doubled = quietly(clone(model).fit, X, y, [2.0 * c for c in counts])
    twice = quietly(clone(model).fit, X * 2, [*y, *y], [*counts, *counts])
    assert_same_model(doubled, twice)
    # What stands at weight 0 does not matter, and may be unknown.
    unknown = [np.where(c > 0, one, np.nan) for one, c in zip(y, counts)]
    holed = quietly(clone(model).fit, X, unknown, [2.0 * c for c in counts])
    assert_same_model(doubled, holed)


@each_setting
def test_going_on(name):
    """Warm starts and stored models go on as if nothing had been, to the bit."""
    y = targets(name)
    options = {"warm_start": True, "learning_rate": "constant"}
    whole = quietly(make(name, **options, max_iter=8).fit, X, y)
    half = quietly(make(name, **options, max_iter=4).fit, X, y)
    stored = skops.io.dumps(half)
    again = skops.io.loads(stored, trusted=list(TRUSTED_TYPES))
    for model in (again, pickle.loads(pickle.dumps(half)), half):
        for a, b in zip(half.predict(X), model.predict(X)):
            np.testing.assert_array_equal(a, b)
        assert_same_model(quietly(model.fit, X, y), whole)


@each_setting
@pytest.mark.parametrize("n", [10, 40])
def test_partial_fit(name, n):
    """With fewer targets than tell their spread, and with more."""
    model = make(name, solver="sgd")
    y = targets(name)
    losses = [model.partial_fit(X[:n], y[:n]).loss_ for _ in range(20)]
    assert losses[-1] < losses[0]
    with pytest.raises(ValueError, match="needs y of zero or more|number of targets"):
        model.partial_fit(X[:n], -1 - y[:n] if name == NAMES[2] else two(name)[:n])


@each_setting
def test_threads_change_no_bit(name):
    y = two(name)
    options = {"hidden_layer_sizes": 8, "max_iter": 2}
    one, other = (make(name, **options, n_jobs=n).fit(X, y) for n in (1, 2))
    assert_same_model(one, other)


@each_setting
def test_float32_stays(name):
    x = [steps.astype("f4") for steps in X]
    y = targets(name) if name == NAMES[2] else 1e4 * Y
    model = make(name).fit(x, y.astype("f4"))
    assert {w.dtype for w in model.weights_.values()} == {np.dtype("f4")}
    predicted = model.predict(x)
    assert predicted.dtype == np.float32
    exact = make(name).fit([steps.astype(float) for steps in x], y)
    expected = exact.predict(X)
    np.testing.assert_allclose(predicted, expected, atol=2e-3 * np.abs(expected).max())


@each_likelihood
def test_constant_targets(name):
    """Their scale falls, and stays finite."""
    y = np.full(40, 3.0)
    for solver in ("adam", "lbfgs"):
        model = quietly(make(name, solver=solver, max_iter=30).fit, X, y)
        mean, std = model.predict(X, return_std=True)
        assert np.abs(mean - 3).max() < 0.5
        assert np.isfinite(model.loss_curve_).all()
        assert (std > 0).all()


def test_diagnosis_of_constants():
    """Noise is no better than a constant; negative losses are no obstacle."""
    rng = np.random.RandomState(0)
    x = [rng.standard_normal((30, 1)) for _ in range(60)]
    y = np.array([1e-3 * step[0, 0] for step in x])
    with pytest.warns(match="no better than that of a constant"):
        regressor(loss="gaussian", alpha=1e6, max_iter=3).fit(x, y)
    # 1 - exp(-2 gain) of the variance is explained.
    options = {"solver": "lbfgs", "alpha": 1e-6, "max_iter": 10, "readout": "mean"}
    model = regressor(loss="gaussian", **options)
    z = np.array([1e-3 * step.mean() for step in x])
    with pytest.warns(ConvergenceWarning, match="has not converged") as warned:
        assert model.fit(x, z).loss_ < -8
    assert len(warned) == 1


# Streams.


@each_setting
@pytest.mark.parametrize("n_streams", [None, 3])
@pytest.mark.parametrize("per_step", [False, True])
def test_streams(name, n_streams, per_step):
    y = targets(name, Y_STEPS if per_step else Y)
    model = make(name, return_sequences=per_step).fit(X, y)
    stream, prefix = model.stream(n_streams), X[:3]
    sequences = [x[:2] for x in prefix]
    for t in range(2):
        rows = np.array([x[t] for x in sequences])
        step = rows[0] if n_streams is None else rows
        before = stream.copy(), stream.copy()
        got = stream.push(step)
    answer = model.predict([x[:2] for x in sequences])
    if per_step:
        answer = np.array([of_one[-1] for of_one in answer])
    np.testing.assert_allclose(got, answer[0] if n_streams is None else answer, rtol=1e-9)
    if name == "quantiles":
        return
    mean, std = before[0].push(step, return_std=True)
    np.testing.assert_array_equal(mean, got)
    distribution = before[1].push(step, method="predict_distribution")
    np.testing.assert_allclose(distribution.mean(), mean, rtol=1e-7)
    np.testing.assert_allclose(distribution.std(), std, rtol=1e-7)
    assert np.shape(std) == np.shape(got) == (() if n_streams is None else (3,))
