"""Full-batch descent by scipy.optimize.minimize."""

import numpy as np
from scipy import optimize

from ._monitor import DIVERGED, INTERRUPTED

METHODS = {"lbfgs": "L-BFGS-B", "cg": "CG"}


def minimise(theta, value_and_gradient, solver, monitor, *, max_iter, max_fun, tol):
    """Minimise a function of a flat vector.

    Parameters
    ----------
    theta : ndarray
        Starting point.
    value_and_gradient : callable
    solver : {"lbfgs", "cg"}
    monitor : Monitor
        Called at each iteration.
    max_iter, max_fun : int
        Iterations, and evaluations, at the most.
    tol : float
        Stop where no entry of the gradient is larger.

    Returns
    -------
    theta : ndarray
    problem : str or None
        What went wrong.
    """
    dtype = theta.dtype
    n_evaluations = 0

    def evaluate(x):
        nonlocal n_evaluations
        n_evaluations += 1
        value, gradient = value_and_gradient(x.astype(dtype))
        # The line searches of scipy are not made for less than double precision.
        return float(value), gradient.astype(np.float64)

    stopped = None

    def callback(intermediate_result):
        nonlocal stopped
        if monitor(intermediate_result.x.astype(dtype), intermediate_result.fun):
            stopped = "patience"
        elif n_evaluations >= max_fun:
            stopped = "max_fun"
        if stopped:
            raise StopIteration

    try:
        options = {"maxiter": max_iter, "gtol": tol}
        if solver == "lbfgs":
            # The gradient decides, not how little the value still falls.
            options |= {"maxfun": max_fun, "ftol": 64 * np.finfo(float).eps}
        result = optimize.minimize(
            evaluate,
            theta.astype(np.float64),
            jac=True,
            method=METHODS[solver],
            callback=callback,
            options=options,
        )
    except KeyboardInterrupt:
        return monitor.weights(best=True), INTERRUPTED
    if not np.isfinite(result.fun):
        return monitor.weights(), DIVERGED.format("Raise alpha")
    if result.nit == 0:
        monitor(theta, result.fun)
    if stopped == "max_fun" or not (stopped or result.success):
        reason = f"max_fun={max_fun} reached" if stopped else result.message.rstrip(".")
        return monitor.weights(), f"solver={solver!r} has not converged: {reason}."
    return monitor.weights(), None
