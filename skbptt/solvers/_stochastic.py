"""Stochastic gradient descent over mini-batches."""

import numpy as np
from scipy.linalg import norm

from ._monitor import DIVERGED, INTERRUPTED
from ._schedule import start_schedule

UNFINISHED = (
    "Stochastic Optimizer: Maximum iterations ({}) reached and the optimization hasn't "
    "converged yet."
)


def start(theta, rule):
    """State of a descent that begins at ``theta``.

    "sound" are the last weights whose loss was seen to be finite.
    """
    return {"rule": rule.start(theta), "sound": theta.copy(), **start_schedule()}


def descend(
    theta,
    batch_gradient,
    batch_value,
    n,
    rule,
    schedule,
    monitor,
    state,
    rng,
    *,
    batch_size,
    shuffle,
    max_grad_norm,
    max_iter,
    one_epoch,
):
    """Minimise a mean over n items by mini-batches.

    Parameters
    ----------
    theta : ndarray
        Starting point.
    batch_gradient : callable
        ``batch_gradient(theta, indices, rng)`` gives an estimate of the objective and of
        its gradient from some items.
    batch_value : callable
        ``batch_value(theta, indices)`` gives the estimate of the objective alone.
    n : int
        Number of items.
    rule : SGD or Adam
    schedule : Schedule
        Over ``state``.
    monitor : Monitor
    state : dict
        From :func:`start`, or as an earlier run left it; updated in place.
    rng : RandomState
    batch_size : int
        The most items of a batch; the batches of an epoch are of like size.
    max_grad_norm : float or None
        Clip the gradient to this norm (Pascanu, Mikolov & Bengio, 2013).
    max_iter : int
        The most epochs.
    one_epoch : bool
        Whether to run only the next epoch of the schedule.

    Returns
    -------
    theta : ndarray
    problem : str or None
        What went wrong.
    """
    theta, sound = theta.copy(), state["sound"]
    n_batches = -(-n // batch_size)
    problem = None
    if not one_epoch:
        schedule.restart()

    def diverged():
        # The moments have seen what broke the weights.
        state["rule"] = rule.start(theta)
        advice = "Lower learning_rate_init or max_grad_norm"
        return monitor.weights(instead=sound), DIVERGED.format(advice)

    try:
        for _ in range(1 if one_epoch else max_iter):
            order = rng.permutation(n) if shuffle else np.arange(n)
            total = total_norm = total_rate = 0.0
            for k, indices in enumerate(np.array_split(order, n_batches)):
                loss, gradient = batch_gradient(theta, indices, rng)
                gradient_norm = norm(gradient, check_finite=False)
                if not (np.isfinite(loss) and np.isfinite(gradient_norm)):
                    monitor.add(np.nan, gradient_norm, np.nan)
                    return diverged()
                if max_grad_norm is not None and gradient_norm > max_grad_norm:
                    gradient *= max_grad_norm / gradient_norm
                rate = schedule.rate((k + 0.5) / n_batches)
                share = len(indices) / n
                total += share * float(loss)
                total_norm += share * gradient_norm
                total_rate += share * rate
                np.copyto(sound, theta)
                rule.step(theta, gradient, rate, state["rule"])
            out_of_patience = monitor(theta, total, total_norm, total_rate)
            if schedule.end_epoch(n, out_of_patience) or monitor.told_to_stop:
                break
        else:
            if not one_epoch and schedule.name != "one_cycle":
                problem = UNFINISHED.format(max_iter)
        # Nobody has seen yet what the last step did.
        if not np.isfinite(batch_value(theta, indices)):
            return diverged()
    except KeyboardInterrupt:
        if one_epoch:
            raise
        return monitor.weights(best=True), INTERRUPTED
    return monitor.weights(), problem
