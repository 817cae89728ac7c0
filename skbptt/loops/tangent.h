/* Derivatives of the loops over time along one direction of weights and inputs
   (Pearlmutter, 1994): `p` is for what is derived, `q` for the derivatives. */

static void NAME(forward_tangent)(const Scan *s)
{
    const unsigned long mode = flush_to_zero();
    const NAME(Cell) *cell = NAME(cells)[s->cell];
    NAME(Plan) p, q;
    NAME(begin)(s, 0, NAME(begin)(s, 0, s->scratch, &p), &q);
    NAME(pack_forward)(s, &p, &s->value);
    NAME(pack_forward)(s, &q, &s->dot);
    NAME(Step) step = NAME(step_of)(s, &p);
    for (ptrdiff_t t = 0; t < s->n_steps; t++) {
        const ptrdiff_t row = s->offsets[t], n = s->offsets[t + 1] - row;
        const REAL *x = (const REAL *)s->value.x + row * s->value.x_pitch;
        const REAL *x_dot = s->dot.x ? (const REAL *)s->dot.x + row * s->dot.x_pitch : NULL;
        step.n = n;
        step.value = NAME(part_of)(s, &p, &s->value, t);
        step.dot = NAME(part_of)(s, &q, &s->dot, t);
        REAL *a_dot = step.dot.tape;
        const REAL *h_prev = NAME(h_before)(&s->value, &step.value, t);
        const REAL *h_prev_dot = NAME(h_before)(&s->dot, &step.dot, t);
        NAME(project)(s, &q, n, q.bias, 0, h_prev, x, s->value.x_pitch, a_dot);
        if (h_prev_dot || x_dot)
            NAME(project)(s, &p, n, a_dot, p.width, h_prev_dot, x_dot, s->dot.x_pitch,
                          a_dot);
        cell->step.forward_tangent(&step);
        if (cell->shape.late) {
            NAME(project_late)(s, &q, n, step.value.v, a_dot);
            NAME(project_late)(s, &p, n, step.dot.v, a_dot);
            cell->rest.forward_tangent(&step);
        }
    }
    restore(mode);
}

/* Sum the derivatives of the gradients of the weights over the rows of a block. */
static void NAME(sum_block_tangent)(const Scan *s, const NAME(Plan) *p,
                                    const NAME(Plan) *q, ptrdiff_t rows)
{
    const ptrdiff_t of_x = p->width - p->of_W, with_x_dot = s->dot.x ? rows : 0;
    const NAME(Factors) h_ddot = {rows, p->h_prev, 1, p->h_pitch, q->d, LANES, p->d_pitch};
    const NAME(Factors) hdot_d = {rows, q->h_prev, 1, p->h_pitch, p->d, LANES, p->d_pitch};
    const NAME(Factors) x_ddot = {rows,  p->x,      1, p->x_pitch, q->d + p->of_W,
                                  LANES, p->d_pitch};
    const NAME(Factors) xdot_d = {with_x_dot, q->x,      1, p->x_pitch, p->d + p->of_W,
                                  LANES,      p->d_pitch};
    const NAME(Factors) v_ddot = {rows,  p->v,      1, p->h_pitch, q->d + p->of_R,
                                  LANES, p->d_pitch};
    const NAME(Factors) vdot_d = {rows,  q->v,      1, p->h_pitch, p->d + p->of_R,
                                  LANES, p->d_pitch};
    NAME(product)(s->H, p->of_R, q->dR, p->R_width, &h_ddot, &hdot_d, q->dR, p->R_width);
    NAME(product)(s->H, p->R_width - p->of_R, q->dR + p->of_R, p->R_width, &v_ddot, &vdot_d,
                  q->dR + p->of_R, p->R_width);
    NAME(product)(s->D, of_x, q->dW, of_x, &x_ddot, &xdot_d, q->dW, of_x);
    for (ptrdiff_t i = 0; i < rows; i++)
        for (ptrdiff_t j = 0; j < p->width; j++)
            q->db[j] += q->d[i * p->d_pitch + j];
}

