# cython: language_level=3
"""The compiled loops over time, for cells of the package in float32 and float64.

:class:`Loops` has the functions of :mod:`skbptt._scan`, and gives their results to rounding.
"""

import numpy as np

from cpython.buffer cimport (
    Py_buffer,
    PyBUF_C_CONTIGUOUS,
    PyBUF_STRIDED_RO,
    PyBUF_WRITABLE,
    PyBuffer_Release,
    PyObject_GetBuffer,
)


cdef extern from "loops.h":
    enum:
        GRU, LSTM
    ctypedef struct Scan:
        int cell
        Py_ssize_t H, D, H1, D1, width, n_steps
        const Py_ssize_t *offsets
        const void *W
        const void *R
        const void *b
        const void *b_n
        const void *x
        Py_ssize_t x_pitch
        int keep
        void *gates
        void *c
        void *h
        void *sum
        void *top
        void *time_of_top
        void *scratch
        Py_ssize_t k1, k2
        const void *dh
        Py_ssize_t dh_pitch
        const void *d_sum
        const void *d_top
        const void *d_last
        void *dW
        void *dR
        void *db
        void *db_n
        void *dx
        const void *W_dot
        const void *R_dot
        const void *b_dot
        const void *b_n_dot
        const void *x_dot
        Py_ssize_t x_dot_pitch
        void *gates_dot
        void *c_dot
        void *h_dot
        const void *dh_dot
        Py_ssize_t dh_dot_pitch
        void *dx_dot
    ctypedef struct CLoops "Loops":
        Py_ssize_t (*scratch)(const Scan *, int backward)
        void (*forward)(const Scan *) nogil
        void (*backward)(const Scan *) nogil
        void (*forward_tangent)(const Scan *) nogil
        void (*backward_tangent)(const Scan *) nogil
    int skbptt_instructions()
    const CLoops *skbptt_loops(int instructions, int itemsize)


# In the order of the enumerations of loops.h.
INSTRUCTIONS = ("portable", "avx2", "avx512")
CELLS = ("identity", "logistic", "relu", "tanh", "gru", "lstm")


# Those of this processor, the fastest last.
available = INSTRUCTIONS[: skbptt_instructions() + 1]


cdef void *address(
    array, dtype, Py_ssize_t size, bint writable=False
) except? NULL:
    """Where a contiguous array of ``size`` numbers begins. The caller holds the array."""
    cdef Py_buffer buffer
    if array.dtype != dtype or array.size != size:
        raise ValueError(
            f"An array has {array.size} numbers of {array.dtype}, not {size} of {dtype}."
        )
    PyObject_GetBuffer(array, &buffer, PyBUF_C_CONTIGUOUS | PyBUF_WRITABLE * writable)
    PyBuffer_Release(&buffer)
    return buffer.buf


cdef void *address_of_rows(
    array, dtype, Py_ssize_t n_rows, Py_ssize_t n_columns
) except? NULL:
    """The same for an array whose rows, each contiguous, lie apart."""
    cdef Py_buffer buffer
    if array.dtype != dtype or array.shape != (n_rows, n_columns):
        raise ValueError(
            f"An array of {array.dtype} has the shape {array.shape}, not "
            f"{(n_rows, n_columns)} of {dtype}."
        )
    PyObject_GetBuffer(array, &buffer, PyBUF_STRIDED_RO)
    PyBuffer_Release(&buffer)
    return buffer.buf


def contiguous_rows(array):
    """The array, or a copy, whose rows are contiguous and follow one after the other."""
    row, step = array.strides
    width = array.shape[1] * array.itemsize
    good = row >= width and (step == array.itemsize or array.shape[1] == 1)
    return array if good else np.ascontiguousarray(array)


cdef int point_to_gradient(Scan *s, grad, dtype, Py_ssize_t n_gates) except -1:
    """Let the scan write its gradient into the arrays of ``grad``."""
    s.dW = address(grad["W"], dtype, s.D * n_gates * s.H, writable=True)
    s.dR = address(grad["R"], dtype, s.H * n_gates * s.H, writable=True)
    s.db = address(grad["b"], dtype, n_gates * s.H, writable=True)
    if s.cell == GRU:
        s.db_n = address(grad["b_n"], dtype, s.H, writable=True)
    return 0


