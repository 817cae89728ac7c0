"""Hessian-free optimisation.

Martens, J. (2010). Deep learning via Hessian-free optimization. ICML. [M]
Martens, J. & Sutskever, I. (2011). Learning recurrent neural networks with Hessian-free
optimization. ICML. [MS]
"""

import numpy as np
from scipy.linalg import norm

from ._monitor import DIVERGED, INTERRUPTED

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


def start_hessian_free(theta):
    """State of an optimisation that begins at ``theta``."""
    return {
        "damping": DAMPING,
        "direction": np.zeros_like(theta),
        "t": 0,
        "order": np.arange(0),
    }


def hessian_free(
    theta,
    batch_gradient,
    batch_value,
    batch_curvature,
    n,
    monitor,
    state,
    rng,
    *,
    batch_size,
    shuffle,
    max_iter,
    tol,
):
    """Minimise a mean over n items by truncated Newton steps on batches.

    Each step minimises a quadratic model, whose matrix is that of Gauss and Newton plus
    damping, by preconditioned conjugate gradients; of its iterates the one is taken from
    which on the batch improves no more, and a line search shortens it where needed.

    Parameters
    ----------
    theta : ndarray
        Starting point.
    batch_gradient, batch_value : callable
        ``batch_gradient(theta, indices)`` gives an estimate of the objective and of its
        gradient from some items, ``batch_value`` that of the objective alone.
    batch_curvature : callable
        ``batch_curvature(theta, indices)`` gives an object whose method
        ``gauss_newton(v, structural)`` gives products.
    n : int
        Number of items.
    monitor : Monitor
    state : dict
        From :func:`start_hessian_free`, or as an earlier run left it; updated in place.
    rng : RandomState
    batch_size : int or "auto"
        Items a batch.
    shuffle : bool
    max_iter : int
        Steps at the most.
    tol : float
        Stop where no entry of the gradient over all items is larger.

    Returns
    -------
    theta : ndarray
    problem : str or None
        What went wrong.
    """
    size = min(n, BATCH_SIZE if batch_size == "auto" else batch_size)
    n_curvature = min(size, max(LEAST_CURVATURE_BATCH, size // CURVATURE_SHARE))
    problem: str | None
    problem = f"solver='hessian-free' has not converged in max_iter={max_iter} steps."
    try:
        for _ in range(max_iter):
            if len(state["order"]) < size:
                state["order"] = rng.permutation(n) if shuffle else np.arange(n)
            batch, state["order"] = np.split(state["order"], [size])
            value, gradient = batch_gradient(theta, batch)
            if not (np.isfinite(value) and np.isfinite(gradient).all()):
                return monitor.weights(), DIVERGED.format("Raise alpha")
            if size == n and np.abs(gradient).max() <= tol:
                problem = None
                break
            step, value = take_step(
                theta,
                value,
                gradient,
                lambda theta, batch=batch: batch_value(theta, batch),
                batch_curvature(theta, batch[:n_curvature]),
                state,
            )
            state["t"] += size
            theta = theta + step
            if monitor(theta, value, norm(gradient)):
                problem = None
                break
            if state["damping"] > MOST_DAMPING:
                problem = "solver='hessian-free' finds no way down any more."
                break
    except KeyboardInterrupt:
        return monitor.weights(best=True), INTERRUPTED
    if not monitor.record["loss_curve"]:
        monitor(theta, value, norm(gradient))
    return monitor.weights(), problem


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
