"""Rows of transformers, selectors, inspection, and what stores and shows a model."""

from functools import partial

import numpy as np
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.feature_selection import (
    RFE,
    RFECV,
    SelectFromModel,
    SequentialFeatureSelector,
)
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler
from sklearn.utils import estimator_html_repr

import skbptt.inspection
from skbptt.preprocessing import TimeDistributed, to_stacked
from tests.matrix import (
    above_chance,
    as_frames,
    equal,
    refused_as_no_table,
    row,
)
from tests.matrix_selection import FOLDS
from tests.test_persistence import WAYS

close = partial(np.testing.assert_allclose, rtol=1e-9, atol=1e-12)

# Transformers in a pipeline.


def standardised(rows):
    return (rows - rows.mean(axis=0)) / rows.std(axis=0)


def stretched(rows):
    return (rows - rows.min(axis=0)) / np.ptp(rows, axis=0)


def assert_transformed(data, transformer, by_hand):
    """The pipeline is the net on what ``by_hand`` makes of the rows.

    These are steps under TimeDistributed, and else the rows of a table.
    """
    pipeline = make_pipeline(data.lift(transformer), data.regressor())
    pipeline.fit(data.X, data.target)
    got = pipeline[:-1].transform(data.X)
    if data.lift is TimeDistributed:
        close(to_stacked(got)[0], by_hand(np.concatenate(data.items)))
    else:
        close(got, by_hand(data.X))
    alone = clone(pipeline[-1]).fit(got, data.target)
    equal(pipeline.predict(data.X), alone.predict(got))


@row("Pipeline")
def pipeline(data):
    """With a transformer that leaves X in its form, whatever it is."""
    for model, y in data.tasks():
        together = make_pipeline(FunctionTransformer(), model).fit(data.X, y)
        equal(together.predict(data.X), data.fit(model, y).predict(data.X))
        above_chance(together.score(data.X, y))


@refused_as_no_table("StandardScaler", workaround="by step")
def scaler(data):
    assert_transformed(data, StandardScaler(), standardised)


NOT_COLUMNS = {
    "3-D": "should be a 2D NumPy array",
    "list": "Expected 2D array, got 1D",
    "object array": "tuple index out of range",
    "padded 3-D": "should be a 2D NumPy array",
    "list of frames": "Expected 2D array, got 1D",
}


@row("ColumnTransformer", refuses=NOT_COLUMNS, workaround="by step")
def of_columns(data):
    names = ["b"] if data.build is as_frames and data.lift is TimeDistributed else [1]
    transformer = ColumnTransformer(
        [("scaled", StandardScaler(), names)], remainder="passthrough"
    )
    assert_transformed(
        data,
        transformer,
        lambda rows: np.column_stack([standardised(rows[:, 1]), np.delete(rows, 1, 1)]),
    )


@refused_as_no_table("FeatureUnion", workaround="by step")
def union(data):
    transformer = FeatureUnion([("a", StandardScaler()), ("b", MinMaxScaler())])
    assert_transformed(
        data,
        transformer,
        lambda rows: np.column_stack([standardised(rows), stretched(rows)]),
    )


@row("set_output")
def frames_from_transformers(data):
    """Of the pipeline: it predicts as before, and the items of lists become frames."""
    import pandas

    model, y = data.tasks()[0]
    model = make_pipeline(TimeDistributed(StandardScaler()), model)
    expected = data.fit(model, y)
    model.set_output(transform="pandas").fit(data.X, y)
    equal(model.predict(data.X), expected.predict(data.X))
    scaled, plain = (one[:-1].transform(data.X) for one in (model, expected))
    in_frames = not isinstance(data.X, np.ndarray) or data.X.dtype == object
    assert isinstance(scaled[0], pandas.DataFrame) == in_frames
    equal(np.asarray(scaled[0]), plain[0])


# Selection of columns, or steps.


def how_early(model):
    """An importance that falls from column to column, so that the first ones stay."""
    model = model[0] if hasattr(model, "steps") else model
    return np.arange(model.n_features_in_, 0, -1)


