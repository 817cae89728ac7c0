"""What the benchmarks on text share: the data, and the PyTorch twin of a net of tokens."""

import gzip
from pathlib import Path

import numpy as np
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


def read(folder, name, *splits):
    """Second and third columns of the rows of some splits, as two arrays."""
    with gzip.open(Path(folder) / f"{name}.tsv.gz", "rt", encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("\t") for line in file]
    chosen = [row[1:] for row in rows if row[0] in splits]
    return map(np.array, zip(*chosen))


def masked(x, rate):
    """Dropout of (n, n_steps, width) with one mask per sequence."""
    mask = torch.empty(len(x), 1, x.shape[2]).bernoulli_(1 - rate) / (1 - rate)
    return x * mask


class TokenTwin(torch.nn.Module):
    """Embedding, one bidirectional GRU, and a linear layer on each step or the readout.

    Starting values are those of skbptt where they matter: the vectors.
    """

    def __init__(self, n_tokens, dim, n_hidden, n_outputs, *, steps, dropout, sparse=False):
        super().__init__()
        self.embedding = torch.nn.Embedding(n_tokens, dim, sparse=sparse)
        torch.nn.init.normal_(self.embedding.weight, std=0.1)
        self.recurrent = torch.nn.GRU(dim, n_hidden, batch_first=True, bidirectional=True)
        self.output = torch.nn.Linear(2 * n_hidden * (1 if steps else 3), n_outputs)
        self.steps, self.dropout = steps, dropout

    def forward(self, ids, lengths):
        x = self.embedding(ids)
        drop = self.dropout if self.training else 0.0
        if drop:
            x = masked(x, drop)
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        states, last = self.recurrent(packed)
        states, _ = pad_packed_sequence(states, batch_first=True)
        if self.steps:
            return self.output(masked(states, drop) if drop else states)
        there = (torch.arange(states.shape[1]) < lengths[:, None])[:, :, None]
        mean = (states * there).sum(1) / lengths[:, None]
        top = states.masked_fill(~there, -torch.inf).amax(1)
        read = torch.cat([last[0], last[1], mean, top], 1)
        if drop:
            units = masked(states.new_ones(len(states), 1, states.shape[2]), drop)[:, 0]
            read = read * units.repeat(1, 3)
        return self.output(read)


def padded(sequences):
    """Sequences as one matrix padded by zeros, and their lengths."""
    lengths = torch.tensor([len(ids) for ids in sequences])
    ids = torch.zeros(len(sequences), int(lengths.max()), dtype=torch.long)
    for row, of_one in zip(ids, sequences):
        row[: len(of_one)] = torch.from_numpy(np.asarray(of_one))
    return ids, lengths


def epoch(module, optimisers, X, y, loss, batch_size=32, schedule=None):
    """One epoch of training in batches, with the gradient clipped to norm 1."""
    module.train()
    for indices in torch.randperm(len(X)).split(batch_size):
        ids, lengths = padded([X[i] for i in indices])
        for optimiser in optimisers:
            optimiser.zero_grad(set_to_none=True)
        loss(module(ids, lengths), [y[i] for i in indices], lengths).backward()
        if not module.embedding.sparse:
            torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        for optimiser in optimisers:
            optimiser.step()
        if schedule is not None:
            schedule.step()


def predict(module, X, batch_size=256):
    """Raw outputs of all sequences, as a list."""
    module.eval()
    raw = []
    with torch.inference_mode():
        for start in range(0, len(X), batch_size):
            ids, lengths = padded(X[start : start + batch_size])
            raw += [
                out[:n] if module.steps else out
                for out, n in zip(module(ids, lengths).numpy(), lengths)
            ]
    return raw
