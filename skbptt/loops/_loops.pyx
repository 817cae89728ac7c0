# cython: language_level=3
"""The compiled loops over time, for cells of the package in float32 and float64.

:class:`Loops` has the functions of :mod:`skbptt.loops._scan`, and gives their results to rounding.
"""

import numpy as np

from . import _segments
from ._readout import start_reading
from ._workspace import Workspace

from cpython.buffer cimport (
    Py_buffer,
    PyBUF_C_CONTIGUOUS,
    PyBUF_STRIDED_RO,
    PyBUF_WRITABLE,
    PyBuffer_Release,
    PyObject_GetBuffer,
)
from libc.stdint cimport int64_t
from libc.string cimport memcpy


cdef extern from "loops.h":
    enum:
        STATES, VECTORS, FEW
        LAST, MEAN, MAX, PARTS
    ctypedef struct Shape:
        const char *name
        int n_states, n_gates, n_blocks
        const char *vectors[VECTORS]
        int h_is_tape
    ctypedef struct Arrays:
        const void *W
        const void *R
        const void *b
        const void *vectors[VECTORS]
        const void *x
        Py_ssize_t x_pitch
        void *tape
        void *states[STATES]
        void *before[STATES]
        const void *initial[STATES]
        const void *dh
        Py_ssize_t dh_pitch
        void *dx
        void *d_initial[STATES]
    ctypedef struct Scan:
        int cell
        Py_ssize_t H, D, H1, D1, n_steps
        const Py_ssize_t *offsets
        int keep
        Py_ssize_t segment
        double constant
        Arrays value, dot
        void *sum
        void *top
        void *time_of_top
        void *scratch
        const Py_ssize_t *codes
        int packed
        int n_parts
        int parts[PARTS]
        void *reading
        int64_t *n_read
        Py_ssize_t k1, k2
        const void *d_sum
        const void *d_top
        const void *d_last
        void *d_h
        void *dW
        void *dR
        void *db
        void *d_vectors[VECTORS]
    ctypedef struct Ctc
    ctypedef struct CrossEntropy
    ctypedef struct Attention
    ctypedef struct CLoops "Loops":
        const Shape *(*shape)(int cell)
        Py_ssize_t (*scratch)(const Scan *, int backward)
        void (*forward)(const Scan *) nogil
        void (*backward)(const Scan *) nogil
        void (*forward_tangent)(const Scan *) nogil
        void (*backward_tangent)(const Scan *) nogil
        Py_ssize_t (*ctc_scratch)(const Ctc *)
        void (*ctc)(const Ctc *) nogil
        Py_ssize_t (*cross_entropy_scratch)(const CrossEntropy *)
        void (*cross_entropy)(const CrossEntropy *) nogil
        Py_ssize_t (*attention_scratch)(const Attention *)
        void (*attention)(const Attention *) nogil
        void (*attention_back)(const Attention *) nogil
    int skbptt_instructions()
    const CLoops *skbptt_loops(int instructions, int itemsize)


# In the order of the enumeration of loops.h.
INSTRUCTIONS = ("portable", "avx2", "avx512")


PARTS_OF_READOUT = {"last": LAST, "mean": MEAN, "max": MAX}


# Those of this processor, the fastest last.
available = INSTRUCTIONS[: skbptt_instructions() + 1]


def names_of_cells():
    """Names in the order of the table of cells, which is the same in all loops."""
    cdef const CLoops *loops = skbptt_loops(0, sizeof(double))
    cdef int cell = 0
    names = []
    while loops.shape(cell) is not NULL:
        names.append(loops.shape(cell).name.decode())
        cell += 1
    return tuple(names)


CELLS = names_of_cells()


include "arrays.pxi"


cdef point_to_input(Scan *s, x, dtype, Py_ssize_t n_rows):
    """Let the scan read the rows of x, or codes. Returns what must live on."""
    if x.ndim == 2:
        x = contiguous_rows(x)
        point_to_rows(x, dtype, n_rows, s.D, &s.value.x, &s.value.x_pitch)
    else:
        x = np.ascontiguousarray(x, np.intp)
        s.codes = address_of_table(x, n_rows, 1, s.D, False)
    return x


