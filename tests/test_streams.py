"""Streams: after every step what the estimator predicts of the sequence so far."""

import pickle
from copy import deepcopy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skbptt import RNNClassifier, RNNRegressor
from skbptt.cells import GRUCell
from skbptt.loops import _engine
from tests.fits import LABELS, Y_STEPS, X, Y, classifier, quietly, regressor
from tests.strategies import LeakyCell

METHODS = ["predict", "predict_proba", "predict_log_proba", "decision_function"]
TARGETS = {
    "real": lambda y: y,
    "several": lambda y: np.c_[y, y**2],
    "two classes": lambda y: np.where(y > 0, "up", "down"),
    "three classes": lambda y: np.digitize(y, (-1, 1)),
    "indicators": lambda y: np.c_[y > 0, y > 1].astype(int),
}


def assert_prefixes(model, sequences, method="predict"):
    """Each step of several streams against the prefixes of the sequences."""
    n_steps = min(map(len, sequences))
    together = model.stream(len(sequences))
    alone = [model.stream() for _ in sequences]
    for t in range(n_steps):
        got = together.push(np.stack([x[t] for x in sequences]), method)
        expected = getattr(model, method)([x[: t + 1] for x in sequences])
        if model.return_sequences:
            expected = np.stack([values[-1] for values in expected])
        for one, x, of_one, value in zip(alone, sequences, got, expected):
            single = one.push(x[t], method)
            if got.dtype.kind == "f":
                np.testing.assert_allclose(of_one, value, rtol=1e-12, atol=1e-12)
                np.testing.assert_allclose(single, value, rtol=1e-12, atol=1e-12)
            else:
                np.testing.assert_array_equal(of_one, value)
                np.testing.assert_array_equal(single, value)


@settings(max_examples=40, deadline=None)
@given(
    cell=st.sampled_from(["rnn", "gru", "lem", "lstm", GRUCell(), LeakyCell()]),
    readout=st.sampled_from(["last", "mean", "max", "concat"]),
    sizes=st.lists(st.integers(1, 5), min_size=1, max_size=3),
    per_step=st.booleans(),
    kind=st.sampled_from([*TARGETS]),
    method=st.sampled_from(METHODS),
    dropout=st.sampled_from([0.0, 0.3]),
    compiled=st.booleans(),
    n_streams=st.integers(1, 4),
    seed=st.integers(0, 1000),
)
def test_every_prefix(
    cell, readout, sizes, per_step, kind, method, dropout, compiled, n_streams, seed
):
    make = regressor if kind in ("real", "several") else classifier
    model = make(
        hidden_layer_sizes=sizes,
        cell=cell,
        readout=readout,
        return_sequences=per_step,
        dropout=dropout,
        max_iter=2,
        random_state=seed,
    )
    y = [*map(TARGETS[kind], Y_STEPS)] if per_step else TARGETS[kind](Y)
    quietly(model.fit, X, y)
    rng = np.random.RandomState(seed)
    sequences = [rng.standard_normal((5, 2)) for _ in range(n_streams)]
    with pytest.MonkeyPatch.context() as patch:
        if not compiled:
            patch.setattr(_engine, "LOOPS", None)
        assert_prefixes(model, sequences, method if make is classifier else "predict")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("y", [LABELS, LABELS == "mid", np.c_[Y > 0, Y > 1].astype(int)])
def test_methods_of_a_classifier(method, y):
    assert_prefixes(classifier().fit(X, y), [x for x in X if len(x) > 5][:3], method)


@pytest.mark.parametrize("loss", ["poisson", "quantile", "huber"])
def test_losses(loss):
    model = quietly(regressor(loss=loss).fit, X, np.abs(100 * Y))
    assert_prefixes(model, [x for x in X if len(x) > 5][:2])


def test_univariate_tables():
    x = np.random.RandomState(0).standard_normal((30, 6))
    model = regressor().fit(x, x.sum(axis=1))
    stream, several = model.stream(), model.stream(30)
    for t in range(6):
        one, many = stream.push(x[0, t]), several.push(x[:, t])
    np.testing.assert_allclose(one, model.predict(x[:1])[0], rtol=1e-11)
    np.testing.assert_allclose(many, model.predict(x), rtol=1e-11)


