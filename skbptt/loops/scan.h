/* The loops over time, for one type of real number and one instruction set. */

/* Columns of the tape before `of_R` receive h_prev R, those from there to `R_width` v R, and
   those from `of_W` on x W. */
typedef struct {
    ptrdiff_t width, of_R, of_W, R_width, gates_H;
    ptrdiff_t *source;     /* column of W, R and b that each column of the tape has, or -1 */
    REAL *zeros;           /* the state before the first step */
    REAL *bias, *R, *W;    /* packed; on the way back R and W are transposed */
    REAL *d, *h_prev, *x;  /* a block of rows: dL/d(columns of the tape), h_prev and x */
    REAL *v, *d_v;         /* a block of rows of v, on the way forward one step; dL/dv */
    ptrdiff_t d_pitch, h_pitch, x_pitch;
    REAL *dR, *dW, *db;    /* padded */
    REAL *d_states[STATES]; /* dL/d(state), carried from step to step */
} NAME(Plan);

/* Rows of many lines, if their number is even, would crowd into few sets of the cache. */
static ptrdiff_t NAME(good_pitch)(ptrdiff_t pitch)
{
    const ptrdiff_t lines = (pitch + LINE - 1) / LINE;
    return lines <= 4 ? pitch : lines % 2 ? lines * LINE : lines * LINE + LINE;
}

static void NAME(copy_rows)(ptrdiff_t rows, ptrdiff_t count, const REAL *from,
                            ptrdiff_t from_pitch, REAL *to, ptrdiff_t to_pitch)
{
    if (from_pitch == to_pitch)
        memcpy(to, from, ((rows - 1) * to_pitch + count) * sizeof(REAL));
    else
        for (ptrdiff_t i = 0; i < rows; i++)
            memcpy(to + i * to_pitch, from + i * from_pitch, count * sizeof(REAL));
}

/* Where step t has its values, or their derivatives. */
static NAME(Part) NAME(part_of)(const Scan *s, const NAME(Plan) *p, const Arrays *of,
                                ptrdiff_t t)
{
    const ptrdiff_t row = s->offsets[t], row_before = t ? s->offsets[t - 1] : 0;
    const ptrdiff_t start = t - t % s->segment, columns = s->offsets[1];
    const ptrdiff_t kept = s->keep ? row - s->offsets[start] : t % 2 * columns;
    const ptrdiff_t kept_before =
        s->keep ? row_before - s->offsets[start] : (t + 1) % 2 * columns;
    NAME(Part) part = {0};
    for (int k = 0; k < STATES && of->states[k]; k++) {
        REAL *state = of->states[k];
        part.after[k] = state + (k ? kept : row) * s->H1;
        if (t > start || (t && !k))
            part.before[k] = state + (k ? kept_before : row_before) * s->H1;
        else if (t)
            part.before[k] = (REAL *)of->before[k] + (t / s->segment - 1) * columns * s->H1;
        else
            part.before[k] = of->initial[k] ? of->initial[k] : p->zeros;
        part.d_states[k] = p->d_states[k];
    }
    part.v = p->v;
    part.d_v = p->d_v;
    part.tape = of->tape ? (REAL *)of->tape + (s->keep ? kept : 0) * p->width : part.after[0];
    return part;
}

/* The same on the way forward, from a row of the step on. */
static NAME(Part) NAME(rows_from)(const Scan *s, const NAME(Plan) *p, NAME(Part) part,
                                  ptrdiff_t first)
{
    for (int k = 0; k < STATES && part.after[k]; k++) {
        part.before[k] += first * s->H1;
        part.after[k] += first * s->H1;
    }
    if (s->keep || !s->value.tape)
        part.tape += first * p->width;
    return part;
}

/* The state that R multiplies at step t, or its derivative; NULL if it is zero. */
static const REAL *NAME(h_before)(const Arrays *of, const NAME(Part) *part, ptrdiff_t t)
{
    return t || of->initial[0] ? part->before[0] : NULL;
}

