"""The adding problem: which cells solve it, on how many of five seeds.

    python benchmarks/adding.py [--seeds 5]

Solved is a mean squared error below 0.01 on 1000 new sequences; always to predict the mean
has 1/6. All parameters are the defaults, but for the cell, the epochs, and the Elman net's
learning rate.
"""

import argparse
import time

import numpy as np

from skbptt import RNNRegressor
from skbptt.datasets import make_adding_problem

CASES = {
    "lstm": {"n_steps": 100, "max_iter": 30},
    "gru": {"n_steps": 100, "max_iter": 30},
    "rnn": {"n_steps": 30, "max_iter": 30, "learning_rate_init": 0.003},
}
N_SEQUENCES = 5000


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    print(
        "cell   T   solved   errors of the seeds            sequences seen   seconds a fit"
    )
    for cell, parameters in CASES.items():
        parameters = dict(parameters)
        n_steps = parameters.pop("n_steps")
        start, errors = time.perf_counter(), []
        for seed in range(options.seeds):
            X, y = make_adding_problem(N_SEQUENCES, n_steps, random_state=seed)
            X_new, y_new = make_adding_problem(1000, n_steps, random_state=1000 + seed)
            model = RNNRegressor(cell=cell, random_state=seed, **parameters).fit(X, y)
            errors.append(np.mean((model.predict(X_new) - y_new) ** 2))
        seconds = (time.perf_counter() - start) / options.seeds
        solved = sum(error < 0.01 for error in errors)
        shown = " ".join(f"{error:.5f}" for error in errors)
        print(
            f"{cell:4s} {n_steps:4d}   {solved} of {options.seeds}   {shown}"
            f" {model.t_:12d} {seconds:12.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
