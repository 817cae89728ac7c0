"""Sums of rows by their code, compiled."""


cdef void add_by_code(
    const real *rows, Py_ssize_t pitch, Py_ssize_t n, const Py_ssize_t *codes,
    real *sums, Py_ssize_t width,
) noexcept nogil:
    cdef Py_ssize_t i, j
    cdef real *own
    for i in range(n):
        if codes[i] >= 0:
            own = sums + codes[i] * width
            for j in range(width):
                own[j] += rows[i * pitch + j]


def sum_by_code(rows, codes, sums):
    """As :func:`skbptt.layers._embedding.sum_by_code_in_numpy`, of real numbers."""
    cdef const void *where
    cdef void *to
    cdef Py_ssize_t pitch, n = len(rows), width = sums.shape[1]
    cdef const Py_ssize_t *of_rows
    dtype, rows = sums.dtype, contiguous_rows(rows)
    codes = np.ascontiguousarray(codes, np.intp)
    of_rows = address_of_table(codes, n, 1, len(sums), False)
    point_to_rows(rows, dtype, n, width, &where, &pitch)
    to = address(sums, dtype, sums.size, writable=True)
    sums[...] = 0
    if dtype.itemsize == sizeof(float):
        with nogil:
            add_by_code(<const float *>where, pitch, n, of_rows, <float *>to, width)
    else:
        with nogil:
            add_by_code(<const double *>where, pitch, n, of_rows, <double *>to, width)
