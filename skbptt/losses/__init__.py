"""Losses over raw outputs, and the units of targets."""

from ._base import Loss, Units, units_of
from ._cross_entropy import cross_entropy
from ._ctc import align, check_alignable, ctc, log_softmax
from ._ctc_decoding import best_path, prefix_search
from ._labels import CTC, SequenceCrossEntropy
from ._likelihoods import Gaussian, Likelihood, NegativeBinomial, StudentT
from ._pointwise import (
    AbsoluteError,
    BinaryCrossEntropy,
    CrossEntropy,
    Huber,
    Poisson,
    Quantile,
    Regression,
    SquaredError,
)
from ._quantiles import Quantiles

__all__ = [
    "CTC",
    "AbsoluteError",
    "BinaryCrossEntropy",
    "CrossEntropy",
    "Gaussian",
    "Huber",
    "Likelihood",
    "Loss",
    "NegativeBinomial",
    "Poisson",
    "Quantile",
    "Quantiles",
    "Regression",
    "SequenceCrossEntropy",
    "SquaredError",
    "StudentT",
    "Units",
    "align",
    "best_path",
    "check_alignable",
    "cross_entropy",
    "ctc",
    "log_softmax",
    "prefix_search",
    "units_of",
]
