"""Copy memory of ten of eight symbols over 100 steps, by an LSTM that begins with memory.

    python benchmarks/copy_memory.py [--seeds 5] [--epochs 30]

The biases of forget and input gates are drawn as Tallec & Ollivier (2018) propose, so that
the units forget after 1 to 100 steps; else the parameters are the defaults. Solved if more
than 99 % of the symbols of 1000 new sequences are right; who guesses has one of eight.
"""

import argparse
import time

import numpy as np

from skbptt import RNNClassifier
from skbptt.cells import LSTMCell
from skbptt.datasets import make_copy_memory

N_STEPS, N_HIDDEN = 100, 128
TASK = {"n_steps": N_STEPS, "n_symbols": 8, "n_memorized": 10}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=30)
    options = parser.parse_args()
    print("seed  symbols right  sequences seen  seconds")
    for seed in range(options.seeds):
        X, y = make_copy_memory(20_000, **TASK, random_state=seed)
        X_new, y_new = make_copy_memory(1000, **TASK, random_state=1000 + seed)
        times = np.random.RandomState(seed).uniform(1, N_STEPS - 1, N_HIDDEN)
        cell = LSTMCell()
        cell.initial_bias = {"f": np.log(times), "i": -np.log(times)}
        model = RNNClassifier(
            N_HIDDEN,
            cell=cell,
            return_sequences=True,
            max_iter=options.epochs,
            alpha=0,
            random_state=seed,
        )
        start = time.process_time()
        model.fit(X.astype(np.float32), y)
        seconds = time.process_time() - start
        right = model.predict(X_new.astype(np.float32))[:, -10:] == y_new[:, -10:]
        print(f"{seed:4d} {right.mean():14.4f} {model.t_:15d} {seconds:8.0f}", flush=True)


if __name__ == "__main__":
    main()
