/* The GRU with the reset gate before the product. The blocks of the tape are r, z, n; n is
   late: R multiplies r h_prev. */

static void NAME(reset_before_forward)(const NAME(Step) *s)
{
    LINES {
        REAL *r = TAPE(value, 0), *z = TAPE(value, 1), *v = V(value);
        const REAL *h_prev = BEFORE(value, 0);
        UNITS {
            REAL r_j = NAME(logistic)(r[j]), z_j = NAME(logistic)(z[j]);
            r[j] = r_j;
            z[j] = z_j;
            v[j] = r_j * h_prev[j];
        }
    }
}

static void NAME(reset_before_forward_rest)(const NAME(Step) *s)
{
    LINES {
        REAL *n = TAPE(value, 2), *h = AFTER(value, 0);
        const REAL *z = TAPE(value, 1), *h_prev = BEFORE(value, 0);
        UNITS {
            REAL n_j = NAME(tanh)(n[j]);
            n[j] = n_j;
            h[j] = n_j + z[j] * (h_prev[j] - n_j);
        }
    }
}

static void NAME(reset_before_backward)(const NAME(Step) *s)
{
    LINES {
        const REAL *r = TAPE(value, 0), *z = TAPE(value, 1), *n = TAPE(value, 2);
        const REAL *h_prev = BEFORE(value, 0);
        REAL *d_z = D(value, 1), *d_n = D(value, 2), *dh = D_STATE(value, 0), *v = V(value);
        UNITS {
            REAL dh_j = dh[j], z_j = z[j], n_j = n[j];
            d_z[j] = dh_j * (h_prev[j] - n_j) * z_j * (1 - z_j);
            d_n[j] = dh_j * (1 - z_j) * (1 - n_j * n_j);
            dh[j] = dh_j * z_j;
            v[j] = r[j] * h_prev[j];
        }
    }
}

static void NAME(reset_before_backward_rest)(const NAME(Step) *s)
{
    LINES {
        const REAL *r = TAPE(value, 0), *h_prev = BEFORE(value, 0), *d_v = D_V(value);
        REAL *d_r = D(value, 0), *dh = D_STATE(value, 0);
        UNITS {
            REAL r_j = r[j];
            d_r[j] = d_v[j] * h_prev[j] * r_j * (1 - r_j);
            dh[j] += d_v[j] * r_j;
        }
    }
}

static void NAME(reset_before_forward_tangent)(const NAME(Step) *s)
{
    LINES {
        const REAL *r = TAPE(value, 0), *z = TAPE(value, 1);
        const REAL *h_prev = BEFORE(value, 0), *h_prev_dot = BEFORE(dot, 0);
        REAL *r_dot = TAPE(dot, 0), *z_dot = TAPE(dot, 1), *v = V(value), *v_dot = V(dot);
        UNITS {
            REAL r_j = r[j], z_j = z[j], dot_r = r_dot[j] * r_j * (1 - r_j);
            r_dot[j] = dot_r;
            z_dot[j] *= z_j * (1 - z_j);
            v[j] = r_j * h_prev[j];
            v_dot[j] = dot_r * h_prev[j] + r_j * h_prev_dot[j];
        }
    }
}

static void NAME(reset_before_forward_tangent_rest)(const NAME(Step) *s)
{
    LINES {
        const REAL *z = TAPE(value, 1), *n = TAPE(value, 2), *z_dot = TAPE(dot, 1);
        const REAL *h_prev = BEFORE(value, 0), *h_prev_dot = BEFORE(dot, 0);
        REAL *n_dot = TAPE(dot, 2), *h_dot = AFTER(dot, 0);
        UNITS {
            REAL n_j = n[j], dot_n = n_dot[j] * (1 - n_j * n_j);
            n_dot[j] = dot_n;
            h_dot[j] = dot_n + z_dot[j] * (h_prev[j] - n_j) + z[j] * (h_prev_dot[j] - dot_n);
        }
    }
}

static void NAME(reset_before_backward_tangent)(const NAME(Step) *s)
{
    LINES {
        const REAL *r = TAPE(value, 0), *z = TAPE(value, 1), *n = TAPE(value, 2);
        const REAL *r_dot = TAPE(dot, 0), *z_dot = TAPE(dot, 1), *n_dot = TAPE(dot, 2);
        const REAL *h_prev = BEFORE(value, 0), *h_prev_dot = BEFORE(dot, 0);
        REAL *d_z = D(value, 1), *d_n = D(value, 2), *z_ = D(dot, 1), *n_ = D(dot, 2);
        REAL *dh = D_STATE(value, 0), *dh_dot = D_STATE(dot, 0);
        REAL *v = V(value), *v_dot = V(dot);
        UNITS {
            REAL dh_j = dh[j], dot_dh = dh_dot[j], z_j = z[j], dot_z = z_dot[j];
            REAL n_j = n[j], dot_n = n_dot[j], slope = 1 - n_j * n_j;
            REAL apart = h_prev[j] - n_j, dot_apart = h_prev_dot[j] - dot_n;
            REAL zz = z_j * (1 - z_j);
            d_z[j] = dh_j * apart * zz;
            d_n[j] = dh_j * (1 - z_j) * slope;
            z_[j] = (dot_dh * apart + dh_j * dot_apart) * zz +
                    dh_j * apart * (1 - 2 * z_j) * dot_z;
            n_[j] = (dot_dh * (1 - z_j) - dh_j * dot_z) * slope -
                    2 * dh_j * (1 - z_j) * n_j * dot_n;
            dh[j] = dh_j * z_j;
            dh_dot[j] = dot_dh * z_j + dh_j * dot_z;
            v[j] = r[j] * h_prev[j];
            v_dot[j] = r_dot[j] * h_prev[j] + r[j] * h_prev_dot[j];
        }
    }
}

static void NAME(reset_before_backward_tangent_rest)(const NAME(Step) *s)
{
    LINES {
        const REAL *r = TAPE(value, 0), *h_prev = BEFORE(value, 0), *d_v = D_V(value);
        const REAL *r_dot = TAPE(dot, 0), *h_prev_dot = BEFORE(dot, 0), *d_v_dot = D_V(dot);
        REAL *d_r = D(value, 0), *r_ = D(dot, 0);
        REAL *dh = D_STATE(value, 0), *dh_dot = D_STATE(dot, 0);
        UNITS {
            REAL r_j = r[j], dot_r = r_dot[j], dv = d_v[j], dot_dv = d_v_dot[j];
            REAL h_j = h_prev[j], rr = r_j * (1 - r_j);
            d_r[j] = dv * h_j * rr;
            r_[j] = (dot_dv * h_j + dv * h_prev_dot[j]) * rr +
                    dv * h_j * (1 - 2 * r_j) * dot_r;
            dh[j] += dv * r_j;
            dh_dot[j] += dot_dv * r_j + dv * dot_r;
        }
    }
}

static const NAME(Cell) NAME(gru_reset_before) = {
    {.name = "gru_reset_before", .n_states = 1, .n_gates = 3, .n_blocks = 3, .of_R = 2,
     .late = 1, .gate = {0, 1, 2}, .passes_h = 1},
    {NAME(reset_before_forward), NAME(reset_before_backward), NAME(reset_before_forward_tangent),
     NAME(reset_before_backward_tangent)},
    {NAME(reset_before_forward_rest), NAME(reset_before_backward_rest),
     NAME(reset_before_forward_tangent_rest), NAME(reset_before_backward_tangent_rest)},
};
