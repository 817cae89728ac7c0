"""Tell nine speakers apart by two vowels: train on real speech and test on unseen.

Each utterance is a sequence of 7 to 29 frames of 12 cepstrum coefficients. The network
sees them as they are, without padding; the split is the published one.
"""

import time

import numpy as np

from skbptt import RNNClassifier
from skbptt.datasets import load_japanese_vowels

X_train, y_train = load_japanese_vowels(subset="train", return_X_y=True)
X_test, y_test = load_japanese_vowels(subset="test", return_X_y=True)

# Standardise each coefficient over all training frames.
frames = np.concatenate(X_train)
mean, scale = frames.mean(axis=0), frames.std(axis=0)
X_train = [(x - mean) / scale for x in X_train]
X_test = [(x - mean) / scale for x in X_test]

print(f"Training on {len(X_train)} utterances, {len(frames)} frames.")
start = time.perf_counter()
model = RNNClassifier(random_state=0, verbose=10).fit(X_train, y_train)
seconds = time.perf_counter() - start

print(f"Trained in {seconds:.1f} s.")
print(f"Test accuracy on {len(X_test)} utterances: {model.score(X_test, y_test):.4f}")
