"""Hessian-free optimisation.

Martens, J. (2010). Deep learning via Hessian-free optimization. ICML. [M]
Martens, J. & Sutskever, I. (2011). Learning recurrent neural networks with Hessian-free
optimization. ICML. [MS]
"""

import numpy as np
from scipy.linalg import norm

from ._ending import Ending, Outcome, diverged, interrupted
from ._solver import Solver

# A gradient is taken from a large batch, the curvature from the first part of it.
BATCH_SIZE, CURVATURE_SHARE, LEAST_CURVATURE_BATCH = 1000, 5, 200

# The damping to start from, and how it follows the reduction ratio ([M], section 4.1).
DAMPING, RAISE, LOWER = 0.1, 3 / 2, 2 / 3
# Damping beyond which there is no way down any more.
MOST_DAMPING = 1e8

# Structural damping, in units of the damping ([MS], section 3.2).
STRUCTURAL = 0.03

# Conjugate gradients end when in the last LEAST_GAP steps, or tenth of all, the model
# gained less than this share a step ([M], section 4.4). Iterates are kept at steps that
# grow by a ratio.
MOST_STEPS, LEAST_GAP, LEAST_GAIN, KEPT_RATIO = 100, 10, 5e-4, 1.3

# Exponent of the preconditioner ([M], section 4.7).
PRECONDITIONER = 0.75

# Line search: Armijo's condition.
SUFFICIENT, SHORTER, MOST_SHORTENINGS = 0.01, 0.8, 60


class HessianFree(Solver):
    """Truncated Newton steps on large batches.

    Each step minimises a quadratic model, whose matrix is that of Gauss and Newton plus
    damping, by preconditioned conjugate gradients; of its iterates the one is taken from
    which on the batch improves no more, and a line search shortens it where needed. The
    run ends where no entry of the gradient over all items exceeds tol.
    """

    parameters = ("batch_size", "max_iter", "shuffle", "tol")
    by_batches = True

    def start(self, theta):
        return {
            "descent": {
                "damping": DAMPING,
                "direction": np.zeros_like(theta),
                "t": 0,
                "order": np.arange(0),
            }
        }

    def run(self, theta, objective, monitor, state, options):
        try:
            return self._steps(theta, objective, monitor, state, options)
        except KeyboardInterrupt:
            return interrupted(monitor.weights(best=True))

    def _steps(self, theta, objective, monitor, state, options):
        """Take steps until one is the last."""
        descent, max_iter = state["descent"], options["max_iter"]
        ending = Ending.UNFINISHED
        problem = f"solver='hessian-free' has not converged in max_iter={max_iter} steps."
        for _ in range(max_iter):
            batch = next_batch(objective.n, descent, state["rng"], options)
            value, gradient = objective.value_and_gradient(theta, batch)
            if not (np.isfinite(value) and np.isfinite(gradient).all()):
                return diverged(monitor.weights(), "Raise alpha")
            if len(batch) == objective.n and np.abs(gradient).max() <= options["tol"]:
                ending = Ending.FINISHED
                break
            step, value = take_step(
                theta,
                value,
                gradient,
                lambda theta, batch=batch: objective.value(theta, batch),
                objective.curvature(theta, batch[: curvature_size(len(batch))]),
                descent,
            )
            descent["t"] += len(batch)
            theta = theta + step
            if monitor(theta, value, norm(gradient)):
                ending = monitor.ending
                break
            if descent["damping"] > MOST_DAMPING:
                problem = "solver='hessian-free' finds no way down any more."
                break
        if not monitor.record["loss_curve"]:
            monitor(theta, value, norm(gradient))
        message = problem if ending is Ending.UNFINISHED else None
        return Outcome(monitor.weights(), ending, message)


def next_batch(n, state, rng, options):
    """The next of n items, as many as make a batch; a new order once too few are left."""
    size = options["batch_size"]
    size = min(n, BATCH_SIZE if size == "auto" else size)
    if len(state["order"]) < size:
        state["order"] = rng.permutation(n) if options["shuffle"] else np.arange(n)
    batch, state["order"] = np.split(state["order"], [size])
    return batch


def curvature_size(size):
    """Number of items for the curvature, of a batch of ``size``."""
    return min(size, max(LEAST_CURVATURE_BATCH, size // CURVATURE_SHARE))


def take_step(theta, value, gradient, value_at, curvature, state):
    """A step, and the value where it leads; adapts the damping.

    Parameters
    ----------
    theta, value, gradient : ndarray, float, ndarray
        The point, and what the batch says there.
    value_at : callable
        ``value_at(theta)`` gives what the batch says elsewhere.
    curvature : object
    state : dict
        Updated in place.

    Returns
    -------
    step : ndarray
    value : float
    """
    damping = state["damping"]

    def product(v):
        return curvature.gauss_newton(v, STRUCTURAL * damping) + damping * v

    preconditioner = (gradient * gradient + damping) ** PRECONDITIONER
    iterates = conjugate_gradients(product, -gradient, preconditioner, state["direction"])
    state["direction"] = iterates[-1][0]

    # Back over the iterates as long as the batch improves ([M], section 4.6).
    step, promised = iterates[-1]
    new = value_at(theta + step)
    for earlier, promised_earlier in reversed(iterates[:-1]):
        other = value_at(theta + earlier)
        if new <= other:
            break
        step, promised, new = earlier, promised_earlier, other
    ratio = (new - value) / promised if promised < 0 else -np.inf

    rate, slope = theta.dtype.type(1), gradient @ step
    for _ in range(MOST_SHORTENINGS):
        if new <= value + SUFFICIENT * rate * slope:
            break
        rate *= theta.dtype.type(SHORTER)
        new = value_at(theta + rate * step)
    else:
        rate, new, ratio = theta.dtype.type(0), value, -np.inf

    if not ratio >= 0.25:
        state["damping"] *= RAISE
    elif ratio > 0.75:
        state["damping"] *= LOWER
    return rate * step, new


def conjugate_gradients(product, b, preconditioner, direction):
    """Minimise x A x / 2 - b x, and give iterates on the way to the last.

    A is given by ``product``, the preconditioner by its diagonal. The start is the least
    point along ``direction``, or zero where there is no way down. Each iterate comes with
    the value there.
    """
    x, r = np.zeros_like(b), -b
    # The last direction is a good one ([M], section 4.5); its length may not be.
    if b @ direction > 0:
        A_direction = product(direction)
        share = b @ direction / (direction @ A_direction)
        x, r = share * direction, share * A_direction - b
    z = r / preconditioner
    d, rz = -z, r @ z
    model = [0.5 * (x @ (r - b))]
    kept, next_kept = [], 1.0
    for i in range(1, MOST_STEPS + 1):
        Ad = product(d)
        curved = d @ Ad
        if not (curved > 0 and rz > 0):
            break
        x = x + rz / curved * d
        r = r + rz / curved * Ad
        model.append(0.5 * (x @ (r - b)))
        gap = max(LEAST_GAP, i // 10)
        slow = i > gap and model[-1] - model[-1 - gap] > gap * LEAST_GAIN * model[-1]
        if i >= next_kept or slow or i == MOST_STEPS:
            kept.append((x, model[-1]))
            next_kept = max(i + 1.0, KEPT_RATIO * next_kept)
        if slow:
            break
        z = r / preconditioner
        rz, before = r @ z, rz
        d = rz / before * d - z
    return kept or [(x, model[0])]
