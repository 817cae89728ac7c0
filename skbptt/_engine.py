"""The loops over time that run: compiled where they can be, else those of ``_scan``.

The environment variable ``SKBPTT_LOOPS``, read at import, chooses: "numpy", or a set of
instructions ("portable", "avx2", "avx512") of the compiled loops, whose results then differ
by less between machines. By default the fastest runs.
"""

import os

from . import _scan
from .cells import ElmanCell, GRUCell, LSTMCell

try:
    from ._loops import Loops, Tape
except ImportError:  # There was no compiler when the package was installed.
    Loops, Tape = None, ()


def choose(name):
    """The compiled loops of the given name, or None for those of NumPy."""
    if name == "numpy" or (name is None and Loops is None):
        return None
    if Loops is None:
        raise ValueError(
            f"SKBPTT_LOOPS={name!r}, but the compiled loops were not installed."
        )
    return Loops(name)


LOOPS = choose(os.environ.get("SKBPTT_LOOPS"))


def live():
    """Name of the loops that run."""
    return "numpy" if LOOPS is None else f"compiled ({LOOPS.instructions})"


def name_of(cell):
    """Name of a cell of the package in the compiled loops; None for others."""
    if type(cell) is ElmanCell:
        return cell.activation
    return {GRUCell: "gru", LSTMCell: "lstm"}.get(type(cell))


def scan(cell, p, x, batch, workspace, keep=True):
    """As :func:`skbptt._scan.scan`; the results live in the workspace.

    ``keep=False`` says that there will be no way back, and saves memory.
    """
    name = name_of(cell)
    real = x.dtype == p["R"].dtype and x.dtype.char in "fd"
    if LOOPS is not None and name is not None and real:
        return LOOPS.scan(name, p, x, batch, workspace, keep)
    return _scan.scan(cell, p, x, batch, keep=keep)


def scan_back(cell, p, batch, tape, dh, grad, truncation=None, need_dx=True):
    """As :func:`skbptt._scan.scan_back`, without the gradient of the initial state."""
    if isinstance(tape, Tape):
        return tape.scan_back(dh, grad, truncation, need_dx)
    return _scan.scan_back(cell, p, batch, tape, dh, grad, truncation, need_dx)[0]
