"""Why a net has not learned: gradients that vanish or explode through time."""

import numpy as np

from ._recording import reach_of, record_gradient_norms
from .cells import ElmanCell
from .solvers import FULL_BATCH

# A net that has not halved the loss of a constant prediction has not learned its task.
UNLEARNED = 0.5
# Norm of dL/dh at the first step, and where it is largest, in units of that at the last.
VANISHED, EXPLODED = 1e-3, 1e3
# Lag from which on it is told of: over a few steps it takes no long memory.
LONG = 20
# Sequences that are looked at.
N_SEQUENCES = 50


def through_time(estimator, network, loss, data, theta, value):
    """A message where training came to nothing and gradients tell why, or None.

    Parameters
    ----------
    estimator : RNNClassifier or RNNRegressor
        Its parameters are asked for.
    network, loss, data, theta
        What was trained, on what, and the weights it came to.
    value : float
        The objective there.
    """
    if np.median(data.sequences.lengths) <= LONG:
        return None
    raw = np.broadcast_to(
        loss.start(data.y, data.weights), (len(data.y), network.n_outputs)
    )
    constant = np.average(loss.value(raw, data.y), weights=data.weights)
    if value <= UNLEARNED * constant:
        return None
    some = np.unique(np.linspace(0, len(data.sequences) - 1, N_SEQUENCES).astype(int))
    with np.errstate(over="ignore", invalid="ignore"):
        norms = record_gradient_norms(network, theta, loss, data.take(some))
    found = (explain(estimator, network, of_layer) for of_layer in norms.values())
    return next(filter(None, found), None)


def explain(estimator, network, norms):
    """What the norms by lag of a layer tell, or None."""
    norms = norms[norms[:, 0] > 0]
    if not len(norms):
        return None
    shares = norms / norms[:, :1]
    ends = (~np.isnan(norms)).sum(axis=1) - 1
    first = np.median(shares[np.arange(len(norms)), ends])
    largest = np.median(np.nanmax(shares, axis=1))
    elman = isinstance(network.cell, ElmanCell)
    advice = ["cell='gru' or cell='lstm'"] if elman else []
    if largest > EXPLODED:
        what = f"explode through time: the norm of dL/dh grows {largest:.0e} times"
        if estimator.solver in (*FULL_BATCH, "hessian-free"):
            advice.append("a larger alpha")
        else:
            clipped = estimator.max_grad_norm is not None
            advice.append("a lower max_grad_norm" if clipped else "max_grad_norm=1")
            advice.append("a lower learning_rate_init")
    elif first < VANISHED and network.readout is not None:
        what = (
            f"vanish through time: {reach_of(shares):.0f} steps back the norm of dL/dh is "
            f"1 % of that at the last step, and at the first {first:.0e} of it"
        )
        if network.readout != "concat":
            advice.append("readout='concat'")
        if elman and estimator.solver != "hessian-free":
            advice.append("solver='hessian-free'")
    else:
        return None
    advice.append("shorter sequences")
    return (
        f"Gradients {what}, and the loss is still more than half that of a constant. Try "
        f"{', '.join(advice)}. skbptt.inspection.gradient_flow shows the whole."
    )
