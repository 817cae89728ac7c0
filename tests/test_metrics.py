"""Metrics of step targets against scikit-learn's on steps stacked by hand."""

import pickle

import numpy as np
import pytest
from sklearn import config_context, metrics
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    cross_val_predict,
    cross_validate,
)

from skbptt.metrics import (
    make_step_scorer,
    stack_steps,
    step_accuracy_score,
    step_f1_score,
    step_log_loss,
    step_mean_squared_error,
    step_r2_score,
)
from tests.fits import Y_STEPS, X, classifier, regressor

TAGS = [np.digitize(y, [-1, 1]) for y in Y_STEPS]
WORDS = [np.array(["low", "middle", "high"])[tags] for tags in TAGS]
TWO = [(y > 0).astype(int) for y in Y_STEPS]
LENGTHS = [len(x) for x in X]
WEIGHTS = np.linspace(0.5, 2, len(X))
STEP_WEIGHTS = [np.linspace(w, 2 * w, n) for w, n in zip(WEIGHTS, LENGTHS)]


def padded(items, fill=np.nan):
    """Arrays of unequal length in one, by hand."""
    first = np.asarray(items[0])
    shape = (len(items), max(map(len, items)), *first.shape[1:])
    kind = float if first.dtype.kind in "if" else object
    dense = np.full(shape, fill, kind)
    for i, item in enumerate(items):
        dense[i, : len(item)] = item
    return dense


def tagger(**options):
    return classifier(return_sequences=True, **options)


@pytest.mark.parametrize("form", ["ragged", "padded"])
@pytest.mark.parametrize("tags", [TAGS, WORDS, TWO], ids=["numbers", "words", "two"])
@pytest.mark.parametrize("weights", [None, WEIGHTS, STEP_WEIGHTS])
def test_classification_metrics(form, tags, weights):
    shape = padded if form == "padded" else list
    forms, true = shape(X), shape(tags)
    model = tagger().fit(forms, true)
    ragged = tagger().fit(X, tags)
    flat = np.concatenate(tags)
    flat_weights = None
    if weights is not None:
        flat_weights = (
            np.concatenate(weights)
            if isinstance(weights, list)
            else np.repeat(weights, LENGTHS)
        )
        if isinstance(weights, list):
            weights = shape(weights)
    labels = np.concatenate(ragged.predict(X))
    p = np.concatenate(ragged.predict_proba(X))

    by_hand = metrics.accuracy_score(flat, labels, sample_weight=flat_weights)
    predicted = model.predict(forms)
    assert step_accuracy_score(true, predicted, sample_weight=weights) == by_hand
    for average in (None, "macro", "weighted"):
        expected = metrics.f1_score(
            flat, labels, average=average, sample_weight=flat_weights
        )
        actual = step_f1_score(true, predicted, average=average, sample_weight=weights)
        np.testing.assert_array_equal(actual, expected)
    expected = metrics.log_loss(flat, p, sample_weight=flat_weights)
    actual = step_log_loss(true, model.predict_proba(forms), sample_weight=weights)
    assert actual == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("form", ["ragged", "padded"])
@pytest.mark.parametrize("n_outputs", [1, 2])
@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_regression_metrics(form, n_outputs, weights):
    shape = padded if form == "padded" else list
    y = Y_STEPS if n_outputs == 1 else [np.c_[y, -2 * y] for y in Y_STEPS]
    flat_weights = None if weights is None else np.repeat(weights, LENGTHS)
    ragged = regressor(return_sequences=True).fit(X, y)
    flat = np.concatenate(y), np.concatenate(ragged.predict(X))
    model = regressor(return_sequences=True).fit(shape(X), shape(y))
    for ours, theirs in [
        (step_r2_score, metrics.r2_score),
        (step_mean_squared_error, metrics.mean_squared_error),
    ]:
        expected = theirs(*flat, sample_weight=flat_weights)
        actual = ours(shape(y), model.predict(shape(X)), sample_weight=weights)
        assert actual == pytest.approx(expected, rel=1e-12)


SCORERS = {
    "accuracy": lambda y, labels, p: metrics.accuracy_score(y, labels),
    "balanced_accuracy": lambda y, labels, p: metrics.balanced_accuracy_score(y, labels),
    "f1": lambda y, labels, p: metrics.f1_score(y, labels),
    "neg_log_loss": lambda y, labels, p: -metrics.log_loss(y, p),
    "neg_brier_score": lambda y, labels, p: -metrics.brier_score_loss(y, p[:, 1]),
    "roc_auc": lambda y, labels, p: metrics.roc_auc_score(y, p[:, 1]),
    "average_precision": lambda y, labels, p: metrics.average_precision_score(y, p[:, 1]),
}