def test_float32_stays():
    model = regressor().fit([x.astype("f4") for x in X], Y.astype("f4"))
    stream = model.stream(2)
    assert stream.push(np.zeros((2, 2))).dtype == np.float32
    dtypes = {name: array.dtype for name, array in stream.state.items()}
    assert dtypes.pop("layers.0.forward.readout.n_steps") == np.int64
    assert set(dtypes.values()) == {np.dtype("f4")}


@pytest.mark.parametrize("loops", ["compiled", "numpy"])
def test_long_streams_in_float32(loops, monkeypatch):
    """The mean has not stopped where float32 can no longer count, at 2 ** 24."""
    if loops == "numpy":
        monkeypatch.setattr(_engine, "LOOPS", None)
    model = regressor(readout="mean").fit([x.astype("f4") for x in X], Y.astype("f4"))
    stream = model.stream()
    mean, n_steps = "layers.0.forward.readout.mean", "layers.0.forward.readout.n_steps"
    state = stream.state
    state[mean][:], state[n_steps][:] = 1e6, 2**24
    stream.state = state
    for _ in range(2):
        stream.push([0.0, 0.0])
    assert stream.state[n_steps] == 2**24 + 2
    np.testing.assert_allclose(stream.state[mean], 1e6 * (1 - 2**-23), rtol=6e-8)


def test_streams_are_reset_one_by_one():
    model = regressor(cell="lstm").fit(X, Y)
    stream, fresh = model.stream(3), model.stream(3)
    steps = np.random.RandomState(0).standard_normal((4, 3, 2))
    for step in steps[:3]:
        stream.push(step)
    expected = stream.copy().push(steps[3])
    assert stream.reset(1) is stream
    got = stream.push(steps[3])
    np.testing.assert_array_equal(got[[0, 2]], expected[[0, 2]])
    assert got[1] == fresh.push(steps[3])[1]
    mask = np.array([True, False, True])
    again = stream.reset().reset(mask).push(steps[0])
    np.testing.assert_array_equal(again, model.stream(3).push(steps[0]))


@pytest.mark.parametrize("way", ["copy", "deepcopy", "pickle", "state"])
@pytest.mark.parametrize("cell", ["lstm", LeakyCell()], ids=["lstm", "custom"])
def test_a_stream_goes_on_elsewhere(cell, way):
    model = regressor(hidden_layer_sizes=(4, 3), cell=cell).fit(X, Y)
    stream = model.stream(2)
    steps = np.random.RandomState(0).standard_normal((5, 2, 2))
    for step in steps[:3]:
        stream.push(step)
    if way == "copy":
        other = stream.copy()
    elif way == "deepcopy":
        other = deepcopy(stream)
    elif way == "pickle":
        other = pickle.loads(pickle.dumps(stream))
    else:
        other = model.stream(2)
        other.state = stream.state
    before = other.state
    expected = [stream.push(step) for step in steps[3:]]
    for name, array in other.state.items():  # which is its own
        np.testing.assert_array_equal(array, before[name])
    np.testing.assert_array_equal([other.push(step) for step in steps[3:]], expected)


def test_pickles_go_between_compiled_and_numpy(monkeypatch):
    """They hold nothing compiled, and start steppers of what runs where they are read."""
    stream = regressor(hidden_layer_sizes=(4, 3)).fit(X, Y).stream()
    for x in X[0]:
        stream.push(x)
    stored = pickle.dumps(stream)
    assert b"_loops" not in stored
    expected = [stream.push(x) for x in X[1]]
    monkeypatch.setattr(_engine, "LOOPS", None)
    other = pickle.loads(stored)
    np.testing.assert_allclose([other.push(x) for x in X[1]], expected, rtol=1e-12)


def test_the_model_may_be_fitted_again():
    model = regressor().fit(X, Y)
    stream, expected = model.stream(), model.stream().push(X[0][0])
    model.set_params(cell="lstm").fit(X, -Y)
    assert stream.push(X[0][0]) == expected


