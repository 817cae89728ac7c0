"""A pipeline becomes one graph, in which its transformers read padded sequences too."""

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbptt import RNNClassifier, RNNRegressor, RNNTranslator
from skbptt.convert import to_onnx
from skbptt.preprocessing import TimeDistributed
from tests.converted import LABELS, NUMBERS, ORIGINAL, TOKENS, X, of_steps, padded
from tests.fits import quietly

onnxruntime = pytest.importorskip("onnxruntime", reason="needs the extra 'onnx'")
skl2onnx = pytest.importorskip("skl2onnx", reason="needs the extra 'onnx'")

SHIFTED = [5 + 3 * x for x in X]


def run(proto, **inputs):
    session = onnxruntime.InferenceSession(proto.SerializeToString())
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, inputs)))


@pytest.mark.parametrize("cell", ["gru", ORIGINAL], ids=str)
@pytest.mark.parametrize("bidirectional", [False, True])
def test_classifier(bidirectional, cell):
    how = {"cell": cell, "bidirectional": bidirectional}
    net = RNNClassifier(4, max_iter=3, random_state=0, **how)
    pipeline = make_pipeline(TimeDistributed(StandardScaler()), net)
    quietly(pipeline.fit, SHIFTED, LABELS)
    array, lengths = padded(SHIFTED, 9.0)
    answers = run(to_onnx(pipeline), X=array.astype(np.float32), lengths=lengths)
    np.testing.assert_array_equal(answers["label"], pipeline.predict(SHIFTED))
    expected = pipeline.predict_proba(SHIFTED)
    np.testing.assert_allclose(answers["probabilities"], expected, atol=1e-5)


def test_step_targets_and_two_transformers():
    net = RNNRegressor(4, max_iter=3, random_state=0, return_sequences=True)
    scalers = (TimeDistributed(StandardScaler()) for _ in range(2))
    pipeline = make_pipeline(*scalers, net)
    quietly(pipeline.fit, SHIFTED, of_steps(NUMBERS))
    array, lengths = padded(SHIFTED, 9.0)
    answers = run(to_onnx(pipeline), X=array.astype(np.float32), lengths=lengths)
    for answer, expected in zip(answers["variable"], pipeline.predict(SHIFTED)):
        np.testing.assert_allclose(answer[: len(expected), 0], expected, atol=1e-5)


def test_through_skl2onnx_itself():
    """Without lengths all sequences have as many steps as the array."""
    from skbptt.convert import register_skl2onnx

    register_skl2onnx()
    array = np.random.default_rng(0).normal(3, 2, size=(20, 6, 2)).astype(np.float32)
    y = array[:, :, 0].sum(axis=1) > 18
    net = RNNClassifier(4, max_iter=3, random_state=0)
    pipeline = make_pipeline(TimeDistributed(StandardScaler()), net)
    quietly(pipeline.fit, array, y)
    answers = run(skl2onnx.to_onnx(pipeline, array), X=array)
    expected = pipeline.predict_proba(array)
    np.testing.assert_allclose(answers["probabilities"], expected, atol=1e-5)
    np.testing.assert_array_equal(answers["label"], pipeline.predict(array))


def test_what_cannot_be_written():
    pipeline = make_pipeline("passthrough", RNNClassifier(3, cell="lem", max_iter=1))
    quietly(pipeline.fit, X, LABELS)
    with pytest.raises(TypeError, match="Got cell=LEMCell"):
        to_onnx(pipeline)
    pipeline = make_pipeline("passthrough", RNNTranslator(3))
    with pytest.raises(TypeError, match="a pipeline needs .* Got RNNTranslator"):
        to_onnx(pipeline)
    pipeline = make_pipeline("passthrough", RNNClassifier(3, max_iter=1))
    quietly(pipeline.fit, TOKENS, LABELS)
    with pytest.raises(TypeError, match="reads numbers only"):
        to_onnx(pipeline)
    with pytest.raises(ValueError, match="needs an estimator, not a pipeline"):
        to_onnx(pipeline, stream=True)
