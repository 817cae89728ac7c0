"""The loops over time that run: compiled where they can be, else those of ``_scan``.

The environment variable ``SKBPTT_LOOPS``, read at import, chooses: "numpy", or a set of
instructions ("portable", "avx2", "avx512") of the compiled loops, whose results then differ
by less between machines. By default the fastest runs.
"""

import os

from . import _scan
from ._readout import read, read_back
from .cells import ElmanCell, GRUCell, LSTMCell

try:
    from ._loops import Loops, Tape, available
except ImportError:  # There was no compiler when the package was installed.
    Loops, Tape, available = None, (), ()


def choose(name=None):
    """The compiled loops of the given name, or None for those of NumPy."""
    choices = ("numpy", *available)
    name = name or choices[-1]
    if name not in choices:
        raise ValueError(
            f"SKBPTT_LOOPS must be one of {choices} here, or be unset. Got {name!r}."
        )
    return None if name == "numpy" else Loops(name)


LOOPS = choose(os.environ.get("SKBPTT_LOOPS"))


def live():
    """Name of the loops that run."""
    return "numpy" if LOOPS is None else f"compiled ({LOOPS.instructions})"


def name_of(cell):
    """Name of a cell of the package in the compiled loops; None for others."""
    if type(cell) is ElmanCell:
        return cell.activation
    return {GRUCell: "gru", LSTMCell: "lstm"}.get(type(cell))


def run(cell, p, x, batch, parts, workspace, keep=True):
    """Run a cell over a batch.

    Parameters
    ----------
    cell, p, x, batch : as in :func:`skbptt._scan.scan`
    parts : tuple of str
        What is wanted of the states: a value of ``READOUTS``, or () for all.
    workspace : Workspace
        Where the results live.
    keep : bool, default=True
        Whether there will be a way back.

    Returns
    -------
    output : ndarray of shape (n_rows, n_hidden) or (n_columns, n_parts, n_hidden)
        The states, or the parts of their readout.
    tape : object
        For :func:`run_back`.
    """
    name = name_of(cell)
    real = x.dtype == p["R"].dtype and x.dtype.char in "fd"
    if LOOPS is not None and name is not None and real:
        return LOOPS.scan(name, p, x, batch, parts, workspace, keep)
    h, tape = _scan.scan(cell, p, x, batch, keep=keep)
    if not parts:
        return h, (tape, None)
    s, rows_of_max = read(h, batch, parts)
    return s, (tape, rows_of_max)


def run_back(cell, p, batch, parts, tape, d_output, grad, truncation=None, need_dx=True):
    """Propagate the gradient of a loss back through :func:`run`.

    Parameters and results are those of :func:`skbptt._scan.scan_back`; the gradient of the
    initial state is left out.
    """
    if isinstance(tape, Tape):
        return tape.scan_back(d_output, grad, truncation, need_dx)
    tape, rows_of_max = tape
    dh = read_back(d_output, batch, parts, rows_of_max) if parts else d_output
    return _scan.scan_back(cell, p, batch, tape, dh, grad, truncation, need_dx)[0]
