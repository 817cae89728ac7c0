/* Cross-entropies of rows, and their gradients by the raw outputs, for one type of real
   number and one instruction set. One exponential serves both. */

static ptrdiff_t NAME(cross_entropy_scratch)(const CrossEntropy *c)
{
    return NAME(lines)(c->n_columns) * sizeof(REAL);
}

static void NAME(cross_entropy)(const CrossEntropy *c)
{
    const unsigned long mode = flush_to_zero();
    const ptrdiff_t K = c->n_columns, K1 = NAME(lines)(K);
    REAL *restrict row = c->scratch;
    REAL *restrict raw = c->raw;
    for (ptrdiff_t i = 0; i < c->n_rows; i++, raw += K) {
        const ptrdiff_t label = c->labels[i];
        memcpy(row, raw, K * sizeof(REAL));
        for (ptrdiff_t k = K; k < K1; k++)
            row[k] = -INFINITY;
        const REAL top = NAME(largest)(row, K1), behind = top - raw[label];
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
