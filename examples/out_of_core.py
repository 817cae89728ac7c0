"""Train on a file that is read block by block and never held in memory as a whole.

Each sequence is noise with one of eight motifs at an unknown time, and the network
identifies the motif. One pass over the blocks fits the scaler, and two more train the
network.
"""

import resource  # so this script needs Linux or macOS
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from sklearn.preprocessing import StandardScaler

from skbptt import RNNClassifier
from skbptt.preprocessing import TimeDistributed

N_BLOCKS, BLOCK, N_STEPS, N_FEATURES = 40, 1000, 100, 32
N_TEST = 2  # blocks at the end of the file
N_EPOCHS = 2

rng = np.random.default_rng(0)
motifs = rng.normal(size=(8, 20, N_FEATURES))


def make_block():
    """Sequences of float32, and the motif of each."""
    y = rng.integers(len(motifs), size=BLOCK)
    X = rng.standard_normal((BLOCK, N_STEPS, N_FEATURES), dtype=np.float32)
    for x, label, start in zip(X, y, rng.integers(N_STEPS - 20, size=BLOCK)):
        x[start : start + 20] += 0.5 * motifs[label]
    return 100 + 5 * X, y


def read(i):
    """Block i of the file: mapped anew, so that its memory is released with the block."""
    rows = slice(i * BLOCK, (i + 1) * BLOCK)
    return np.load(path, mmap_mode="r")[rows], y[rows]


def peak():
    """The most memory that this process has held, in MB."""
    unit = 1e6 if sys.platform == "darwin" else 1e6 / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "X.npy"
    shape = (N_BLOCKS * BLOCK, N_STEPS, N_FEATURES)
    print(f"Before: {peak():.0f} MB of memory.")

    # The file, as another program may have written it. It is also written in blocks.
    np.lib.format.open_memmap(path, "w+", np.float32, shape)
    y = np.empty(N_BLOCKS * BLOCK, int)
    for i in range(N_BLOCKS):
        rows = slice(i * BLOCK, (i + 1) * BLOCK)
        np.load(path, mmap_mode="r+")[rows], y[rows] = make_block()
    print(f"The file: {path.stat().st_size / 1e6:.0f} MB.")

    start = time.perf_counter()
    train, test = range(N_BLOCKS - N_TEST), range(N_BLOCKS - N_TEST, N_BLOCKS)
    scaler = TimeDistributed(StandardScaler())
    for i in train:
        scaler.partial_fit(read(i)[0])

    # A call of partial_fit counts as an epoch: the cycle of the learning rate has as many
    # as there will be. alpha, relative to the data of a call, is divided by the blocks.
    model = RNNClassifier(
        32, alpha=0.01 / len(train), max_iter=N_EPOCHS * len(train), random_state=0
    )
    for epoch in range(N_EPOCHS):
        for i in rng.permutation(train):
            X_block, y_block = read(i)
            model.partial_fit(scaler.transform(X_block), y_block, classes=range(8))
        print(f"Epoch {epoch + 1}: loss {np.mean(model.loss_curve_[-len(train) :]):.3f}")
    seconds = time.perf_counter() - start

    scores = [model.score(scaler.transform(read(i)[0]), read(i)[1]) for i in test]

print(f"Trained in {seconds:.1f} s. Peak memory: {peak():.0f} MB.")
print(f"Test accuracy on {N_TEST * BLOCK} sequences: {np.mean(scores):.4f}")
