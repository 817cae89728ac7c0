"""Sessions of ONNX Runtime, and their inputs."""

import numpy as np
import pytest

from tests.converted import padded

onnxruntime = pytest.importorskip("onnxruntime", reason="needs the extra 'onnx'")


def session_of(proto):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(
        proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def inputs_of(model, X, filler=7.0):
    """The inputs of sequences, and their lengths."""
    if model.is_categorical_ is None or model._tokens:
        X, lengths = padded(X, 4 if model._tokens else filler)
        return {"X": X.astype(np.int64 if model._tokens else np.float32)}, lengths
    objects, lengths = padded(X, None)
    inputs = {"X": objects[:, :, ~model.is_categorical_].astype(np.float32)}
    for k in np.flatnonzero(model.is_categorical_):
        of_text = any(isinstance(v, str) for v in objects[:, :, k].ravel())
        values = objects[:, :, k]
        if of_text:
            values = np.where(values == None, "", values)  # noqa: E711
        inputs[f"x{k}"] = values if of_text else values.astype(np.float32)
    return inputs, lengths
