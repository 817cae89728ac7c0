"""The adding problem: which cells solve it, on how many of five seeds.

    python benchmarks/adding.py [--seeds 5]

Solved is a mean squared error below 0.01 on 1000 new sequences; always to predict the mean
has 1/6. Beside it the share of errors above 0.04 of all seeds. All parameters are the
defaults, but for the cell, the epochs, the batch and the Elman net's learning rate.
"""

import argparse
import time

import numpy as np

from skbptt import RNNRegressor
from skbptt.datasets import make_adding_problem

# Cell, steps, training sequences, parameters.
CASES = [
    ("lstm", 100, 5000, {"max_iter": 30}),
    ("gru", 100, 5000, {"max_iter": 30}),
    ("rnn", 30, 5000, {"max_iter": 30, "learning_rate_init": 0.003}),
    ("gru", 100, 14_000, {"max_iter": 5, "batch_size": 16}),
    ("gru", 200, 5000, {"max_iter": 10}),
]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    print(
        "cell   T   solved   errors of the seeds                      above 0.04"
        "   sequences seen   seconds a fit"
    )
    for cell, n_steps, n, parameters in CASES:
        start, errors = time.perf_counter(), []
        for seed in range(options.seeds):
            X, y = make_adding_problem(n, n_steps, random_state=seed)
            X_new, y_new = make_adding_problem(1000, n_steps, random_state=1000 + seed)
            model = RNNRegressor(cell=cell, random_state=seed, **parameters).fit(X, y)
            errors.append(model.predict(X_new) - y_new)
        seconds = (time.perf_counter() - start) / options.seeds
        squared = np.mean(np.square(errors), axis=1)
        above = np.mean(np.abs(errors) > 0.04)
        shown = " ".join(f"{error:.5f}" for error in squared)
        print(
            f"{cell:4s} {n_steps:4d}   {sum(squared < 0.01)} of {options.seeds}   {shown}"
            f" {above:8.4f} {model.t_:12d} {seconds:12.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
