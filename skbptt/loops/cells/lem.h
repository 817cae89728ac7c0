/* LEM. The blocks of the tape are the steps of time of z and h, as shares of dt, which is the
   constant, and what z and h move to; the states are h and z. The last block is late: R
   multiplies z. */

static void NAME(lem_forward)(const NAME(Step) *s)
{
    const REAL dt = s->constant;
    LINES {
        REAL *p = TAPE(value, 0), *g = TAPE(value, 2), *z = AFTER(value, 1);
        REAL *v = V(value);
        const REAL *z_prev = BEFORE(value, 1);
        UNITS {
            REAL p_j = NAME(logistic)(p[j]), g_j = NAME(tanh)(g[j]);
            p[j] = p_j;
            g[j] = g_j;
            z[j] = v[j] = z_prev[j] + dt * p_j * (g_j - z_prev[j]);
        }
    }
}

static void NAME(lem_forward_rest)(const NAME(Step) *s)
{
    const REAL dt = s->constant;
    LINES {
        REAL *q = TAPE(value, 1), *k = TAPE(value, 3), *h = AFTER(value, 0);
        const REAL *h_prev = BEFORE(value, 0);
        UNITS {
            REAL q_j = NAME(logistic)(q[j]), k_j = NAME(tanh)(k[j]);
            q[j] = q_j;
            k[j] = k_j;
            h[j] = h_prev[j] + dt * q_j * (k_j - h_prev[j]);
        }
    }
}

static void NAME(lem_backward)(const NAME(Step) *s)
{
    const REAL dt = s->constant;
    LINES {
        const REAL *q = TAPE(value, 1), *k = TAPE(value, 3), *h_prev = BEFORE(value, 0);
        const REAL *z = AFTER(value, 1);
        REAL *d_q = D(value, 1), *d_k = D(value, 3), *dh = D_STATE(value, 0), *v = V(value);
        UNITS {
            REAL q_j = q[j], k_j = k[j], dh_j = dt * dh[j];
            d_q[j] = dh_j * (k_j - h_prev[j]) * q_j * (1 - q_j);
            d_k[j] = dh_j * q_j * (1 - k_j * k_j);
            dh[j] -= dh_j * q_j;
            v[j] = z[j];
        }
    }
}

static void NAME(lem_backward_rest)(const NAME(Step) *s)
{
    const REAL dt = s->constant;
    LINES {
        const REAL *p = TAPE(value, 0), *g = TAPE(value, 2), *z_prev = BEFORE(value, 1);
        const REAL *d_v = D_V(value);
        REAL *d_p = D(value, 0), *d_g = D(value, 2), *dz = D_STATE(value, 1);
        UNITS {
            REAL p_j = p[j], g_j = g[j], all = dz[j] + d_v[j], dz_j = dt * all;
            d_p[j] = dz_j * (g_j - z_prev[j]) * p_j * (1 - p_j);
            d_g[j] = dz_j * p_j * (1 - g_j * g_j);
            dz[j] = all - dz_j * p_j;
        }
    }
}

static void NAME(lem_forward_tangent)(const NAME(Step) *s)
{
    const REAL dt = s->constant;
    LINES {
        const REAL *p = TAPE(value, 0), *g = TAPE(value, 2), *z = AFTER(value, 1);
        const REAL *z_prev = BEFORE(value, 1), *z_prev_dot = BEFORE(dot, 1);
        REAL *p_dot = TAPE(dot, 0), *g_dot = TAPE(dot, 2), *z_dot = AFTER(dot, 1);
        REAL *v = V(value), *v_dot = V(dot);
        UNITS {
            REAL p_j = p[j], g_j = g[j], before = z_prev[j], dot_before = z_prev_dot[j];
            REAL dot_p = p_dot[j] * p_j * (1 - p_j), dot_g = g_dot[j] * (1 - g_j * g_j);
            p_dot[j] = dot_p;
            g_dot[j] = dot_g;
            v[j] = z[j];
            z_dot[j] = v_dot[j] = dot_before + dt * (dot_p * (g_j - before) +
                                                     p_j * (dot_g - dot_before));
        }
    }
}

static void NAME(lem_forward_tangent_rest)(const NAME(Step) *s)
{
    const REAL dt = s->constant;
    LINES {
        const REAL *q = TAPE(value, 1), *k = TAPE(value, 3);
        const REAL *h_prev = BEFORE(value, 0), *h_prev_dot = BEFORE(dot, 0);
        REAL *q_dot = TAPE(dot, 1), *k_dot = TAPE(dot, 3), *h_dot = AFTER(dot, 0);
        UNITS {
            REAL q_j = q[j], k_j = k[j], before = h_prev[j], dot_before = h_prev_dot[j];
            REAL dot_q = q_dot[j] * q_j * (1 - q_j), dot_k = k_dot[j] * (1 - k_j * k_j);
            q_dot[j] = dot_q;
            k_dot[j] = dot_k;
            h_dot[j] = dot_before +
                       dt * (dot_q * (k_j - before) + q_j * (dot_k - dot_before));
        }
    }
}

