/* Derivatives of the gates and of their way back along one direction: x_dot is that of x.
   Each line is the one of gates.h by the rules of the product and of the chain. */

/* Elman: h_dot comes as that of the sum before g1. `bend` is the derivative of the slope of
   g1 with respect to y = g1. */
#define ELMAN(name, slope, bend)                                                           \
    static void NAME(name##_forward_tangent)(ptrdiff_t n, ptrdiff_t H1,                    \
                                             const REAL *restrict h,                       \
                                             REAL *restrict h_dot)                         \
    {                                                                                      \
        for (ptrdiff_t i = 0; i < n * H1; i += LINE)                                       \
            UNITS {                                                                        \
                const REAL y = h[i + j];                                                   \
                (void)y;                                                                   \
                h_dot[i + j] *= (slope);                                                   \
            }                                                                              \
    }                                                                                      \
    static void NAME(name##_backward_tangent)(                                             \
        ptrdiff_t n, ptrdiff_t H1, const REAL *restrict h, const REAL *restrict h_dot,     \
        const REAL *restrict dh, const REAL *restrict dh_dot, REAL *restrict d,            \
        REAL *restrict d_dot, ptrdiff_t pitch)                                             \
    {                                                                                      \
        for (ptrdiff_t row = 0; row < n; row++, h += H1, h_dot += H1, dh += H1,            \
                       dh_dot += H1, d += pitch, d_dot += pitch)                           \
            LINES(H1) UNITS {                                                              \
                const REAL y = h[line + j], y_dot = h_dot[line + j];                       \
                (void)y, (void)y_dot;                                                      \
                d[line + j] = dh[line + j] * (slope);                                      \
                d_dot[line + j] =                                                          \
                    dh_dot[line + j] * (slope) + dh[line + j] * (bend) * y_dot;            \
            }                                                                              \
    }
ELMAN(tanh, 1 - y * y, -2 * y)
ELMAN(logistic, y * (1 - y), 1 - 2 * y)
ELMAN(relu, y > 0 ? 1 : 0, 0)
ELMAN(identity, 1, 0)
#undef ELMAN

static void NAME(gru_forward_tangent)(ptrdiff_t n_rows, ptrdiff_t H1,
                                      const REAL *restrict gates,
                                      const REAL *restrict h_prev,
                                      const REAL *restrict h_prev_dot,
                                      REAL *restrict gates_dot, REAL *restrict h_dot)
{
    for (ptrdiff_t row = 0; row < n_rows; row++, gates += 4 * H1, gates_dot += 4 * H1,
                   h_prev += H1, h_prev_dot += H1, h_dot += H1)
        LINES(H1) {
            const REAL *restrict m = gates + line, *restrict r = m + H1,
                                 *restrict z = r + H1, *restrict n = z + H1;
            REAL *restrict m_dot = gates_dot + line, *restrict r_dot = m_dot + H1,
                           *restrict z_dot = r_dot + H1, *restrict n_dot = z_dot + H1;
            UNITS {
                REAL r_j = r[j], z_j = z[j], n_j = n[j];
                REAL dot_r = r_dot[j] * r_j * (1 - r_j), dot_z = z_dot[j] * z_j * (1 - z_j);
                REAL dot_n =
                    (n_dot[j] + dot_r * m[j] + r_j * m_dot[j]) * (1 - n_j * n_j);
                r_dot[j] = dot_r;
                z_dot[j] = dot_z;
                n_dot[j] = dot_n;
                h_dot[line + j] = dot_n + dot_z * (h_prev[line + j] - n_j) +
                                  z_j * (h_prev_dot[line + j] - dot_n);
            }
        }
}

