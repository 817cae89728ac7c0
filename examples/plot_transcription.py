"""
Who speaks in which order
=========================

Some of nine men say the same two vowels, one after the other. The labels contain the order
of the speakers, but not where one ends and the next begins. From such recordings, a network
learns to identify the speakers in new ones.
"""

# %% The utterances of the Japanese Vowels data are joined to strings of one to six,
# separately for training and test. A string may name the same speaker twice in a row.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbptt import RNNTranscriber
from skbptt.datasets import load_japanese_vowels
from skbptt.inspection import AlignmentDisplay
from skbptt.metrics import sequence_accuracy_score
from skbptt.preprocessing import TimeDistributed

rng = np.random.default_rng(0)


def strings(subset, n):
    """Utterances joined to strings, and their speakers."""
    utterances, speakers = load_japanese_vowels(subset=subset, return_X_y=True)
    chosen = [rng.integers(len(speakers), size=rng.integers(1, 7)) for _ in range(n)]
    X = [np.concatenate([utterances[i] for i in of_one]) for of_one in chosen]
    return X, [speakers[of_one] for of_one in chosen]


X_train, y_train = strings("train", 700)
X_test, y_test = strings("test", 200)
print(f"{len(X_test[0])} frames, spoken by {y_test[0]}")

# %%
# ``y`` holds a sequence of labels for each sequence of frames. The loss sums over all ways
# in which the labels may lie along the frames. ``score`` is 1 minus the number of
# insertions, deletions and replacements per label.

net = RNNTranscriber(48, bidirectional=True, max_iter=25, random_state=0)
model = make_pipeline(TimeDistributed(StandardScaler()), net).fit(X_train, y_train)
predicted = model.predict(X_test)
print(f"error rate of the labels: {1 - model.score(X_test, y_test):.3f}")
print(f"strings without any error: {sequence_accuracy_score(y_test, predicted):.3f}")

# %%
# Where are they? Dark cells are probable labels at each frame. The orange
# frames are the most probable alignment of the true labels, which are written above. A
# speaker is recognised at a few frames; at the others the network predicts the blank.

i = np.argmax([len(labels) for labels in y_test])
x = model[:-1].transform([X_test[i]])[0]
display = AlignmentDisplay.from_estimator(
    net, x, y_test[i], name=f"Speakers {y_test[i]}, predicted {predicted[i]}"
)
display.axes_[0, 0].set(xlabel="Frame", ylabel="Speaker")
plt.show()

# %% How certain is the network? These are the four most probable transcriptions of the
# first string that is wrong, by beam search, and their probabilities.

wrong = next(k for k, y in enumerate(y_test) if list(y) != list(predicted[k]))
outputs, log_p = net.predict_nbest(model[:-1].transform([X_test[wrong]]), 4)
print(f"true: {y_test[wrong]}")
for labels, p in zip(outputs[0], np.exp(log_p[0])):
    print(f"{p:.3f} {labels}")
