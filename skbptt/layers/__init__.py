"""Layers: what a network is made of."""

from ._attention import Grid
from ._base import Layer, Pass, Stepper
from ._dense import Dense
from ._dropout import Dropout
from ._embedding import Columns, Embedding
from ._encoder_decoder import EncoderDecoder
from ._groups import Chain, Sides
from ._recurrent import Recurrent

__all__ = [
    "Chain",
    "Columns",
    "Dense",
    "Dropout",
    "Embedding",
    "EncoderDecoder",
    "Grid",
    "Layer",
    "Pass",
    "Recurrent",
    "Sides",
    "Stepper",
]
