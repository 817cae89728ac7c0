"""Warnings: once in each call of the user, at the line of that call."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbptt import RNNRegressor
from skbptt.datasets import make_adding_problem
from skbptt.preprocessing import TimeDistributed
from tests.fits import X, Y, regressor

X_ADD, Y_ADD = make_adding_problem(60, 30, random_state=0)


def vanishing(**options):
    """A network that warns of vanishing gradients."""
    defaults = {"cell": "rnn", "readout": "last", "max_iter": 2, "random_state": 0}
    return RNNRegressor(4, **defaults | options)


CALLS = {
    "fit": lambda: vanishing().fit(X_ADD, Y_ADD),
    "pipeline": lambda: make_pipeline(TimeDistributed(StandardScaler()), vanishing()).fit(
        X_ADD, Y_ADD
    ),
    "cross validation": lambda: cross_val_score(vanishing(), X_ADD, Y_ADD, cv=3),
    "search": lambda: GridSearchCV(vanishing(), {"alpha": [0.1, 1.0]}, cv=3).fit(
        X_ADD, Y_ADD
    ),
    "search that raises": lambda: GridSearchCV(
        vanishing(), {"alpha": [0.1, 1.0]}, cv=3, error_score="raise", n_jobs=1
    ).fit(X_ADD, Y_ADD),
}


def caught_in(call, action="always", what="vanish through time"):
    """Warnings in a call of what is looked for, and not of what else came of it."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter(action)
        call()
    found = [warning for warning in caught if what in str(warning.message)]
    assert {warning.category for warning in found} == {ConvergenceWarning}
    return found


@pytest.mark.parametrize("case", CALLS)
@pytest.mark.parametrize("action", ["default", "always"])
def test_a_warning_comes_once_in_a_call(case, action):
    call = CALLS[case]
    (warning,) = caught_in(call, action)
    first = call.__code__.co_firstlineno
    assert warning.filename == __file__
    assert first <= warning.lineno <= first + 3


def test_a_warning_comes_again_in_the_next_call():

    def calls():
        for _ in range(2):
            cross_val_score(vanishing(), X_ADD, Y_ADD, cv=2)
        vanishing().fit(X_ADD, Y_ADD).fit(X_ADD, Y_ADD)

    here = calls.__code__.co_firstlineno
    assert [warning.lineno - here for warning in caught_in(calls)] == [2, 2, 3, 3]


def test_different_causes_are_all_told():
    grid = {"cell": ["rnn", "gru"], "readout": ["last"], "max_iter": [2]}
    search = GridSearchCV(vanishing(), grid, cv=2, refit=False)
    caught = caught_in(lambda: search.fit(X_ADD, Y_ADD), "default")
    messages = {str(warning.message) for warning in caught}
    assert len(messages) == len(caught) == 2
    assert sum("cell='gru'" in message for message in messages) == 1


def test_filters_are_obeyed():
    """An error is raised in each fold, not in the first alone."""
    search = GridSearchCV(vanishing(), {"alpha": [10.0]}, cv=3, refit=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        with pytest.raises(ValueError, match="All the 3 fits failed"):
            search.fit(X_ADD, Y_ADD)
        warnings.simplefilter("ignore", ConvergenceWarning)
        search.fit(X_ADD, Y_ADD)
    scores = search.cv_results_["mean_test_score"]
    assert np.isfinite(scores).all()


@pytest.mark.parametrize("solver", ["lbfgs", "hessian-free", "sgd"])
def test_what_solvers_say_comes_once_too(solver):
    options = {"learning_rate": "constant"} if solver == "sgd" else {}
    model = regressor(solver=solver, max_iter=2, **options)
    (warning,) = caught_in(lambda: cross_val_score(model, X, Y, cv=3), what="converged")
    assert warning.filename == __file__


def test_a_warning_of_a_function_of_the_user():
    """A frame between the network and a search of scikit-learn ends the way."""

    class Mine(RNNRegressor):
        def fit(self, X, y):
            return super().fit(X, y)

    model = Mine(4, cell="rnn", readout="last", max_iter=2, random_state=0)
    caught = caught_in(lambda: cross_val_score(model, X_ADD, Y_ADD, cv=2))
    line = Mine.fit.__code__.co_firstlineno + 1
    assert {(w.filename, w.lineno) for w in caught} == {(__file__, line)}
