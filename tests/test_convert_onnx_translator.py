"""A translator as two models of ONNX: its probabilities, and its greedy predictions."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skbptt import RNNTranslator
from skbptt.cells._activations import ACTIVATIONS
from skbptt.convert import to_onnx
from tests.converted import LENGTHS, MIXED, NUMBERS, ORIGINAL, TOKENS, X, fitted
from tests.fits import quietly
from tests.onnx_runtime import inputs_of, session_of
from tests.strategies import LeakyCell

rng = np.random.RandomState(0)
TARGETS = [rng.choice(["a", "b", "c"], n % 4) for n in LENGTHS]
INPUTS = {
    "numbers": (X, {}),
    "univariate": (NUMBERS.reshape(4, 6), {}),
    "tokens": (TOKENS, {"embedding_dim": 3}),
    "mixed": (MIXED, {"categorical_features": [1, 3]}),
}
CELLS = {
    **{f"elman-{g}": {"cell": "rnn", "activation": g} for g in ACTIVATIONS},
    **{cell: {"cell": cell} for cell in ("gru", "lstm")},
    "gru-reset-before": {"cell": ORIGINAL},
}


def translator(inputs="numbers", cell="gru", **parameters):
    """A translator with weights that are not small, and its X."""
    X, how = INPUTS[inputs]
    y = TARGETS[: len(X)]
    return fitted(X, y, RNNTranslator, **CELLS[cell], **how, **parameters), X


class InOnnx:
    """Both models in ONNX Runtime, which have read sequences."""

    def __init__(self, model, X):
        self.models = to_onnx(model)
        encoder, self.decoder = (session_of(each) for each in self.models)
        inputs, lengths = inputs_of(model, X, filler=np.nan)
        states = encoder.run(None, inputs | {"lengths": lengths})
        self.inputs = dict(zip(names_of(encoder.get_outputs()), states))
        if "encoder_states" in self.inputs:
            self.inputs["lengths"] = lengths
        assert {"label", *self.inputs} == {*names_of(self.decoder.get_inputs())}
        self.end, self.n = len(model.classes_), len(X)

    def read(self, label):
        """log p of what follows one more label of each sequence."""
        log_p, *after = self.decoder.run(None, {"label": label} | self.inputs)
        _, *names = names_of(self.decoder.get_outputs())
        for name, values in zip(names, after):
            self.inputs[name.removesuffix("_next")] = values
        return log_p


def names_of(nodes):
    return [node.name for node in nodes]


def assert_says_the_same(model, X):
    codes = [np.searchsorted(model.classes_, y) for y in TARGETS[: len(X)]]
    onnx = InOnnx(model, X)
    total, label = np.zeros(onnx.n), np.full(onnx.n, onnx.end)
    for t in range(4):
        log_p = onnx.read(label)
        np.testing.assert_allclose(np.exp(log_p).sum(axis=1), 1, rtol=1e-5)
        label = np.array([y[t] if t < len(y) else onnx.end for y in codes])
        reached = np.array([t <= len(y) for y in codes])
        total += np.where(reached, np.take_along_axis(log_p, label[:, None], 1)[:, 0], 0)
    expected = model.log_likelihood(X, TARGETS[: len(X)])
    np.testing.assert_allclose(total, expected, rtol=1e-5, atol=1e-5)

    assert_predicts_the_same(model, X, model.predict(X))


def assert_predicts_the_same(model, X, predictions):
    onnx, found = InOnnx(model, X), []
    label = np.full(onnx.n, onnx.end)
    for _ in range(model.max_length):
        label = onnx.read(label).argmax(axis=1)
        found.append(label)
    for path, expected in zip(np.transpose(found), predictions):
        stop = [*path, onnx.end].index(onnx.end)
        np.testing.assert_array_equal(model.classes_[path[:stop]], expected)


@pytest.mark.parametrize("attention", ["dot", None])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_probabilities_and_predictions(cell, bidirectional, attention):
    how = {"bidirectional": bidirectional, "attention": attention, "max_length": 7}
    assert_says_the_same(*translator(cell=cell, n_hidden=(4, 3), noise=1.0, **how))


@given(
    inputs=st.sampled_from(sorted(INPUTS)),
    cell=st.sampled_from(sorted(CELLS)),
    n_hidden=st.lists(st.integers(1, 5), min_size=1, max_size=3).map(tuple),
    bidirectional=st.booleans(),
    attention=st.sampled_from(["dot", None]),
    initial_state=st.sampled_from(["zeros", "learned"]),
    dropout=st.sampled_from([0.0, 0.5]),
)
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.differing_executors]
)
def test_any_translator(**parameters):
    assert_says_the_same(*translator(max_length=5, **parameters))


def test_predictions_of_many_lengths():
    """Of a translator that was trained: sequences backwards, up to the most labels."""
    rng = np.random.RandomState(0)
    X = [rng.randint(1, 6, rng.randint(1, 6)) for _ in range(100)]
    model = RNNTranslator(16, max_iter=60, random_state=0, max_length=4)
    quietly(model.fit, X, [x[::-1] for x in X])
    predictions = model.predict(X)
    assert {len(y) for y in predictions} == {1, 2, 3, 4}
    assert_predicts_the_same(model, X, predictions)


def test_what_cannot_be_written():
    model, _ = translator()
    with pytest.raises(ValueError, match="stream=True is not for an RNNTranslator"):
        to_onnx(model, stream=True)
    for cell, name in (("lem", "LEMCell"), (LeakyCell(), "LeakyCell")):
        own = quietly(RNNTranslator(3, cell=cell, max_iter=1).fit, X, TARGETS)
        with pytest.raises(TypeError, match=f"Got cell={name}"):
            to_onnx(own)
