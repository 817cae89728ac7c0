"""Connectionist temporal classification, value and gradient, compared with PyTorch's on the
CPU.

    python benchmarks/ctc.py [--dtypes float32 float64] [--labels 12 80] [--seconds 2]

Both start from raw outputs: PyTorch's way is log_softmax, ctc_loss and their backward. One
thread; both run in turn in this process; times are medians.
"""

from functools import partial

import numpy as np
import torch
from peers import alternate, describe_machine, parse

from skbptt.losses import ctc

# Steps, sequences, target labels of a sequence.
SHAPES = [(100, 32, 10), (100, 32, 30), (1000, 8, 100)]


def theirs(raw, n_steps, n, labels, label_lengths):
    x = torch.from_numpy(raw.reshape(n, n_steps, -1).swapaxes(0, 1).copy())
    x.requires_grad_()
    y, lengths = torch.from_numpy(labels), torch.from_numpy(label_lengths)
    steps = torch.full((n,), n_steps)
    loss = torch.nn.CTCLoss(blank=raw.shape[1] - 1, reduction="sum")

    def step():
        x.grad = None
        value = loss(x.log_softmax(2), y, steps, lengths)
        value.backward()
        return value.item(), x.grad

    return step


def main():
    options = parse(
        __doc__.splitlines()[0],
        dtypes=["float32", "float64"],
        labels=[12, 80],
        seconds=2.0,
    )
    torch.set_num_threads(1)
    describe_machine(1)
    print("dtype    labels  steps  batch  targets  skbptt ms  PyTorch ms  ratio")
    rng = np.random.default_rng(0)
    for dtype in options.dtypes:
        for n_labels in options.labels:
            for n_steps, n, length in SHAPES:
                raw = rng.standard_normal((n * n_steps, n_labels + 1)).astype(dtype)
                labels = rng.integers(0, n_labels, n * length)
                lengths, label_lengths = np.full(n, n_steps), np.full(n, length)
                ours = partial(ctc, raw, lengths, labels, label_lengths)
                peer = theirs(raw, n_steps, n, labels, label_lengths)
                own, peer = alternate([ours, peer], options.seconds)
                print(
                    f"{dtype} {n_labels:7d} {n_steps:6d} {n:6d} {length:8d} "
                    f"{own * 1e3:10.3f} {peer * 1e3:11.3f} {peer / own:6.1f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
