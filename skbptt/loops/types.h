/* The loops for float and double, for the instruction set that the includer has set. */

#define TYPE float
#define REAL float
#define INTEGER int32_t
#define UNSIGNED uint32_t
#define LARGEST 18.1f             /* tanh(LARGEST / 2) rounds to 1 */
#define ROUNDER 12582912.0f       /* 1.5 * 2^23: added to a number, it rounds it */
#define BIAS 127
#define MANTISSA 23
#define LEAST_EXPONENT -87.0f     /* exp of it is normal */
#define ROOT_HALF 0x3F3504F3      /* the bits of sqrt(1 / 2) */
#define INVERTER 0x7EF311C3
#define INVERTER_ROUNDS 2
/* (exp(r) - 1 - r) / r^2 for |r| <= log(2) / 2, with the least relative error of
   exp(r) - 1, 1.5e-8; q is r^2. */
#define EXP_POLYNOMIAL(r, q)                                                               \
    (0.50000000474f + r * 0.16666540613f +                                                 \
     q * (0.0416663516f + r * 0.00836682783f + q * 0.00139412156f))
/* (log(m) - 2 s) / s^3 with s = (m - 1) / (m + 1), for sqrt(1 / 2) <= m < sqrt(2), with the
   least relative error of log(m), 8e-10; q is s^2. */
#define LOG_POLYNOMIAL(q) (0.66666776382f + q * (0.39977541565f + q * 0.29871728022f))
#include "instance.h"

#define TYPE double
#define REAL double
#define INTEGER int64_t
#define UNSIGNED uint64_t
#define LARGEST 38.2
#define ROUNDER 6755399441055744.0 /* 1.5 * 2^52 */
#define BIAS 1023
#define MANTISSA 52
#define LEAST_EXPONENT -708.0
#define ROOT_HALF 0x3FE6A09E667F3BCD
#define INVERTER 0x7FDE623822FC16E6
#define INVERTER_ROUNDS 3
/* As above, with an error of 2.1e-17. */
#define EXP_POLYNOMIAL(r, q)                                                               \
    (0.50000000000000056741 + r * 0.16666666666666676982 +                                 \
     q * (0.041666666666572382957 + r * 0.0083333333333213354637) +                        \
     q * q *                                                                               \
         (0.0013888888932753543297 + r * 0.00019841269886836831 +                          \
          q * (0.000024801504011609546952 + r * 2.7557243515686363178e-6) +                \
          q * q * (2.7626496586846941366e-7 + r * 2.5109274173665044356e-8)))
/* As above, with an error of 1.2e-18. */
#define LOG_POLYNOMIAL(q)                                                                  \
    (0.66666666666667344128 +                                                              \
     q * (0.39999999999414675746 +                                                         \
          q * (0.28571428742388012491 +                                                    \
               q * (0.22222198573157717871 +                                               \
                    q * (0.18183564327007024513 +                                          \
                         q * (0.1531405053947184746 + q * 0.14795949746504109102))))))
#include "instance.h"
#undef ISA
#undef VECTOR_BYTES
#undef TILE_ROWS
