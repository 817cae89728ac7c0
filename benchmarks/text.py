"""An epoch of training on texts compared with PyTorch: the same net, batches and optimiser.

    python benchmarks/text.py --data FOLDER [--vocabulary 10000] [--hidden 64]

A bidirectional GRU on vectors of tokens, in float32; batches of 32, Adam, one thread.
FOLDER holds ``sentiment_movies.tsv.gz``: reviews of films. PyTorch packs the sequences, and
computes the gradients of the vectors dense with Adam, and sparse with SparseAdam, which
skips the tokens that a batch does not contain and the clipping. Times are medians over
turns in which all train for one epoch.
"""

import numpy as np
import torch
from peers import alternate, describe_machine, parse
from texts import TokenTwin, epoch, read

from skbptt import RNNClassifier
from skbptt.preprocessing import TokenEncoder


def peer(X, y, n_tokens, options, sparse):
    module = TokenTwin(
        n_tokens, options.dim, options.hidden, 1, steps=False, dropout=0.0, sparse=sparse
    )
    dense = [p for name, p in module.named_parameters() if "embedding" not in name]
    optimisers = [torch.optim.Adam(module.parameters(), lr=1e-3)]
    if sparse:
        vectors = module.embedding.parameters()
        optimisers = [
            torch.optim.Adam(dense, lr=1e-3),
            torch.optim.SparseAdam(vectors, 1e-3),
        ]

    def loss(raw, y, lengths):
        y = torch.tensor(y, dtype=raw.dtype)
        return torch.nn.functional.binary_cross_entropy_with_logits(raw[:, 0], y)

    return lambda: epoch(module, optimisers, X, y, loss)


def main():
    options = parse(
        __doc__.splitlines()[0], data="", vocabulary=10_000, hidden=64, dim=64, seconds=60.0
    )
    torch.set_num_threads(1)
    describe_machine(1)
    labels, texts = read(options.data, "sentiment_movies", "train")
    encoder = TokenEncoder(max_tokens=options.vocabulary).fit(texts)
    X, y = encoder.transform(texts), (labels == "pos").astype(int)
    n_tokens = len(encoder.vocabulary_) + 1
    model = RNNClassifier(
        options.hidden,
        bidirectional=True,
        embedding_dim=options.dim,
        learning_rate="constant",
        learning_rate_init=1e-3,
        max_iter=1,
        tol=0,
        n_iter_no_change=np.inf,
    )
    fits = [
        lambda: model.fit(X, y),
        peer(X, y, n_tokens, options, sparse=False),
        peer(X, y, n_tokens, options, sparse=True),
    ]
    own, dense, sparse = alternate(fits, seconds=options.seconds)
    n = sum(map(len, X))
    print(f"{len(X)} texts, {n} tokens, {n_tokens} of them different")
    print(f"skbptt {own:.2f} s an epoch; PyTorch, dense {dense:.2f}, sparse {sparse:.2f}")
    print(f"times faster: {min(dense, sparse) / own:.2f}")


if __name__ == "__main__":
    main()
