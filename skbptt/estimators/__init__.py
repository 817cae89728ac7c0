"""The estimators, and their streams."""

from ._base import BaseRNN, PointwiseRNN
from ._classifier import RNNClassifier
from ._parameters import check_parameters, window_of
from ._regressor import RNNRegressor
from ._streams import Stream
from ._transcriber import RNNTranscriber
from ._translator import RNNTranslator

__all__ = [
    "BaseRNN",
    "PointwiseRNN",
    "RNNClassifier",
    "RNNRegressor",
    "RNNTranscriber",
    "RNNTranslator",
    "Stream",
    "check_parameters",
    "window_of",
]
