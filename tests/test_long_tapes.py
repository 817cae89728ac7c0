"""Long tapes, which the way back forms anew, change no result and take little memory."""

import tracemalloc

import numpy as np
import pytest

from skbptt.cells import GRUCell, LEMCell, LSTMCell
from skbptt.loops import _engine, _segments
from skbptt.loops._engine import run, run_back, run_back_tangent, run_tangent
from skbptt.loops._readout import READOUTS
from skbptt.loops._workspace import Workspace
from tests.gradcheck import relative_error
from tests.test_loops import CELLS, FASTEST, INSTRUCTIONS, _loops, problem


@pytest.mark.parametrize("cell", CELLS, ids=repr)
@pytest.mark.parametrize("loops", [None, *map(_loops.Loops, INSTRUCTIONS)])
def test_a_tape_formed_anew_changes_no_bit(loops, cell, monkeypatch):
    """Outputs, gradients and their derivatives, with segments of 1, 5 and 30 steps."""
    monkeypatch.setattr(_engine, "LOOPS", loops)
    lengths, n_hidden = [30, 2, 9, 9, 9, 1], 17
    p, batch, rng = problem(cell, n_hidden, 5, lengths, "float64")
    p_dot = {k: rng.standard_normal(v.shape) for k, v in p.items()}
    initial = rng.standard_normal((len(cell.states), len(lengths), n_hidden))

    def results(parts, truncation):
        output, tape = run(cell, p, batch.x, batch, parts, Workspace(), True, initial)
        d = np.random.RandomState(1).standard_normal((2, *output.shape))
        d_initial = np.empty_like(initial)
        found = [output, d_initial]
        for _ in range(2):  # the tape serves again
            grad, grad_dot = ({k: np.empty_like(v) for k, v in p.items()} for _ in "12")
            arguments = cell, p, batch, parts, tape, d[0], grad, truncation
            found.append(run_back(*arguments, d_initial=d_initial))
            output_dot, h_dot, tangent = run_tangent(
                cell, p, p_dot, None, batch, parts, tape, Workspace()
            )
            dots = run_back_tangent(
                cell, batch, parts, tangent, *d, grad_dot, True, Workspace()
            )
            found += [output_dot, h_dot, *dots, *grad.values(), *grad_dot.values()]
        return found

    for parts, truncation in [((), None), ((), (3, 8)), (READOUTS["concat"], (2, 2))]:
        monkeypatch.undo()
        monkeypatch.setattr(_engine, "LOOPS", loops)
        at_once = results(parts, truncation)
        for n_steps in (1, 5, 30):
            monkeypatch.setattr(_segments, "SEGMENT", 0)
            monkeypatch.setattr(_segments, "isqrt", lambda _, n=n_steps: n)
            kept = results(parts, truncation)
            monkeypatch.setattr(_segments, "WHOLE", 0)
            anew = results(parts, truncation)
            monkeypatch.undo()
            monkeypatch.setattr(_engine, "LOOPS", loops)
            for one, other, whole in zip(anew, kept, at_once):
                np.testing.assert_array_equal(one, other)
                # In NumPy the sums over time have as many parts as there are segments.
                assert relative_error(one, whole) <= (1e-12 if loops is None else 0)


@pytest.mark.parametrize("loops", [None, _loops.Loops(FASTEST)], ids=["numpy", "fast"])
@pytest.mark.parametrize("cell", [GRUCell(), LEMCell(), LSTMCell()], ids=repr)
def test_a_long_tape_takes_the_memory_of_its_outputs(cell, loops, monkeypatch):
    monkeypatch.setattr(_engine, "LOOPS", loops)
    monkeypatch.setattr(_segments, "WHOLE", 0)
    monkeypatch.setattr(_segments, "SEGMENT", 1 << 16)
    peaks = []
    for n_steps in (1000, 3000):
        p, batch, _ = problem(cell, 64, 2, [n_steps], "float64")
        grad = {name: np.empty_like(value) for name, value in p.items()}
        tracemalloc.start()
        h, tape = run(cell, p, batch.x, batch, (), Workspace())
        run_back(cell, p, batch, (), tape, h, grad)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # A step has 512 bytes of h and at most 64 of dL/dx. Its tape has at least 2048.
    assert (peaks[1] - peaks[0]) / 2000 < 800
