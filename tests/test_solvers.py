"""Solvers on problems with known answers; PyTorch's optimisers are in test_torch.py."""

from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

from skbptt import solvers
from skbptt.solvers import Ending

A = np.diag([1.0, 2.0, 5.0])
MINIMUM = np.array([1.0, -2.0, 0.5])
START = np.zeros(3)


def quadratic(theta, indices=None, rng=None):
    r = theta - MINIMUM
    return 0.5 * r @ A @ r, A @ r


def value(theta, indices):
    return quadratic(theta)[0]


def monitor(**options):
    defaults = {"tol": 0.0, "patience": np.inf, "verbose": False}
    return solvers.Monitor(START, **defaults | options)


class Bowl:
    """The curvature of the quadratic."""

    def __init__(self, theta, indices=None):
        pass

    def hessian(self, v):
        return A @ v

    def gauss_newton(self, v, structural):
        return A @ v


OPTIONS = {
    "batch_size": 2,
    "learning_rate": "constant",
    "learning_rate_init": 0.1,
    "max_fun": 1000,
    "max_grad_norm": None,
    "max_iter": 3,
    "momentum": 0.0,
    "nesterovs_momentum": False,
    "beta_1": 0.9,
    "beta_2": 0.999,
    "epsilon": 1e-8,
    "one_epoch": False,
    "power_t": 0.5,
    "return_sequences": False,
    "shuffle": False,
    "tol": 1e-8,
}


def new_state(solver):
    return {"rng": np.random.RandomState(0), **solvers.SOLVERS[solver].start(START)}


def run(solver, watch, state=None, start=START, function=quadratic, **options):
    """Run a solver on seven items of which each has the same function."""
    check = options.pop("check", value)
    objective = SimpleNamespace(
        n=7, value_and_gradient=function, value=check, curvature=Bowl
    )
    state = new_state(solver) if state is None else state
    return solvers.SOLVERS[solver].run(start, objective, watch, state, OPTIONS | options)


def descend(watch, function=quadratic, **options):
    return run("sgd", watch, function=function, **options)


def search(function, solver, watch, state=None, **options):
    state = {} if state is None else state
    return run(solver, watch, state, function=function, **options)


@pytest.mark.parametrize("solver", solvers.METHODS)
def test_scipy_solvers_find_the_minimum(solver):
    watch, state = monitor(), {}
    theta, ending, problem = search(
        quadratic, solver, watch, state, max_iter=100, max_fun=1000, tol=1e-8
    )
    result = state["result"]
    assert result["success"]
    assert result["max_gradient"] <= 1e-8
    assert result["fun"] == watch.record["loss_curve"][-1]
    assert (result["nhev"] > 0) == (solver not in ("lbfgs", "cg"))
    np.testing.assert_allclose(theta, MINIMUM, atol=1e-8)
    assert (ending, problem) == (Ending.FINISHED, None)
    curve = watch.record["loss_curve"]
    assert curve[-1] == pytest.approx(0, abs=1e-12)
    assert curve == sorted(curve, reverse=True)
    norms = watch.record["grad_norm_curve"]
    assert norms[-1] == pytest.approx(np.linalg.norm(quadratic(theta)[1]), abs=1e-15)
    assert len(norms) == len(curve)
    assert np.isnan(watch.record["learning_rate_curve"]).all()


@pytest.mark.parametrize("solver", solvers.METHODS)
def test_scipy_solvers_record_the_gradient_at_each_iterate(solver):
    iterates = []
    watch = monitor(tell=lambda theta: iterates.append(theta.copy()))
    search(quadratic, solver, watch, max_iter=100, max_fun=1000, tol=1e-8)
    norms = [np.linalg.norm(quadratic(theta)[1]) for theta in iterates]
    np.testing.assert_allclose(watch.record["grad_norm_curve"], norms, rtol=1e-12)


@pytest.mark.parametrize("solver", solvers.METHODS)
def test_no_point_is_evaluated_twice(solver):
    seen = []

    def counted(theta):
        seen.append(theta.tobytes())
        return quadratic(theta)

    state = {}
    search(counted, solver, monitor(), state, max_iter=100, max_fun=1000, tol=1e-8)
    assert len(set(seen)) == len(seen) == state["result"]["nfev"]


def test_scipy_solvers_say_why_they_ended_early():
    _, ending, problem = search(
        quadratic, "lbfgs", monitor(), max_iter=1, max_fun=1000, tol=1e-12
    )
    assert ending is Ending.UNFINISHED
    assert "solver='lbfgs' has not converged" in problem
    _, ending, problem = search(
        quadratic, "cg", monitor(), max_iter=100, max_fun=2, tol=1e-12
    )
    assert ending is Ending.UNFINISHED
    assert problem == "solver='cg' has not converged: max_fun=2 reached."


