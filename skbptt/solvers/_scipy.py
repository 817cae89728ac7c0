"""Full-batch descent by scipy.optimize.minimize."""

import numpy as np
from scipy import optimize
from scipy.linalg import norm

from ._monitor import DIVERGED, INTERRUPTED

METHODS = {
    "lbfgs": "L-BFGS-B",
    "cg": "CG",
    "newton-cg": "Newton-CG",
    "trust-ncg": "trust-ncg",
    "trust-krylov": "trust-krylov",
}
SECOND_ORDER = ("newton-cg", "trust-ncg", "trust-krylov")


def minimise(
    theta,
    value_and_gradient,
    curvature,
    solver,
    monitor,
    state,
    *,
    max_iter,
    max_fun,
    tol,
):
    """Minimise a function of a flat vector.

    Parameters
    ----------
    theta : ndarray
        Starting point.
    value_and_gradient : callable
    curvature : callable
        ``curvature(theta)`` gives an object whose method ``hessian(v)`` gives products.
    solver : a key of METHODS
    monitor : Monitor
        Called at each iteration.
    state : dict
        Its "result" becomes what scipy says of the search, in plain numbers.
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
    second_order = solver in SECOND_ORDER
    n_evaluations = 0
    seen: list[tuple] = []  # evaluations from the last iterate on

    def evaluate(x):
        nonlocal n_evaluations
        for at, *found in reversed(seen):
            if np.array_equal(at, x):
                return found
        n_evaluations += 1
        value, gradient = value_and_gradient(x.astype(dtype))
        if second_order and np.isnan(value):
            value = np.inf  # from which a trust region shrinks
        # The line searches of scipy are not made for less than double precision.
        seen.append((x.copy(), float(value), gradient.astype(np.float64)))
        return seen[-1][1:]

    def slope(x):
        return np.abs(evaluate(x)[1]).max()

    n_products, at = 0, None  # where the last product was, and the curvature there

    def product(x, v):
        nonlocal n_products, at
        n_products += 1
        if at is None or not np.array_equal(at[0], x):
            at = x.copy(), curvature(x.astype(dtype))
        return at[1].hessian(v.astype(dtype)).astype(np.float64)

    stopped = None

    def callback(intermediate_result):
        nonlocal stopped
        x, value = intermediate_result.x, intermediate_result.fun
        gradient = evaluate(x)[1]
        seen[:] = [(x.copy(), value, gradient)]
        if monitor(x.astype(dtype), value, norm(gradient)):
            stopped = "patience"
        elif second_order and slope(x) <= tol:
            stopped = "tol"
        elif n_evaluations >= max_fun:
            stopped = "max_fun"
        if stopped:
            raise StopIteration

    # The gradient decides, not how little the value still falls or the steps are.
    least = 64 * np.finfo(float).eps
    options = {"maxiter": max_iter, "gtol": tol}
    if solver == "lbfgs":
        options |= {"maxfun": max_fun, "ftol": least}
    elif solver == "newton-cg":
        options = {"maxiter": max_iter, "xtol": least}
    start = theta.astype(np.float64)
    try:
        value, gradient = evaluate(start)
        if not (np.isfinite(value) and np.isfinite(gradient).all()):
            return monitor.weights(), DIVERGED.format("Raise alpha")
        result = optimize.minimize(
            evaluate,
            start,
            jac=True,
            hessp=product if second_order else None,
            method=METHODS[solver],
            callback=callback,
            options=options | ({"maxiter": 0} if slope(start) <= tol else {}),
        )
    except KeyboardInterrupt:
        return monitor.weights(best=True), INTERRUPTED
    if not np.isfinite(result.fun):
        return monitor.weights(), DIVERGED.format("Raise alpha")
    if result.nit == 0:
        monitor(theta, result.fun, norm(gradient))
        stopped = "tol" if slope(start) <= tol else None
    converged = stopped in ("patience", "tol") or (not stopped and bool(result.success))
    reason = f"max_fun={max_fun} reached" if stopped == "max_fun" else result.message
    state["result"] = {
        "success": converged,
        "message": stopped or str(result.message),
        "nit": int(result.nit),
        "nfev": n_evaluations,
        "nhev": n_products,
        "fun": float(result.fun),
        "max_gradient": float(slope(result.x)),
    }
    if converged:
        return monitor.weights(), None
    return (
        monitor.weights(),
        f"solver={solver!r} has not converged: {reason.rstrip('.')}.",
    )
