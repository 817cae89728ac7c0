# One time step of a layer for many streams.

cdef enum:
    BLOCK = 48


cdef class Stepper:
    """As :class:`skbptt.loops._scan.Stepper`, with the weights packed once."""

    cdef Scan scan
    cdef const CLoops *loops
    cdef Py_ssize_t n_streams
    cdef int n_states
    cdef tuple arrays  # to which `scan` points
    cdef object dtype, output
    cdef readonly dict states

    def step(self, x):
        cdef Scan s = self.scan  # a copy, which moves from block to block
        cdef Py_ssize_t offsets[2]
        cdef Py_ssize_t size = self.dtype.itemsize, left = self.n_streams, n_bytes
        x = contiguous_rows(x)
        point_to_rows(x, self.dtype, left, s.D, &s.value.x, &s.value.x_pitch)
        s.offsets, offsets[0] = offsets, 0
        with nogil:
            while left > 0:
                offsets[1] = min(left, BLOCK)
                self.loops.forward(&s)
                n_bytes = offsets[1] * s.H1 * size
                for k in range(self.n_states):
                    memcpy(<void *>s.value.initial[k], s.value.states[k], n_bytes)
                    s.value.initial[k] = <const char *>s.value.initial[k] + n_bytes
                if s.reading is not NULL:
                    s.reading = <char *>s.reading + s.n_parts * n_bytes
                    s.n_read += offsets[1]
                n_bytes = offsets[1] * s.value.x_pitch * size
                s.value.x = <const char *>s.value.x + n_bytes
                left -= offsets[1]
        return self.output
