"""A training step of the translator, and greedy decoding, beside PyTorch's.

    python benchmarks/translator.py [--seconds 5] [--data FOLDER] [--train 20000]

Both nets have a bidirectional GRU of 128 units, a GRU of 128 units as the decoder,
embeddings of 64, Luong's attention and the same parameters, in float32. They run in turn in
this process in one thread; times are medians. A step is forward, backward, clip and Adam
for 64 sequences. PyTorch's encoder runs packed and padded, and the faster one counts. It
computes output and loss only where there is a label.

FOLDER holds ``g2p_cmudict.tsv.gz``. With it, a translator learns from part of the training
words, and the greedy pronunciations of all test words are timed, with those weights in both
nets. The loop in PyTorch decodes batches of words of like length, of the size that is
fastest, until all have ended.
"""

from functools import partial

import numpy as np
import torch
from peers import alternate, describe_machine, parse
from scipy.linalg import norm
from texts import padded, read
from threadpoolctl import threadpool_limits
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from skbptt import RNNTranslator
from skbptt.cells import GRUCell
from skbptt.data import Data, Labels, Sequences
from skbptt.losses import SequenceCrossEntropy
from skbptt.network import Translator
from skbptt.preprocessing import TokenEncoder
from skbptt.solvers import Adam
from skbptt.training import Objective

HIDDEN, DIM, BATCH = 128, 64, 64

# Sizes of the vocabularies, shortest and longest input and output.
SHAPES = [(30, 40, (3, 12), (3, 11)), (7000, 7000, (8, 16), (8, 16))]


class TranslatorTwin(torch.nn.Module):
    """The network of RNNTranslator. Label ``n_labels`` is the start and the end."""

    def __init__(self, n_tokens, n_labels, n_hidden, dim):
        super().__init__()
        self.n_labels = n_labels
        self.tokens = torch.nn.Embedding(n_tokens, dim)
        self.encoder = torch.nn.GRU(dim, n_hidden, batch_first=True, bidirectional=True)
        self.bridge = torch.nn.Linear(2 * n_hidden, n_hidden)
        self.labels = torch.nn.Embedding(n_labels + 1, dim)
        self.decoder = torch.nn.GRU(dim, n_hidden, batch_first=True)
        self.attention = torch.nn.Linear(n_hidden, 2 * n_hidden, bias=False)
        self.combine = torch.nn.Linear(3 * n_hidden, n_hidden)
        self.output = torch.nn.Linear(n_hidden, n_labels + 1)

    def encode(self, ids, lengths, packed):
        """Encoder states, which of them are there, and the start of the decoder."""
        x = self.tokens(ids)
        if packed:
            x = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        h, last = self.encoder(x)
        if packed:
            h, _ = pad_packed_sequence(h, batch_first=True)
        there = torch.arange(h.shape[1]) < lengths[:, None]
        return h, there[:, None], torch.tanh(self.bridge(torch.cat([*last], 1)))[None]

    def attend(self, s, h, there):
        """What the output layer reads."""
        e = torch.bmm(self.attention(s), h.transpose(1, 2))
        alpha = e.masked_fill(~there, -torch.inf).softmax(2)
        return torch.tanh(self.combine(torch.cat([torch.bmm(alpha, h), s], 2)))

    def forward(self, ids, lengths, before, n_labels, packed=True):
        """Raw outputs of all labels, one sequence after the other."""
        h, there, start = self.encode(ids, lengths, packed)
        s, _ = self.decoder(self.labels(before), start)
        v = self.attend(s, h, there)
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


def our_step(tokens, labels, n_tokens, n_labels):
    dtype = np.float32
    embeddings = {"x0": (0, n_tokens, DIM)}
    how = GRUCell(), 1, (HIDDEN,), n_labels + 1, True, True, DIM
    network = Translator(*how, embeddings=embeddings)
    steps = np.concatenate(tokens)[:, np.newaxis].astype(dtype)
    sequences = Sequences(steps, np.array(list(map(len, tokens))))
    lengths = np.array(list(map(len, labels)))
    y = Labels(np.concatenate(labels), lengths, sequences.lengths)
    data = Data(sequences, y, np.ones(len(tokens), dtype), per_step=False)
    objective = Objective(network, SequenceCrossEntropy(n_labels), data)
    theta = network.initialise(np.random.RandomState(0), dtype)
    rule = Adam(0.9, 0.999, 1e-8)
    state = rule.start(theta)
    indices = np.arange(len(tokens))

    def step():
        _, gradient = objective.value_and_gradient(theta, indices)
        size = norm(gradient, check_finite=False)
        if size > 1:
            gradient *= 1 / size
        rule.step(theta, gradient, 1e-3, state)

    return step


