"""Frequent mistakes: an error that names the cure, and the cure works."""

import re

import numpy as np
import pandas
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

import skbptt
from skbptt import inspection
from skbptt.inspection import permutation_importance, saliency
from skbptt.preprocessing import TimeDistributed, make_windows
from tests.fits import (
    LABELS,
    Y_STEPS,
    X,
    Y,
    assert_same_model,
    classifier,
    quietly,
    regressor,
)

rng = np.random.default_rng(0)
DENSE = rng.normal(size=(20, 5, 2))
TARGET = DENSE.sum(axis=(1, 2))
FRAMES = [pandas.DataFrame(x, columns=["a", "b"]) for x in DENSE]


def cure_in(error, pattern):
    """The code that an error recommends."""
    return re.search(pattern, str(error.value))[1]


# One sequence.


@pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function"])
@pytest.mark.parametrize("x", [X[0], X[0].tolist(), FRAMES[0]])
def test_one_sequence_of_a_classifier(method, x):
    given = X if not hasattr(x, "columns") else FRAMES
    model = classifier().fit(given, LABELS[: len(given)])
    with pytest.raises(ValueError, match="Pass a single sequence x as") as error:
        getattr(model, method)(x)
    cured = eval(cure_in(error, r"as (\[.*\])\."))
    expected = getattr(model, method)(given)[:1]
    if method == "predict":
        np.testing.assert_array_equal(model.predict(cured), expected)
    else:
        np.testing.assert_allclose(getattr(model, method)(cured), expected, rtol=1e-12)


@pytest.mark.parametrize("shape", [(5,), (5, 1)])
def test_one_sequence_of_one_feature(shape):
    model = regressor().fit(DENSE[:, :, :1], TARGET)
    x = DENSE[3, :, 0].reshape(shape)
    for call in (model.predict, lambda x: inspection.hidden_states(model, x)):
        with pytest.raises(ValueError, match="Pass a single sequence x as") as error:
            call(x)
    cured = eval(cure_in(error, r"as (\[.*\])\."))
    expected = model.predict(DENSE[:, :, :1])[3]
    np.testing.assert_allclose(model.predict(cured), expected, rtol=1e-12)


def test_one_sequence_of_a_transformer():
    scaler = TimeDistributed(StandardScaler()).fit(X)
    with pytest.raises(ValueError, match=r"TimeDistributed it was 3-D.* x as \[x\]\."):
        scaler.transform(X[0])


def test_sequences_where_fit_was_given_a_table():
    model = regressor().fit(DENSE[:, :, 0], TARGET)
    with pytest.raises(ValueError, match=r"Pass sequences of one feature as X\[:, :, 0\]"):
        model.predict(DENSE[:, :, :1])


# Text.

TEXTS = ["good film", "a very bad film", "so good", "bad bad"]
SPLIT = [text.split() for text in TEXTS]
AS_TEXT = {
    "list": TEXTS,
    "tuple": tuple(TEXTS),
    "bytes": [text.encode() for text in TEXTS],
    "array": np.array(TEXTS),
    "objects": np.array(TEXTS, dtype=object),
    "series": pandas.Series(TEXTS),
    "column": np.array(TEXTS)[:, np.newaxis],
    "frame": pandas.DataFrame({"text": TEXTS}),
    "equally many words": [words[:2] for words in SPLIT],
}


@pytest.mark.parametrize("case", [*AS_TEXT, "words"])
def test_text(case):
    """Whatever the method, and before anything is said of its dimensions."""
    text = (AS_TEXT | {"words": SPLIT})[case]
    match = "X contains text.*'(good film|good)'. Turn texts into sequences of tokens"
    model = classifier().fit(X, LABELS)
    for call in (
        lambda: classifier().fit(text, [0, 1, 0, 1]),
        lambda: classifier().partial_fit(text, [0, 1, 0, 1], classes=[0, 1]),
        lambda: model.predict(text),
        lambda: inspection.hidden_states(model, text),
    ):
        with pytest.raises(ValueError, match=match):
            call()
    if case != "words":  # a transformer of steps may take the words, in columns
        with pytest.raises(ValueError, match=match):
            TimeDistributed(StandardScaler()).fit(text)


def test_the_cure_of_text():
    with pytest.raises(ValueError, match="X contains text") as error:
        classifier().fit(TEXTS, [0, 1, 0, 1])
    names = {"make_pipeline": make_pipeline, "skbptt": skbptt}
    names["estimator"] = classifier(max_iter=30)
    model = eval(cure_in(error, r"as in (.*)\.$"), names).fit(TEXTS, [0, 1, 0, 1])
    np.testing.assert_array_equal(model.predict(TEXTS), [0, 1, 0, 1])


