"""A weight for each output: in the objective, its derivatives, fits and scores."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from sklearn.base import clone
from sklearn.metrics import r2_score

from skbptt import losses, solvers
from skbptt.data._data import drop_weightless
from skbptt.inspection import loss_gradient
from skbptt.losses._pointwise import Regression
from skbptt.network import Curvature
from tests.fits import (
    LENGTHS,
    Y_STEPS,
    X,
    Y,
    assert_same_model,
    classifier,
    quietly,
    regressor,
    weighted_data,
)
from tests.gradcheck import complex_gradient, objective_of, reference_raw
from tests.strategies import problems

TWO = np.c_[Y, Y**2 - 1]
INDICATORS = (TWO > 0).astype(int)
TWO_STEPS = [np.c_[y, y**2 - 1] for y in Y_STEPS]
STEP_INDICATORS = [(y > 0).astype(int) for y in TWO_STEPS]
rng = np.random.RandomState(7)
COUNTS = rng.randint(0, 4, TWO.shape)
STEP_COUNTS = [rng.randint(0, 3, y.shape) for y in TWO_STEPS]

PROBLEMS = [
    (regressor(), TWO, COUNTS),
    (classifier(), INDICATORS, COUNTS),
    (regressor(return_sequences=True), TWO_STEPS, STEP_COUNTS),
    (classifier(return_sequences=True), STEP_INDICATORS, STEP_COUNTS),
]
each_problem = pytest.mark.parametrize(
    ("model", "y", "counts"),
    PROBLEMS,
    ids=["numbers", "indicators", "step numbers", "step indicators"],
)


def with_output_weights(problem):
    network, loss, sequences, y, weights, theta = problem
    assume(not isinstance(loss, losses.CrossEntropy))
    draw = np.random.RandomState(len(theta))
    weights = weights[:, np.newaxis] * draw.randint(0, 3, y.shape)
    weights[draw.randint(len(y)), draw.randint(y.shape[1])] = 1.0
    return network, loss, sequences, y, weights, theta


def objective_by_hand(network, loss, sequences, y, weights, alpha, theta):
    """The weighted losses, sequence by sequence, step by step and output by output."""
    total, row = 0, 0
    for x in sequences.split(sequences.steps):
        for raw in np.atleast_2d(reference_raw(network, theta, x)):
            for k in range(y.shape[1]):
                of_output = raw[np.newaxis, k :: y.shape[1]]
                one = loss.value(of_output, y[[row], k : k + 1])[0]
                total += weights[row, k] * one
            row += 1
    if isinstance(loss, Regression):
        total = total / y.shape[1]
    penalty = sum(
        (matrix**2).sum()
        for name, matrix in network.layout.views(theta).items()
        if name.endswith((".W", ".R"))
    )
    return (total + alpha / 2 * penalty) / weights.mean(axis=1).sum()


@given(problems())
@settings(max_examples=15, deadline=None)
def test_gradient_equals_complex_step_of_the_objective_by_hand(problem):
    network, loss, sequences, y, weights, theta = with_output_weights(problem)

    def by_hand(theta):
        return objective_by_hand(network, loss, sequences, y, weights, 0.7, theta)

    objective = objective_of(network, loss, sequences, y, weights, alpha=0.7)
    value, gradient = objective.value_and_gradient(theta)
    assert value == pytest.approx(by_hand(theta), rel=1e-11)
    assert objective.value(theta, np.arange(objective.n)) == pytest.approx(value, rel=1e-11)
    expected = complex_gradient(by_hand, theta)
    assert np.abs(gradient - expected).max() <= 1e-10 * max(np.abs(expected).max(), 1)


@given(problems())
@settings(max_examples=30, deadline=None)
def test_second_order_products(problem):
    """Hessian by differences of the gradient; Gauss-Newton matrix written out."""
    network, loss, sequences, y, weights, theta = with_output_weights(problem)
    assume(loss.n_raw == 1)
    objective = objective_of(network, loss, sequences, y, weights, alpha=0.7)
    v = np.random.RandomState(1).standard_normal(len(theta))
    curvature = Curvature(objective, theta)
    h = 1e-6 / np.linalg.norm(v)
    ahead, behind = (objective.value_and_gradient(theta + s * h * v)[1] for s in (1, -1))
    smooth = isinstance(loss, (losses.SquaredError, losses.BinaryCrossEntropy))
    smooth = smooth and network.readout in (None, "last", "mean")
    if smooth and getattr(network.cell, "activation", "") != "relu":
        scale = max(np.abs(ahead).max(), 1)
        difference = (ahead - behind) / (2 * h)
        assert np.abs(curvature.hessian(v) - difference).max() <= 1e-4 * scale

    # J^T H J v: the outputs' own second derivatives, each times its weight.
    batch, of_y, of_w = objective._pack(np.arange(objective.n), 1.0)
    raw = network.forward(theta, batch)[0]
    rows = []
    for i in range(len(theta)):
        shifted = theta.astype(complex)
        shifted[i] += 1e-20j
        rows.append(network.forward(shifted, batch)[0].imag / 1e-20)
    jacobian = np.array(rows)
    second = np.empty(raw.shape)
    for k in range(raw.shape[1]):
        one = raw[:, [k]] + 1e-20j
        second[:, k] = loss.gradient(one, of_y[:, [k]])[:, 0].imag / 1e-20
    if isinstance(loss, Regression):
        second = second / raw.shape[1]
    second = second * of_w / weights.mean(axis=1).sum()
    along = np.tensordot(v, jacobian, axes=1)
    expected = np.tensordot(jacobian, second * along, axes=2) + objective.penalty * v
    actual = curvature.gauss_newton(v)
    assert np.abs(actual - expected).max() <= 1e-9 * max(np.abs(expected).max(), 1e-3)


def test_structural_damping_takes_the_mean_weight():
    model = regressor(max_iter=1).fit(X, TWO)
    model_data = weighted_data(model, TWO, COUNTS + 1.0)
    v = np.random.RandomState(1).standard_normal(len(model._theta))
    products = []
    for weights in (COUNTS + 1.0, (COUNTS + 1.0).mean(axis=1)):
        data = model_data.reweighted(weights)
        objective = objective_of(
            model._network, model._loss, data.sequences, data.y, data.weights
        )
        curvature = Curvature(objective, np.array(model._theta))
        products.append(curvature.gauss_newton(v, 2.0) - curvature.gauss_newton(v))
    np.testing.assert_allclose(*products, atol=1e-12)


def repeated(values, counts):
    return [value for value, count in zip(values, counts) for _ in range(count)]


@each_problem
@pytest.mark.parametrize("early_stopping", [False, True])
def test_weights_are_counts_to_the_bit(model, y, counts, early_stopping):
    """Counts of outputs equal sequences given so often, each with the weights 0 and 1."""
    model = clone(model).set_params(
        early_stopping=early_stopping, validation_fraction=0.3, n_iter_no_change=np.inf
    )
    n = [np.max(c) for c in counts]
    layers = [
        (np.asarray(c) > j).astype(float) for c, m in zip(counts, n) for j in range(m)
    ]
    order = rng.permutation(len(layers))
    rows = quietly(
        clone(model).fit,
        [repeated(X, n)[i] for i in order],
        [repeated(y, n)[i] for i in order],
        [layers[i] for i in order],
    )
    weighted = quietly(clone(model).fit, X, y, counts)
    assert_same_model(weighted, rows)
    assert weighted.validation_scores_ == rows.validation_scores_
    doubled = quietly(clone(model).fit, X, y, [2.0 * c for c in counts])
    twice = quietly(clone(model).fit, X * 2, [*y, *y], [*counts, *counts])
    assert_same_model(doubled, twice)


@pytest.mark.parametrize("solver", solvers.SOLVERS)
@each_problem
def test_constant_rows_are_one_weight_for_the_row(model, y, counts, solver):
    model = clone(model).set_params(solver=solver, max_iter=3, early_stopping=True)
    per_step = model.return_sequences
    one = [c[:, 0] + 0.5 for c in counts] if per_step else counts[:, 0] + 0.5
    rows = [np.c_[w, w] for w in one] if per_step else np.c_[one, one]
    a = quietly(clone(model).fit, X, y, one)
    b = quietly(clone(model).fit, X, y, rows)
    np.testing.assert_allclose(b.loss_curve_, a.loss_curve_, rtol=1e-6)
    np.testing.assert_allclose(
        b.validation_loss_curve_, a.validation_loss_curve_, rtol=1e-6
    )
    np.testing.assert_allclose(b.validation_scores_, a.validation_scores_, atol=1e-6)
    np.testing.assert_allclose(b._theta, a._theta, atol=1e-5)


@each_problem
def test_what_stands_at_weight_zero_does_not_matter(model, y, counts):
    """Neither for the gradient nor for a fit, to the bit."""
    other = [np.where(np.asarray(c) > 0, v, 1 - v) for v, c in zip(y, counts)]
    a, b = (quietly(clone(model).fit, X, target, counts) for target in (y, other))
    assert_same_model(a, b)
    for target in (y, other):
        loss, gradient = loss_gradient(a, X, target, counts)
        if target is y:
            expected = loss, gradient
    assert loss == expected[0]
    for name in gradient:
        np.testing.assert_array_equal(gradient[name], expected[1][name])


@pytest.mark.parametrize("shuffle", [False, True])
def test_columns_of_one_output(shuffle):
    weights = COUNTS[:, 0] + 0.5
    model = regressor(shuffle=shuffle)
    column = clone(model).fit(X, Y, weights[:, np.newaxis])
    assert_same_model(column, clone(model).fit(X, Y, weights))
    model.set_params(return_sequences=True)
    steps = [c[:, 0] + 0.5 for c in STEP_COUNTS]
    column = clone(model).fit(X, Y_STEPS, [w[:, np.newaxis] for w in steps])
    assert_same_model(column, clone(model).fit(X, Y_STEPS, steps))


def test_dense_and_ragged_weights_of_steps_are_the_same():
    x, y = np.array([x[:2] for x in X]), np.array([v[:2] for v in TWO_STEPS])
    weights = np.array([c[:2] for c in STEP_COUNTS])
    model = regressor(return_sequences=True)
    dense = clone(model).fit(x, y, weights)
    assert_same_model(dense, clone(model).fit(list(x), list(y), list(weights)))


def test_training_starts_from_the_mean_of_each_output():
    model = regressor(learning_rate_init=1e-300, max_iter=1).fit(X, TWO, COUNTS)
    expected = [np.average(TWO[:, k], weights=COUNTS[:, k]) for k in range(2)]
    np.testing.assert_allclose(model.weights_["output.b"], expected, rtol=1e-12)
    model = classifier(learning_rate_init=1e-300, max_iter=1).fit(X, INDICATORS, COUNTS)
    p = np.array([np.average(INDICATORS[:, k], weights=COUNTS[:, k]) for k in range(2)])
    np.testing.assert_allclose(model.weights_["output.b"], np.log(p / (1 - p)), rtol=1e-10)


# Each output has a weight in the loss that is inverse to its variance.
FACTORS = TWO.var(axis=0).mean() / TWO.var(axis=0)


def test_loss_is_that_of_the_docstring():
    """Mean over outputs of what is weighted, over the sum of the mean weights."""
    model = regressor(max_iter=2).fit(X, TWO)
    errors = 0.5 * (model.predict(X) - TWO) ** 2 * FACTORS
    loss, _ = loss_gradient(model.set_params(alpha=0.0), X, TWO, COUNTS)
    assert loss == pytest.approx((COUNTS * errors).sum() / COUNTS.sum(), rel=1e-12)
    tagger = classifier(max_iter=2, alpha=0.0).fit(X, INDICATORS)
    p = np.where(INDICATORS == 1, tagger.predict_proba(X), 1 - tagger.predict_proba(X))
    loss, _ = loss_gradient(tagger, X, INDICATORS, COUNTS)
    expected = -(COUNTS * np.log(p)).sum() / COUNTS.mean(axis=1).sum()
    assert loss == pytest.approx(expected, rel=1e-12)


def test_validation_by_output():
    model = regressor(early_stopping=True, scoring=None, n_iter_no_change=np.inf)
    model.fit(X, TWO, X_val=X, y_val=TWO, sample_weight_val=COUNTS)
    best = int(np.argmax(model.validation_scores_))
    score = model.score(X, TWO, COUNTS)
    assert model.validation_scores_[best] == pytest.approx(score, rel=1e-12)
    errors = 0.5 * (model.predict(X) - TWO) ** 2 * FACTORS
    expected = np.average(errors, weights=COUNTS)
    assert model.validation_loss_curve_[best] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("per_step", [False, True])
def test_scores(per_step):
    """R^2 of each output; labels of positive weight right together."""
    y, counts = (TWO_STEPS, STEP_COUNTS) if per_step else (TWO, COUNTS)
    flat = np.concatenate if per_step else np.asarray
    model = regressor(return_sequences=per_step).fit(X, y)
    true, predicted, weights = flat(y), flat(model.predict(X)), flat(counts)
    by_output = [
        r2_score(*(v[weights[:, k] > 0, k] for v in (true, predicted)),
                 sample_weight=weights[weights[:, k] > 0, k])
        for k in range(2)
    ]  # fmt: skip
    assert model.score(X, y, counts) == pytest.approx(np.mean(by_output), rel=1e-12)
    only_first = [np.c_[np.ones(len(c)), np.zeros(len(c))] for c in counts]
    only_first = only_first if per_step else np.c_[np.ones(len(Y)), np.zeros(len(Y))]
    expected = r2_score(true[:, 0], predicted[:, 0])
    assert model.score(X, y, only_first) == pytest.approx(expected, rel=1e-12)

    y = STEP_INDICATORS if per_step else INDICATORS
    model = classifier(return_sequences=per_step, max_iter=2).fit(X, y)
    right = total = 0
    for t, p, w in zip(flat(y), flat(model.predict(X)), weights):
        total += w.mean()
        right += w.mean() * all(a == b for a, b, v in zip(t, p, w) if v > 0)
    assert model.score(X, y, counts) == pytest.approx(right / total, rel=1e-12)


@pytest.mark.parametrize("per_step", [False, True])
def test_class_weight_multiplies(per_step):
    """The product over the labels that have a weight, for all labels of the row."""
    y, counts = (STEP_INDICATORS, STEP_COUNTS) if per_step else (INDICATORS, COUNTS)
    flat = np.concatenate if per_step else np.asarray
    options = {"return_sequences": per_step, "max_iter": 1}
    model = classifier(class_weight=[{1: 2.0}, {0: 3.0}], **options).fit(X, y)
    kept = [i for i, c in enumerate(counts) if np.any(c)]
    t, w = flat([y[i] for i in kept]), flat([counts[i] for i in kept])
    first = np.where((t[:, 0] == 1) & (w[:, 0] > 0), 2.0, 1.0)
    second = np.where((t[:, 1] == 0) & (w[:, 1] > 0), 3.0, 1.0)
    data = drop_weightless(weighted_data(model, y, counts))
    np.testing.assert_array_equal(data.weights, w * (first * second)[:, np.newaxis])

    model.set_params(class_weight="balanced")
    factors = 1.0
    for k in range(2):
        of_class = [w[t[:, k] == c, k].sum() for c in range(2)]
        balanced = w[:, k].sum() / (2 * np.array(of_class))
        factors = factors * np.where(w[:, k] > 0, balanced[t[:, k]], 1.0)
    data = drop_weightless(weighted_data(model, y, counts))
    np.testing.assert_allclose(data.weights, w * factors[:, np.newaxis], rtol=1e-12)


def test_an_output_that_a_call_of_partial_fit_does_not_know():
    """Its weights go on from those of other calls, and are as they were without alpha."""
    weights = np.c_[np.ones(len(Y)), np.zeros(len(Y))]
    model = regressor(alpha=0.0, solver="sgd", momentum=0.0)
    model.partial_fit(X, TWO)
    before = {name: w.copy() for name, w in model.weights_.items()}
    model.partial_fit(X, TWO, weights)
    after = model.weights_
    np.testing.assert_array_equal(after["output.W"][:, 1], before["output.W"][:, 1])
    assert after["output.b"][1] == before["output.b"][1]
    assert (after["output.W"][:, 0] != before["output.W"][:, 0]).any()
    assert np.isfinite(regressor().partial_fit(X, TWO, weights)._theta).all()


@pytest.mark.parametrize(
    ("model", "y", "weights", "message"),
    [
        (regressor(), TWO, np.ones((40, 3)), r"shape \(3,\) for each sequence, but y has 2 "
         r"output\(s\). Allowed are the shapes \(n_sequences,\) and \(n_sequences, 2\)\."),
        (regressor(), Y, np.ones((40, 2)), r"but y has 1 output\(s\). Allowed"),
        (classifier(), INDICATORS[:, 0], np.ones((40, 2)), r"but y has 1 output\(s\)"),
        (regressor(), TWO, np.ones((40, 2, 1)), r"shape \(2, 1\) for each sequence"),
        (regressor(), TWO, np.ones((39, 2)), "X has 40 sequences, sample_weight has 39"),
        (regressor(return_sequences=True), TWO_STEPS, [np.ones((n, 3)) for n in LENGTHS],
         r"shape \(3,\) for each step.* Allowed are the shapes \(n_sequences,\) and "
         r"\(n_sequences, n_steps\) and \(n_sequences, n_steps, 2\), or lists of arrays "
         r"\(n_steps,\) or \(n_steps, 2\)"),
        (regressor(), TWO, np.c_[-np.ones(40), np.ones(40)], "Negative.* -1"),
        (regressor(), TWO, np.c_[np.full(40, np.nan), np.ones(40)], "sample_weight con"),
        (regressor(), TWO, np.zeros((40, 2)), "sample_weight is zero"),
        (regressor(), TWO, np.c_[np.ones(40), np.zeros(40)],
         "sample_weight is zero for every target of output 1"),
    ],
)  # fmt: skip
def test_bad_weights(model, y, weights, message):
    with pytest.raises(ValueError, match=message):
        model.fit(X, y, weights)
