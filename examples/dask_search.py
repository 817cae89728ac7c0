"""Search for the best network on a Dask cluster, here of two processes.

The search is that of scikit-learn. joblib passes its tasks to the cluster. Needs ``pip
install distributed``.
"""

import time

from distributed import Client
from joblib import parallel_config
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbptt import RNNClassifier
from skbptt.datasets import load_japanese_vowels
from skbptt.preprocessing import TimeDistributed


def main():
    X_train, y_train = load_japanese_vowels(subset="train", return_X_y=True)
    X_test, y_test = load_japanese_vowels(subset="test", return_X_y=True)

    model = make_pipeline(
        TimeDistributed(StandardScaler()), RNNClassifier(max_iter=50, random_state=0)
    )
    grid = {
        "rnnclassifier__cell": ["gru", "lstm"],
        "rnnclassifier__hidden_layer_sizes": [32, 64],
    }
    search = GridSearchCV(model, grid, cv=3)

    start = time.perf_counter()
    search.fit(X_train, y_train)
    alone = time.perf_counter() - start

    # To use a running cluster: Client("address-of-its-scheduler:8786").
    start = time.perf_counter()
    with Client(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0"):
        starting = time.perf_counter() - start
        start = time.perf_counter()
        with parallel_config("dask"):
            search.fit(X_train, y_train)
        together = time.perf_counter() - start

    print(f"Best parameters: {search.best_params_}")
    print(f"Test accuracy: {search.score(X_test, y_test):.4f}")
    print(f"Alone: {alone:.1f} s.")
    print(f"On the cluster: {together:.1f} s, and {starting:.1f} s to start it.")


if __name__ == "__main__":  # since the workers are processes, which import this file
    main()
