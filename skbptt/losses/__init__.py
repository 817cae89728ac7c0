"""Losses: what training minimises, as functions of raw outputs and targets."""

from ._ctc import align, check_alignable, ctc
from ._ctc_decoding import best_path, prefix_search

__all__ = ["align", "best_path", "check_alignable", "ctc", "prefix_search"]
