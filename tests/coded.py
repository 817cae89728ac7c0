"""Sequences of tokens, and of numbers with a category beside them."""

import numpy as np
import pandas
import polars

from skbptt import RNNClassifier

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
