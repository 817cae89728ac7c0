# One step of Adam, in one pass over memory.

cdef extern from "adam.h":
    void skbptt_adam_float(
        Py_ssize_t, float *, const float *, float *, float *,
        float, float, float, float, float,
    ) nogil
    void skbptt_adam_double(
        Py_ssize_t, double *, const double *, double *, double *,
        double, double, double, double, double,
    ) nogil


ctypedef fused real:
    float
    double


def adam(
    real[::1] theta,
    const real[::1] gradient,
    real[::1] m,
    real[::1] v,
    double rest_1,
    double rest_2,
    double rate,
    double scale,
    double epsilon,
):
    """Update ``theta``, ``m`` and ``v``, as :func:`skbptt.solvers._rules.adam_in_numpy` does."""
    cdef Py_ssize_t n = len(theta)
    if not n == len(gradient) == len(m) == len(v):
        raise ValueError("theta, gradient, m and v must be equally long.")
    if n:
        with nogil:
            if real is float:
                skbptt_adam_float(
                    n, &theta[0], &gradient[0], &m[0], &v[0],
                    rest_1, rest_2, rate, scale, epsilon,
                )
            else:
                skbptt_adam_double(
                    n, &theta[0], &gradient[0], &m[0], &v[0],
                    rest_1, rest_2, rate, scale, epsilon,
                )
