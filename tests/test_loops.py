"""The compiled loops beside those of NumPy, which the other tests hold to the truth."""

import os
import subprocess
import sys

import numpy as np
import pytest

from skbptt import RNNRegressor, show_versions
from skbptt.cells import ElmanCell, GRUCell, LEMCell, LSTMCell
from skbptt.cells._activations import ACTIVATIONS, DERIVATIVES
from skbptt.data._sequences import Sequences
from skbptt.loops import _engine
from skbptt.loops._engine import (
    name_of,
    run,
    run_back,
    run_back_tangent,
    run_tangent,
)
from skbptt.loops._readout import READOUTS
from skbptt.loops._workspace import Workspace
from skbptt.solvers._rules import adam_in_numpy
from tests.gradcheck import relative_error

_loops = pytest.importorskip("skbptt.loops._loops", reason="installed without a compiler")

CELLS = [
    *map(ElmanCell, ["identity", "logistic", "relu", "tanh"]),
    GRUCell(),
    GRUCell(reset_after=False),
    LEMCell(dt=0.7),
    LSTMCell(),
]
INSTRUCTIONS = _loops.available
FASTEST = INSTRUCTIONS[-1]

# Hidden units, inputs, lengths: odd sizes, tiles that are cut, blocks that fill.
SIZES = [
    (1, 1, [1]),
    (3, 2, [5, 1, 4]),
    (17, 5, [30, 2, 9, 9, 9, 1]),
    (32, 1, [20] * 32),
    (16, 18, [7] * 9),
    (40, 20, np.random.RandomState(0).randint(1, 30, 50)),
]


def problem(cell, n_hidden, n_in, lengths, dtype, seed=0):
    rng = np.random.RandomState(seed)
    lengths = np.array(lengths)
    steps = rng.standard_normal((lengths.sum(), n_in)).astype(dtype)
    batch = Sequences(steps, lengths).pack(np.arange(len(lengths)))
    # A stable recurrence, or rounding would grow without bound over the steps.
    p = {
        name: (rng.standard_normal(shape) * 0.7 / np.sqrt(n_hidden)).astype(dtype)
        for name, shape in cell.shapes(n_in, n_hidden).items()
    }
    return p, batch, rng


def both_ways(loops, monkeypatch, cell, p, batch, d_output, parts, truncation):
    """Output and gradients of one engine."""
    monkeypatch.setattr(_engine, "LOOPS", loops)
    workspace = Workspace()
    for _ in range(2):  # The second time in memory that is no longer clean.
        workspace.reset()
        output, tape = run(cell, p, batch.x, batch, parts, workspace)
        grad = {name: np.full_like(value, np.nan) for name, value in p.items()}
        dx = run_back(cell, p, batch, parts, tape, d_output, grad, truncation)
        alone = {name: np.full_like(value, np.nan) for name, value in p.items()}
        d_h = np.full((len(batch.rows), len(p["R"])), np.nan, output.dtype)
        how = {} if truncation else {"d_h": d_h}
        assert (
            run_back(cell, p, batch, parts, tape, d_output, alone, truncation, False, **how)
            is None
        )
    for name in grad:
        np.testing.assert_array_equal(alone[name], grad[name])
    return output, dx, grad | how


@pytest.mark.parametrize("instructions", INSTRUCTIONS)
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-12), ("float32", 1e-5)])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}-{len(size[2])}")
@pytest.mark.parametrize("cell", CELLS, ids=repr)
def test_agreement_with_numpy(cell, size, dtype, tolerance, instructions, monkeypatch):
    p, batch, rng = problem(cell, *size, dtype)
    for parts in [(), *READOUTS.values()]:
        for truncation in [None, (3, 3), (2, 5), (1, 4)]:
            shape = (len(batch.rows),) if not parts else (len(batch.order), len(parts))
            d_output = rng.standard_normal((*shape, size[0])).astype(dtype)
            arguments = (monkeypatch, cell, p, batch, d_output, parts, truncation)
            expected = both_ways(None, *arguments)
            got = both_ways(_loops.Loops(instructions), *arguments)
            assert relative_error(got[0], expected[0]) <= tolerance
            assert relative_error(got[1], expected[1]) <= tolerance
            # All at once: one of them alone may be a small difference of large numbers.
            everything = [
                np.concatenate([*map(np.ravel, r[2].values())]) for r in (got, expected)
            ]
            assert relative_error(*everything) <= tolerance
            assert got[0].dtype == got[1].dtype == got[2]["R"].dtype == dtype


