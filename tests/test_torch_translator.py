"""A translator with the same weights in PyTorch: same loss and gradients."""

import numpy as np
import pytest

from skbptt.cells import ElmanCell, GRUCell, LSTMCell
from skbptt.data import Data, Labels, Sequences
from skbptt.losses import SequenceCrossEntropy
from skbptt.network import Translator
from skbptt.training import Objective
from tests.gradcheck import relative_error

torch = pytest.importorskip("torch", reason="needs the extra 'peers'")

CELLS = {
    "rnn": (ElmanCell(), torch.rnn_tanh),
    "gru": (GRUCell(), torch.gru),
    "lstm": (LSTMCell(), torch.lstm),
}
N_TOKENS, N_LABELS = 5, 4
IN, OUT = np.array([4, 1, 7, 3, 7]), np.array([2, 0, 6, 1, 3])


def recurrent(function, p, prefixes, packed, starts):
    """States of one layer, packed, and its last states, (n_directions, n, n_hidden)."""
    weights = []
    for prefix in prefixes:
        W, R, b = (p[f"{prefix}.{name}"] for name in "WRb")
        b_h = torch.zeros_like(b)
        if f"{prefix}.b_n" in p:
            b_h = torch.cat([b_h[: -len(R)], p[f"{prefix}.b_n"]])
        weights += [W.T, R.T, b, b_h]
    starts = starts if function is torch.lstm else starts[0]
    how = weights, True, 1, 0.0, False, len(prefixes) == 2
    states, *last = function(packed.data, packed.batch_sizes, starts, *how)
    return packed._replace(data=states), last


def read(function, p, prefix, directions, packed, starts):
    """States of a stack of layers, padded, and the last ones of its last layer."""
    for k, of_layer in enumerate(starts):
        prefixes = [f"{prefix}.layers.{k}.{direction}" for direction in directions]
        packed, last = recurrent(function, p, prefixes, packed, of_layer)
    states, _ = torch.nn.utils.rnn.pad_packed_sequence(packed, batch_first=True)
    return states, last[0][:, packed.unsorted_indices]


def pack(sequences, vectors):
    return torch.nn.utils.rnn.pack_sequence(
        [vectors[torch.tensor(codes)] for codes in sequences], enforce_sorted=False
    )


def losses(network, function, p, inputs, targets):
    """Teacher forcing, attention (Luong et al., 2015), and sums of cross-entropies."""
    both = ("forward", "backward")[: 1 + network.bidirectional]
    n, n_states = len(inputs), len(network.cell.states)
    zeros = [
        (torch.zeros(len(both), n, size, dtype=torch.float64),) * n_states
        for size in network.sizes
    ]
    packed = pack(inputs, p["encoder.embedding.word.W"])
    H, last = read(function, p, "encoder", both, packed, zeros)
    last = torch.cat(list(last), 1)
    packed = pack([np.r_[N_LABELS, y] for y in targets], p["decoder.embedding.W"])
    starts = [
        tuple(
            torch.tanh(last @ p[f"bridge.{k}.{state}.W"] + p[f"bridge.{k}.{state}.b"])[
                packed.sorted_indices
            ][None]
            for state in network.cell.states
        )
        for k in range(len(network.sizes))
    ]
    v, _ = read(function, p, "decoder", both[:1], packed, starts)
    if network.attention:
        e = torch.einsum("nta,ab,njb->ntj", v, p["attention.W"], H)
        there = torch.arange(H.shape[1]) < torch.tensor(list(map(len, inputs)))[:, None]
        alpha = e.masked_fill(~there[:, None], -torch.inf).softmax(2)
        u = torch.cat([alpha @ H, v], 2)
        v = torch.tanh(u @ p["combine.W"] + p["combine.b"])
    raw = v @ p["output.W"] + p["output.b"]
    nothing = -1
    followed = torch.nn.utils.rnn.pad_sequence(
        [torch.tensor(np.r_[y, N_LABELS]) for y in targets], True, nothing
    )
    values = torch.nn.functional.cross_entropy(
        raw.swapaxes(1, 2), followed, ignore_index=nothing, reduction="none"
    )
    return values.sum(1)


@pytest.mark.parametrize("attention", [True, False])
@pytest.mark.parametrize("sizes", [(6,), (5, 6)], ids=["one layer", "two layers"])
@pytest.mark.parametrize("bidirectional", [True, False], ids=["both", "one"])
@pytest.mark.parametrize("kind", CELLS)
def test_losses_and_gradients(kind, bidirectional, sizes, attention):
    rng = np.random.RandomState(0)
    cell, function = CELLS[kind]
    tokens, labels = rng.randint(0, N_TOKENS, IN.sum()), rng.randint(0, N_LABELS, OUT.sum())
    weights = rng.uniform(0.5, 2, len(IN))
    network = Translator(
        cell,
        1,
        sizes,
        N_LABELS + 1,
        bidirectional,
        attention,
        label_dim=3,
        embeddings={"word": (0, N_TOKENS, 4)},
    )
    theta = network.initialise(rng, float)
    theta += 0.3 * rng.standard_normal(len(theta))
    sequences = Sequences(tokens[:, np.newaxis].astype(float), IN)
    data = Data(sequences, Labels(labels, OUT, IN), weights, per_step=False)
    objective = Objective(network, SequenceCrossEntropy(N_LABELS), data)
    value, gradient = objective.value_and_gradient(theta)

    views = network.layout.views(theta)
    p = {name: torch.tensor(view, requires_grad=True) for name, view in views.items()}
    inputs, targets = (
        np.split(codes, np.cumsum(lengths)[:-1])
        for codes, lengths in ((tokens, IN), (labels, OUT))
    )
    loss = losses(network, function, p, inputs, targets) @ torch.tensor(weights)
    loss = loss / weights.sum()
    loss.backward()
    assert value == pytest.approx(loss.item(), rel=1e-10)
    for name, view in network.layout.views(gradient).items():
        assert relative_error(view, p[name].grad.numpy()) < 1e-10, name
