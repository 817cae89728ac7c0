"""Exact gradients: every cell, depth, direction, readout, loss, length and window."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skbptt.cells import GRUCell
from skbptt.data._sequences import Sequences
from skbptt.loops._scan import scan, scan_back
from skbptt.losses._pointwise import SquaredError
from skbptt.network import Layout, Stack
from tests import strategies
from tests.gradcheck import (
    complex_gradient,
    objective_of,
    reference_scan,
    reference_value,
    relative_error,
)

TOLERANCE = 1e-9


@settings(max_examples=80, deadline=None)
@given(strategies.problems(), st.sampled_from([0.0, 0.3]))
def test_gradient_equals_complex_step(problem, alpha):
    network, loss, sequences, y, weights, theta = problem
    objective = objective_of(network, loss, sequences, y, weights, alpha=alpha)
    value, gradient = objective.value_and_gradient(theta)
    data = objective.data

    def reference(theta):
        return reference_value(network, loss, data, alpha, None, theta)

    assert value == pytest.approx(reference(theta), rel=1e-12)
    expected = complex_gradient(reference, theta)
    assert relative_error(gradient, expected) < TOLERANCE


@settings(max_examples=50, deadline=None)
@given(strategies.problems(), strategies.truncations)
def test_truncated_gradient_is_that_of_a_frozen_history(problem, truncation):
    network, loss, sequences, y, weights, theta = problem
    objective = objective_of(
        network, loss, sequences, y, weights, alpha=0.1, truncation=truncation
    )
    _, gradient = objective.value_and_gradient(theta)

    def reference(theta):
        return reference_value(network, loss, objective.data, 0.1, truncation, theta)

    assert relative_error(gradient, complex_gradient(reference, theta)) < TOLERANCE


def test_truncation_cuts_and_long_windows_do_not():
    rng = np.random.RandomState(0)
    sequences = Sequences(rng.standard_normal((30, 2)), np.array([10, 20]))
    network = Stack(GRUCell(), 2, (5,), 1, False, "last")
    theta = network.initialise(rng, np.float64)
    y, weights = rng.standard_normal((2, 1)), np.ones(2)

    def gradient(truncation):
        loss = SquaredError()
        objective = objective_of(
            network, loss, sequences, y, weights, truncation=truncation
        )
        return objective.value_and_gradient(theta)[1]

    np.testing.assert_array_equal(gradient((20, 20)), gradient(None))
    np.testing.assert_allclose(gradient((1, 20)), gradient(None), rtol=1e-12)
    assert relative_error(gradient((5, 5)), gradient(None)) > 1e-3


@settings(max_examples=50, deadline=None)
@given(
    cell=strategies.cells,
    lengths=strategies.lengths,
    n_in=st.integers(1, 3),
    n_hidden=st.integers(1, 4),
    truncation=strategies.truncations,
    seed=strategies.seeds,
)
def test_scan_from_non_zero_states(cell, lengths, n_in, n_hidden, truncation, seed):
    """All gradients of one scan: parameters, inputs and initial states."""
    rng = np.random.RandomState(seed)
    lengths = np.array(lengths)
    sequences = Sequences(rng.standard_normal((lengths.sum(), n_in)), lengths)
    batch = sequences.pack(np.arange(len(lengths)))
    shapes = {
        **cell.shapes(n_in, n_hidden),
        "x": batch.x.shape,
        "initial": (len(cell.states), len(lengths), n_hidden),
    }
    layout = Layout(shapes)
    theta = rng.standard_normal(layout.size)
    layout.views(theta)["x"][:] = batch.x
    coefficients = rng.standard_normal((len(batch.x), n_hidden))

    def run(theta):
        v = layout.views(theta)
        return scan(cell, v, v["x"], batch, tuple(v["initial"])), v

    (h, tape), v = run(theta)
    gradient = np.empty_like(theta)
    g = layout.views(gradient)
    g["x"][:], d_initial = scan_back(cell, v, batch, tape, coefficients, g, truncation)
    g["initial"][:] = d_initial

    def reference(theta):
        v = layout.views(theta)
        total = 0
        for column in range(len(lengths)):
            rows = np.flatnonzero(batch.column == column)
            initial = tuple(v["initial"][:, column])
            states = reference_scan(cell, v, v["x"][rows], truncation, initial)
            total = total + (coefficients[rows] * states).sum()
        return total

    assert (coefficients * h).sum() == pytest.approx(reference(theta), rel=1e-10, abs=1e-10)
    assert relative_error(gradient, complex_gradient(reference, theta)) < TOLERANCE


@settings(max_examples=30, deadline=None)
@given(strategies.problems(), strategies.seeds)
def test_dropout_gradient(problem, seed):
    """With the masks held, the gradient is that of the masked network."""
    network, loss, sequences, y, weights, theta = problem
    network = Stack(**network.description | {"dropout": 0.4})
    objective = objective_of(network, loss, sequences, y, weights)
    everything = np.arange(len(sequences))

    def masked(theta):
        rng = np.random.RandomState(seed)
        return objective.value_and_gradient(theta, everything, rng)

    expected = complex_gradient(lambda theta: masked(theta)[0], theta)
    assert relative_error(masked(theta)[1], expected) < TOLERANCE


@settings(max_examples=50, deadline=None)
@given(strategies.problems())
def test_input_gradient(problem):
    network, loss, sequences, y, weights, theta = problem
    batch = sequences.pack(np.arange(len(sequences)))
    raw, tape = network.forward(theta, batch)
    coefficients = np.random.RandomState(0).standard_normal(raw.shape)
    _, dx = network.backward(tape, coefficients, need_dx=True)

    def outputs(x):
        steps = np.empty((len(batch.rows), batch.x.shape[1]), x.dtype)
        steps[batch.rows] = x.reshape(batch.x.shape)
        shifted = Sequences(steps, sequences.lengths).pack(np.arange(len(sequences)))
        return (coefficients * network.forward(theta, shifted)[0]).sum()

    expected = complex_gradient(outputs, batch.x.ravel())
    assert relative_error(dx.ravel(), expected) < TOLERANCE
