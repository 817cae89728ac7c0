"""Cross-entropies of one class among several, compiled."""


cdef extern from "loops.h":
    ctypedef struct CrossEntropy:
        Py_ssize_t n_rows, n_columns
        const Py_ssize_t *labels
        const void *weights
        void *raw
        void *behind
        void *others
        void *scratch


def cross_entropy(Loops loops, raw, labels, weights=None):
    """As :func:`skbptt.losses._cross_entropy.cross_entropy`, of contiguous ``raw``."""
    cdef CrossEntropy c
    cdef const CLoops *of_type = skbptt_loops(loops.level, raw.itemsize)
    cdef Py_ssize_t n_bytes
    c.n_rows, c.n_columns = raw.shape
    labels = np.ascontiguousarray(labels, np.intp)
    c.labels = <const Py_ssize_t *>address(labels, np.intp, c.n_rows)
    if c.n_rows and not 0 <= labels.min() <= labels.max() < c.n_columns:
        raise ValueError(f"labels must lie between 0 and {c.n_columns - 1}.")
    c.raw = address(raw, raw.dtype, raw.size, writable=weights is not None)
    c.weights = NULL
    if weights is not None:
        weights = np.ascontiguousarray(weights)
        c.weights = address(weights, raw.dtype, c.n_rows)
    behind, others = np.empty((2, c.n_rows), raw.dtype)
    c.behind = address(behind, raw.dtype, c.n_rows)
    c.others = address(others, raw.dtype, c.n_rows)
    n_bytes = of_type.cross_entropy_scratch(&c)
    scratch = np.empty(n_bytes, np.uint8)
    c.scratch = address(scratch, np.uint8, n_bytes)
    with nogil:
        of_type.cross_entropy(&c)
    return behind + np.log1p(others)
