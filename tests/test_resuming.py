"""Warm starts and partial fits: resumed training is training that was never stopped."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone

from skbptt import solvers
from tests.fits import (
    LABELS,
    SCHEDULES,
    X,
    Y,
    assert_same_model,
    classifier,
    quietly,
    regressor,
)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_partial_fits_equal_one_fit(solver, schedule):
    """As many partial fits as epochs, stored and reloaded half-way, are one fit."""
    options = {
        "solver": solver,
        "learning_rate": schedule,
        "batch_size": 8,
        "dropout": 0.3,
        "n_iter_no_change": 1,
    }
    whole = quietly(regressor(**options, tol=1e-9).fit, X, Y)
    parts = regressor(**options, tol=1e-9)
    for _ in range(3):
        parts.partial_fit(X, Y)
    parts = pickle.loads(pickle.dumps(parts))
    for _ in range(whole.n_iter_ - 3):
        parts.partial_fit(X, Y)
    assert_same_model(whole, parts)
    assert parts.t_ == whole.t_ == 40 * whole.n_iter_
    assert parts.n_iter_ == whole.n_iter_ > 3


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("schedule", ["constant", "invscaling", "adaptive"])
def test_warm_start_resumes(solver, schedule):
    options = {"solver": solver, "learning_rate": schedule, "n_iter_no_change": 2}
    whole = quietly(classifier(**options, max_iter=8).fit, X, LABELS)
    halves = classifier(**options, max_iter=4, warm_start=True)
    quietly(halves.fit, X, LABELS)
    halves = pickle.loads(pickle.dumps(halves))
    quietly(halves.fit, X, LABELS)
    assert_same_model(whole, halves)
    fresh = quietly(clone(halves).fit, X, LABELS)
    assert fresh.n_iter_ == 4


def test_a_cycle_starts_again_with_a_warm_start():
    """Its second fit moves as far as its first did, where a spent rate would not."""
    model = regressor(warm_start=True, max_iter=10).fit(X, Y)
    before = model.weights_["layers.0.forward.R"].copy()
    model.fit(X, Y)
    assert model.n_iter_ == 20
    assert np.abs(model.weights_["layers.0.forward.R"] - before).max() > 0.01


def test_partial_fit_learns_on_after_its_cycle_has_ended():
    model = regressor(max_iter=5)
    curve = [model.partial_fit(X, Y).loss_ for _ in range(100)]
    assert curve[-1] < 0.2 * curve[4]


@pytest.mark.parametrize("solver", solvers.METHODS)
def test_warm_start_of_full_batch_solvers_goes_on(solver):
    model = regressor(solver=solver, max_iter=5, warm_start=True)
    quietly(model.fit, X, Y)
    first = model.loss_
    quietly(model.fit, X, Y)
    assert model.loss_curve_[4] == first
    assert model.loss_curve_[5] < first
    assert model.n_iter_ == 10


def test_partial_fits_are_not_all_shuffled_alike():
    """Two passes with an int seed differ from twice the same pass."""
    one = regressor(batch_size=4, learning_rate="constant").partial_fit(X, Y)
    one.partial_fit(X, Y)
    other = regressor(batch_size=4, learning_rate="constant").partial_fit(X, Y)
    other._state["rng"] = np.random.RandomState(5)
    other.partial_fit(X, Y)
    assert one.loss_curve_[0] == other.loss_curve_[0]
    assert one.loss_curve_[1] != other.loss_curve_[1]


def test_fit_after_partial_fit():
    """With warm_start it goes on, and else begins again."""
    model = regressor(warm_start=True).partial_fit(X, Y)
    assert model.fit(X, Y).n_iter_ == 7
    model = regressor().partial_fit(X, Y)
    assert_same_model(model.fit(X, Y), regressor().fit(X, Y))


def test_fit_does_not_go_on_without_warm_start():
    once = regressor().fit(X, Y)
    twice = regressor().fit(X, -Y).fit(X, Y)
    assert_same_model(once, twice)


def test_random_state():
    assert_same_model(regressor().fit(X, Y), regressor().fit(X, Y))
    other = regressor(random_state=1).fit(X, Y)
    assert other.loss_ != regressor().fit(X, Y).loss_
    stream = np.random.RandomState(0)
    a = regressor(random_state=stream).fit(X, Y)
    b = regressor(random_state=stream).fit(X, Y)
    assert a.loss_ != b.loss_


def test_the_result_of_scipy_is_that_of_the_last_call():
    model = regressor(solver="lbfgs", warm_start=True, max_iter=3)
    assert quietly(model.fit, X, Y).solver_result_["nit"] == 3
    assert model.set_params(solver="adam").fit(X, Y).solver_result_ is None