def test_float32_is_optimised_in_double_precision():
    seen = []

    def value_and_gradient(theta):
        seen.append(theta.dtype)
        value, gradient = quadratic(theta)
        return np.float32(value), gradient.astype(np.float32)

    watch = solvers.Monitor(START.astype("f4"), tol=0, patience=np.inf, verbose=False)
    options = {"start": START.astype("f4"), "max_iter": 50, "max_fun": 100, "tol": 1e-5}
    theta, *_ = search(value_and_gradient, "lbfgs", watch, **options)
    assert set(seen) == {np.dtype("f4")}
    assert theta.dtype == np.float32
    np.testing.assert_allclose(theta, MINIMUM, atol=1e-4)


def test_plain_sgd_by_closed_form():
    """theta_k - m = (I - eta A)^k (theta_0 - m), with four batches an epoch."""
    theta, *_ = descend(monitor())
    expected = MINIMUM + (1 - 0.1 * np.diag(A)) ** 12 * (START - MINIMUM)
    np.testing.assert_allclose(theta, expected, rtol=1e-13)


def test_norm_of_the_gradient_and_learning_rate_are_recorded():
    """Means over the batches, before clipping; 7 items fall into 2 + 2 + 2 + 1."""
    watch = monitor()
    options = {"learning_rate": "one_cycle", "max_grad_norm": 0.01, "max_iter": 2}
    descend(watch, **options)
    theta, sizes = START.copy(), np.array([2, 2, 2, 1])
    for epoch in range(2):
        norms, rates = [], []
        for k in range(4):
            slope = A @ (theta - MINIMUM)
            norms.append(np.linalg.norm(slope))
            rates.append(
                0.05 * rate("one_cycle", n_epochs=2, epoch=epoch, share=(k + 0.5) / 4)
            )
            theta -= rates[-1] * 0.01 / norms[-1] * slope
        record = watch.record
        assert record["grad_norm_curve"][epoch] == pytest.approx(norms @ sizes / 7)
        assert record["learning_rate_curve"][epoch] == pytest.approx(rates @ sizes / 7)


def test_epochs_visit_every_item_once_in_even_batches():
    batches = []

    def gradient(theta, indices, rng):
        batches.append(indices)
        return quadratic(theta)

    descend(monitor(), function=gradient, shuffle=True)
    assert [len(b) for b in batches] == [2, 2, 2, 1] * 3
    epochs = [np.concatenate(batches[k : k + 4]) for k in (0, 4, 8)]
    for epoch in epochs:
        assert sorted(epoch) == list(range(7))
    assert list(epochs[0]) != list(epochs[1])


def test_gradient_is_clipped_to_its_global_norm():
    theta, *_ = descend(monitor(), max_grad_norm=0.01, max_iter=1)
    gradient = -A @ MINIMUM
    direction = gradient / np.linalg.norm(gradient)
    # Far from the minimum the direction hardly turns: four steps of 0.1 x 0.01.
    np.testing.assert_allclose(theta, -0.004 * direction, rtol=1e-2, atol=1e-5)
    assert np.linalg.norm(theta) <= 0.004 * (1 + 1e-12)


def rate(schedule, **options):
    state = {"t": options.pop("t", 0), "factor": options.pop("factor", 1.0)}
    state |= {"cycle_epoch": options.pop("epoch", 0), "fall": options.pop("fall", None)}
    share = options.pop("share", 0.0)
    defaults = {"power_t": 0.5, "n_epochs": 10, "open_ended": False}
    return solvers.Schedule(schedule, 2.0, state=state, **defaults | options).rate(share)


def test_learning_rates():
    assert rate("constant", t=100, epoch=7) == 2.0
    assert rate("invscaling", t=99) == pytest.approx(0.2)
    assert rate("invscaling", t=99, power_t=1.0) == pytest.approx(0.02)
    assert rate("adaptive", factor=0.04) == pytest.approx(0.08)
    assert rate("one_cycle", share=0.5) == pytest.approx(1.0)
    assert rate("one_cycle", epoch=1) == pytest.approx(2.0)
    assert rate("one_cycle", epoch=5, share=0.5) == pytest.approx(1.0)
    assert rate("one_cycle", epoch=9, share=0.999) < 1e-6


