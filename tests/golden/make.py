"""Store models of this version, for later versions to load.

    python tests/golden/make.py models
    python tests/golden/make.py labels_out

To be run once for each released version that stores something new, with the oldest NumPy
that is supported: what a newer one stores, it may not load.
"""

import pickle
import sys
import warnings
from pathlib import Path
from zipfile import ZIP_DEFLATED

import numpy as np
import skops.io

import skbptt
from skbptt import RNNClassifier, RNNRegressor, RNNTranscriber, RNNTranslator
from skbptt.cells import ElmanCell, LSTMCell
from skbptt.preprocessing import SequenceFlattener, SequenceUnflattener

FOLDER = Path(__file__).parent
LENGTHS = (3, 5, 2, 4, 6, 3, 4, 5, 2, 6, 3, 4)


def data():
    """Sequences, and targets of each kind."""
    rng = np.random.RandomState(0)
    X = [rng.standard_normal((n, 2)).round(3) for n in LENGTHS]
    sums = np.array([x[:, 0].sum() for x in X])
    return X, {
        "labels": np.where(sums > 0.5, "high", np.where(sums < -0.5, "low", "mid")),
        "indicators": np.c_[sums > 0, sums > 1].astype(int),
        "sums": sums,
        "steps": [np.cumsum(x[:, 0]).round(3) for x in X],
        "texts": ["".join(np.where(x[::2, 0] > 0, "a", "b")) for x in X],
        "numbers": [np.where(x[::2, 0] > 0, 7, 3) for x in X],
    }


def models():
    """Name: (model, which targets)."""
    small = {"hidden_layer_sizes": 3, "max_iter": 4, "random_state": 0}
    return {
        "classifier": (RNNClassifier(**small, early_stopping=True), "labels"),
        "indicators": (RNNClassifier((3, 2), cell="lstm", max_iter=4), "indicators"),
        "regressor": (RNNRegressor(**small, cell="rnn", loss="quantile"), "sums"),
        "bidirectional": (
            RNNRegressor(**small, cell=LSTMCell(), bidirectional=True, solver="lbfgs"),
            "sums",
        ),
        "steps": (
            RNNRegressor(
                **small, cell=ElmanCell("relu"), return_sequences=True, solver="sgd"
            ),
            "steps",
        ),
    }


def labels_out():
    small = {"hidden_layer_sizes": 3, "max_iter": 4, "random_state": 0}
    of_texts = small | {"target_tokenizer": "char"}
    return {
        "transcriber": (RNNTranscriber(**small, bidirectional=True), "texts"),
        "transcriber of numbers": (
            RNNTranscriber(**small, cell="lstm", solver="lbfgs", beam_width=2),
            "numbers",
        ),
        "translator": (
            RNNTranslator(
                **of_texts,
                bidirectional=True,
                cell=LSTMCell(),
                beam_width=2,
                initial_state="learned",
            ),
            "texts",
        ),
        "translator without attention": (
            RNNTranslator(**of_texts, attention=None, early_stopping=True),
            "texts",
        ),
        "translator of numbers": (
            RNNTranslator(**small | {"hidden_layer_sizes": (3, 2)}, solver="lbfgs"),
            "numbers",
        ),
    }


def main(group):
    """Store fitted models, their predictions, and log-likelihoods of labels out."""
    X, targets = data()
    content = {"models": {}, "predictions": {}, "log_likelihoods": {}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, (model, kind) in group().items():
            content["models"][name] = model.fit(X, targets[kind])
            content["predictions"][name] = model.predict(X)
            if hasattr(model, "log_likelihood"):
                content["log_likelihoods"][name] = model.log_likelihood(X, targets[kind])
    if group is models:
        table = np.arange(24.0).reshape(2, 12)
        content["models"]["unflattener"] = SequenceUnflattener(2).fit(table)
        flattener = SequenceFlattener().fit(table.reshape(2, 6, 2))
        content["models"]["flattener"] = flattener
    stem = FOLDER / f"{group.__name__}-{skbptt.__version__}"
    with open(f"{stem}.pkl", "wb") as file:
        pickle.dump(content, file, protocol=4)
    skops.io.dump(content, f"{stem}.skops", compression=ZIP_DEFLATED)


if __name__ == "__main__":
    main({"models": models, "labels_out": labels_out}[sys.argv[1]])
