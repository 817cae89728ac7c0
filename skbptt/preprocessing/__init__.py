"""Prepare sequences: texts, transformers of steps, windows, forms of other libraries."""

from .._public import publish
from ._augment import SequenceAugmenter
from ._convert import (
    from_channels_first,
    from_stacked,
    pad_sequences,
    to_channels_first,
    to_stacked,
    unpad_sequences,
)
from ._flatten import SequenceFlattener, SequenceUnflattener
from ._frames import SequenceDifferences, SequenceFrames
from ._impute import SequenceImputer
from ._time_distributed import TimeDistributed
from ._tokens import TokenEncoder
from ._windows import make_windows

__all__ = [
    "SequenceAugmenter",
    "SequenceDifferences",
    "SequenceFlattener",
    "SequenceFrames",
    "SequenceImputer",
    "SequenceUnflattener",
    "TimeDistributed",
    "TokenEncoder",
    "from_channels_first",
    "from_stacked",
    "make_windows",
    "pad_sequences",
    "to_channels_first",
    "to_stacked",
    "unpad_sequences",
]

publish(globals())
