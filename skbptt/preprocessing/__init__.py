"""Sequences made ready: windows of series, and the forms of other libraries."""

from ._convert import (
    from_channels_first,
    from_stacked,
    pad_sequences,
    to_channels_first,
    to_stacked,
    unpad_sequences,
)
from ._windows import make_windows

__all__ = [
    "from_channels_first",
    "from_stacked",
    "make_windows",
    "pad_sequences",
    "to_channels_first",
    "to_stacked",
    "unpad_sequences",
]
