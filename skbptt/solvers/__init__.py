"""Solvers: they minimise callables over a flat vector and know nothing of networks."""

from ._monitor import NOTHING_YET, Monitor, copied, new_record
from ._rules import SCHEDULES, SGD, Adam
from ._scipy import minimise
from ._stochastic import descend, start

STOCHASTIC = ("adam", "sgd")
FULL_BATCH = ("lbfgs", "cg")

__all__ = [
    "FULL_BATCH",
    "NOTHING_YET",
    "SCHEDULES",
    "SGD",
    "STOCHASTIC",
    "Adam",
    "Monitor",
    "copied",
    "descend",
    "minimise",
    "new_record",
    "start",
]