@pytest.mark.parametrize("instructions", INSTRUCTIONS)
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-11), ("float32", 1e-4)])
@pytest.mark.parametrize("size", SIZES[1:4], ids=lambda size: f"{size[0]}-{len(size[2])}")
@pytest.mark.parametrize("cell", CELLS, ids=repr)
def test_initial_states_agree_with_numpy(
    cell, size, dtype, tolerance, instructions, monkeypatch
):
    """Outputs, gradients and their derivatives, with respect to initial states as well."""
    p, batch, rng = problem(cell, *size, dtype)
    p_dot = {k: rng.standard_normal(v.shape).astype(dtype) for k, v in p.items()}
    shape = (len(cell.states), len(batch.order), size[0])
    initial, initial_dot = rng.standard_normal((2, *shape)).astype(dtype)
    for parts, truncation in [((), None), ((), (2, 5)), (READOUTS["concat"], (3, 3))]:
        found = []
        for loops in (None, _loops.Loops(instructions)):
            monkeypatch.setattr(_engine, "LOOPS", loops)
            output, tape = run(cell, p, batch.x, batch, parts, Workspace(), True, initial)
            thrown, _ = run(cell, p, batch.x, batch, parts, Workspace(), False, initial)
            np.testing.assert_array_equal(thrown, output)
            d = np.random.RandomState(1).standard_normal((2, *output.shape)).astype(dtype)
            grad, grad_dot = ({k: np.empty_like(v) for k, v in p.items()} for _ in "12")
            d_initial, d_initial_dot = np.full((2, *shape), np.nan, dtype)
            dx = run_back(
                cell, p, batch, parts, tape, d[0], grad, truncation, d_initial=d_initial
            )
            output_dot, h_dot, tangent = run_tangent(
                cell, p, p_dot, None, batch, parts, tape, Workspace(), initial_dot
            )
            both = run_back_tangent(
                cell, batch, parts, tangent, *d, grad_dot, True, Workspace(), d_initial_dot
            )
            found.append([output, dx, d_initial, output_dot, h_dot, *both, d_initial_dot])
            found[-1] += [*grad.values(), *grad_dot.values()]
        for expected, actual in zip(*found):
            assert actual.dtype == dtype
            assert relative_error(actual, expected) <= tolerance


@pytest.mark.parametrize("cell", CELLS, ids=repr)
def test_initial_states_of_zero_change_nothing(cell, monkeypatch):
    monkeypatch.setattr(_engine, "LOOPS", _loops.Loops(FASTEST))
    p, batch, rng = problem(cell, 17, 5, [4, 2, 2], "float64")
    zeros = np.zeros((len(cell.states), 3, 17))
    found = []
    for initial in (None, zeros):
        output, tape = run(cell, p, batch.x, batch, (), Workspace(), initial=initial)
        grad = {name: np.empty_like(value) for name, value in p.items()}
        dx = run_back(cell, p, batch, (), tape, output, grad)
        found.append([output, dx, *grad.values()])
    for expected, actual in zip(*found):
        np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("instructions", INSTRUCTIONS)
