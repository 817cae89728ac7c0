"""Recognise nine speakers by two vowels: train and test on real speech.

Each utterance is a sequence of 7 to 29 frames of 12 cepstrum coefficients. The network
reads them without padding. The split is the published one.
"""

import time

from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbptt import RNNClassifier
from skbptt.datasets import load_japanese_vowels
from skbptt.preprocessing import TimeDistributed

X_train, y_train = load_japanese_vowels(subset="train", return_X_y=True)
X_test, y_test = load_japanese_vowels(subset="test", return_X_y=True)

# Standardise each coefficient over all training frames, then train.
model = make_pipeline(
    TimeDistributed(StandardScaler()), RNNClassifier(random_state=0, verbose=10)
)

print(f"Training on {len(X_train)} utterances, {sum(map(len, X_train))} frames.")
start = time.perf_counter()
model.fit(X_train, y_train)
seconds = time.perf_counter() - start

print(f"Trained in {seconds:.1f} s.")
print(f"Test accuracy on {len(X_test)} utterances: {model.score(X_test, y_test):.4f}")
