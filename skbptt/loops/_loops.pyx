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
        void *scratch
        Py_ssize_t k1, k2
        const void *dh
        Py_ssize_t dh_pitch
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
    """The array, or a copy whose rows are contiguous."""
    good = array.strides[1] == array.itemsize or array.shape[1] == 1
    return array if good else np.ascontiguousarray(array)


cdef class Tape:
    """What :meth:`Loops.scan` leaves for the way back."""

    cdef Scan scan
    cdef const CLoops *loops
    cdef tuple arrays  # to which `scan` points
    cdef object workspace
    cdef Py_ssize_t n_gates

    def scan_back(self, dh, grad, truncation=None, bint need_dx=True):
        """As :func:`skbptt._scan.scan_back`, without the gradient of the initial state."""
        cdef Scan *s = &self.scan
        cdef Py_ssize_t size = dh.itemsize, n_rows = len(dh), n_gates = self.n_gates, n_bytes
        if not s.keep:
            raise ValueError("The tape was not kept.")
        dh = contiguous_rows(dh)
        s.dh = address_of_rows(dh, n_rows, s.H)
        s.dh_pitch = dh.strides[0] // size
        s.dW = address(grad["W"], s.D * n_gates * s.H * size)
        s.dR = address(grad["R"], s.H * n_gates * s.H * size)
        s.db = address(grad["b"], n_gates * s.H * size)
        if s.cell == GRU:
            s.db_n = address(grad["b_n"], s.H * size)
        dx, s.dx = None, NULL
        if need_dx:
            dx = self.workspace.empty((n_rows, s.D1), dh.dtype)
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

    def scan(self, str cell, p, x, batch, workspace, bint keep=True):
        """As :func:`skbptt._scan.scan`, for one of CELLS."""
        cdef Tape tape = Tape()
        cdef Scan *s = &tape.scan
        cdef Py_ssize_t size = x.itemsize, n_rows = len(x)
        cdef Py_ssize_t n_gates, n_kept, n_bytes
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
        tape.loops = skbptt_loops(self.level, size)
        n_bytes = tape.loops.scratch(s, False)
        scratch = workspace.empty((n_bytes,), np.uint8)
        s.scratch = address(scratch, n_bytes)
        tape.arrays = (p, x, offsets, h, gates, c)
        tape.workspace = workspace
        with nogil:
            tape.loops.forward(s)
        return h[:, : s.H], tape
