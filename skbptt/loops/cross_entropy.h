/* Cross-entropies of rows, and their gradients by the raw outputs, for one type of real
   number and one instruction set. One exponential serves both. */

static ptrdiff_t NAME(cross_entropy_scratch)(const CrossEntropy *c)
{
    return NAME(lines)(c->n_columns) * sizeof(REAL);
}

/* exp(row - top) of n numbers, whole lines, in place; top is the largest. Returns the sum
   without one of those that are 1, which are the largest. */
static REAL NAME(exponentials)(REAL *restrict row, ptrdiff_t n, REAL top)
{
    REAL sum[LINE], ones[LINE];
    UNITS sum[j] = 0;
    UNITS ones[j] = 0;
    for (ptrdiff_t i = 0; i < n; i += LINE)
        UNITS {
            const REAL z = row[i + j] - top, e = NAME(exp)(z);
            const REAL exact = z < LEAST_EXPONENT ? 0 : e;
            row[i + j] = exact;
            sum[j] += z == 0 ? 0 : exact;
            ones[j] += z == 0 ? 1 : 0;
        }
    return NAME(sum_of_line)(sum) + (NAME(sum_of_line)(ones) - 1);
}

static void NAME(cross_entropy)(const CrossEntropy *c)
{
    const unsigned long mode = flush_to_zero();
    const ptrdiff_t K = c->n_columns, K1 = NAME(lines)(K);
    REAL *restrict row = c->scratch;
    REAL *restrict raw = c->raw;
    for (ptrdiff_t i = 0; i < c->n_rows; i++, raw += K) {
        const ptrdiff_t label = c->labels[i];
        REAL lane[LINE];
        memcpy(row, raw, K * sizeof(REAL));
        for (ptrdiff_t k = K; k < K1; k++)
            row[k] = -INFINITY;
        UNITS lane[j] = row[j];
        for (ptrdiff_t k = LINE; k < K1; k += LINE)
            UNITS lane[j] = NAME(larger)(row[k + j], lane[j]);
        const REAL top = NAME(largest_of_line)(lane), behind = top - raw[label];
        const REAL others = NAME(exponentials)(row, K1, top);
        ((REAL *)c->behind)[i] = behind;
        ((REAL *)c->others)[i] = others;
        if (!c->weights)
            continue;
        const REAL share = ((const REAL *)c->weights)[i] / (1 + others);
        /* p - 1, but right to rounding where p is near 1. */
        const REAL wrong = behind == 0 ? others : 1 + others - row[label];
        for (ptrdiff_t k = 0; k < K; k++)
            raw[k] = row[k] * share;
        raw[label] = -wrong * share;
    }
    restore(mode);
}
