/* The loops over time, for one type of real number and one instruction set. */

/* A row of the tape has `width` columns, blocks of H1 units: one for an Elman cell, whose
   tape is h itself; i, f, g, o for the LSTM; m, r, z, n for the GRU. Of these the first
   `of_R` receive h_prev R, and all from `of_W` on receive x W. */
typedef struct {
    ptrdiff_t of_R, of_W, gates_H;
    ptrdiff_t *source;     /* column of W, R and b that each column of the tape has, or -1 */
    REAL *zeros;           /* the state before the first step */
    REAL *bias, *R, *W;    /* packed; on the way back R and W are transposed */
    REAL *d, *h_prev, *x;  /* a block of rows: dL/d(columns of the tape), h_prev and x */
    ptrdiff_t d_pitch, h_pitch, x_pitch;
    REAL *dR, *dW, *db;    /* padded */
    REAL *dh, *dc;         /* dL/d(state), carried from step to step */
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

/* A row of an array that this cell may not have. */
static REAL *NAME(row_of)(void *array, ptrdiff_t row, ptrdiff_t pitch)
{
    return array ? (REAL *)array + row * pitch : NULL;
}

/* Lay out the memory from `start` on, and tell where it ends. */
static char *NAME(plan)(const Scan *s, int backward, char *start, NAME(Plan) *p)
{
    const ptrdiff_t columns = s->offsets[1], rows = BLOCK + columns;
    char *end = start;
    p->of_R = s->cell == GRU ? 3 * s->H1 : s->width;
    p->of_W = s->cell == GRU ? s->H1 : 0;
    p->gates_H = s->H * (s->cell < GRU ? 1 : s->cell == GRU ? 3 : 4);
    p->d_pitch = NAME(good_pitch)(s->width);
    p->h_pitch = NAME(good_pitch)(s->H1);
    p->x_pitch = NAME(good_pitch)(s->D);

#define TAKE(member, count)                                                                \
    p->member = (void *)end;                                                               \
    end += ((count) * (ptrdiff_t)sizeof(*p->member) + 63) / 64 * 64
    TAKE(source, s->width);
    TAKE(zeros, columns * s->H1);
    if (backward) {
        TAKE(R, p->of_R * s->H1);
        TAKE(W, s->dx ? (s->width - p->of_W) * s->D1 : 0);
        TAKE(d, rows * p->d_pitch);
        TAKE(h_prev, rows * p->h_pitch);
        TAKE(x, rows * p->x_pitch);
        TAKE(dR, s->H * p->of_R);
        TAKE(dW, s->D * (s->width - p->of_W));
        TAKE(db, s->width);
        TAKE(dh, columns * s->H1);
        TAKE(dc, columns * s->H1);
    } else {
        TAKE(bias, s->width);
        TAKE(R, s->H * p->of_R);
        TAKE(W, s->D * (s->width - p->of_W));
    }
#undef TAKE
    return end;
}

static ptrdiff_t NAME(scratch)(const Scan *s, int backward)
{
    NAME(Plan) plan;
    char *start = s->scratch;
    return NAME(plan)(s, backward, start, &plan) - start;
}

static char *NAME(begin)(const Scan *s, int backward, char *start, NAME(Plan) *p)
{
    char *end = NAME(plan)(s, backward, start, p);
    for (ptrdiff_t column = 0; column < s->width; column++) {
        ptrdiff_t block = column / s->H1, unit = column % s->H1;
        if (s->cell == GRU)
            block = block ? block - 1 : 2;
        p->source[column] = unit < s->H ? block * s->H + unit : -1;
    }
    memset(p->zeros, 0, s->offsets[1] * s->H1 * sizeof(REAL));
    return end;
}

/* Pack M, of `rows` rows, as the factor B of a product that gives `n` columns of the tape. */
static void NAME(pack)(const NAME(Plan) *p, const REAL *M, ptrdiff_t rows,
                       const ptrdiff_t *source, ptrdiff_t n, REAL *packed)
{
    for (ptrdiff_t first = 0; first < n; first += LANES)
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
        for (ptrdiff_t k = 0; k < n; k++)
            for (ptrdiff_t j = first; j < first + LANES; j++)
                *packed++ = j < rows && source[k] >= 0 ? M[j * p->gates_H + source[k]] : 0;
}

/* Copy the gradient of a matrix from n columns of the tape to those of the matrix. */
static void NAME(unpack)(const NAME(Plan) *p, const REAL *from, ptrdiff_t rows,
                         const ptrdiff_t *source, ptrdiff_t n, REAL *dM)
{
    for (ptrdiff_t k = 0; k < rows; k++, dM += p->gates_H, from += n)
        for (ptrdiff_t j = 0; j < n; j++)
            if (source[j] >= 0)
                dM[source[j]] = from[j];
}

/* Pack weights, of the shapes of R, W, b and b_n, for the way forward. */
static void NAME(pack_forward)(const Scan *s, const NAME(Plan) *p, const REAL *R,
                               const REAL *W, const REAL *b, const REAL *b_n)
{
    NAME(pack)(p, R, s->H, p->source, p->of_R, p->R);
    NAME(pack)(p, W, s->D, p->source + p->of_W, s->width - p->of_W, p->W);
    for (ptrdiff_t j = 0; j < s->width; j++)
        if (p->source[j] < 0)
            p->bias[j] = 0;
        else
            p->bias[j] = j < p->of_W ? b_n[p->source[j] - 2 * s->H] : b[p->source[j]];
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
    NAME(product)(n, p->of_W, start, start_pitch, &hR, &none, a, s->width);
    NAME(product)(n, p->of_R - p->of_W, start + p->of_W, start_pitch, &hR_both, &xW,
                  a + p->of_W, s->width);
    NAME(product)(n, s->width - p->of_R, start + p->of_R, start_pitch, &xW_last, &none,
                  a + p->of_R, s->width);
}

static void NAME(forward)(const Scan *s)
{
    const unsigned long mode = flush_to_zero();
    NAME(Plan) p;
    NAME(begin)(s, 0, s->scratch, &p);
    NAME(pack_forward)(s, &p, s->R, s->W, s->b, s->b_n);
    const ptrdiff_t H1 = s->H1, *offsets = s->offsets;
    const REAL *h_prev = p.zeros, *c_prev = p.zeros;
    for (ptrdiff_t t = 0; t < s->n_steps; t++) {
        const ptrdiff_t row = offsets[t], n = offsets[t + 1] - row;
        const ptrdiff_t kept = s->keep ? row : t % 2 * offsets[1];
        const REAL *x = (const REAL *)s->x + row * s->x_pitch;
        REAL *h = (REAL *)s->h + row * H1, *c = NAME(row_of)(s->c, kept, H1);
        REAL *a = s->cell < GRU ? h : (REAL *)s->gates + kept * s->width;
        NAME(project)(s, &p, n, p.bias, 0, t ? h_prev : NULL, x, s->x_pitch, a);
        switch (s->cell) {
        case IDENTITY: NAME(identity_forward)(n, H1, h); break;
        case LOGISTIC: NAME(logistic_forward)(n, H1, h); break;
        case RELU: NAME(relu_forward)(n, H1, h); break;
        case TANH: NAME(tanh_forward)(n, H1, h); break;
        case GRU: NAME(gru_forward)(n, H1, a, h_prev, h); break;
        case LSTM: NAME(lstm_forward)(n, H1, a, c_prev, c, h); break;
        }
        NAME(read)(s, t, h);
        h_prev = h;
        c_prev = c;
    }
    restore(mode);
}

/* Sum the gradients of the weights over the rows of a block. */
static void NAME(sum_block)(const Scan *s, const NAME(Plan) *p, ptrdiff_t rows)
{
    const NAME(Factors) none = {0};
    const ptrdiff_t of_x = s->width - p->of_W;
    const NAME(Factors) h_d = {rows, p->h_prev, 1, p->h_pitch, p->d, LANES, p->d_pitch};
    const NAME(Factors) x_d = {rows,  p->x,      1, p->x_pitch, p->d + p->of_W,
                               LANES, p->d_pitch};
    NAME(product)(s->H, p->of_R, p->dR, p->of_R, &h_d, &none, p->dR, p->of_R);
    NAME(product)(s->D, of_x, p->dW, of_x, &x_d, &none, p->dW, of_x);
    for (ptrdiff_t i = 0; i < rows; i++)
        for (ptrdiff_t j = 0; j < s->width; j++)
            p->db[j] += p->d[i * p->d_pitch + j];
}

/* Back through the steps start <= t < stop; those from `first` on receive dL/dh. */
static void NAME(window)(const Scan *s, const NAME(Plan) *p, ptrdiff_t first,
                         ptrdiff_t start, ptrdiff_t stop)
{
    const NAME(Factors) none = {0};
    const ptrdiff_t H1 = s->H1, *offsets = s->offsets;
    const size_t columns = offsets[1];
    memset(p->dh, 0, columns * H1 * sizeof(REAL));
    memset(p->dc, 0, columns * H1 * sizeof(REAL));
    ptrdiff_t filled = 0;
    for (ptrdiff_t t = stop - 1; t >= start; t--) {
        const ptrdiff_t row = offsets[t], n = offsets[t + 1] - row;
        const REAL *h = (const REAL *)s->h + row * H1, *c = NAME(row_of)(s->c, row, H1);
        const REAL *h_prev = p->zeros, *c_prev = p->zeros;
        const REAL *gates = NAME(row_of)(s->gates, row, s->width);
        const REAL *x = (const REAL *)s->x + row * s->x_pitch;
        REAL *d = p->d + filled * p->d_pitch;
        if (t > 0) {
            h_prev = (const REAL *)s->h + offsets[t - 1] * H1;
            c_prev = NAME(row_of)(s->c, offsets[t - 1], H1);
        }
        NAME(copy_rows)(n, s->H, h_prev, H1, p->h_prev + filled * p->h_pitch, p->h_pitch);
        NAME(copy_rows)(n, s->D, x, s->x_pitch, p->x + filled * p->x_pitch, p->x_pitch);
        if (t >= first)
            NAME(read_back)(s, t, p->dh);
        switch (s->cell) {
        case IDENTITY: NAME(identity_backward)(n, H1, h, p->dh, d, p->d_pitch); break;
        case LOGISTIC: NAME(logistic_backward)(n, H1, h, p->dh, d, p->d_pitch); break;
        case RELU: NAME(relu_backward)(n, H1, h, p->dh, d, p->d_pitch); break;
        case TANH: NAME(tanh_backward)(n, H1, h, p->dh, d, p->d_pitch); break;
        case GRU: NAME(gru_backward)(n, H1, gates, h_prev, p->dh, d, p->d_pitch); break;
        case LSTM:
            NAME(lstm_backward)(n, H1, gates, c_prev, c, p->dh, p->dc, d, p->d_pitch);
            break;
        }
        if (t > start) {
            const NAME(Factors) d_R = {p->of_R, d, p->d_pitch, 1, p->R, p->of_R * LANES,
                                       LANES};
            if (s->cell == GRU)
                NAME(product)(n, H1, p->dh, H1, &d_R, &none, p->dh, H1);
            else
                NAME(product)(n, H1, p->zeros, 0, &d_R, &none, p->dh, H1);
        }
        if (s->dx) {
            const ptrdiff_t of_x = s->width - p->of_W;
            const NAME(Factors) d_W = {of_x, d + p->of_W, p->d_pitch, 1, p->W, of_x * LANES,
                                       LANES};
            REAL *dx = (REAL *)s->dx + row * s->D1;
            NAME(product)(n, s->D1, dx, s->D1, &d_W, &none, dx, s->D1);
        }
        filled += n;
        if (filled >= BLOCK || t == start) {
            NAME(sum_block)(s, p, filled);
            filled = 0;
        }
    }
}

/* Pack weights, of the shapes of R and W, for the way back, and clear the sums. */
static void NAME(pack_backward)(const Scan *s, const NAME(Plan) *p, const REAL *R,
                                const REAL *W)
{
    const ptrdiff_t of_x = s->width - p->of_W;
    NAME(pack_transposed)(p, R, s->H, s->H1, p->source, p->of_R, p->R);
    if (s->dx)
        NAME(pack_transposed)(p, W, s->D, s->D1, p->source + p->of_W, of_x, p->W);
    memset(p->dR, 0, s->H * p->of_R * sizeof(REAL));
    memset(p->dW, 0, s->D * of_x * sizeof(REAL));
    memset(p->db, 0, s->width * sizeof(REAL));
}

/* Hand the sums over. */
static void NAME(unpack_sums)(const Scan *s, const NAME(Plan) *p)
{
    const ptrdiff_t of_x = s->width - p->of_W;
    NAME(unpack)(p, p->dR, s->H, p->source, p->of_R, s->dR);
    NAME(unpack)(p, p->dW, s->D, p->source + p->of_W, of_x, s->dW);
    NAME(unpack)(p, p->db + p->of_W, 1, p->source + p->of_W, of_x, s->db);
    if (s->cell == GRU)
        memcpy(s->db_n, p->db, s->H * sizeof(REAL));
}

static void NAME(backward)(const Scan *s)
{
    const unsigned long mode = flush_to_zero();
    NAME(Plan) p;
    NAME(begin)(s, 1, s->scratch, &p);
    NAME(pack_backward)(s, &p, s->R, s->W);
    if (s->dx)
        memset(s->dx, 0, s->offsets[s->n_steps] * s->D1 * sizeof(REAL));
    for (ptrdiff_t first = 0; first < s->n_steps; first += s->k1) {
        ptrdiff_t stop = first + s->k1;
        ptrdiff_t start = stop - s->k2 < 0 ? 0 : stop - s->k2;
        NAME(window)(s, &p, first, start, stop < s->n_steps ? stop : s->n_steps);
    }
    NAME(unpack_sums)(s, &p);
    restore(mode);
}
