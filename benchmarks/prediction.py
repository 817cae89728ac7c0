"""Prediction compared with PyTorch in eval mode without gradients.

    python benchmarks/prediction.py [--cells rnn gru lstm] [--dtypes float32 float64]

First the forward pass over a whole set: skbptt's from validated sequences, PyTorch's from
a ready tensor, both without a tape. Then one sequence at a time: ``predict`` of a fitted
estimator with all its checks, compared with the bare module. One thread.
"""

import warnings
from functools import partial

import numpy as np
import torch
from peers import Twin, alternate, describe_machine, geometric_mean, parse
from step import SHAPES
from threadpoolctl import threadpool_limits

from skbptt import RNNRegressor
from skbptt.data._sequences import Sequences
from skbptt.estimators._parameters import CELLS
from skbptt.network import Stack, raw_outputs


def main():
    options = parse(
        __doc__.splitlines()[0],
        cells=["rnn", "gru", "lstm"],
        dtypes=["float32", "float64"],
        seconds=1.0,
    )
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    describe_machine(1)
    rng = np.random.default_rng(0)
    ratios, alone = [], []
    print("cell dtype    batch  steps   in   hidden   skbptt ms  PyTorch ms  ratio")

    def show(cell, dtype, shape, own, peer):
        batch, steps, n_in, hidden = shape
        print(
            f"{cell:4s} {dtype} {batch:6d} {steps:6d} {n_in:4d} {hidden:8d} "
            f"{own * 1e3:11.3f} {peer * 1e3:11.3f} {peer / own:6.2f}",
            flush=True,
        )
        return peer / own

    for cell in options.cells:
        for dtype in options.dtypes:
            for shape in SHAPES[:-1]:
                batch, steps, n_in, hidden = shape
                X = rng.standard_normal((batch, steps, n_in)).astype(dtype)
                module = Twin(cell, n_in, hidden, dtype).eval()
                tensor = torch.from_numpy(X)
                sequences = Sequences(X.reshape(-1, n_in), np.full(batch, steps), steps)
                network = Stack(CELLS[cell](), n_in, (hidden,), 1, False, "last")
                theta = network.initialise(np.random.RandomState(0), dtype)
                with torch.no_grad(), threadpool_limits(1, "blas"):
                    own, peer = alternate(
                        [
                            partial(raw_outputs, network, theta, sequences),
                            partial(module, tensor),
                        ],
                        options.seconds,
                    )
                ratios.append(show(cell, dtype, shape, own, peer))
    print(f"geometric mean {geometric_mean(ratios):.2f}")

    print("One sequence at a time")
    for cell in options.cells:
        for dtype in options.dtypes:
            for shape in [(1, 100, 1, 16), (1, 100, 1, 32), (1, 100, 10, 64)]:
                _, steps, n_in, hidden = shape
                X = rng.standard_normal((40, steps, n_in)).astype(dtype)
                model = RNNRegressor(hidden, cell=cell, readout="last", max_iter=1)
                model.fit(X, X[:, -1, 0])
                module = Twin(cell, n_in, hidden, dtype).eval()
                tensor = torch.from_numpy(X[:1])
                with torch.no_grad():
                    own, peer = alternate(
                        [partial(model.predict, X[:1]), partial(module, tensor)],
                        options.seconds,
                    )
                alone.append(show(cell, dtype, shape, own, peer))
    print(f"geometric mean {geometric_mean(alone):.2f}, least {min(alone):.2f}")


if __name__ == "__main__":
    main()
