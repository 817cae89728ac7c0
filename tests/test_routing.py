"""Weights on their way through pipelines and searches."""

import numpy as np
import pytest
from sklearn import config_context
from sklearn.model_selection import GridSearchCV, KFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbptt.preprocessing import TimeDistributed
from tests.fits import LABELS, LENGTHS, X, Y, assert_same_model, classifier, regressor

WEIGHTS = np.linspace(0.2, 2, len(X))
FOLDS = KFold(2)


@pytest.fixture(autouse=True)
def routing():
    with config_context(enable_metadata_routing=True):
        yield


@pytest.mark.parametrize(("make", "y"), [(regressor, Y), (classifier, LABELS)])
def test_through_a_search(make, y):
    """The weights of each split train and score it."""
    model = make().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
    search = GridSearchCV(model, {"cell": ["gru", "rnn"]}, cv=FOLDS)
    search.fit(X, y, sample_weight=WEIGHTS)
    for k, (train, test) in enumerate(FOLDS.split(X)):
        for j, cell in enumerate(["gru", "rnn"]):
            by_hand = make(cell=cell).fit([X[i] for i in train], y[train], WEIGHTS[train])
            score = by_hand.score([X[i] for i in test], y[test], WEIGHTS[test])
            assert search.cv_results_[f"split{k}_test_score"][j] == score
    by_hand = make(cell=search.best_params_["cell"]).fit(X, y, WEIGHTS)
    assert_same_model(search.best_estimator_, by_hand)


def test_through_a_pipeline_to_both_steps():
    """A weight of a sequence weighs each of its steps in the scaler."""
    scaler = StandardScaler().set_fit_request(sample_weight=True)
    model = regressor().set_fit_request(sample_weight=True)
    pipeline = make_pipeline(TimeDistributed(scaler), model)
    pipeline.fit(X, Y, sample_weight=WEIGHTS)
    by_hand = StandardScaler().fit(np.concatenate(X), None, np.repeat(WEIGHTS, LENGTHS))
    scaled = [by_hand.transform(x) for x in X]
    assert_same_model(pipeline[-1], regressor().fit(scaled, Y, WEIGHTS))


def test_weights_of_steps():
    tags = [(x[:, 0] > 0).astype(int) for x in X]
    weights = [np.linspace(w, 2, n) for w, n in zip(WEIGHTS, LENGTHS)]
    model = classifier(return_sequences=True)
    model.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
    result = cross_validate(
        model, X, tags, cv=FOLDS, params={"sample_weight": weights}, return_estimator=True
    )
    for k, (train, test) in enumerate(FOLDS.split(X)):
        by_hand = classifier(return_sequences=True).fit(
            *([values[i] for i in train] for values in (X, tags, weights))
        )
        assert_same_model(result["estimator"][k], by_hand)
        assert result["test_score"][k] == by_hand.score(
            *([values[i] for i in test] for values in (X, tags, weights))
        )
