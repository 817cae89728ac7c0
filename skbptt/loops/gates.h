/* The gates of the cells, for one type of real number and one instruction set: a line of
   LINE units at a time, whose loops compilers turn into a few vector instructions. */

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

#define LINES(H1) for (ptrdiff_t line = 0; line < (H1); line += LINE)
#define UNITS VECTORISE for (int j = 0; j < LINE; j++)

/* Elman: h = g1(h). Back: da = dh g1'(h). */
#define ELMAN(name, slope)                                                                 \
    static void NAME(name##_forward)(ptrdiff_t n, ptrdiff_t H1, REAL *restrict h)          \
    {                                                                                      \
        for (ptrdiff_t i = 0; i < n * H1; i += LINE)                                       \
            UNITS h[i + j] = NAME(name)(h[i + j]);                                         \
    }                                                                                      \
    static void NAME(name##_backward)(ptrdiff_t n, ptrdiff_t H1, const REAL *restrict h,   \
                                      const REAL *restrict dh, REAL *restrict da,          \
                                      ptrdiff_t pitch)                                     \
    {                                                                                      \
        for (ptrdiff_t row = 0; row < n; row++, h += H1, dh += H1, da += pitch)            \
            LINES(H1) UNITS {                                                              \
                const REAL y = h[line + j];                                                \
                (void)y;                                                                   \
                da[line + j] = dh[line + j] * (slope);                                     \
            }                                                                              \
    }
ELMAN(tanh, 1 - y * y)
ELMAN(logistic, y * (1 - y))
ELMAN(relu, y > 0 ? 1 : 0)
ELMAN(identity, 1)
#undef ELMAN

/* The GRU's blocks of a row are m, r, z, n. */
static void NAME(gru_forward)(ptrdiff_t n_rows, ptrdiff_t H1, REAL *restrict gates,
                              const REAL *restrict h_prev, REAL *restrict h)
{
    for (ptrdiff_t row = 0; row < n_rows; row++, gates += 4 * H1, h_prev += H1, h += H1)
        LINES(H1) {
            REAL *restrict m = gates + line, *restrict r = m + H1, *restrict z = r + H1,
                 *restrict n = z + H1;
            UNITS {
                REAL r_j = NAME(logistic)(r[j]), z_j = NAME(logistic)(z[j]);
                REAL n_j = NAME(tanh)(n[j] + r_j * m[j]);
                r[j] = r_j;
                z[j] = z_j;
                n[j] = n_j;
                h[line + j] = n_j + z_j * (h_prev[line + j] - n_j);
            }
        }
}

/* The blocks of a row of d are du_n, da_r, da_z, da_n. */
static void NAME(gru_backward)(ptrdiff_t n_rows, ptrdiff_t H1, const REAL *restrict gates,
                               const REAL *restrict h_prev, REAL *restrict dh,
                               REAL *restrict d, ptrdiff_t pitch)
{
    for (ptrdiff_t row = 0; row < n_rows;
         row++, gates += 4 * H1, h_prev += H1, dh += H1, d += pitch)
        LINES(H1) {
            const REAL *restrict m = gates + line, *restrict r = m + H1,
                                 *restrict z = r + H1, *restrict n = z + H1;
            REAL *restrict d_m = d + line, *restrict d_r = d_m + H1,
                           *restrict d_z = d_r + H1, *restrict d_n = d_z + H1;
            UNITS {
                REAL dh_j = dh[line + j], z_j = z[j], n_j = n[j], r_j = r[j];
                REAL dn = dh_j * (1 - z_j) * (1 - n_j * n_j);
                d_m[j] = dn * r_j;
                d_r[j] = dn * m[j] * r_j * (1 - r_j);
                d_z[j] = dh_j * (h_prev[line + j] - n_j) * z_j * (1 - z_j);
                d_n[j] = dn;
                dh[line + j] = dh_j * z_j;
            }
        }
}

/* The LSTM's blocks of a row are i, f, g, o. */
static void NAME(lstm_forward)(ptrdiff_t n_rows, ptrdiff_t H1, REAL *restrict gates,
                               const REAL *restrict c_prev, REAL *restrict c,
                               REAL *restrict h)
{
    for (ptrdiff_t row = 0; row < n_rows;
         row++, gates += 4 * H1, c_prev += H1, c += H1, h += H1)
        LINES(H1) {
            REAL *restrict i = gates + line, *restrict f = i + H1, *restrict g = f + H1,
                 *restrict o = g + H1;
            UNITS {
                REAL i_j = NAME(logistic)(i[j]), f_j = NAME(logistic)(f[j]);
                REAL g_j = NAME(tanh)(g[j]), o_j = NAME(logistic)(o[j]);
                REAL c_j = f_j * c_prev[line + j] + i_j * g_j;
                i[j] = i_j;
                f[j] = f_j;
                g[j] = g_j;
                o[j] = o_j;
                c[line + j] = c_j;
                h[line + j] = o_j * NAME(tanh)(c_j);
            }
        }
}

/* The blocks of a row of d are da_i, da_f, da_g, da_o. */
static void NAME(lstm_backward)(ptrdiff_t n_rows, ptrdiff_t H1, const REAL *restrict gates,
                                const REAL *restrict c_prev, const REAL *restrict c,
                                const REAL *restrict dh, REAL *restrict dc,
                                REAL *restrict d, ptrdiff_t pitch)
{
    for (ptrdiff_t row = 0; row < n_rows;
         row++, gates += 4 * H1, c_prev += H1, c += H1, dh += H1, dc += H1, d += pitch)
        LINES(H1) {
            const REAL *restrict i = gates + line, *restrict f = i + H1,
                                 *restrict g = f + H1, *restrict o = g + H1;
            REAL *restrict d_i = d + line, *restrict d_f = d_i + H1,
                           *restrict d_g = d_f + H1, *restrict d_o = d_g + H1;
            UNITS {
                REAL i_j = i[j], f_j = f[j], g_j = g[j], o_j = o[j];
                REAL k = NAME(tanh)(c[line + j]), dh_j = dh[line + j];
                REAL dc_j = dc[line + j] + dh_j * o_j * (1 - k * k);
                d_i[j] = dc_j * g_j * i_j * (1 - i_j);
                d_f[j] = dc_j * c_prev[line + j] * f_j * (1 - f_j);
                d_g[j] = dc_j * i_j * (1 - g_j * g_j);
                d_o[j] = dh_j * k * o_j * (1 - o_j);
                dc[line + j] = dc_j * f_j;
            }
        }
}
