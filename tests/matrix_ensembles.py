"""Rows of meta-estimators: each equals what it says it does, written out."""

from functools import partial

import numpy as np
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier
from sklearn.multioutput import (
    ClassifierChain,
    MultiOutputClassifier,
    MultiOutputRegressor,
    RegressorChain,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.semi_supervised import SelfTrainingClassifier

from tests.matrix import NOT_A_TABLE, N, above_chance, refused_as_no_table, row
from tests.matrix_selection import FOLDS

equal = np.testing.assert_array_equal
close = partial(np.testing.assert_allclose, rtol=1e-9, atol=1e-12)


@row("CalibratedClassifierCV")
def calibrated(data):
    """Of each fold a net, and a monotone map of what it says of the rest."""
    model, y = data.classifier(), data.binary
    got = CalibratedClassifierCV(model, method="isotonic", cv=FOLDS).fit(data.X, y)
    p = 0
    for train, test in FOLDS:
        net = data.fit(model, y, train)
        map_ = IsotonicRegression(out_of_bounds="clip")
        map_.fit(net.decision_function(data.take(test)), y[test])
        p += map_.predict(net.decision_function(data.X)) / len(FOLDS)
    close(got.predict_proba(data.X), np.column_stack([1 - p, p]))
    above_chance(got.score(data.X, y))


@row("FixedThresholdClassifier")
def fixed_threshold(data):
    model, y = data.classifier(), data.binary
    got = FixedThresholdClassifier(model, threshold=0.3, response_method="predict_proba")
    p = data.fit(model, y).predict_proba(data.X)[:, 1]
    equal(got.fit(data.X, y).predict(data.X), p >= 0.3)


@row("TunedThresholdClassifierCV")
def tuned_threshold(data):
    model, y = data.classifier(), data.binary
    train, test = FOLDS[0]
    got = TunedThresholdClassifierCV(
        model,
        thresholds=5,
        cv=[FOLDS[0]],
        response_method="predict_proba",
        store_cv_results=True,
    ).fit(data.X, y)
    p = data.fit(model, y, train).predict_proba(data.take(test))[:, 1]
    thresholds = np.linspace(p.min(), p.max(), 5)
    scores = [balanced_accuracy_score(y[test], p >= limit) for limit in thresholds]
    close(got.cv_results_["thresholds"], thresholds)
    close(got.cv_results_["scores"], scores)
    p = data.fit(model, y).predict_proba(data.X)[:, 1]
    equal(got.predict(data.X), p >= got.best_threshold_)


def two_of(make):
    return [("elman", make()), ("gru", make(cell="gru"))]


@row("VotingClassifier")
def voting(data):
    models = two_of(data.classifier)
    got = VotingClassifier(models, voting="soft").fit(data.X, data.labels)
    members = [data.fit(model, data.labels).predict_proba(data.X) for _, model in models]
    close(got.predict_proba(data.X), np.mean(members, axis=0))


@row("VotingRegressor")
def voting_of_regressors(data):
    models = two_of(data.regressor)
    got = VotingRegressor(models).fit(data.X, data.target)
    members = [data.fit(model, data.target).predict(data.X) for _, model in models]
    close(got.predict(data.X), np.mean(members, axis=0))


def stacking(data, task, passthrough=False):
    meta, make, y, method, final = {
        "classifier": (
            StackingClassifier,
            data.classifier,
            data.labels,
            "predict_proba",
            LogisticRegression(),
        ),
        "regressor": (StackingRegressor, data.regressor, data.target, "predict", Ridge()),
    }[task]
    models = two_of(make)
    final = make_pipeline(SimpleImputer(), final)  # of padding that is passed through
    got = meta(models, final_estimator=final, cv=FOLDS, passthrough=passthrough)
    got.fit(data.X, y)
    inner, outer = [], []
    for _, model in models:
        held_out = [
            getattr(data.fit(model, y, train), method)(data.take(test))
            for train, test in FOLDS
        ]
        inner.append(np.concatenate(held_out))
        outer.append(getattr(data.fit(model, y), method)(data.X))
    passed = [data.X] if passthrough else []
    inner, outer = (np.column_stack(part + passed) for part in (inner, outer))
    close(got.predict(data.X), clone(final).fit(inner, y).predict(outer), rtol=1e-5)
    above_chance(got.score(data.X, y))


row({"StackingClassifier": "classifier", "StackingRegressor": "regressor"})(stacking)

# Where the outputs of the members and X are put side by side.
NOT_SIDE_BY_SIDE = NOT_A_TABLE | dict.fromkeys(
    ["3-D", "object array", "padded 3-D"], "must have same number of dimensions"
)
row(
    {
        "StackingClassifier(passthrough=True)": "classifier",
        "StackingRegressor(passthrough=True)": "regressor",
    },
    refuses=NOT_SIDE_BY_SIDE,
    workaround="flat",
)(partial(stacking, passthrough=True))


@row("OneVsRestClassifier")
def one_against_the_rest(data):
    model, y = data.classifier(), data.labels
    got = OneVsRestClassifier(model).fit(data.X, y)
    p = np.column_stack(
        [data.fit(model, (y == k) * 1).predict_proba(data.X)[:, 1] for k in range(3)]
    )
    close(got.predict_proba(data.X), p / p.sum(axis=1, keepdims=True))
    above_chance(got.score(data.X, y))


@refused_as_no_table("OneVsOneClassifier", workaround="flat")
def one_against_one(data):
    model, y = data.classifier(), data.labels
    got = OneVsOneClassifier(model).fit(data.X, y)
    votes = np.zeros((N, 3))
    for a, b in [(0, 1), (0, 2), (1, 2)]:
        duel = data.fit(model, (y == b) * 1, np.isin(y, [a, b])).predict(data.X)
        votes[np.arange(N), np.where(duel, b, a)] += 1
    clear = votes.max(axis=1) == 2  # else confidence decides
    assert clear.mean() > 0.9
    equal(got.predict(data.X)[clear], votes.argmax(axis=1)[clear])


CONSTANT_COLUMN = {form: text for form, text in NOT_A_TABLE.items() if form[0] != "o"}


@row("OutputCodeClassifier", refuses=CONSTANT_COLUMN, workaround="flat")
def output_codes(data):
    """With a code book that has a column of nothing but ones."""
    model, y = data.classifier(), data.labels
    got = OutputCodeClassifier(model, code_size=2, random_state=0).fit(data.X, y)
    book = got.code_book_
    constant = np.ptp(book, axis=0) == 0
    assert 0 < constant.sum() < len(constant)
    outputs = np.array(
        [
            np.full(N, column[0])
            if same
            else data.fit(model, column[y]).decision_function(data.X)
            for column, same in zip(book.T, constant)
        ]
    )
    distances = ((outputs.T[:, np.newaxis] - book) ** 2).sum(axis=2)
    equal(got.predict(data.X), distances.argmin(axis=1))


def two_targets(data):
    first = data.target
    second = np.array([x[-1].sum() for x in data.items])
    return np.column_stack([first, second])


@row("MultiOutputClassifier")
def columns_of_labels(data):
    Y = (two_targets(data) > 0) * 1
    got = MultiOutputClassifier(data.classifier()).fit(data.X, Y).predict_proba(data.X)
    for k in range(2):
        alone = data.fit(data.classifier(), Y[:, k])
        equal(got[k], alone.predict_proba(data.X))


@row("MultiOutputRegressor")
def columns_of_targets(data):
    Y = two_targets(data)
    got = MultiOutputRegressor(data.regressor()).fit(data.X, Y).predict(data.X)
    for k in range(2):
        equal(got[:, k], data.fit(data.regressor(), Y[:, k]).predict(data.X))


@refused_as_no_table(
    {
        "ClassifierChain": (ClassifierChain, "classifier"),
        "RegressorChain": (RegressorChain, "regressor"),
    },
    workaround="chain",
)
def chain(data, argument):
    meta, task = argument
    Y, model = two_targets(data), getattr(data, task)()
    if task == "classifier":
        Y = (Y > 0) * 1.0
    got = meta(model).fit(data.X, Y).predict(data.X)
    first = data.fit(model, Y[:, 0])
    equal(got[:, 0], first.predict(data.X))
    second = clone(model).fit(np.column_stack([data.X, Y[:, 0]]), Y[:, 1])
    equal(got[:, 1], second.predict(np.column_stack([data.X, got[:, 0]])))
    assert np.mean((got - Y) ** 2) < 0.5 * Y.var()


@row("TransformedTargetRegressor")
def transformed_target(data):
    y = np.exp(data.target)
    there_and_back = FunctionTransformer(np.log, np.exp)
    got = TransformedTargetRegressor(data.regressor(), transformer=there_and_back)
    expected = np.exp(data.fit(data.regressor(), np.log(y)).predict(data.X))
    close(got.fit(data.X, y).predict(data.X), expected)


@refused_as_no_table(
    {
        "BaggingClassifier": (BaggingClassifier, "classifier", "predict_proba"),
        "BaggingRegressor": (BaggingRegressor, "regressor", "predict"),
    },
    workaround="flat",
)
def bagging(data, argument):
    meta, task, method = argument
    model = getattr(data, task)()
    y = data.labels if task == "classifier" else data.target
    got = meta(model, n_estimators=3, random_state=0).fit(data.X, y)
    members = [
        getattr(data.fit(seeded, y, drawn), method)(data.X)
        for seeded, drawn in zip(got.estimators_, got.estimators_samples_)
    ]
    close(getattr(got, method)(data.X), np.mean(members, axis=0))
    above_chance(got.score(data.X, y))


NOT_DENSE = NOT_A_TABLE | {"padded 3-D": "contains NaN"}
del NOT_DENSE["3-D"]


@row("AdaBoostClassifier", refuses=NOT_DENSE, workaround="filled")
def boosted(data):
    """SAMME: what is wrong gains weight, and nets vote by their error."""
    y = data.labels
    got = AdaBoostClassifier(data.classifier(), n_estimators=3, random_state=0)
    got.fit(data.X, y)
    weights, votes = np.full(N, 1 / N), np.zeros((N, 3))
    for seeded in got.estimators_:
        net = clone(seeded).fit(data.X, y, sample_weight=weights)
        wrong = net.predict(data.X) != y
        error = weights[wrong].sum() / weights.sum()
        say = np.log((1 - error) / error) + np.log(3 - 1)
        weights = weights * np.exp(say * wrong)
        weights /= weights.sum()
        votes[np.arange(N), net.predict(data.X)] += say
    equal(got.predict(data.X), votes.argmax(axis=1))
    above_chance(got.score(data.X, y))


@row("AdaBoostRegressor", refuses=NOT_DENSE, workaround="filled")
def boosted_regressor(data):
    """The median of its nets, weighted by their say."""
    y = data.target
    got = AdaBoostRegressor(data.regressor(), n_estimators=3, random_state=0)
    got.fit(data.X, y)
    members = np.array([net.predict(data.X) for net in got.estimators_])
    for column, result in zip(members.T, got.predict(data.X)):
        order = column.argsort()
        say = got.estimator_weights_[order].cumsum()
        assert result == column[order][say >= say[-1] / 2][0]
    above_chance(got.score(data.X, y))


@refused_as_no_table("SelfTrainingClassifier", workaround="flat")
def self_trained(data):
    """In each of two rounds, what the net is sure of becomes a label."""
    model = data.classifier()
    y = np.where(np.arange(N) % 3, data.labels, -1)
    got = SelfTrainingClassifier(model, threshold=0.6, max_iter=2).fit(data.X, y)
    for _ in range(2):
        net, unknown = data.fit(model, y, y >= 0), y < 0
        p = net.predict_proba(data.X)
        sure = unknown & (p.max(axis=1) > 0.6)
        y = np.where(sure, p.argmax(axis=1), y)
    equal(got.transduction_, y)
    expected = data.fit(model, y, y >= 0).predict_proba(data.X)
    equal(got.predict_proba(data.X), expected)
    assert sure.any() or not unknown.any()


@row("FrozenEstimator")
def frozen(data):
    """It stays as it is: what wraps it calibrates on new data."""
    half = np.arange(N) < N // 2
    model, y = data.classifier(), data.binary
    net = data.fit(model, y, half)
    p = net.predict_proba(data.X)
    equal(FrozenEstimator(net).fit(data.X, 1 - y).predict_proba(data.X), p)
    got = FixedThresholdClassifier(FrozenEstimator(net), threshold=0.3)
    equal(
        got.fit(data.take(np.flatnonzero(~half)), y[~half]).predict(data.X), p[:, 1] >= 0.3
    )
