"""Losses over raw outputs, and the units of targets."""

from ._base import Loss, Units, in_units, units_of
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
    "AbsoluteError",
    "BinaryCrossEntropy",
    "CrossEntropy",
    "Huber",
    "Loss",
    "Poisson",
    "Quantile",
    "SquaredError",
    "Units",
    "in_units",
    "units_of",
]
