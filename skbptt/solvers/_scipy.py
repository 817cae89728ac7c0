"""Full-batch descent by scipy.optimize.minimize."""

import numpy as np
from scipy import optimize
from scipy.linalg import norm

from ._ending import Ending, Outcome, diverged, interrupted
from ._solver import Solver

METHODS = {
    "lbfgs": "L-BFGS-B",
    "cg": "CG",
    "newton-cg": "Newton-CG",
    "trust-ncg": "trust-ncg",
    "trust-krylov": "trust-krylov",
}
SECOND_ORDER = ("newton-cg", "trust-ncg", "trust-krylov")

# The gradient decides, not how little the value still falls or the steps are.
LEAST = 64 * np.finfo(float).eps


class Search(Solver):
    """A search by a method of scipy. It ends where no entry of the gradient exceeds tol.

    Parameters
    ----------
    name : a key of METHODS
    """

    parameters = ("max_iter", "max_fun", "tol")

    def __init__(self, name):
        self.name = name
        self.second_order = name in SECOND_ORDER

    def run(self, theta, objective, monitor, state, options):
        """Minimise, see :meth:`Solver.run`.

        The "result" in ``state`` becomes the report of scipy, in plain numbers.
        """
        function = Evaluations(objective, theta.dtype, self.second_order)
        watch = Watch(function, monitor, self.second_order, options)
        start = theta.astype(np.float64)
        try:
            value, gradient = function(start)
            if not (np.isfinite(value) and np.isfinite(gradient).all()):
                return diverged(monitor.weights(), "Raise alpha")
            result = optimize.minimize(
                function,
                start,
                jac=True,
                hessp=function.product if self.second_order else None,
                method=METHODS[self.name],
                callback=watch,
                options=self._options(options, function.slope(start)),
            )
        except KeyboardInterrupt:
            return interrupted(monitor.weights(best=True))
        if not np.isfinite(result.fun):
            return diverged(monitor.weights(), "Raise alpha")
        if result.nit == 0:
            monitor(theta, result.fun, norm(gradient))
            watch.stopped = "tol" if function.slope(start) <= options["tol"] else None
        return self._outcome(result, function, watch, state)

    def _options(self, options, slope):
        """Options of scipy, given the largest entry of the gradient at the start."""
        max_iter = 0 if slope <= options["tol"] else options["max_iter"]
        if self.name == "newton-cg":
            return {"maxiter": max_iter, "xtol": LEAST}
        given = {"maxiter": max_iter, "gtol": options["tol"]}
        if self.name == "lbfgs":
            given |= {"maxfun": options["max_fun"], "ftol": LEAST}
        return given

    def _outcome(self, result, function, watch, state):
        """What the search came to."""
        stopped, weights = watch.stopped, watch.monitor.weights()
        converged = stopped in ("patience", "tol") or (not stopped and bool(result.success))
        state["result"] = {
            "success": converged,
            "message": stopped or str(result.message),
            "nit": int(result.nit),
            "nfev": function.n_evaluations,
            "nhev": function.n_products,
            "fun": float(result.fun),
            "max_gradient": float(function.slope(result.x)),
        }
        if converged:
            return Outcome(weights, watch.monitor.ending)
        max_fun = watch.max_fun
        reason = f"max_fun={max_fun} reached" if stopped == "max_fun" else result.message
        message = f"solver={self.name!r} has not converged: {reason.rstrip('.')}."
        return Outcome(weights, Ending.UNFINISHED, message)


class Evaluations:
    """An objective in double precision, which remembers and counts its evaluations.

    The line searches of scipy are not made for less than double precision.

    Parameters
    ----------
    objective : object
        See :meth:`Solver.run`.
    dtype : dtype
        The precision in which to evaluate it.
    second_order : bool
        Whether the method uses products with the Hessian.
    """

    def __init__(self, objective, dtype, second_order):
        self.objective, self.dtype, self.second_order = objective, dtype, second_order
        self.n_evaluations = self.n_products = 0
        self._seen = []  # from the last iterate on
        self._curvature = None  # at the place of the last product, which comes first

    def __call__(self, x):
        """Value and gradient."""
        for at, *found in reversed(self._seen):
            if np.array_equal(at, x):
                return found
        self.n_evaluations += 1
        value, gradient = self.objective.value_and_gradient(x.astype(self.dtype))
        if self.second_order and np.isnan(value):
            value = np.inf  # from which a trust region shrinks
        found = float(value), gradient.astype(np.float64)
        self._seen.append((x.copy(), *found))
        return found

    def slope(self, x):
        """The largest entry of the gradient."""
        return np.abs(self(x)[1]).max()

    def settle(self, x, value):
        """Forget all but the iterate x. Returns the gradient there."""
        gradient = self(x)[1]
        self._seen = [(x.copy(), value, gradient)]
        return gradient

    def product(self, x, v):
        """Product of the Hessian at x with v."""
        self.n_products += 1
        if self._curvature is None or not np.array_equal(self._curvature[0], x):
            self._curvature = x.copy(), self.objective.curvature(x.astype(self.dtype))
        return self._curvature[1].hessian(v.astype(self.dtype)).astype(np.float64)


class Watch:
    """The callback of a search.

    Attributes
    ----------
    stopped : {"patience", "tol", "max_fun"} or None
        What ended the search, unless scipy did.
    """

    def __init__(self, function, monitor, second_order, options):
        self.function, self.monitor, self.second_order = function, monitor, second_order
        self.tol, self.max_fun = options["tol"], options["max_fun"]
        self.stopped = None

    def __call__(self, intermediate_result):
        function = self.function
        x, value = intermediate_result.x, intermediate_result.fun
        gradient = function.settle(x, value)
        if self.monitor(x.astype(function.dtype), value, norm(gradient)):
            self.stopped = "patience"
        elif self.second_order and function.slope(x) <= self.tol:
            self.stopped = "tol"
        elif function.n_evaluations >= self.max_fun:
            self.stopped = "max_fun"
        if self.stopped:
            raise StopIteration