/* Lay out the memory from `start` on, and tell where it ends. */
static char *NAME(plan)(const Scan *s, int backward, char *start, NAME(Plan) *p)
{
    const Shape *shape = NAME(shape)(s->cell);
    const ptrdiff_t columns = s->offsets[1], rows = BLOCK + columns;
    char *end = start;
    *p = (NAME(Plan)){
        .width = shape->n_blocks * s->H1,
        .of_R = shape->of_R * s->H1,
        .of_W = shape->of_W * s->H1,
        .R_width = (shape->of_R + shape->late) * s->H1,
        .gates_H = shape->n_gates * s->H,
        .d_pitch = NAME(good_pitch)(shape->n_blocks * s->H1),
        .h_pitch = NAME(good_pitch)(s->H1),
        .x_pitch = NAME(good_pitch)(s->D),
    };

#define TAKE(member, count)                                                                \
    p->member = (void *)end;                                                               \
    end += ((count) * (ptrdiff_t)sizeof(*p->member) + 63) / 64 * 64
    TAKE(source, p->width);
    if (backward) {
        TAKE(R, p->R_width * s->H1);
        TAKE(W, s->value.dx ? (p->width - p->of_W) * s->D1 : 0);
        TAKE(d, rows * p->d_pitch);
        TAKE(h_prev, rows * p->h_pitch);
        TAKE(x, rows * p->x_pitch);
        TAKE(v, shape->late ? rows * p->h_pitch : 0);
        TAKE(d_v, shape->late ? columns * s->H1 : 0);
        TAKE(dR, s->H * p->R_width);
        TAKE(dW, s->D * (p->width - p->of_W));
        TAKE(db, p->width);
        for (int k = 0; k < shape->n_states; k++) {
            TAKE(d_states[k], columns * s->H1);
        }
    } else {
        TAKE(bias, p->width);
        TAKE(R, s->H * p->R_width);
        TAKE(W, s->D * (p->width - p->of_W));
        TAKE(v, shape->late ? columns * p->h_pitch : 0);
    }
    TAKE(zeros, columns * s->H1);
#undef TAKE
    return end;
}

static ptrdiff_t NAME(scratch)(const Scan *s, int backward)
{
    NAME(Plan) plan;
    char *start = s->scratch, *end = NAME(plan)(s, backward, start, &plan);
    if (backward && s->segment < s->n_steps)
        end = NAME(plan)(s, 0, end, &plan);
    return end - start;
}

static char *NAME(begin)(const Scan *s, int backward, char *start, NAME(Plan) *p)
{
    char *end = NAME(plan)(s, backward, start, p);
    const int *gate = NAME(shape)(s->cell)->gate;
    for (ptrdiff_t column = 0; column < p->width; column++) {
        ptrdiff_t unit = column % s->H1;
        p->source[column] = unit < s->H ? gate[column / s->H1] * s->H + unit : -1;
    }
    memset(p->zeros, 0, s->offsets[1] * s->H1 * sizeof(REAL));
    return end;
}

/* Whether LANES columns of the tape from `first` on belong to as many columns of a matrix
   that follow one another. */
INLINE int NAME(in_a_row)(const ptrdiff_t *source, ptrdiff_t first)
{
    return source[first] >= 0 && source[first + LANES - 1] == source[first] + LANES - 1;
}

/* Pack M, of `rows` rows, as the factor B of a product that gives `n` columns of the tape. */
static void NAME(pack)(const NAME(Plan) *p, const REAL *M, ptrdiff_t rows,
                       const ptrdiff_t *source, ptrdiff_t n, REAL *packed)
{
    for (ptrdiff_t first = 0; first < n; first += LANES)
        if (NAME(in_a_row)(source, first))
            for (ptrdiff_t k = 0; k < rows; k++, packed += LANES)
                memcpy(packed, M + k * p->gates_H + source[first], LANES * sizeof(REAL));
        else
            for (ptrdiff_t k = 0; k < rows; k++)
                for (ptrdiff_t j = first; j < first + LANES; j++)
                    *packed++ = source[j] < 0 ? 0 : M[k * p->gates_H + source[j]];
}

