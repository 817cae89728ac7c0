"""Networks go to Keras and come back: same outputs, gradients, and training after it."""

import os
import sys
from functools import partial
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

if find_spec("torch"):
    os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras", reason="needs the extra 'keras'")

from skbptt import RNNClassifier, RNNRegressor, RNNTranslator  # noqa: E402
from skbptt.convert import from_keras, to_keras  # noqa: E402
from skbptt.inspection import loss_gradient  # noqa: E402
from tests.converted import (  # noqa: E402
    LABELS,
    MODELS,
    NUMBERS,
    ORIGINAL,
    coded,
    fitted,
    model_of,
    networks,
    padded,
)
from tests.converted import X as NUMERIC  # noqa: E402

layers = keras.layers
# On other backends Keras computes in float32 in part, whatever layers and floatx say.
EXACT = 1e-10 if keras.backend.backend() == "tensorflow" else 1e-5
TOLERANCES = {np.dtype(np.float64): EXACT, np.dtype(np.float32): 1e-5}


def inputs_of(model, X):
    array, lengths = padded(coded(model, X), 0.5)
    if model._tokens:
        return [array[..., 0].astype(np.int64), lengths.astype(np.int32)]
    return [array.astype(model._theta.dtype), lengths.astype(np.int32)]


def assert_alike(network, model, X):
    tolerance = TOLERANCES[model._theta.dtype]
    ours, _ = model._raw(X)
    inputs = inputs_of(model, X)
    theirs = keras.ops.convert_to_numpy(network(inputs))
    if model._network.per_step:
        theirs = np.concatenate([values[:n] for values, n in zip(theirs, inputs[1])])
    assert ours.dtype == theirs.dtype
    np.testing.assert_allclose(theirs, ours, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", MODELS)
def test_there_and_back(name):
    model, X = model_of(name)
    network = to_keras(model)
    assert_alike(network, model, X)
    rng = np.random.RandomState(0)
    network.set_weights(
        [w + 0.1 * rng.standard_normal(w.shape) for w in network.get_weights()]
    )
    back = from_keras(network, model)
    assert_alike(network, back, X)
    assert np.abs(back._raw(X)[0] - model._raw(X)[0]).max() > 1e-3


@given(networks())
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.differing_executors]
)
def test_any_network(model):
    X = [x.astype(model._theta.dtype) for x in NUMERIC]
    network = to_keras(model)
    assert_alike(network, model, X)
    classes = getattr(model, "classes_", None)
    back = from_keras(network, type(model)(**model.get_params()), classes=classes)
    for name, weights in model.weights_.items():
        np.testing.assert_array_equal(back.weights_[name], weights, err_msg=name)


