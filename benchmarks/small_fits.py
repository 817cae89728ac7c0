"""What a small fit costs besides arithmetic, beside scikit-learn's MLPClassifier.

    python benchmarks/small_fits.py [--turns 300]

One epoch on 60 sequences with 8 units, all other parameters at their defaults; the MLP has
the sequences flattened. By default the net makes 5 updates of 12 sequences in an epoch, and
the MLP one of 60; so there is also an MLP with batches of 12. Then predictions of a single
sequence. Medians over turns in which each fits once; one thread of BLAS.
"""

import warnings
from functools import partial

import numpy as np
from peers import alternate, describe_machine, parse
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from skbptt import RNNClassifier


def small_fits(turns):
    """One epoch on 60 sequences with 8 units, and predictions, beside an MLP."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 60)
    print("X of the net   of the MLP   fit ms  MLP ms (batches of 12)  ratio  (of 12)")
    for n_steps in (20, 30):  # above 20 steps, fit also looks for vanishing gradients
        X = rng.standard_normal((60, n_steps, 3))
        flat = X.reshape(60, -1)
        net, *mlps = (
            RNNClassifier(8, max_iter=1, random_state=0),
            MLPClassifier(8, max_iter=1, random_state=0),
            MLPClassifier(8, max_iter=1, random_state=0, batch_size=12),
        )
        fits = [partial(net.fit, X, y), *(partial(mlp.fit, flat, y) for mlp in mlps)]
        own, mlp, of_12 = alternate(fits, seconds=0, least=turns, turn=0)
        print(
            f"{X.shape!s:14s} {flat.shape!s:10s} {1e3 * own:8.2f} {1e3 * mlp:7.2f} "
            f"{1e3 * of_12:16.2f} {own / mlp:13.2f} {own / of_12:8.2f}",
            flush=True,
        )
    predictions = [partial(net.predict, X[:1]), partial(mlps[0].predict, flat[:1])]
    own, mlp = alternate(predictions, seconds=0, least=turns, turn=0)
    print(
        f"predict of one sequence of shape {X[:1].shape}: {1e6 * own:.0f} us, "
        f"MLP {1e6 * mlp:.0f} us, ratio {own / mlp:.2f}",
        flush=True,
    )


def main():
    options = parse(__doc__.splitlines()[0], turns=300)
    warnings.simplefilter("ignore")
    describe_machine(1)
    with threadpool_limits(1, "blas"):
        small_fits(options.turns)


if __name__ == "__main__":
    main()