/* Pack the transpose of M for the product with `n` columns. */
static void NAME(pack_transposed)(const NAME(Plan) *p, const REAL *M, ptrdiff_t rows,
                                  ptrdiff_t padded_rows, const ptrdiff_t *source,
                                  ptrdiff_t n, REAL *packed)
{
    for (ptrdiff_t first = 0; first < padded_rows; first += LANES)
        for (ptrdiff_t k = 0; k < n; k++, packed += LANES) {
            const ptrdiff_t there = source[k] < 0 ? 0 : rows - first;
            const REAL *column = M + first * p->gates_H + source[k];
            if (there >= LANES)
                UNROLL
                for (ptrdiff_t j = 0; j < LANES; j++)
                    packed[j] = column[j * p->gates_H];
            else
                for (ptrdiff_t j = 0; j < LANES; j++)
                    packed[j] = j < there ? column[j * p->gates_H] : 0;
        }
}

/* Copy the gradient of a matrix from n columns of the tape to those of the matrix. */
static void NAME(unpack)(const NAME(Plan) *p, const REAL *from, ptrdiff_t rows,
                         const ptrdiff_t *source, ptrdiff_t n, REAL *dM)
{
    for (ptrdiff_t k = 0; k < rows; k++, dM += p->gates_H, from += n)
        for (ptrdiff_t first = 0; first < n; first += LANES)
            if (NAME(in_a_row)(source, first))
                memcpy(dM + source[first], from + first, LANES * sizeof(REAL));
            else
                for (ptrdiff_t j = first; j < first + LANES; j++)
                    if (source[j] >= 0)
                        dM[source[j]] = from[j];
}

/* Pack weights, or their derivatives, for the way forward. */
static void NAME(pack_forward)(const Scan *s, const NAME(Plan) *p, const Arrays *of)
{
    NAME(pack)(p, of->R, s->H, p->source, p->R_width, p->R);
    NAME(pack)(p, of->W, s->D, p->source + p->of_W, p->width - p->of_W, p->W);
    for (ptrdiff_t j = 0; j < p->width; j++)
        if (p->source[j] < 0)
            p->bias[j] = 0;
        else if (j < p->of_W)
            p->bias[j] = ((const REAL *)of->vectors[j / s->H1])[j % s->H1];
        else
            p->bias[j] = ((const REAL *)of->b)[p->source[j]];
}

/* n rows of the tape: a = start + h R + x W; h or x may be NULL for zero. */
static void NAME(project)(const Scan *s, const NAME(Plan) *p, ptrdiff_t n,
                          const REAL *start, ptrdiff_t start_pitch, const REAL *h,
                          const REAL *x, ptrdiff_t x_pitch, REAL *a)
{
    const NAME(Factors) none = {0};
    const NAME(Factors) hR = {h ? s->H : 0, h, s->H1, 1, p->R, s->H * LANES, LANES};
    const NAME(Factors) xW = {x ? s->D : 0, x, x_pitch, 1, p->W, s->D * LANES, LANES};
    NAME(Factors) hR_both = hR, xW_last = xW;
    hR_both.b += p->of_W / LANES * hR.panel;
    xW_last.b += (p->of_R - p->of_W) / LANES * xW.panel;
    NAME(product)(n, p->of_W, start, start_pitch, &hR, &none, a, p->width);
    NAME(product)(n, p->of_R - p->of_W, start + p->of_W, start_pitch, &hR_both, &xW,
                  a + p->of_W, p->width);
    NAME(product)(n, p->width - p->of_R, start + p->of_R, start_pitch, &xW_last, &none,
                  a + p->of_R, p->width);
}

/* n rows of the tape: a = bias + the rows of W that codes name. */
static void NAME(look_up)(const Scan *s, const NAME(Plan) *p, ptrdiff_t n,
                          const ptrdiff_t *codes, REAL *restrict a)
{
    for (ptrdiff_t i = 0; i < n; i++, a += p->width) {
        const REAL *restrict row = p->W + codes[i] * LANES;
        memcpy(a, p->bias, p->width * sizeof(REAL));
        if (codes[i] >= 0)
            for (ptrdiff_t j = p->of_W; j < p->width; j += LANES, row += s->D * LANES)
                for (ptrdiff_t lane = 0; lane < LANES; lane++)
                    a[j + lane] += row[lane];
    }
}

