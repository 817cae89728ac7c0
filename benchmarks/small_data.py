"""Small data, where a user would pick L-BFGS: what each solver comes to, and how fast.

    python benchmarks/small_data.py [--data DIR] [--seeds 3] [--solver NAME ...]
                                    [--seconds 60]

Nonlinear system identification: a tank with a nonlinear outflow, and a damped pendulum with
a motor, both simulated; the net reads an input of 50 steps, and follows the output at each.
Its R^2 on other inputs. And small sets of DIR, as in accuracy.py, by accuracy or, for
Covid3Month, R^2.

Every solver gets the same start, objective (alpha=0.01, readout "last") and time limit;
the loss is that of the training data at the end, penalty included. Medians over the seeds.
"""

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
from accuracy import load
from listener import Listener

from skbptt import RNNClassifier, RNNRegressor
from skbptt.inspection import loss_gradient
from skbptt.solvers import ALL

SETS = ["ItalyPowerDemand", "BasicMotions", "RacketSports", "Covid3Month"]


def tank(inputs):
    """Level of a tank whose outflow goes with the root of the level."""
    level, levels = np.full(len(inputs), 0.5), []
    for u in inputs.T:
        level = np.maximum(level + 0.2 * (0.5 + 0.4 * u) - 0.2 * np.sqrt(level), 0.0)
        levels.append(level)
    return np.array(levels).T


def pendulum(inputs):
    """Angle of a damped pendulum that a motor turns."""
    angle, speed, angles = np.zeros(len(inputs)), np.zeros(len(inputs)), []
    for u in inputs.T:
        speed = speed + 0.2 * (2 * u - 2 * np.sin(angle) - 0.4 * speed)
        angle = angle + 0.2 * speed
        angles.append(angle)
    return np.array(angles).T


def identification(system, seed, n, n_steps=50):
    """Inputs that are held for five steps, and what the system does with them."""
    rng = np.random.RandomState(seed)
    inputs = np.repeat(rng.uniform(-1, 1, (n, n_steps // 5)), 5, axis=1)
    y = system(inputs)
    return inputs[..., np.newaxis], (y - y.mean()) / y.std()


def problems(data):
    for system in (tank, pendulum):
        model = RNNRegressor(8, cell="rnn", return_sequences=True)
        yield (
            system.__name__,
            model,
            (
                *identification(system, 0, 100),
                *identification(system, 1, 200),
            ),
        )
    for name in SETS if data else ():
        X, y, X_test, y_test = load(Path(data) / f"{name}.npz")
        cls = RNNRegressor if y.dtype.kind == "f" else RNNClassifier
        yield name, cls(16, readout="last"), (X, y, X_test, y_test)


class Deadline(Listener):
    """Ends training after so many seconds of processor time."""

    def __init__(self, seconds):
        self.end = time.process_time() + seconds

    def on_fit_task_end(self, estimator, context):
        return time.process_time() > self.end


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--solver", nargs="+", choices=ALL, default=list(ALL))
    parser.add_argument("--seconds", type=float, default=60)
    options = parser.parse_args()
    print("problem           solver        loss       largest slope  score    seconds")
    for name, model, (X, y, X_test, y_test) in problems(options.data):
        for solver in options.solver:
            found = []
            for seed in range(options.seeds):
                # Stochastic solvers end with their cycle; the others by the gradient.
                max_iter = 300 if solver in ("adam", "sgd", "adam+lbfgs") else 5000
                model.set_params(
                    solver=solver, max_iter=max_iter, tol=1e-5, random_state=seed
                )
                model.set_callbacks(Deadline(options.seconds))
                start = time.process_time()
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    model.fit(X, y)
                seconds = time.process_time() - start
                loss, gradient = loss_gradient(model, X, y)
                slope = max(np.abs(g).max() for g in gradient.values())
                found.append((loss, slope, model.score(X_test, y_test), seconds))
            loss, slope, score, seconds = np.median(found, axis=0)
            print(
                f"{name:17s} {solver:12s} {loss:10.6f} {slope:14.1e} {score:8.4f}"
                f" {seconds:9.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
