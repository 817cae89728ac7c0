"""Solvers: they minimise callables over a flat vector and know nothing of networks.

To add one, define a :class:`Solver` in a new module, and add it to ``SOLVERS``.
"""

from ._ending import Ending, Outcome
from ._hessian_free import HessianFree
from ._monitor import NOTHING_YET, Monitor, copied, new_record
from ._rules import SGD, Adam
from ._schedule import SCHEDULES, Schedule
from ._scipy import METHODS, Search
from ._solver import InTurn, Solver
from ._stochastic import Descent

SOLVERS: dict[str, Solver] = {
    "adam": Descent(Adam),
    "sgd": Descent(SGD),
    **{name: Search(name) for name in METHODS},
    "hessian-free": HessianFree(),
    "adam+lbfgs": InTurn(Descent(Adam), Search("lbfgs")),
}


def names_with(trait):
    """Names of the solvers that have a trait: "by_batches" or "takes_estimates"."""
    return tuple(name for name, solver in SOLVERS.items() if getattr(solver, trait))


__all__ = [
    "METHODS",
    "NOTHING_YET",
    "SCHEDULES",
    "SGD",
    "SOLVERS",
    "Adam",
    "Descent",
    "Ending",
    "HessianFree",
    "InTurn",
    "Monitor",
    "Outcome",
    "Schedule",
    "Search",
    "Solver",
    "copied",
    "names_with",
    "new_record",
]
