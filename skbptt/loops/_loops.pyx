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
    ctypedef struct CLoops "Loops":
        Py_ssize_t (*scratch)(const Scan *, int backward)
        void (*forward)(const Scan *) nogil
        void (*backward)(const Scan *) nogil
    int skbptt_instructions()
    const CLoops *skbptt_loops(int instructions, int itemsize)


# In the order of the enumerations of loops.h.
INSTRUCTIONS = ("portable", "avx2", "avx512")
CELLS = ("identity", "logistic", "relu", "tanh", "gru", "lstm")


cdef void *address(array, Py_ssize_t n_bytes) except? NULL:
    """Where a contiguous array of ``n_bytes`` begins. The caller keeps the array."""
    cdef Py_buffer buffer
    PyObject_GetBuffer(array, &buffer, PyBUF_C_CONTIGUOUS)
    PyBuffer_Release(&buffer)
    if buffer.len != n_bytes:
        raise ValueError(f"An array has {buffer.len} bytes, not {n_bytes}.")
    return buffer.buf


cdef void *address_of_rows(array, Py_ssize_t n_rows, Py_ssize_t n_columns) except? NULL:
    """The same for an array whose rows, each contiguous, lie apart."""
    cdef Py_buffer buffer
    if array.shape != (n_rows, n_columns):
        raise ValueError(
            f"An array has the shape {array.shape}, not {(n_rows, n_columns)}."
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


cdef class Tape:
    """What :meth:`Loops.scan` leaves for the way back."""

    cdef Scan scan
    cdef const CLoops *loops
    cdef tuple arrays  # to which `scan` points
    cdef object workspace, batch
    cdef tuple parts
    cdef Py_ssize_t n_gates

    def scan_back(self, d_output, grad, truncation=None, bint need_dx=True):
        """As :func:`skbptt._engine.run_back`."""
        cdef Scan *s = &self.scan
        cdef Py_ssize_t size = d_output.itemsize, n_gates = self.n_gates
        cdef Py_ssize_t n_rows = s.offsets[s.n_steps], n_bytes
        cdef void *where
        if not s.keep:
            raise ValueError("The tape was not kept.")
        if not self.parts:
            dh = contiguous_rows(d_output)
            s.dh = address_of_rows(dh, n_rows, s.H)
            s.dh_pitch = dh.strides[0] // size
        d_parts = []  # which `scan` points to
        for k, part in enumerate(self.parts):
            d_part = self.workspace.empty((s.offsets[1], s.H1), d_output.dtype)
            d_part[:, s.H :] = 0
            d_part[:, : s.H] = d_output[:, k]
            if part == "mean":
                d_part /= self.batch.lengths[:, None]
            d_parts.append(d_part)
            where = address(d_part, s.offsets[1] * s.H1 * size)
            if part == "last":
                s.d_last = where
            elif part == "mean":
                s.d_sum = where
            else:
                s.d_top = where
        s.dW = address(grad["W"], s.D * n_gates * s.H * size)
        s.dR = address(grad["R"], s.H * n_gates * s.H * size)
        s.db = address(grad["b"], n_gates * s.H * size)
        if s.cell == GRU:
            s.db_n = address(grad["b_n"], s.H * size)
        dx, s.dx = None, NULL
        if need_dx:
            dx = self.workspace.empty((n_rows, s.D1), d_output.dtype)
            s.dx = address(dx, n_rows * s.D1 * size)
        s.k1, s.k2 = truncation or (s.n_steps, s.n_steps)
        n_bytes = self.loops.scratch(s, True)
        scratch = self.workspace.empty((n_bytes,), np.uint8)
        s.scratch = address(scratch, n_bytes)
        with nogil:
            self.loops.backward(s)
        return dx[:, : s.D] if need_dx else None


cdef class Loops:
    """The loops over time for one set of instructions.

    Parameters
    ----------
    instructions : {"portable", "avx2", "avx512"}, default=None
        By default the fastest that this processor has.
    """

    cdef int level
    cdef readonly str instructions

    def __init__(self, instructions=None):
        available = INSTRUCTIONS[: skbptt_instructions() + 1]
        if instructions is None:
            instructions = available[-1]
        if instructions not in available:
            raise ValueError(
                f"instructions must be one of {available} on this processor. "
                f"Got {instructions!r}."
            )
        self.level = INSTRUCTIONS.index(instructions)
        self.instructions = instructions

    def scan(self, str cell, p, x, batch, tuple parts, workspace, bint keep=True):
        """As :func:`skbptt._engine.run`, for one of CELLS."""
        cdef Tape tape = Tape()
        cdef Scan *s = &tape.scan
        cdef Py_ssize_t size = x.itemsize, n_rows = len(x)
        cdef Py_ssize_t n_gates, n_kept, n_bytes, n_columns
        x = contiguous_rows(x)
        offsets = np.ascontiguousarray(batch.offsets, np.intp)
        b_n = p.get("b_n")
        line = 64 // size
        s.cell = CELLS.index(cell)
        s.H, s.D = len(p["R"]), x.shape[1]
        s.H1, s.D1 = -(-s.H // line) * line, -(-s.D // line) * line
        s.width = s.H1 if s.cell < GRU else 4 * s.H1
        s.n_steps = len(offsets) - 1
        s.offsets = <const Py_ssize_t *>address(offsets, len(offsets) * sizeof(Py_ssize_t))
        if s.offsets[s.n_steps] != n_rows:
            raise ValueError(f"x has {n_rows} rows, the batch {s.offsets[s.n_steps]}.")
        n_gates = tape.n_gates = len(p["b"]) // s.H
        s.W = address(p["W"], s.D * n_gates * s.H * size)
        s.R = address(p["R"], s.H * n_gates * s.H * size)
        s.b = address(p["b"], n_gates * s.H * size)
        if s.cell == GRU:
            s.b_n = address(b_n, s.H * size)
        s.x = address_of_rows(x, n_rows, s.D)
        s.x_pitch = x.strides[0] // size

        s.keep = keep
        n_kept = n_rows if keep else 2 * s.offsets[1]
        h = workspace.empty((n_rows, s.H1), x.dtype)
        s.h = address(h, n_rows * s.H1 * size)
        gates = c = None
        if s.cell >= GRU:
            gates = workspace.empty((n_kept, s.width), x.dtype)
            s.gates = address(gates, n_kept * s.width * size)
        if s.cell == LSTM:
            c = workspace.empty((n_kept, s.H1), x.dtype)
            s.c = address(c, n_kept * s.H1 * size)
        n_columns = s.offsets[1]
        total = top = times = None
        if "mean" in parts:
            total = workspace.empty((n_columns, s.H1), x.dtype)
            s.sum = address(total, n_columns * s.H1 * size)
        if "max" in parts:
            top = workspace.empty((n_columns, s.H1), x.dtype)
            s.top = address(top, n_columns * s.H1 * size)
            times = workspace.empty((n_columns, s.H1), f"i{size}")
            s.time_of_top = address(times, n_columns * s.H1 * size)
        tape.loops = skbptt_loops(self.level, size)
        n_bytes = tape.loops.scratch(s, False)
        scratch = workspace.empty((n_bytes,), np.uint8)
        s.scratch = address(scratch, n_bytes)
        tape.arrays = (p, x, offsets, h, gates, c, total, top, times)
        tape.workspace, tape.batch, tape.parts = workspace, batch, parts
        with nogil:
            tape.loops.forward(s)
        h = h[:, : s.H]
        if not parts:
            return h, tape
        output = np.empty((n_columns, len(parts), s.H), x.dtype)
        for k, part in enumerate(parts):
            if part == "last":
                output[:, k] = h[batch.last]
            elif part == "mean":
                np.divide(total[:, : s.H], batch.lengths[:, None], out=output[:, k])
            else:
                output[:, k] = top[:, : s.H]
        return output, tape
