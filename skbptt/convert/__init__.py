"""Fitted networks in other forms: C, ONNX, PyTorch and Keras."""

from .._public import publish
from ._c import to_c
from ._from_keras import from_keras
from ._onnx import register_skl2onnx, to_onnx
from ._to_keras import to_keras
from ._torch import from_torch, to_torch
from ._weights import from_weights

__all__ = [
    "from_keras",
    "from_torch",
    "from_weights",
    "register_skl2onnx",
    "to_c",
    "to_keras",
    "to_onnx",
    "to_torch",
]

publish(globals())
