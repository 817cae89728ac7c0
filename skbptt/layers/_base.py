"""What a layer is, and what all layers share while a batch passes through them."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..loops import STEP, Workspace


class Pass:
    """What all layers share while one batch passes through them, forward and back.

    With the parameters and tapes of the layers, it is the tape of a network.

    Parameters
    ----------
    batch : Batch
        The sequences, and how their steps are packed.
    workspace : Workspace, default=None
        Memory for results that live as long as the pass; a new one if None.
    keep : bool, default=True
        Whether there will be a way back. Without it, layers need not keep a tape.
    noise : dict of Layer to ndarray, default=None
        What :meth:`Layer.draw` gave. None for no noise.
    truncation : (int, int) or None, default=None
        (k1, k2) of :func:`skbptt.loops._scan.scan_back`.
    states : dict of Layer to ndarray of shape (n_rows, n_hidden), default=None
        States of all steps, by recurrent layer. :meth:`Layer.tangent` writes their
        derivatives here; :meth:`Layer.backward` reads gradients from here, which it adds
        to those that come from above.

    starts : dict of Layer to tuple of ndarray, default=None
        States of recurrent layers before their first step, one row per column of the
        batch. On the way back, gradients with respect to these are put into ``d_starts``.
    d_hs : dict of Layer to ndarray of shape (n_rows, n_hidden), default=None
        :meth:`Layer.backward` puts here the gradients with respect to the outputs of
        recurrent layers, with all that passes through later steps, in the order read.

    Attributes
    ----------
    p : dict
        The parameters.
    tape : object
        What :meth:`Layer.forward` left, or :meth:`Layer.tangent`.
    """

    __slots__ = [
        "batch",
        "d_hs",
        "d_starts",
        "keep",
        "noise",
        "p",
        "starts",
        "states",
        "tape",
        "truncation",
        "workspace",
    ]
    p: dict
    tape: Any

    def __init__(
        self,
        batch,
        workspace=None,
        keep=True,
        noise=None,
        truncation=None,
        states=None,
        starts=None,
        d_hs=None,
    ):
        self.batch = batch
        self.workspace = Workspace() if workspace is None else workspace
        self.keep = keep
        self.noise = noise
        self.truncation = truncation
        self.states = states
        self.starts = starts
        self.d_starts = {}
        self.d_hs = d_hs

    def back(self, truncation, states, d_hs):
        """This pass, with what counts on the way back alone."""
        if truncation is None and states is None and d_hs is None:
            return self
        shared = self.batch, self.workspace, self.keep, self.noise
        return Pass(*shared, truncation, states, d_hs=d_hs)


class Stepper(NamedTuple):
    """A layer that reads n streams, one step of each at a time.

    Attributes
    ----------
    step : callable
        ``step(x)`` for x of shape (n, ...), one row for each stream, returns what
        :meth:`Layer.forward` gives for the last step so far, or for the sequence so far if
        the layer :attr:`~Layer.reads_out`. The next step may overwrite that.
    states : dict of str to ndarray
        All that ``step`` remembers, in arrays of n rows, which it changes in place. So may
        the caller.
    choose : callable
        ``choose(streams)`` returns a stepper of the streams with these indices, in this
        order, in their current states. An index may be repeated.
    """

    step: Callable
    states: dict[str, np.ndarray]
    choose: Callable


class Layer:
    """A function of some parameters and of the rows of a batch, and its derivatives.

    A layer holds its shape and nothing else: parameters are handed in at each call. It
    defines :meth:`shapes`, :meth:`forward` and :meth:`backward`, and where it has
    parameters, :meth:`initialise`. The derivatives of both along a direction are found
    by the complex step unless the layer defines its own, so keep to analytic operations,
    or branch on real parts: all arrays may be float32, float64 or complex128.

    Rows are those of a :class:`~skbptt.data._sequences.Batch`: one for each step of each
    sequence, or one for each sequence after a layer that :attr:`reads_out`.

    Attributes
    ----------
    width : int
        Length of the last axis of the output.
    penalised : tuple of str, default=()
        Names of the parameters that L2 applies to.
    reads_out : bool, default=False
        Whether the layer makes one row for each sequence from the rows of its steps.
    row_by_row : bool, default=False
        Whether a row of the output depends on the same row of the input only, and
        :meth:`forward` does not need the batch. Such a layer can read streams.
    """

    width: int
    penalised: tuple[str, ...] = ()
    reads_out = False
    row_by_row = False

    # Parameters.

    def shapes(self):
        """Shapes of the parameters by name, in the order in which they are stored.

        Groups of layers give a dict of such dicts. So do all dicts of parameters below.
        """
        return {}

    def initialise(self, p, rng):
        """Fill the parameters ``p``, which are zero, with starting values."""

    def penalise(self, mask):
        """Fill ``mask``, which is like the parameters and zero, with 1 where L2 applies."""
        for name in self.penalised:
            mask[name][...] = 1

    # A pass.

    def draw(self, rng, n, dtype):
        """Noise of one training pass over n sequences, as a dict of Layer to ndarray."""
        return {}

    def numbers_per_step(self, keep):
        """Approximate count of numbers stored per step, with or without a tape."""
        return 0

    def forward(self, p, x, run):
        """The output, and the tape for the way back.

        Parameters
        ----------
        p : dict of str to ndarray
            The parameters.
        x : ndarray of shape (n_rows, ...)
            The input. It must not be changed.
        run : Pass

        Returns
        -------
        y : ndarray of shape (n_rows, ..., width)
        tape : object
            Whatever :meth:`backward` needs.
        """
        raise NotImplementedError

    def backward(self, p, tape, dy, grad, run, need_dx):
        """Gradient of a loss L, from dL/dy.

        Parameters
        ----------
        p : dict of str to ndarray
            The parameters.
        tape : object
            As returned by :meth:`forward`.
        dy : ndarray of the shape of y
        grad : dict of str to ndarray
            Filled with dL/dp.
        run : Pass
        need_dx : bool
            Whether dL/dx is wanted.

        Returns
        -------
        dx : ndarray of the shape of x, or None
        """
        raise NotImplementedError

    # The derivatives of both along a direction: x_dot is that of x.

    def tangent(self, p, p_dot, x, x_dot, tape, run):
        """Derivative of :meth:`forward` along a direction.

        Parameters
        ----------
        p, p_dot : dicts of str to ndarray
            The parameters, and their direction.
        x, x_dot : ndarrays
            The input, and its direction; None if that is zero.
        tape : object
            As returned by :meth:`forward`.
        run : Pass
            One with a separate workspace, not that of the tape.

        Returns
        -------
        y_dot : ndarray of the shape of y
        tangent : object
            Whatever :meth:`tangent_back` needs.
        """
        p_step = {name: value + 1j * STEP * p_dot[name] for name, value in p.items()}
        x_step = x if x_dot is None else x + 1j * STEP * x_dot
        y, tape_step = self.forward(p_step, x_step, run)
        return imaginary_part(y), (p_step, tape_step)

    def tangent_back(self, p, p_dot, tape, tangent, dy, dy_dot, grad, run, need_dx):
        """Derivative of :meth:`backward` along the direction of :meth:`tangent`.

        Parameters
        ----------
        p, p_dot, tape, run
            As in :meth:`tangent`.
        tangent : object
            As returned by it.
        dy, dy_dot : ndarrays of the shape of y
            dL/dy, and its derivative.
        grad : dict of str to ndarray
            Filled with the derivative of dL/dp.
        need_dx : bool
            Whether dL/dx and its derivative are wanted.

        Returns
        -------
        dx, dx_dot : ndarrays of the shape of x, or None
        """
        p_step, tape_step = tangent
        grad_step = {name: np.empty_like(value) for name, value in p_step.items()}
        d_step = dy + 1j * STEP * dy_dot
        dx = self.backward(p_step, tape_step, d_step, grad_step, run, need_dx)
        for name, value in grad_step.items():
            grad[name][...] = imaginary_part(value)
        return (None, None) if dx is None else (dx.real, imaginary_part(dx))

    # Streams.

    def stepper(self, p, n, dtype):
        """The layer for n streams before their first step.

        A layer that is not :attr:`row_by_row` defines it, or cannot read streams.

        Parameters
        ----------
        p : dict of str to ndarray
            The parameters, which must not change while the stepper is in use.
        n : int
            Number of streams.
        dtype : dtype
            That of the input and the states.

        Returns
        -------
        stepper : Stepper
        """
        if reason := self.cannot("stream"):
            raise TypeError(reason)
        run = Pass(None, keep=False)
        stepper = Stepper(lambda x: self.forward(p, x, run)[0], {}, lambda streams: stepper)
        return stepper

    # Groups of layers.

    def cannot(self, what):
        """Why the layer cannot do a thing, or None if it can.

        Parameters
        ----------
        what : {"stream"}
            "stream" is to read one step at a time.
        """
        own = type(self).stepper is not Layer.stepper
        if what == "stream" and not (own or self.row_by_row):
            return f"{type(self).__name__} has no stepper for streams"
        return None

    def leaves(self):
        """The layers in this one that are no groups, by name."""
        return {"": self}

    def replaced(self, function):
        """A layer like this, with ``function(leaf)`` in place of each of the leaves."""
        return function(self)


def imaginary_part(step):
    """The derivative that a complex step has found."""
    return (step.imag / STEP).astype(step.real.dtype, copy=False)