@refused_as_no_table(
    {
        "RFE": partial(RFE, n_features_to_select=2),
        "RFECV": partial(RFECV, min_features_to_select=2, cv=FOLDS),
        "SelectFromModel": partial(SelectFromModel, threshold=-np.inf, max_features=2),
    },
    workaround="columns",
)
def selector(data, meta):
    X, y, model = data.X, data.target, data.regressor()
    got = meta(model, importance_getter=how_early).fit(X, y)
    kept = got.get_support().sum()
    equal(got.transform(X), X[:, :kept])
    if isinstance(got, RFECV):
        for k, score in enumerate(got.cv_results_["mean_test_score"], start=2):
            scores = [
                clone(model).fit(X[train, :k], y[train]).score(X[test, :k], y[test])
                for train, test in FOLDS
            ]
            close(score, np.mean(scores))
        assert kept == 2 + got.cv_results_["mean_test_score"].argmax()
    else:
        assert kept == 2
    if hasattr(got, "predict"):
        expected = clone(model).fit(X[:, :kept], y).predict(X[:, :kept])
        equal(got.predict(X), expected)


@refused_as_no_table("SequentialFeatureSelector", workaround="columns")
def sequential_selector(data):
    X, y, model = data.X, data.target, data.regressor()
    got = SequentialFeatureSelector(
        model, n_features_to_select=len(X[0]) - 1, direction="backward", cv=FOLDS
    ).fit(X, y)
    scores = []
    for column in range(X.shape[1]):
        rest = np.delete(X, column, axis=1)
        parts = [
            clone(model).fit(rest[train], y[train]).score(rest[test], y[test])
            for train, test in FOLDS
        ]
        scores.append(np.mean(parts))
    equal(got.get_support(), np.arange(X.shape[1]) != np.argmax(scores))


# Inspection.


def own_importance(data):
    """That of features by the function of skbptt, for sequences of every form."""
    model = data.fit(data.regressor(), data.target)
    got = skbptt.inspection.permutation_importance(
        model, data.X, data.target, random_state=0
    )
    assert got.importances_mean[0] > 0.5
    assert abs(got.importances_mean[1]) < 0.2


@refused_as_no_table(
    "permutation_importance",
    workaround="own",
    check_instead=own_importance,
)
def importance_of_columns(data):
    """That of the last value of the first feature, the target, is by far the greatest."""
    model = data.fit(data.regressor(), data.target)
    got = permutation_importance(model, data.X, data.target, random_state=0)
    of_columns = got.importances_mean
    matters = of_columns.argmax()
    equal(data.X[:, matters], data.target)
    assert of_columns[matters] > 3 * np.delete(of_columns, matters).max()


@row("partial_dependence", refuses=NOT_COLUMNS, workaround="flat")
def dependence(data):
    """Of a step that every sequence has."""
    model = data.fit(data.regressor(), data.target)
    got = partial_dependence(model, data.X, [0], grid_resolution=5)
    for value, average in zip(got["grid_values"][0], got["average"][0]):
        changed = data.X
        changed[:, 0] = value
        close(average, model.predict(changed).mean())


# What copies, stores and shows a model.


@row(
    {
        "clone": clone,
        "pickle": WAYS["pickle"],
        "joblib.dump": WAYS["joblib"],
        "cloudpickle": WAYS["cloudpickle"],
        "skops.io.dump": WAYS["skops"],
    }
)
def copies(data, copy):
    for model, y in data.tasks():
        fitted = data.fit(make_pipeline(TimeDistributed(StandardScaler()), model), y)
        copied = copy(fitted)
        assert repr(copied) == repr(fitted)
        if copy is clone:
            assert not hasattr(copied[-1], "weights_")
            copied.fit(data.X, y)
        equal(copied.predict(data.X), fitted.predict(data.X))


@row("estimator_html_repr")
def shown(data):
    for model, y in data.tasks():
        fitted = data.fit(make_pipeline(TimeDistributed(StandardScaler()), model), y)
        html = estimator_html_repr(fitted)
        for part in (type(model).__name__, "TimeDistributed", "StandardScaler", "<div"):
            assert part in html
        assert "Fitted" in html
        assert "Not fitted" in estimator_html_repr(clone(fitted))
