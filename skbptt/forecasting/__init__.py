"""Forecasts of time series."""

from .._public import publish
from ._forecaster import RNNForecaster

__all__ = ["RNNForecaster"]

publish(globals())
