/* Connectionist temporal classification (Graves et al., 2006): losses of sequences, and
   their gradients by the raw outputs, for one type of real number and one instruction set.

   A path passes through blank 0, label 0, blank 1, label 1, ..., blank L. It may leave out
   the blank between two labels that differ. alpha[t] is the log-probability of all ways to a
   place, with the output of step t; beta[t] that of all ways from there to the end, without
   it. Both are relative to a number that keeps them near zero, so that they do not lose
   precision over many steps. Arrays over places have W numbers for the labels and W for the
   blanks, whole lines; a line of its own is beyond either end. */

/* The logarithm of zero. No difference of two of them is NaN. */
#define NEVER ((REAL)-1e30)

/* Memory for one sequence. */
typedef struct {
    ptrdiff_t L, W, K, K1; /* labels, padded with the blank; columns, the same padded */
    const ptrdiff_t *labels;
    REAL *row;             /* (K1,): one row of raw outputs */
    REAL *log_sum;         /* (n_steps,): of exp(raw) */
    REAL *skip;            /* (W + LINE,): 0 where a path may come from the label before
                              without a blank; else NEVER */
    REAL *y;               /* (W,): log-probability of each label, and NEVER */
    REAL *beta;            /* labels, line, blanks, line */
    REAL *alpha;           /* (n_steps + 1, pitch): line, labels, blanks; the first row is
                              before the first step */
    ptrdiff_t pitch;
} NAME(Lattice);

/* Sizes for L labels and n_steps steps; the numbers of memory they take. */
static ptrdiff_t NAME(lay_out)(NAME(Lattice) *l, const Ctc *c, ptrdiff_t L,
                               ptrdiff_t n_steps)
{
    REAL *at = c->scratch;
    const ptrdiff_t W = NAME(lines)(L + 1);
    l->L = L;
    l->W = W;
    l->K = c->n_columns;
    l->K1 = NAME(lines)(l->K);
    l->pitch = LINE + 2 * W;
    const ptrdiff_t sizes[] = {l->K1,          n_steps, W + LINE, W, 2 * (W + LINE),
                               (n_steps + 1) * l->pitch};
    REAL **const arrays[] = {&l->row, &l->log_sum, &l->skip, &l->y, &l->beta, &l->alpha};
    ptrdiff_t total = 0;
    for (int k = 0; k < 6; k++) {
        *arrays[k] = at ? at + total : NULL;
        total += sizes[k];
    }
    return total;
}

static ptrdiff_t NAME(ctc_scratch)(const Ctc *c)
{
    NAME(Lattice) l;
    Ctc without = *c;
    ptrdiff_t most = 0;
    without.scratch = NULL;
    for (ptrdiff_t i = 0; i < c->n_sequences; i++) {
        const ptrdiff_t n = NAME(lay_out)(&l, &without, c->n_labels[i], c->lengths[i]);
        most = n > most ? n : most;
    }
    return most * sizeof(REAL);
}

static void NAME(fill)(REAL *array, ptrdiff_t n, REAL value)
{
    for (ptrdiff_t i = 0; i < n; i++)
        array[i] = value;
}

/* log(exp(a) + exp(b)), and of three. Of a pair both are used, so that NaN is handed on. */
INLINE REAL NAME(add_2)(REAL a, REAL b)
{
    const REAL high = a > b ? a : b, low = a > b ? b : a;
    return high + NAME(log)(1 + NAME(exp)(low - high));
}
INLINE REAL NAME(add_3)(REAL a, REAL b, REAL c)
{
    const REAL high = a > b ? a : b, low = a > b ? b : a;
    const REAL top = high > c ? high : c, middle = high > c ? c : high;
    return top + NAME(log)(1 + NAME(exp)(middle - top) + NAME(exp)(low - top));
}

/* log of the sum of exp(raw) of one step; softmax goes to p unless that is NULL. */
static REAL NAME(normalise)(const NAME(Lattice) *l, const REAL *raw, REAL *p)
{
    REAL *restrict row = l->row;
    REAL lane[LINE];
    memcpy(row, raw, l->K * sizeof(REAL));
    UNITS lane[j] = row[j];
    for (ptrdiff_t i = LINE; i < l->K1; i += LINE)
        UNITS lane[j] = NAME(larger)(row[i + j], lane[j]);
    const REAL top = NAME(largest_of_line)(lane);
    UNITS lane[j] = 0;
    for (ptrdiff_t i = 0; i < l->K1; i += LINE)
        UNITS {
            const REAL e = NAME(exp)(row[i + j] - top);
            row[i + j] = e;
            lane[j] += e;
        }
    const REAL sum = NAME(sum_of_line)(lane);
    if (p) {
        const REAL share = 1 / sum;
        for (ptrdiff_t k = 0; k < l->K; k++)
            p[k] = row[k] * share;
    }
    /* What lies beyond the last column, for the next row. */
    NAME(fill)(row + l->K, l->K1 - l->K, NEVER);
    return top + NAME(log)(sum);
}

/* Log-probabilities of the labels at step t, to y; returns that of the blank. */
static REAL NAME(read_step)(const NAME(Lattice) *l, const REAL *raw, ptrdiff_t t)
{
    const REAL *row = raw + t * l->K;
    const REAL log_sum = l->log_sum[t];
    for (ptrdiff_t i = 0; i < l->L; i++)
        l->y[i] = row[l->labels[i]] - log_sum;
    return row[l->K - 1] - log_sum;
}

