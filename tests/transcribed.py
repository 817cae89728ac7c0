"""Small sequences with labels, and estimators of them, for the tests of these."""

from functools import cache
from itertools import groupby, product

import numpy as np

from skbptt import RNNTranscriber, RNNTranslator
from tests.fits import X

# A label for each second step, so that even equal labels can be told apart; one is empty.
WORDS = ["".join(np.where(x[::2, 0] > 0, "a", "b")) for x in X]
WORDS[3] = ""

# Signals that can be learned: pulses of three heights, and their heights.
rng = np.random.RandomState(0)
PULSES = ["".join(rng.choice(list("abc"), rng.randint(1, 5))) for _ in range(80)]
SIGNALS = [
    np.concatenate(
        [[0.0] * rng.randint(1, 4) + ["_abc".index(c)] * rng.randint(1, 4) for c in word]
    )[:, np.newaxis]
    for word in PULSES
]


DEFAULTS = {"hidden_layer_sizes": 4, "max_iter": 6, "random_state": 0}


def transcriber(**options):
    return RNNTranscriber(**DEFAULTS | options)


def translator(**options):
    return RNNTranslator(**DEFAULTS | {"target_tokenizer": "char"} | options)


def by_all_paths(raw):
    """Log-probabilities of all outputs of a sequence, from all paths; raw may be complex.

    ``raw`` is (n_steps, n_labels + 1), with the blank in the last column.
    """
    paths, outputs = all_paths(*raw.shape)
    log_p = raw - np.log(np.exp(raw).sum(axis=1, keepdims=True))
    of_paths = np.exp(log_p[np.arange(len(raw)), paths].sum(axis=1))
    return {output: np.log(of_paths[which].sum()) for output, which in outputs.items()}


@cache
def all_paths(n_steps, n_outputs):
    """All paths, and by output which of them have it."""
    paths = np.array(list(product(range(n_outputs), repeat=n_steps)))
    outputs = {}
    for i, path in enumerate(paths.tolist()):
        output = tuple(k for k, _ in groupby(path) if k != n_outputs - 1)
        outputs.setdefault(output, []).append(i)
    return paths, outputs


def codes_of(model, word):
    return tuple(model.classes_.tolist().index(label) for label in word)
