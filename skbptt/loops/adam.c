#include "adam.h"

#include <math.h>

#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__)
#pragma GCC optimize("fp-contract=off")
#elif defined(_MSC_VER)
#pragma fp_contract(off)
#endif

#if defined(_MSC_VER)
#define restrict __restrict
#endif

#define ADAM(REAL, SQRT)                                                                   \
    void skbptt_adam_##REAL(ptrdiff_t n, REAL *restrict theta, const REAL *restrict gradient, \
                            REAL *restrict m, REAL *restrict v, REAL rest_1, REAL rest_2,  \
                            REAL rate, REAL scale, REAL epsilon)                           \
    {                                                                                      \
        for (ptrdiff_t i = 0; i < n; i++) {                                                \
            REAL g = gradient[i];                                                          \
            REAL m_i = m[i] + rest_1 * (g - m[i]);                                         \
            REAL v_i = v[i] + rest_2 * (g * g - v[i]);                                     \
            m[i] = m_i;                                                                    \
            v[i] = v_i;                                                                    \
            theta[i] -= rate * m_i / (SQRT(scale * v_i) + epsilon);                        \
        }                                                                                  \
    }

ADAM(float, sqrtf)
ADAM(double, sqrt)
