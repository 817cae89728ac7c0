"""A cell over time: the loops in NumPy, and their compiled twins."""

from ._engine import (
    STEP,
    kind_of,
    live,
    run,
    run_back,
    run_back_tangent,
    run_tangent,
    stepper,
)
from ._readout import READOUTS
from ._scan import by_early_gate
from ._workspace import Workspace, WorkspacePool

__all__ = [
    "READOUTS",
    "STEP",
    "Workspace",
    "WorkspacePool",
    "by_early_gate",
    "kind_of",
    "live",
    "run",
    "run_back",
    "run_back_tangent",
    "run_tangent",
    "stepper",
]