@pytest.mark.parametrize("name", SCORERS)
@pytest.mark.parametrize("form", ["ragged", "padded", "univariate"])
def test_scorers_of_two_classes(name, form):
    """Those by labels, by probabilities, and by the logit."""
    x, y = (padded(X), padded(TWO)) if form == "padded" else (X, TWO)
    if form == "univariate":
        x = np.random.default_rng(0).normal(size=(20, 5))
        y = (x > 0).astype(int)
    model = tagger().fit(x, y)
    predicted, p = model.predict(x), model.predict_proba(x)
    flat, labels, _ = stack_steps(y, predicted)
    _, p, _ = stack_steps(y, p)
    assert make_step_scorer(name)(model, x, y) == pytest.approx(
        SCORERS[name](flat, labels, p), rel=1e-12
    )


def test_scorers_of_three_classes():
    model = tagger().fit(X, WORDS)
    flat = np.concatenate(WORDS)
    p = np.concatenate(model.predict_proba(X))
    expected = metrics.roc_auc_score(flat, p, multi_class="ovr", labels=model.classes_)
    assert make_step_scorer("roc_auc_ovr")(model, X, WORDS) == pytest.approx(expected)
    model = tagger().fit(X, TAGS)
    flat, labels = np.concatenate(TAGS), np.concatenate(model.predict(X))
    scorer = metrics.make_scorer(metrics.fbeta_score, beta=2, average="macro")
    expected = metrics.fbeta_score(flat, labels, beta=2, average="macro")
    assert make_step_scorer(scorer)(model, X, TAGS) == expected


def test_scorers_of_a_regressor_with_weights():
    model = regressor(return_sequences=True).fit(X, Y_STEPS)
    flat = np.concatenate(Y_STEPS), np.concatenate(model.predict(X))
    for weights, of_steps in [
        (WEIGHTS, np.repeat(WEIGHTS, LENGTHS)),
        (STEP_WEIGHTS, np.concatenate(STEP_WEIGHTS)),
    ]:
        for name, sign, metric in [
            ("r2", 1, metrics.r2_score),
            ("neg_mean_absolute_error", -1, metrics.mean_absolute_error),
        ]:
            expected = sign * metric(*flat, sample_weight=of_steps)
            actual = make_step_scorer(name)(model, X, Y_STEPS, sample_weight=weights)
            assert actual == pytest.approx(expected, rel=1e-12)
    expected = model.score(X, Y_STEPS)
    assert make_step_scorer("r2")(model, X, Y_STEPS) == expected


def test_in_cross_validation_and_search():
    folds = KFold(3)
    scoring = {name: make_step_scorer(name) for name in ("accuracy", "f1_macro")}
    result = cross_validate(tagger(), X, TAGS, cv=folds, scoring=scoring)
    by_hand = []
    for train, test in folds.split(X):
        model = tagger().fit([X[i] for i in train], [TAGS[i] for i in train])
        by_hand.append(model.score([X[i] for i in test], [TAGS[i] for i in test]))
    np.testing.assert_array_equal(result["test_accuracy"], by_hand)

    search = GridSearchCV(
        tagger(), {"cell": ["rnn", "gru"]}, scoring=scoring, refit="f1_macro", cv=folds
    ).fit(X, TAGS)
    assert search.score(X, TAGS) == scoring["f1_macro"](search.best_estimator_, X, TAGS)


def test_on_what_cross_validation_predicted():
    y = np.empty(len(X), object)
    y[:] = TAGS
    predicted = cross_val_predict(tagger(), X, y, cv=KFold(3))
    assert [len(p) for p in predicted] == LENGTHS
    expected = metrics.accuracy_score(np.concatenate(TAGS), np.concatenate(predicted))
    assert step_accuracy_score(y, predicted) == expected


def test_weights_are_routed():
    with config_context(enable_metadata_routing=True):
        weighted, plain = (
            make_step_scorer("accuracy").set_score_request(sample_weight=wanted)
            for wanted in (True, False)
        )
        model = tagger().set_fit_request(sample_weight=True)
        result = cross_validate(
            model,
            X,
            TAGS,
            cv=KFold(2),
            scoring={"weighted": weighted, "plain": plain},
            params={"sample_weight": WEIGHTS},
        )
    for k, (train, test) in enumerate(KFold(2).split(X)):
        model = tagger().fit(
            [X[i] for i in train], [TAGS[i] for i in train], sample_weight=WEIGHTS[train]
        )
        data = [X[i] for i in test], [TAGS[i] for i in test]
        assert result["test_weighted"][k] == model.score(*data, WEIGHTS[test])
        assert result["test_plain"][k] == model.score(*data)


