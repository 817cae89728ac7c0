"""A training step (forward, backward, clip, Adam) compared with PyTorch's.

    python benchmarks/step.py [--threads 1] [--cells rnn gru lstm]
                              [--dtypes float32 float64] [--seconds 2]

Both run in turn in this process; times are medians. "share" is the speed of the products
that BPTT needs, over the whole step, as a part of the speed of a large matrix product in
NumPy, measured in the same turns. PyTorch's Adam is its fused one. Ragged sequences run
in PyTorch packed and padded, whichever is faster; its step starts from ready tensors,
skbptt's from the stacked data.
"""

import numpy as np
import torch
from peers import (
    GATES,
    Twin,
    alternate,
    describe_machine,
    geometric_mean,
    parse,
    product,
    torch_step,
)
from scipy.linalg import norm
from threadpoolctl import threadpool_limits

from skbptt.data._data import Data
from skbptt.data._sequences import Sequences
from skbptt.estimators._parameters import CELLS
from skbptt.losses._pointwise import SquaredError
from skbptt.network import Stack
from skbptt.solvers import Adam
from skbptt.training._objective import Objective
from skbptt.training._threads import parallel_map

# Batch, steps, features, hidden units; for ragged sequences the shortest and longest.
SHAPES = [
    (32, 100, 1, 16),
    (32, 100, 1, 32),
    (64, 100, 10, 64),
    (128, 100, 10, 128),
    (192, 50, 8, 16),
    (128, 300, 6, 256),
    (1024, 100, 8, 32),
    (16, 1000, 3, 32),
    (64, (10, 200), 12, 64),
]


def our_step(cell, sequences, y, n_hidden, map_parts):
    dtype = sequences.steps.dtype
    n = len(sequences)
    network = Stack(CELLS[cell](), sequences.steps.shape[1], (n_hidden,), 1, False, "last")
    data = Data(sequences, y[:, np.newaxis], np.ones(n, dtype), False)
    objective = Objective(network, SquaredError(), data, map_parts=map_parts)
    theta = network.initialise(np.random.RandomState(0), dtype)
    rule = Adam(0.9, 0.999, 1e-8)
    state = rule.start(theta)
    indices = np.arange(n)

    def step():
        _, gradient = objective.value_and_gradient(theta, indices)
        size = norm(gradient, check_finite=False)
        if size > 1:
            gradient *= 1 / size
        rule.step(theta, gradient, 1e-3, state)

    return step


def torch_steps(cell, sequences, y, n_hidden):
    """PyTorch's steps: one, or packed and padded."""
    dtype = sequences.steps.dtype
    lengths = torch.tensor(sequences.lengths)
    ragged = len(set(sequences.lengths)) > 1
    x = torch.nn.utils.rnn.pad_sequence(
        [torch.tensor(x) for x in sequences.split(sequences.steps)], batch_first=True
    )
    ways = [{"lengths": lengths, "packed": packed} for packed in (True, False)]
    steps = []
    for how in ways if ragged else [{}]:
        module = Twin(cell, x.shape[2], n_hidden, dtype)
        adam = torch.optim.Adam(module.parameters(), lr=1e-3, fused=True)
        steps.append(
            lambda module=module, adam=adam, how=how: torch_step(
                module, adam, x, torch.tensor(y), **how
            )
        )
    return steps


def main():
    options = parse(
        __doc__.splitlines()[0],
        threads=1,
        cells=["rnn", "gru", "lstm"],
        dtypes=["float32", "float64"],
        seconds=2.0,
    )
    threads = options.threads
    torch.set_num_threads(threads)
    describe_machine(threads)
    print("cell dtype    batch  steps   in   hidden   skbptt ms  PyTorch ms  ratio  share")
    rng = np.random.default_rng(0)
    for cell in options.cells:
        for dtype in options.dtypes:
            ratios = {False: [], True: []}
            for batch, steps, n_in, n_hidden in SHAPES:
                ragged = isinstance(steps, tuple)
                lengths = np.full(batch, steps) if not ragged else None
                if ragged:
                    lengths = rng.integers(steps[0], steps[1] + 1, batch)
                sequences = Sequences(
                    rng.standard_normal((lengths.sum(), n_in)).astype(dtype), lengths
                )
                y = rng.standard_normal(batch).astype(dtype)
                multiply, operations = product(dtype)
                with threadpool_limits(1, "blas"), parallel_map(threads) as map_parts:
                    ours = our_step(cell, sequences, y, n_hidden, map_parts)
                    own, peak, *peers = alternate(
                        [ours, multiply, *torch_steps(cell, sequences, y, n_hidden)],
                        options.seconds,
                    )
                peer = min(peers)
                width = GATES[cell] * n_hidden
                work = 2 * lengths.sum() * width * (3 * n_hidden + 2 * n_in)
                share = work / own / (operations / peak) / threads
                ratios[ragged].append(peer / own)
                name = f"{steps[0]}-{steps[1]}" if ragged else steps
                print(
                    f"{cell:4s} {dtype} {batch:6d} {name:>6} {n_in:4d} {n_hidden:8d} "
                    f"{own * 1e3:11.2f} {peer * 1e3:11.2f} {peer / own:6.2f} {share:6.2f}",
                    flush=True,
                )
            print(
                f"{cell:4s} {dtype} geometric mean {geometric_mean(ratios[False]):.2f}, "
                f"ragged {ratios[True][0]:.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
