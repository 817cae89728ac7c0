"""Data frames: tables of univariate sequences, and lists of sequences."""

import numpy as np
import pandas
import polars
import pytest
from sklearn.base import BaseEstimator
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, OrdinalEncoder

from skbptt.inspection import loss_gradient, permutation_importance, saliency
from skbptt.preprocessing import TimeDistributed
from tests.fits import (
    LABELS,
    LENGTHS,
    Y_STEPS,
    X,
    Y,
    assert_same_model,
    classifier,
    regressor,
)

LIBRARIES = {"pandas": pandas, "polars": polars}
NAMES = ["pressure", "flow"]


def frames_of(library, arrays, names=NAMES):
    return [LIBRARIES[library].DataFrame(dict(zip(names, array.T))) for array in arrays]


@pytest.mark.parametrize("library", LIBRARIES)
def test_tables(library):
    """2-D frames are univariate sequences, whose columns are the steps."""
    x = np.random.default_rng(0).normal(size=(30, 4))
    y = x[:, 0]
    names = ["t0", "t1", "t2", "t3"]
    table = LIBRARIES[library].DataFrame(dict(zip(names, x.T)))
    model = regressor().fit(table, y)
    assert_same_model(model, regressor().fit(x, y))
    assert model.feature_names_in_.tolist() == names
    np.testing.assert_array_equal(model.predict(table), regressor().fit(x, y).predict(x))
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(table[names[::-1]])
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        model.predict(x)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize(
    ("make", "y", "options"),
    [
        (regressor, Y, {}),
        (classifier, LABELS, {}),
        (regressor, Y_STEPS, {"return_sequences": True}),
    ],
)
def test_lists(library, make, y, options):
    frames = frames_of(library, X)
    model, same = make(**options).fit(frames, y), make(**options).fit(X, y)
    assert_same_model(model, same)
    assert model.feature_names_in_.tolist() == NAMES
    assert model.score(frames, y) == same.score(X, y)
    for one, other in zip(model.predict(frames), same.predict(X)):
        np.testing.assert_array_equal(one, other)
    model.partial_fit(frames, y)
    assert_same_model(model, same.partial_fit(X, y))
    loss, _ = loss_gradient(model, frames, y)
    assert loss == loss_gradient(same, X, y)[0]
    np.testing.assert_array_equal(saliency(model, frames)[0], saliency(same, X)[0])


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("at", [0, 7])
def test_names_are_checked_on_every_frame(library, at):
    frames = frames_of(library, X)
    model = regressor().fit(frames, Y)
    wrong = list(frames)
    wrong[at] = frames_of(library, X, NAMES[::-1])[at]
    which = rf"X\[{max(at, 1)}\] has"
    with pytest.raises(ValueError, match=f"same columns in the same order: {which}"):
        model.predict(wrong)
    with pytest.raises(ValueError, match=f"same columns in the same order: {which}"):
        regressor().fit(wrong, Y)
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frames_of(library, X, NAMES[::-1]))
    with pytest.raises(ValueError, match=r"X\[1\] has \[\]"):
        model.predict([frames[0], X[1]])
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        model.predict(X)


def test_pandas_and_polars_in_turns():
    """What counts is the names."""
    model = regressor().fit(frames_of("pandas", X), Y)
    np.testing.assert_array_equal(
        model.predict(frames_of("polars", X)), model.predict(frames_of("pandas", X))
    )


@pytest.mark.parametrize("library", LIBRARIES)
def test_numbers_of_all_kinds(library):
    """Integers and booleans beside floats."""
    frames = [
        LIBRARIES[library].DataFrame({"n": [1, 2, k], "up": [True, False, k > 2]})
        for k in range(12)
    ]
    arrays = [np.c_[[1.0, 2.0, k], [1.0, 0.0, k > 2]] for k in range(12)]
    y = np.arange(12.0)
    assert_same_model(regressor().fit(frames, y), regressor().fit(arrays, y))


@pytest.mark.parametrize("library", LIBRARIES)
def test_words_are_refused(library):
    frame = LIBRARIES[library].DataFrame({"word": ["a", "b"]})
    with pytest.raises(ValueError, match="could not convert string to float"):
        regressor().fit([frame] * 3, [0.0, 1.0, 2.0])