cdef class Tape:
    """What :meth:`Loops.scan` leaves for the way back."""

    cdef Scan scan
    cdef const CLoops *loops
    cdef tuple arrays  # to which `scan` points
    cdef object workspace, batch, dtype
    cdef tuple parts
    cdef Py_ssize_t n_gates

    def scan_back(
        self, d_output, grad, truncation=None, bint need_dx=True, d_states=None
    ):
        """As :func:`skbptt._engine.run_back`."""
        cdef Scan *s = &self.scan
        cdef Py_ssize_t n_gates = self.n_gates, n_rows, n_columns, n_bytes
        cdef void *where
        if not s.keep:
            raise ValueError("The tape was not kept.")
        dtype, n_rows, n_columns = self.dtype, s.offsets[s.n_steps], s.offsets[1]
        dh, s.dh = d_states, NULL
        if not self.parts:
            dh = d_output if d_states is None else d_output + d_states
        if dh is not None:
            dh = contiguous_rows(dh)
            s.dh = address_of_rows(dh, dtype, n_rows, s.H)
            s.dh_pitch = dh.strides[0] // dh.itemsize
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
        point_to_gradient(s, grad, dtype, n_gates)
        dx, s.dx = None, NULL
        if need_dx:
            dx = self.workspace.empty((n_rows, s.D1), dtype)
            s.dx = address(dx, dtype, n_rows * s.D1)
        k1, k2 = truncation or (s.n_steps, s.n_steps)
        s.k1 = min(k1, s.n_steps)
        s.k2 = min(k2, s.n_steps + s.k1)  # as far back as it can be
        n_bytes = self.loops.scratch(s, True)
        scratch = self.workspace.empty((n_bytes,), np.uint8)
        s.scratch = address(scratch, np.uint8, n_bytes)
        with nogil:
            self.loops.backward(s)
        return dx[:, : s.D] if need_dx else None


    def rows_of_max(self):
        """Rows of the largest states, if the readout asks for them."""
        if "max" not in self.parts:
            return None
        times = self.arrays[-1][:, : self.scan.H]
        return self.batch.offsets[times] + np.arange(len(times))[:, np.newaxis]

    def tangent(self, p_dot, x_dot, workspace):
        """As :func:`skbptt._engine.run_tangent`, with the states of all steps."""
        cdef Tangent tangent = Tangent()
        cdef Scan *s = &tangent.scan
        cdef Py_ssize_t n_bytes, n_gates = self.n_gates, n_rows
        if not self.scan.keep:
            raise ValueError("The tape was not kept.")
        tangent.scan, tangent.tape = self.scan, self
        dtype, n_rows = self.dtype, s.offsets[s.n_steps]
        s.W_dot = address(p_dot["W"], dtype, s.D * n_gates * s.H)
        s.R_dot = address(p_dot["R"], dtype, s.H * n_gates * s.H)
        s.b_dot = address(p_dot["b"], dtype, n_gates * s.H)
        if s.cell == GRU:
            s.b_n_dot = address(p_dot["b_n"], dtype, s.H)
        if x_dot is not None:
            x_dot = contiguous_rows(x_dot)
            s.x_dot = address_of_rows(x_dot, dtype, n_rows, s.D)
            s.x_dot_pitch = x_dot.strides[0] // x_dot.itemsize
        h_dot = workspace.empty((n_rows, s.H1), dtype)
        s.h_dot = address(h_dot, dtype, n_rows * s.H1)
        gates_dot = c_dot = None
        if s.cell >= GRU:
            gates_dot = workspace.empty((n_rows, s.width), dtype)
            s.gates_dot = address(gates_dot, dtype, n_rows * s.width)
        if s.cell == LSTM:
            c_dot = workspace.empty((n_rows, s.H1), dtype)
            s.c_dot = address(c_dot, dtype, n_rows * s.H1)
        tangent.arrays = (p_dot, x_dot, h_dot, gates_dot, c_dot)
        n_bytes = 2 * self.loops.scratch(s, False)
        scratch = workspace.empty((n_bytes,), np.uint8)
        s.scratch = address(scratch, np.uint8, n_bytes)
        with nogil:
            self.loops.forward_tangent(s)
        return h_dot[:, : s.H], tangent