def test_an_open_cycle_rises_holds_and_falls():
    """At most ten epochs up, then the peak, then half a cosine down."""
    cycle = partial(rate, "one_cycle", open_ended=True, n_epochs=1000)
    assert cycle(epoch=5) == pytest.approx(1.0)
    assert cycle(epoch=10) == cycle(epoch=400) == 2.0
    assert cycle(epoch=40, fall=[40, 20]) == 2.0
    assert cycle(epoch=50, fall=[40, 20]) == pytest.approx(1.0)
    assert cycle(epoch=59, share=0.999, fall=[40, 20]) < 1e-6
    assert cycle(epoch=1, n_epochs=20) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("patience_ends", "n_epochs", "fall"),
    [
        (range(40, 999), 1000, [40, 40]),  # as long down as it took so far
        (range(1, 999), 1000, [10, 10]),  # not while the rate rises
        ((), 100, [50, 50]),  # in time to end with the last epoch
        ((), 1, [1, 1]),
    ],
)
def test_an_open_cycle_falls_when_progress_ends(patience_ends, n_epochs, fall):
    state = new_state("sgd")["descent"]
    schedule = solvers.Schedule("one_cycle", 0.1, 0.5, n_epochs, True, state)
    schedule.restart()
    epoch, ended = 0, False
    while not ended:
        epoch += 1
        ended = schedule.end_epoch(7, epoch in patience_ends)
        assert (state["fall"] is None) == (epoch < fall[0])
    assert state["fall"] == fall
    assert epoch == max(n_epochs, 2) if n_epochs < 1000 else epoch == sum(fall)


def test_invscaling_counts_sequences():
    theta, *_ = descend(monitor(), learning_rate="invscaling", power_t=1.0)
    shrink = 1.0
    for epoch in range(3):
        shrink = shrink * (1 - 0.1 / (7 * epoch + 1) * np.diag(A)) ** 4
    np.testing.assert_allclose(theta, MINIMUM + shrink * (START - MINIMUM), rtol=1e-13)


def test_adaptive_divides_by_five_and_then_stops():
    def flat(theta, indices, rng):
        return 1.0, np.zeros(3)

    watch, state = monitor(patience=2), new_state("sgd")
    options = {"learning_rate": "adaptive", "max_iter": 1000}
    _, ending, problem = descend(watch, flat, state=state, **options)
    # 0.1 / 5**8 is the first rate below 1e-6; each plateau is three epochs long, and the
    # very first epoch is an improvement.
    assert state["descent"]["factor"] == pytest.approx(5.0**-8)
    assert len(watch.record["loss_curve"]) == 1 + 8 * 3
    assert (ending, problem) == (Ending.FINISHED, None)


def test_plateau_stops():
    def flat(theta, indices, rng):
        return 1.0, np.zeros(3)

    watch = monitor(patience=2)
    _, ending, problem = run("adam", watch, function=flat, max_iter=50)
    assert len(watch.record["loss_curve"]) == 4
    assert (ending, problem) == (Ending.FINISHED, None)


def test_max_iter_is_told_unless_it_ends_a_cycle():
    for schedule, told in (("constant", True), ("one_cycle", False)):
        _, ending, problem = descend(monitor(), learning_rate=schedule)
        assert (problem is not None) == told
        assert ending is (Ending.UNFINISHED if told else Ending.FINISHED)
        if told:
            assert "Maximum iterations (3) reached" in problem


def test_divergence_keeps_the_last_finite_weights():
    seen = []

    def gradient(theta, indices, rng):
        seen.append(theta.copy())
        return (np.nan if len(seen) == 6 else 1.0), np.ones(3)

    theta, ending, problem = descend(monitor(), function=gradient)
    np.testing.assert_array_equal(theta, seen[4])
    assert ending is Ending.DIVERGED
    assert "learning_rate_init" in problem


@pytest.mark.parametrize("one_epoch", [False, True])
def test_divergence_in_the_last_step_is_seen(one_epoch):
    def gradient(theta, indices, rng):
        return 1.0, np.full(3, 1e7)

    def check(theta, indices):
        assert list(indices) == list(range(7))
        return 1.0 if np.abs(theta).max() < 1e5 else np.inf

    state = new_state("sgd")
    options = {"max_iter": 1, "batch_size": 7, "one_epoch": one_epoch, "momentum": 0.9}
    theta, ending, problem = descend(
        monitor(), gradient, state=state, check=check, **options
    )
    np.testing.assert_array_equal(theta, START)
    assert ending is Ending.DIVERGED
    assert "no longer finite" in problem
    # What broke the weights is forgotten.
    np.testing.assert_array_equal(state["descent"]["rule"]["velocity"], 0)


