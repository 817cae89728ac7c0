"""Accuracy of the default parameters on real sequences, compared with a PyTorch twin.

    python benchmarks/accuracy.py --data DIR [--twin] [--recipe] [--aeon]
        [--early-stopping] [--seeds 5] [--set P=V ...] [NAME ...]

DIR holds NAME.npz files with the steps of all sequences stacked (X_train, X_test), their
lengths (len_train, len_test) and targets (y_train, y_test). Inputs are standardised per
step with the mean and scale of the training steps; nothing else is set but by --set. The
twin is the same network in PyTorch: same starting weights, recipe, clipping and number of
epochs, with batches of its own. --recipe adds a vote of bidirectional networks, trained on
frames of the sequences and of copies of them with another timing, the same for all data
sets (``pip install imbalanced-learn``). --aeon adds MiniRocket and the nearest neighbour by
dynamic time warping, on sequences padded with zeros (``pip install aeon``).
--early-stopping adds rows with early stopping, for a ``max_iter`` of 100 and of 10,000, and
the number of sequences held back. Scores are accuracies, for float targets root mean
squared errors.
"""

import argparse
import ast
import time
from functools import partial
from pathlib import Path

import numpy as np
from sklearn.ensemble import VotingClassifier
from sklearn.preprocessing import StandardScaler

from skbptt import RNNClassifier, RNNRegressor
from skbptt.preprocessing import SequenceAugmenter, SequenceFrames, TimeDistributed

NAMES = [
    "JapaneseVowels",
    "PenDigits",
    "SyntheticControl",
    "RacketSports",
    "FSDD_MFCC13_official",
    "ItalyPowerDemand",
    "GunPoint",
    "BasicMotions",
    "PickupGestureWiimoteZ",
    "Covid3Month",
]


def load(path):
    """Standardised (X_train, y_train, X_test, y_test)."""
    stored = np.load(path)
    scaler = StandardScaler().fit(stored["X_train"].astype(np.float64))

    def part(name):
        steps = scaler.transform(stored[f"X_{name}"].astype(np.float64))
        return np.split(steps, np.cumsum(stored[f"len_{name}"])[:-1])

    return part("train"), stored["y_train"], part("test"), stored["y_test"]


def score(y, prediction):
    if y.dtype.kind == "f":
        return float(np.sqrt(np.mean((y - prediction) ** 2)))
    return float(np.mean(y == prediction))


def make(y, seed, **parameters):
    cls = RNNRegressor if y.dtype.kind == "f" else RNNClassifier
    return cls(random_state=seed, **parameters)


def run(X, y, X_test, y_test, seed, **parameters):
    return score(y_test, make(y, seed, **parameters).fit(X, y).predict(X_test))


def run_recipe(X, y, X_test, y_test, seed):
    """The model of the documentation, with frames, copies and a vote."""
    from imblearn.pipeline import make_pipeline

    def network(seed):
        return make_pipeline(
            SequenceAugmenter(random_state=seed),
            TimeDistributed(StandardScaler()),
            SequenceFrames(),
            RNNClassifier(bidirectional=True, max_iter=40, random_state=seed),
        )

    networks = [(f"seed {k}", network(k)) for k in range(5 * seed, 5 * seed + 5)]
    model = VotingClassifier(networks, voting="soft")
    return score(y_test, model.fit(X, y).predict(X_test))


def run_aeon(make_model, X, y, X_test, y_test, seed):
    """A classifier of aeon, which needs channels first and equal lengths."""
    length = max(9, *map(len, X), *map(len, X_test))

    def padded(sequences):
        return np.array([np.pad(x.T, ((0, 0), (0, length - len(x)))) for x in sequences])

    model = make_model(seed).fit(padded(X), y)
    return score(y_test, model.predict(padded(X_test)))


def aeon_models():
    from aeon.classification.convolution_based import MiniRocketClassifier
    from aeon.classification.distance_based import KNeighborsTimeSeriesClassifier

    def minirocket(seed):
        return MiniRocketClassifier(random_state=seed)

    def neighbour(seed):
        return KNeighborsTimeSeriesClassifier(
            distance="dtw", distance_params={"window": 0.1}
        )

    return {
        "MiniRocket": partial(run_aeon, minirocket),
        "1NN-DTW": partial(run_aeon, neighbour),
    }


