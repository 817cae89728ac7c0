"""A step of an exported network in C: its time, its constants and its error.

    python benchmarks/to_c.py [--cells rnn gru lstm] [--hidden 16] [--features 3]
                              [--steps 1000000] [--compiler gcc]

The network is that of a classifier with two classes and step targets. Each time is that of
the processor, the least of five runs. The constants are all weights, in floats of 32 bits.
The error is the largest distance of a probability from ``predict_proba`` in 64 bits.
"""

import argparse
import subprocess
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

from skbptt import RNNClassifier
from skbptt.convert import to_c

MAIN = """
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "net.h"
int main(int argc, char **argv)
{
    const long n = atol(argv[1]);
    static float x[1024 * NET_N_FEATURES], y[1024 * NET_N_OUTPUTS];
    double best = 1e9;
    int run;
    if (fread(x, sizeof x, 1, stdin) != 1 || argc != 2)
        return 1;
    for (run = 0; run < 5; run++) {
        net_state state;
        struct timespec start, end;
        double seconds;
        long t;
        net_init(&state);
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
        for (t = 0; t < n; t++)
            net_step(&state, x + t % 1024 * NET_N_FEATURES, y + t % 1024 * NET_N_OUTPUTS);
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
        seconds = (double)(end.tv_sec - start.tv_sec);
        seconds += 1e-9 * (double)(end.tv_nsec - start.tv_nsec);
        best = seconds < best ? seconds : best;
    }
    fprintf(stderr, "%.1f", 1e9 * best / (double)n);
    net_predict(x, 1024, y);
    fwrite(y, sizeof y, 1, stdout);
    return 0;
}
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", nargs="+", default=["rnn", "gru", "lstm"])
    parser.add_argument("--hidden", type=int, default=16)
    parser.add_argument("--features", type=int, default=3)
    parser.add_argument("--steps", type=int, default=1_000_000)
    parser.add_argument("--compiler", default="gcc")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    compiler = subprocess.run(
        [options.compiler, "--version"], capture_output=True, text=True, check=True
    )
    print(f"{time.strftime('%Y-%m-%d')}, {compiler.stdout.splitlines()[0]}")
    print("cell  flags  ns a step  bytes of constants  error")
    rng = np.random.default_rng(0)
    x = rng.standard_normal((1024, options.features)).astype(np.float32)
    X = rng.standard_normal((64, 20, options.features))
    for cell in options.cells:
        model = RNNClassifier(
            options.hidden, cell=cell, return_sequences=True, max_iter=5, random_state=0
        ).fit(X, X[:, :, 0] > 0)
        expected = model.predict_proba(x[np.newaxis].astype(np.float64))[0]
        size = 4 * sum(weights.size for weights in model.weights_.values())
        for flags in ("-O2", "-O3", "-O3 -march=native"):
            with tempfile.TemporaryDirectory() as folder:
                for name, text in (to_c(model, "net") | {"main.c": MAIN}).items():
                    (Path(folder) / name).write_text(text)
                command = [options.compiler, *flags.split(), "net.c", "main.c", "-lm"]
                subprocess.run([*command, "-o", "net"], cwd=folder, check=True)
                done = subprocess.run(
                    [f"{folder}/net", str(options.steps)],
                    input=x.tobytes(),
                    capture_output=True,
                    check=True,
                )
            found = np.frombuffer(done.stdout, np.float32).reshape(expected.shape)
            error = np.abs(found - expected).max()
            nanoseconds = done.stderr.decode()
            print(f"{cell:4s}  {flags:18s}  {nanoseconds:>8s}  {size:6d}  {error:.1e}")


if __name__ == "__main__":
    main()
