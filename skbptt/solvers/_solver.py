"""What a solver is, and solvers that run one after the other."""

from abc import ABC, abstractmethod

from ._ending import Ending


class Solver(ABC):
    """A way to minimise a function of a flat vector.

    A solver says what it can do and which parameters it reads. It holds nothing that
    belongs to a run.

    Attributes
    ----------
    parameters : tuple of str
        Names of the parameters of an estimator that it reads.
    by_batches : bool, default=False
        Whether it takes values and gradients from some of the items at a time.
    takes_estimates : bool, default=False
        Whether it can use gradients that are estimates, as with dropout or truncation, and
        can run a single epoch at a time.
    n_phases : int, default=1
        Number of phases, each of which has ``max_iter`` iterations.
    """

    parameters: tuple[str, ...] = ()
    by_batches = False
    takes_estimates = False
    n_phases = 1

    def start(self, theta):
        """What the solver adds to the state of a training that begins at ``theta``."""
        return {}

    @abstractmethod
    def run(self, theta, objective, monitor, state, options):
        """Minimise ``objective``.

        Parameters
        ----------
        theta : ndarray
            Starting point. It is not changed.
        objective : object
            A mean over ``objective.n`` items. Its methods are ``value(theta, indices)``,
            ``value_and_gradient(theta, indices=None, rng=None)``, where ``rng`` draws
            noise, and ``curvature(theta, indices=None)``, whose methods ``hessian(v)`` and
            ``gauss_newton(v, structural)`` give products. ``indices`` are those of some
            items, or None for all.
        monitor : Monitor
            Called after each iteration.
        state : dict
            "rng", and what :meth:`start` gave or an earlier run left. Updated in place.
        options : dict
            Values of the :attr:`parameters`, and "one_epoch": whether to run only the next
            epoch.

        Returns
        -------
        outcome : Outcome
        """


class InTurn(Solver):
    """Solvers that run one after the other, each from where the last one ended.

    Parameters
    ----------
    *solvers : Solver
        Only the first may add to the state.
    """

    by_batches = True

    def __init__(self, *solvers):
        self.solvers = solvers
        self.parameters = tuple({p: None for s in solvers for p in s.parameters})
        self.n_phases = sum(solver.n_phases for solver in solvers)

    def start(self, theta):
        return self.solvers[0].start(theta)

    def run(self, theta, objective, monitor, state, options):
        for solver in self.solvers:
            outcome = solver.run(theta, objective, monitor, state, options)
            if outcome.ending not in (Ending.FINISHED, Ending.UNFINISHED):
                break
            theta = outcome.theta
        return outcome
