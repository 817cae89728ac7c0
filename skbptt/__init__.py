"""Recurrent neural networks for scikit-learn, by exact backpropagation through time."""

import sys

from . import estimators
from ._persistence import TRUSTED_TYPES
from ._public import publish
from ._show_versions import show_versions
from .estimators import RNNClassifier, RNNRegressor, RNNTranscriber, RNNTranslator, Stream

__version__ = "0.1.0"

__all__ = [
    "TRUSTED_TYPES",
    "RNNClassifier",
    "RNNRegressor",
    "RNNTranscriber",
    "RNNTranslator",
    "Stream",
    "__version__",
    "show_versions",
]

publish(globals())

# Models stored by earlier versions look for their classes here.
sys.modules |= {f"{__name__}._{name}": estimators for name in ("classifier", "regressor")}