@pytest.mark.parametrize(
    ("dtype", "true"), [("float32", np.float64), ("float64", np.longdouble)]
)
def test_tanh_and_logistic_to_the_last_places(dtype, true, instructions):
    rng = np.random.RandomState(0)
    scales = [1e-20, 1e-6, 1e-3, 0.1, 1, 3, 10, 1e3, 1e30]
    x = np.concatenate([rng.standard_normal(2000) * scale for scale in scales])
    x = np.append(x, [0.0, -0.0, np.inf, -np.inf]).astype(dtype)
    batch = Sequences(x[:, None], np.ones(len(x), int)).pack(np.arange(len(x)))
    p = {"W": np.ones((1, 1), dtype), "R": np.zeros((1, 1), dtype), "b": np.zeros(1, dtype)}
    eps = np.finfo(dtype).eps
    loops = _loops.Loops(instructions)
    y, _ = loops.scan("tanh", p, batch.x, batch, (), Workspace())
    expected = np.tanh(x.astype(true))
    assert (np.abs(y[:, 0] - expected) <= 2.5 * eps * np.abs(expected)).all()
    y, _ = loops.scan("logistic", p, batch.x, batch, (), Workspace())
    expected = 0.5 * np.tanh(0.5 * x.astype(true)) + 0.5
    assert (np.abs(y[:, 0] - expected) <= 2 * eps).all()


@pytest.mark.parametrize("cell", CELLS, ids=repr)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_handed_on_as_by_numpy(cell, value, monkeypatch):
    p, batch, _ = problem(cell, 5, 2, [6, 6, 4], "float64")
    batch.x[4, 0] = value
    outputs = []
    for loops in (None, _loops.Loops(FASTEST)):
        monkeypatch.setattr(_engine, "LOOPS", loops)
        with np.errstate(invalid="ignore"):
            output, _ = run(cell, p, batch.x, batch, READOUTS["concat"], Workspace())
        outputs.append(output)
    np.testing.assert_allclose(*outputs, rtol=1e-12, atol=1e-15)
    if np.isnan(value):
        assert np.isnan(outputs[1]).any()


def test_gradients_that_vanish_cost_nothing_and_change_no_mode():
    """Numbers too small for full precision are zero inside, and as before outside."""
    cell = ElmanCell()
    p, batch, _ = problem(cell, 8, 1, [600] * 4, "float32")
    p["R"] *= 0.1
    output, tape = run(cell, p, batch.x, batch, ("last",), Workspace())
    grad = {name: np.zeros_like(value) for name, value in p.items()}
    dx = run_back(cell, p, batch, ("last",), tape, np.ones_like(output), grad)
    magnitudes = np.abs(dx[dx != 0])
    assert magnitudes.min() >= np.finfo("float32").tiny
    assert (dx[:4] == 0).all()
    assert np.float32(1e-38) * np.float32(0.1) > 0


def test_prediction_without_tape_is_the_same():
    for cell in CELLS:
        p, batch, _ = problem(cell, 9, 3, [8, 3, 5], "float64")
        kept, _ = run(cell, p, batch.x, batch, (), Workspace())
        thrown, tape = run(cell, p, batch.x, batch, (), Workspace(), keep=False)
        np.testing.assert_array_equal(thrown, kept)
        if _engine.LOOPS is not None:
            with pytest.raises(ValueError, match="not kept"):
                run_back(cell, p, batch, (), tape, kept, p)


def test_sizes_that_do_not_fit_are_refused():
    p, batch, _ = problem(GRUCell(), 4, 3, [5, 2], "float64")
    loops = _loops.Loops(FASTEST)
    for name in p:
        wrong = p | {name: np.zeros(1)}
        with pytest.raises((ValueError, IndexError)):
            loops.scan("gru", wrong, batch.x, batch, (), Workspace())
    with pytest.raises(ValueError, match="x has 7 rows, the batch 5"):
        loops.scan(
            "gru",
            p,
            batch.x,
            Sequences(batch.x[:5], np.array([5])).pack(np.arange(1)),
            (),
            Workspace(),
        )
    _, tape = loops.scan("gru", p, batch.x, batch, (), Workspace())
    with pytest.raises(ValueError, match="shape"):
        tape.scan_back(np.zeros((3, 4)), p)


