"""Recurrent cells: one step of a recurrence and its reverse."""

from .._public import publish
from ._base import Cell
from ._elman import ElmanCell
from ._gru import GRUCell
from ._lem import LEMCell
from ._lstm import LSTMCell

__all__ = ["Cell", "ElmanCell", "GRUCell", "LEMCell", "LSTMCell"]

publish(globals())
