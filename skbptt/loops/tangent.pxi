# Derivatives of the scans along a direction.

cdef class Tangent:
    """What :meth:`Tape.tangent` leaves for the way back."""

    cdef Scan scan
    cdef Tape tape
    cdef tuple arrays  # to which `scan` points, besides those of the tape

    def back(
        self, dh, dh_dot, grad_dot, bint need_dx, workspace, d_initial_dot=None
    ):
        """As :func:`skbptt.loops._engine.run_back_tangent`, given all of dh."""
        cdef Scan *s = &self.scan
        cdef const CLoops *loops = self.tape.loops
        cdef Py_ssize_t n_rows = s.offsets[s.n_steps], n_bytes
        dtype = self.tape.dtype
        dh, dh_dot = contiguous_rows(dh), contiguous_rows(dh_dot)
        point_to_rows(dh, dtype, n_rows, s.H, &s.value.dh, &s.value.dh_pitch)
        point_to_rows(dh_dot, dtype, n_rows, s.H, &s.dot.dh, &s.dot.dh_pitch)
        point_to_gradient(s, self.tape.shape, grad_dot, dtype)
        dx, dx_dot, s.value.dx, s.dot.dx = None, None, NULL, NULL
        if need_dx:
            dx = workspace.empty((n_rows, s.D1), dtype)
            dx_dot = workspace.empty((n_rows, s.D1), dtype)
            s.value.dx = address(dx, dtype, n_rows * s.D1)
            s.dot.dx = address(dx_dot, dtype, n_rows * s.D1)
        take_d_initial(s, &s.value, self.tape.shape, False, dtype, workspace)
        taken = take_d_initial(
            s, &s.dot, self.tape.shape, d_initial_dot is not None, dtype, workspace
        )
        n_bytes = 2 * loops.scratch(s, True)
        scratch = workspace.empty((n_bytes,), np.uint8)
        s.scratch = address(scratch, np.uint8, n_bytes)
        with nogil:
            loops.backward_tangent(s)
        for k, padded in enumerate(taken):
            d_initial_dot[k][:] = padded[:, : s.H]
        return (dx[:, : s.D], dx_dot[:, : s.D]) if need_dx else (None, None)
