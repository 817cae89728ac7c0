/* Derivatives of the loops over time along one direction of weights and inputs
   (Pearlmutter, 1994): `p` is for what is derived, `q` for the derivatives. */

static void NAME(forward_tangent)(const Scan *s)
{
    const unsigned long mode = flush_to_zero();
    NAME(Plan) p, q;
    NAME(begin)(s, 0, NAME(begin)(s, 0, s->scratch, &p), &q);
    NAME(pack_forward)(s, &p, s->R, s->W, s->b, s->b_n);
    NAME(pack_forward)(s, &q, s->R_dot, s->W_dot, s->b_dot, s->b_n_dot);
    const ptrdiff_t H1 = s->H1, *offsets = s->offsets;
    const REAL *h_prev = p.zeros, *c_prev = p.zeros;
    const REAL *h_prev_dot = p.zeros, *c_prev_dot = p.zeros;
    for (ptrdiff_t t = 0; t < s->n_steps; t++) {
        const ptrdiff_t row = offsets[t], n = offsets[t + 1] - row;
        const REAL *x = (const REAL *)s->x + row * s->x_pitch;
        const REAL *x_dot = NAME(row_of)((void *)s->x_dot, row, s->x_dot_pitch);
        const REAL *h = (const REAL *)s->h + row * H1, *c = NAME(row_of)(s->c, row, H1);
        const REAL *gates = NAME(row_of)(s->gates, row, s->width);
        REAL *h_dot = (REAL *)s->h_dot + row * H1, *c_dot = NAME(row_of)(s->c_dot, row, H1);
        REAL *a = s->cell < GRU ? h_dot : (REAL *)s->gates_dot + row * s->width;
        NAME(project)(s, &q, n, q.bias, 0, t ? h_prev : NULL, x, s->x_pitch, a);
        if (t || x_dot)
            NAME(project)(s, &p, n, a, s->width, t ? h_prev_dot : NULL, x_dot,
                          s->x_dot_pitch, a);
        switch (s->cell) {
        case IDENTITY: NAME(identity_forward_tangent)(n, H1, h, h_dot); break;
        case LOGISTIC: NAME(logistic_forward_tangent)(n, H1, h, h_dot); break;
        case RELU: NAME(relu_forward_tangent)(n, H1, h, h_dot); break;
        case TANH: NAME(tanh_forward_tangent)(n, H1, h, h_dot); break;
        case GRU:
            NAME(gru_forward_tangent)(n, H1, gates, h_prev, h_prev_dot, a, h_dot);
            break;
        case LSTM:
            NAME(lstm_forward_tangent)(n, H1, gates, c_prev, c_prev_dot, c, a, c_dot, h_dot);
            break;
        }
        h_prev = h;
        c_prev = c;
        h_prev_dot = h_dot;
        c_prev_dot = c_dot;
    }
    restore(mode);
}

/* Sum the derivatives of the gradients of the weights over the rows of a block. */
static void NAME(sum_block_tangent)(const Scan *s, const NAME(Plan) *p,
                                    const NAME(Plan) *q, ptrdiff_t rows)
{
    const ptrdiff_t of_x = s->width - p->of_W, with_x_dot = s->x_dot ? rows : 0;
    const NAME(Factors) h_ddot = {rows, p->h_prev, 1, p->h_pitch, q->d, LANES, p->d_pitch};
    const NAME(Factors) hdot_d = {rows, q->h_prev, 1, p->h_pitch, p->d, LANES, p->d_pitch};
    const NAME(Factors) x_ddot = {rows,  p->x,      1, p->x_pitch, q->d + p->of_W,
                                  LANES, p->d_pitch};
    const NAME(Factors) xdot_d = {with_x_dot, q->x,      1, p->x_pitch, p->d + p->of_W,
                                  LANES,      p->d_pitch};
    NAME(product)(s->H, p->of_R, q->dR, p->of_R, &h_ddot, &hdot_d, q->dR, p->of_R);
    NAME(product)(s->D, of_x, q->dW, of_x, &x_ddot, &xdot_d, q->dW, of_x);
    for (ptrdiff_t i = 0; i < rows; i++)
        for (ptrdiff_t j = 0; j < s->width; j++)
            q->db[j] += q->d[i * p->d_pitch + j];
}

/* Add rows of dL/dh to those carried. */
static void NAME(add_rows)(const Scan *s, ptrdiff_t n, const REAL *given, ptrdiff_t pitch,
                           REAL *dh)
{
    for (ptrdiff_t i = 0; i < n; i++)
        for (ptrdiff_t j = 0; j < s->H; j++)
            dh[i * s->H1 + j] += given[i * pitch + j];
}

