"""Products with the Hessian and the Gauss-Newton matrix, in gradients and compared with
PyTorch.

    python benchmarks/products.py [--hidden 64] [--seconds 2]

64 sequences of 100 steps with 10 features, readout "last", squared error. All run in turn
in this process, on one thread; times are medians. PyTorch takes the derivative of its
gradient along the vector, by a second pass back; the graph of the gradient
is kept between products, as the tape is here.
"""

import numpy as np
import torch
from peers import MODULES, Twin, alternate, describe_machine, parse
from threadpoolctl import threadpool_limits

from skbptt.data._data import Data
from skbptt.data._sequences import Sequences
from skbptt.estimators._parameters import CELLS
from skbptt.losses._pointwise import SquaredError
from skbptt.network import Curvature, Stack
from skbptt.training._objective import Objective

N, N_STEPS, N_FEATURES = 64, 100, 10


def ours(cell, x, y, n_hidden):
    """A gradient and products with both matrices, as functions."""
    sequences = Sequences(x.reshape(-1, N_FEATURES), np.full(N, N_STEPS), N_STEPS)
    network = Stack(CELLS[cell](), N_FEATURES, (n_hidden,), 1, False, "last")
    data = Data(sequences, y[:, np.newaxis], np.ones(N, x.dtype), False)
    objective = Objective(network, SquaredError(), data)
    rng = np.random.RandomState(0)
    theta = network.initialise(rng, x.dtype)
    v = rng.standard_normal(len(theta)).astype(x.dtype)
    curvature = Curvature(objective, theta)
    return (
        lambda: objective.value_and_gradient(theta),
        lambda: curvature.hessian(v),
        lambda: curvature.gauss_newton(v),
    )


def theirs(cell, x, y, n_hidden):
    """A product with the Hessian, as a function."""
    twin = Twin(cell, N_FEATURES, n_hidden, x.dtype)
    parameters = list(twin.parameters())
    loss = 0.5 * torch.nn.functional.mse_loss(twin(torch.tensor(x)), torch.tensor(y))
    gradients = torch.autograd.grad(loss, parameters, create_graph=True)
    vs = [torch.randn_like(p) for p in parameters]
    along = sum((g * v).sum() for g, v in zip(gradients, vs))
    return lambda: torch.autograd.grad(along, parameters, retain_graph=True)


def main():
    options = parse(__doc__.splitlines()[0], hidden=64, seconds=2.0)
    torch.set_num_threads(1)
    describe_machine(1)
    print(
        "                 ms a gradient  Hessian  in gradients  Gauss-Newton  in gradients"
        "  PyTorch's Hessian  over ours"
    )
    rng = np.random.default_rng(0)
    with threadpool_limits(1):
        for cell in MODULES:
            for dtype in ("float64", "float32"):
                x = rng.standard_normal((N, N_STEPS, N_FEATURES)).astype(dtype)
                y = rng.standard_normal(N).astype(dtype)
                functions = (
                    *ours(cell, x, y, options.hidden),
                    theirs(cell, x, y, options.hidden),
                )
                times = alternate(functions, options.seconds)
                gradient, hessian, gauss_newton, peer = (1e3 * t for t in times)
                print(
                    f"{cell:5s} {dtype:10s} {gradient:13.2f} {hessian:8.2f}"
                    f" {hessian / gradient:13.2f} {gauss_newton:13.2f}"
                    f" {gauss_newton / gradient:13.2f} {peer:18.2f}"
                    f" {peer / hessian:10.2f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
