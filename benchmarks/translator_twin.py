"""RNNTranslator in PyTorch, and its training."""

import time

import numpy as np
import torch
from texts import masked, padded
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


class TranslatorTwin(torch.nn.Module):
    """The network of RNNTranslator. Label ``n_labels`` is the start and the end."""

    def __init__(self, n_tokens, n_labels, n_hidden, dim, dropout=0.0):
        super().__init__()
        self.n_labels, self.rate = n_labels, dropout
        self.tokens = torch.nn.Embedding(n_tokens, dim)
        self.encoder = torch.nn.GRU(dim, n_hidden, batch_first=True, bidirectional=True)
        self.bridge = torch.nn.Linear(2 * n_hidden, n_hidden)
        self.labels = torch.nn.Embedding(n_labels + 1, dim)
        self.decoder = torch.nn.GRU(dim, n_hidden, batch_first=True)
        self.attention = torch.nn.Linear(n_hidden, 2 * n_hidden, bias=False)
        self.combine = torch.nn.Linear(3 * n_hidden, n_hidden)
        self.output = torch.nn.Linear(n_hidden, n_labels + 1)
        for embedding in (self.tokens, self.labels):
            torch.nn.init.normal_(embedding.weight, std=0.1)

    def drop(self, x):
        """Dropout with a mask for each sequence, as in skbptt."""
        return masked(x, self.rate) if self.training and self.rate else x

    def encode(self, ids, lengths, packed):
        """Encoder states, which of them are there, and the start of the decoder."""
        x = self.drop(self.tokens(ids))
        if packed:
            x = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        h, last = self.encoder(x)
        if packed:
            h, _ = pad_packed_sequence(h, batch_first=True)
        there = torch.arange(h.shape[1]) < lengths[:, None]
        start = torch.tanh(self.bridge(torch.cat([*last], 1)))[None]
        return self.drop(h), there[:, None], start

    def attend(self, s, h, there):
        """What the output layer reads."""
        e = torch.bmm(self.attention(s), h.transpose(1, 2))
        alpha = e.masked_fill(~there, -torch.inf).softmax(2)
        return torch.tanh(self.combine(torch.cat([torch.bmm(alpha, h), s], 2)))

    def forward(self, ids, lengths, before, n_labels, packed=True):
        """Raw outputs of all labels, one sequence after the other."""
        h, there, start = self.encode(ids, lengths, packed)
        s, _ = self.decoder(self.drop(self.labels(before)), start)
        v = self.drop(self.attend(s, h, there))
        return self.output(v[torch.arange(v.shape[1]) < n_labels[:, None]])

    @torch.inference_mode()
    def greedy(self, ids, lengths, max_length):
        """The labels predicted, as a list of tensors."""
        h, there, s = self.encode(ids, lengths, packed=True)
        label = torch.full((len(ids), 1), self.n_labels)
        ended, found = torch.zeros(len(ids), dtype=torch.bool), []
        for _ in range(max_length):
            states, s = self.decoder(self.labels(label), s)
            label = self.output(self.attend(states, h, there)).argmax(2)
            found.append(label[:, 0])
            ended |= label[:, 0] == self.n_labels
            if ended.all():
                break
        found = torch.stack(found, 1)
        ends = torch.cat([found == self.n_labels, torch.ones(len(ids), 1) == 1], 1)
        return [row[:n] for row, n in zip(found, ends.int().argmax(1))]

    def load(self, weights):
        """Take the weights of a fitted RNNTranslator on tokens."""
        tensors = {name: torch.tensor(value) for name, value in weights.items()}

        def recurrent(module, prefix, suffix=""):
            W, R, b, b_n = (tensors[f"{prefix}.{name}"] for name in ("W", "R", "b", "b_n"))
            b_h = torch.cat([torch.zeros(2 * len(b_n)), b_n])
            for kind, value in zip(("weight_", "bias_"), ((W.T, R.T), (b, b_h))):
                for side, of_side in zip(("ih", "hh"), value):
                    getattr(module, f"{kind}{side}_l0{suffix}").data[:] = of_side

        self.tokens.weight.data[:] = tensors["encoder.embedding.x0.W"]
        self.labels.weight.data[:] = tensors["decoder.embedding.W"]
        recurrent(self.encoder, "encoder.layers.0.forward")
        recurrent(self.encoder, "encoder.layers.0.backward", "_reverse")
        recurrent(self.decoder, "decoder.layers.0.forward")
        self.attention.weight.data[:] = tensors["attention.W"].T
        for module, name in (
            (self.bridge, "bridge.0.h"),
            (self.combine, "combine"),
            (self.output, "output"),
        ):
            module.weight.data[:] = tensors[f"{name}.W"].T
            module.bias.data[:] = tensors[f"{name}.b"]
        return self


def batch_of(X, y, n_labels):
    """Inputs of the twin, and the label after each."""
    before, n = padded([np.r_[n_labels, of_one] for of_one in y])
    after = np.concatenate([np.r_[of_one, n_labels] for of_one in y]).astype(np.int64)
    return (*padded(X), before, n), torch.from_numpy(after)


def train(module, X, y, *, rate, batch_size, epochs):
    """Adam in one cycle, on sequences of ids and of codes of labels; seconds an epoch."""
    adam = torch.optim.Adam(module.parameters(), lr=rate, fused=True)
    n_steps = epochs * -(-len(X) // batch_size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        adam, rate, n_steps, pct_start=0.1, cycle_momentum=False, div_factor=1e3
    )
    module.train()
    start = time.perf_counter()
    for _ in range(epochs):
        for indices in torch.randperm(len(X)).split(batch_size):
            inputs, after = batch_of(
                [X[i] for i in indices], [y[i] for i in indices], module.n_labels
            )
            adam.zero_grad(set_to_none=True)
            raw = module(*inputs)
            loss = torch.nn.functional.cross_entropy(raw, after, reduction="sum")
            (loss / len(indices)).backward()
            torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
            adam.step()
            schedule.step()
    return (time.perf_counter() - start) / epochs


def decode(module, X, max_length, batch_size=256):
    """Greedy predictions for all sequences, as a list of tensors."""
    module.eval()
    order = np.argsort([len(x) for x in X], kind="stable")
    found = [None] * len(X)
    for start in range(0, len(X), batch_size):
        part = order[start : start + batch_size]
        for i, labels in zip(
            part, module.greedy(*padded([X[i] for i in part]), max_length)
        ):
            found[i] = labels
    return found