static void NAME(gru_backward_tangent)(
    ptrdiff_t n_rows, ptrdiff_t H1, const REAL *restrict gates,
    const REAL *restrict gates_dot, const REAL *restrict h_prev,
    const REAL *restrict h_prev_dot, REAL *restrict dh, REAL *restrict dh_dot,
    REAL *restrict d, REAL *restrict d_dot, ptrdiff_t pitch)
{
    for (ptrdiff_t row = 0; row < n_rows; row++, gates += 4 * H1, gates_dot += 4 * H1,
                   h_prev += H1, h_prev_dot += H1, dh += H1, dh_dot += H1, d += pitch,
                   d_dot += pitch)
        LINES(H1) {
            const REAL *restrict m = gates + line, *restrict r = m + H1,
                                 *restrict z = r + H1, *restrict n = z + H1;
            const REAL *restrict m_dot = gates_dot + line, *restrict r_dot = m_dot + H1,
                                 *restrict z_dot = r_dot + H1,
                                 *restrict n_dot = z_dot + H1;
            REAL *restrict d_m = d + line, *restrict d_r = d_m + H1,
                           *restrict d_z = d_r + H1, *restrict d_n = d_z + H1;
            REAL *restrict m_ = d_dot + line, *restrict r_ = m_ + H1,
                           *restrict z_ = r_ + H1, *restrict n_ = z_ + H1;
            UNITS {
                REAL m_j = m[j], r_j = r[j], z_j = z[j], n_j = n[j];
                REAL dot_m = m_dot[j], dot_r = r_dot[j], dot_z = z_dot[j];
                REAL dot_n = n_dot[j];
                REAL dh_j = dh[line + j], dot_dh = dh_dot[line + j];
                REAL slope = 1 - n_j * n_j, rr = r_j * (1 - r_j), zz = z_j * (1 - z_j);
                REAL apart = h_prev[line + j] - n_j;
                REAL dot_apart = h_prev_dot[line + j] - dot_n;
                REAL dn = dh_j * (1 - z_j) * slope;
                REAL dot_dn = (dot_dh * (1 - z_j) - dh_j * dot_z) * slope -
                              2 * dh_j * (1 - z_j) * n_j * dot_n;
                d_m[j] = dn * r_j;
                d_r[j] = dn * m_j * rr;
                d_z[j] = dh_j * apart * zz;
                d_n[j] = dn;
                m_[j] = dot_dn * r_j + dn * dot_r;
                r_[j] = (dot_dn * m_j + dn * dot_m) * rr +
                        dn * m_j * (1 - 2 * r_j) * dot_r;
                z_[j] = (dot_dh * apart + dh_j * dot_apart) * zz +
                        dh_j * apart * (1 - 2 * z_j) * dot_z;
                n_[j] = dot_dn;
                dh[line + j] = dh_j * z_j;
                dh_dot[line + j] = dot_dh * z_j + dh_j * dot_z;
            }
        }
}

static void NAME(lstm_forward_tangent)(ptrdiff_t n_rows, ptrdiff_t H1,
                                       const REAL *restrict gates,
                                       const REAL *restrict c_prev,
                                       const REAL *restrict c_prev_dot,
                                       const REAL *restrict c, REAL *restrict gates_dot,
                                       REAL *restrict c_dot, REAL *restrict h_dot)
{
    for (ptrdiff_t row = 0; row < n_rows; row++, gates += 4 * H1, gates_dot += 4 * H1,
                   c_prev += H1, c_prev_dot += H1, c += H1, c_dot += H1, h_dot += H1)
        LINES(H1) {
            const REAL *restrict i = gates + line, *restrict f = i + H1,
                                 *restrict g = f + H1, *restrict o = g + H1;
            REAL *restrict i_dot = gates_dot + line, *restrict f_dot = i_dot + H1,
                           *restrict g_dot = f_dot + H1, *restrict o_dot = g_dot + H1;
            UNITS {
                REAL i_j = i[j], f_j = f[j], g_j = g[j], o_j = o[j];
                REAL dot_i = i_dot[j] * i_j * (1 - i_j), dot_f = f_dot[j] * f_j * (1 - f_j);
                REAL dot_g = g_dot[j] * (1 - g_j * g_j), dot_o = o_dot[j] * o_j * (1 - o_j);
                REAL k = NAME(tanh)(c[line + j]);
                REAL dot_c = dot_f * c_prev[line + j] + f_j * c_prev_dot[line + j] +
                             dot_i * g_j + i_j * dot_g;
                i_dot[j] = dot_i;
                f_dot[j] = dot_f;
                g_dot[j] = dot_g;
                o_dot[j] = dot_o;
                c_dot[line + j] = dot_c;
                h_dot[line + j] = dot_o * k + o_j * (1 - k * k) * dot_c;
            }
        }
}

