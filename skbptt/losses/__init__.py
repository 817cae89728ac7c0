"""Losses over raw outputs, and the units of targets."""

from ._base import Loss, Units, in_units, units_of
from ._ctc import align, check_alignable, ctc, log_softmax
from ._ctc_decoding import best_path, prefix_search
from ._labels import CTC, SequenceCrossEntropy
from ._pointwise import (
    AbsoluteError,
    BinaryCrossEntropy,
    CrossEntropy,
    Huber,
    Poisson,
    Quantile,
    SquaredError,
)

__all__ = [
    "CTC",
    "AbsoluteError",
    "BinaryCrossEntropy",
    "CrossEntropy",
    "Huber",
    "Loss",
    "Poisson",
    "Quantile",
    "SequenceCrossEntropy",
    "SquaredError",
    "Units",
    "align",
    "best_path",
    "check_alignable",
    "ctc",
    "in_units",
    "log_softmax",
    "prefix_search",
    "units_of",
]
