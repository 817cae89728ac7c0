"""Data sets: real speech, and generated problems with long dependencies."""

from .._public import publish
from ._japanese_vowels import load_japanese_vowels
from ._synthetic import make_adding_problem, make_copy_memory, make_temporal_order

__all__ = [
    "load_japanese_vowels",
    "make_adding_problem",
    "make_copy_memory",
    "make_temporal_order",
]

publish(globals())
