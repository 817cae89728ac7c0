"""Why a network has not learned: no better than a constant, or gradients through time."""

import numpy as np

from ..cells import ElmanCell
from ..data import Labels
from ..network import median_by_lag, raw_outputs, reach_of, record_gradient_norms
from ..solvers import SOLVERS, Ending
from ._objective import losses_of

# A net that has not halved the loss of a constant prediction has not learned its task.
UNLEARNED = 0.5
# How often the norm of dL/dh has to grow, to have exploded.
EXPLODED = 1e3
# Over no more steps than these it takes no long memory.
LONG = 20
# Steps above which a gated network does not learn what a shorter sequence could teach it.
TOO_LONG = 200
# Sequences on which the loss is judged, and through which gradients are followed.
N_JUDGED = 100
# A net whose loss is not below this share of a constant's is no better than a constant.
NO_BETTER = 0.999

# Features whose root mean square is larger, or largest absolute value smaller, are far
# from unit scale: there the error of the default network was seen to grow fivefold.
LARGE, SMALL = 10.0, 0.03

CONSTANT = (
    "The loss on the training data is no better than that of a constant prediction. Check "
    "that X holds what y depends on and that its features are near unit scale (for example "
    "by TimeDistributed(StandardScaler())), and try more iterations, a smaller alpha, or "
    "another learning_rate_init or solver."
)


def far_from_unit_scale(sequences, names, coded=None):
    """A message where features of X have a scale at which gates saturate or see nothing.

    Parameters
    ----------
    sequences : Sequences
    names : list of str or None
        Of the features; numbers if None.
    coded : ndarray of bool or None
        Features that hold codes of categories, which have no scale.
    """
    steps = sequences.steps
    size = np.sqrt(np.einsum("ij,ij->j", steps, steps, dtype=np.float64) / len(steps))
    top = np.abs(steps).max(axis=0)
    # A rare indicator has a small mean square, but its ones are seen.
    odd = (size > LARGE) | ((top < SMALL) & (top > 0))
    (far,) = np.nonzero(odd if coded is None else odd & ~coded)
    if not len(far):
        return None
    named = [names[k] if names is not None else int(k) for k in far[:5]]
    coded = (
        " If these are codes of categories, list them in categorical_features."
        if (steps[:, far] % 1 == 0).all()
        else ""
    )
    more = "" if len(far) <= 5 else f" and {len(far) - 5} more"
    return (
        f"Features {named}{more} of X are far from unit scale: their root mean square is "
        f"above {LARGE:g}, or no absolute value reaches {SMALL:g}. The network learns best "
        "from standardised inputs, as in make_pipeline(TimeDistributed(StandardScaler()), "
        f"estimator).{coded}"
    )


def diagnose(estimator, run, outcome):
    """A message on a training that came to little, or None.

    Parameters
    ----------
    estimator : RNNClassifier or RNNRegressor
        Gives the parameters.
    run : Run
    outcome : Outcome
    """
    network, loss, data, theta = run.network, run.loss, run.data, outcome.theta
    losses = run.state["record"]["loss_curve"]
    constant = loss.start(data.y, data.weights)
    sample = spread(data, N_JUDGED)
    with np.errstate(over="ignore", invalid="ignore"):
        at_first = loss_of_constant(network, theta, loss, sample, constant)
        if at_first - loss.least < np.finfo(theta.dtype).eps:
            return None
        # What was validated may have ended at other weights than its last.
        last = loss.share_left(losses[-1], at_first) if losses else np.inf
        if last <= UNLEARNED and not estimator.early_stopping:
            return None
        norms: dict[str, np.ndarray] = {}
        if isinstance(data.y, Labels) or np.median(data.sequences.lengths) <= LONG:
            loss_now = mean_loss(network, theta, loss, sample)
        else:
            norms, raw = record_gradient_norms(network, theta, loss, sample)
            loss_now = loss.weighted_average(raw, sample.y, sample.weights)
        left = loss.share_left(loss_now, at_first)
        if left <= UNLEARNED:
            return None
        why = (explain(estimator, network, of_layer) for of_layer in norms.values())
        found = next(filter(None, why), None)
        ended_early = outcome.ending in (Ending.DIVERGED, Ending.INTERRUPTED)
        constant = not (ended_early or left < NO_BETTER)
        return found or (CONSTANT if constant else None)


def spread(data, n):
    """At most ``n`` sequences, evenly spaced."""
    n_all = len(data.sequences)
    if n_all <= n:
        return data
    return data.take(np.unique(np.linspace(0, n_all - 1, n).astype(int)))


def loss_of_constant(network, theta, loss, data, constant):
    """The mean loss if the raw outputs are the same everywhere."""
    if isinstance(data.y, Labels):
        # Without other weights than these biases, all raw outputs are constant.
        biases = np.zeros_like(theta)
        network.layout.views(biases)["output.b"][:] = constant
        return mean_loss(network, biases, loss, data)
    raw = np.tile(np.asarray(constant, theta.dtype), (len(data.y), 1))
    return loss.weighted_average(raw, data.y, data.weights)


def mean_loss(network, theta, loss, data):
    if isinstance(data.y, Labels):
        losses = losses_of(network, theta, loss, data)
        return np.average(losses, weights=data.weights)
    raw = raw_outputs(network, theta, data.sequences)
    return loss.weighted_average(raw, data.y, data.weights)


def explain(estimator, network, norms):
    """What the norms by lag of a layer tell, or None.

    In words that are equal for equal causes, so that a search repeats no warning: the
    numbers are those of ``gradient_flow``.
    """
    median = median_by_lag(norms)
    if not median[0] > 0:
        return None
    largest, last = median.max() / median[0], median[-1] / median[0]
    elman, solver = isinstance(network.cell, ElmanCell), SOLVERS[estimator.solver]
    plain = "" if estimator.activation == "tanh" else " with activation='tanh'"
    advice = [f"cell='gru' or cell='lstm'{plain}"] if elman else []
    if largest > EXPLODED:
        what = (
            "explode through time: on the way back to earlier steps, the norm of dL/dh "
            "grows more than a thousandfold"
        )
        if "max_grad_norm" not in solver.parameters:
            advice.append("a larger alpha")
        else:
            clipped = estimator.max_grad_norm is not None
            advice.append("a lower max_grad_norm" if clipped else "max_grad_norm=1")
            advice.append("a lower learning_rate_init")
    elif np.isfinite(reach_of(median)) and network.readout is not None:
        what = (
            "vanish through time: on the way back to earlier steps, the norm of dL/dh "
            "falls below 1 % of that at the last step"
        )
        exact = estimator.dropout == 0 and estimator.truncation is None
        if estimator.truncation is not None:
            advice.insert(0, "truncation=None")
        if network.readout != "concat":
            advice.append("readout='concat'")
        if elman and exact and estimator.solver != "hessian-free":
            advice.append("solver='hessian-free'")
        if last == 0 and solver.takes_estimates:  # its units are dead
            advice.append("a lower learning_rate_init")
    else:
        return None
    if np.median(np.count_nonzero(~np.isnan(norms), axis=1)) > TOO_LONG:
        advice.append("shorter sequences")
    return (
        f"Gradients {what}. The training loss is still more than half that of a constant "
        f"prediction. Try {', '.join(advice or ['a larger max_iter'])}. "
        "skbptt.inspection.gradient_flow(estimator, X, y) returns the norm at each lag."
    )
