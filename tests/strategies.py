"""Hypothesis strategies: networks, ragged sequences, losses with targets, windows."""

import numpy as np
from hypothesis import strategies as st

from skbptt import losses
from skbptt.cells import Cell, ElmanCell, GRUCell, LEMCell, LSTMCell
from skbptt.cells._activations import logistic
from skbptt.data._sequences import Sequences
from skbptt.loops._readout import READOUTS
from skbptt.network import Stack


class LeakyCell(Cell):
    """A custom cell, with a vector of parameters: a learned leak of each unit."""

    gates = ("s",)
    vectors = ("leak",)

    def step(self, a, u, state, p):
        (h,) = state
        (s,) = np.tanh(a + u)
        k = logistic(p["leak"])
        return (k * h + (1 - k) * s,), (h, s)

    def step_back(self, d_state, tape, p):
        (dh,) = d_state
        h, s = tape
        k = logistic(p["leak"])
        da = (dh * (1 - k) * (1 - s * s))[np.newaxis]
        d_leak = (dh * (h - s)).sum(axis=0) * k * (1 - k)
        return da, da, (dh * k,), {"leak": d_leak}


CELLS = [
    ElmanCell("tanh"),
    ElmanCell("relu"),
    ElmanCell("logistic"),
    ElmanCell("identity"),
    GRUCell(),
    GRUCell(reset_after=False),
    LEMCell(dt=0.7),
    LSTMCell(),
    LeakyCell(),
]

cells = st.sampled_from(CELLS)
seeds = st.integers(0, 2**31 - 1)
lengths = st.lists(st.integers(1, 7), min_size=1, max_size=5)
truncations = st.none() | st.tuples(st.integers(1, 5), st.integers(0, 4)).map(
    lambda k: (k[0], k[0] + k[1])
)


@st.composite
def problems(draw):
    """(network, loss, sequences, y, weights, theta): all that an objective needs."""
    rng = np.random.RandomState(draw(seeds))
    n_steps = np.array(draw(lengths))
    n_features = draw(st.integers(1, 3))
    sequences = Sequences(rng.standard_normal((n_steps.sum(), n_features)), n_steps)
    kind = draw(st.sampled_from(["softmax", "labels", "real", "counts"]))
    n_outputs = draw(st.integers(2, 4) if kind == "softmax" else st.integers(1, 3))
    of_kind = {
        "softmax": [losses.CrossEntropy(n_outputs)],
        "labels": [losses.BinaryCrossEntropy()],
        "counts": [losses.Poisson(), losses.NegativeBinomial()],
        "real": [
            losses.SquaredError(),
            losses.AbsoluteError(),
            losses.Huber(),
            losses.Quantile(0.2),
            losses.Quantiles([0.2, 0.4, 0.9]),
            losses.Gaussian(),
            losses.StudentT(),
        ],
    }
    loss = draw(st.sampled_from(of_kind[kind]))
    network = Stack(
        draw(cells),
        n_features,
        draw(st.lists(st.integers(1, 4), min_size=1, max_size=2)),
        n_outputs * loss.n_raw,
        draw(st.booleans()),
        draw(st.sampled_from([None, *READOUTS])),
    )
    n = len(sequences.steps) if network.readout is None else len(sequences)
    if kind == "softmax":
        y = rng.randint(0, n_outputs, n)
    elif kind == "labels":
        y = rng.randint(0, 2, (n, n_outputs))
    elif kind == "counts":
        y = rng.poisson(2.0, (n, n_outputs)).astype(float)
    else:
        y = 2 * rng.standard_normal((n, n_outputs))
    weights = rng.randint(0, 4, n) * rng.uniform(0.5, 1.5, n)
    weights[rng.randint(n)] = 1.0
    theta = network.initialise(rng, np.float64)
    theta += 0.3 * rng.standard_normal(len(theta))
    return network, loss, sequences, y, weights, theta