@pytest.mark.skipif(keras.backend.backend() != "torch", reason="reads gradients of torch")
@pytest.mark.parametrize("name", ["gru-concat", "lstm-max"])
def test_gradients_of_a_training_step(name):
    import torch

    model, X = model_of(name)
    model.set_params(alpha=0.0)
    _, gradient = loss_gradient(model, X, LABELS)
    network = to_keras(model)
    codes = torch.tensor(np.searchsorted(model.classes_, LABELS))
    torch.nn.functional.cross_entropy(network(inputs_of(model, X)), codes).backward()
    for path, key in (("output", "output.W"), ("layers_0", "layers.0.forward.R")):
        of_layer = network.get_layer(path).trainable_variables
        found = of_layer[0 if path == "output" else 1].value.grad.numpy()
        if key.endswith("R") and name.startswith("gru"):
            found = found[:, np.r_[5:10, 0:5, 10:15]]
        np.testing.assert_allclose(found, gradient[key], rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("use_bias", [True, False])
@pytest.mark.parametrize("cell", ["rnn", "gru", ORIGINAL, "lstm"], ids=str)
def test_models_of_others(cell, use_bias, both):
    cls = {"rnn": layers.SimpleRNN, "gru": layers.GRU, "lstm": layers.LSTM}.get(
        cell, partial(layers.GRU, reset_after=False)
    )
    recurrent = [
        cls(n, use_bias=use_bias, return_sequences=n == 6, bias_initializer="uniform")
        for n in (6, 4)
    ]
    recurrent = [layers.Bidirectional(layer) if both else layer for layer in recurrent]
    head = layers.Dense(2, "softmax")
    network = keras.Sequential(
        [keras.Input((None, 3)), recurrent[0], layers.Dropout(0.3), recurrent[1], head]
    )
    x = np.random.default_rng(0).normal(size=(8, 5, 3)).astype(np.float32)
    estimator = RNNClassifier((6, 4), cell=cell, bidirectional=both, readout="last")
    model = from_keras(network, estimator, classes=["a", "b"])
    expected = keras.ops.convert_to_numpy(network(x))
    np.testing.assert_allclose(model.predict_proba(x), expected, rtol=1e-5, atol=1e-6)


def test_tokens_of_others():
    network = keras.Sequential(
        [keras.Input((None,)), layers.Embedding(7, 3), layers.GRU(6), layers.Dense(3)]
    )
    ids = np.random.default_rng(0).integers(0, 7, (9, 5))
    model = from_keras(network, RNNClassifier(6, readout="last"))
    expected = keras.ops.convert_to_numpy(keras.ops.softmax(network(ids)))
    np.testing.assert_allclose(model.predict_proba(list(ids)), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("layer", "error", "match"),
    [
        (layers.GRU(6, reset_after=False), ValueError, "'gru_reset_before'. Got 'lstm'"),
        (layers.LSTM(6, recurrent_dropout=0.1), ValueError, "recurrent_dropout=0"),
        (layers.LSTM(6, dropout=0.1), ValueError, "must have dropout=0. Got 0.1"),
        (layers.LSTM(6, go_backwards=True), ValueError, "go_backwards=False"),
        (layers.LSTM(6, activation="relu"), ValueError, "has the activation 'relu'"),
        (layers.GRU(6), ValueError, "whose cell is 'gru'. Got 'lstm'"),
        (layers.LSTM(5), ValueError, r"hidden_layer_sizes is \(5,\). Got \(6,\)"),
        (layers.GlobalMaxPooling1D(), TypeError, "not a layer that from_keras supports"),
    ],
)
def test_models_that_cannot_be_read(layer, error, match):
    network = keras.Sequential([keras.Input((None, 3)), layer, layers.Dense(1)])
    with pytest.raises(error, match=match):
        from_keras(network, RNNRegressor(6, cell="lstm", readout="last"))


@pytest.mark.parametrize(
    ("cell", "kind"), [("lem", "lem"), (ORIGINAL, "gru_reset_before"), ("gru", "gru")]
)
@pytest.mark.parametrize("reset_after", [True, False])
def test_cells_are_told_apart(cell, kind, reset_after):
    theirs = "gru" if reset_after else "gru_reset_before"
    layer = layers.GRU(6, reset_after=reset_after)
    network = keras.Sequential([keras.Input((None, 3)), layer, layers.Dense(1)])
    estimator = RNNRegressor(6, cell=cell, readout="last")
    if kind == theirs:  # with the same predictions, as tested above
        from_keras(network, estimator)
    else:
        with pytest.raises(ValueError, match=f"cell is '{theirs}'. Got '{kind}'"):
            from_keras(network, estimator)


def test_what_cannot_be_converted(monkeypatch):
    network = keras.Sequential(
        [keras.Input((None, 3)), layers.LSTM(6), layers.Dense(1, "tanh")]
    )
    with pytest.raises(ValueError, match=r"one of \['linear'\] .* Got 'tanh'"):
        from_keras(network, RNNRegressor(6, cell="lstm", readout="last"))
    with pytest.raises(TypeError, match="to_keras supports .* Got cell=LEMCell"):
        to_keras(fitted(NUMERIC, NUMBERS, cell="lem"))
    with pytest.raises(TypeError, match="Got RNNTranslator"):
        to_keras(RNNTranslator())
    with pytest.raises(TypeError, match="must be a keras.Model. Got str"):
        from_keras("model", RNNRegressor())
    model = fitted(NUMERIC, NUMBERS)
    monkeypatch.setitem(sys.modules, "keras", None)
    with pytest.raises(ImportError, match="to_keras needs the package keras"):
        to_keras(model)
