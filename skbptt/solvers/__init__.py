"""Solvers: they minimise callables over a flat vector and know nothing of networks."""

from ._hessian_free import hessian_free, start_hessian_free
from ._monitor import NOTHING_YET, Monitor, copied, ended_early, new_record
from ._rules import SGD, Adam
from ._schedule import SCHEDULES, Schedule
from ._scipy import METHODS, minimise
from ._stochastic import descend, start

# By mini-batches, which suit gradients that are estimates: of dropout, or truncated.
STOCHASTIC = ("adam", "sgd")
# Over all data at once.
FULL_BATCH = tuple(METHODS)
# By mini-batches, but with exact gradients.
MIXED = ("hessian-free", "adam+lbfgs")
# Each phase has max_iter iterations.
PHASES = {"adam+lbfgs": 2}
ALL = STOCHASTIC + FULL_BATCH + MIXED

__all__ = [
    "ALL",
    "FULL_BATCH",
    "MIXED",
    "NOTHING_YET",
    "PHASES",
    "SCHEDULES",
    "SGD",
    "STOCHASTIC",
    "Adam",
    "Monitor",
    "Schedule",
    "copied",
    "descend",
    "ended_early",
    "hessian_free",
    "minimise",
    "new_record",
    "start",
    "start_hessian_free",
]
