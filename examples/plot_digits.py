"""
Digits read row by row
======================

An image of a handwritten digit can be read as a sequence of eight rows, from top to bottom.
A network that is trained to answer after every row shows when it recognises the digit.
"""

# %%
# The images of scikit-learn have 8 by 8 pixels: 1797 sequences of 8 steps and 8 features.
# With ``return_sequences=True`` each step has a target, here the same digit.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skbptt import RNNClassifier

pixels, digits = load_digits(return_X_y=True)
X = pixels.reshape(-1, 8, 8) / 16
y = np.repeat(digits[:, np.newaxis], 8, axis=1)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=500, stratify=digits, random_state=0
)
model = RNNClassifier(64, return_sequences=True, max_iter=50, random_state=0)
model.fit(X_train, y_train)

p = model.predict_proba(X_test)
print(p.shape)

# %%
# The network reads in one direction: its answer after a row does not depend on later rows.

after = np.arange(1, 9)
right = (p.argmax(axis=2) == y_test).mean(axis=0)

fig, ax = plt.subplots(layout="constrained")
ax.plot(after, right, "o-")
for k, share in zip(after, right):
    ax.annotate(f"{share:.0%}", (k, share), (6, -12), textcoords="offset points")
ax.axhline(0.1, color="0.5", linestyle="--")
ax.annotate("chance", (8, 0.1), (0, 4), textcoords="offset points", ha="right", color="0.4")
ax.set(
    xlabel="Rows read",
    ylabel=f"Right answers on {len(X_test)} new images",
    xlim=(0.7, 8.7),
    ylim=(0, 1.05),
    title="Most digits are known before their last row",
)
plt.show()

# %%
# Four images, and next to each row the probabilities of the digits after this row.

fig, axes = plt.subplots(
    2, 4, figsize=(8, 4), width_ratios=[1, 1.25] * 2, sharey=True, layout="constrained"
)
for pair, digit in zip(axes.reshape(4, 2), (2, 3, 5, 9)):
    i = np.flatnonzero(y_test[:, 0] == digit)[0]
    pair[0].imshow(X_test[i], cmap="gray_r")
    drawn = pair[1].imshow(p[i], cmap="Blues", vmin=0, vmax=1)
    pair[0].set(xticks=[], yticks=range(8), yticklabels=after, ylabel="Rows read")
    pair[1].set(xticks=range(10))
for ax in axes[1, 1::2]:
    ax.set_xlabel("Digit")
fig.colorbar(drawn, ax=axes, label="Probability", shrink=0.8)
fig.suptitle("Predicted probabilities after each row")
plt.show()

# sphinx_gallery_thumbnail_number = 2
