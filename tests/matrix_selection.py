"""Rows of model selection: each equals a loop over the folds, written out."""

from functools import partial

import numpy as np
from sklearn.base import clone
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    LeaveOneGroupOut,
    RandomizedSearchCV,
    StratifiedKFold,
    TimeSeriesSplit,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
    permutation_test_score,
    train_test_split,
    validation_curve,
)
from sklearn.utils import resample, shuffle

from tests.matrix import N, above_chance, equal, row, some

close = partial(np.testing.assert_allclose, rtol=1e-12)

TESTS = np.array_split(np.arange(N), 3)
FOLDS = [(np.setdiff1d(np.arange(N), test), test) for test in TESTS]
GROUPS = np.arange(N) % 4
HALVING = {"factor": 2, "min_resources": N // 4, "random_state": 0}


def score_by_hand(data, model, y, train, test):
    return data.fit(model, y, train).score(data.take(test), some(y, test))


def scores_by_hand(data, model, y, folds=FOLDS):
    return [score_by_hand(data, model, y, *fold) for fold in folds]


@row(
    {
        "GridSearchCV": GridSearchCV,
        "RandomizedSearchCV": partial(RandomizedSearchCV, n_iter=3, random_state=0),
        "HalvingGridSearchCV": partial(HalvingGridSearchCV, **HALVING),
        "HalvingRandomSearchCV": partial(HalvingRandomSearchCV, n_candidates=4, **HALVING),
    }
)
def search(data, meta):
    for model, y in data.tasks():
        found = meta(model, data.grid(model), cv=FOLDS).fit(data.X, y)
        results = found.cv_results_
        # Halving tries candidates on a part of the data first.
        whole = np.array(results.get("n_resources", [N] * len(results["params"]))) == N
        assert whole.any()
        for k in np.flatnonzero(whole):
            expected = scores_by_hand(
                data, clone(model).set_params(**results["params"][k]), y
            )
            close(results["mean_test_score"][k], np.mean(expected))
        best = results["params"][
            max(np.flatnonzero(whole), key=results["mean_test_score"].__getitem__)
        ]
        refitted = data.fit(clone(model).set_params(**best), y)
        equal(found.predict(data.X), refitted.predict(data.X))
        above_chance(found.score(data.X, y))


@row("cross_val_score")
def scores(data):
    for model, y in data.tasks():
        equal(cross_val_score(model, data.X, y, cv=FOLDS), scores_by_hand(data, model, y))


@row("cross_validate")
def validate(data):
    for model, y in data.tasks():
        got = cross_validate(
            model, data.X, y, cv=FOLDS, return_train_score=True, return_estimator=True
        )
        equal(got["test_score"], scores_by_hand(data, model, y))
        train = [(train, train) for train, _ in FOLDS]
        equal(got["train_score"], scores_by_hand(data, model, y, train))
        equal(
            got["estimator"][0].predict(data.X),
            data.fit(model, y, FOLDS[0][0]).predict(data.X),
        )


@row("cross_val_predict")
def predictions(data):
    for model, y in data.tasks():
        for method in {"predict", "predict_proba"} & set(dir(model)):
            expected = [
                getattr(data.fit(model, y, train), method)(data.take(test))
                for train, test in FOLDS
            ]
            got = cross_val_predict(model, data.X, y, cv=FOLDS, method=method)
            equal(got, np.concatenate(expected))


@row("learning_curve")
def of_sizes(data):
    for model, y in data.tasks():
        sizes, train_scores, test_scores = learning_curve(
            model, data.X, y, cv=FOLDS, train_sizes=[16, 32]
        )
        equal(sizes, [16, 32])
        for k, size in enumerate(sizes):
            parts = [(train[:size], test) for train, test in FOLDS]
            equal(test_scores[k], scores_by_hand(data, model, y, parts))
            parts = [(train[:size], train[:size]) for train, _ in FOLDS]
            equal(train_scores[k], scores_by_hand(data, model, y, parts))


@row("validation_curve")
def of_parameters(data):
    values = [1, 6]
    for model, y in data.tasks():
        _, test_scores = validation_curve(
            model,
            data.X,
            y,
            cv=FOLDS,
            param_name="hidden_layer_sizes",
            param_range=values,
        )
        for size, got in zip(values, test_scores):
            changed = clone(model).set_params(hidden_layer_sizes=size)
            equal(got, scores_by_hand(data, changed, y))


@row("permutation_test_score")
def against_chance(data):
    for model, y in data.tasks():
        score, permuted, p = permutation_test_score(
            model, data.X, y, cv=FOLDS, n_permutations=4, random_state=0
        )
        close(score, np.mean(scores_by_hand(data, model, y)))
        order = np.random.RandomState(0).permutation(N)
        close(permuted[0], np.mean(scores_by_hand(data, model, some(y, order))))
        assert p == 1 / 5  # the best of five


@row(
    {
        "StratifiedKFold": StratifiedKFold(3),
        "GroupKFold": GroupKFold(3),
        "LeaveOneGroupOut": LeaveOneGroupOut(),
        "TimeSeriesSplit": TimeSeriesSplit(3),
    }
)
def splitter(data, cv):
    model, y = data.tasks()[0]
    groups = GROUPS if "Group" in type(cv).__name__ else None
    folds = list(cv.split(np.zeros((N, 1)), y, groups))
    got = cross_val_score(model, data.X, y, cv=cv, groups=groups)
    equal(got, scores_by_hand(data, model, y, folds))


@row(
    {
        "train_test_split": partial(train_test_split, random_state=0),
        "resample": partial(resample, random_state=0),
        "shuffle": partial(shuffle, random_state=0),
    }
)
def rearrange(data, function):
    model, y = data.tasks()[0]
    # For every array, as many parts as the function makes of one.
    parts = function(data.X, y, np.arange(N))
    n = len(parts) // 3
    of_X, of_y, of_rows = parts[:n], parts[n : 2 * n], parts[2 * n :]
    for X, targets, rows in zip(of_X, of_y, of_rows):
        expected = data.take(rows)
        assert (type(X), type(targets)) == (type(expected), type(y))
        equal(X, expected)
        equal(targets, some(y, rows))
    fitted = data.fit(model, y)
    equal(fitted.predict(of_X[-1]), fitted.predict(data.X)[of_rows[-1]])
