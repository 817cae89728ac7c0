"""Streams: after every step what the estimator predicts of the sequence so far."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skbptt import RNNClassifier, RNNRegressor
from skbptt.cells import GRUCell
from tests.fits import LABELS, Y_STEPS, X, Y, classifier, quietly, regressor

METHODS = ["predict", "predict_proba", "predict_log_proba", "decision_function"]


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
                np.testing.assert_allclose(of_one, value, rtol=1e-11, atol=1e-12)
                np.testing.assert_allclose(single, value, rtol=1e-11, atol=1e-12)
            else:
                assert of_one == single == value


@settings(max_examples=30, deadline=None)
@given(
    cell=st.sampled_from(["rnn", "gru", "lstm", GRUCell()]),
    readout=st.sampled_from(["last", "mean", "max", "concat"]),
    sizes=st.sampled_from([(3,), (4, 2), (2, 3, 2)]),
    per_step=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_every_prefix(cell, readout, sizes, per_step, seed):
    options = {"cell": cell, "readout": readout, "return_sequences": per_step}
    model = regressor(hidden_layer_sizes=sizes, max_iter=2, random_state=seed, **options)
    quietly(model.fit, X, Y_STEPS if per_step else np.c_[Y, Y**2])
    rng = np.random.RandomState(seed)
    assert_prefixes(model, [rng.standard_normal((5, 2)) for _ in range(3)])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("y", [LABELS, LABELS == "mid", np.c_[Y > 0, Y > 1].astype(int)])
def test_methods_of_a_classifier(method, y):
    model = classifier().fit(X, y)
    if y.ndim == 2 and method == "predict":
        stream = model.stream()
        for x in X[3]:
            got = stream.push(x)
        np.testing.assert_array_equal(got, model.predict([X[3]])[0])
    else:
        assert_prefixes(model, [x for x in X if len(x) > 5][:3], method)


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
    assert {array.dtype for array in stream.state.values()} == {np.dtype("f4")}


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


@pytest.mark.parametrize(
    "way", ["copy", "pickle", "state"], ids=["copy", "pickle", "state"]
)
def test_a_stream_goes_on_elsewhere(way):
    model = regressor(hidden_layer_sizes=(4, 3)).fit(X, Y)
    stream = model.stream(2)
    steps = np.random.RandomState(0).standard_normal((5, 2, 2))
    for step in steps[:3]:
        stream.push(step)
    if way == "copy":
        other = stream.copy()
    elif way == "pickle":
        other = pickle.loads(pickle.dumps(stream))
    else:
        other = model.stream(2)
        other.state = stream.state
    expected = [stream.push(step) for step in steps[3:]]
    np.testing.assert_array_equal([other.push(step) for step in steps[3:]], expected)


def test_the_model_may_be_fitted_again():
    model = regressor().fit(X, Y)
    stream, expected = model.stream(), model.stream().push(X[0][0])
    model.set_params(cell="lstm").fit(X, -Y)
    assert stream.push(X[0][0]) == expected


def test_the_state_is_a_copy():
    stream = regressor().fit(X, Y).stream(2)
    stream.state["layers.0.forward.cell.h"][:] = 7
    assert not stream.state["layers.0.forward.cell.h"].any()


def test_bad_input():
    model = regressor().fit(X, Y)
    stream = model.stream(2)
    stream.push(np.ones((2, 2)))
    before = stream.state
    for x in (np.ones(2), np.ones((2, 3)), np.ones((1, 2)), 1.0):
        with pytest.raises(ValueError, match=r"x must have the shape \(2, 2\)\. Got"):
            stream.push(x)
    with pytest.raises(ValueError, match="x contains NaN or infinity"):
        stream.push([[0, np.nan], [0, 0]])
    with pytest.raises(ValueError, match=r"method must be one of \['predict'\]"):
        stream.push(np.ones((2, 2)), method="predict_proba")
    with pytest.raises(ValueError, match="state must have the names"):
        stream.state = {}
    wrong = before | {"layers.0.forward.cell.h": np.zeros((1, 4))}
    with pytest.raises(ValueError, match=r"must have the shape \(2, 4\)"):
        stream.state = wrong
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