def run_twin(X, y, X_test, y_test, seed):
    """The same model and recipe in PyTorch."""
    import torch
    from peers import one_cycle
    from torch.nn.utils.rnn import pack_sequence, pad_packed_sequence

    torch.set_num_threads(1)
    torch.manual_seed(seed)
    model = make(y, seed)
    # One epoch at a vanishing rate only draws the starting weights.
    start = make(y, seed, max_iter=1, learning_rate_init=1e-30).fit(X, y)
    weights = {k: torch.tensor(np.array(v)) for k, v in start.weights_.items()}
    n_hidden = len(weights["layers.0.forward.R"])
    gru = torch.nn.GRU(X[0].shape[1], n_hidden).double()
    output = torch.nn.Linear(3 * n_hidden, start.n_outputs_).double()
    with torch.no_grad():
        gru.weight_ih_l0[:] = weights["layers.0.forward.W"].T
        gru.weight_hh_l0[:] = weights["layers.0.forward.R"].T
        gru.bias_ih_l0[:] = weights["layers.0.forward.b"]
        gru.bias_hh_l0[:] = 0
        output.weight[:] = weights["output.W"].T
        output.bias[:] = weights["output.b"]
    matrices = [gru.weight_ih_l0, gru.weight_hh_l0, output.weight]
    parameters = [*gru.parameters(), *output.parameters()]
    tensors = [torch.tensor(x) for x in X]
    if y.dtype.kind == "f":
        targets = torch.tensor(y, dtype=torch.float64)

        def loss_of(raw, t):
            return 0.5 * torch.mean((raw[:, 0] - t) ** 2)
    elif len(start.classes_) == 2:
        targets = torch.tensor((y == start.classes_[1]).astype(float))

        def loss_of(raw, t):
            return torch.nn.functional.binary_cross_entropy_with_logits(raw[:, 0], t)
    else:
        targets = torch.tensor(np.searchsorted(start.classes_, y))
        loss_of = torch.nn.functional.cross_entropy

    def raw_of(sequences):
        packed = pack_sequence(sequences, enforce_sorted=False)
        states, last = gru(packed)
        padded, lengths = pad_packed_sequence(states)
        valid = (torch.arange(len(padded))[:, None] < lengths)[:, :, None]
        mean = padded.sum(dim=0) / lengths[:, None]
        top = padded.masked_fill(~valid, -torch.inf).max(dim=0).values
        return output(torch.cat([last[0], mean, top], dim=1))

    n, epochs = len(X), model.max_iter
    n_batches = -(-n // 32)
    adam = torch.optim.Adam(parameters, lr=model.learning_rate_init)
    for step in range(epochs * n_batches):
        if step % n_batches == 0:
            batches = torch.tensor_split(torch.randperm(n), n_batches)
        position = (step + 0.5) / (epochs * n_batches)
        adam.param_groups[0]["lr"] = model.learning_rate_init * one_cycle(position)
        batch = batches[step % n_batches]
        adam.zero_grad()
        penalty = 0.5 * model._strength / n * sum((W**2).sum() for W in matrices)
        (loss_of(raw_of([tensors[i] for i in batch]), targets[batch]) + penalty).backward()
        gru.bias_hh_l0.grad[: 2 * n_hidden] = 0  # ours has one bias for these gates
        torch.nn.utils.clip_grad_norm_(parameters, model.max_grad_norm)
        adam.step()
    with torch.no_grad():
        raw = raw_of([torch.tensor(x) for x in X_test]).numpy()
    if y.dtype.kind == "f":
        return score(y_test, raw[:, 0])
    codes = (raw[:, 0] > 0).astype(int) if raw.shape[1] == 1 else raw.argmax(axis=1)
    return score(y_test, start.classes_[codes])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=NAMES)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--twin", action="store_true")
    parser.add_argument("--recipe", action="store_true")
    parser.add_argument("--aeon", action="store_true")
    parser.add_argument("--early-stopping", action="store_true")
    parser.add_argument("--set", nargs="*", default=[], metavar="P=V", dest="parameters")
    options = parser.parse_args()
    parameters = {
        name: ast.literal_eval(value)
        for name, value in (setting.split("=") for setting in options.parameters)
    }
    if parameters and options.twin:
        parser.error("--twin compares the defaults only")
    print("data                   who             mean     min     max  seconds per fit")
    for name in options.names:
        data = load(options.data / f"{name}.npz")
        runs = {"skbptt": partial(run, **parameters)}
        if options.early_stopping:
            n_held = int(np.ceil(0.1 * len(data[0])))
            for max_iter in (100, 10_000):
                watched = {"early_stopping": True, "max_iter": max_iter} | parameters
                runs[f"{max_iter}, {n_held} held"] = partial(run, **watched)
        if options.recipe:
            runs["recipe"] = run_recipe
        if options.aeon:
            runs |= aeon_models()
        if options.twin:
            runs["PyTorch"] = run_twin
        for who, function in runs.items():
            start = time.perf_counter()
            scores = [function(*data, seed) for seed in range(options.seeds)]
            seconds = (time.perf_counter() - start) / options.seeds
            row = f"{np.mean(scores):7.4f} {np.min(scores):7.4f} {np.max(scores):7.4f}"
            print(f"{name:22s} {who:15s} {row} {seconds:11.1f}", flush=True)


if __name__ == "__main__":
    main()