@pytest.mark.parametrize("solver", solvers.METHODS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_scipy_solvers_that_diverge(solver):
    def nowhere(theta):
        return np.nan, np.full(3, np.nan)

    theta, ending, problem = search(
        nowhere, solver, monitor(), max_iter=9, max_fun=100, tol=1e-9
    )
    np.testing.assert_array_equal(theta, START)
    assert ending is Ending.DIVERGED
    assert "Raise alpha" in problem


@pytest.mark.parametrize("solver", solvers.SOLVERS)
def test_a_callback_ends_a_run(solver):
    """In its second iteration, and no solver follows."""
    calls = []
    watch = monitor(tell=lambda theta: calls.append(theta.copy()) or len(calls) == 2)
    options = {"batch_size": 7, "max_iter": 9}
    theta, ending, problem = run(solver, watch, **options)
    assert (ending, problem) == (Ending.STOPPED, None)
    assert len(calls) == 2
    np.testing.assert_array_equal(theta, calls[-1])


@pytest.mark.parametrize("solver", solvers.SOLVERS)
def test_the_user_ends_a_run(solver):
    """The best weights are kept, and no solver follows."""
    calls = []

    def tell(theta):
        if calls:
            raise KeyboardInterrupt
        calls.append(theta.copy())

    options = {"batch_size": 7, "max_iter": 9}
    theta, ending, problem = run(solver, monitor(tell=tell), **options)
    assert ending is Ending.INTERRUPTED
    assert "interrupted by user" in problem
    assert value(theta, None) < value(calls[0], None) < value(START, None)


def test_solvers_in_turn():
    """The second begins where the first one ended, and says how the run ended."""
    watch, alone = monitor(), monitor()
    options = {"batch_size": 7, "max_iter": 4}
    theta, ending, _ = run("adam+lbfgs", watch, **options)
    first, of_adam, _ = run("adam", alone, **options)
    assert of_adam is Ending.UNFINISHED
    after = monitor()
    second, of_lbfgs, _ = run("lbfgs", after, start=first, **options)
    np.testing.assert_array_equal(theta, second)
    assert ending is of_lbfgs
    curve = alone.record["loss_curve"] + after.record["loss_curve"]
    assert watch.record["loss_curve"] == curve


def test_solvers_say_what_they_read():
    """Nothing besides is handed to them."""

    class Asked(dict):
        def __getitem__(self, name):
            asked.add(name)
            return super().__getitem__(name)

    for name, solver in solvers.SOLVERS.items():
        asked = set()
        objective = SimpleNamespace(
            n=7, value_and_gradient=quadratic, value=value, curvature=Bowl
        )
        options = Asked({name: OPTIONS[name] for name in solver.parameters})
        options["one_epoch"], options["batch_size"] = False, "auto"
        solver.run(START, objective, monitor(), new_state(name), options)
        assert asked - {"one_epoch"} == set(solver.parameters)


@pytest.mark.parametrize("solver", solvers.METHODS)
def test_a_start_that_is_good_enough_is_recorded(solver):
    watch = monitor()
    theta, ending, problem = search(
        quadratic, solver, watch, max_iter=9, max_fun=100, tol=1e9
    )
    np.testing.assert_array_equal(theta, START)
    assert (ending, problem) == (Ending.FINISHED, None)
    assert watch.record["loss_curve"] == [quadratic(START)[0]]


def test_one_cycle_moves_with_every_batch():
    def slope(theta, indices, rng):
        return 1.0, np.array([1.0, 0, 0])

    theta, *_ = descend(
        monitor(),
        function=slope,
        learning_rate="one_cycle",
        max_iter=5,
    )
    batches = [(epoch, (k + 0.5) / 4) for epoch in range(5) for k in range(4)]
    rates = [
        rate("one_cycle", n_epochs=5, epoch=epoch, share=share) / 2.0 * 0.1
        for epoch, share in batches
    ]
    assert theta[0] == pytest.approx(-sum(rates), rel=1e-12)


def test_best_loss_is_the_least():
    watch = monitor()
    for loss in (3.0, 1.0, 2.0):
        watch(START + loss, loss, 1.0)
    assert watch.record["best_loss"] == 1.0
    np.testing.assert_array_equal(watch.weights(), START + 2.0)
    np.testing.assert_array_equal(watch.weights(best=True), START + 1.0)


def test_monitor_keeps_the_weights_of_the_best_score():
    scores = iter([0.1, 0.9, 0.3, 0.9])
    watch = monitor(validate=lambda theta: (theta[0], next(scores)), patience=1)
    stops = [watch(np.full(3, float(k)), 10.0 - k, 1.0) for k in range(4)]
    assert stops == [False, False, False, True]
    # The later of equals.
    np.testing.assert_array_equal(watch.weights(), [3, 3, 3])
    assert watch.record["validation_scores"] == [0.1, 0.9, 0.3, 0.9]
    assert watch.record["validation_loss_curve"] == [0, 1, 2, 3]
    assert watch.record["best_score"] == 0.9


def test_monitor_prints_only_if_told(capsys):
    monitor()(START, 0.5, 1.0)
    assert capsys.readouterr().out == ""
    watch = monitor(verbose=2)
    for loss in (0.5, 0.25):
        watch(START, loss, 1.0)
    assert capsys.readouterr().out == "Iteration 2, loss = 0.25\n"