static void NAME(lstm_backward_tangent)(
    ptrdiff_t n_rows, ptrdiff_t H1, const REAL *restrict gates,
    const REAL *restrict gates_dot, const REAL *restrict c_prev,
    const REAL *restrict c_prev_dot, const REAL *restrict c, const REAL *restrict c_dot,
    const REAL *restrict dh, const REAL *restrict dh_dot, REAL *restrict dc,
    REAL *restrict dc_dot, REAL *restrict d, REAL *restrict d_dot, ptrdiff_t pitch)
{
    for (ptrdiff_t row = 0; row < n_rows; row++, gates += 4 * H1, gates_dot += 4 * H1,
                   c_prev += H1, c_prev_dot += H1, c += H1, c_dot += H1, dh += H1,
                   dh_dot += H1, dc += H1, dc_dot += H1, d += pitch, d_dot += pitch)
        LINES(H1) {
            const REAL *restrict i = gates + line, *restrict f = i + H1,
                                 *restrict g = f + H1, *restrict o = g + H1;
            const REAL *restrict i_dot = gates_dot + line, *restrict f_dot = i_dot + H1,
                                 *restrict g_dot = f_dot + H1,
                                 *restrict o_dot = g_dot + H1;
            REAL *restrict d_i = d + line, *restrict d_f = d_i + H1,
                           *restrict d_g = d_f + H1, *restrict d_o = d_g + H1;
            REAL *restrict i_ = d_dot + line, *restrict f_ = i_ + H1,
                           *restrict g_ = f_ + H1, *restrict o_ = g_ + H1;
            UNITS {
                REAL i_j = i[j], f_j = f[j], g_j = g[j], o_j = o[j];
                REAL dot_i = i_dot[j], dot_f = f_dot[j], dot_g = g_dot[j];
                REAL dot_o = o_dot[j], dot_c = c_dot[line + j];
                REAL before = c_prev[line + j], dot_before = c_prev_dot[line + j];
                REAL dh_j = dh[line + j], dot_dh = dh_dot[line + j];
                REAL k = NAME(tanh)(c[line + j]), slope = 1 - k * k;
                REAL dot_k = slope * dot_c;
                REAL ii = i_j * (1 - i_j), ff = f_j * (1 - f_j), oo = o_j * (1 - o_j);
                REAL gg = 1 - g_j * g_j;
                REAL dc_j = dc[line + j] + dh_j * o_j * slope;
                REAL dot_dc = dc_dot[line + j] + (dot_dh * o_j + dh_j * dot_o) * slope -
                              2 * dh_j * o_j * k * dot_k;
                d_i[j] = dc_j * g_j * ii;
                d_f[j] = dc_j * before * ff;
                d_g[j] = dc_j * i_j * gg;
                d_o[j] = dh_j * k * oo;
                i_[j] = (dot_dc * g_j + dc_j * dot_g) * ii +
                        dc_j * g_j * (1 - 2 * i_j) * dot_i;
                f_[j] = (dot_dc * before + dc_j * dot_before) * ff +
                        dc_j * before * (1 - 2 * f_j) * dot_f;
                g_[j] = (dot_dc * i_j + dc_j * dot_i) * gg - 2 * dc_j * i_j * g_j * dot_g;
                o_[j] = (dot_dh * k + dh_j * dot_k) * oo +
                        dh_j * k * (1 - 2 * o_j) * dot_o;
                dc[line + j] = dc_j * f_j;
                dc_dot[line + j] = dot_dc * f_j + dc_j * dot_f;
            }
        }
}
