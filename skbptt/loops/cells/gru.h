/* The GRU. The blocks of the tape are m, r, z, n, where m = h R_n + b_n. */

static void NAME(gru_forward)(const NAME(Step) *s)
{
    LINES {
        const REAL *m = TAPE(value, 0), *h_prev = BEFORE(value, 0);
        REAL *r = TAPE(value, 1), *z = TAPE(value, 2), *n = TAPE(value, 3);
        REAL *h = AFTER(value, 0);
        UNITS {
            REAL r_j = NAME(logistic)(r[j]), z_j = NAME(logistic)(z[j]);
            REAL n_j = NAME(tanh)(n[j] + r_j * m[j]);
            r[j] = r_j;
            z[j] = z_j;
            n[j] = n_j;
            h[j] = n_j + z_j * (h_prev[j] - n_j);
        }
    }
}

static void NAME(gru_backward)(const NAME(Step) *s)
{
    LINES {
        const REAL *m = TAPE(value, 0), *r = TAPE(value, 1), *z = TAPE(value, 2);
        const REAL *n = TAPE(value, 3), *h_prev = BEFORE(value, 0);
        REAL *d_m = D(value, 0), *d_r = D(value, 1), *d_z = D(value, 2), *d_n = D(value, 3);
        REAL *dh = D_STATE(value, 0);
        UNITS {
            REAL dh_j = dh[j], z_j = z[j], n_j = n[j], r_j = r[j];
            REAL dn = dh_j * (1 - z_j) * (1 - n_j * n_j);
            d_m[j] = dn * r_j;
            d_r[j] = dn * m[j] * r_j * (1 - r_j);
            d_z[j] = dh_j * (h_prev[j] - n_j) * z_j * (1 - z_j);
            d_n[j] = dn;
            dh[j] = dh_j * z_j;
        }
    }
}

static void NAME(gru_forward_tangent)(const NAME(Step) *s)
{
    LINES {
        const REAL *m = TAPE(value, 0), *r = TAPE(value, 1), *z = TAPE(value, 2);
        const REAL *n = TAPE(value, 3), *m_dot = TAPE(dot, 0);
        const REAL *h_prev = BEFORE(value, 0), *h_prev_dot = BEFORE(dot, 0);
        REAL *r_dot = TAPE(dot, 1), *z_dot = TAPE(dot, 2), *n_dot = TAPE(dot, 3);
        REAL *h_dot = AFTER(dot, 0);
        UNITS {
            REAL r_j = r[j], z_j = z[j], n_j = n[j];
            REAL dot_r = r_dot[j] * r_j * (1 - r_j), dot_z = z_dot[j] * z_j * (1 - z_j);
            REAL dot_n = (n_dot[j] + dot_r * m[j] + r_j * m_dot[j]) * (1 - n_j * n_j);
            r_dot[j] = dot_r;
            z_dot[j] = dot_z;
            n_dot[j] = dot_n;
            h_dot[j] = dot_n + dot_z * (h_prev[j] - n_j) + z_j * (h_prev_dot[j] - dot_n);
        }
    }
}

static void NAME(gru_backward_tangent)(const NAME(Step) *s)
{
    LINES {
        const REAL *m = TAPE(value, 0), *r = TAPE(value, 1), *z = TAPE(value, 2);
        const REAL *n = TAPE(value, 3), *h_prev = BEFORE(value, 0);
        const REAL *m_dot = TAPE(dot, 0), *r_dot = TAPE(dot, 1), *z_dot = TAPE(dot, 2);
        const REAL *n_dot = TAPE(dot, 3), *h_prev_dot = BEFORE(dot, 0);
        REAL *d_m = D(value, 0), *d_r = D(value, 1), *d_z = D(value, 2), *d_n = D(value, 3);
        REAL *m_ = D(dot, 0), *r_ = D(dot, 1), *z_ = D(dot, 2), *n_ = D(dot, 3);
        REAL *dh = D_STATE(value, 0), *dh_dot = D_STATE(dot, 0);
        UNITS {
            REAL m_j = m[j], r_j = r[j], z_j = z[j], n_j = n[j];
            REAL dot_m = m_dot[j], dot_r = r_dot[j], dot_z = z_dot[j], dot_n = n_dot[j];
            REAL dh_j = dh[j], dot_dh = dh_dot[j];
            REAL slope = 1 - n_j * n_j, rr = r_j * (1 - r_j), zz = z_j * (1 - z_j);
            REAL apart = h_prev[j] - n_j, dot_apart = h_prev_dot[j] - dot_n;
            REAL dn = dh_j * (1 - z_j) * slope;
            REAL dot_dn = (dot_dh * (1 - z_j) - dh_j * dot_z) * slope -
                          2 * dh_j * (1 - z_j) * n_j * dot_n;
            d_m[j] = dn * r_j;
            d_r[j] = dn * m_j * rr;
            d_z[j] = dh_j * apart * zz;
            d_n[j] = dn;
            m_[j] = dot_dn * r_j + dn * dot_r;
            r_[j] = (dot_dn * m_j + dn * dot_m) * rr + dn * m_j * (1 - 2 * r_j) * dot_r;
            z_[j] = (dot_dh * apart + dh_j * dot_apart) * zz +
                    dh_j * apart * (1 - 2 * z_j) * dot_z;
            n_[j] = dot_dn;
            dh[j] = dh_j * z_j;
            dh_dot[j] = dot_dh * z_j + dh_j * dot_z;
        }
    }
}

static const NAME(Cell) NAME(gru) = {
    {.name = "gru", .n_states = 1, .n_gates = 3, .n_blocks = 4, .of_R = 3, .of_W = 1,
     .gate = {2, 0, 1, 2}, .vectors = {"b_n"}, .passes_h = 1},
    {NAME(gru_forward), NAME(gru_backward), NAME(gru_forward_tangent),
     NAME(gru_backward_tangent)},
    {0},
};
