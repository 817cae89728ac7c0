"""How the run of a solver ends."""

from enum import Enum
from typing import NamedTuple

import numpy as np

DIVERGED = (
    "The loss or its gradient is no longer finite: training has diverged and stopped, and "
    "the last finite weights are kept. {}, or scale X and y."
)
INTERRUPTED = "Training interrupted by user: the best weights so far are kept."


class Ending(Enum):
    """Why a solver ended its run."""

    #: It converged, ran out of patience, or came to the end of a cycle.
    FINISHED = "finished"
    #: It ran out of iterations or evaluations, or found no way down.
    UNFINISHED = "unfinished"
    #: A callback asked for it.
    STOPPED = "stopped"
    #: The loss or its gradient was not finite.
    DIVERGED = "diverged"
    #: The user pressed Ctrl-C.
    INTERRUPTED = "interrupted"


class Outcome(NamedTuple):
    """What a run came to.

    Parameters
    ----------
    theta : ndarray
        The weights to keep.
    ending : Ending
    message : str, default=None
        What to warn of.
    """

    theta: np.ndarray
    ending: Ending
    message: str | None = None


def diverged(theta, advice):
    """The outcome of a run whose last finite weights are ``theta``."""
    return Outcome(theta, Ending.DIVERGED, DIVERGED.format(advice))


def interrupted(theta):
    """The outcome of a run whose best weights were ``theta`` when the user ended it."""
    return Outcome(theta, Ending.INTERRUPTED, INTERRUPTED)
