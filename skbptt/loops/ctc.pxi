"""Connectionist temporal classification, compiled."""


cdef extern from "loops.h":
    ctypedef struct Ctc:
        Py_ssize_t n_sequences, n_columns
        const Py_ssize_t *lengths
        const Py_ssize_t *n_labels
        const Py_ssize_t *labels
        const void *raw
        void *value
        void *gradient
        void *scratch


def ctc(Loops loops, raw, lengths, labels, label_lengths, bint gradient=True):
    """As :func:`skbptt.losses._ctc.ctc_in_numpy`."""
    cdef Ctc c
    cdef const CLoops *of_type = skbptt_loops(loops.level, raw.itemsize)
    cdef Py_ssize_t n_rows = lengths.sum(), n_labels = label_lengths.sum(), n_bytes
    raw = np.ascontiguousarray(raw)
    lengths, labels, label_lengths = (
        np.ascontiguousarray(a, np.intp) for a in (lengths, labels, label_lengths)
    )
    c.n_sequences, c.n_columns = len(lengths), raw.shape[1]
    if (lengths < 1).any() or (label_lengths < 0).any():
        raise ValueError("lengths must be positive, and label_lengths not negative.")
    if n_labels and not 0 <= labels.min() <= labels.max() < c.n_columns - 1:
        raise ValueError(f"labels must lie between 0 and {c.n_columns - 2}.")
    c.lengths = <const Py_ssize_t *>address(lengths, np.intp, c.n_sequences)
    c.n_labels = <const Py_ssize_t *>address(label_lengths, np.intp, c.n_sequences)
    c.labels = <const Py_ssize_t *>address(labels, np.intp, n_labels)
    c.raw = address(raw, raw.dtype, n_rows * c.n_columns)
    value = np.empty(c.n_sequences, raw.dtype)
    c.value = address(value, raw.dtype, c.n_sequences)
    d_raw, c.gradient = None, NULL
    if gradient:
        d_raw = np.empty_like(raw)
        c.gradient = address(d_raw, raw.dtype, n_rows * c.n_columns)
    n_bytes = of_type.ctc_scratch(&c)
    scratch = np.empty(n_bytes, np.uint8)
    c.scratch = address(scratch, np.uint8, n_bytes)
    with nogil:
        of_type.ctc(&c)
    return value, d_raw
