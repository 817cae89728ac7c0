"""Layers: what a network is made of."""

from ._base import Layer, Pass, Stepper
from ._dense import Dense
from ._dropout import Dropout
from ._embedding import Columns, Embedding
from ._encoder_decoder import EncoderDecoder
from ._groups import Chain, Sides
from ._recurrent import Recurrent
from ._table import by_table

__all__ = [
    "Chain",
    "Columns",
    "Dense",
    "Dropout",
    "Embedding",
    "EncoderDecoder",
    "Layer",
    "Pass",
    "Recurrent",
    "Sides",
    "Stepper",
    "by_table",
]
