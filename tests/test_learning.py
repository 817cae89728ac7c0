"""That training reaches what it should: real speech, and problems of long memory."""

import warnings

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skbptt import RNNClassifier, RNNRegressor, solvers
from skbptt.datasets import load_japanese_vowels, make_adding_problem, make_copy_memory

X_TRAIN, Y_TRAIN = load_japanese_vowels(subset="train", return_X_y=True)
X_TEST, Y_TEST = load_japanese_vowels(subset="test", return_X_y=True)
MEAN = np.concatenate(X_TRAIN).mean(axis=0)
SCALE = np.concatenate(X_TRAIN).std(axis=0)


def standardise(X):
    out = np.empty(len(X), dtype=object)
    for i, x in enumerate(X):
        out[i] = (x - MEAN) / SCALE
    return out


@pytest.mark.slow
def test_japanese_vowels():
    scores = [
        RNNClassifier(random_state=seed)
        .fit(standardise(X_TRAIN), Y_TRAIN)
        .score(standardise(X_TEST), Y_TEST)
        for seed in range(3)
    ]
    assert np.mean(scores) >= 0.975


@pytest.mark.slow
@pytest.mark.parametrize("solver", [s for s in solvers.SOLVERS if s != "adam"])
def test_other_solvers_learn_speech(solver):
    options = {"readout": "last"}
    if solver == "sgd":
        options = {"max_grad_norm": None, "learning_rate_init": 0.3}
    if solver in ("hessian-free", "newton-cg", "trust-krylov"):
        options["max_iter"] = 20
    model = RNNClassifier(32, solver=solver, random_state=0, **options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(standardise(X_TRAIN), Y_TRAIN)
    assert model.score(standardise(X_TEST), Y_TEST) > 0.93


@pytest.mark.slow
@pytest.mark.parametrize(("cell", "n_steps"), [("lstm", 50), ("gru", 50), ("rnn", 30)])
def test_adding_problem(cell, n_steps):
    """In full, with five seeds and T = 100, this is benchmarks/adding.py."""
    X, y = make_adding_problem(5000, n_steps, random_state=0)
    X_new, y_new = make_adding_problem(1000, n_steps, random_state=1)
    model = RNNRegressor(32, cell=cell, readout="last", random_state=0, max_iter=20)
    if cell == "rnn":
        model.set_params(learning_rate_init=0.003)
    model.fit(X, y)
    assert np.mean((model.predict(X_new) - y_new) ** 2) < 0.01


def test_copying_over_a_short_pause():
    X, y = make_copy_memory(2000, 3, n_symbols=8, n_memorized=3, random_state=0)
    model = RNNClassifier(return_sequences=True, max_iter=200, random_state=0)
    X_new, y_new = make_copy_memory(100, 3, n_symbols=8, n_memorized=3, random_state=1)
    assert model.fit(X, y).score(X_new, y_new) > 0.99


def test_pipelines_searches_and_cross_validation():
    pipeline = make_pipeline(
        FunctionTransformer(standardise), RNNClassifier(8, max_iter=15, random_state=0)
    )
    some = np.arange(0, 270, 3)
    X, y = X_TRAIN[some], Y_TRAIN[some]
    search = GridSearchCV(
        pipeline, {"rnnclassifier__cell": ["rnn", "gru"]}, cv=2, error_score="raise"
    )
    search.fit(X, y)
    assert search.best_score_ > 0.5
    for form in (X, list(X)):
        scores = cross_val_score(pipeline, form, y, cv=2, error_score="raise")
        np.testing.assert_array_equal(scores, cross_val_score(pipeline, X, y, cv=2))
    predicted = cross_val_predict(pipeline, X, y, cv=2)
    assert np.mean(predicted == y) == pytest.approx(scores.mean())
