"""
Vowels and speakers
===================

Nine men say the same two vowels, and a network identifies the speaker. The utterances are a
list of arrays without padding, with 7 to 29 frames of 12 cepstrum coefficients.
"""

# %%
# The published split: 270 utterances for training, 370 for the test. ``TimeDistributed``
# fits scikit-learn's scaler to the frames.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbptt import RNNClassifier
from skbptt.datasets import load_japanese_vowels
from skbptt.inspection import SaliencyDisplay
from skbptt.preprocessing import TimeDistributed

X_train, y_train = load_japanese_vowels(subset="train", return_X_y=True)
X_test, y_test = load_japanese_vowels(subset="test", return_X_y=True)

model = make_pipeline(TimeDistributed(StandardScaler()), RNNClassifier(random_state=0))
model.fit(X_train, y_train)
predicted = model.predict(X_test)
n_wrong = np.sum(predicted != y_test)
print(f"{n_wrong} of {len(y_test)} wrong: accuracy {model.score(X_test, y_test):.3f}")

# %%
# The confusion matrix.

fig, ax = plt.subplots(figsize=(5.6, 5.2), layout="constrained")
ConfusionMatrixDisplay.from_predictions(
    y_test, predicted, ax=ax, cmap="Blues", colorbar=False
)
ax.set(
    xlabel="Predicted speaker",
    ylabel="True speaker",
    title=f"{len(y_test) - n_wrong} of {len(y_test)} utterances go to their speaker",
)
plt.show()

# %%
# How many frames are needed? The same network, trained on whole utterances, reads only the
# first frames, and then only the last.

n_frames = np.arange(1, 30)
heard = {
    "the first frames": [model.score([x[:n] for x in X_test], y_test) for n in n_frames],
    "the last frames": [model.score([x[-n:] for x in X_test], y_test) for n in n_frames],
}

fig, ax = plt.subplots(layout="constrained")
for name, scores in heard.items():
    ax.plot(n_frames, scores, ".-", label=name)
ax.axhline(1 / 9, color="0.5", linestyle="--", label="chance")
ax.set(
    xlabel="Frames heard (6.4 ms each)",
    ylabel="Accuracy on the test utterances",
    ylim=(0, 1.03),
    title="A dozen frames identify the speaker",
)
ax.legend(loc="center right")
plt.show()

# %% Which frames matter? For an utterance of the fourth speaker, the share of each value in
# the difference from the output for the mean of all frames: integrated gradients.

i = np.flatnonzero(y_test == 4)[0]
display = SaliencyDisplay.from_estimator(model, X_test[i], method="integrated_gradients")
display.axes_[0, 0].set(
    xlabel="Frame",
    ylabel="Cepstrum coefficient",
    yticklabels=range(1, 13),
    title="What speaks for speaker 4 (red) and against (blue)",
)
plt.show()
