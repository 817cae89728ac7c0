"""Spoken digit strings transcribed, beside PyTorch's GRU and ctc_loss.

    python benchmarks/transcriber.py --data FOLDER [--seeds 0 1 2] [--epochs 15] [--turns 2]

FOLDER holds ``FSDD_MFCC13_official.npz``, recordings of the Free Spoken Digit Dataset, and
``digit_strings.py``, which joins them to strings of 1 to 8 digits. The net is a
bidirectional GRU of two layers of 64 units with dropout 0.3. Its PyTorch twin has the same
size, dropout, batches and schedule of the learning rate, and packs its sequences. Epochs of
both are timed in turns. Then the net of skbptt is trained for each seed, and transcribes
500 strings of the test recordings. ``--turns 0`` leaves out the times.
"""

import sys
import time

import numpy as np
import torch
from peers import describe_machine, parse
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch.nn.utils.rnn import pack_sequence, pad_packed_sequence

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

    def __init__(self, n_features, n_labels, n_steps):
        super().__init__()
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
        packed = pack_sequence([torch.from_numpy(x) for x in X], enforce_sorted=False)
        states, lengths = pad_packed_sequence(self.recurrent(packed)[0])
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
    """Print seconds per epoch of both."""
    X = TimeDistributed(StandardScaler()).fit_transform(X)
    y = [np.array(labels) for labels in y]
    classes = np.unique(np.concatenate(y))
    torch.manual_seed(0)
    twin = Twin(X[0].shape[1], len(classes), turns * -(-len(X) // BATCH))
    net = ours(turns, 0)
    own, peer = [], []
    for _ in range(turns):
        start = time.perf_counter()
        net.partial_fit(X, y, classes=classes)
        own.append(time.perf_counter() - start)
        start = time.perf_counter()
        twin.epoch(X, y)
        peer.append(time.perf_counter() - start)
    own, peer = np.median(own), np.median(peer)
    print(f"epoch: skbptt {own:.2f} s, PyTorch {peer:.2f} s, ratio {peer / own:.1f}")


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
        start = time.perf_counter()
        model.fit(X, y)
        seconds = time.perf_counter() - start
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
