"""Set before what reads it is imported."""

import os
from importlib.util import find_spec

# Without it scikit-learn skips some of its checks.
os.environ["SCIPY_ARRAY_API"] = "1"
# Figures need no screen.
os.environ.setdefault("MPLBACKEND", "Agg")

# Optional packages of modules that cannot be imported without them, and of doctests.
OF_MODULES = {
    "convert/_skl2onnx": ["skl2onnx"],
    "convert/_torch_module": ["torch"],
    "forecasting/sktime": ["sktime"],
}
OF_DOCTESTS = {
    "production.rst": ["onnx", "onnxruntime", "skl2onnx", "torch"],
    "skbptt.convert.to_onnx": ["onnx", "onnxruntime"],
    "skbptt.convert.register_skl2onnx": ["skl2onnx"],
    "skbptt.convert.to_torch": ["torch"],
    "skbptt.convert.from_torch": ["torch"],
    "skbptt.convert.to_keras": ["keras"],
    "skbptt.convert.from_keras": ["keras"],
}


def at_hand(packages):
    return all(map(find_spec, packages))


collect_ignore = [
    f"skbptt/{name}.py" for name, needed in OF_MODULES.items() if not at_hand(needed)
]


def pytest_collection_modifyitems(items):
    items[:] = [item for item in items if at_hand(OF_DOCTESTS.get(item.name, []))]
