"""From an objective and parameters to trained weights."""

from ._diagnosis import diagnose, far_from_unit_scale
from ._early_stopping import FEW, TOO_FEW, hold_back
from ._frozen import Frozen
from ._objective import Objective, losses_of
from ._threads import one_blas_thread, parallel_map
from ._training import Run, train

__all__ = [
    "FEW",
    "TOO_FEW",
    "Frozen",
    "Objective",
    "Run",
    "diagnose",
    "far_from_unit_scale",
    "hold_back",
    "losses_of",
    "one_blas_thread",
    "parallel_map",
    "train",
]
