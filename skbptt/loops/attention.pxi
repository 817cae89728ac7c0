"""Attention of queries to the keys of their sequences, compiled."""


cdef extern from "loops.h":
    ctypedef struct Attention:
        Py_ssize_t n_sequences, n_queries, n_keys
        const Py_ssize_t *queries
        const Py_ssize_t *of_keys
        Py_ssize_t width, value_width
        const void *q
        const void *keys
        const void *values
        Py_ssize_t q_pitch, key_pitch, value_pitch
        void *alpha
        void *c
        void *scratch
        const void *dc
        Py_ssize_t dc_pitch
        void *dq
        void *d_keys


cdef tuple describe_attention(Attention *a, q, keys, values, queries, of_keys):
    """Point to the arguments, which must fit each other. Returns what must live on."""
    dtype, arrays = q.dtype, []
    for array in (q, keys, values):
        arrays.append(contiguous_rows(array))
    q, keys, values = arrays
    queries, of_keys = np.ascontiguousarray(queries), np.ascontiguousarray(of_keys)
    a.n_sequences, a.n_queries = queries.shape
    a.n_keys = of_keys.shape[1]
    a.width, a.value_width = q.shape[1], values.shape[1]
    a.queries = address_of_table(queries, a.n_sequences, a.n_queries, len(q), False)
    a.of_keys = address_of_table(of_keys, a.n_sequences, a.n_keys, len(keys), True)
    point_to_rows(q, dtype, len(q), a.width, &a.q, &a.q_pitch)
    point_to_rows(keys, dtype, len(keys), a.width, &a.keys, &a.key_pitch)
    point_to_rows(values, dtype, len(keys), a.value_width, &a.values, &a.value_pitch)
    return q, keys, values, queries, of_keys


def attention(Loops loops, q, keys, values, queries, of_keys):
    """As :func:`skbptt.layers._attention.contexts`, of tables of rows."""
    cdef Attention a
    cdef const CLoops *of_type = skbptt_loops(loops.level, q.itemsize)
    cdef Py_ssize_t n_bytes
    arrays = describe_attention(&a, q, keys, values, queries, of_keys)
    alpha = np.zeros((a.n_sequences, a.n_queries, a.n_keys), q.dtype)
    c = np.empty((len(q), a.value_width), q.dtype)
    a.alpha, a.c = address(alpha, q.dtype, alpha.size), address(c, q.dtype, c.size)
    n_bytes = of_type.attention_scratch(&a)
    scratch = np.empty(n_bytes, np.uint8)
    a.scratch = address(scratch, np.uint8, n_bytes)
    with nogil:
        of_type.attention(&a)
    return c, alpha


def attention_back(Loops loops, alpha, q, h, queries, of_keys, dc):
    """As :func:`skbptt.layers._attention.contexts_back`, of tables of rows."""
    cdef Attention a
    cdef const CLoops *of_type = skbptt_loops(loops.level, q.itemsize)
    cdef Py_ssize_t n_bytes
    arrays = describe_attention(&a, q, h, h, queries, of_keys)
    dc = contiguous_rows(dc)
    dq, dh = np.empty(dc.shape, dc.dtype), np.zeros(h.shape, h.dtype)
    a.alpha = address(alpha, q.dtype, a.n_sequences * a.n_queries * a.n_keys)
    point_to_rows(dc, q.dtype, len(q), a.width, &a.dc, &a.dc_pitch)
    a.dq = address(dq, q.dtype, q.size)
    a.d_keys = address(dh, q.dtype, dh.size)
    n_bytes = of_type.attention_scratch(&a)
    scratch = np.empty(n_bytes, np.uint8)
    a.scratch = address(scratch, np.uint8, n_bytes)
    with nogil:
        of_type.attention_back(&a)
    return dq, dh
