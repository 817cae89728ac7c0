"""Fitted networks in other forms: C and ONNX."""

from .._public import publish
from ._c import to_c
from ._onnx import register_skl2onnx, to_onnx

__all__ = ["register_skl2onnx", "to_c", "to_onnx"]

publish(globals())