@pytest.mark.parametrize("form", ["frames", "arrays"])
def test_text_among_the_features(form):
    frames = [pandas.DataFrame({"v": [0.0, 1.0], "w": words[:2]}) for words in SPLIT]
    sequences = frames if form == "frames" else [f.to_numpy() for f in frames]
    with pytest.raises(ValueError, match="'good'. Features of text are categorical: list"):
        classifier().fit(sequences, [0, 1, 0, 1])
    model = classifier(max_iter=30, categorical_features=[1]).fit(sequences, [0, 1, 0, 1])
    assert [*model.categories_[0]] == sorted(
        {word for words in SPLIT for word in words[:2]}
    )


def test_numbers_written_as_text_are_numbers():
    table = [["1", "2.5"], ["3", "-1"]]
    np.testing.assert_array_equal(
        regressor().fit(table, [0.0, 1.0]).predict(table),
        regressor().fit(np.array(table, float), [0.0, 1.0]).predict([[1, 2.5], [3, -1]]),
    )


def test_text_before_an_encoder_is_no_mistake():
    """permutation_importance reads X as the first step of the pipeline does."""
    words = pandas.DataFrame({"w0": list("abab"), "w1": list("xyyx")})
    encode = FunctionTransformer(lambda X: (X == "a").to_numpy(float))
    model = make_pipeline(encode, regressor()).fit(words, [1.0, 0.0, 1.0, 0.0])
    result = permutation_importance(model, words, [1.0, 0.0, 1.0, 0.0], by="step")
    assert result.importances_mean[1] == 0


# Searches and pipelines.

PIPELINE = make_pipeline(TimeDistributed(StandardScaler()), regressor()).fit(DENSE, TARGET)


def test_a_search_to_look_into():
    search = GridSearchCV(regressor(), {"alpha": [0.1, 1.0]}, cv=2).fit(DENSE, TARGET)
    with pytest.raises(TypeError, match="Got GridSearchCV. Pass its best_estimator_"):
        saliency(search, DENSE)
    scaled = TransformedTargetRegressor(regressor()).fit(DENSE, TARGET)
    with pytest.raises(TypeError, match="Pass its regressor_, and y transformed"):
        saliency(scaled, DENSE)


# None among targets.

WITH_NONE = {
    "labels": (["a", "b", None, "a"], r"y contains None: y\[2\]"),
    "array": (np.array(["a", None, "b", "a"], dtype=object), r"None: y\[1\]"),
    "series": (pandas.Series(["a", "b", "b", None], dtype=object), r"None: y\[3\]"),
    "NA": (pandas.Series(["a", "b", "b", pandas.NA], dtype=object), r"<NA>: y\[3\]"),
    "numbers": ([0, 1, None, 1], r"y contains None: y\[2\]"),
    "columns": ([[0, 1], [1, 1], [1, None], [0, 0]], r"y contains None: y\[2\]"),
}


@pytest.mark.parametrize("case", WITH_NONE)
def test_none_among_targets(case):
    y, match = WITH_NONE[case]
    model = classifier().fit(X, LABELS)
    for call in (
        lambda: classifier().fit(X[:4], y),
        lambda: classifier().partial_fit(X[:4], y, classes=["a", "b"]),
        lambda: model.score(X[:4], y),
    ):
        with pytest.raises(ValueError, match=match):
            call()
    if case in ("numbers", "columns"):
        with pytest.raises(ValueError, match=match):
            regressor().fit(X[:4], y)


@pytest.mark.parametrize("columns", [1, 2])
def test_none_among_targets_of_steps(columns):
    y = [np.full((len(x), columns), "a", dtype=object).squeeze() for x in X]
    y[3][1] = None
    match = r"y contains None: y\[3\] at step 1"
    with pytest.raises(ValueError, match=match):
        classifier(return_sequences=True).fit(X, y)
    with pytest.raises(ValueError, match=match):
        regressor(return_sequences=True).fit(X, y)


# Data frames.


@pytest.mark.parametrize("first", [0, 1])
def test_frames_and_arrays_are_not_mixed(first):
    mixed = list(DENSE)
    mixed[first] = FRAMES[first]
    match = r"X\[1\] has .*but X\[0\] has .*Data frames and arrays cannot be mixed"
    model = regressor().fit(DENSE, TARGET)
    scaler = TimeDistributed(StandardScaler())
    for call in (
        lambda: regressor().fit(mixed, TARGET),
        lambda: regressor().partial_fit(mixed, TARGET),
        lambda: model.predict(mixed),
        lambda: scaler.fit(mixed),
        lambda: TimeDistributed(StandardScaler()).fit(DENSE).transform(mixed),
        lambda: permutation_importance(PIPELINE, mixed, TARGET),
    ):
        with pytest.raises(ValueError, match=match):
            call()
    with pytest.raises(ValueError, match=match.replace("X", "series")):
        make_windows(mixed, window=2)


LONG = pandas.concat(dict(enumerate(FRAMES)), names=["sequence", "step"])
WIDE = pandas.concat(
    {name: pandas.DataFrame(DENSE[:, :, j]) for j, name in enumerate("ba")}, axis=1
)