static void NAME(lem_backward_tangent)(const NAME(Step) *s)
{
    const REAL dt = s->constant;
    LINES {
        const REAL *q = TAPE(value, 1), *k = TAPE(value, 3), *h_prev = BEFORE(value, 0);
        const REAL *q_dot = TAPE(dot, 1), *k_dot = TAPE(dot, 3);
        const REAL *h_prev_dot = BEFORE(dot, 0), *z = AFTER(value, 1), *z_dot = AFTER(dot, 1);
        REAL *d_q = D(value, 1), *d_k = D(value, 3), *dh = D_STATE(value, 0), *v = V(value);
        REAL *q_ = D(dot, 1), *k_ = D(dot, 3), *dh_dot = D_STATE(dot, 0), *v_dot = V(dot);
        UNITS {
            REAL q_j = q[j], k_j = k[j], dot_q = q_dot[j], dot_k = k_dot[j];
            REAL apart = k_j - h_prev[j], dot_apart = dot_k - h_prev_dot[j];
            REAL dh_j = dt * dh[j], dot_dh = dt * dh_dot[j];
            REAL qq = q_j * (1 - q_j), kk = 1 - k_j * k_j;
            d_q[j] = dh_j * apart * qq;
            d_k[j] = dh_j * q_j * kk;
            q_[j] = (dot_dh * apart + dh_j * dot_apart) * qq +
                    dh_j * apart * (1 - 2 * q_j) * dot_q;
            k_[j] = (dot_dh * q_j + dh_j * dot_q) * kk - 2 * dh_j * q_j * k_j * dot_k;
            dh[j] -= dh_j * q_j;
            dh_dot[j] -= dot_dh * q_j + dh_j * dot_q;
            v[j] = z[j];
            v_dot[j] = z_dot[j];
        }
    }
}

static void NAME(lem_backward_tangent_rest)(const NAME(Step) *s)
{
    const REAL dt = s->constant;
    LINES {
        const REAL *p = TAPE(value, 0), *g = TAPE(value, 2), *z_prev = BEFORE(value, 1);
        const REAL *p_dot = TAPE(dot, 0), *g_dot = TAPE(dot, 2);
        const REAL *z_prev_dot = BEFORE(dot, 1), *d_v = D_V(value), *d_v_dot = D_V(dot);
        REAL *d_p = D(value, 0), *d_g = D(value, 2), *dz = D_STATE(value, 1);
        REAL *p_ = D(dot, 0), *g_ = D(dot, 2), *dz_dot = D_STATE(dot, 1);
        UNITS {
            REAL p_j = p[j], g_j = g[j], dot_p = p_dot[j], dot_g = g_dot[j];
            REAL apart = g_j - z_prev[j], dot_apart = dot_g - z_prev_dot[j];
            REAL all = dz[j] + d_v[j], dot_all = dz_dot[j] + d_v_dot[j];
            REAL dz_j = dt * all, dot_dz = dt * dot_all;
            REAL pp = p_j * (1 - p_j), gg = 1 - g_j * g_j;
            d_p[j] = dz_j * apart * pp;
            d_g[j] = dz_j * p_j * gg;
            p_[j] = (dot_dz * apart + dz_j * dot_apart) * pp +
                    dz_j * apart * (1 - 2 * p_j) * dot_p;
            g_[j] = (dot_dz * p_j + dz_j * dot_p) * gg - 2 * dz_j * p_j * g_j * dot_g;
            dz[j] = all - dz_j * p_j;
            dz_dot[j] = dot_all - dot_dz * p_j - dz_j * dot_p;
        }
    }
}

static const NAME(Cell) NAME(lem) = {
    {.name = "lem", .n_states = 2, .n_gates = 4, .n_blocks = 4, .of_R = 3, .late = 1,
     .gate = {0, 1, 2, 3}, .passes_h = 1},
    {NAME(lem_forward), NAME(lem_backward), NAME(lem_forward_tangent),
     NAME(lem_backward_tangent)},
    {NAME(lem_forward_rest), NAME(lem_backward_rest), NAME(lem_forward_tangent_rest),
     NAME(lem_backward_tangent_rest)},
};