/* n rows of the late columns of the tape: a = start + v R. */
static void NAME(project_late)(const Scan *s, const NAME(Plan) *p, ptrdiff_t n,
                               const REAL *v, REAL *a)
{
    const NAME(Factors) none = {0};
    const NAME(Factors) vR = {s->H, v, p->h_pitch, 1, p->R + p->of_R * s->H, s->H * LANES,
                              LANES};
    a += p->of_R;
    NAME(product)(n, p->R_width - p->of_R, a, p->width, &vR, &none, a, p->width);
}

static NAME(Step) NAME(step_of)(const Scan *s, const NAME(Plan) *p)
{
    return (NAME(Step)){.H1 = s->H1, .tape_pitch = p->width, .d_pitch = p->d_pitch,
                        .v_pitch = p->h_pitch, .constant = (REAL)s->constant};
}

/* Step t forward. */
static void NAME(advance)(const Scan *s, const NAME(Plan) *p, const NAME(Cell) *cell,
                          ptrdiff_t t, NAME(Step) *step)
{
    const ptrdiff_t start = s->offsets[t], stop = s->offsets[t + 1];
    const NAME(Part) all = NAME(part_of)(s, p, &s->value, t);
    for (ptrdiff_t row = start; row < stop; row += step->n) {
        step->n = stop - row < FEW ? stop - row : FEW;
        step->value = NAME(rows_from)(s, p, all, row - start);
        REAL *a = step->value.tape;
        const REAL *h = NAME(h_before)(&s->value, &step->value, t);
        const REAL *x = (const REAL *)s->value.x + row * s->value.x_pitch;
        if (s->codes) {
            NAME(look_up)(s, p, step->n, s->codes + row, a);
            NAME(project)(s, p, step->n, a, p->width, h, NULL, 0, a);
        } else
            NAME(project)(s, p, step->n, p->bias, 0, h, x, s->value.x_pitch, a);
        cell->step.forward(step);
        if (cell->shape.late) {
            NAME(project_late)(s, p, step->n, step->value.v, a);
            cell->rest.forward(step);
        }
    }
    step->value = all;
}

/* Store the states from which the segment that begins with step t is formed anew. */
static void NAME(store)(const Scan *s, ptrdiff_t t, const NAME(Part) *last)
{
    const ptrdiff_t n = s->offsets[t + 1] - s->offsets[t], columns = s->offsets[1];
    for (int k = 1; k < STATES && s->value.before[k]; k++)
        memcpy((REAL *)s->value.before[k] + (t / s->segment - 1) * columns * s->H1,
               last->after[k], n * s->H1 * sizeof(REAL));
}

/* Form the tape of the steps of a segment anew. */
static void NAME(form_anew)(const Scan *s, const NAME(Plan) *p, ptrdiff_t segment)
{
    NAME(Step) step = NAME(step_of)(s, p);
    for (ptrdiff_t t = segment * s->segment;
         t < s->n_steps && t < (segment + 1) * s->segment; t++)
        NAME(advance)(s, p, NAME(cells)[s->cell], t, &step);
}

static void NAME(forward)(const Scan *s)
{
    const unsigned long mode = flush_to_zero();
    const NAME(Cell) *cell = NAME(cells)[s->cell];
    NAME(Plan) p;
    if (s->packed) {
        NAME(plan)(s, 0, s->scratch, &p);
    } else {
        NAME(begin)(s, 0, s->scratch, &p);
        NAME(pack_forward)(s, &p, &s->value);
    }
    NAME(Step) step = NAME(step_of)(s, &p);
    for (ptrdiff_t t = 0; t < s->n_steps; t++) {
        if (t && t % s->segment == 0)
            NAME(store)(s, t, &step.value);
        NAME(advance)(s, &p, cell, t, &step);
        if (s->reading)
            NAME(read_on)(s, s->offsets[t + 1] - s->offsets[t], step.value.after[0]);
        else
            NAME(read)(s, t, step.value.after[0]);
    }
    restore(mode);
}