@pytest.mark.parametrize(
    ("frame", "axis", "expected"),
    [(LONG, "index", FRAMES), (WIDE, "columns", DENSE)],
)
def test_multi_index(frame, axis, expected):
    y = np.arange(float(len(frame)))
    match = f"MultiIndex as its {axis}"
    table = regressor().fit(DENSE[:, :, 0], TARGET)
    for call in (
        lambda: regressor().fit(frame, y),
        lambda: table.predict(frame),
        lambda: TimeDistributed(StandardScaler()).fit(frame),
    ):
        with pytest.raises(ValueError, match=match) as error:
            call()
    cure = cure_in(error, r": if .*?, (\[x.*|np.*)\.$")
    cured = eval(cure, {"X": frame, "np": np})
    assert_same_model(regressor().fit(cured, TARGET), regressor().fit(expected, TARGET))


# Values near the largest float.


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("form", ["dense", "list", "table"])
def test_values_whose_squares_overflow(dtype, form):
    with np.errstate(over="ignore"):
        bound = np.sqrt(np.finfo(dtype).max)
    small = DENSE[:, :, 0] if form == "table" else DENSE
    small = small.astype(dtype)
    good, bad = small.copy(), small.copy()
    at = (4, 2) if form == "table" else (4, 2, 1)
    good[at], bad[at] = -0.99 * bound, -1.01 * bound
    if form == "list":
        small, good, bad = list(small), list(good), list(bad)
    match = r"X is too large: X\[4\] at step 2, feature \d, is -1.\d\de\+1[59]"
    model = regressor().fit(small, TARGET)
    for method in ("fit", "partial_fit"):
        with pytest.raises(ValueError, match=match):
            getattr(regressor(), method)(bad, TARGET)
    with pytest.raises(ValueError, match=match):
        model.predict(bad)
    assert np.isfinite(model.predict(good)).all()
    with pytest.warns(UserWarning, match="far from unit scale"):
        assert np.isfinite(regressor().fit(good, TARGET).loss_)


# Warm start.


def test_warm_start_with_fewer_classes():
    model = classifier(warm_start=True).fit(X, LABELS)
    some = LABELS != "mid"
    fewer = [x for x, kept in zip(X, some) if kept]
    match = r"same classes as the first fit, \['high' 'low' 'mid'\]. y lacks \['mid'\]"
    with pytest.raises(ValueError, match=match):
        model.fit(fewer, LABELS[some])
    assert model.n_iter_ == 6
    assert model.partial_fit(fewer, LABELS[some]).n_iter_ == 7
    steps = [np.where(y > 0, "up", "down") for y in Y_STEPS]
    tagger = classifier(warm_start=True, return_sequences=True).fit(X, steps)
    with pytest.raises(ValueError, match=r"y lacks \['down'\]"):
        tagger.fit(X, [np.full(len(y), "up") for y in steps])


def test_parts_of_the_data_may_lack_classes():
    """Validation data, and what is looked into; classes of no weight are no others."""
    one = LABELS == "mid"
    x, y = [x for x, kept in zip(X, one) if kept], LABELS[one]
    model = classifier(early_stopping=True, warm_start=True)
    quietly(model.fit, X, LABELS, X_val=x, y_val=y)
    quietly(model.fit, X, LABELS, X_val=x, y_val=y)
    loss, _ = inspection.loss_gradient(model.set_params(alpha=0.0), x, y)
    p = model.predict_proba(x)[:, 2]
    assert loss == pytest.approx(-np.log(p).mean())
    weights = 1.0 - one
    model = classifier(warm_start=True).fit(X, LABELS, weights)
    assert model.fit(X, LABELS, weights).n_iter_ == 12


# Targets that scikit-learn transforms.


def test_transformed_targets_of_steps():
    """Of unequal lengths they are refused by scikit-learn; a dense array is a table."""
    model = regressor(return_sequences=True)
    scaled = TransformedTargetRegressor(model, transformer=StandardScaler())
    with pytest.raises(ValueError, match="setting an array element with a sequence"):
        scaled.fit(X, Y_STEPS)
    y = DENSE[:, :, 0].cumsum(axis=1)
    by_hand = model.fit(DENSE, (y - y.mean(axis=0)) / y.std(axis=0)).predict(DENSE)
    np.testing.assert_allclose(
        scaled.fit(DENSE, y).predict(DENSE), by_hand * y.std(axis=0) + y.mean(axis=0)
    )


def test_folds_of_a_warm_start_may_differ():
    """A search clones, so it begins anew in each fold."""
    search = GridSearchCV(
        classifier(warm_start=True), {"alpha": [0.1]}, cv=KFold(2), error_score="raise"
    )
    search.fit([X[i] for i in np.argsort(Y)], np.sort(LABELS))
