"""What the benchmarks share: the PyTorch twin, fair timing, and the machine's peak."""

import argparse
import platform
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn.utils import clip_grad_norm_
from torch.nn.utils.rnn import pack_padded_sequence

import skbptt
from skbptt.loops._engine import live

# Without it vanishing gradients make PyTorch up to ten times slower.
torch.set_flush_denormal(True)

MODULES = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}
GATES = {"rnn": 1, "gru": 3, "lstm": 4}


class Twin(torch.nn.Module):
    """One recurrent layer, and a linear layer on the state at each sequence's end.

    A single output has no axis.
    """

    def __init__(self, cell, n_features, n_hidden, dtype, n_outputs=1):
        super().__init__()
        self.recurrent = MODULES[cell](n_features, n_hidden, batch_first=True)
        self.output = torch.nn.Linear(n_hidden, n_outputs)
        self.to(torch.from_numpy(np.empty(0, dtype)).dtype)

    def forward(self, x, lengths=None, packed=False):
        if packed:
            x = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
            last = self.recurrent(x)[1]
            last = last[0] if isinstance(last, tuple) else last
            return self.output(last[0]).squeeze(1)
        states = self.recurrent(x)[0]
        if lengths is None:
            return self.output(states[:, -1]).squeeze(1)
        return self.output(states[torch.arange(len(x)), lengths - 1]).squeeze(1)


def torch_step(module, optimiser, x, y, **how):
    """One training step: forward, backward, clip, Adam."""
    optimiser.zero_grad(set_to_none=True)
    raw = module(x, **how)
    if y.is_floating_point():
        loss = 0.5 * torch.nn.functional.mse_loss(raw, y)
    else:
        loss = torch.nn.functional.cross_entropy(raw, y)
    loss.backward()
    clip_grad_norm_(module.parameters(), 1.0)
    optimiser.step()


def one_cycle(position):
    """Learning rate of skbptt as a share of its peak, at a position from 0 to 1."""
    fall = max(0.0, position - 0.1) / 0.9
    return min(1.0, position / 0.1) * 0.5 * (1 + np.cos(np.pi * fall))


def alternate(functions, seconds=2.0, least=5, turn=0.1):
    """Median seconds a call of each function, over turns in which all have theirs.

    A turn is as many calls as take about ``turn`` seconds, since training goes on with a
    warm cache.
    """
    counts = []
    for function in functions:
        function()
        start = time.perf_counter()
        function()
        counts.append(max(1, round(turn / (time.perf_counter() - start))))
    times = [[] for _ in functions]
    begin = time.perf_counter()
    while len(times[0]) < least or time.perf_counter() - begin < seconds:
        for function, count, own in zip(functions, counts, times):
            start = time.perf_counter()
            for _ in range(count):
                function()
            own.append((time.perf_counter() - start) / count)
    return [float(np.median(own)) for own in times]


def product(dtype, n=1024):
    """A product of square matrices, and its floating point operations."""
    a = np.random.default_rng(0).random((n, n)).astype(dtype)
    out = np.empty_like(a)
    return lambda: np.matmul(a, a, out=out), 2 * n**3


def geometric_mean(values):
    return float(np.exp(np.mean(np.log(values))))


def parse(description, **arguments):
    """Command line options: ``name=default``; lists take several values."""
    parser = argparse.ArgumentParser(description=description)
    for name, default in arguments.items():
        of_list = isinstance(default, list)
        kind = type(default[0] if of_list else default)
        parser.add_argument(
            f"--{name}", type=kind, default=default, nargs="+" if of_list else None
        )
    return parser.parse_args()


def describe_machine(threads):
    """Print what the figures depend on."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line for line in info.read_text().splitlines() if "model name" in line]
        cpu = names[0].split(": ")[1] if names else cpu
    print(
        f"{time.strftime('%Y-%m-%d')}, {cpu}, {platform.system()}, "
        f"Python {platform.python_version()}, NumPy {np.__version__}, "
        f"PyTorch {torch.__version__}, skbptt {skbptt.__version__} {live()}, "
        f"{threads} thread{'s' if threads > 1 else ''}"
    )