def test_states():
    """Those of the cell and of the readout, by name, as copies."""
    model = regressor(cell="lstm").fit(X, Y)
    stream, p = model.stream(2), model.weights_
    first = "layers.0.forward."
    readout = {f"{first}readout.{name}" for name in ("mean", "max", "n_steps")}
    start = stream.state
    assert set(start) == {first + "h", first + "c"} | readout
    assert (start[first + "readout.max"] == -np.inf).all()
    stream.state[first + "h"][:] = 7
    assert not stream.state[first + "h"].any()
    x = np.ones((2, 2))
    stream.push(x)
    a = x @ p[first + "W"] + p[first + "b"]
    i, _, g, o = np.split(a, 4, axis=1)
    c = np.tanh(g) / (1 + np.exp(-i))
    h = np.tanh(c) / (1 + np.exp(-o))
    for name, expected in {"c": c, "h": h, "readout.mean": h, "readout.max": h}.items():
        np.testing.assert_allclose(stream.state[first + name], expected, rtol=1e-12)
    assert (stream.state[first + "readout.n_steps"] == 1).all()
    for name, array in stream.reset().state.items():
        np.testing.assert_array_equal(array, start[name])


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.ones(2), r"x must have the shape \(2, 2\)\. Got \(2,\)"),
        (np.ones((2, 3)), r"x must have the shape \(2, 2\)\. Got \(2, 3\)"),
        (np.ones((1, 2)), r"x must have the shape \(2, 2\)\. Got \(1, 2\)"),
        (1.0, r"x must have the shape \(2, 2\)\. Got \(\)"),
        ([[0, np.nan], [0, 0]], "x contains NaN or infinity"),
        (np.array([[0, np.nan], [0, 0]]), "x contains NaN or infinity"),
        ([[0, None], [0, 0]], "x contains NaN or infinity"),
        ([[0, 0], [-np.inf, 0]], "x contains NaN or infinity"),
        ([[0, 0], [1e300, 0]], "x is too large: .* magnitude 1e.300"),
        ([["a", 0], [0, 0]], "x must hold real numbers"),
        ([[1j, 0], [0, 0]], "x must hold real numbers"),
        ([[1], [0, 0]], "x must hold real numbers"),
        (None, r"x must have the shape \(2, 2\)\. Got \(\)"),
    ],
)
def test_a_push_that_fails_changes_nothing(x, message):
    stream = regressor(hidden_layer_sizes=(4, 3)).fit(X, Y).stream(2)
    stream.push(np.ones((2, 2)))
    before = stream.state
    with pytest.raises(ValueError, match=message):
        stream.push(x)
    for name, array in stream.state.items():
        np.testing.assert_array_equal(array, before[name])


def test_large_values():
    """What float32 cannot hold is refused, and what it can is read."""
    model = regressor().fit([x.astype("f4") for x in X], Y.astype("f4"))
    stream = model.stream()
    with pytest.raises(ValueError, match="x contains NaN or infinity"):
        stream.push([1e39, 0])
    with pytest.raises(ValueError, match="below 1.8e.19, or their products overflow"):
        stream.push(np.array([1e30, 0], "f4"))
    x = np.full(2, 1.8e19, "f4")  # whose sum of squares overflows
    assert stream.push(x) == pytest.approx(model.predict([x[np.newaxis]])[0], rel=1e-6)


def test_bad_input():
    model = regressor().fit(X, Y)
    stream = model.stream(2)
    stream.push(np.ones((2, 2)))
    before = stream.state
    with pytest.raises(ValueError, match=r"method must be one of \['predict'\]"):
        stream.push(np.ones((2, 2)), method="predict_proba")
    with pytest.raises(ValueError, match="state must have the names"):
        stream.state = {}
    wrong = {name: array + 1 for name, array in before.items()}
    wrong["layers.0.forward.readout.max"] = np.zeros((1, 4))
    with pytest.raises(ValueError, match=r"must have the shape \(2, 4\)"):
        stream.state = wrong
    for which in (2, [0, -3], [True], 0.5, "first"):
        with pytest.raises(ValueError, match=r"which must be integers below n_streams=2"):
            stream.reset(which)
    for name, array in stream.state.items():
        np.testing.assert_array_equal(array, before[name])
    for n_streams in (0, -1, 1.5, True):
        with pytest.raises(ValueError, match="n_streams must be"):
            model.stream(n_streams)
    both = regressor(bidirectional=True).fit(X, Y)
    with pytest.raises(ValueError, match="cannot stream"):
        both.stream()
    for unfitted in (RNNRegressor(), RNNClassifier()):
        with pytest.raises(ValueError, match="not fitted"):
            unfitted.stream()


def test_truncation_is_refused():
    model = regressor(truncation=(2, 4)).fit(X, Y)
    with pytest.raises(ValueError, match=r"truncation must be None .* Got \(2, 4\)"):
        model.stream()
    assert_prefixes(model.set_params(truncation=None), X[:2])
