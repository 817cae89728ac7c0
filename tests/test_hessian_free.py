"""Hessian-free optimisation: its parts on known problems, and a task for it."""

from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from skbptt import RNNClassifier, RNNRegressor, solvers
from skbptt.datasets import make_adding_problem, make_temporal_order
from skbptt.inspection import loss_gradient
from skbptt.solvers import Ending
from skbptt.solvers import _hessian_free as hf
from tests.fits import X, Y, assert_same_model, quietly, regressor

rng = np.random.RandomState(0)
Q = rng.standard_normal((6, 6))
A = Q @ Q.T + 0.1 * np.eye(6)
MINIMUM = rng.standard_normal(6)
START = np.zeros(6)
HESSIAN_FREE = solvers.SOLVERS["hessian-free"]


def gradient(theta, indices=None):
    r = theta - MINIMUM
    return 0.5 * r @ A @ r, A @ r


def value(theta, indices=None):
    return gradient(theta, indices)[0]


class Model:
    """Curvature that is that of the quadratic times a factor."""

    factor = 1.0

    def __init__(self, theta=None, indices=None):
        pass

    def gauss_newton(self, v, structural):
        return self.factor * A @ v


def uphill(theta, indices=None):
    """The quadratic, if nobody may leave the start."""
    return value(theta) if (theta == START).all() else np.inf


def monitor(**options):
    return solvers.Monitor(
        START, **{"tol": 0, "patience": np.inf, "verbose": False} | options
    )


def new_state():
    state = {"rng": np.random.RandomState(0), **HESSIAN_FREE.start(START)}
    return state, state["descent"]


def minimise(
    watch, state=None, gradient=gradient, value=value, model=Model, n=5, **options
):
    objective = SimpleNamespace(
        n=n, value_and_gradient=gradient, value=value, curvature=model
    )
    state = new_state()[0] if state is None else state
    options = {"batch_size": "auto", "shuffle": True, "max_iter": 50, "tol": 1e-8} | options
    return HESSIAN_FREE.run(START, objective, watch, state, options)


def test_conjugate_gradients():
    """The last iterate solves the system; all descend the model, and know its value."""
    starts = (np.zeros(6), rng.standard_normal(6), -rng.standard_normal(6))
    for preconditioner, start in product((np.ones(6), np.diag(A) ** 0.75), starts):
        b = rng.standard_normal(6)
        kept = hf.conjugate_gradients(lambda v: A @ v, b, preconditioner, start)
        np.testing.assert_allclose(kept[-1][0], np.linalg.solve(A, b), rtol=1e-4)
        models = np.array([0.5 * x @ A @ x - b @ x for x, _ in kept])
        np.testing.assert_allclose([model for _, model in kept], models, rtol=1e-9)
        assert models[0] < 0
        assert (np.diff(models) <= 1e-12 * abs(models[-1])).all()


def test_conjugate_gradients_without_a_way_down():
    """Where the matrix is not positive definite, zero is all there is."""
    one, zero = np.ones(6), np.zeros(6)
    ((x, model),) = hf.conjugate_gradients(lambda v: -v, one, one, zero)
    np.testing.assert_array_equal(x, zero)
    assert model == 0


def test_conjugate_gradients_start_from_the_last_direction():
    """At its best multiple, never above zero; what solves the system ends at once."""
    b = rng.standard_normal(6)
    solution = np.linalg.solve(A, b)
    for size in (0.1, 30.0):
        seen = []

        def counted(v, seen=seen):
            seen.append(v)
            return A @ v

        kept = hf.conjugate_gradients(counted, b, np.ones(6), size * solution)
        np.testing.assert_allclose(kept[-1][0], solution, rtol=1e-9)
        assert kept[-1][1] == pytest.approx(-0.5 * b @ solution)
        assert len(seen) <= 12
    first = hf.conjugate_gradients(lambda v: A @ v, b, np.ones(6), np.zeros(6))
    uphill = hf.conjugate_gradients(lambda v: A @ v, b, np.ones(6), -solution)
    for (x, _), (other, _) in zip(first, uphill, strict=True):
        np.testing.assert_array_equal(x, other)


def test_a_quadratic_is_minimised():
    watch = monitor()
    theta, ending, problem = minimise(watch)
    np.testing.assert_allclose(theta, MINIMUM, atol=1e-6)
    assert (ending, problem) == (Ending.FINISHED, None)
    curve = watch.record["loss_curve"]
    assert curve == sorted(curve, reverse=True)


