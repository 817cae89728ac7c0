"""Why a net has not learned: gradients that vanish or explode through time."""

import numpy as np

from .cells import ElmanCell
from .network import raw_outputs, reach_of, record_gradient_norms
from .solvers import FULL_BATCH, STOCHASTIC

# A net that has not halved the loss of a constant prediction has not learned its task.
UNLEARNED = 0.5
# How often the norm of dL/dh has to grow, to have exploded.
EXPLODED = 1e3
# Over no more steps than these it takes no long memory.
LONG = 20
# Sequences that are looked at.
N_SEQUENCES = 50


def through_time(estimator, network, loss, data, theta):
    """A message where training came to nothing and gradients tell why, or None.

    Parameters
    ----------
    estimator : RNNClassifier or RNNRegressor
        Its parameters are asked for.
    network, loss, data, theta
        What was trained, on what, and the weights it came to.
    """
    if np.median(data.sequences.lengths) <= LONG:
        return None
    some = np.unique(np.linspace(0, len(data.sequences) - 1, N_SEQUENCES).astype(int))
    sample = data.take(some)
    with np.errstate(over="ignore", invalid="ignore"):
        raw = raw_outputs(network, theta, sample.sequences)
        constant = np.broadcast_to(loss.start(data.y, data.weights), raw.shape)
        learned, at_first = (
            np.average(loss.value(outputs, sample.y), weights=sample.weights)
            for outputs in (raw, constant)
        )
        if learned <= UNLEARNED * at_first or at_first < np.finfo(theta.dtype).eps:
            return None
        norms = record_gradient_norms(network, theta, loss, sample)
        found = (explain(estimator, network, of_layer) for of_layer in norms.values())
        return next(filter(None, found), None)


def explain(estimator, network, norms):
    """What the norms by lag of a layer tell, or None."""
    median, reach = np.nanmedian(norms, axis=0), reach_of(norms)
    if not median[0] > 0:
        return None
    largest, last = median.max() / median[0], median[-1] / median[0]
    elman = isinstance(network.cell, ElmanCell)
    plain = "" if estimator.activation == "tanh" else " with activation='tanh'"
    advice = [f"cell='gru' or cell='lstm'{plain}"] if elman else []
    if largest > EXPLODED:
        what = f"explode through time: the norm of dL/dh grows {largest:.0e} times"
        if estimator.solver in (*FULL_BATCH, "hessian-free"):
            advice.append("a larger alpha")
        else:
            clipped = estimator.max_grad_norm is not None
            advice.append("a lower max_grad_norm" if clipped else "max_grad_norm=1")
            advice.append("a lower learning_rate_init")
    elif np.isfinite(reach) and network.readout is not None:
        what = (
            f"vanish through time: {reach:.0f} steps back the norm of dL/dh is below 1 % "
            f"of that at the last step, and {last:.0e} of it {len(median) - 1} steps back"
        )
        exact = estimator.dropout == 0 and estimator.truncation is None
        if estimator.truncation is not None:
            advice.insert(0, "truncation=None")
        if network.readout != "concat":
            advice.append("readout='concat'")
        if elman and exact and estimator.solver != "hessian-free":
            advice.append("solver='hessian-free'")
        if last == 0 and estimator.solver in STOCHASTIC:  # its units are dead
            advice.append("a lower learning_rate_init")
    else:
        return None
    advice.append("shorter sequences")
    return (
        f"Gradients {what}, and the loss is still more than half that of a constant. Try "
        f"{', '.join(advice)}. skbptt.inspection.gradient_flow shows the whole."
    )
