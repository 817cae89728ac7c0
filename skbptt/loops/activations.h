/* Elementwise functions, for one type of real number and one instruction set. Compilers turn
   loops over them into a few vector instructions. */

/* 1 / d for 1 <= d < 2^110: a guess from the bits with an error of 12 %, whose error goes to
   its third power at each round. Faster than division. */
INLINE REAL NAME(reciprocal)(REAL d)
{
    union { REAL real; INTEGER bits; } y;
    y.real = d;
    y.bits = INVERTER - y.bits;
    for (int round = 0; round < INVERTER_ROUNDS; round++) {
        REAL e = 1 - d * y.real;
        y.real += y.real * (e + e * e);
    }
    return y.real;
}

/* exp(z) - 1 = 2^k (exp(r) - 1) + (2^k - 1) with |r| <= log(2) / 2, for |z| up to where
   tanh(z / 2) rounds to 1. The comparisons hand NaN on. */
INLINE REAL NAME(expm1)(REAL z)
{
    union { REAL real; INTEGER bits; } shifted, power;
    REAL k, r, p;
    z = z > LARGEST ? LARGEST : z;
    z = z < -LARGEST ? -LARGEST : z;
    shifted.real = z * (REAL)1.4426950408889634 + ROUNDER;
    k = shifted.real - ROUNDER;
    r = z - k * (REAL)0.6931471805599453;
    power.bits = (INTEGER)(((UNSIGNED)shifted.bits + BIAS) << MANTISSA);
    p = r + r * r * EXP_POLYNOMIAL(r, r * r);
    return power.real * p + (power.real - 1);
}

/* exp(z) for z up to where it overflows; below LEAST_EXPONENT, what it is there. */
INLINE REAL NAME(exp)(REAL z)
{
    union { REAL real; INTEGER bits; } shifted, power;
    REAL k, r;
    z = z < LEAST_EXPONENT ? LEAST_EXPONENT : z;
    shifted.real = z * (REAL)1.4426950408889634 + ROUNDER;
    k = shifted.real - ROUNDER;
    r = z - k * (REAL)0.6931471805599453;
    power.bits = (INTEGER)(((UNSIGNED)shifted.bits + BIAS) << MANTISSA);
    return power.real * (1 + (r + r * r * EXP_POLYNOMIAL(r, r * r)));
}

/* log(w) = k log(2) + log(m) with w = 2^k m, for finite w >= 1; NaN is handed on. */
INLINE REAL NAME(log)(REAL w)
{
    union { REAL real; UNSIGNED bits; } m, k;
    REAL s;
    m.real = w;
    const UNSIGNED power = (m.bits - ROOT_HALF) >> MANTISSA;
    m.bits -= power << MANTISSA;
    k.real = ROUNDER;
    k.bits += power;
    s = (m.real - 1) / (m.real + 1);
    return (k.real - ROUNDER) * (REAL)0.6931471805599453 +
           (2 * s + s * s * s * LOG_POLYNOMIAL(s * s)) + (w - w);
}

INLINE REAL NAME(tanh)(REAL x)
{
    const REAL p = NAME(expm1)(2 * x);
    return p * NAME(reciprocal)(p + 2);
}
INLINE REAL NAME(logistic)(REAL x)
{
    const REAL p = NAME(expm1)(x);
    return (p + 1) * NAME(reciprocal)(p + 2);
}
INLINE REAL NAME(relu)(REAL x) { return x <= 0 ? 0 : x; }
INLINE REAL NAME(identity)(REAL x) { return x; }
