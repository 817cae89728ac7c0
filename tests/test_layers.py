"""Layers one by one: their four verbs against the complex step, and their streams."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skbptt.cells import ElmanCell, GRUCell, LSTMCell
from skbptt.data._sequences import Sequences
from skbptt.layers import (
    Chain,
    Columns,
    Dense,
    Dropout,
    Embedding,
    Layer,
    Pass,
    Recurrent,
    Sides,
)
from skbptt.loops import _engine
from skbptt.loops._readout import READOUTS, read
from skbptt.loops._workspace import Workspace
from skbptt.network import Layout, Network, Stack, raw_outputs
from tests import strategies
from tests.gradcheck import H, relative_error

LENGTHS = np.array([4, 1, 6, 3])
N_IN = 3


def packed(dtype=float, seed=0):
    steps = np.random.RandomState(seed).standard_normal((LENGTHS.sum(), N_IN))
    return Sequences(steps.astype(dtype), LENGTHS).pack(np.arange(len(LENGTHS)))


def sides(readout=None):
    one, two = (
        Recurrent(GRUCell(), N_IN, 4, readout, reverse) for reverse in (False, True)
    )
    return Sides({"forward": one, "backward": two})


class Lookup(Layer):
    """Vectors of symbols, which have no gradient by the input."""

    width = 2

    def shapes(self):
        return {"E": (5, self.width)}

    def forward(self, p, x, run):
        codes = np.abs(x[:, 0].real).astype(int) % 5
        return p["E"][codes], codes

    def backward(self, p, codes, dy, grad, run, need_dx):
        grad["E"][:] = 0
        np.add.at(grad["E"], codes, dy)
        return np.zeros((len(codes), N_IN)) if need_dx else None


class Squared(Layer):
    """A layer without parameters that leaves its derivatives to the base class."""

    width = N_IN

    def forward(self, p, x, run):
        return x * x, x

    def backward(self, p, x, dy, grad, run, need_dx):
        return 2 * x * dy if need_dx else None


LAYERS = {
    **{
        f"{cell!r} {readout} {'back' if reverse else ''}": Recurrent(
            cell, N_IN, 4, readout, reverse
        )
        for cell in strategies.CELLS
        for readout in (None, *READOUTS)
        for reverse in (False, True)
        # Which of equal states is the largest is a convention.
        if repr(cell) != "ElmanCell('relu')" or readout not in ("max", "concat")
    },
    "dense": Dense(N_IN, 2),
    "dropout": Dropout(0.4, N_IN),
    "both": sides(),
    "both read": sides("concat"),
    "chain": Chain(
        {
            "squared": Squared(),
            "layers.0": sides(),
            "dropout.0": Dropout(0.3, 8),
            "layers.1": Recurrent(LSTMCell(), 8, 2, "concat"),
            "dropout.1": Dropout(0.3, 2),
            "output": Dense(6, 2),
        }
    ),
    "lookup": Chain({"lookup": Lookup(), "output": Dense(2, 2)}),
    "squared": Squared(),
    "columns": Columns(N_IN, np.array([2, 0])),
    # The integer parts of x are codes, of which those below zero are not known.
    "embedding": Embedding(N_IN, 1, 4, 2),
    "tokens": Stack(
        GRUCell(), N_IN, (4,), 2, True, "mean", 0.4, embeddings={"w": (1, 3, 2)}
    ).layer,
    "categories": Stack(
        ElmanCell(),
        N_IN,
        (2, 3),
        2,
        False,
        None,
        0.4,
        learned_start=True,
        embeddings={"one": (2, 3, 2), "two": (0, 4, 3)},
    ).layer,
    **{
        f"{cell!r} learned start {readout} {'back' if reverse else ''}": Recurrent(
            cell, N_IN, 4, readout, reverse, learned_start=True
        )
        for cell in strategies.CELLS
        for readout, reverse in ((None, False), ("mean", True))
    },
}


class Point:
    """A layer at a point: parameters and input as one flat vector, and a fixed loss."""

    def __init__(self, layer, seed=0):
        rng = np.random.RandomState(seed)
        self.layer, self.batch = layer, packed()
        self.layout = Layout({"p": layer.shapes(), "x": self.batch.x.shape})
        self.point = 0.7 * rng.standard_normal(self.layout.size)
        self.layout.tree(self.point)["x"][:] = self.batch.x
        self.noise = layer.draw(rng, len(LENGTHS), float)
        self.c = rng.standard_normal(self.forward(self.point)[0].shape)

    def run(self):
        return Pass(self.batch, Workspace(), noise=self.noise)

    def forward(self, point):
        tree, run = self.layout.tree(point), self.run()
        return *self.layer.forward(tree["p"], tree["x"], run), tree, run

    def loss(self, point):
        """Not linear in the output, so that its gradient has a derivative."""
        y, *_ = self.forward(point)
        return (self.c * y + y**3).sum()

    def gradient(self, point):
        y, tape, tree, run = self.forward(point)
        gradient = np.full(len(point), np.nan, y.dtype)
        grad = self.layout.tree(gradient)
        dy = self.c + 3 * y**2
        grad["x"][:] = self.layer.backward(tree["p"], tape, dy, grad["p"], run, True)
        return gradient

    def tangents(self, v):
        """Derivatives of output and gradient along v."""
        y, tape, tree, _ = self.forward(self.point)
        dot, run = self.layout.tree(v), self.run()
        y_dot, tangent = self.layer.tangent(
            tree["p"], dot["p"], tree["x"], dot["x"], tape, run
        )
        result = np.full(len(v), np.nan)
        grad = self.layout.tree(result)
        dy, dy_dot = self.c + 3 * y**2, 6 * y * y_dot
        of_layer = tree["p"], dot["p"], tape, tangent
        _, grad["x"][:] = self.layer.tangent_back(
            *of_layer, dy, dy_dot, grad["p"], run, True
        )
        # Without the derivative by the input, the others stay what they are.
        alone = np.full(len(v), np.nan)
        self.layer.tangent_back(
            *of_layer, dy, dy_dot, self.layout.tree(alone)["p"], run, False
        )
        n = self.layout.size - self.batch.x.size
        np.testing.assert_array_equal(alone[:n], result[:n])
        return y_dot, result


@pytest.mark.parametrize("loops", ["compiled", "numpy"])
@pytest.mark.parametrize("name", LAYERS)
def test_four_verbs_against_the_complex_step(name, loops, monkeypatch):
    if loops == "numpy":
        monkeypatch.setattr(_engine, "LOOPS", None)
    at = Point(LAYERS[name])
    gradient = at.gradient(at.point)
    expected = np.empty_like(gradient)
    for k in range(len(expected)):
        step = at.point.astype(complex)
        step[k] += 1j * H
        expected[k] = at.loss(step).imag / H
    assert relative_error(gradient, expected) < 1e-9
    rng = np.random.RandomState(1)
    u, v = rng.standard_normal((2, len(at.point)))
    products = []
    for direction in (u, v):
        y_dot, product = at.tangents(direction)
        step = at.point + 1j * H * direction
        assert relative_error(y_dot, at.forward(step)[0].imag / H) < 1e-9
        assert relative_error(product, at.gradient(step).imag / H) < 1e-9
        products.append(product)
    # The matrix of second derivatives is symmetric.
    assert products[0] @ v == pytest.approx(products[1] @ u, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("readout", [None, "concat"])
def test_a_chain_without_parameters_below_stops_there(readout):
    """Gradients go down to the lowest layer that has parameters, unless asked for."""

    class Bottom(Squared):
        def backward(self, p, x, dy, grad, run, need_dx):
            assert need_dx, "nobody needs this"
            return super().backward(p, x, dy, grad, run, need_dx)

    layers = {"bottom": Bottom(), "top": Recurrent(ElmanCell(), N_IN, 4, readout)}
    network = Network(Chain(layers))
    theta = network.initialise(np.random.RandomState(0), float)
    raw, tape = network.forward(theta, packed())
    alone, nothing = network.backward(tape, raw)
    gradient, dx = network.backward(tape, raw, need_dx=True)
    assert nothing is None
    np.testing.assert_array_equal(alone, gradient)
    assert np.abs(dx).min() > 0


@given(
    strategies.cells,
    st.lists(st.integers(1, 5), min_size=1, max_size=3),
    st.sampled_from([None, *READOUTS]),
    strategies.seeds,
)
@settings(max_examples=80, deadline=None)
def test_streams_equal_prefixes(cell, sizes, readout, seed):
    """After each step, the output is that of the sequence so far."""
    rng = np.random.RandomState(seed)
    network = Stack(cell, N_IN, sizes, 2, False, readout, 0.5)
    assert network.layer.cannot("stream") is None
    theta = network.initialise(rng, float)
    theta += 0.3 * rng.standard_normal(len(theta))
    x = rng.standard_normal((4, 6, N_IN))
    stepper = network.stepper(theta, 4)
    for t in range(1, 7):
        raw = stepper.step(x[:, t - 1])
        prefixes = Sequences(x[:, :t].reshape(-1, N_IN), np.full(4, t))
        expected = raw_outputs(network, theta, prefixes)
        expected = expected.reshape(4, -1, 2)[:, -1]
        np.testing.assert_allclose(raw, expected, rtol=1e-11, atol=1e-12)


def test_what_cannot_stream_says_why():
    network = Stack(GRUCell(), N_IN, (3,), 1, True, "last")
    reason = "layers.0: backward: it reads each sequence from its end"
    assert network.layer.cannot("stream") == reason
    with pytest.raises(TypeError, match="reads each sequence from its end"):
        network.stepper(network.initialise(np.random.RandomState(0), float), 1)
    reason = "top: Squared has no stepper for streams"
    assert Chain({"top": Squared()}).cannot("stream") == reason
    with pytest.raises(TypeError, match="Squared has no stepper for streams"):
        Squared().stepper({}, 1, float)


def test_a_layer_that_goes_row_by_row_can_stream():
    class RowByRow(Squared):
        row_by_row = True

    network = Network(Chain({"squared": RowByRow(), "output": Dense(N_IN, 2)}))
    assert network.layer.cannot("stream") is None
    theta = np.arange(8.0)
    stepper, x = network.stepper(theta, 2), np.arange(6.0).reshape(2, 3)
    expected = x**2 @ theta[:6].reshape(3, 2) + theta[6:]
    np.testing.assert_array_equal(stepper.step(x), expected)
    assert stepper.states == {}


def test_both_directions_read_forward_can_stream():
    """Sides that all read forward stand side by side in a stream as well."""
    layer = Sides({"a": Recurrent(GRUCell(), N_IN, 3), "b": Dense(N_IN, 2)})
    network = Network(layer)
    theta = network.initialise(np.random.RandomState(0), float)
    x = np.random.RandomState(1).standard_normal((5, N_IN))
    raw, _ = network.forward(theta, Sequences(x, np.array([5])).pack([0]))
    stepper = network.stepper(theta, 1)
    for t in range(5):
        np.testing.assert_allclose(stepper.step(x[[t]])[0], raw[t], rtol=1e-12)
    np.testing.assert_allclose(stepper.states["a.h"], raw[4:, :3], rtol=1e-12)


def test_names_order_and_penalty():
    network = Stack(GRUCell(), 2, (3, 4), 5, True, "concat", 0.1)
    expected = {}
    for k, (n_in, n) in enumerate([(2, 3), (6, 4)]):
        for side in ("forward", "backward"):
            shapes = {"W": (n_in, 3 * n), "R": (n, 3 * n), "b": (3 * n,), "b_n": (n,)}
            expected |= {f"layers.{k}.{side}.{name}": s for name, s in shapes.items()}
    expected |= {"output.W": (24, 5), "output.b": (5,)}
    assert list(network.layout.shapes.items()) == list(expected.items())
    views = network.layout.views(network.penalised(float))
    for name, mask in views.items():
        assert (mask == (name[-2:] in (".W", ".R"))).all()
    one = Stack(GRUCell(), 2, (3,), 5, False, None)
    assert [*one.layout.shapes][:2] == ["layers.0.forward.W", "layers.0.forward.R"]


def test_layout_counts_from_the_start():
    layout = Layout({"a": {"x": (2, 3), "y": ()}, "b": (4,), "empty": {}})
    vector = np.arange(11.0)
    assert layout.size == 11
    views, tree = layout.views(vector), layout.tree(vector)
    np.testing.assert_array_equal(views["a.x"], [[0, 1, 2], [3, 4, 5]])
    assert views["a.y"] == tree["a"]["y"] == 6
    tree["b"][1] = -1
    np.testing.assert_array_equal(vector[7:], [7, -1, 9, 10])
    assert tree["empty"] == {}


def test_a_description_and_weights_are_a_fitted_network():
    network = Stack(LSTMCell(), N_IN, (3, 2), 2, True, "mean", 0.2)
    theta = network.initialise(np.random.RandomState(0), float)
    again = Stack(**network.description)
    batch = packed()
    np.testing.assert_array_equal(
        again.forward(theta, batch)[0], network.forward(theta, batch)[0]
    )
    noise = [n.draw(np.random.RandomState(1), 4, float) for n in (network, again)]
    masks = [np.concatenate([*of.values()], axis=1) for of in noise]
    np.testing.assert_array_equal(*masks)
    assert 0 < (masks[0] == 0).mean() < 0.5


def test_unknown_readouts_are_refused():
    """They were taken for "max"."""
    with pytest.raises(ValueError, match=r"readout must be one of .* Got 'median'"):
        Stack(GRUCell(), 2, (3,), 1, False, "median")
    with pytest.raises(ValueError, match="Got 'median'"):
        read(np.zeros((LENGTHS.sum(), 2)), packed(), ("median",))


def test_no_noise_without_dropout():
    """So that a random state is not used up."""
    rng = np.random.RandomState(0)
    assert Stack(GRUCell(), 2, (3,), 1, False, "last").draw(rng, 4, float) == {}
    assert rng.uniform() == np.random.RandomState(0).uniform()
