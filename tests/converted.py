"""Fitted estimators of every kind, for the tests of what is written of them."""

import numpy as np
from hypothesis import strategies as st

from skbptt import RNNClassifier, RNNRegressor
from skbptt.cells import GRUCell, LEMCell
from skbptt.cells._activations import ACTIVATIONS
from skbptt.loops import READOUTS
from tests.fits import quietly

rng = np.random.RandomState(0)
LENGTHS = rng.randint(1, 9, 24)
X = [rng.standard_normal((n, 3)) for n in LENGTHS]
TOKENS = [rng.choice([3, 4, 9, 70], n) for n in LENGTHS]
MIXED = [
    np.column_stack(
        [
            x[:, 0],
            rng.choice([2.0, 0.1, -5.0, np.nan], len(x)),
            x[:, 1],
            rng.choice(["lo", "hi", 'a */ "b"'], len(x)),
        ]
    ).astype(object)
    for x in X
]
for row in MIXED:
    row[:, [0, 1, 2]] = row[:, [0, 1, 2]].astype(float)
LABELS = np.array(["low", "mid", "high"])[rng.randint(0, 3, 24)]
NUMBERS = rng.standard_normal(24)


def fitted(X, y, kind=RNNRegressor, n_hidden=5, noise=0.3, **parameters):
    """An estimator with weights that are not small, so that every part counts."""
    model = kind(n_hidden, max_iter=1, random_state=0, **parameters)
    quietly(model.fit, X, y)
    noise = noise * np.random.RandomState(1).standard_normal(len(model._theta))
    model._theta = (model._theta + noise).astype(model._theta.dtype)
    return model


def of_steps(values):
    """The value of each sequence at each of its steps."""
    return [np.repeat(value, n) for value, n in zip(values, LENGTHS)]


def classifier(X, y, **parameters):
    return fitted(X, y, RNNClassifier, **parameters)


ORIGINAL = GRUCell(reset_after=False)

#: By name: an estimator, and the X that it was fitted to. All read one direction.
MODELS = {
    **{
        f"elman-{g}": lambda g=g: (fitted(X, NUMBERS, cell="rnn", activation=g), X)
        for g in ("tanh", "relu", "logistic", "identity")
    },
    **{
        f"{cell}-{readout}": lambda cell=cell, readout=readout: (
            classifier(X, LABELS, cell=cell, readout=readout),
            X,
        )
        for cell in ("gru", "lstm")
        for readout in ("last", "mean", "max", "concat")
    },
    "stack": lambda: (
        fitted(X, NUMBERS, n_hidden=(4, 6, 3), cell="lstm", initial_state="learned"),
        X,
    ),
    "gru-reset-before": lambda: (
        classifier(X, LABELS, cell=ORIGINAL, initial_state="learned"),
        X,
    ),
    "binary": lambda: (classifier(X, LABELS == "low", initial_state="learned"), X),
    "steps": lambda: (classifier(X, of_steps(LABELS), return_sequences=True), X),
    "binary-steps": lambda: (
        classifier(X, of_steps(LABELS != "low"), return_sequences=True, cell="rnn"),
        X,
    ),
    "multilabel": lambda: (classifier(X, np.eye(3, dtype=int)[NUMBERS.astype(int) % 3]), X),
    "outputs": lambda: (fitted(X, np.outer(NUMBERS, [1, 100])), X),
    "counts": lambda: (fitted(X, np.floor(np.exp(NUMBERS)), loss="poisson"), X),
    "regression-steps": lambda: (
        fitted(X, of_steps(NUMBERS), return_sequences=True, cell="lstm"),
        X,
    ),
    "univariate": lambda: (fitted(np.array(NUMBERS).reshape(4, 6), NUMBERS[:4]), None),
    "tokens": lambda: (classifier(TOKENS, LABELS, embedding_dim=3), TOKENS),
    "token-steps": lambda: (
        classifier(TOKENS, of_steps(LABELS), return_sequences=True, cell="lstm"),
        TOKENS,
    ),
    "mixed": lambda: (
        fitted(MIXED, NUMBERS, categorical_features=[1, 3], n_hidden=(4, 3)),
        MIXED,
    ),
}

#: Those of LEM, which C alone expresses.
LEM_MODELS = {
    "lem-concat": lambda: (classifier(X, LABELS, cell="lem"), X),
    "lem-stack": lambda: (
        fitted(X, NUMBERS, n_hidden=(4, 3), cell=LEMCell(dt=0.3), initial_state="learned"),
        X,
    ),
    "lem-steps": lambda: (
        fitted(X, of_steps(NUMBERS), return_sequences=True, cell="lem"),
        X,
    ),
}


def model_of(name):
    model, X = (MODELS | LEM_MODELS)[name]()
    return model, np.array(NUMBERS).reshape(4, 6) if X is None else X


def coded(model, X):
    """Steps of X as numbers, with the positions of text among its categories."""
    rows = [np.asarray(x, object).reshape(len(x), -1).copy() for x in X]
    if model.is_categorical_ is None:
        return [x.astype(float) for x in rows]
    for column, categories in zip(np.flatnonzero(model.is_categorical_), model.categories_):
        known = [c for c in categories.tolist() if isinstance(c, str)]
        for x in rows:
            for row in x:
                if isinstance(row[column], str):
                    row[column] = known.index(row[column]) if row[column] in known else -1
    return [x.astype(float) for x in rows]


@st.composite
def networks(draw, cells=("rnn", "gru", ORIGINAL, "lstm"), activations=tuple(ACTIVATIONS)):
    """A fitted estimator of numbers with any network."""
    cell = draw(st.sampled_from(cells))
    steps = draw(st.booleans())
    parameters = {
        "cell": cell,
        "activation": draw(st.sampled_from(activations)) if cell == "rnn" else "tanh",
        "bidirectional": draw(st.booleans()),
        "readout": draw(st.sampled_from(sorted(READOUTS))),
        "return_sequences": steps,
        "initial_state": draw(st.sampled_from(["zeros", "learned"])),
        "n_hidden": tuple(draw(st.lists(st.integers(1, 5), min_size=1, max_size=3))),
    }
    kind, y = draw(
        st.sampled_from(
            [
                (RNNRegressor, NUMBERS),
                (RNNClassifier, LABELS),
                (RNNClassifier, LABELS > "k"),
            ]
        )
    )
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    X32 = [x.astype(dtype) for x in X]
    return fitted(X32, of_steps(y) if steps else y, kind, **parameters)


def padded(X, filler):
    """Sequences in one array, with the number of steps of each."""
    lengths = np.array([len(x) for x in X])
    first = np.asarray(X[0])
    array = np.full((len(X), lengths.max(), *first.shape[1:]), filler, first.dtype)
    for row, x in zip(array, X):
        row[: len(x)] = x
    return array, lengths
