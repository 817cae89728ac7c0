"""
Every step tagged
=================

A noisy signal changes between regimes, and a network predicts the regime at every step. A
bidirectional network uses both earlier and later steps. A network that only reads forwards
can run while the signal is still arriving, but is less accurate after each change.
"""

# %%
# Simulated sequences of unequal length. Calm, a slow and a fast oscillation have the same
# mean and overlap in every single value: only several steps together distinguish
# them.

import matplotlib.pyplot as plt
import numpy as np

from skbptt import RNNClassifier
from skbptt.inspection import HiddenStateDisplay

REGIMES = {"calm": 0.0, "slow": 0.35, "fast": 0.9}  # radians per step
rng = np.random.default_rng(0)


def make_signal():
    """A signal whose regime changes every 15 to 59 steps, and the regime of each step."""
    names = list(rng.permutation(list(REGIMES))) + list(rng.choice(list(REGIMES), 3))
    tags = np.repeat(names, rng.integers(15, 60, size=len(names)))
    turn = np.array([REGIMES[tag] for tag in tags])
    signal = np.sin(turn.cumsum() + rng.uniform(0, 6)) * (turn > 0)
    return (signal + rng.normal(0, 0.6, len(tags)))[:, np.newaxis], tags


X, y = zip(*[make_signal() for _ in range(200)])
X_train, y_train, X_test, y_test = X[:120], y[:120], X[120:], y[120:]

# %%
# One target per step: y is a list of arrays as long as those in X.

nets = {
    name: RNNClassifier(
        32, return_sequences=True, bidirectional=both, max_iter=40, random_state=0
    ).fit(X_train, y_train)
    for name, both in [("forward", False), ("both directions", True)]
}
for name, net in nets.items():
    print(f"{name}: {net.score(X_test, y_test):.3f} of the steps right")

# %%
# One test signal: the true regimes, and those that each network predicts.

x, tags = X_test[0], y_test[0]
tracks = {"true": tags} | {name: net.predict([x])[0] for name, net in nets.items()}

fig, axes = plt.subplots(
    4, 1, figsize=(8, 4.8), sharex=True, height_ratios=[3, 1, 1, 1], layout="constrained"
)
axes[0].plot(x[:, 0], "k", linewidth=0.8)
axes[0].set(ylabel="Signal", title="The regime of every step")
names = list(REGIMES)
colors = plt.get_cmap("viridis", len(names))
for ax, (name, track) in zip(axes[1:], tracks.items()):
    codes = [[names.index(tag) for tag in track]]
    strip = ax.imshow(codes, aspect="auto", cmap=colors, vmin=-0.5, vmax=2.5)
    ax.set(yticks=[])
    ax.set_ylabel(name, rotation=0, ha="right", va="center")
axes[-1].set_xlabel("Step")
bar = fig.colorbar(strip, ax=axes[1:], ticks=range(len(names)))
bar.ax.set_yticklabels(names)
plt.show()

# %%
# The states and gates of the 32 units of the forward network. They stay near zero while the
# signal is calm, and follow the oscillations, each of which has its own pattern.

HiddenStateDisplay.from_estimator(nets["forward"], x)
plt.show()
