"""Whole fits compared with skorch and a bare PyTorch loop: same model, batches and
optimiser.

    python benchmarks/fit.py [--epochs 5] [--cells rnn gru lstm] [--hidden 32]

1000 sequences of 100 steps and one feature, in float32; batches of 32, Adam, one thread.
Times are medians over turns in which all three fit once, starting weights and validation
of the input included. Then the same fits in a grid search with one worker and with two,
and one large batch with one thread and with two.
"""

import warnings
from functools import partial

import numpy as np
import torch
from peers import Twin, alternate, describe_machine, parse
from sklearn.model_selection import GridSearchCV
from skorch import NeuralNetRegressor

from skbptt import RNNRegressor


def ours(cell, hidden, epochs, **parameters):
    settings = {
        "cell": cell,
        "readout": "last",
        "learning_rate": "constant",
        "learning_rate_init": 1e-3,
        "alpha": 0.0,
        "max_grad_norm": None,
        "max_iter": epochs,
        "n_iter_no_change": np.inf,
        "random_state": 0,
    }
    return RNNRegressor(hidden, **settings | parameters)


def bare_loop(cell, hidden, epochs, X, y):
    X, y = torch.from_numpy(X), torch.from_numpy(y)

    def fit():
        module = Twin(cell, X.shape[2], hidden, np.float32)
        adam = torch.optim.Adam(module.parameters(), lr=1e-3)
        for _ in range(epochs):
            for indices in torch.randperm(len(X)).split(32):
                adam.zero_grad()
                raw = module(X[indices])
                (0.5 * torch.nn.functional.mse_loss(raw, y[indices])).backward()
                adam.step()

    return fit


def skorch_fit(cell, hidden, epochs, X, y):
    def fit():
        NeuralNetRegressor(
            Twin,
            module__cell=cell,
            module__n_features=X.shape[2],
            module__n_hidden=hidden,
            module__dtype=np.float32,
            optimizer=torch.optim.Adam,
            lr=1e-3,
            batch_size=32,
            max_epochs=epochs,
            iterator_train__shuffle=True,
            train_split=None,
            verbose=0,
        ).fit(X, y)

    return fit


def main():
    options = parse(
        __doc__.splitlines()[0], epochs=5, cells=["rnn", "gru", "lstm"], hidden=32, turns=5
    )
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    describe_machine(1)
    rng = np.random.default_rng(0)
    X = rng.standard_normal((1000, 100, 1)).astype(np.float32)
    y = X[:, -10:, 0].mean(axis=1)
    hidden, epochs = options.hidden, options.epochs

    print("cell    skbptt s  bare loop s  skorch s   to bare loop  to skorch")
    for cell in options.cells:
        own, bare, skorch = alternate(
            [
                partial(ours(cell, hidden, epochs).fit, X, y),
                bare_loop(cell, hidden, epochs, X, y),
                skorch_fit(cell, hidden, epochs, X, y),
            ],
            seconds=0,
            least=options.turns,
            turn=0,
        )
        print(
            f"{cell:5s} {own:10.3f} {bare:12.3f} {skorch:9.3f} "
            f"{bare / own:13.2f} {skorch / own:10.2f}",
            flush=True,
        )

    grid = {"learning_rate_init": np.geomspace(1e-3, 1e-2, 8)}
    X_big = rng.standard_normal((1024, 100, 8)).astype(np.float32)
    y_big = X_big[:, -10:, 0].mean(axis=1)

    def search(n_jobs):
        model = ours("lstm", hidden, 4 * epochs)
        GridSearchCV(model, grid, cv=2, n_jobs=n_jobs).fit(X, y)

    def fit_in_threads(n_jobs, X, y, batch_size, epochs):
        ours("lstm", hidden, epochs, batch_size=batch_size, n_jobs=n_jobs).fit(X, y)

    for name, function, arguments in [
        ("GridSearchCV, n_jobs", search, ()),
        ("one fit, batches of 1024, n_jobs", fit_in_threads, (X_big, y_big, 1024, 20)),
        ("one fit, batches of 32, n_jobs", fit_in_threads, (X, y, 32, epochs)),
    ]:
        one, two = alternate(
            [partial(function, 1, *arguments), partial(function, 2, *arguments)],
            seconds=0,
            least=options.turns,
            turn=0,
        )
        print(f"{name} 1: {one:.3f} s, 2: {two:.3f} s, ratio {one / two:.2f}", flush=True)


if __name__ == "__main__":
    main()