@pytest.mark.parametrize(
    ("factor", "ratio", "change"),
    [(1.0, 1.0, hf.LOWER), (0.6, 0.5, 1), (0.02, None, hf.RAISE)],
)
def test_damping_follows_the_reduction_ratio(factor, ratio, change):
    """Levenberg and Marquardt's rule: less where the model is right, more where it errs.

    Without damping to speak of, the step of a model with ``factor`` times the curvature is
    1 / factor times too long; what it promises is right up to ratio = 2 - 1 / factor.
    """

    class Wrong(Model):
        pass

    Wrong.factor = factor
    _, state = new_state()
    state["damping"] = before = 1e-12
    value_0, gradient_0 = gradient(START)
    _, new = hf.take_step(START, value_0, gradient_0, value, Wrong(), state)
    assert new < value_0
    assert state["damping"] / before == pytest.approx(change)


def test_steps_that_lead_nowhere_are_not_taken():
    """A line search that finds nothing keeps the weights, and raises the damping."""
    _, state = new_state()

    value_0, gradient_0 = gradient(START)
    step, new = hf.take_step(START, value_0, gradient_0, uphill, Model(), state)
    np.testing.assert_array_equal(step, 0)
    assert new == value_0
    assert state["damping"] > hf.DAMPING


def test_it_ends_where_there_is_no_way_down():
    theta, ending, problem = minimise(monitor(), value=uphill, max_iter=500)
    np.testing.assert_array_equal(theta, START)
    assert ending is Ending.UNFINISHED
    assert "no way down" in problem


def test_divergence():
    def nowhere(theta, indices):
        return np.nan, np.full(6, np.nan)

    theta, ending, problem = minimise(monitor(), gradient=nowhere)
    np.testing.assert_array_equal(theta, START)
    assert ending is Ending.DIVERGED
    assert "diverged" in problem


def test_batches():
    """Each takes new items until all were seen; the curvature's are the first of them."""
    seen, of_curvature = [], []

    def watched(theta, indices):
        seen.append(indices)
        return gradient(theta, indices)

    class Watched(Model):
        def __init__(self, theta, indices):
            of_curvature.append(indices)

    state, descent = new_state()
    minimise(
        monitor(),
        state,
        gradient=watched,
        model=Watched,
        n=3000,
        batch_size=1000,
        max_iter=3,
    )
    batches = [indices for indices in seen if len(indices) == 1000]
    assert sorted(np.concatenate(batches)) == list(range(3000))
    for batch, part in zip(batches, of_curvature):
        np.testing.assert_array_equal(part, batch[:200])
    assert descent["t"] == 3000


def test_it_goes_on_from_where_it_was():
    """Three steps and three more are six, to the bit, batches and damping included."""
    options = {"solver": "hessian-free", "batch_size": 15}
    six = quietly(regressor(**options, max_iter=6).fit, X, Y)
    model = regressor(**options, max_iter=3, warm_start=True)
    quietly(model.fit, X, Y)
    assert_same_model(six, quietly(model.fit, X, Y))
    assert six.t_ == model.t_ == 90


def test_it_ends_by_the_gradient():
    model = regressor(
        solver="hessian-free", cell="rnn", readout="last", alpha=1.0, tol=1e-6, max_iter=500
    )
    y = Y / Y.std()  # the unit of the tolerance
    assert model.fit(X, y).n_iter_ < 500
    _, slopes = loss_gradient(model, X, y)
    assert max(np.abs(slope).max() for slope in slopes.values()) <= 1e-6
    again = model.set_params(warm_start=True).fit(X, y)
    assert again.n_iter_ == model.n_iter_


def test_it_says_when_it_has_not_converged():
    with pytest.warns(ConvergenceWarning, match="has not converged in max_iter=2 steps"):
        regressor(solver="hessian-free", max_iter=2).fit(X, Y)


@pytest.mark.slow
@pytest.mark.parametrize("task", ["adding", "order"])
def test_long_memory_of_a_plain_net(task):
    """Over 60 steps, where first-order descent of an Elman net stalls."""
    make = make_adding_problem if task == "adding" else make_temporal_order
    x, y = make(6000, 60, random_state=0)
    x_new, y_new = make(500, 60, random_state=1)
    cls = RNNRegressor if task == "adding" else RNNClassifier
    model = cls(
        50, cell="rnn", readout="last", solver="hessian-free", max_iter=30, random_state=0
    )
    quietly(model.fit, x.astype(np.float32), y)
    if task == "adding":
        assert ((model.predict(x_new) - y_new) ** 2).mean() < 0.01
    else:
        assert model.score(x_new, y_new) > 0.98
