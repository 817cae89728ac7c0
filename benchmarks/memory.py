"""Peak memory of a fit compared with a bare PyTorch loop, of long sequences, and of an
import.

    python benchmarks/memory.py [long]

"long" measures long sequences alone.

Each figure comes from a process of its own, which imports its library before the clock or
the count starts. A fit's memory is what the peak rises by over the state before the fit,
the data included.
"""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from peers import describe_machine

FIT = """
import resource, sys, warnings
import numpy as np, torch
sys.path.insert(0, {folder!r})
from fit import bare_loop, ours
warnings.simplefilter("ignore")
torch.set_num_threads(1)
who, cell, n, steps, n_in, hidden = {case!r}
def run(n, steps):
    X = np.random.default_rng(0).standard_normal((n, steps, n_in), np.float32)
    y = X[:, -1, 0].copy()
    if who == "skbptt":
        ours(cell, hidden, 1).fit(X, y)
    else:
        bare_loop(cell, hidden, 1, X, y)()
run(32, 2)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
run(n, steps)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""
LONG = """
import resource, time, warnings
import numpy as np
from skbptt import RNNRegressor
from skbptt.inspection import loss_gradient
warnings.simplefilter("ignore")
cell, options, steps = {case!r}
def fitted(steps):
    X = np.random.default_rng(0).standard_normal((1, steps, 1))
    y = X[:, :, 0] if "return_sequences" in options else X[:, -1, 0]
    model = RNNRegressor(64, cell=cell, max_iter=1, random_state=0).set_params(**options)
    return model.fit(X, y), X, y
def seconds_per_step(model, X, y, repeats=1):
    start = time.perf_counter()
    for _ in range(repeats):
        loss_gradient(model, X, y)
    return (time.perf_counter() - start) / repeats / X.shape[1]
short = fitted(1000)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
long = fitted(steps)
taken = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
ratios = [
    seconds_per_step(*long) / seconds_per_step(*short, steps // 1000) for _ in range(3)
]
print(taken - long[1].nbytes / 2**20, sorted(ratios)[1])
"""
OPTIONS = [
    {},
    {"bidirectional": True},
    {"return_sequences": True},
    {"hidden_layer_sizes": (64, 64)},
    {"truncation": 100},
]
CASES = [(1000, 100, 1, 32), (1000, 100, 10, 128), (10_000, 100, 8, 32)]
IMPORT = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"


def output_of(code):
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return [*map(float, shown.stdout.split())]


def median_of_imports(name, turns=9):
    return sorted(output_of(IMPORT.format(name))[0] for _ in range(turns))[turns // 2]


def long_sequences(steps=100_000):
    """One sequence, 64 units, float64: memory above the data, and the time of a step."""
    print(f"cell   {'options':36s} MB above the data  time a step / that of 1000 steps")
    for cell in ("gru", "lem", "lstm"):
        for options in OPTIONS if cell == "gru" else OPTIONS[:1]:
            taken, ratio = output_of(LONG.format(case=(cell, options, steps)))
            print(f"{cell:6s} {options!s:36s} {taken:17.1f}  {ratio:10.2f}", flush=True)


def main():
    describe_machine(1)
    folder = str(Path(__file__).parent)
    print("cell   sequences  steps   in   hidden   skbptt MB  PyTorch MB")
    for cell in ("rnn", "gru", "lstm"):
        for n, steps, n_in, hidden in CASES:
            own, peer = (
                output_of(
                    FIT.format(folder=folder, case=(who, cell, n, steps, n_in, hidden))
                )[0]
                for who in ("skbptt", "PyTorch")
            )
            print(
                f"{cell:5s} {n:10d} {steps:6d} {n_in:4d} {hidden:8d} "
                f"{own:11.1f} {peer:11.1f}",
                flush=True,
            )
    long_sequences()
    of_sklearn = median_of_imports("sklearn.neural_network")
    own = median_of_imports("skbptt")
    print(f"import sklearn.neural_network {of_sklearn:.3f} s, import skbptt {own:.3f} s")
    with TemporaryDirectory() as target:
        root = Path(__file__).parents[1]
        command = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "-q",
            "--no-deps",
            "--no-compile",
        ]
        subprocess.run([*command, "--target", target, root], check=True)
        sizes = [path.stat().st_size for path in Path(target).rglob("*") if path.is_file()]
        print(f"installed size {sum(sizes) / 1e6:.2f} MB")


if __name__ == "__main__":
    if sys.argv[1:] == ["long"]:
        long_sequences()
    else:
        main()