static void NAME(backward_tangent)(const Scan *s)
{
    const unsigned long mode = flush_to_zero();
    const NAME(Factors) none = {0};
    NAME(Plan) p, q;
    NAME(begin)(s, 1, NAME(begin)(s, 1, s->scratch, &p), &q);
    NAME(pack_backward)(s, &p, s->R, s->W);
    NAME(pack_backward)(s, &q, s->R_dot, s->W_dot);
    const ptrdiff_t H1 = s->H1, *offsets = s->offsets, of_x = s->width - p.of_W;
    const size_t bytes = offsets[1] * H1 * sizeof(REAL);
    memset(p.dh, 0, bytes);
    memset(q.dh, 0, bytes);
    memset(p.dc, 0, bytes);
    memset(q.dc, 0, bytes);
    ptrdiff_t filled = 0;
    for (ptrdiff_t t = s->n_steps - 1; t >= 0; t--) {
        const ptrdiff_t row = offsets[t], n = offsets[t + 1] - row;
        const ptrdiff_t before = t ? offsets[t - 1] : 0, pitch = p.d_pitch;
        const REAL *h = (const REAL *)s->h + row * H1, *c = NAME(row_of)(s->c, row, H1);
        const REAL *h_dot = (const REAL *)s->h_dot + row * H1;
        const REAL *c_dot = NAME(row_of)(s->c_dot, row, H1);
        const REAL *gates = NAME(row_of)(s->gates, row, s->width);
        const REAL *gates_dot = NAME(row_of)(s->gates_dot, row, s->width);
        const REAL *h_prev = t ? (const REAL *)s->h + before * H1 : p.zeros;
        const REAL *h_prev_dot = t ? (const REAL *)s->h_dot + before * H1 : p.zeros;
        const REAL *c_prev = t ? NAME(row_of)(s->c, before, H1) : p.zeros;
        const REAL *c_prev_dot = t ? NAME(row_of)(s->c_dot, before, H1) : p.zeros;
        const REAL *x = (const REAL *)s->x + row * s->x_pitch;
        REAL *d = p.d + filled * pitch, *d_dot = q.d + filled * pitch;
        NAME(copy_rows)(n, s->H, h_prev, H1, p.h_prev + filled * p.h_pitch, p.h_pitch);
        NAME(copy_rows)(n, s->H, h_prev_dot, H1, q.h_prev + filled * p.h_pitch, p.h_pitch);
        NAME(copy_rows)(n, s->D, x, s->x_pitch, p.x + filled * p.x_pitch, p.x_pitch);
        if (s->x_dot)
            NAME(copy_rows)(n, s->D, (const REAL *)s->x_dot + row * s->x_dot_pitch,
                            s->x_dot_pitch, q.x + filled * p.x_pitch, p.x_pitch);
        NAME(add_rows)(s, n, (const REAL *)s->dh + row * s->dh_pitch, s->dh_pitch, p.dh);
        NAME(add_rows)(s, n, (const REAL *)s->dh_dot + row * s->dh_dot_pitch,
                       s->dh_dot_pitch, q.dh);
#define BACK(name) NAME(name##_backward_tangent)(n, H1, h, h_dot, p.dh, q.dh, d, d_dot, pitch)
        switch (s->cell) {
        case IDENTITY: BACK(identity); break;
        case LOGISTIC: BACK(logistic); break;
        case RELU: BACK(relu); break;
        case TANH: BACK(tanh); break;
        case GRU:
            NAME(gru_backward_tangent)(n, H1, gates, gates_dot, h_prev, h_prev_dot, p.dh,
                                       q.dh, d, d_dot, pitch);
            break;
        case LSTM:
            NAME(lstm_backward_tangent)(n, H1, gates, gates_dot, c_prev, c_prev_dot, c,
                                        c_dot, p.dh, q.dh, p.dc, q.dc, d, d_dot, pitch);
            break;
        }
#undef BACK
        const NAME(Factors) d_R = {p.of_R, d, pitch, 1, p.R, p.of_R * LANES, LANES};
        const NAME(Factors) d_Rdot = {p.of_R, d, pitch, 1, q.R, p.of_R * LANES, LANES};
        const NAME(Factors) ddot_R = {p.of_R, d_dot, pitch, 1, p.R, p.of_R * LANES, LANES};
        if (t) {
            /* Only the GRU's state goes on besides. */
            const int gru = s->cell == GRU;
            const ptrdiff_t start_pitch = gru ? H1 : 0;
            NAME(product)(n, H1, gru ? q.dh : p.zeros, start_pitch, &ddot_R, &d_Rdot, q.dh,
                          H1);
            NAME(product)(n, H1, gru ? p.dh : p.zeros, start_pitch, &d_R, &none, p.dh, H1);
        }
        if (s->dx) {
            const ptrdiff_t panel = of_x * LANES;
            const REAL *dW = d + p.of_W, *dW_dot = d_dot + p.of_W;
            const NAME(Factors) d_W = {of_x, dW, pitch, 1, p.W, panel, LANES};
            const NAME(Factors) d_Wdot = {of_x, dW, pitch, 1, q.W, panel, LANES};
            const NAME(Factors) ddot_W = {of_x, dW_dot, pitch, 1, p.W, panel, LANES};
            REAL *dx = (REAL *)s->dx + row * s->D1;
            REAL *dx_dot = (REAL *)s->dx_dot + row * s->D1;
            memset(dx, 0, n * s->D1 * sizeof(REAL));
            memset(dx_dot, 0, n * s->D1 * sizeof(REAL));
            NAME(product)(n, s->D1, dx_dot, s->D1, &ddot_W, &d_Wdot, dx_dot, s->D1);
            NAME(product)(n, s->D1, dx, s->D1, &d_W, &none, dx, s->D1);
        }
        filled += n;
        if (filled >= BLOCK || t == 0) {
            NAME(sum_block_tangent)(s, &p, &q, filled);
            filled = 0;
        }
    }
    NAME(unpack_sums)(s, &q);
    restore(mode);
}
