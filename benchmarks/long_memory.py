"""Tasks that need a long memory: which cell and solver learn them, on how many seeds.

    python benchmarks/long_memory.py [--task NAME ...] [--steps T ...] [--cell NAME ...]
                                     [--solver NAME ...] [--seeds 5] [--seconds 60]
                                     [--give-up N]

Tasks, and when they count as solved on 1000 new sequences:

- adding: two marked numbers of a series are added; mean squared error below 0.01 (always to
  predict the mean has 0.167).
- order2, order3: the order of two (three) symbols; more than 99 % of the classes right.
- copy2, copy8: five of two symbols, or ten of eight, are repeated after T steps; more than
  99 % of the symbols right. Martens & Sutskever's noiseless memorisation is the first: it
  has but 32 sequences, all of which are seen in training, and an epoch is one batch.

A net is trained until it solves the task, or for so many seconds of processor time; it is
looked at after each iteration. New data come as long as the 10,000 (copy8: 20,000) training
sequences last, then these again. If none of the first N seeds of a row is solved, no more
are tried. All parameters are the defaults but those below; the readout is "last", since one
that pools over time would spare the net the remembering.
"""

import argparse
import time
import warnings

import numpy as np
from listener import Listener

from skbptt import RNNClassifier, RNNRegressor
from skbptt.datasets import make_adding_problem, make_copy_memory, make_temporal_order

TASKS = {
    "adding": (make_adding_problem, {}),
    "order2": (make_temporal_order, {"n_symbols": 2}),
    "order3": (make_temporal_order, {"n_symbols": 3}),
    "copy2": (make_copy_memory, {"n_symbols": 2, "n_memorized": 5}),
    "copy8": (make_copy_memory, {"n_symbols": 8, "n_memorized": 10}),
}
CELLS = ("rnn", "gru", "lstm")
N_TRAIN = 10_000


def model_of(task, cell, solver, seed, max_iter):
    """The net that is to learn the task."""
    parameters = {
        "hidden_layer_sizes": 64,
        "cell": cell,
        "readout": "last",
        "solver": solver,
        "max_iter": max_iter,
        "alpha": 0.0,
        "tol": 0.0,
        "random_state": seed,
    }
    if solver == "adam":
        # A constant rate, since nobody knows beforehand when it is solved.
        parameters |= {"learning_rate": "constant", "n_iter_no_change": np.inf}
        parameters |= {"learning_rate_init": 0.001 if cell == "rnn" else 0.005}
    if task == "adding":
        return RNNRegressor(**parameters)
    return RNNClassifier(**parameters, return_sequences=task.startswith("copy"))


class Watch(Listener):
    """Looks at the net after each iteration, and ends training when it is solved."""

    def __init__(self, task, X, y, seconds):
        self.task, self.X, self.y, self.seconds = task, X, y, seconds
        self.start, self.looking = time.process_time(), 0.0

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        if context.task_name != "iteration" or fitted_estimator is None:
            return False
        begin = time.process_time()
        self.score = score_of(self.task, fitted_estimator, self.X, self.y)
        self.seen, self.n_iter = fitted_estimator.t_, fitted_estimator.n_iter_
        now = time.process_time()
        self.looking += now - begin
        self.taken = now - self.start - self.looking
        self.solved = self.score < 0.01
        return self.solved or self.taken > self.seconds


def score_of(task, model, X, y):
    """What is wrong: mean squared error, or share of classes or symbols."""
    prediction = model.predict(X)
    if task == "adding":
        return np.mean((prediction - y) ** 2)
    if task.startswith("copy"):
        n = 5 if task == "copy2" else 10
        return np.mean(prediction[:, -n:] != y[:, -n:])
    return np.mean(prediction != y)


def run(task, n_steps, cell, solver, seed, seconds):
    make, options = TASKS[task]
    n = N_TRAIN * (2 if task == "copy8" else 1)
    X, y = make(n, n_steps, random_state=seed, **options)
    n_new = 100 if task == "copy2" else 1000
    X_new, y_new = make(n_new, n_steps, random_state=1000 + seed, **options)
    X, X_new = X.astype(np.float32), X_new.astype(np.float32)
    watch = Watch(task, X_new, y_new, seconds)
    model = model_of(task, cell, solver, seed, max_iter=1_000_000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.set_callbacks(watch).fit(X, y)
    return watch


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--steps", nargs="+", type=int, default=[30, 60, 100, 200])
    parser.add_argument("--cell", nargs="+", choices=CELLS, default=CELLS)
    parser.add_argument("--solver", nargs="+", default=["adam", "hessian-free"])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--give-up", type=int, default=np.inf)
    options = parser.parse_args()
    print(
        "task     T cell solver        solved  sequences (median)  seconds  wrong, by seed"
    )
    for task in options.task:
        for n_steps in options.steps:
            for cell in options.cell:
                for solver in options.solver:
                    watches, solved = [], []
                    for seed in range(options.seeds):
                        watches.append(
                            run(task, n_steps, cell, solver, seed, options.seconds)
                        )
                        solved = [watch for watch in watches if watch.solved]
                        if len(watches) >= options.give_up and not solved:
                            break
                    seen = np.median([w.seen for w in solved]) if solved else np.nan
                    taken = np.median([w.taken for w in solved]) if solved else np.nan
                    print(
                        f"{task:7s} {n_steps:3d} {cell:4s} {solver:12s}"
                        f" {len(solved):3d} of {len(watches)} {seen:12.0f} {taken:8.1f}  "
                        + " ".join(f"{watch.score:.4f}" for watch in watches),
                        flush=True,
                    )


if __name__ == "__main__":
    main()