/* The loss of one sequence of n_steps steps; alpha, and softmax in its gradient. */
static REAL NAME(ctc_forward)(const NAME(Lattice) *l, ptrdiff_t n_steps, const REAL *raw,
                              REAL *gradient)
{
    const ptrdiff_t W = l->W, L = l->L;
    REAL *before = l->alpha + LINE;
    const REAL *restrict y = l->y, *restrict skip = l->skip;
    double removed = 0;
    REAL top = 0;
    NAME(fill)(before - LINE, l->pitch, NEVER);
    before[W] = 0;
    for (ptrdiff_t t = 0; t < n_steps; t++, before += l->pitch) {
        l->log_sum[t] =
            NAME(normalise)(l, raw + t * l->K, gradient ? gradient + t * l->K : NULL);
        const REAL blank = NAME(read_step)(l, raw, t);
        const REAL *restrict a = before, *restrict b = before + W;
        REAL *restrict a_after = before + l->pitch, *restrict b_after = a_after + W;
        REAL lane[LINE];
        UNITS lane[j] = NEVER;
        a_after[-1] = NEVER;
        for (ptrdiff_t i = 0; i < W; i += LINE)
            UNITS {
                const REAL label = a[i + j], on_it = b[i + j], last = a[i + j - 1];
                const REAL to_blank = NAME(add_2)(on_it, last) + (blank - top);
                const REAL to_label =
                    NAME(add_3)(label, on_it, last + skip[i + j]) + (y[i + j] - top);
                a_after[i + j] = to_label;
                b_after[i + j] = to_blank;
                lane[j] = NAME(larger)(NAME(larger)(to_label, to_blank), lane[j]);
            }
        removed += top;
        top = NAME(largest_of_line)(lane);
    }
    return -(REAL)(removed + NAME(add_2)(before[L - 1], before[W + L]));
}

/* Subtract from softmax, in the gradient, the probability to be at each label. */
static void NAME(ctc_backward)(const NAME(Lattice) *l, ptrdiff_t n_steps, const REAL *raw,
                               REAL *gradient)
{
    const ptrdiff_t W = l->W, L = l->L;
    REAL *to_label = l->beta, *to_blank = l->beta + W + LINE;
    const REAL *restrict y = l->y, *restrict skip = l->skip;
    NAME(fill)(l->beta, 2 * (W + LINE), NEVER);
    to_blank[L] = 0;
    for (ptrdiff_t t = n_steps - 1; t >= 0; t--) {
        /* alpha becomes alpha + beta, then the occupation. */
        REAL *restrict a = l->alpha + (t + 1) * l->pitch + LINE, *restrict b = a + W;
        REAL lane[LINE], blanks[LINE];
        UNITS lane[j] = NEVER;
        for (ptrdiff_t i = 0; i < W; i += LINE)
            UNITS {
                /* In place: what is read lies here or further on. */
                const REAL next = to_blank[i + j + 1];
                const REAL last = to_label[i + j + 1] + skip[i + j + 1];
                const REAL label = to_label[i + j], on_it = to_blank[i + j];
                const REAL from_label = NAME(add_3)(label, next, last);
                const REAL from_blank = NAME(add_2)(label, on_it);
                to_label[i + j] = from_label;
                to_blank[i + j] = from_blank;
                a[i + j] += from_label;
                b[i + j] += from_blank;
                lane[j] = NAME(larger)(NAME(larger)(a[i + j], b[i + j]), lane[j]);
            }
        const REAL top = NAME(largest_of_line)(lane);
        const REAL blank = NAME(read_step)(l, raw, t) - top;
        UNITS lane[j] = 0;
        UNITS blanks[j] = 0;
        for (ptrdiff_t i = 0; i < W; i += LINE)
            UNITS {
                const REAL at_label = NAME(exp)(a[i + j] - top);
                a[i + j] = at_label;
                lane[j] += at_label;
                blanks[j] += NAME(exp)(b[i + j] - top);
                to_label[i + j] += y[i + j] - top;
                to_blank[i + j] += blank;
            }
        const REAL blank_sum = NAME(sum_of_line)(blanks);
        const REAL share = 1 / (NAME(sum_of_line)(lane) + blank_sum);
        REAL *d = gradient + t * l->K;
        for (ptrdiff_t i = 0; i < L; i++)
            d[l->labels[i]] -= a[i] * share;
        d[l->K - 1] -= blank_sum * share;
    }
}

static void NAME(ctc)(const Ctc *c)
{
    const unsigned long mode = flush_to_zero();
    const ptrdiff_t *labels = c->labels;
    const REAL *raw = c->raw;
    REAL *gradient = c->gradient;
    for (ptrdiff_t k = 0; k < c->n_sequences; k++) {
        const ptrdiff_t n_steps = c->lengths[k], L = c->n_labels[k];
        NAME(Lattice) l;
        NAME(lay_out)(&l, c, L, n_steps);
        l.labels = labels;
        NAME(fill)(l.row + l.K, l.K1 - l.K, NEVER);
        NAME(fill)(l.y, l.W, NEVER);
        NAME(fill)(l.skip, l.W + LINE, NEVER);
        for (ptrdiff_t i = 1; i < L; i++)
            l.skip[i] = labels[i] == labels[i - 1] ? NEVER : 0;
        ((REAL *)c->value)[k] = NAME(ctc_forward)(&l, n_steps, raw, gradient);
        if (gradient) {
            NAME(ctc_backward)(&l, n_steps, raw, gradient);
            gradient += n_steps * l.K;
        }
        raw += n_steps * l.K;
        labels += L;
    }
    restore(mode);
}
#undef NEVER
