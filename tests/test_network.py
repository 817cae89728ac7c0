"""Forward passes by value: batches, padding, order, reversal and readouts."""

import numpy as np
import pytest
from hypothesis import given, settings

from skbptt.cells import ElmanCell, GRUCell, LEMCell, LSTMCell
from skbptt.data._sequences import Sequences
from skbptt.loops._readout import READOUTS
from skbptt.network import Stack, raw_outputs
from tests import strategies
from tests.gradcheck import reference_raw


@settings(max_examples=100, deadline=None)
@given(strategies.problems())
def test_forward_equals_one_sequence_at_a_time(problem):
    network, _, sequences, _, _, theta = problem
    raw = raw_outputs(network, theta, sequences)
    xs = sequences.split(sequences.steps)
    expected = np.vstack([np.atleast_2d(reference_raw(network, theta, x)) for x in xs])
    np.testing.assert_allclose(raw, expected, rtol=1e-12, atol=1e-13)


@settings(max_examples=50, deadline=None)
@given(strategies.problems(), strategies.seeds)
def test_prediction_does_not_depend_on_the_others(problem, seed):
    network, _, sequences, _, _, theta = problem
    order = np.random.RandomState(seed).permutation(len(sequences))
    per_step = network.readout is None
    raw = raw_outputs(network, theta, sequences)
    rows = sequences.rows_of(order) if per_step else order
    shuffled = raw_outputs(network, theta, sequences.take(order))
    np.testing.assert_allclose(shuffled, raw[rows], rtol=1e-12, atol=1e-13)
    for i in range(len(sequences)):
        alone = raw_outputs(network, theta, sequences.take([i]))
        rows = sequences.rows_of([i]) if per_step else [i]
        np.testing.assert_allclose(alone, raw[rows], rtol=1e-12, atol=1e-13)


def test_elman_by_hand():
    """Two steps of h_t = tanh(x_t W + b + h_{t-1} R), with numbers from a calculator."""
    network = Stack(ElmanCell(), 1, (1,), 1, False, None)
    theta = np.zeros(network.layout.size)
    views = network.layout.views(theta)
    views["layers.0.forward.W"][:] = 0.5
    views["layers.0.forward.R"][:] = -1.0
    views["layers.0.forward.b"][:] = 0.1
    views["output.W"][:] = 2.0
    views["output.b"][:] = 1.0
    raw = raw_outputs(network, theta, Sequences(np.array([[1.0], [2.0]]), np.array([2])))
    # tanh(0.6) = 0.5370495669980353; tanh(1.1 - 0.5370...) = 0.5101007...
    first = 0.5370495669980353
    second = np.tanh(1.1 - first)
    np.testing.assert_allclose(raw[:, 0], [1 + 2 * first, 1 + 2 * second], rtol=1e-15)


@pytest.mark.parametrize("cell", [ElmanCell(), GRUCell(), LEMCell(), LSTMCell()], ids=repr)
def test_backward_direction_reads_each_sequence_from_its_own_end(cell):
    """The backward half on X is the forward half on the reversed X, reversed."""
    rng = np.random.RandomState(0)
    lengths = np.array([2, 5, 3])
    xs = [rng.standard_normal((n, 2)) for n in lengths]
    both = Stack(cell, 2, (4,), 8, True, None)
    one = Stack(cell, 2, (4,), 4, False, None)
    theta = both.initialise(rng, np.float64)
    views = both.layout.views(theta)
    views["output.W"][:] = np.eye(8)
    theta_one = np.zeros(one.layout.size)
    for name, view in one.layout.views(theta_one).items():
        if name.startswith("layers"):
            view[:] = views[name.replace("forward", "backward")]
    one.layout.views(theta_one)["output.W"][:] = np.eye(4)

    states = raw_outputs(both, theta, Sequences(np.vstack(xs), lengths))
    reversed_xs = np.vstack([x[::-1] for x in xs])
    expected = raw_outputs(one, theta_one, Sequences(reversed_xs, lengths))
    for got, want in zip(
        np.split(states[:, 4:], [2, 7]), np.split(expected, [2, 7]), strict=True
    ):
        np.testing.assert_allclose(got, want[::-1], rtol=1e-12)
        assert not np.allclose(got, want)


@pytest.mark.parametrize("readout", READOUTS)
def test_readouts_count_valid_steps_only(readout):
    """An identity net with R = 0 shows its inputs, so the readout is plain NumPy."""
    n_read = 3 if readout == "concat" else 1
    network = Stack(ElmanCell("identity"), 1, (1,), n_read, False, readout)
    theta = np.zeros(network.layout.size)
    views = network.layout.views(theta)
    views["layers.0.forward.W"][:] = 1
    views["output.W"][:] = np.eye(n_read)
    xs = [np.array([[-3.0], [-1.0], [-2.0]]), np.array([[-5.0]])]
    raw = raw_outputs(network, theta, Sequences(np.vstack(xs), np.array([3, 1])))
    parts = {
        "last": [x[-1, 0] for x in xs],
        "mean": [x.mean() for x in xs],
        "max": [x.max() for x in xs],
    }
    expected = parts.values() if readout == "concat" else [parts[readout]]
    np.testing.assert_allclose(raw, np.array(list(expected)).T, rtol=1e-15)


def test_orthogonal_and_glorot_start():
    network = Stack(LSTMCell(), 3, (8,), 2, False, "last")
    theta = network.initialise(np.random.RandomState(0), np.float64)
    views = network.layout.views(theta)
    for gate in range(4):
        block = views["layers.0.forward.R"][:, 8 * gate : 8 * gate + 8]
        np.testing.assert_allclose(block @ block.T, np.eye(8), atol=1e-12)
    W = views["layers.0.forward.W"]
    assert 0.8 * np.sqrt(6 / 11) < np.abs(W).max() <= np.sqrt(6 / 11)
    np.testing.assert_array_equal(views["layers.0.forward.b"], np.repeat([0.0, 1, 0, 0], 8))


def test_masks_are_inverted_and_constant_over_time():
    network = Stack(ElmanCell("identity"), 1, (500,), 500, False, None, 0.25)
    theta = network.initialise(np.random.RandomState(0), np.float64)
    views = network.layout.views(theta)
    views["layers.0.forward.W"][:] = 1
    views["layers.0.forward.R"][:] = 0
    views["output.W"][:] = np.eye(500)
    batch = Sequences(np.ones((8, 1)), np.array([4, 4])).pack(np.arange(2))
    noise = network.draw(np.random.RandomState(1), 2, np.float64)
    raw, _ = network.forward(theta, batch, noise)
    steps = raw.reshape(4, 2, 500)
    assert (steps == steps[0]).all()
    assert (steps[0, 0] != steps[0, 1]).any()
    assert set(np.unique(raw)) == {0.0, 1 / 0.75}
    assert 0.2 < (raw == 0).mean() < 0.3
