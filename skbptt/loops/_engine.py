"""The loops over time that run: compiled where they can be, else those of ``_scan``.

The environment variable ``SKBPTT_LOOPS``, read at import, chooses: "numpy", or a set of
instructions ("portable", "avx2", "avx512") of the compiled loops, whose results then differ
by less between machines. By default the fastest runs.
"""

import os

import numpy as np

from . import _scan
from ._readout import read, read_at, read_back
from ._workspace import Workspace

try:
    from ._loops import CELLS, Loops, Tangent, Tape, available
except ImportError:  # There was no compiler when the package was installed.
    CELLS, Loops, Tangent, Tape, available = (), None, (), (), ()


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


# What the compiled loops know of a cell.
REPLACED = (
    "gates",
    "states",
    "vectors",
    "shapes",
    "step",
    "step_back",
    "late_gate",
    "late_R",
)


def kind_of(cell):
    """Name of the cell of the package whose steps a cell takes, or None."""
    cls = type(cell)
    owner = next(base for base in cls.__mro__ if "_compiled" in vars(base))
    same = cls is owner or all(
        getattr(cls, name) == getattr(owner, name) for name in REPLACED
    )
    return cell._compiled if same else None


def name_of(cell):
    """Name of a cell in the compiled loops, or None if they cannot run it.

    A subclass of a compiled cell runs compiled if it inherits what the loops replace.
    """
    kind = kind_of(cell)
    return kind if kind in CELLS else None


def run(cell, p, x, batch, parts, workspace, keep=True, initial=None):
    """Run a cell over a batch.

    Parameters
    ----------
    cell, p, x, batch : as in :func:`skbptt.loops._scan.scan`
    parts : tuple of str
        What is wanted of the states: a value of ``READOUTS``, or () for all.
    workspace : Workspace
        Where the results live.
    keep : bool, default=True
        Whether there will be a way back.
    initial : tuple of ndarrays of shape (n_columns, n_hidden), default=None
        States before the first step; zeros if None.

    Returns
    -------
    output : ndarray of shape (n_rows, n_hidden) or (n_columns, n_parts, n_hidden)
        The states, or the parts of their readout.
    tape : object
        For :func:`run_back`.
    """
    if x.ndim == 1 and keep:
        raise ValueError("Codes have no way back.")
    name = name_of(cell)
    real = p["R"].dtype.char in "fd" and (x.ndim == 1 or x.dtype == p["R"].dtype)
    if LOOPS is not None and name is not None and real:
        return LOOPS.scan(
            name, p, x, batch, parts, workspace, keep, initial, cell._constant
        )
    h, tape = _scan.scan(cell, p, x, batch, initial, keep)
    if not parts:
        return h, (tape, None, initial)
    s, rows_of_max = read(h, batch, parts)
    return s, (tape, rows_of_max, initial)


def stepper(cell, p, parts, n_streams):
    """A :class:`skbptt.loops._scan.Stepper` of a cell, compiled where it can be."""
    name = name_of(cell)
    if LOOPS is not None and name is not None and p["R"].dtype.char in "fd":
        return LOOPS.stepper(
            name, cell.states, p, parts, n_streams, Workspace(), cell._constant
        )
    return _scan.Stepper(cell, p, parts, n_streams)


def run_back(
    cell,
    p,
    batch,
    parts,
    tape,
    d_output,
    grad,
    truncation=None,
    need_dx=True,
    d_states=None,
    d_initial=None,
    d_h=None,
):
    """Propagate the gradient of a loss back through :func:`run`.

    Parameters and results are those of :func:`skbptt.loops._scan.scan_back`, except that
    the arrays of ``d_initial``, if given, are filled with the gradient of the initial
    states.
    ``d_states`` of shape (n_rows, n_hidden) is added to the gradient of the states.
    """
    if isinstance(tape, Tape):
        return tape.scan_back(d_output, grad, truncation, need_dx, d_states, d_initial, d_h)
    tape, rows_of_max, _ = tape
    dh = read_back(d_output, batch, parts, rows_of_max) if parts else d_output
    if d_states is not None:
        dh = dh + d_states
    dx, given = _scan.scan_back(cell, p, batch, tape, dh, grad, truncation, need_dx, d_h)
    if d_initial is not None:
        for own, value in zip(d_initial, given):
            own[:] = value
    return dx


