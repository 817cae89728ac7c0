"""From the parameters of an estimator and its data to trained weights."""

import numpy as np

from . import solvers
from ._objective import Objective
from ._threads import one_blas_thread, parallel_map
from .network import Curvature

# The automatic size of a mini-batch, unless it leaves fewer batches in an epoch: few
# sequences need many updates, and a sequence with step targets is a batch of its own.
BATCH_SIZE, LEAST_BATCHES, LEAST_BATCHES_PER_STEP = 32, 5, 20


def train(
    estimator, network, loss, data, validate, window, theta, state, tell, unit, one_epoch
):
    """Run the estimator's solver.

    Parameters
    ----------
    estimator : RNNClassifier or RNNRegressor
        Gives the parameters.
    network : Network
    loss : one of skbptt._losses
    data : Data
    validate : callable or None
        ``validate(map_parts=...)`` gives a :class:`Validator` for early stopping.
    window : (int, int) or None
        The parameter ``truncation``.
    theta : ndarray
        Starting weights.
    state : dict
        What an earlier call left; updated in place.
    tell : callable or None
        ``tell(theta)`` hears of each iteration; True asks to stop.
    unit : float
        The loss in the units of the user that corresponds to a loss of 1.
    one_epoch : bool
        Whether to run only the next epoch of a stochastic solver.

    Returns
    -------
    theta : ndarray
    problem : str or None
        What went wrong.
    """
    # What overflows is told by the loss, and warned of once.
    quiet = np.errstate(over="ignore", invalid="ignore")
    with one_blas_thread(), parallel_map(estimator.n_jobs) as map_parts, quiet:
        objective = Objective(
            network,
            loss,
            data,
            estimator._strength,
            window,
            map_parts,
        )
        monitor = solvers.Monitor(
            theta,
            tol=estimator.tol,
            patience=patience_of(estimator),
            verbose=estimator.verbose,
            validate=validate and validate(map_parts=map_parts),
            record=state["record"],
            tell=tell,
            unit=unit,
            score_unit=unit if estimator.scoring == "loss" else 1.0,
        )
        result = solve(estimator, objective, monitor, theta, state, one_epoch)
        if not one_epoch:  # then it is not the last
            monitor.print_last()
        return result


def patience_of(estimator):
    """Iterations without progress that end training.

    A cycle of the learning rate runs to its end, and a solver with exact gradients ends by
    them: there a plateau of the loss means nothing.
    """
    stochastic = estimator.solver in solvers.STOCHASTIC
    plateaus = stochastic and estimator.learning_rate not in ("auto", "one_cycle")
    return estimator.n_iter_no_change if estimator.early_stopping or plateaus else np.inf


def batch_size_for(estimator, n, one_epoch):
    """Sequences in a mini-batch of a stochastic solver."""
    if estimator.batch_size != "auto":
        return estimator.batch_size
    if one_epoch:
        return BATCH_SIZE
    least = LEAST_BATCHES_PER_STEP if estimator.return_sequences else LEAST_BATCHES
    return max(1, min(BATCH_SIZE, -(-n // least)))


def solve(estimator, objective, monitor, theta, state, one_epoch):
    """Call the solver with the parameters that are its own."""
    name = estimator.solver
    changed, state["solver"] = state.get("solver") != name, name
    state["result"] = None  # of an earlier call
    if name in solvers.FULL_BATCH:
        return finish(estimator, objective, monitor, theta, state, name)
    if name == "hessian-free":
        if changed:
            state["descent"] = solvers.start_hessian_free(theta)
        return solvers.hessian_free(
            theta,
            objective.value_and_gradient,
            objective.value,
            lambda theta, indices: Curvature(objective, theta, indices),
            objective.n,
            monitor,
            state["descent"],
            state["rng"],
            batch_size=estimator.batch_size,
            shuffle=estimator.shuffle,
            max_iter=estimator.max_iter,
            tol=estimator.tol,
        )
    rule = (
        solvers.SGD(estimator.momentum, estimator.nesterovs_momentum)
        if name == "sgd"
        else solvers.Adam(estimator.beta_1, estimator.beta_2, estimator.epsilon)
    )
    if changed:
        state["descent"] = solvers.start(theta, rule)
    learning_rate = estimator.learning_rate
    if learning_rate == "auto":  # the length of a stream is not known
        learning_rate = "constant" if one_epoch else "one_cycle"
    schedule = solvers.Schedule(
        learning_rate,
        estimator.learning_rate_init,
        estimator.power_t,
        estimator.max_iter,
        monitor.validate is not None,
        state["descent"],
    )
    theta, problem = solvers.descend(
        theta,
        objective.value_and_gradient,
        objective.value,
        objective.n,
        rule,
        schedule,
        monitor,
        state["descent"],
        state["rng"],
        batch_size=batch_size_for(estimator, objective.n, one_epoch),
        shuffle=estimator.shuffle,
        max_grad_norm=estimator.max_grad_norm,
        max_iter=estimator.max_iter,
        one_epoch=one_epoch,
    )
    if name == "adam+lbfgs" and not (monitor.told_to_stop or solvers.ended_early(problem)):
        return finish(estimator, objective, monitor, theta, state, "lbfgs")
    return theta, problem


def finish(estimator, objective, monitor, theta, state, name):
    """Minimise over all data, by scipy."""
    return solvers.minimise(
        theta,
        objective.value_and_gradient,
        lambda theta: Curvature(objective, theta),
        name,
        monitor,
        state,
        max_iter=estimator.max_iter,
        max_fun=estimator.max_fun,
        tol=estimator.tol,
    )