@pytest.mark.parametrize("library", LIBRARIES)
def test_column_transformer(library):
    """Which needs the names, and gives frames back if asked."""
    frames = frames_of(library, X)
    columns = make_column_transformer(
        (MinMaxScaler(), ["flow"]), remainder="passthrough", verbose_feature_names_out=False
    ).set_output(transform=library)
    model = make_pipeline(TimeDistributed(columns), regressor()).fit(frames, Y)
    scaler = MinMaxScaler().fit(np.concatenate(X)[:, 1:])
    by_hand = [np.c_[scaler.transform(x[:, 1:]), x[:, 0]] for x in X]
    same = regressor().fit(by_hand, Y)
    np.testing.assert_array_equal(model.predict(frames), same.predict(by_hand))
    assert model[-1].feature_names_in_.tolist() == ["flow", "pressure"]


@pytest.mark.parametrize("library", LIBRARIES)
def test_targets_and_weights_as_series(library):
    series = LIBRARIES[library].Series
    weights = np.linspace(0.5, 2, len(X))
    model = regressor().fit(X, series(Y), sample_weight=series(weights))
    assert_same_model(model, regressor().fit(X, Y, weights))
    assert model.score(X, series(Y), series(weights)) == model.score(X, Y, weights)
    labelled = classifier().fit(X, series(LABELS))
    assert_same_model(labelled, classifier().fit(X, LABELS))
    table = LIBRARIES[library].DataFrame({"a": Y, "b": -Y})
    assert_same_model(regressor().fit(X, table), regressor().fit(X, np.c_[Y, -Y]))
    steps = [series(y) for y in Y_STEPS]
    per_step = regressor(return_sequences=True)
    assert_same_model(
        per_step.fit(X, steps), regressor(return_sequences=True).fit(X, Y_STEPS)
    )


def test_an_index_means_nothing():
    """Not that of a series of targets, nor those of frames."""
    order = np.random.default_rng(0).permutation(len(X))
    model = regressor().fit(X, pandas.Series(Y, index=order))
    assert_same_model(model, regressor().fit(X, Y))
    frames = [
        pandas.DataFrame(x, columns=NAMES, index=np.arange(n)[::-1])
        for x, n in zip(X, LENGTHS)
    ]
    assert_same_model(regressor().fit(frames, Y), regressor().fit(X, Y))


def test_a_panel_grouped_by_its_unit():
    """A long table of pandas becomes a list of frames by groupby."""
    table = pandas.concat(
        [pandas.DataFrame(x, columns=NAMES).assign(unit=i) for i, x in enumerate(X)]
    )
    frames = [part[NAMES] for _, part in table.groupby("unit")]
    assert_same_model(regressor().fit(frames, Y), regressor().fit(X, Y))


def test_frames_keep_their_index():
    """So that features can be made of it, and what comes out can be told by it."""
    days = pandas.date_range("2026-01-01", periods=400, freq="h")
    frames = [
        pandas.DataFrame(x, columns=NAMES, index=days[10 * i : 10 * i + len(x)])
        for i, x in enumerate(X)
    ]

    def hours(rows):
        return pandas.DataFrame({"hour": rows.index.hour}, index=rows.index)

    made = TimeDistributed(FunctionTransformer(hours)).fit_transform(frames)
    for one, frame in zip(made, frames):
        assert one.index.equals(frame.index)
        np.testing.assert_array_equal(one["hour"], frame.index.hour)


def test_importance_of_frames_with_an_index():
    """Which is no feature, and is not permuted with one."""
    frames = [
        pandas.DataFrame(x, columns=NAMES, index=np.arange(len(x)) + i)
        for i, x in enumerate(X)
    ]
    seen = []

    class Spy(BaseEstimator):
        def fit(self, X, y):
            return self

        def score(self, X, y):
            seen.append(np.concatenate([x.index for x in X]))
            assert [len(x) for x in X] == list(LENGTHS)
            return 0.0

    for by in ("feature", 2):
        permutation_importance(Spy(), frames, Y, by=by, n_repeats=2)
    for index in seen:
        np.testing.assert_array_equal(index, seen[0])


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("by", ["feature", "step", 3])
def test_importance_of_a_table(library, by):
    """The columns keep their names and kinds."""
    x = np.random.default_rng(0).normal(size=(30, 4))
    words = np.where(x[:, 3] > 0, "high", "low")
    columns = {"a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "word": words}
    table = LIBRARIES[library].DataFrame(columns)
    encode = make_column_transformer(
        (OrdinalEncoder(), ["word"]), remainder="passthrough", sparse_threshold=0
    )
    model = make_pipeline(encode, regressor()).fit(table, x[:, 0])
    result = permutation_importance(model, table, x[:, 0], by=by, random_state=0)
    assert len(result.importances) == {"feature": 1, "step": 4, 3: 2}[by]
    assert result.importances_mean.argmax() == 0
