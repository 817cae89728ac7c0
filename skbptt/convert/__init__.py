"""Fitted networks in other forms."""

from .._public import publish
from ._c import to_c

__all__ = ["to_c"]

publish(globals())
