"""Recurrent neural networks for scikit-learn, by exact backpropagation through time."""

from ._classifier import RNNClassifier
from ._persistence import TRUSTED_TYPES
from ._public import publish
from ._regressor import RNNRegressor
from ._show_versions import show_versions
from ._streams import Stream

__version__ = "0.1.0"

__all__ = [
    "TRUSTED_TYPES",
    "RNNClassifier",
    "RNNRegressor",
    "Stream",
    "__version__",
    "show_versions",
]

publish(globals())