/* Sum the gradients of the weights over the rows of a block. */
static void NAME(sum_block)(const Scan *s, const NAME(Plan) *p, ptrdiff_t rows)
{
    const NAME(Factors) none = {0};
    const ptrdiff_t of_x = p->width - p->of_W;
    const NAME(Factors) h_d = {rows, p->h_prev, 1, p->h_pitch, p->d, LANES, p->d_pitch};
    const NAME(Factors) x_d = {rows,  p->x,      1, p->x_pitch, p->d + p->of_W,
                               LANES, p->d_pitch};
    const NAME(Factors) v_d = {rows,  p->v,      1, p->h_pitch, p->d + p->of_R,
                               LANES, p->d_pitch};
    NAME(product)(s->H, p->of_R, p->dR, p->R_width, &h_d, &none, p->dR, p->R_width);
    NAME(product)(s->H, p->R_width - p->of_R, p->dR + p->of_R, p->R_width, &v_d, &none,
                  p->dR + p->of_R, p->R_width);
    NAME(product)(s->D, of_x, p->dW, of_x, &x_d, &none, p->dW, of_x);
    for (ptrdiff_t i = 0; i < rows; i++)
        for (ptrdiff_t j = 0; j < p->width; j++)
            p->db[j] += p->d[i * p->d_pitch + j];
}

/* Let the gradient carried be zero, as after the last step. */
static void NAME(clear_carried)(const Scan *s, const NAME(Plan) *p)
{
    for (int k = 0; k < NAME(shape)(s->cell)->n_states; k++)
        memset(p->d_states[k], 0, s->offsets[1] * s->H1 * sizeof(REAL));
}

/* Add what is carried back to before the first step. */
static void NAME(add_initial)(const Scan *s, const NAME(Plan) *p, const Arrays *of)
{
    for (int k = 0; k < STATES && of->d_initial[k]; k++) {
        REAL *d_initial = of->d_initial[k];
        for (ptrdiff_t i = 0; i < s->offsets[1] * s->H1; i++)
            d_initial[i] += p->d_states[k][i];
    }
}

/* Copy h_prev and x of a step, or their derivatives, to the block from row `filled` on. */
static void NAME(copy_step)(const Scan *s, const NAME(Plan) *p, const Arrays *of,
                            ptrdiff_t t, const REAL *h_prev, ptrdiff_t filled)
{
    const ptrdiff_t row = s->offsets[t], n = s->offsets[t + 1] - row;
    const REAL *x = of->x;
    NAME(copy_rows)(n, s->H, h_prev, s->H1, p->h_prev + filled * p->h_pitch, p->h_pitch);
    if (x)
        NAME(copy_rows)(n, s->D, x + row * of->x_pitch, of->x_pitch,
                        p->x + filled * p->x_pitch, p->x_pitch);
}

/* The product of the gradients of the late columns with the transpose of R. */
static NAME(Factors) NAME(late_back)(const NAME(Plan) *p, ptrdiff_t H1, const REAL *d,
                                     const REAL *R)
{
    const ptrdiff_t late = p->R_width - p->of_R;
    return (NAME(Factors)){late,         d + p->of_R, p->d_pitch, 1, R + p->of_R * H1,
                           late * LANES, LANES};
}

/* Back through the steps start <= t < stop; those from `first` on receive dL/dh. The tape
   holds the segment `held`, and `anew` serves to form another. */
