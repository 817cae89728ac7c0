"""Small regressions to high precision: do products with the Hessian pay?

    python benchmarks/newton.py [--seeds 3] [--solver NAME ...] [--max-iter 20000]

The tank and the pendulum of small_data.py, 200 series of 20 steps, eight Elman units, in
double precision. For each solver the evaluations and products until the norm of the whole
gradient is 1e-5, and what they cost in gradients, by the processor time of both in the same
run. Medians over the seeds, each another start; of those that did not get there, all that
they used.
"""

import argparse
import time
import warnings
from unittest import mock

import numpy as np
from listener import Listener
from small_data import identification, pendulum, tank

from skbptt import RNNRegressor
from skbptt.network import Curvature
from skbptt.training._objective import Objective

SOLVERS = ["lbfgs", "cg", "newton-cg", "trust-ncg", "trust-krylov", "hessian-free"]
GOAL = 1e-5


class Count(Listener):
    """Counts and clocks what a solver asks for, until it reaches the goal."""

    def __init__(self):
        self.calls = {"gradient": 0, "value": 0, "product": 0}
        self.seconds = dict.fromkeys(self.calls, 0.0)
        self.norm = np.inf

    def clocked(self, name, method):
        def call(*args, **kwargs):
            start = time.process_time()
            found = method(*args, **kwargs)
            if self.norm > GOAL:
                self.seconds[name] += time.process_time() - start
                self.calls[name] += 1
                if name == "gradient":
                    self.norm = min(self.norm, np.linalg.norm(found[1]))
            return found

        return call

    def watching(self):
        """Classes whose methods are watched, as a context."""
        return mock.patch.multiple(
            Objective,
            value_and_gradient=self.clocked("gradient", Objective.value_and_gradient),
            value=self.clocked("value", Objective.value),
        ), mock.patch.multiple(
            Curvature,
            hessian=self.clocked("product", Curvature.hessian),
            gauss_newton=self.clocked("product", Curvature.gauss_newton),
        )

    def on_fit_task_end(self, estimator, context):
        return self.norm <= GOAL

    @property
    def in_gradients(self):
        a_gradient = self.seconds["gradient"] / self.calls["gradient"]
        return sum(self.seconds.values()) / a_gradient


def run(X, y, solver, seed, max_iter):
    count = Count()
    model = RNNRegressor(
        8,
        cell="rnn",
        return_sequences=True,
        solver=solver,
        max_iter=max_iter,
        max_fun=10 * max_iter,
        tol=GOAL / 100,
        random_state=seed,
    )
    objective, curvature = count.watching()
    with warnings.catch_warnings(), objective, curvature:
        warnings.simplefilter("ignore")
        model.set_callbacks(count).fit(X, y)
    return count


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--solver", nargs="+", choices=SOLVERS, default=SOLVERS)
    parser.add_argument("--max-iter", type=int, default=20_000)
    options = parser.parse_args()
    print("problem   solver       reached  gradients  values  products  in gradients")
    for system in (tank, pendulum):
        X, y = identification(system, 0, 200, 20)
        for solver in options.solver:
            counts = [
                run(X, y, solver, seed, options.max_iter) for seed in range(options.seeds)
            ]
            reached = [count for count in counts if count.norm <= GOAL]
            calls = [[*count.calls.values(), count.in_gradients] for count in counts]
            gradients, values, products, cost = np.median(calls, axis=0)
            print(
                f"{system.__name__:9s} {solver:12s} {len(reached)} of {len(counts)}"
                f" {gradients:11.0f} {values:7.0f} {products:9.0f} {cost:13.0f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
