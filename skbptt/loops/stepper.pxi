# One time step of a layer for many streams.

cdef class Stepper:
    """As :class:`skbptt.loops._scan.Stepper`, with the weights packed once."""

    cdef Scan scan
    cdef const CLoops *loops
    cdef Py_ssize_t n_streams
    cdef int n_states
    cdef tuple names, parts  # of the states, and of the readout
    cdef tuple shared, own  # arrays to which `scan` points
    cdef object dtype, output
    cdef readonly dict states

    cdef begin(self, const Shape *shape, Py_ssize_t n_streams, workspace):
        """Take memory for the states of streams before their first step."""
        cdef Scan *s = &self.scan
        cdef Py_ssize_t offsets[2]
        dtype = self.dtype
        self.n_streams = n_streams
        s.offsets, offsets[0], offsets[1] = offsets, 0, n_streams
        zeros = (0,) * shape.n_states
        states = take_initial(s, &s.value, shape, zeros, dtype, workspace)
        self.states = dict(zip(self.names, [state[:, : s.H] for state in states]))
        self.output = self.states[self.names[0]]
        reading = n_read = None
        if self.parts == ("last",):
            self.output = self.output[:, np.newaxis]
        elif self.parts:
            s.n_parts = len(self.parts)
            reading = workspace.empty((n_streams, s.n_parts, s.H1), dtype)
            n_read = np.zeros((n_streams, 1), np.int64)
            s.reading = address(reading, dtype, reading.size)
            s.n_read = <int64_t *>address(n_read, n_read.dtype, n_streams)
            self.output = reading[:, :, : s.H]
            self.states |= start_reading(self.parts, self.output, n_read)
            for k, part in enumerate(self.parts):
                s.parts[k] = PARTS_OF_READOUT[part]
        self.own, s.offsets = (states, reading, n_read), NULL

    def choose(self, streams):
        """As the method of :class:`skbptt.loops._scan.Stepper`."""
        cdef Stepper other = Stepper()
        other.scan, other.loops, other.n_states = self.scan, self.loops, self.n_states
        other.names, other.parts, other.dtype = self.names, self.parts, self.dtype
        other.shared = self.shared
        other.begin(self.loops.shape(self.scan.cell), len(streams), Workspace())
        for name, array in self.states.items():
            other.states[name][:] = array[streams]
        return other

    def step(self, x):
        cdef Scan s = self.scan  # a copy, which moves from block to block
        cdef Py_ssize_t offsets[2]
        cdef Py_ssize_t size = self.dtype.itemsize, left = self.n_streams, n_bytes
        x = point_to_input(&s, x, self.dtype, left)
        s.offsets, offsets[0] = offsets, 0
        with nogil:
            while left > 0:
                offsets[1] = min(left, FEW)
                self.loops.forward(&s)
                n_bytes = offsets[1] * s.H1 * size
                for k in range(self.n_states):
                    memcpy(<void *>s.value.initial[k], s.value.states[k], n_bytes)
                    s.value.initial[k] = <const char *>s.value.initial[k] + n_bytes
                if s.reading is not NULL:
                    s.reading = <char *>s.reading + s.n_parts * n_bytes
                    s.n_read += offsets[1]
                if s.codes is not NULL:
                    s.codes += offsets[1]
                n_bytes = offsets[1] * s.value.x_pitch * size
                s.value.x = <const char *>s.value.x + n_bytes
                left -= offsets[1]
        return self.output
