"""The estimators, and their streams."""

from ._base import BaseRNN
from ._classifier import RNNClassifier
from ._parameters import window_of
from ._regressor import RNNRegressor
from ._streams import Stream

__all__ = [
    "BaseRNN",
    "RNNClassifier",
    "RNNRegressor",
    "Stream",
    "window_of",
]
