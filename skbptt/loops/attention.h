/* Attention (Luong et al., 2015) of queries to the keys of their sequences, and its way
   back, for one type of real number and one instruction set.

   Most sequences are so short that to pad them, and a product for each, cost more than the
   sums. These run over rows where they lie: over ROWS keys at a time, which stay in the
   cache, and over all queries, two of which share what is loaded. */

static ptrdiff_t NAME(attention_scratch)(const Attention *a)
{
    return (a->n_queries * a->n_keys + NAME(lines)(a->n_keys)) * sizeof(REAL);
}

/* Rows of numbers: the k-th of n is number at[k] of those that lie `pitch` apart. */
typedef struct {
    ptrdiff_t n;
    const ptrdiff_t *at;
    const REAL *all;
    ptrdiff_t width, pitch;
} NAME(Rows);

/* The rows of a table from `at` on, which ends with -1 or after `most`. */
static NAME(Rows) NAME(rows)(const ptrdiff_t *at, ptrdiff_t most, const void *all,
                             ptrdiff_t width, ptrdiff_t pitch)
{
    NAME(Rows) rows = {0, at, all, width, pitch};
    while (rows.n < most && at[rows.n] >= 0)
        rows.n++;
    return rows;
}

/* Row k, or the last one beyond. */
INLINE const REAL *NAME(row)(const NAME(Rows) *rows, ptrdiff_t k)
{
    return rows->all + rows->at[k < rows->n ? k : rows->n - 1] * rows->pitch;
}

/* Point to ROWS rows from the k-th on. */
INLINE void NAME(point)(const NAME(Rows) *rows, ptrdiff_t k, const REAL *of[ROWS])
{
    for (int r = 0; r < ROWS; r++)
        of[r] = NAME(row)(rows, k + r);
}

/* The sum of a vector, by halves. */
INLINE REAL NAME(sum_of_vector)(NAME(vector) vector)
{
    REAL lane[LANES];
    *(NAME(loose) *)lane = vector;
    UNROLL
    for (ptrdiff_t n = LANES / 2; n > 0; n /= 2)
        for (ptrdiff_t j = 0; j < n; j++)
            lane[j] += lane[j + n];
    return lane[0];
}

/* Inner products of all x with all y; those of one x are `pitch` after those before. */
static void NAME(inner_products)(const NAME(Rows) *x, const NAME(Rows) *y, REAL *products,
                                 ptrdiff_t pitch)
{
    for (ptrdiff_t k = 0; k < y->n; k += ROWS) {
        const REAL *of[ROWS];
        NAME(point)(y, k, of);
        for (ptrdiff_t t = 0; t < x->n; t += 2) {
            const REAL *const pair[2] = {NAME(row)(x, t), NAME(row)(x, t + 1)};
            NAME(vector) sums[2][ROWS];
            ptrdiff_t i = 0;
            memset(sums, 0, sizeof(sums));
            for (; i + LANES <= x->width; i += LANES)
                UNROLL
                for (int r = 0; r < ROWS; r++) {
                    const NAME(vector) part = *(const NAME(loose) *)(of[r] + i);
                    sums[0][r] += part * *(const NAME(loose) *)(pair[0] + i);
                    sums[1][r] += part * *(const NAME(loose) *)(pair[1] + i);
                }
            for (int s = 0; s < 2 && t + s < x->n; s++)
                for (int r = 0; r < ROWS && k + r < y->n; r++) {
                    REAL total = NAME(sum_of_vector)(sums[s][r]);
                    for (ptrdiff_t j = i; j < x->width; j++)
                        total += pair[s][j] * of[r][j];
                    products[(t + s) * pitch + k + r] = total;
                }
        }
    }
}

/* To one sum, or two, add ROWS rows times the weights of that sum. */
INLINE void NAME(add_weighted)(const int two, ptrdiff_t width, const REAL *of[ROWS],
                               REAL w[2][ROWS], REAL *restrict sum, REAL *restrict other)
{
    const REAL *const a = of[0], *const b = of[1], *const c = of[2], *const d = of[3];
    VECTORISE for (ptrdiff_t i = 0; i < width; i++) {
        sum[i] += w[0][0] * a[i] + w[0][1] * b[i] + w[0][2] * c[i] + w[0][3] * d[i];
        if (two)
            other[i] += w[1][0] * a[i] + w[1][1] * b[i] + w[1][2] * c[i] + w[1][3] * d[i];
    }
}

