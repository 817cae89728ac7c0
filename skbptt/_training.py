"""From the parameters of an estimator and its data to trained weights."""

import numpy as np

from . import solvers
from ._objective import Objective
from ._threads import one_blas_thread, parallel_map
from .network import Curvature, raw_outputs


def train(estimator, network, loss, data, held, window, theta, state, tell, one_epoch):
    """Run the estimator's solver.

    Parameters
    ----------
    estimator : RNNClassifier or RNNRegressor
        Its parameters are asked for, and how it scores.
    network : Network
    loss : one of skbptt._losses
    data : Data
    held : Data or None
        What to validate on.
    window : (int, int) or None
        The parameter ``truncation``.
    theta : ndarray
        Starting weights.
    state : dict
        What an earlier call left; updated in place.
    tell : callable or None
        ``tell(theta)`` hears of each iteration; True asks to stop.
    one_epoch : bool
        Whether to do only the next epoch of a stochastic solver.

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
            estimator.alpha,
            window,
            map_parts,
        )
        monitor = solvers.Monitor(
            theta,
            tol=estimator.tol,
            patience=patience_of(estimator),
            verbose=estimator.verbose,
            validate=held and validator(estimator, network, loss, held, map_parts),
            record=state["record"],
            tell=tell,
        )
        return solve(estimator, objective, monitor, theta, state, one_epoch)


def patience_of(estimator):
    """Iterations without progress that end training.

    A cycle ends by its falling rate: a plateau before means nothing. What has exact
    gradients ends by these.
    """
    stochastic = estimator.solver in solvers.STOCHASTIC
    descends = stochastic and estimator.learning_rate != "one_cycle"
    return estimator.n_iter_no_change if estimator.early_stopping or descends else np.inf


def validator(estimator, network, loss, data, map_parts):
    """A function from weights to loss and score on ``data``."""

    def validate(theta):
        raw = raw_outputs(network, theta, data.sequences, map_parts)
        if not np.isfinite(loss.predict(raw)).all():
            return np.nan, -np.inf
        values = loss.value(raw, data.y)
        score = estimator._score_raw(loss, raw, data)
        return np.average(values, weights=data.weights), score

    return validate


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
    batch_size = estimator.batch_size
    theta, problem = solvers.descend(
        theta,
        objective.value_and_gradient,
        objective.value,
        objective.n,
        rule,
        monitor,
        state["descent"],
        state["rng"],
        batch_size=32 if batch_size == "auto" else batch_size,
        shuffle=estimator.shuffle,
        learning_rate=estimator.learning_rate,
        learning_rate_init=estimator.learning_rate_init,
        power_t=estimator.power_t,
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
