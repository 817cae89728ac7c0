"""Peak memory of a fit beside a bare PyTorch loop, and what an import takes.

    python benchmarks/memory.py

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
CASES = [(1000, 100, 1, 32), (1000, 100, 10, 128), (10_000, 100, 8, 32)]
IMPORT = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"


def output_of(code):
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return float(shown.stdout)


def median_of_imports(name, turns=9):
    return sorted(output_of(IMPORT.format(name)) for _ in range(turns))[turns // 2]


def main():
    describe_machine(1)
    folder = str(Path(__file__).parent)
    print("cell   sequences  steps   in   hidden   skbptt MB  PyTorch MB")
    for cell in ("rnn", "gru", "lstm"):
        for n, steps, n_in, hidden in CASES:
            own, peer = (
                output_of(
                    FIT.format(folder=folder, case=(who, cell, n, steps, n_in, hidden))
                )
                for who in ("skbptt", "PyTorch")
            )
            print(
                f"{cell:5s} {n:10d} {steps:6d} {n_in:4d} {hidden:8d} "
                f"{own:11.1f} {peer:11.1f}",
                flush=True,
            )
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
    main()
