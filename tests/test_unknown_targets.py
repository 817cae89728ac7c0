"""Targets that are missing at weight 0: as if another stood there, to the bit."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from skbptt import solvers
from skbptt.inspection import (
    gradient_flow,
    hessian_product,
    loss_gradient,
    permutation_importance,
    saliency,
)
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
)

rng = np.random.RandomState(11)
TWO = np.c_[Y, Y**2 - 1]
TWO_STEPS = [np.c_[y, y**2 - 1] for y in Y_STEPS]
TAGS = [np.where(y > 0, "up", "down") for y in Y_STEPS]
ROWS = rng.randint(0, 2, len(X)) * 1.5
OUTPUTS = rng.randint(0, 3, TWO.shape).astype(float)
STEPS = [rng.randint(0, 3, n).astype(float) for n in LENGTHS]
STEPS[3][:] = 0
STEP_OUTPUTS = [rng.randint(0, 2, (n, 2)) * 0.5 for n in LENGTHS]


def masked(y, weights, other=np.nan):
    """Targets with something else where there is no weight."""
    known = np.asarray(weights) > 0
    if np.ndim(y) > known.ndim:
        known = np.broadcast_to(known[:, np.newaxis], np.shape(y))
    kind = object if np.asarray(y).dtype.kind in "UO" else float
    return np.where(known, np.asarray(y, dtype=kind), other)


def each_masked(y, weights, other=np.nan):
    return [masked(one, w, other) for one, w in zip(y, weights)]


# Estimator, targets, weights, and the targets with NaN and with something else.
PROBLEMS = {
    "number": (regressor(), Y, ROWS, masked, 1e200),
    "numbers": (regressor(), TWO, ROWS, masked, -1e6),
    "numbers by output": (regressor(), TWO, OUTPUTS, masked, 7.0),
    "counts": (regressor(loss="poisson"), np.abs(TWO), OUTPUTS, masked, -1.0),
    "indicators": (classifier(), (TWO > 0).astype(int), OUTPUTS, masked, 1.0),
    "labels": (classifier(), LABELS, ROWS, masked, "mid"),
    "codes": (classifier(), np.digitize(Y, [-1, 1]), ROWS, masked, 1.0),
    "step number": (regressor(return_sequences=True), Y_STEPS, STEPS, each_masked, 9.0),
    "step numbers": (
        regressor(return_sequences=True), TWO_STEPS, STEP_OUTPUTS, each_masked, -9.0,
    ),
    "step labels": (classifier(return_sequences=True), TAGS, STEPS, each_masked, "up"),
}  # fmt: skip
each_problem = pytest.mark.parametrize("name", PROBLEMS)


def problem(name):
    model, y, weights, hide, other = PROBLEMS[name]
    return clone(model), y, weights, hide(y, weights), hide(y, weights, other)


def same_models(a, b):
    assert_same_model(a, b)
    if hasattr(a, "classes_"):
        assert list(a.classes_) == list(b.classes_)


@each_problem
@pytest.mark.parametrize("early_stopping", [False, True])
def test_fit_and_score(name, early_stopping):
    model, y, weights, unknown, other = problem(name)
    model.set_params(early_stopping=early_stopping, validation_fraction=0.3)
    fits = [quietly(clone(model).fit, X, v, weights) for v in (y, unknown, other)]
    for one in fits[1:]:
        same_models(fits[0], one)
        assert one.validation_scores_ == fits[0].validation_scores_
    scores = {fits[0].score(X, v, weights) for v in (y, unknown, other)}
    assert len(scores) == 1
    assert np.isfinite(scores.pop())


@pytest.mark.parametrize("solver", solvers.SOLVERS)
@pytest.mark.parametrize("name", ["numbers by output", "step labels"])
def test_every_solver(name, solver):
    model, y, weights, unknown, _ = problem(name)
    model.set_params(solver=solver, max_iter=3)
    fits = [quietly(clone(model).fit, X, v, weights) for v in (y, unknown)]
    same_models(*fits)


@each_problem
def test_partial_fit_without_shuffle(name):
    model, y, weights, unknown, other = problem(name)
    model.set_params(shuffle=False)
    classes = {}
    if name in ("labels", "step labels", "codes"):
        classes = {"classes": np.unique(np.concatenate(y) if "step" in name else y)}
    elif name == "indicators":
        classes = {"classes": [0, 1]}
    fits = []
    for v in (y, unknown, other):
        fits.append(clone(model))
        for _ in range(2):
            fits[-1].partial_fit(X, v, weights, **classes)
    same_models(*fits[:2])
    same_models(fits[0], fits[2])


@each_problem
def test_validation_data(name):
    model, y, weights, unknown, _ = problem(name)
    model.set_params(early_stopping=True)
    fits = [
        quietly(
            clone(model).fit, X, y, weights, X_val=X, y_val=v, sample_weight_val=weights
        )
        for v in (y, unknown)
    ]
    same_models(*fits)
    assert fits[0].validation_loss_curve_ == fits[1].validation_loss_curve_
    with pytest.raises(ValueError, match=r"X_val, y_val or .*: Input y contains"):
        fits[0].fit(X, y, weights, X_val=X, y_val=unknown)


@each_problem
def test_inspection(name):
    model, y, weights, unknown, other = problem(name)
    model = quietly(model.fit, X, y, weights)
    v = model.weights_
    found = []
    for target in (y, unknown, other):
        loss, gradient = loss_gradient(model, X, target, weights)
        products = [
            hessian_product(model, X, target, v, kind=kind, sample_weight=weights)
            for kind in ("hessian", "gauss-newton")
        ]
        flow = gradient_flow(model, X, target, sample_weight=weights)
        importance = permutation_importance(
            model, X, target, random_state=0, n_repeats=1, sample_weight=weights
        )
        found.append(
            [np.array(loss)]
            + [one for mapping in (gradient, *products, flow.norm) for one in
               mapping.values()]
            + list(saliency(model, X, target, sample_weight=weights))
            + [importance.importances]
        )  # fmt: skip
    for others in found[1:]:
        for a, b in zip(found[0], others):
            np.testing.assert_array_equal(a, b)
    for function in (loss_gradient, gradient_flow, saliency):
        with pytest.raises(ValueError, match="Input y contains"):
            function(model, X, unknown)


def test_saliency_of_known_steps_only():
    """Zero after the last known step; the sum of those of single known steps."""
    model = regressor(return_sequences=True).fit(X, TWO_STEPS)
    x, y = X[:1], TWO_STEPS[:1]
    n = LENGTHS[0]
    places = [(1, 0), (2, 1)]
    singles = []
    for t, k in places:
        weight = np.zeros((n, 2))
        weight[t, k] = 2.5
        singles.append(saliency(model, x, y, sample_weight=[weight])[0])
        assert not singles[-1][t + 1 :].any()
    both = np.zeros((n, 2))
    both[tuple(np.transpose(places))] = 0.1
    actual = saliency(model, x, y, sample_weight=[both])[0]
    np.testing.assert_allclose(actual, sum(singles), atol=1e-14)
    assert not saliency(model, X, TWO_STEPS, sample_weight=np.eye(40)[3])[0].any()
    with pytest.raises(ValueError, match="needs y. Got y=None"):
        saliency(model, x, sample_weight=[both])


def test_flow_begins_at_the_last_known_step():
    """As if the sequences ended there; those without a target have none."""
    model = regressor(return_sequences=True).fit(X, Y_STEPS)
    weights = [np.r_[np.ones(n - 1), 0] for n in LENGTHS]
    weights[5][:] = 0
    flow = gradient_flow(model, X, Y_STEPS, sample_weight=weights)
    norm = flow.norm["layers.0.forward"]
    cut = gradient_flow(model, [x[:-1] for x in X], [y[:-1] for y in Y_STEPS])
    expected = cut.norm["layers.0.forward"]
    assert np.isnan(norm[5]).all()
    assert np.isnan(norm[:, -1]).all()
    others = np.arange(40) != 5
    np.testing.assert_allclose(norm[others, :-1], expected[others], rtol=1e-12)
    expected = np.nanmedian(expected[others], axis=0)
    below = np.flatnonzero(expected < 0.01 * expected[0])
    assert flow.reach["layers.0.forward"] == (below[0] if len(below) else np.inf)


@given(st.integers(0, 2**31 - 1))
@settings(max_examples=20, deadline=None)
def test_sequences_with_equal_x(seed):
    """Which merge by what is known, whatever stands where nothing is."""
    draw = np.random.RandomState(seed)
    x = [X[i] for i in draw.randint(0, 4, 12)]
    y = [draw.randint(0, 2, (len(one), 2)).astype(float) for one in x]
    weights = [draw.randint(0, 2, v.shape).astype(float) for v in y]
    for w in weights:
        w[0] = 1
    model = regressor(return_sequences=True, max_iter=2)
    fits = [
        quietly(clone(model).fit, x, v, weights)
        for v in (y, each_masked(y, weights), each_masked(y, weights, draw.normal()))
    ]
    order = draw.permutation(12)
    shuffled = [[part[i] for i in order] for part in (x, each_masked(y, weights), weights)]
    fits.append(quietly(clone(model).fit, *shuffled))
    for one in fits[1:]:
        assert_same_model(fits[0], one)


def test_equal_sequences_merge_whichever_outputs_are_known():
    weights = np.c_[np.ones(40), np.zeros(40)]
    y = masked(TWO, weights), masked(TWO, weights[:, ::-1])
    halves = regressor().fit(X * 2, np.vstack(y), np.vstack([weights, weights[:, ::-1]]))
    assert_same_model(halves, regressor().fit(X, TWO, np.ones(TWO.shape)))


MISSING = {"None": None, "NaN": np.nan, "<NA>": pd.NA}
FORMS = {
    "list": list,
    "objects": lambda v: np.array(v, dtype=object),
    "series": lambda v: pd.Series(v, dtype=object),
    "strings": lambda v: pd.Series(v, dtype="string"),
    "categories": lambda v: pd.Series(v, dtype="category"),
}


@pytest.mark.parametrize("missing", MISSING)
@pytest.mark.parametrize("form", FORMS)
def test_nothing_missing_is_a_class(form, missing):
    labels = list(LABELS)
    labels[3] = MISSING[missing]
    y = FORMS[form](labels)
    weights = np.ones(40)
    weights[3] = 0
    model = classifier().fit(X, y, weights)
    assert list(model.classes_) == ["high", "low", "mid"]
    same_models(model, classifier().fit(X[:3] + X[4:], np.delete(LABELS, 3)))
    with pytest.raises(ValueError, match=r"Input y contains .*: y\[3\]\. A weight of 0"):
        model.fit(X, y)


@pytest.mark.parametrize(
    ("y", "classes"),
    [
        (np.r_[np.nan, np.arange(39) % 2], [0.0, 1.0]),
        ([None, *(np.arange(39) % 2).tolist()], [0, 1]),
        ([pd.NA, *(np.arange(39) % 2 > 0).tolist()], [False, True]),
        (pd.Series([pd.NA, *(np.arange(39) % 2)], dtype="Int64"), [0, 1]),
    ],
    ids=["floats", "ints", "bools", "nullable"],
)
def test_labels_that_are_numbers(y, classes):
    weights = np.r_[0, np.ones(39)]
    model = classifier().fit(X, y, weights)
    assert model.classes_.tolist() == classes
    same_models(model, classifier().fit(X[1:], np.array(classes)[np.arange(39) % 2]))


def test_forms_of_missing_tags():
    """Lists in which NumPy would make a string of NaN, and whole sequences of NaN."""
    expected = classifier(return_sequences=True).fit(X, TAGS, STEPS)
    for missing in (None, np.nan, pd.NA):
        y = [
            [str(a) if w else missing for a, w in zip(tags, weights)]
            for tags, weights in zip(TAGS, STEPS)
        ]
        same_models(classifier(return_sequences=True).fit(X, y, STEPS), expected)
    y[3] = np.full(LENGTHS[3], np.nan)
    same_models(classifier(return_sequences=True).fit(X, y, STEPS), expected)


def test_a_label_that_occurs_at_weight_zero_only_stays_a_class():
    y = LABELS.astype(object)
    y[3] = "none"
    weights = np.ones(40)
    weights[3] = 0
    assert "none" in classifier().fit(X, y, weights).classes_


def test_balanced_weights_ignore_what_is_not_known():
    """Also where the first class occurs at no weight at all."""
    y = [np.where(tags == "down", "up", "zero") for tags in TAGS]
    y[0][0], weights = "down", [np.ones(n) for n in LENGTHS]
    weights[0][0] = 0
    model = classifier(return_sequences=True, class_weight="balanced")
    model = quietly(model.fit, X, y, weights)
    loss, _ = loss_gradient(model.set_params(alpha=0.0), X, y, weights)
    p = np.concatenate(model.predict_proba(X))[1:]
    flat = np.concatenate(y)[1:]
    of_true = -np.log(p[np.arange(len(flat)), np.searchsorted(model.classes_, flat)])
    means = [of_true[flat == label].mean() for label in ("up", "zero")]
    assert loss == pytest.approx(np.mean(means), rel=1e-12)


@pytest.mark.parametrize(
    ("model", "y", "message"),
    [
        (regressor(), np.where(np.arange(40) == 7, np.nan, Y), r"contains NaN: y\[7\]\. A"),
        (regressor(), [None, *Y[1:]], r"contains None: y\[0\]\. A weight of 0 in sample_w"),
        (
            regressor(),
            np.where(np.eye(40, 2, -5) == 1, np.nan, TWO),
            r"y\[5\], output 0\. A",
        ),
        (
            regressor(return_sequences=True),
            each_masked(Y_STEPS, [np.arange(n) != 1 for n in LENGTHS]),
            r"NaN: y\[0\] at step 1\. A weight",
        ),
        (
            regressor(return_sequences=True),
            each_masked(TWO_STEPS, [np.c_[np.ones(n), np.arange(n) != 1] for n in LENGTHS]),
            r"NaN: y\[0\] at step 1, output 1\. A weight",
        ),
    ],
)
def test_errors_name_the_place(model, y, message):
    with pytest.raises(ValueError, match=message):
        model.fit(X, y)
