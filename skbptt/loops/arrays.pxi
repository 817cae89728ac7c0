"""Where arrays have their numbers, once these have the type and the shape that C expects."""


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


cdef const Py_ssize_t *address_of_table(
    table, Py_ssize_t n_rows, Py_ssize_t n_columns, Py_ssize_t most, bint some
) except NULL:
    """Where a table of rows begins. They are below ``most``, and -1 is none of them.

    If ``some``, no line of the table has none at its beginning.
    """
    cdef Py_ssize_t i
    cdef const Py_ssize_t *rows = <const Py_ssize_t *>address(
        table, np.intp, n_rows * n_columns
    )
    for i in range(n_rows * n_columns):
        if not -1 <= rows[i] < most or (some and i % n_columns == 0 and rows[i] < 0):
            raise ValueError(f"A table has the row {rows[i]}, but there are {most}.")
    if some and n_columns == 0:
        raise ValueError("A table has no columns.")
    return rows


def contiguous_rows(array):
    """The array, or a copy, whose rows are contiguous and follow one after the other."""
    row, step = array.strides
    width = array.shape[1] * array.itemsize
    good = row >= width and (step == array.itemsize or array.shape[1] == 1)
    return array if good else np.ascontiguousarray(array)


cdef int point_to_rows(
    array, dtype, Py_ssize_t n_rows, Py_ssize_t n_columns, const void **where,
    Py_ssize_t *pitch,
) except -1:
    """Let ``where`` point to rows that lie ``pitch`` numbers apart."""
    where[0] = address_of_rows(array, dtype, n_rows, n_columns)
    pitch[0] = array.strides[0] // array.itemsize
    return 0
