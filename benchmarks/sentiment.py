"""Sentiment of film reviews: networks, a bag of words, and their vote.

    python benchmarks/sentiment.py --data FOLDER [--seeds 0 1 2 3 4]

FOLDER holds ``sentiment_movies.tsv.gz``. The settings of the network were chosen on folds
of the training set. The vote is the average of the probabilities of all networks and of
logistic regression on words and pairs of words, with equal weights.
"""

import time

import numpy as np
from peers import describe_machine, parse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from texts import read

from skbptt import RNNClassifier
from skbptt.preprocessing import TokenEncoder


def network(seed):
    return make_pipeline(
        TokenEncoder(),
        RNNClassifier(
            50,
            embedding_dim=100,
            bidirectional=True,
            dropout=0.6,
            learning_rate_init=0.003,
            max_iter=5,
            random_state=seed,
        ),
    )


def main():
    options = parse(__doc__.splitlines()[0], data="", seeds=[0, 1, 2, 3, 4])
    describe_machine(1)
    y, X = read(options.data, "sentiment_movies", "train")
    y_test, X_test = read(options.data, "sentiment_movies", "test")
    models = {
        "words and pairs": make_pipeline(
            TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression(C=4)
        )
    }
    models |= {f"network, seed {seed}": network(seed) for seed in options.seeds}
    probabilities = []
    for name, model in models.items():
        start = time.perf_counter()
        probabilities.append(model.fit(X, y).predict_proba(X_test))
        seconds, score = time.perf_counter() - start, model.score(X_test, y_test)
        print(f"{name}: accuracy {score:.4f}, {seconds:.0f} s", flush=True)
    for name, some in (("networks", probabilities[1:]), ("all", probabilities)):
        predicted = model.classes_[np.mean(some, axis=0).argmax(axis=1)]
        print(f"vote of {name}: accuracy {np.mean(predicted == y_test):.4f}")


if __name__ == "__main__":
    main()
