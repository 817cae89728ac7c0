/* From the states of all steps to one vector a sequence, within the loop over time.

   Conditions choose between numbers that were loaded before: GCC 12 makes of a load under a
   condition a masked one, with a wrong mask. Nor are numbers of two widths compared. */

static void NAME(read)(const Scan *s, ptrdiff_t t, const REAL *restrict h)
{
    const ptrdiff_t count = (s->offsets[t + 1] - s->offsets[t]) * s->H1;
    REAL *restrict sum = s->sum, *restrict top = s->top;
    INTEGER *restrict time = s->time_of_top;
    if (sum && t == 0)
        memcpy(sum, h, count * sizeof(REAL));
    else if (sum)
        for (ptrdiff_t i = 0; i < count; i += LINE)
            UNITS sum[i + j] += h[i + j];
    if (top && t == 0) {
        memcpy(top, h, count * sizeof(REAL));
        memset(time, 0, count * sizeof(*time));
    } else if (top)
        for (ptrdiff_t i = 0; i < count; i += LINE)
            UNITS {
                /* The first of equals; NaN is handed on. */
                const REAL new = h[i + j], old = top[i + j];
                const INTEGER then = time[i + j];
                const INTEGER keeps = !(new > old) & (new == new);
                top[i + j] = keeps ? old : new;
                time[i + j] = keeps ? then : (INTEGER)t;
            }
}

/* The same for n streams of which one step more is read. */
static void NAME(read_on)(const Scan *s, ptrdiff_t n, const REAL *restrict h)
{
    REAL *restrict values = s->reading;
    for (ptrdiff_t i = 0; i < n; i++, h += s->H1) {
        const REAL share = 1 / (REAL)++s->n_read[i];
        for (int k = 0; k < s->n_parts; k++, values += s->H1) {
            if (s->parts[k] == LAST)
                memcpy(values, h, s->H1 * sizeof(REAL));
            else if (s->parts[k] == MEAN)
                for (ptrdiff_t line = 0; line < s->H1; line += LINE)
                    UNITS values[line + j] += (h[line + j] - values[line + j]) * share;
            else
                for (ptrdiff_t line = 0; line < s->H1; line += LINE)
                    UNITS {
                        const REAL new = h[line + j], old = values[line + j];
                        values[line + j] = (!(new > old) & (new == new)) ? old : new;
                    }
        }
    }
}

/* Add the rows of dL/dh that are given for step t, or their derivatives. */
static void NAME(add_given)(const Scan *s, const Arrays *of, ptrdiff_t t, REAL *restrict dh)
{
    const ptrdiff_t row = s->offsets[t], n = s->offsets[t + 1] - row;
    const REAL *restrict given = (const REAL *)of->dh + row * of->dh_pitch;
    for (ptrdiff_t i = 0; i < n; i++)
        for (ptrdiff_t j = 0; j < s->H; j++)
            dh[i * s->H1 + j] += given[i * of->dh_pitch + j];
}

/* Add what the loss says of the states at step t to their gradients. */
static void NAME(read_back)(const Scan *s, ptrdiff_t t, REAL *restrict dh)
{
    const ptrdiff_t row = s->offsets[t], n = s->offsets[t + 1] - row, H1 = s->H1;
    const REAL *restrict d_sum = s->d_sum;
    const REAL *restrict d_top = s->d_top, *restrict d_last = s->d_last;
    const INTEGER *restrict time = s->time_of_top;
    if (s->value.dh)
        NAME(add_given)(s, &s->value, t, dh);
    if (d_sum)
        for (ptrdiff_t i = 0; i < n * H1; i += LINE)
            UNITS dh[i + j] += d_sum[i + j];
    if (d_top)
        for (ptrdiff_t i = 0; i < n * H1; i += LINE)
            UNITS {
                const REAL d = d_top[i + j];
                dh[i + j] += time[i + j] == (INTEGER)t ? d : 0;
            }
    if (d_last) {
        /* The sequences that end here are the last columns. */
        const ptrdiff_t go_on = t + 1 < s->n_steps ? s->offsets[t + 2] - row - n : 0;
        for (ptrdiff_t i = go_on * H1; i < n * H1; i += LINE)
            UNITS dh[i + j] += d_last[i + j];
    }
}