static void NAME(window)(const Scan *s, const NAME(Plan) *p, ptrdiff_t first,
                         ptrdiff_t start, ptrdiff_t stop, const NAME(Plan) *anew,
                         ptrdiff_t *held)
{
    const NAME(Factors) none = {0};
    const NAME(Cell) *cell = NAME(cells)[s->cell];
    const ptrdiff_t H1 = s->H1, of_x = p->width - p->of_W;
    REAL *dh = p->d_states[0];
    NAME(Step) step = NAME(step_of)(s, p);
    NAME(clear_carried)(s, p);
    ptrdiff_t filled = 0;
    for (ptrdiff_t t = stop - 1; t >= start; t--) {
        const ptrdiff_t row = s->offsets[t], n = s->offsets[t + 1] - row;
        REAL *d = p->d + filled * p->d_pitch;
        if (t / s->segment != *held) {
            *held = t / s->segment;
            NAME(form_anew)(s, anew, *held);
        }
        step.n = n;
        step.value = NAME(part_of)(s, p, &s->value, t);
        step.value.d = d;
        step.value.v += filled * p->h_pitch;
        NAME(copy_step)(s, p, &s->value, t, step.value.before[0], filled);
        if (t >= first)
            NAME(read_back)(s, t, dh);
        if (s->d_h)
            NAME(copy_rows)(n, s->H, dh, H1, (REAL *)s->d_h + row * s->H, s->H);
        cell->step.backward(&step);
        if (cell->shape.late) {
            const NAME(Factors) d_R = NAME(late_back)(p, H1, d, p->R);
            NAME(product)(n, H1, p->zeros, 0, &d_R, &none, p->d_v, H1);
            cell->rest.backward(&step);
        }
        if (t > start || (t == 0 && s->value.d_initial[0])) {
            const NAME(Factors) d_R = {p->of_R, d, p->d_pitch, 1, p->R, p->of_R * LANES,
                                       LANES};
            const int passes_h = cell->shape.passes_h;
            NAME(product)(n, H1, passes_h ? dh : p->zeros, passes_h ? H1 : 0, &d_R, &none,
                          dh, H1);
        }
        if (s->value.dx) {
            const NAME(Factors) d_W = {of_x, d + p->of_W, p->d_pitch, 1, p->W, of_x * LANES,
                                       LANES};
            REAL *dx = (REAL *)s->value.dx + row * s->D1;
            NAME(product)(n, s->D1, dx, s->D1, &d_W, &none, dx, s->D1);
        }
        filled += n;
        if (filled >= BLOCK || t == start) {
            NAME(sum_block)(s, p, filled);
            filled = 0;
        }
    }
    if (start == 0)
        NAME(add_initial)(s, p, &s->value);
}

/* Pack weights, or their derivatives, for the way back, and clear the sums. */
static void NAME(pack_backward)(const Scan *s, const NAME(Plan) *p, const Arrays *of)
{
    const ptrdiff_t of_x = p->width - p->of_W;
    NAME(pack_transposed)(p, of->R, s->H, s->H1, p->source, p->of_R, p->R);
    NAME(pack_transposed)(p, of->R, s->H, s->H1, p->source + p->of_R, p->R_width - p->of_R,
                          p->R + p->of_R * s->H1);
    if (of->dx)
        NAME(pack_transposed)(p, of->W, s->D, s->D1, p->source + p->of_W, of_x, p->W);
    for (int k = 0; k < STATES && of->d_initial[k]; k++)
        memset(of->d_initial[k], 0, s->offsets[1] * s->H1 * sizeof(REAL));
    memset(p->dR, 0, s->H * p->R_width * sizeof(REAL));
    memset(p->dW, 0, s->D * of_x * sizeof(REAL));
    memset(p->db, 0, p->width * sizeof(REAL));
}

/* Hand the sums over. */
static void NAME(unpack_sums)(const Scan *s, const NAME(Plan) *p)
{
    const ptrdiff_t of_x = p->width - p->of_W;
    NAME(unpack)(p, p->dR, s->H, p->source, p->R_width, s->dR);
    NAME(unpack)(p, p->dW, s->D, p->source + p->of_W, of_x, s->dW);
    NAME(unpack)(p, p->db + p->of_W, 1, p->source + p->of_W, of_x, s->db);
    for (int k = 0; k < VECTORS && s->d_vectors[k]; k++)
        memcpy(s->d_vectors[k], p->db + k * s->H1, s->H * sizeof(REAL));
}

static void NAME(backward)(const Scan *s)
{
    const unsigned long mode = flush_to_zero();
    NAME(Plan) p, anew = {0};
    char *end = NAME(begin)(s, 1, s->scratch, &p);
    ptrdiff_t held = 0;
    if (s->segment < s->n_steps) {
        NAME(begin)(s, 0, end, &anew);
        NAME(pack_forward)(s, &anew, &s->value);
        held = -1;
    }
    NAME(pack_backward)(s, &p, &s->value);
    if (s->value.dx)
        memset(s->value.dx, 0, s->offsets[s->n_steps] * s->D1 * sizeof(REAL));
    for (ptrdiff_t first = 0; first < s->n_steps; first += s->k1) {
        ptrdiff_t stop = first + s->k1;
        ptrdiff_t start = stop - s->k2 < 0 ? 0 : stop - s->k2;
        NAME(window)(s, &p, first, start, stop < s->n_steps ? stop : s->n_steps, &anew,
                     &held);
    }
    NAME(unpack_sums)(s, &p);
    restore(mode);
}
