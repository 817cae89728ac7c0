"""Sequences of tokens, and of numbers with a category beside them."""

import numpy as np
import pandas
import polars

from skbptt import RNNClassifier
from skbptt.network import Stack

RNG = np.random.RandomState(0)
LENGTHS = RNG.randint(1, 7, 40)
IDS = [RNG.randint(0, 5, n) * 3 for n in LENGTHS]  # 0, 3, 6, 9, 12
NUMBERS = [RNG.standard_normal((n, 2)) for n in LENGTHS]
LABELS = np.array([(6 in ids) + 0 for ids in IDS])
COLORS = np.array(["blue", "green", "red", "white", "yellow"], dtype=object)


def classifier(**options):
    return RNNClassifier(3, **{"max_iter": 3, "random_state": 0} | options)


def colors(ids):
    return COLORS[ids // 3]


def frames(library=pandas, ids=IDS):
    """The numbers around the colors of the ids."""
    made = []
    for of_one, numbers in zip(ids, NUMBERS):
        names = colors(of_one)
        if library is pandas:
            names = pandas.Categorical(names)
        else:
            names = polars.Series(names.tolist(), dtype=polars.Enum(COLORS.tolist()))
        made.append(
            library.DataFrame({"a": numbers[:, 0], "color": names, "b": numbers[:, 1]})
        )
    return made


def arrays(values=lambda ids: ids, dtype=float):
    """The same as arrays of numbers or objects."""
    return [
        np.column_stack([n[:, [0]], values(i), n[:, [1]]]).astype(dtype)
        for i, n in zip(IDS, NUMBERS)
    ]


def one_hot(ids):
    return (ids[:, np.newaxis] == np.arange(0, 15, 3)).astype(float)


def folded(model, n_numbers):
    """A network of one-hot rows that equals that of the model, and its weights.

    The input weights are those of the numbers, and the product of the vectors with those
    behind.
    """
    weights = dict(model.weights_)
    (name,) = (name for name in weights if name.startswith("embedding"))
    E = weights.pop(name)
    for key in [key for key in weights if key.startswith("layers.0") and key[-2:] == ".W"]:
        W = weights[key]
        weights[key] = np.vstack([W[:n_numbers], E @ W[n_numbers:]])
    description = model._network.description | {
        "n_features": n_numbers + len(E),
        "embeddings": {},
    }
    network = Stack(**description)
    theta = np.concatenate([weights[name].ravel() for name in network.layout.shapes])
    return network, theta