def test_other_numbers_are_refused():
    """A float32 array where doubles are written would be written past its end."""
    p, batch, _ = problem(GRUCell(), 4, 3, [5, 2], "float64")
    single = {name: value.astype("f4") for name, value in p.items()}
    loops = _loops.Loops(FASTEST)
    for name in p:
        with pytest.raises(ValueError, match="float32"):
            loops.scan("gru", p | {name: single[name]}, batch.x, batch, (), Workspace())
    h, tape = loops.scan("gru", p, batch.x, batch, (), Workspace())
    with pytest.raises(ValueError, match="float32"):
        tape.scan_back(h.astype("f4"), p)
    with pytest.raises(ValueError, match="float32"):
        tape.scan_back(h, single)
    p["R"].flags.writeable = False
    with pytest.raises(ValueError, match="read-only|not writable"):
        tape.scan_back(h, p)
    with pytest.raises(ValueError, match="not kept"):
        _loops.Tape().scan_back(h, p)


@pytest.mark.parametrize("truncation", [10**30, (1, 10**30), (4, 7), (7, 7), (2, 9)])
def test_truncation_longer_than_the_sequences(truncation, monkeypatch):
    rng = np.random.RandomState(0)
    X = [rng.standard_normal((n, 2)) for n in (3, 6, 5)]
    model = RNNRegressor(3, max_iter=3, truncation=truncation, random_state=0)
    curve = model.fit(X, range(3)).loss_curve_
    monkeypatch.setattr(_engine, "LOOPS", None)
    np.testing.assert_allclose(model.fit(X, range(3)).loss_curve_, curve, rtol=1e-12)


def test_strided_rows_and_read_only_weights(monkeypatch):
    """Views of wider arrays need no copy, and nothing is written to the parameters."""
    cell = LSTMCell()
    p, batch, rng = problem(cell, 4, 3, [5, 2], "float64")
    for value in p.values():
        value.flags.writeable = False
    wide = rng.standard_normal((7, 8))
    d_wide = rng.standard_normal((7, 9))
    for x in (wide[:, 2:5], np.asfortranarray(wide)[:, :3], wide[::-1, 1:4]):
        for dh in (d_wide[:, 1:5], np.asfortranarray(d_wide)[:, :4]):
            results = []
            for loops in (None, _loops.Loops(FASTEST)):
                monkeypatch.setattr(_engine, "LOOPS", loops)
                _, tape = run(cell, p, x, batch, (), Workspace())
                grad = {name: np.zeros_like(value) for name, value in p.items()}
                dx = run_back(cell, p, batch, (), tape, dh, grad)
                results.append(np.concatenate([dx.ravel(), grad["R"].ravel()]))
            np.testing.assert_allclose(*results, rtol=1e-12, atol=1e-14)


def test_cells_of_ones_own_run_on_the_reference():
    class Doubled(LSTMCell):
        def step(self, a, u, state, p):
            (h, c), tape = super().step(a, u, state, p)
            return (2 * h, c), tape

    assert name_of(Doubled()) is None
    assert [name_of(cell) for cell in CELLS] == list(_loops.CELLS)
    p, batch, _ = problem(LSTMCell(), 3, 2, [1, 1], "float64")
    once, _ = run(LSTMCell(), p, batch.x, batch, (), Workspace())
    twice, _ = run(Doubled(), p, batch.x, batch, (), Workspace())
    np.testing.assert_allclose(twice, 2 * once, rtol=1e-14)


@pytest.mark.parametrize("cell", CELLS, ids=repr)
def test_a_subclass_that_only_changes_the_start_stays_compiled(cell, monkeypatch):
    class Started(type(cell)):
        initial_bias = {"f": 3.0}

        def initialise(self, p, rng):
            super().initialise(p, rng)
            p["R"] *= 0.5

    monkeypatch.setattr(_engine, "LOOPS", _loops.Loops(FASTEST))
    p, batch, _ = problem(cell, 5, 2, [4, 2], "float64")
    started = Started(**vars(cell))
    expected, _ = run(cell, p, batch.x, batch, (), Workspace())
    got, tape = run(started, p, batch.x, batch, (), Workspace())
    assert isinstance(tape, _loops.Tape)
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("name", _engine.REPLACED)
def test_a_subclass_that_changes_what_is_compiled_runs_in_numpy(name):
    changed = type("Changed", (LSTMCell,), {name: None})
    assert name_of(changed()) is None


