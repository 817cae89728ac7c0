"""A tag for every word compared with PyTorch and conditional random fields.

    python benchmarks/tagging.py --data FOLDER [--epochs 8] [--seeds 0]

FOLDER holds ``restore_case_en.tsv.gz``: lower-case sentences without punctuation, and how
each word was written. The net is a bidirectional GRU on vectors of words; its PyTorch twin
has the same size, dropout, batches and schedule of the learning rate. The conditional
random field of sklearn-crfsuite reads each word and its two neighbours. Scores are the
macro-averaged F1 of the tags over all words of the test set.
"""

import time

import numpy as np
import sklearn_crfsuite
import torch
from peers import describe_machine, parse
from sklearn.metrics import f1_score
from sklearn.pipeline import make_pipeline
from texts import TokenTwin, epoch, predict, read

from skbptt import RNNClassifier
from skbptt.preprocessing import TokenEncoder

# Chosen on the validation set.
RATE, DROPOUT, HIDDEN, DIM, MIN_FREQUENCY = 0.005, 0.5, 100, 64, 2


def encoder():
    return TokenEncoder(tokenizer=str.split, min_frequency=MIN_FREQUENCY)


def ours(X, tags, X_test, epochs, seed):
    model = make_pipeline(
        encoder(),
        RNNClassifier(
            HIDDEN,
            return_sequences=True,
            bidirectional=True,
            embedding_dim=DIM,
            dropout=DROPOUT,
            learning_rate_init=RATE,
            max_iter=epochs,
            random_state=seed,
        ),
    )
    return model.fit(X, tags).predict(X_test)


def twin(X, tags, X_test, epochs, seed):
    torch.manual_seed(seed)
    tokens = encoder().fit(X)
    classes = np.unique(np.concatenate(tags))
    codes = [np.searchsorted(classes, of_one) for of_one in tags]
    n_tokens = len(tokens.vocabulary_) + 1
    module = TokenTwin(n_tokens, DIM, HIDDEN, len(classes), steps=True, dropout=DROPOUT)
    adam = torch.optim.Adam(module.parameters(), lr=RATE)
    n_steps = epochs * -(-len(X) // 32)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        adam, RATE, n_steps, pct_start=0.1, cycle_momentum=False, div_factor=1e3
    )

    def loss(raw, y, lengths):
        there = torch.arange(raw.shape[1]) < lengths[:, None]
        y = torch.from_numpy(np.concatenate(y))
        return torch.nn.functional.cross_entropy(raw[there], y)

    ids = tokens.transform(X)
    for _ in range(epochs):
        epoch(module, [adam], ids, codes, loss, schedule=schedule)
    raw = predict(module, tokens.transform(X_test))
    return [classes[out.argmax(1)] for out in raw]


def features(text):
    words = ["<s>", *text.split(), "</s>"]
    return [
        {"before": words[i - 1], "word": words[i], "after": words[i + 1]}
        for i in range(1, len(words) - 1)
    ]


def field(X, tags, X_test, epochs, seed):
    model = sklearn_crfsuite.CRF(c1=0.1, c2=0.1, max_iterations=100)
    model.fit([features(text) for text in X], [list(of_one) for of_one in tags])
    return [np.array(of_one) for of_one in model.predict([features(t) for t in X_test])]


def main():
    options = parse(__doc__.splitlines()[0], data="", epochs=8, seeds=[0], split="test")
    torch.set_num_threads(1)
    describe_machine(1)
    X, tags = read(options.data, "restore_case_en", "train")
    X_test, tags_test = read(options.data, "restore_case_en", options.split)
    tags, tags_test = ([of_one.split() for of_one in t] for t in (tags, tags_test))
    truth = np.concatenate(tags_test)
    for name, fit in (("skbptt", ours), ("PyTorch", twin), ("sklearn-crfsuite", field)):
        for seed in options.seeds if fit is not field else [0]:
            start = time.perf_counter()
            predicted = np.concatenate(list(fit(X, tags, X_test, options.epochs, seed)))
            score = f1_score(truth, predicted, average="macro")
            seconds = time.perf_counter() - start
            print(f"{name}, seed {seed}: macro F1 {score:.4f}, {seconds:.0f} s", flush=True)


if __name__ == "__main__":
    main()
