"""Spoken digit strings transcribed, compared with PyTorch's GRU and ctc_loss.

    python benchmarks/transcriber.py --data FOLDER [--seeds 0 1 2] [--epochs 15] [--turns 2]

FOLDER holds ``FSDD_MFCC13_official.npz``, recordings of the Free Spoken Digit Dataset, and
``digit_strings.py``, which joins them to strings of 1 to 8 digits. The net is a
bidirectional GRU of two layers of 64 units with dropout 0.3. Its PyTorch twin has the same
size, dropout, batches and schedule of the learning rate. It packs its sequences, or pads
them, which is faster, but then the backward direction reads the padding first. Epochs are
timed in turns. Then the net of skbptt is trained for each seed, and transcribes 500 strings
of the test recordings. Times are CPU seconds of one thread, which other programs hardly
disturb. ``--turns 0`` leaves out the epochs.
"""

import sys
import time
from functools import partial

import numpy as np
import torch
from peers import describe_machine, parse
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch.nn.utils.rnn import pack_sequence, pad_packed_sequence, pad_sequence

from skbptt import RNNTranscriber
from skbptt.preprocessing import TimeDistributed

SIZES, DROPOUT, RATE, BATCH = (64, 64), 0.3, 0.01, 32


def ours(epochs, seed):
    return RNNTranscriber(
        SIZES,
        bidirectional=True,
        dropout=DROPOUT,
        learning_rate_init=RATE,
        batch_size=BATCH,
        max_iter=epochs,
        random_state=seed,
    )


class Twin(torch.nn.Module):
    """The same net, with its training."""

    def __init__(self, n_features, n_labels, n_steps, packed):
        super().__init__()
        self.packed = packed
        options = {"num_layers": len(SIZES), "bidirectional": True, "dropout": DROPOUT}
        self.recurrent = torch.nn.GRU(n_features, SIZES[0], **options)
        self.dropout = torch.nn.Dropout(DROPOUT)
        self.output = torch.nn.Linear(2 * SIZES[-1], n_labels + 1)
        self.blank = n_labels
        self.adam = torch.optim.Adam(self.parameters(), RATE)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.adam, RATE, n_steps, pct_start=0.1, cycle_momentum=False
        )

    def step(self, X, y):
        """One batch."""
        x, lengths = [torch.from_numpy(x) for x in X], torch.tensor([len(x) for x in X])
        if self.packed:
            states = self.recurrent(pack_sequence(x, enforce_sorted=False))[0]
            states, _ = pad_packed_sequence(states)
        else:
            states = self.recurrent(pad_sequence(x))[0]
        loss = torch.nn.functional.ctc_loss(
            self.output(self.dropout(states)).log_softmax(2),
            torch.from_numpy(np.concatenate(y)),
            lengths,
            torch.tensor([len(labels) for labels in y]),
            blank=self.blank,
            reduction="sum",
        )
        self.adam.zero_grad(set_to_none=True)
        (loss / len(X)).backward()
        torch.nn.utils.clip_grad_norm_(self.parameters(), 1.0)
        self.adam.step()
        self.schedule.step()

    def epoch(self, X, y):
        for indices in torch.randperm(len(X)).split(BATCH):
            self.step([X[i] for i in indices], [y[i] for i in indices])


def time_epochs(X, y, turns):
    """Print the CPU seconds of an epoch."""
    X = TimeDistributed(StandardScaler()).fit_transform(X)
    y = [np.array(labels) for labels in y]
    classes = np.unique(np.concatenate(y))
    torch.manual_seed(0)
    n_steps = turns * -(-len(X) // BATCH)
    net = ours(turns, 0)
    epochs = {"skbptt": lambda: net.partial_fit(X, y, classes=classes)}
    for name, packed in (("PyTorch, packed", True), ("PyTorch, padded", False)):
        twin = Twin(X[0].shape[1], len(classes), n_steps, packed)
        epochs[name] = partial(twin.epoch, X, y)
    seconds = {name: [] for name in epochs}
    for _ in range(turns):
        for name, epoch in epochs.items():
            start = time.process_time()
            epoch()
            seconds[name].append(time.process_time() - start)
    for name, own in seconds.items():
        ratio = np.median(own) / np.median(seconds["skbptt"])
        print(f"epoch of {name}: {np.median(own):.2f} s, ratio {ratio:.1f}", flush=True)


def main():
    options = parse(
        __doc__.splitlines()[0], data="", seeds=[0, 1, 2], epochs=15, turns=2, n=2000
    )
    torch.set_num_threads(1)
    describe_machine(1)
    sys.path.insert(0, options.data)
    from digit_strings import digit_strings

    X, y = digit_strings("train", options.n, 0)
    X_test, y_test = digit_strings("test", 500, 1)
    if options.turns:
        time_epochs(X, y, options.turns)
    for seed in options.seeds:
        model = make_pipeline(TimeDistributed(StandardScaler()), ours(options.epochs, seed))
        start = time.process_time()
        model.fit(X, y)
        seconds = time.process_time() - start
        errors = [1 - model.score(X_test, y_test)]
        model[-1].set_params(beam_width=10)
        errors.append(1 - model.score(X_test, y_test))
        print(
            f"seed {seed}: fit {seconds:.0f} s, digit error {errors[0]:.4f}, "
            f"with beam_width=10 {errors[1]:.4f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