def torch_step(tokens, labels, n_tokens, n_labels, packed):
    module = TranslatorTwin(n_tokens, n_labels, HIDDEN, DIM)
    adam = torch.optim.Adam(module.parameters(), lr=1e-3, fused=True)
    ids, lengths = padded(tokens)
    before, n = padded([np.r_[n_labels, y] for y in labels])
    after = torch.from_numpy(np.concatenate([np.r_[y, n_labels] for y in labels]))

    def step():
        adam.zero_grad(set_to_none=True)
        raw = module(ids, lengths, before, n, packed)
        loss = torch.nn.functional.cross_entropy(raw, after, reduction="sum") / len(ids)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        adam.step()

    return step


def steps(seconds):
    print("vocabularies  skbptt ms  packed ms  padded ms  ratio")
    rng = np.random.default_rng(0)
    for n_tokens, n_labels, *spans in SHAPES:
        tokens, labels = (
            [rng.integers(0, n, k) for k in rng.integers(span[0], span[1] + 1, BATCH)]
            for n, span in zip((n_tokens, n_labels), spans)
        )
        of_set = tokens, labels, n_tokens, n_labels
        peers = [torch_step(*of_set, packed) for packed in (True, False)]
        own, *peers = alternate([our_step(*of_set), *peers], seconds)
        sizes = f"{n_tokens}/{n_labels}"
        print(
            f"{sizes:12} {own * 1e3:10.2f} {peers[0] * 1e3:10.2f} {peers[1] * 1e3:10.2f} "
            f"{min(peers) / own:6.2f}",
            flush=True,
        )


def decoding(folder, n_train, seconds):
    words, sounds = read(folder, "g2p_cmudict", "train")
    words_test, _ = read(folder, "g2p_cmudict", "test")
    some = np.random.default_rng(0).permutation(len(words))[:n_train]
    encoder = TokenEncoder("char").fit(words)
    how = {"bidirectional": True, "embedding_dim": DIM, "batch_size": BATCH}
    model = RNNTranslator(HIDDEN, **how, max_iter=2, random_state=0)
    model.fit(encoder.transform(words[some]), sounds[some])
    X = encoder.transform(words_test)
    codes = [np.searchsorted(model.categories_[0], x) for x in X]
    n_tokens = len(model.categories_[0])
    twin = TranslatorTwin(n_tokens, len(model.classes_), HIDDEN, DIM).load(model.weights_)
    order = np.argsort([len(x) for x in X], kind="stable")

    def loop(batch_size):
        found = [None] * len(X)
        for start in range(0, len(X), batch_size):
            part = order[start : start + batch_size]
            ids = padded([codes[i] for i in part])
            for i, labels in zip(part, twin.greedy(*ids, model._longest)):
                found[i] = labels
        return [" ".join(model.classes_[labels]) for labels in found]

    same = np.mean(model.predict(X) == np.array(loop(256)))
    sizes = 64, 256, 1024
    functions = [partial(model.predict, X), *(partial(loop, size) for size in sizes)]
    own, *peers = alternate(functions, seconds, least=3)
    print(f"{len(X)} test words, {same:.2%} decoded alike: skbptt {own:.2f} s", end="")
    for size, peer in zip(sizes, peers):
        print(f", PyTorch in batches of {size} {peer:.2f} s", end="")
    print(f"; ratio {min(peers) / own:.1f}")


def main():
    options = parse(__doc__.splitlines()[0], seconds=5.0, data="", train=20000)
    torch.set_num_threads(1)
    describe_machine(1)
    with threadpool_limits(1, "blas"):
        steps(options.seconds)
        if options.data:
            decoding(options.data, options.train, options.seconds)


if __name__ == "__main__":
    main()
