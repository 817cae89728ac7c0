"""The callbacks of scikit-learn 1.9."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbptt import solvers
from skbptt.preprocessing import (
    SequenceDifferences,
    SequenceFlattener,
    SequenceFrames,
    SequenceImputer,
    SequenceUnflattener,
    TimeDistributed,
    TokenEncoder,
)
from tests.fits import X, Y, assert_same_model, quietly, regressor

callback = pytest.importorskip("sklearn.callback", reason="needs scikit-learn 1.9")

SOLVERS = solvers.SOLVERS


class Listener:
    """Records its calls, and may ask to stop, or fail."""

    def __init__(self, stop_after=np.inf, fail_after=np.inf):
        self.stop_after = stop_after
        self.fail_after = fail_after
        self.heard = []
        self.predictions = []

    def setup(self, estimator, context):
        self.heard.append("setup")

    def teardown(self, estimator, context):
        self.heard.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        self.heard.append(f"begin {context.task_name}")

    def on_fit_task_end(self, estimator, context, *, X=None, y=None, fitted_estimator=None):
        self.heard.append(f"end {context.task_name}")
        if context.task_name == "iteration" and fitted_estimator is not None:
            assert len(X) == len(y)
            self.predictions.append(fitted_estimator.predict(X))
        if len(self.predictions) == self.fail_after:
            raise RuntimeError("the callback failed")
        return len(self.predictions) == self.stop_after


@pytest.mark.parametrize("solver", SOLVERS)
def test_every_iteration_is_heard(solver):
    """With an estimator as if training had stopped there."""
    options = {"solver": solver, "readout": "last", "learning_rate": "constant"}
    listener = Listener()
    model = regressor(**options).set_callbacks(listener)
    quietly(model.fit, X, Y)
    whole = ["begin iteration", "end iteration"] * model.n_iter_
    assert model.n_iter_ == 6 * solvers.SOLVERS[solver].n_phases
    assert listener.heard == ["setup", "begin fit", *whole, "end fit", "teardown"]
    # The first phase of "adam+lbfgs" is Adam.
    first = options | {"solver": solver.split("+")[0]}
    for k, prediction in enumerate(listener.predictions[:6], 1):
        shorter = quietly(regressor(**first, max_iter=k).fit, X, Y)
        np.testing.assert_array_equal(shorter.predict(X), prediction)
    assert_same_model(model, quietly(regressor(**options).fit, X, Y))


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("learning_rate", ["one_cycle", "adaptive"])
def test_a_callback_may_stop(solver, learning_rate):
    model = regressor(solver=solver, learning_rate=learning_rate, readout="last")
    model.set_callbacks(Listener(stop_after=3)).fit(X, Y)
    assert model.n_iter_ == 3


def test_a_solver_that_ends_by_itself():
    """Its last iteration came to nothing."""
    listener = Listener()
    model = regressor(solver="lbfgs", readout="last", tol=1e-1, max_iter=500)
    model.set_callbacks(listener).fit(X, Y)
    assert model.n_iter_ < 500
    assert listener.heard.count("begin iteration") == model.n_iter_ + 1
    assert listener.heard.count("end iteration") == model.n_iter_ + 1
    assert len(listener.predictions) == model.n_iter_


def test_a_failing_callback_leaves_the_estimator_as_it_was():
    listener = Listener(fail_after=2)
    model = regressor().fit(X, Y)
    expected = model.predict(X)
    model.set_callbacks(listener)
    before = dict(vars(model))
    with pytest.raises(RuntimeError, match="the callback failed"):
        model.fit(X, -Y)
    assert vars(model) == before
    assert listener.heard[-1] == "teardown"
    np.testing.assert_array_equal(model.predict(X), expected)
    with pytest.raises(ValueError, match="X has 40 sequences, y has 2"):
        model.fit(X, Y[:2])
    assert listener.heard[-1] == "teardown"


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("n_jobs", [None, 2])
def test_progress_bar_through_search_and_pipeline(solver, n_jobs, capsys):
    pipeline = make_pipeline(
        TimeDistributed(StandardScaler()), regressor(solver=solver, tol=10.0, max_iter=12)
    )
    grid = {"rnnregressor__hidden_layer_sizes": [2, 3]}
    search = GridSearchCV(pipeline, grid, cv=2, n_jobs=n_jobs)
    search.set_callbacks(callback.ProgressBar(max_propagation_depth=None))
    search.fit(X, Y)
    shown = capsys.readouterr().out
    assert shown.count("RNNRegressor") >= 5
    assert "TimeDistributed - fit" in shown
    assert "100%" in shown


@pytest.mark.parametrize(
    ("transformer", "x"),
    [
        (TimeDistributed(StandardScaler()), X),
        (SequenceFlattener(), np.zeros((4, 3, 2))),
        (SequenceImputer(), X),
        (SequenceFrames(), X),
        (SequenceDifferences(), X),
        (SequenceUnflattener(3), np.zeros((4, 6))),
        (TokenEncoder(), ["a text"]),
    ],
)
@pytest.mark.parametrize("method", ["fit", "fit_transform"])
def test_transformers_are_one_task(transformer, x, method):
    listener = Listener()
    transformer = clone(transformer).set_callbacks(listener)
    getattr(transformer, method)(x)
    assert listener.heard == ["setup", "begin fit", "end fit", "teardown"]
