"""Weights are counts: a weight of 2 is a sequence given twice, to the bit."""

import numpy as np
import pytest
from sklearn.base import clone

from skbptt import solvers
from skbptt.inspection import loss_gradient
from tests.fits import (
    LABELS,
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


def repeated(values, counts):
    return [value for value, count in zip(values, counts) for _ in range(count)]


@pytest.mark.parametrize("solver", solvers.SOLVERS)
@pytest.mark.parametrize("cell", ["rnn", "gru", "lem", "lstm"])
def test_weights_equal_repetitions(cell, solver):
    counts = np.random.RandomState(3).randint(0, 4, len(X))
    counts[0] = 0
    options = {"cell": cell, "solver": solver, "max_iter": 8}
    weighted = quietly(regressor(**options).fit, X, Y, counts)
    order = np.random.RandomState(4).permutation(counts.sum())
    X_rep = [repeated(X, counts)[i] for i in order]
    y_rep = np.array(repeated(Y, counts))[order]
    assert_same_model(weighted, quietly(regressor(**options).fit, X_rep, y_rep))


@pytest.mark.parametrize("class_weight", [None, "balanced", {"mid": 0.1, "low": 0.7}])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_weights_equal_repetitions_of_labels(class_weight, early_stopping):
    counts = np.random.RandomState(3).randint(0, 10, len(X))
    model = classifier(
        class_weight=class_weight,
        early_stopping=early_stopping,
        validation_fraction=0.3,
        dropout=0.2,
    )
    weighted = clone(model).fit(X, LABELS, counts)
    rows = clone(model).fit(repeated(X, counts), repeated(LABELS, counts))
    assert_same_model(weighted, rows)
    assert weighted.validation_scores_ == rows.validation_scores_


def test_weights_equal_repetitions_of_balanced_indicators():
    counts = np.random.RandomState(3).randint(0, 4, len(X))
    y = np.column_stack([Y > 0, Y > 1]).astype(int)
    model = classifier(class_weight="balanced")
    rows = clone(model).fit(repeated(X, counts), np.array(repeated(y, counts)))
    assert_same_model(clone(model).fit(X, y, counts), rows)


def test_step_weights_equal_repetitions():
    """A sequence given twice is one whose step weights are doubled; zeros drop steps."""
    counts = np.random.RandomState(3).randint(0, 3, len(X))
    step_weights = [np.full(len(x), c) for x, c in zip(X, counts)]
    model = regressor(return_sequences=True)
    by_step = clone(model).fit(X, Y_STEPS, step_weights)
    assert_same_model(by_step, clone(model).fit(X, Y_STEPS, counts))
    rows = clone(model).fit(repeated(X, counts), repeated(Y_STEPS, counts))
    assert_same_model(by_step, rows)


def test_a_step_without_weight_has_no_target():
    weights = [np.ones(len(x)) for x in X]
    other = [y.copy() for y in Y_STEPS]
    for i in range(0, len(X), 2):
        weights[i][1] = 0
        other[i][1] = 1e6
    model = regressor(return_sequences=True, alpha=0.0, shuffle=False, max_iter=2)
    model.fit(X, Y_STEPS, weights)
    loss, gradient = loss_gradient(model, X, Y_STEPS, weights)
    other_loss, other_gradient = loss_gradient(model, X, other, weights)
    assert loss == pytest.approx(other_loss, rel=1e-12)
    for name in gradient:
        np.testing.assert_allclose(gradient[name], other_gradient[name], rtol=1e-9)


def test_order_of_the_data_does_not_matter():
    order = np.random.RandomState(1).permutation(len(X))
    shuffled = regressor().fit([X[i] for i in order], Y[order])
    assert_same_model(regressor().fit(X, Y), shuffled)


def test_without_shuffle_the_order_matters_and_zero_weights_are_dropped():
    options = {"shuffle": False, "batch_size": 8}
    kept = np.arange(len(X)) % 3 > 0
    weighted = regressor(**options).fit(X, Y, kept.astype(float))
    X_kept = [x for x, k in zip(X, kept) if k]
    assert_same_model(weighted, regressor(**options).fit(X_kept, Y[kept]))
    reordered = regressor(**options).fit(X_kept[::-1], Y[kept][::-1])
    assert reordered.loss_ != weighted.loss_


def test_scale_of_weights_only_matters_beside_alpha():
    a = regressor(alpha=1.0).fit(X, Y, np.full(len(X), 2.0))
    b = regressor(alpha=0.5).fit(X, Y)
    np.testing.assert_allclose(a.predict(X), b.predict(X), rtol=1e-9)


@pytest.mark.parametrize("per_step", [False, True])
def test_class_weight_balances(per_step):
    y = [np.repeat(v, len(x)) for x, v in zip(X, LABELS)] if per_step else LABELS
    flat = np.concatenate(y) if per_step else y
    model = classifier(
        class_weight="balanced", return_sequences=per_step, max_iter=1, alpha=0.0
    )
    data = weighted_data(model.fit(X, y), y)
    totals = [data.weights[data.y == k].sum() for k in range(3)]
    np.testing.assert_allclose(totals, len(flat) / 3)
    model.set_params(class_weight={"high": 5.0, "low": 0.5})
    data = weighted_data(model, y)
    expected = np.select([flat == "high", flat == "low"], [5.0, 0.5], 1.0)
    np.testing.assert_array_equal(data.weights, expected)


def test_class_weight_of_indicators():
    y = np.column_stack([Y > 0, Y > 1]).astype(int)
    model = classifier(class_weight=[{1: 2.0}, {0: 3.0}], max_iter=1).fit(X, y)
    np.testing.assert_array_equal(
        weighted_data(model, y).weights,
        np.where(y[:, 0], 2.0, 1.0) * np.where(y[:, 1], 1.0, 3.0),
    )


def test_class_weight_in_partial_fit():
    factors = {"high": 5.0, "low": 0.5}
    weights = np.array([factors.get(label, 1.0) for label in LABELS])
    by_class = classifier(class_weight=factors)
    by_weight = classifier()
    for _ in range(3):
        by_class.partial_fit(X, LABELS, classes=np.unique(LABELS))
        by_weight.partial_fit(X, LABELS, weights, classes=np.unique(LABELS))
    assert_same_model(by_class, by_weight)


@pytest.mark.parametrize("per_step", [False, True])
def test_training_starts_from_the_weighted_mean(per_step):
    """A rate of next to nothing leaves the output bias where it began."""
    y = Y_STEPS if per_step else Y
    weights = np.random.RandomState(1).uniform(size=len(X))
    flat = np.concatenate(Y_STEPS) if per_step else Y
    flat_weights = np.repeat(weights, LENGTHS) if per_step else weights
    model = regressor(learning_rate_init=1e-300, max_iter=1, return_sequences=per_step)
    bias = model.fit(X, y, weights).weights_["output.b"]
    assert bias[0] == pytest.approx(np.average(flat, weights=flat_weights), rel=1e-12)


@pytest.mark.parametrize("kind", ["ragged", "ones and zeros"])
def test_data_that_differ_by_rounding_are_in_the_same_order(kind):
    """As those of a scaler on another machine; else other batches make another model."""
    rng = np.random.default_rng(0)
    x = [rng.normal(size=(n, 2)) for n in rng.integers(2, 9, size=80)]
    if kind == "ones and zeros":
        x = [(one > 0) - 0.3 for one in x]
    y = np.array([one[:, 0].sum() for one in x])
    model = regressor(max_iter=30).fit(x, y)
    same = regressor(max_iter=30).fit([np.nextafter(one, 9) for one in x], y)
    np.testing.assert_allclose(same.predict(x), model.predict(x), atol=1e-9)