cdef const Shape *describe_layer(
    Scan *s, const CLoops *loops, str cell, p, dtype
) except NULL:
    """Set the sizes of a layer, and point to its parameters ``p``."""
    cdef Py_ssize_t line = 64 // dtype.itemsize
    cdef const Shape *shape
    s.cell = CELLS.index(cell)
    shape = loops.shape(s.cell)
    s.H, s.D = len(p["R"]), len(p["W"])
    s.H1, s.D1 = -(-s.H // line) * line, -(-s.D // line) * line
    point_to_weights(s, &s.value, shape, p, dtype)
    return shape


cdef int point_to_weights(
    const Scan *s, Arrays *arrays, const Shape *shape, p, dtype
) except -1:
    """Let ``arrays`` point to the parameters ``p`` of a layer."""
    cdef Py_ssize_t width = shape.n_gates * s.H
    arrays.W = address(p["W"], dtype, s.D * width)
    arrays.R = address(p["R"], dtype, s.H * width)
    arrays.b = address(p["b"], dtype, width)
    for k in range(VECTORS):
        if shape.vectors[k] is not NULL:
            arrays.vectors[k] = address(p[shape.vectors[k].decode()], dtype, s.H)
    return 0


cdef int point_to_gradient(Scan *s, const Shape *shape, grad, dtype) except -1:
    """Let the scan write its gradient into the arrays of ``grad``."""
    cdef Py_ssize_t width = shape.n_gates * s.H
    s.dW = address(grad["W"], dtype, s.D * width, writable=True)
    s.dR = address(grad["R"], dtype, s.H * width, writable=True)
    s.db = address(grad["b"], dtype, width, writable=True)
    for k in range(VECTORS):
        if shape.vectors[k] is not NULL:
            name = shape.vectors[k].decode()
            s.d_vectors[k] = address(grad[name], dtype, s.H, writable=True)
    return 0


cdef Py_ssize_t steps_held(const Scan *s, const Shape *shape, offsets, Py_ssize_t size):
    """Steps whose tape is held at a time."""
    cdef Py_ssize_t bytes_per_row = (shape.n_blocks + shape.n_states - 1) * s.H1 * size
    if not s.keep or shape.h_is_tape or _segments.kept_whole(offsets, bytes_per_row):
        return s.n_steps
    return _segments.steps_of_segment(offsets, bytes_per_row)


cdef list take_states(
    const Scan *s, Arrays *arrays, const Shape *shape, dtype, workspace
):
    """Memory for the tape and the states, or their derivatives; h is the first."""
    cdef Py_ssize_t n_rows = s.offsets[s.n_steps], width = shape.n_blocks * s.H1
    cdef Py_ssize_t n_before = (s.n_steps - 1) // s.segment
    cdef Py_ssize_t n_kept = 2 * s.offsets[1], n
    taken = []
    if s.keep:
        # The first steps have the most rows.
        n_kept = s.offsets[min(s.segment, s.n_steps)]
    for k in range(shape.n_states):
        n = n_kept if k else n_rows
        taken.append(workspace.empty((n, s.H1), dtype))
        arrays.states[k] = address(taken[-1], dtype, n * s.H1)
    if not shape.h_is_tape:
        n = n_kept if s.keep else FEW
        taken.append(workspace.empty((n, width), dtype))
        arrays.tape = address(taken[-1], dtype, n * width)
    for k in range(1, shape.n_states if n_before else 0):
        taken.append(workspace.empty((n_before, s.offsets[1], s.H1), dtype))
        arrays.before[k] = address(taken[-1], dtype, n_before * s.offsets[1] * s.H1)
    return taken


cdef list take_initial(
    const Scan *s, Arrays *arrays, const Shape *shape, initial, dtype, workspace
):
    """Padded copies of the states before the first step, or of their derivatives."""
    copies = []
    for k in range(shape.n_states if initial is not None else 0):
        copy = workspace.empty((s.offsets[1], s.H1), dtype)
        copy[:, : s.H] = initial[k]
        copy[:, s.H :] = 0
        arrays.initial[k] = address(copy, dtype, s.offsets[1] * s.H1)
        copies.append(copy)
    return copies


cdef list take_d_initial(
    const Scan *s, Arrays *arrays, const Shape *shape, bint wanted, dtype, workspace
):
    """Memory for the gradient of the states before the first step, if it is wanted."""
    taken = []
    for k in range(STATES):
        arrays.d_initial[k] = NULL
    for k in range(shape.n_states if wanted else 0):
        taken.append(workspace.empty((s.offsets[1], s.H1), dtype))
        arrays.d_initial[k] = address(taken[k], dtype, s.offsets[1] * s.H1)
    return taken


cdef class Tape:
    """What :meth:`Loops.scan` leaves for the way back."""

    cdef Scan scan
    cdef const CLoops *loops
    cdef const Shape *shape
    cdef tuple arrays  # to which `scan` points
    cdef object workspace, batch, dtype
    cdef tuple parts

    def scan_back(
        self,
        d_output,
        grad,
        truncation=None,
        bint need_dx=True,
        d_states=None,
        d_initial=None,
        d_h=None,
    ):
        """As :func:`skbptt.loops._engine.run_back`."""
        cdef Scan *s = &self.scan
        cdef Py_ssize_t n_rows, n_columns, n_bytes
        cdef void *where
        if not s.keep:
            raise ValueError("The tape was not kept.")
        dtype, n_rows, n_columns = self.dtype, s.offsets[s.n_steps], s.offsets[1]
        dh, s.value.dh = d_states, NULL
        if not self.parts:
            dh = d_output if d_states is None else d_output + d_states
        if dh is not None:
            dh = contiguous_rows(dh)
            point_to_rows(dh, dtype, n_rows, s.H, &s.value.dh, &s.value.dh_pitch)
        d_parts = []  # which `scan` points to
        for k, part in enumerate(self.parts):
            d_part = self.workspace.empty((n_columns, s.H1), dtype)
            d_part[:, s.H :] = 0
            d_part[:, : s.H] = d_output[:, k]
            if part == "mean":
                d_part /= self.batch.lengths[:, None]
            d_parts.append(d_part)
            where = address(d_part, dtype, n_columns * s.H1)
            if part == "last":
                s.d_last = where
            elif part == "mean":
                s.d_sum = where
            else:
                s.d_top = where
        point_to_gradient(s, self.shape, grad, dtype)
        dx, s.value.dx = None, NULL
        if need_dx:
            dx = self.workspace.empty((n_rows, s.D1), dtype)
            s.value.dx = address(dx, dtype, n_rows * s.D1)
        s.d_h = NULL
        if d_h is not None:
            s.d_h = address(d_h, dtype, n_rows * s.H)
        taken = take_d_initial(
            s, &s.value, self.shape, d_initial is not None, dtype, self.workspace
        )
        k1, k2 = truncation or (s.n_steps, s.n_steps)
        s.k1 = min(k1, s.n_steps)
        s.k2 = min(k2, s.n_steps + s.k1)  # as far back as it can be
        n_bytes = self.loops.scratch(s, True)
        scratch = self.workspace.empty((n_bytes,), np.uint8)
        s.scratch = address(scratch, np.uint8, n_bytes)
        with nogil:
            self.loops.backward(s)
        for k, padded in enumerate(taken):
            d_initial[k][:] = padded[:, : s.H]
        return dx[:, : s.D] if need_dx else None

    def rows_of_max(self):
        """Rows of the largest states, if the readout asks for them."""
        if "max" not in self.parts:
            return None
        times = self.arrays[-1][:, : self.scan.H]
        return self.batch.offsets[times] + np.arange(len(times))[:, np.newaxis]

    def tangent(self, p_dot, x_dot, workspace, initial_dot=None):
        """As :func:`skbptt.loops._engine.run_tangent`, with the states of all steps."""
        cdef Tangent tangent = Tangent()
        cdef Scan *s = &tangent.scan
        cdef Py_ssize_t n_bytes, n_rows
        if not self.scan.keep:
            raise ValueError("The tape was not kept.")
        tangent.scan, tangent.tape = self.scan, self
        dtype, n_rows = self.dtype, s.offsets[s.n_steps]
        whole = None
        if s.segment < s.n_steps:  # The way back needs all of the tape.
            s.segment = s.n_steps
            whole = take_states(s, &s.value, self.shape, dtype, workspace)
            n_bytes = self.loops.scratch(s, False)
            scratch = workspace.empty((n_bytes,), np.uint8)
            s.scratch = address(scratch, np.uint8, n_bytes)
            with nogil:
                self.loops.forward(s)
        point_to_weights(s, &s.dot, self.shape, p_dot, dtype)
        if x_dot is not None:
            x_dot = contiguous_rows(x_dot)
            point_to_rows(x_dot, dtype, n_rows, s.D, &s.dot.x, &s.dot.x_pitch)
        states = take_states(s, &s.dot, self.shape, dtype, workspace)
        initial = take_initial(s, &s.dot, self.shape, initial_dot, dtype, workspace)
        tangent.arrays = (p_dot, x_dot, states, initial, whole)
        n_bytes = 2 * self.loops.scratch(s, False)
        scratch = workspace.empty((n_bytes,), np.uint8)
        s.scratch = address(scratch, np.uint8, n_bytes)
        with nogil:
            self.loops.forward_tangent(s)
        return states[0][:, : s.H], tangent


include "tangent.pxi"
include "stepper.pxi"


cdef class Loops:
    """The loops over time for one set of instructions.

    Parameters
    ----------
    instructions : one of ``available``
    """

    cdef int level
    cdef readonly str instructions

    def __init__(self, instructions):
        if instructions not in available:
            raise ValueError(
                f"instructions must be one of {available} here. Got {instructions!r}."
            )
        self.level = INSTRUCTIONS.index(instructions)
        self.instructions = instructions

    def scan(
        self,
        str cell,
        p,
        x,
        batch,
        tuple parts,
        workspace,
        bint keep=True,
        initial=None,
        double constant=0,
    ):
        """As :func:`skbptt.loops._engine.run`, for one of CELLS."""
        cdef Tape tape = Tape()
        cdef Scan *s = &tape.scan
        cdef Py_ssize_t n_bytes, n_columns, n_rows = len(x)
        dtype = p["R"].dtype
        offsets = np.ascontiguousarray(batch.offsets, np.intp)
        tape.loops = skbptt_loops(self.level, dtype.itemsize)
        tape.shape = describe_layer(s, tape.loops, cell, p, dtype)
        s.n_steps = len(offsets) - 1
        s.offsets = <const Py_ssize_t *>address(offsets, np.intp, s.n_steps + 1)
        if offsets[0] != 0 or offsets[-1] != n_rows:
            raise ValueError(f"x has {n_rows} rows, the batch {offsets[-1]}.")
        x = point_to_input(s, x, dtype, n_rows)
        s.keep, s.constant = keep, constant
        s.segment = steps_held(s, tape.shape, offsets, dtype.itemsize)
        states = take_states(s, &s.value, tape.shape, dtype, workspace)
        initial = take_initial(s, &s.value, tape.shape, initial, dtype, workspace)
        n_columns = s.offsets[1]
        total = top = times = None
        if "mean" in parts:
            total = workspace.empty((n_columns, s.H1), dtype)
            s.sum = address(total, dtype, n_columns * s.H1)
        if "max" in parts:
            top = workspace.empty((n_columns, s.H1), dtype)
            s.top = address(top, dtype, n_columns * s.H1)
            times = workspace.empty((n_columns, s.H1), f"i{dtype.itemsize}")
            s.time_of_top = address(times, times.dtype, n_columns * s.H1)
        n_bytes = tape.loops.scratch(s, False)
        scratch = workspace.empty((n_bytes,), np.uint8)
        s.scratch = address(scratch, np.uint8, n_bytes)
        tape.arrays = (p, x, offsets, states, initial, total, top, times)
        tape.workspace, tape.batch, tape.parts = workspace, batch, parts
        tape.dtype = dtype
        with nogil:
            tape.loops.forward(s)
        h = states[0][:, : s.H]
        if not parts:
            return h, tape
        output = np.empty((n_columns, len(parts), s.H), dtype)
        for k, part in enumerate(parts):
            if part == "last":
                output[:, k] = h[batch.last]
            elif part == "mean":
                np.divide(total[:, : s.H], batch.lengths[:, None], out=output[:, k])
            else:
                output[:, k] = top[:, : s.H]
        return output, tape

    def stepper(
        self,
        str cell,
        tuple names,
        p,
        tuple parts,
        Py_ssize_t n_streams,
        workspace,
        double constant=0,
    ):
        """As :func:`skbptt.loops._engine.stepper`, for one of CELLS and names of its states."""
        cdef Stepper stepper = Stepper()
        cdef Scan *s = &stepper.scan
        cdef const Shape *shape
        cdef Py_ssize_t offsets[2]
        cdef Py_ssize_t n_bytes
        stepper.dtype = dtype = p["R"].dtype
        stepper.loops = skbptt_loops(self.level, dtype.itemsize)
        shape = describe_layer(s, stepper.loops, cell, p, dtype)
        stepper.n_states, s.keep = shape.n_states, True
        s.segment, s.constant = 1, constant
        stepper.names, stepper.parts = names, parts
        s.offsets, s.n_steps, offsets[0], offsets[1] = offsets, 1, 0, FEW
        after = take_states(s, &s.value, shape, dtype, workspace)
        n_bytes = stepper.loops.scratch(s, False)
        scratch = workspace.empty((n_bytes,), np.uint8)
        s.scratch = address(scratch, np.uint8, n_bytes)
        stepper.shared = (after, scratch)
        s.n_steps = 0  # packs the weights only
        stepper.loops.forward(s)
        s.n_steps, s.packed = 1, True
        stepper.begin(shape, n_streams, workspace)
        return stepper

include "adam.pxi"
include "ctc.pxi"
include "cross_entropy.pxi"
include "attention.pxi"
include "embedding.pxi"
