"""Steppers equal the scan, step by step, for streams and codes."""

import numpy as np
import pytest

from skbptt.cells import Cell, GRUCell, LEMCell, LSTMCell
from skbptt.loops import _engine
from skbptt.loops._engine import name_of, run, stepper
from skbptt.loops._readout import READOUTS
from skbptt.loops._workspace import Workspace
from tests.gradcheck import relative_error
from tests.test_loops import CELLS, FASTEST, INSTRUCTIONS, _loops, problem

CONCAT = READOUTS["concat"]


class Delayed(Cell):
    """Its second state is the h of the step before, which the output reads."""

    gates = ("g",)
    states = ("h", "before")

    def step(self, a, u, state, p):
        h, before = state
        return (np.tanh(a + u)[0] + before / 2, h), None

    def step_back(self, d_state, tape, p):
        raise NotImplementedError


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("n_streams", [1, 5, 300], ids=["one", "few", "blocks"])
@pytest.mark.parametrize("cell", [*CELLS, Delayed()], ids=repr)
@pytest.mark.parametrize("loops", [None, *map(_loops.Loops, INSTRUCTIONS)])
def test_steps_equal_the_scan(loops, cell, n_streams, dtype, monkeypatch):
    """To the bit, since a step does what the scan does; streams can be reset."""
    monkeypatch.setattr(_engine, "LOOPS", loops)
    p, batch, rng = problem(cell, 17, 5, [6] * n_streams, dtype)
    expected, _ = run(cell, p, batch.x, batch, (), Workspace())
    compiled, tolerance = loops and name_of(cell), 1e-12 if dtype == "float64" else 1e-5
    by_step = batch.x.reshape(6, n_streams, 5)
    steps, reading = (stepper(cell, p, parts, n_streams) for parts in ((), CONCAT))
    for value in p.values():
        value[:] = np.nan  # the weights were copied
    states = expected.reshape(6, n_streams, 17)
    for _ in range(2):
        start = {name: state.copy() for name, state in reading.states.items()}
        for t, (x, h) in enumerate(zip(by_step, states)):
            got = steps.step(np.asfortranarray(x))
            assert got.dtype == dtype
            assert relative_error(got, h) <= (0 if compiled else tolerance)
            assert got is steps.states[cell.states[0]]
            got, so_far = reading.step(x), states[: t + 1]
            readout = np.stack([h, so_far.mean(axis=0), so_far.max(axis=0)], axis=1)
            assert got.dtype == dtype
            assert relative_error(got, readout) <= tolerance
        assert tuple(steps.states) == cell.states
        assert (reading.states["readout.n_steps"] == 6).all()
        for state in steps.states.values():
            state[:] = 0
        for name, state in reading.states.items():
            state[:] = start[name]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("cell", [*CELLS, Delayed()], ids=repr)
@pytest.mark.parametrize("loops", [None, *map(_loops.Loops, INSTRUCTIONS)])
def test_codes_are_one_hot_rows(loops, cell, dtype, monkeypatch):
    """In the scan and in steps; the code -1 is a row of zeros."""
    monkeypatch.setattr(_engine, "LOOPS", loops)
    p, batch, rng = problem(cell, 17, 5, [4] * 70, dtype)
    codes = rng.randint(-1, 5, len(batch.x))
    one_hot = (codes[:, np.newaxis] == np.arange(5)).astype(dtype)
    tolerance = 1e-13 if dtype == "float64" else 1e-5
    expected, _ = run(cell, p, one_hot, batch, (), Workspace(), keep=False)
    found, _ = run(cell, p, codes, batch, (), Workspace(), keep=False)
    assert found.dtype == dtype
    assert relative_error(found, expected) < tolerance
    steps = stepper(cell, p, (), 70)
    by_step = [steps.step(x).copy() for x in codes.reshape(4, 70)]
    assert relative_error(np.concatenate(by_step), expected) < tolerance


def test_codes_that_do_not_exist_are_refused():
    p, batch, _ = problem(GRUCell(), 4, 3, [5, 2], "float64")
    loops = _loops.Loops(FASTEST)
    steps = loops.stepper("gru", ("h",), p, (), 7, Workspace())
    for wrong, message in ((3, "row 3, but there are 3"), (-2, "row -2")):
        codes = np.full(7, wrong)
        with pytest.raises(ValueError, match=message):
            loops.scan("gru", p, codes, batch, (), Workspace(), False)
        with pytest.raises(ValueError, match=message):
            steps.step(codes)
    with pytest.raises(ValueError, match="numbers of int64, not 7"):
        steps.step(np.zeros(6, int))
    with pytest.raises(ValueError, match="no way back"):
        run(GRUCell(), p, np.zeros(7, int), batch, (), Workspace())


@pytest.mark.parametrize("cell", [GRUCell(), LEMCell(), LSTMCell(), Delayed()], ids=repr)
@pytest.mark.parametrize("loops", [None, *map(_loops.Loops, INSTRUCTIONS)])
@pytest.mark.parametrize("parts", [(), ("last",), CONCAT], ids=len)
def test_chosen_streams_go_on(parts, loops, cell, monkeypatch):
    """As those that they were taken from, which go on as well, to the bit."""
    monkeypatch.setattr(_engine, "LOOPS", loops)
    p, _, rng = problem(cell, 17, 5, [1], "float64")
    streams = np.array([50, 3, 3, 0, 98])
    whole = stepper(cell, p, parts, 99)
    x = rng.standard_normal((5, 99, 5))
    for t in range(3):
        whole.step(x[t])
    some = whole.choose(streams)
    tolerance = 0 if loops and name_of(cell) else 1e-12
    for t in range(3, 5):
        found = some.step(x[t, streams])
        expected = whole.step(x[t])
        assert relative_error(found, expected[streams]) <= tolerance
    assert list(some.states) == list(whole.states)
    for name, state in some.states.items():
        assert relative_error(state, whole.states[name][streams]) <= tolerance


def test_steps_of_another_shape_are_refused():
    p, _, _ = problem(GRUCell(), 4, 3, [1], "float64")
    steps = _loops.Loops(FASTEST).stepper("gru", ("h",), p, (), 2, Workspace())
    for wrong in (np.zeros((2, 4)), np.zeros((1, 3)), np.zeros((2, 3), "f4")):
        with pytest.raises(ValueError, match="shape"):
            steps.step(wrong)