/* The sum of all y for each x, in row x of `sums`, by the weights of x. */
static void NAME(weighted_sums)(const NAME(Rows) *x, const NAME(Rows) *y,
                                const REAL *weights, ptrdiff_t pitch, REAL *sums)
{
    const ptrdiff_t width = y->width;
    for (ptrdiff_t t = 0; t < x->n; t++)
        memset(sums + x->at[t] * width, 0, width * sizeof(REAL));
    for (ptrdiff_t k = 0; k < y->n; k += ROWS) {
        const REAL *of[ROWS];
        NAME(point)(y, k, of);
        for (ptrdiff_t t = 0; t < x->n; t += 2) {
            const int two = t + 1 < x->n;
            REAL w[2][ROWS], *sum = sums + x->at[t] * width;
            for (int s = 0; s < 1 + two; s++)
                for (int r = 0; r < ROWS; r++)
                    w[s][r] = k + r < y->n ? weights[(t + s) * pitch + k + r] : 0;
            if (two)
                NAME(add_weighted)(1, width, of, w, sum, sums + x->at[t + 1] * width);
            else
                NAME(add_weighted)(0, width, of, w, sum, NULL);
        }
    }
}

/* The softmax of n numbers in place; `row` has room for whole lines. */
static void NAME(soften)(REAL *e, ptrdiff_t n, REAL *restrict row)
{
    const ptrdiff_t n_lines = NAME(lines)(n);
    memcpy(row, e, n * sizeof(REAL));
    for (ptrdiff_t j = n; j < n_lines; j++)
        row[j] = -INFINITY;
    const REAL sum = 1 + NAME(exponentials)(row, n_lines, NAME(largest)(row, n_lines));
    for (ptrdiff_t j = 0; j < n; j++)
        e[j] = row[j] / sum;
}

static void NAME(attention)(const Attention *a)
{
    const unsigned long mode = flush_to_zero();
    const ptrdiff_t M = a->n_queries, K = a->n_keys;
    for (ptrdiff_t i = 0; i < a->n_sequences; i++) {
        const ptrdiff_t *queries = a->queries + i * M, *of_keys = a->of_keys + i * K;
        const NAME(Rows) q = NAME(rows)(queries, M, a->q, a->width, a->q_pitch);
        const NAME(Rows) keys = NAME(rows)(of_keys, K, a->keys, a->width, a->key_pitch);
        const NAME(Rows) values =
            NAME(rows)(of_keys, K, a->values, a->value_width, a->value_pitch);
        REAL *alpha = (REAL *)a->alpha + i * M * K;
        NAME(inner_products)(&q, &keys, alpha, K);
        for (ptrdiff_t t = 0; t < q.n; t++)
            NAME(soften)(alpha + t * K, keys.n, a->scratch);
        NAME(weighted_sums)(&q, &values, alpha, K, a->c);
    }
    restore(mode);
}

/* Add to the gradient of each key what its contexts and queries give. */
static void NAME(add_to_keys)(const NAME(Rows) *keys, const NAME(Rows) *q,
                              const NAME(Rows) *dc, const REAL *alpha, const REAL *de,
                              ptrdiff_t pitch, REAL *d_keys)
{
    for (ptrdiff_t first = 0; first < keys->n; first += ROWS)
        for (ptrdiff_t t = 0; t < q->n; t++)
            for (ptrdiff_t k = first; k < keys->n && k < first + ROWS; k++) {
                const REAL of_c = alpha[t * pitch + k], of_q = de[t * pitch + k];
                const REAL *const q_t = NAME(row)(q, t), *const dc_t = NAME(row)(dc, t);
                REAL *restrict d = d_keys + keys->at[k] * keys->width;
                VECTORISE for (ptrdiff_t i = 0; i < keys->width; i++)
                    d[i] += of_c * dc_t[i] + of_q * q_t[i];
            }
}

static void NAME(attention_back)(const Attention *a)
{
    const unsigned long mode = flush_to_zero();
    const ptrdiff_t M = a->n_queries, K = a->n_keys;
    REAL *de = a->scratch;
    for (ptrdiff_t i = 0; i < a->n_sequences; i++) {
        const ptrdiff_t *queries = a->queries + i * M, *of_keys = a->of_keys + i * K;
        const NAME(Rows) q = NAME(rows)(queries, M, a->q, a->width, a->q_pitch);
        const NAME(Rows) dc = NAME(rows)(queries, M, a->dc, a->width, a->dc_pitch);
        const NAME(Rows) keys = NAME(rows)(of_keys, K, a->keys, a->width, a->key_pitch);
        const REAL *alpha = (const REAL *)a->alpha + i * M * K;
        NAME(inner_products)(&dc, &keys, de, K);
        for (ptrdiff_t t = 0; t < q.n; t++) {
            /* With this sum, the gradient of a weight of 1 is exactly zero. */
            REAL mean = 0;
            for (ptrdiff_t k = t * K; k < t * K + keys.n; k++)
                mean += alpha[k] * de[k];
            for (ptrdiff_t k = t * K; k < t * K + keys.n; k++)
                de[k] = alpha[k] * (de[k] - mean);
        }
        NAME(weighted_sums)(&q, &keys, de, K, a->dq);
        NAME(add_to_keys)(&keys, &q, &dc, alpha, de, K, a->d_keys);
    }
    restore(mode);
}