# Of the complex step: its square is lost in rounding, whatever it is added to.
STEP = 1e-20


def run_tangent(cell, p, p_dot, x_dot, batch, parts, tape, workspace, initial_dot=None):
    """Derivative of :func:`run` along one direction of weights and inputs.

    Parameters
    ----------
    cell, p, batch, parts : as in :func:`run`
    p_dot : dict of str to ndarray
        Direction, like ``p``.
    x_dot : ndarray of the shape of x, or None if zero
    tape : object
        What :func:`run` left.
    workspace : Workspace
        Where the results live; not that of the tape.
    initial_dot : tuple of ndarrays like ``initial`` of :func:`run`, default=None
        Direction of the initial states; zeros if None.

    Returns
    -------
    output_dot : ndarray of the shape of the output
    h_dot : ndarray of shape (n_rows, n_hidden)
        Of the states of all steps.
    tangent : object
        For :func:`run_back_tangent`.
    """
    if isinstance(tape, Tape):
        h_dot, tangent = tape.tangent(p_dot, x_dot, workspace, initial_dot)
        rows_of_max = tape.rows_of_max()
    else:
        (x, *_), rows_of_max, initial = tape
        p_step = {name: value + 1j * STEP * p_dot[name] for name, value in p.items()}
        x_step = x + 1j * STEP * (0 if x_dot is None else x_dot)
        if initial_dot is not None:
            if initial is None:
                initial = (0,) * len(initial_dot)
            initial = tuple(s + 1j * STEP * dot for s, dot in zip(initial, initial_dot))
        h, tangent = _scan.scan(cell, p_step, x_step, batch, initial)
        tangent = p_step, tangent
        h_dot = (h.imag / STEP).astype(x.dtype, copy=False)
    output_dot = read_at(h_dot, batch, parts, rows_of_max) if parts else h_dot
    return output_dot, h_dot, (tangent, rows_of_max)


def run_back_tangent(
    cell,
    batch,
    parts,
    tangent,
    d_output,
    d_output_dot,
    grad_dot,
    need_dx,
    workspace,
    d_initial_dot=None,
):
    """Derivative of :func:`run_back` along the direction of :func:`run_tangent`.

    Parameters
    ----------
    cell, batch, parts : as in :func:`run`
    tangent : object
        What :func:`run_tangent` left.
    d_output, d_output_dot : ndarrays of the shape of the output
        Gradient of the loss, and its derivative.
    grad_dot : dict of str to ndarray
        Filled with the derivative of the gradient.
    need_dx : bool
    workspace : Workspace
    d_initial_dot : tuple of ndarrays like ``initial`` of :func:`run`, default=None
        Filled with the derivative of the gradient of the initial states.

    Returns
    -------
    dx, dx_dot : ndarrays of shape (n_rows, n_in), or None
    """
    tangent, rows_of_max = tangent
    if parts:
        d_output = read_back(d_output, batch, parts, rows_of_max)
        d_output_dot = read_back(d_output_dot, batch, parts, rows_of_max)
    if isinstance(tangent, Tangent):
        return tangent.back(
            d_output, d_output_dot, grad_dot, need_dx, workspace, d_initial_dot
        )
    p_step, tape = tangent
    grad = {name: np.empty_like(value) for name, value in p_step.items()}
    d_step = d_output + 1j * STEP * d_output_dot
    dx, given = _scan.scan_back(cell, p_step, batch, tape, d_step, grad, need_dx=need_dx)
    if d_initial_dot is not None:
        for own, value in zip(d_initial_dot, given):
            own[:] = value.imag / STEP
    for name, value in grad.items():
        grad_dot[name][:] = value.imag / STEP
    return (dx.real, dx.imag / STEP) if need_dx else (None, None)
