/* The LSTM. The blocks of the tape are i, f, g, o; the states are h and c. */

static void NAME(lstm_forward)(const NAME(Step) *s)
{
    LINES {
        REAL *i = TAPE(value, 0), *f = TAPE(value, 1), *g = TAPE(value, 2);
        REAL *o = TAPE(value, 3), *h = AFTER(value, 0), *c = AFTER(value, 1);
        const REAL *c_prev = BEFORE(value, 1);
        UNITS {
            REAL i_j = NAME(logistic)(i[j]), f_j = NAME(logistic)(f[j]);
            REAL g_j = NAME(tanh)(g[j]), o_j = NAME(logistic)(o[j]);
            REAL c_j = f_j * c_prev[j] + i_j * g_j;
            i[j] = i_j;
            f[j] = f_j;
            g[j] = g_j;
            o[j] = o_j;
            c[j] = c_j;
            h[j] = o_j * NAME(tanh)(c_j);
        }
    }
}

static void NAME(lstm_backward)(const NAME(Step) *s)
{
    LINES {
        const REAL *i = TAPE(value, 0), *f = TAPE(value, 1), *g = TAPE(value, 2);
        const REAL *o = TAPE(value, 3), *c = AFTER(value, 1), *c_prev = BEFORE(value, 1);
        REAL *d_i = D(value, 0), *d_f = D(value, 1), *d_g = D(value, 2), *d_o = D(value, 3);
        const REAL *dh = D_STATE(value, 0);
        REAL *dc = D_STATE(value, 1);
        UNITS {
            REAL i_j = i[j], f_j = f[j], g_j = g[j], o_j = o[j];
            REAL k = NAME(tanh)(c[j]), dh_j = dh[j];
            REAL dc_j = dc[j] + dh_j * o_j * (1 - k * k);
            d_i[j] = dc_j * g_j * i_j * (1 - i_j);
            d_f[j] = dc_j * c_prev[j] * f_j * (1 - f_j);
            d_g[j] = dc_j * i_j * (1 - g_j * g_j);
            d_o[j] = dh_j * k * o_j * (1 - o_j);
            dc[j] = dc_j * f_j;
        }
    }
}

static void NAME(lstm_forward_tangent)(const NAME(Step) *s)
{
    LINES {
        const REAL *i = TAPE(value, 0), *f = TAPE(value, 1), *g = TAPE(value, 2);
        const REAL *o = TAPE(value, 3), *c = AFTER(value, 1);
        const REAL *c_prev = BEFORE(value, 1), *c_prev_dot = BEFORE(dot, 1);
        REAL *i_dot = TAPE(dot, 0), *f_dot = TAPE(dot, 1), *g_dot = TAPE(dot, 2);
        REAL *o_dot = TAPE(dot, 3), *h_dot = AFTER(dot, 0), *c_dot = AFTER(dot, 1);
        UNITS {
            REAL i_j = i[j], f_j = f[j], g_j = g[j], o_j = o[j];
            REAL dot_i = i_dot[j] * i_j * (1 - i_j), dot_f = f_dot[j] * f_j * (1 - f_j);
            REAL dot_g = g_dot[j] * (1 - g_j * g_j), dot_o = o_dot[j] * o_j * (1 - o_j);
            REAL k = NAME(tanh)(c[j]);
            REAL dot_c =
                dot_f * c_prev[j] + f_j * c_prev_dot[j] + dot_i * g_j + i_j * dot_g;
            i_dot[j] = dot_i;
            f_dot[j] = dot_f;
            g_dot[j] = dot_g;
            o_dot[j] = dot_o;
            c_dot[j] = dot_c;
            h_dot[j] = dot_o * k + o_j * (1 - k * k) * dot_c;
        }
    }
}

static void NAME(lstm_backward_tangent)(const NAME(Step) *s)
{
    LINES {
        const REAL *i = TAPE(value, 0), *f = TAPE(value, 1), *g = TAPE(value, 2);
        const REAL *o = TAPE(value, 3), *c = AFTER(value, 1), *c_prev = BEFORE(value, 1);
        const REAL *i_dot = TAPE(dot, 0), *f_dot = TAPE(dot, 1), *g_dot = TAPE(dot, 2);
        const REAL *o_dot = TAPE(dot, 3), *c_dot = AFTER(dot, 1);
        const REAL *c_prev_dot = BEFORE(dot, 1);
        REAL *d_i = D(value, 0), *d_f = D(value, 1), *d_g = D(value, 2), *d_o = D(value, 3);
        REAL *i_ = D(dot, 0), *f_ = D(dot, 1), *g_ = D(dot, 2), *o_ = D(dot, 3);
        const REAL *dh = D_STATE(value, 0), *dh_dot = D_STATE(dot, 0);
        REAL *dc = D_STATE(value, 1), *dc_dot = D_STATE(dot, 1);
        UNITS {
            REAL i_j = i[j], f_j = f[j], g_j = g[j], o_j = o[j];
            REAL dot_i = i_dot[j], dot_f = f_dot[j], dot_g = g_dot[j], dot_o = o_dot[j];
            REAL before = c_prev[j], dot_before = c_prev_dot[j];
            REAL dh_j = dh[j], dot_dh = dh_dot[j];
            REAL k = NAME(tanh)(c[j]), slope = 1 - k * k, dot_k = slope * c_dot[j];
            REAL ii = i_j * (1 - i_j), ff = f_j * (1 - f_j), oo = o_j * (1 - o_j);
            REAL gg = 1 - g_j * g_j;
            REAL dc_j = dc[j] + dh_j * o_j * slope;
            REAL dot_dc = dc_dot[j] + (dot_dh * o_j + dh_j * dot_o) * slope -
                          2 * dh_j * o_j * k * dot_k;
            d_i[j] = dc_j * g_j * ii;
            d_f[j] = dc_j * before * ff;
            d_g[j] = dc_j * i_j * gg;
            d_o[j] = dh_j * k * oo;
            i_[j] = (dot_dc * g_j + dc_j * dot_g) * ii + dc_j * g_j * (1 - 2 * i_j) * dot_i;
            f_[j] = (dot_dc * before + dc_j * dot_before) * ff +
                    dc_j * before * (1 - 2 * f_j) * dot_f;
            g_[j] = (dot_dc * i_j + dc_j * dot_i) * gg - 2 * dc_j * i_j * g_j * dot_g;
            o_[j] = (dot_dh * k + dh_j * dot_k) * oo + dh_j * k * (1 - 2 * o_j) * dot_o;
            dc[j] = dc_j * f_j;
            dc_dot[j] = dot_dc * f_j + dc_j * dot_f;
        }
    }
}

static const NAME(Cell) NAME(lstm) = {
    {.name = "lstm", .n_states = 2, .n_gates = 4, .n_blocks = 4, .of_R = 4,
     .gate = {0, 1, 2, 3}},
    {NAME(lstm_forward), NAME(lstm_backward), NAME(lstm_forward_tangent),
     NAME(lstm_backward_tangent)},
    {0},
};
