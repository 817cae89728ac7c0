"""From the parameters of an estimator and its data to trained weights."""

from dataclasses import dataclass

import numpy as np

from .. import solvers
from ..data import Data
from ..losses import Loss, Units
from ..network import Network
from ._early_stopping import Validator
from ._frozen import FreeObjective, Frozen
from ._objective import Objective
from ._threads import one_blas_thread, parallel_map


@dataclass(frozen=True)
class Run:
    """One training run: what is trained, on what, and from where.

    Parameters
    ----------
    spec : dict
        The parameters that say which network and loss it is.
    network : Network
    loss : Loss
        In the units of training.
    units : Units
        The units of training.
    data : Data
        The training data, in the units of training.
    held : Data or None
        The validation data, in the units of the user.
    alpha : float
        Strength of L2.
    truncation : (int, int) or None
    theta : ndarray
        Starting weights.
    state : dict
        What an earlier call left. Updated in place.
    frozen : Frozen
    """

    spec: dict
    network: Network
    loss: Loss
    units: Units
    data: Data
    held: Data | None
    alpha: float
    truncation: tuple[int, int] | None
    theta: np.ndarray
    state: dict
    frozen: Frozen


def train(estimator, run, tell=None, one_epoch=False):
    """Run the solver of an estimator.

    Parameters
    ----------
    estimator : RNNClassifier or RNNRegressor
        Gives the parameters.
    run : Run
    tell : callable, default=None
        ``tell(theta)`` is called at each iteration. True asks to stop.
    one_epoch : bool, default=False
        Whether to run only the next epoch of a stochastic solver.

    Returns
    -------
    outcome : Outcome
    """
    # The loss shows what overflows, and there is one warning of it.
    quiet = np.errstate(over="ignore", invalid="ignore")
    with one_blas_thread(), parallel_map(estimator.n_jobs) as map_parts, quiet:
        objective: Objective | FreeObjective = Objective(
            run.network, run.loss, run.data, run.alpha, run.truncation, map_parts
        )
        if run.frozen.names:
            objective = FreeObjective(objective, run.frozen)
        monitor = monitor_of(estimator, run, tell, map_parts)
        outcome = solve(estimator, run, objective, monitor, one_epoch)
        if not one_epoch:  # then it is not the last
            monitor.print_last()
        return outcome._replace(theta=run.frozen.whole(outcome.theta))


def monitor_of(estimator, run, tell, map_parts):
    """What records the iterations of a run and says when to stop."""
    held, units, frozen = run.held, run.units, run.frozen
    validate = None if held is None else Validator(estimator, run, map_parts)
    return solvers.Monitor(
        frozen.free(run.theta),
        tol=estimator.tol,
        patience=patience_of(estimator),
        verbose=estimator.verbose,
        validate=validate and (lambda free: validate(frozen.whole(free))),
        record=run.state["record"],
        tell=tell and (lambda free: tell(frozen.whole(free))),
        restore_loss=units.restore_value,
        restore_score=units.restore_score if estimator.scoring == "loss" else float,
    )


def patience_of(estimator):
    """Iterations without progress that end training.

    A plateau of the loss does not end a cycle of the learning rate, which always runs to
    its end, nor a solver with exact gradients, which stops by their size.
    """
    stochastic = solvers.SOLVERS[estimator.solver].takes_estimates
    plateaus = stochastic and estimator.learning_rate not in ("auto", "one_cycle")
    return estimator.n_iter_no_change if estimator.early_stopping or plateaus else np.inf


def solve(estimator, run, objective, monitor, one_epoch):
    """Call the solver with the parameters that it reads."""
    name, state, frozen = estimator.solver, run.state, run.frozen.names
    solver, theta = solvers.SOLVERS[name], run.frozen.free(run.theta)
    if (state.get("solver"), state.get("frozen", [])) != (name, frozen):
        state.update(solver.start(theta), solver=name, frozen=frozen)
    state["result"] = None  # of an earlier call
    options = {name: getattr(estimator, name) for name in solver.parameters}
    options["one_epoch"] = one_epoch
    return solver.run(theta, objective, monitor, state, options)