def test_an_activation_that_is_not_compiled_runs_in_numpy(monkeypatch):
    monkeypatch.setitem(ACTIVATIONS, "cube", lambda x: x**3)
    monkeypatch.setitem(DERIVATIVES, "cube", lambda y: 3 * np.cbrt(y) ** 2)
    monkeypatch.setattr(_engine, "LOOPS", _loops.Loops(FASTEST))
    cell = ElmanCell("cube")
    p, batch, _ = problem(cell, 3, 2, [2], "float64")
    h, tape = run(cell, p, batch.x, batch, (), Workspace())
    grad = {name: np.empty_like(value) for name, value in p.items()}
    run_back(cell, p, batch, (), tape, np.array([[0, 0, 0], [1.0, 1, 1]]), grad)
    first = (batch.x[0] @ p["W"] + p["b"]) ** 3
    root = batch.x[1] @ p["W"] + p["b"] + first @ p["R"]
    np.testing.assert_allclose(h, [first, root**3], rtol=1e-14)
    np.testing.assert_allclose(grad["R"], np.outer(first, 3 * root**2), rtol=1e-12)


@pytest.mark.parametrize("cell", ["rnn", "gru", "lem", "lstm"])
def test_whole_fits_agree(cell, monkeypatch):
    rng = np.random.RandomState(0)
    X = [rng.standard_normal((n, 2)) for n in rng.randint(3, 12, 60)]
    y = [np.cumsum(x[:, 0]) for x in X]
    curves = []
    for loops in (None, _loops.Loops(FASTEST)):
        monkeypatch.setattr(_engine, "LOOPS", loops)
        model = RNNRegressor(
            (7, 5),
            cell=cell,
            bidirectional=True,
            return_sequences=True,
            max_iter=4,
            dropout=0.2,
            truncation=(2, 4),
            random_state=0,
        )
        curves.append(model.fit(X, y).loss_curve_)
    np.testing.assert_allclose(*curves, rtol=1e-11)


def shown_by(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=os.environ | environment,
    )


@pytest.mark.parametrize("name", ["numpy", *INSTRUCTIONS])
def test_the_environment_chooses(name):
    shown = shown_by("import skbptt; skbptt.show_versions()", SKBPTT_LOOPS=name)
    expected = name if name == "numpy" else f"compiled ({name})"
    assert f"loops: {expected}\n" in shown.stdout


def test_unknown_loops_are_refused():
    shown = shown_by("import skbptt", SKBPTT_LOOPS="fast")
    expected = f"SKBPTT_LOOPS must be one of {('numpy', *INSTRUCTIONS)} here"
    assert expected in shown.stderr
    assert "Got 'fast'" in shown.stderr


def test_an_empty_choice_is_none():
    shown = shown_by("import skbptt; skbptt.show_versions()", SKBPTT_LOOPS="")
    assert f"loops: compiled ({FASTEST})\n" in shown.stdout


def test_show_versions(capsys):
    show_versions()
    shown = capsys.readouterr().out
    assert f"loops: {_engine.live()}\n" in shown
    assert "scipy:" in shown


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_adam_equals_numpy_to_the_bit(dtype):
    """Over gradients of every size, those below the smallest normal number included."""
    adam = pytest.importorskip("skbptt.loops._loops").adam
    rng = np.random.RandomState(0)
    n, state = 1003, [rng.standard_normal(1003).astype(dtype), *np.zeros((2, 1003), dtype)]
    ours, theirs = ([array.copy() for array in state] for _ in range(2))
    smallest = np.log10(np.finfo(dtype).tiny)
    for k in range(1, 40):
        size = 10.0 ** rng.uniform(smallest / 2 - 3, 3, n)
        gradient = (size * rng.standard_normal(n)).astype(dtype)
        numbers = 1 - 0.9, 1 - 0.999, 0.01 / (1 - 0.9**k), 1 / (1 - 0.999**k), 1e-8
        for function, (theta, m, v) in ((adam, ours), (adam_in_numpy, theirs)):
            function(theta, gradient, m, v, *numbers)
    for one, other in zip(ours, theirs):
        np.testing.assert_array_equal(one, other)
    with pytest.raises(ValueError, match="equally long"):
        adam(ours[0], gradient[1:], *ours[1:], *numbers)
