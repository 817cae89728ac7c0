"""Luong's attention ("general"), forward and backward, compared with PyTorch's.

    python benchmarks/attention.py [--dtypes float32 float64] [--seconds 2]

PyTorch runs on padded tensors, with batched products and a mask; skbptt on packed rows. One
thread; both run in turn in this process; times are medians.
"""

from functools import partial

import numpy as np
import torch
from peers import alternate, describe_machine, parse

from skbptt.data import Sequences
from skbptt.layers._attention import Grid, attend, attend_back

# Sequences, shortest and longest of decoder and encoder, units.
SHAPES = [
    (64, (20, 20), (20, 20), 256),
    (64, (5, 35), (5, 35), 256),
    (64, (8, 8), (9, 9), 128),
    (16, (100, 100), (150, 150), 64),
]


def ours(s, h, W, of_s, of_h, dc):
    return attend_back(attend(s, h, W, of_s, of_h)[1], dc)


def theirs(s, h, W, there, dc):
    for x in (s, h, W):
        x.grad = None
    e = torch.bmm(s @ W, h.transpose(1, 2)).masked_fill(~there[:, None], -torch.inf)
    torch.bmm(e.softmax(2), h).backward(dc)


def main():
    options = parse(__doc__.splitlines()[0], dtypes=["float32", "float64"], seconds=2.0)
    torch.set_num_threads(1)
    describe_machine(1)
    print("dtype    batch  decoder  encoder  units  skbptt ms  PyTorch ms  ratio")
    rng = np.random.default_rng(0)
    for dtype in options.dtypes:
        for n, decoder, encoder, units in SHAPES:
            grids, rows, tensors = [], [], []
            for shortest, longest in (decoder, encoder):
                lengths = rng.integers(shortest, longest + 1, n)
                x = rng.standard_normal((lengths.sum(), units)).astype(dtype)
                batch = Sequences(x, lengths).pack(np.arange(n))
                grids.append(Grid(batch.order[batch.column], batch.time, n))
                rows.append(batch.x)
                tensors.append(torch.from_numpy(grids[-1].pad(batch.x)).requires_grad_())
            W = (rng.standard_normal((units, units)) / units).astype(dtype)
            dc = rng.standard_normal(rows[0].shape).astype(dtype)
            there = torch.from_numpy(grids[1].there)
            d_padded = torch.from_numpy(grids[0].pad(dc))
            peer = partial(
                theirs, *tensors, torch.from_numpy(W).requires_grad_(), there, d_padded
            )
            own, peer = alternate(
                [partial(ours, *rows, W, *grids, dc), peer], options.seconds
            )
            print(
                f"{dtype} {n:6d} {decoder!s:>9} {encoder!s:>10} {units:5d} "
                f"{own * 1e3:10.2f} {peer * 1e3:11.2f} {peer / own:6.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
