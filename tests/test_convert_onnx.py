"""ONNX that is written of a network says what the network says, in ONNX Runtime."""

import itertools
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from sklearn.linear_model import Ridge

from skbptt import RNNClassifier, RNNRegressor, RNNTranscriber
from skbptt.convert import to_onnx
from tests.converted import LABELS, MODELS, NUMBERS, fitted, model_of, networks
from tests.converted import X as NUMERIC
from tests.fits import quietly
from tests.onnx_runtime import inputs_of, session_of
from tests.strategies import LeakyCell


def assert_says_the_same(model, session, X):
    inputs, lengths = inputs_of(model, X)
    answers = session.run(None, inputs | {"lengths": lengths})
    expected = [model.predict(X)]
    if isinstance(model, RNNClassifier):
        expected.append(model.predict_proba(X))
        assert [o.name for o in session.get_outputs()] == ["label", "probabilities"]
    for given_, right in zip(answers, expected):
        if model._network.per_step:
            given_ = np.concatenate([v[:n] for v, n in zip(given_, lengths)])
            right = np.concatenate([*right])
        if right.dtype.kind == "f":
            given_ = given_.reshape(right.shape)
            np.testing.assert_allclose(given_, right, rtol=1e-5, atol=1e-5)
        else:
            np.testing.assert_array_equal(given_, right)


@pytest.mark.parametrize("name", MODELS)
def test_predictions_and_streams(name):
    model, X = model_of(name)
    assert_says_the_same(model, session_of(to_onnx(model)), X)

    assert_streams_alike(model, [x for x in X if len(x) >= 3])


def assert_streams_alike(model, X):
    """Three steps of sequences at once: the answers and the states."""
    session, stream = session_of(to_onnx(model, stream=True)), model.stream(len(X))
    method, output = "predict", "variable"
    if isinstance(model, RNNClassifier):
        method, output = "predict_proba", "probabilities"
    inputs, _ = inputs_of(model, X)
    names = [output.name for output in session.get_outputs()]
    state = {
        key: value.astype(np.float32) if value.dtype.kind == "f" else value
        for key, value in stream.state.items()
    }
    for t in range(3):
        step = {key: value[:, t] for key, value in inputs.items()}
        answers = dict(zip(names, session.run(None, step | state)))
        expected = stream.push(np.array([x[t] for x in X]), method=method)
        answer = answers[output].reshape(expected.shape)
        np.testing.assert_allclose(answer, expected, rtol=1e-5, atol=1e-5)
        state = {key: answers[f"{key}_next"] for key in state}
        for key, value in stream.state.items():
            np.testing.assert_allclose(state[key], value, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["tokens", "mixed"])
def test_both_directions_of_categories(name):
    kind, X = model_of(name)
    y = LABELS if name == "tokens" else NUMBERS
    parameters = {"categorical_features": [1, 3]} if name == "mixed" else {}
    model = fitted(X, y, type(kind), bidirectional=True, n_hidden=(3, 2), **parameters)
    assert_says_the_same(model, session_of(to_onnx(model)), X)


def test_unknown_and_missing_categories():
    model, _ = model_of("mixed")
    rows = [[0.5, 7.0, 1.0, "none"], [0.5, np.nan, 1.0, "hi"], [-1.0, -9.0, 0.0, "lo"]]
    assert_says_the_same(model, session_of(to_onnx(model)), [np.array(rows, dtype=object)])
    model, _ = model_of("tokens")
    new = [np.array([5, 3, 0, 70, 71]), np.array([3])]
    assert_says_the_same(model, session_of(to_onnx(model)), new)
    X = [np.array([["a"], [None], ["b"]], dtype=object), np.array([[None]], dtype=object)]
    model = fitted(X, [0.0, 1.0], categorical_features=[0])
    inputs = {"x0": np.array([["a", "", "b"]], dtype=object), "lengths": np.array([3])}
    (answer,) = session_of(to_onnx(model)).run(None, inputs)
    np.testing.assert_allclose(answer.ravel(), model.predict(X[:1]), rtol=1e-5)


@given(networks())
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.differing_executors]
)
def test_any_network(model):
    X = [x.astype(model._theta.dtype) for x in NUMERIC]
    assert_says_the_same(model, session_of(to_onnx(model)), X)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_transcriber(bidirectional):
    """Probabilities of the steps lead to its best paths, and to its likelihoods."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(6, 12, 30)
    X = [rng.normal(size=(n, 3)).astype(np.float32) for n in lengths]
    y = [rng.choice(["a", "b", "c"], size=3).tolist() for _ in X]
    model = RNNTranscriber(5, bidirectional=bidirectional, max_iter=20, random_state=0)
    quietly(model.fit, X, y)
    inputs, lengths = inputs_of(model, X)
    (p,) = session_of(to_onnx(model)).run(None, inputs | {"lengths": lengths})
    paths = [own[:n].argmax(axis=1) for own, n in zip(p, lengths)]
    found = [[k for k, _ in itertools.groupby(path) if k < 3] for path in paths]
    for codes, expected in zip(found, model.predict(X)):
        assert [model.classes_[k] for k in codes] == list(expected)
    likelihood = [ctc_of(own[:n], [0]) for own, n in zip(p, lengths)]
    expected = model.log_likelihood(X, [["a"]] * 30)
    np.testing.assert_allclose(np.log(likelihood), expected, rtol=1e-4)
    if not bidirectional:
        session = session_of(to_onnx(model, stream=True))
        _, *names = [each.name for each in session.get_inputs()]
        state = dict.fromkeys(names, np.zeros((1, 5), np.float32))
        for x, step in zip(X[0], p[0]):
            now, *after = session.run(None, {"X": x[np.newaxis]} | state)
            state = dict(zip(state, after))
            np.testing.assert_allclose(now[0], step, atol=1e-6)


def ctc_of(p, codes):
    """Probability of an output, over all paths of at most one label."""
    (k,), blank, n = codes, p.shape[1] - 1, len(p)
    return sum(
        np.prod([p[t, k if start <= t < stop else blank] for t in range(n)], dtype=float)
        for start in range(n)
        for stop in range(start + 1, n + 1)
    )


def test_what_cannot_be_written(monkeypatch):
    with pytest.raises(TypeError, match="RNNTranscriber or RNNTranslator. Got Ridge"):
        to_onnx(Ridge())
    own = quietly(RNNRegressor(3, cell=LeakyCell(), max_iter=1).fit, NUMERIC, NUMBERS)
    with pytest.raises(TypeError, match="Got cell=LeakyCell"):
        to_onnx(own)
    lem = quietly(RNNRegressor(3, cell="lem", max_iter=1).fit, NUMERIC, NUMBERS)
    with pytest.raises(TypeError, match="GRUCell and LSTMCell .* Got cell=LEMCell"):
        to_onnx(lem)
    both = fitted(NUMERIC, NUMBERS, bidirectional=True)
    with pytest.raises(ValueError, match="bidirectional=True"):
        to_onnx(both, stream=True)
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match="to_onnx needs the package onnx: pip install"):
        to_onnx(both)