static void NAME(backward_tangent)(const Scan *s)
{
    const unsigned long mode = flush_to_zero();
    const NAME(Cell) *cell = NAME(cells)[s->cell];
    const NAME(Factors) none = {0};
    NAME(Plan) p, q;
    NAME(begin)(s, 1, NAME(begin)(s, 1, s->scratch, &p), &q);
    NAME(pack_backward)(s, &p, &s->value);
    NAME(pack_backward)(s, &q, &s->dot);
    NAME(clear_carried)(s, &p);
    NAME(clear_carried)(s, &q);
    const ptrdiff_t H1 = s->H1, of_x = p.width - p.of_W, pitch = p.d_pitch;
    REAL *dh = p.d_states[0], *dh_dot = q.d_states[0];
    NAME(Step) step = NAME(step_of)(s, &p);
    ptrdiff_t filled = 0;
    for (ptrdiff_t t = s->n_steps - 1; t >= 0; t--) {
        const ptrdiff_t row = s->offsets[t], n = s->offsets[t + 1] - row;
        REAL *d = p.d + filled * pitch, *d_dot = q.d + filled * pitch;
        step.n = n;
        step.value = NAME(part_of)(s, &p, &s->value, t);
        step.dot = NAME(part_of)(s, &q, &s->dot, t);
        step.value.d = d;
        step.dot.d = d_dot;
        step.value.v += filled * p.h_pitch;
        step.dot.v += filled * p.h_pitch;
        NAME(copy_step)(s, &p, &s->value, t, step.value.before[0], filled);
        NAME(copy_step)(s, &q, &s->dot, t, step.dot.before[0], filled);
        NAME(add_given)(s, &s->value, t, dh);
        NAME(add_given)(s, &s->dot, t, dh_dot);
        cell->step.backward_tangent(&step);
        if (cell->shape.late) {
            const NAME(Factors) d_R = NAME(late_back)(&p, H1, d, p.R);
            const NAME(Factors) d_Rdot = NAME(late_back)(&p, H1, d, q.R);
            const NAME(Factors) ddot_R = NAME(late_back)(&p, H1, d_dot, p.R);
            NAME(product)(n, H1, p.zeros, 0, &ddot_R, &d_Rdot, q.d_v, H1);
            NAME(product)(n, H1, p.zeros, 0, &d_R, &none, p.d_v, H1);
            cell->rest.backward_tangent(&step);
        }
        const NAME(Factors) d_R = {p.of_R, d, pitch, 1, p.R, p.of_R * LANES, LANES};
        const NAME(Factors) d_Rdot = {p.of_R, d, pitch, 1, q.R, p.of_R * LANES, LANES};
        const NAME(Factors) ddot_R = {p.of_R, d_dot, pitch, 1, p.R, p.of_R * LANES, LANES};
        if (t || s->dot.d_initial[0]) {
            const int passes_h = cell->shape.passes_h;
            const ptrdiff_t start_pitch = passes_h ? H1 : 0;
            NAME(product)(n, H1, passes_h ? dh_dot : p.zeros, start_pitch, &ddot_R, &d_Rdot,
                          dh_dot, H1);
            NAME(product)(n, H1, passes_h ? dh : p.zeros, start_pitch, &d_R, &none, dh, H1);
        }
        if (s->value.dx) {
            const ptrdiff_t panel = of_x * LANES;
            const REAL *dW = d + p.of_W, *dW_dot = d_dot + p.of_W;
            const NAME(Factors) d_W = {of_x, dW, pitch, 1, p.W, panel, LANES};
            const NAME(Factors) d_Wdot = {of_x, dW, pitch, 1, q.W, panel, LANES};
            const NAME(Factors) ddot_W = {of_x, dW_dot, pitch, 1, p.W, panel, LANES};
            REAL *dx = (REAL *)s->value.dx + row * s->D1;
            REAL *dx_dot = (REAL *)s->dot.dx + row * s->D1;
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
    NAME(add_initial)(s, &q, &s->dot);
    NAME(unpack_sums)(s, &q);
    restore(mode);
}
