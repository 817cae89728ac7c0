"""A training step of the translator, and greedy decoding, compared with PyTorch's.

    python benchmarks/translator.py [--seconds 5] [--data FOLDER] [--train 20000]

Both nets have a bidirectional GRU of 128 units, a GRU of 128 units as the decoder,
embeddings of 64, Luong's attention and the same parameters, in float32. They run in turn in
this process in one thread; times are medians. A step is forward, backward, clip and Adam
for 64 sequences. PyTorch's encoder runs packed and padded, and the faster one counts. It
computes output and loss only where there is a label.

FOLDER holds ``g2p_cmudict.tsv.gz``. With it, a translator learns from part of the training
words, and the greedy pronunciations of all test words are timed, with those weights in both
nets. The loop in PyTorch decodes one word at a time, or batches of words of like length
until all have ended.
"""

from functools import partial

import numpy as np
import torch
from peers import alternate, describe_machine, parse
from scipy.linalg import norm
from texts import read
from threadpoolctl import threadpool_limits
from translator_twin import TranslatorTwin, batch_of, decode

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
    inputs, after = batch_of(tokens, labels, n_labels)

    def step():
        adam.zero_grad(set_to_none=True)
        raw = module(*inputs, packed)
        loss = torch.nn.functional.cross_entropy(raw, after, reduction="sum") / BATCH
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

    def loop(batch_size):
        found = decode(twin, codes, model._longest, batch_size)
        return [" ".join(model.classes_[labels]) for labels in found]

    same = np.mean(model.predict(X) == np.array(loop(256)))
    sizes = 1, 64, 256, 1024
    functions = [partial(model.predict, X), *(partial(loop, size) for size in sizes)]
    own, *peers = alternate(functions, seconds, least=3)
    print(f"{len(X)} test words, {same:.2%} decoded alike: skbptt {own:.2f} s", end="")
    for size, peer in zip(sizes, peers):
        print(f", PyTorch in batches of {size} {peer:.2f} s", end="")
    print(f"; ratios {peers[0] / own:.1f} (one word at a time), {min(peers) / own:.1f}")


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