cdef class Tangent:
    """What :meth:`Tape.tangent` leaves for the way back."""

    cdef Scan scan
    cdef Tape tape
    cdef tuple arrays  # to which `scan` points, besides those of the tape

    def back(self, dh, dh_dot, grad_dot, bint need_dx, workspace):
        """As :func:`skbptt._engine.run_back_tangent`, given all of dh."""
        cdef Scan *s = &self.scan
        cdef const CLoops *loops = self.tape.loops
        cdef Py_ssize_t n_rows = s.offsets[s.n_steps], n_bytes
        dtype = self.tape.dtype
        dh, dh_dot = contiguous_rows(dh), contiguous_rows(dh_dot)
        s.dh = address_of_rows(dh, dtype, n_rows, s.H)
        s.dh_pitch = dh.strides[0] // dh.itemsize
        s.dh_dot = address_of_rows(dh_dot, dtype, n_rows, s.H)
        s.dh_dot_pitch = dh_dot.strides[0] // dh_dot.itemsize
        point_to_gradient(s, grad_dot, dtype, self.tape.n_gates)
        dx, dx_dot, s.dx, s.dx_dot = None, None, NULL, NULL
        if need_dx:
            dx = workspace.empty((n_rows, s.D1), dtype)
            dx_dot = workspace.empty((n_rows, s.D1), dtype)
            s.dx = address(dx, dtype, n_rows * s.D1)
            s.dx_dot = address(dx_dot, dtype, n_rows * s.D1)
        n_bytes = 2 * loops.scratch(s, True)
        scratch = workspace.empty((n_bytes,), np.uint8)
        s.scratch = address(scratch, np.uint8, n_bytes)
        with nogil:
            loops.backward_tangent(s)
        return (dx[:, : s.D], dx_dot[:, : s.D]) if need_dx else (None, None)


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

    def scan(self, str cell, p, x, batch, tuple parts, workspace, bint keep=True):
        """As :func:`skbptt._engine.run`, for one of CELLS."""
        cdef Tape tape = Tape()
        cdef Scan *s = &tape.scan
        cdef Py_ssize_t size = x.itemsize, n_rows = len(x)
        cdef Py_ssize_t n_gates, n_kept, n_bytes, n_columns
        x, dtype = contiguous_rows(x), x.dtype
        offsets = np.ascontiguousarray(batch.offsets, np.intp)
        line = 64 // size
        s.cell = CELLS.index(cell)
        s.H, s.D = len(p["R"]), x.shape[1]
        s.H1, s.D1 = -(-s.H // line) * line, -(-s.D // line) * line
        s.width = s.H1 if s.cell < GRU else 4 * s.H1
        s.n_steps = len(offsets) - 1
        s.offsets = <const Py_ssize_t *>address(offsets, np.intp, s.n_steps + 1)
        if offsets[0] != 0 or offsets[-1] != n_rows:
            raise ValueError(f"x has {n_rows} rows, the batch {offsets[-1]}.")
        n_gates = tape.n_gates = len(p["b"]) // s.H
        s.W = address(p["W"], dtype, s.D * n_gates * s.H)
        s.R = address(p["R"], dtype, s.H * n_gates * s.H)
        s.b = address(p["b"], dtype, n_gates * s.H)
        if s.cell == GRU:
            s.b_n = address(p["b_n"], dtype, s.H)
        s.x = address_of_rows(x, dtype, n_rows, s.D)
        s.x_pitch = x.strides[0] // size

        s.keep = keep
        n_kept = n_rows if keep else 2 * s.offsets[1]
        h = workspace.empty((n_rows, s.H1), dtype)
        s.h = address(h, dtype, n_rows * s.H1)
        gates = c = None
        if s.cell >= GRU:
            gates = workspace.empty((n_kept, s.width), dtype)
            s.gates = address(gates, dtype, n_kept * s.width)
        if s.cell == LSTM:
            c = workspace.empty((n_kept, s.H1), dtype)
            s.c = address(c, dtype, n_kept * s.H1)
        n_columns = s.offsets[1]
        total = top = times = None
        if "mean" in parts:
            total = workspace.empty((n_columns, s.H1), dtype)
            s.sum = address(total, dtype, n_columns * s.H1)
        if "max" in parts:
            top = workspace.empty((n_columns, s.H1), dtype)
            s.top = address(top, dtype, n_columns * s.H1)
            times = workspace.empty((n_columns, s.H1), f"i{size}")
            s.time_of_top = address(times, times.dtype, n_columns * s.H1)
        tape.loops = skbptt_loops(self.level, size)
        n_bytes = tape.loops.scratch(s, False)
        scratch = workspace.empty((n_bytes,), np.uint8)
        s.scratch = address(scratch, np.uint8, n_bytes)
        tape.arrays = (p, x, offsets, h, gates, c, total, top, times)
        tape.workspace, tape.batch, tape.parts = workspace, batch, parts
        tape.dtype = dtype
        with nogil:
            tape.loops.forward(s)
        h = h[:, : s.H]
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