def test_scorers_can_be_stored_and_shown():
    scorer = make_step_scorer("neg_log_loss")
    model = tagger().fit(X, TAGS)
    again = pickle.loads(pickle.dumps(scorer))
    assert again(model, X, TAGS) == scorer(model, X, TAGS)
    assert repr(scorer).startswith("make_step_scorer(make_scorer(log_loss")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: stack_steps([[0, 1]], [[0, 1, 1]]),
            r"y_true\[0\] has 2 steps, but y_pred\[0\] has 3",
        ),
        (lambda: stack_steps([[0, 1]], [[0, 1], [1]]), "y_pred has 2 seq.*, y_true has 1"),
        (lambda: stack_steps([0, 1], [0, 1]), r"y_pred must hold one .* Got \[0, 1\]"),
        (lambda: stack_steps([], []), r"of at least one sequence. Got \[\]"),
        (lambda: make_step_scorer(metrics.accuracy_score), "make_scorer"),
        (lambda: stack_steps([0, 1], np.array([0, 1])), "y_pred must hold one value"),
        (lambda: stack_steps([[0]], [[0]], [1, 1]), "sample_weight has 2"),
        (lambda: make_step_scorer("no such scorer"), "no such scorer"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_scorer_must_be_callable():
    with pytest.raises(TypeError, match="name of a scorer or a callable.* 3"):
        make_step_scorer(3)


def hidden(items, weights, other=np.nan):
    """Targets with something else at steps, or outputs, of weight 0."""
    dtype = object if np.asarray(items[0]).dtype.kind == "U" else float
    return [
        np.where(w > 0, np.asarray(item, dtype), other) for item, w in zip(items, weights)
    ]


SPARSE = [np.random.RandomState(i).randint(0, 3, n) / 2 for i, n in enumerate(LENGTHS)]
KNOWN = np.concatenate(SPARSE) > 0
OF_KNOWN = np.concatenate(SPARSE)[KNOWN]


@pytest.mark.parametrize("form", ["ragged", "padded"])
@pytest.mark.parametrize("tags", [TAGS, WORDS], ids=["numbers", "words"])
@pytest.mark.parametrize("missing", [np.nan, None, "label"])
def test_unknown_labels(form, tags, missing):
    """Metrics of scikit-learn on the steps of positive weight, whatever the others are."""
    shape = padded if form == "padded" else list
    other = tags[0][0] if missing == "label" else missing
    model = tagger().fit(X, tags)
    x, true, weights = shape(X), shape(hidden(tags, SPARSE, other)), shape(SPARSE)
    flat = np.concatenate(tags)[KNOWN]
    labels = np.concatenate(model.predict(X))[KNOWN]
    p = np.concatenate(model.predict_proba(X))[KNOWN]
    given = {"sample_weight": weights}
    expected = metrics.accuracy_score(flat, labels, sample_weight=OF_KNOWN)
    assert step_accuracy_score(true, model.predict(x), **given) == expected
    assert make_step_scorer("accuracy")(model, x, true, **given) == expected
    macro = metrics.f1_score(flat, labels, sample_weight=OF_KNOWN, average="macro")
    assert step_f1_score(true, model.predict(x), **given) == macro
    assert make_step_scorer("f1_macro")(model, x, true, **given) == macro
    loss = metrics.log_loss(flat, p, sample_weight=OF_KNOWN)
    assert step_log_loss(true, model.predict_proba(x), **given) == loss
    assert make_step_scorer("neg_log_loss")(model, x, true, **given) == -loss
    stacked = stack_steps(true, model.predict(x), weights)
    for actual, expected in zip(stacked, (flat, labels, OF_KNOWN)):
        np.testing.assert_array_equal(actual, expected)


def test_unknown_numbers():
    model = regressor(return_sequences=True).fit(X, Y_STEPS)
    flat = np.concatenate(Y_STEPS)[KNOWN], np.concatenate(model.predict(X))[KNOWN]
    true = hidden(Y_STEPS, SPARSE)
    for ours, theirs, scorer, sign in [
        (step_r2_score, metrics.r2_score, "r2", 1),
        (step_mean_squared_error, metrics.mean_squared_error, "neg_mean_squared_error", -1),
    ]:
        expected = theirs(*flat, sample_weight=OF_KNOWN)
        assert ours(true, model.predict(X), sample_weight=SPARSE) == expected
        actual = make_step_scorer(scorer)(model, X, true, sample_weight=SPARSE)
        assert actual == sign * expected


TWO_EACH = [np.c_[y, y**2] for y in Y_STEPS]
OF_OUTPUTS = [
    np.random.RandomState(i).randint(0, 3, (n, 2)) / 2 for i, n in enumerate(LENGTHS)
]


@pytest.mark.parametrize("form", ["ragged", "padded"])
@pytest.mark.parametrize(
    ("ours", "theirs", "scorer", "sign"),
    [
        (step_r2_score, metrics.r2_score, "r2", 1),
        (step_mean_squared_error, metrics.mean_squared_error, "neg_mean_squared_error", -1),
    ],
)
def test_regression_with_a_weight_for_each_output(ours, theirs, scorer, sign, form):
    shape = padded if form == "padded" else list
    model = regressor(return_sequences=True).fit(X, TWO_EACH)
    y, p, w = map(np.concatenate, (TWO_EACH, model.predict(X), OF_OUTPUTS))
    by_output = [
        theirs(y[known, k], p[known, k], sample_weight=w[known, k])
        for k, known in enumerate(w.T > 0)
    ]
    x, true = shape(X), shape(hidden(TWO_EACH, OF_OUTPUTS))
    given = {"sample_weight": shape(OF_OUTPUTS)}
    predicted = model.predict(x)
    assert ours(true, predicted, **given) == pytest.approx(np.mean(by_output), rel=1e-12)
    raw = ours(true, predicted, multioutput="raw_values", **given)
    np.testing.assert_allclose(raw, by_output, rtol=1e-12)
    actual = ours(true, predicted, multioutput=[3, 1], **given)
    assert actual == pytest.approx(np.average(by_output, weights=[3, 1]), rel=1e-12)
    actual = make_step_scorer(scorer)(model, x, true, **given)
    assert actual == pytest.approx(sign * np.mean(by_output), rel=1e-12)
    first = [w * [1, 0] for w in OF_OUTPUTS]
    actual = ours(hidden(TWO_EACH, first), model.predict(X), sample_weight=first)
    assert actual == pytest.approx(by_output[0], rel=1e-12)
    with pytest.raises(ValueError, match="multioutput must .* Got 'variance_weighted'"):
        ours(true, predicted, multioutput="variance_weighted", **given)


def test_labels_with_a_weight_each():
    y = [(v > 0).astype(int) for v in TWO_EACH]
    p = [np.roll(v, 1, axis=0) for v in y]
    true, predicted, w = map(np.concatenate, (y, p, OF_OUTPUTS))
    given = {"sample_weight": OF_OUTPUTS}
    y = hidden(y, OF_OUTPUTS)
    right = [
        all(a == b for a, b, v in zip(*row) if v > 0) for row in zip(true, predicted, w)
    ]
    expected = np.average(right, weights=w.mean(axis=1))
    assert step_accuracy_score(y, p, **given) == pytest.approx(expected, rel=1e-12)
    tp, fp, fn = (
        (w * ((true == a) & (predicted == b))).sum(axis=0)
        for a, b in ((1, 1), (0, 1), (1, 0))
    )
    f1 = 2 * tp / (2 * tp + fp + fn)
    support = tp + fn
    for average, expected in {
        None: f1,
        "macro": f1.mean(),
        "weighted": np.average(f1, weights=support),
        "micro": 2 * tp.sum() / (2 * tp + fp + fn).sum(),
    }.items():
        actual = step_f1_score(y, p, average=average, **given)
        np.testing.assert_allclose(actual, expected, rtol=1e-12)
    with pytest.raises(ValueError, match="average must be None, .* Got 'samples'"):
        step_f1_score(y, p, average="samples", **given)
    with pytest.raises(ValueError, match="step_log_loss takes one weight for each seq"):
        step_log_loss(y, p, **given)
    model = tagger().fit(X, [(v > 0).astype(int) for v in TWO_EACH])
    with pytest.raises(ValueError, match="scorer of a classifier takes one weight"):
        make_step_scorer("accuracy")(model, X, y, **given)


@pytest.mark.parametrize("weights", [None, WEIGHTS, STEP_WEIGHTS])
def test_unknown_targets_with_a_weight(weights):
    y = [np.array(v) for v in Y_STEPS]
    y[2][1] = np.nan
    with pytest.raises(ValueError, match=r"y_true contains NaN: y_true\[2\] at step 1\. A"):
        step_r2_score(y, Y_STEPS, sample_weight=weights)
    model = regressor(return_sequences=True).fit(X, Y_STEPS)
    with pytest.raises(ValueError, match=r"Input y contains NaN: y\[2\] at step 1\. A"):
        make_step_scorer("r2")(model, X, y, sample_weight=weights)
