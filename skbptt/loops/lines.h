/* Rows by the line, for one type of real number and one instruction set. */

/* So many numbers, in whole lines. */
INLINE ptrdiff_t NAME(lines)(ptrdiff_t n) { return (n + LINE - 1) / LINE * LINE; }

INLINE REAL NAME(larger)(REAL a, REAL b) { return a > b ? a : b; }

/* The largest number of a line and the sum of one, by halves. */
INLINE REAL NAME(largest_of_line)(REAL *line)
{
    UNROLL
    for (int n = LINE / 2; n > 0; n /= 2)
        VECTORISE for (int j = 0; j < n; j++)
            line[j] = NAME(larger)(line[j], line[j + n]);
    return line[0];
}
INLINE REAL NAME(sum_of_line)(REAL *line)
{
    UNROLL
    for (int n = LINE / 2; n > 0; n /= 2)
        VECTORISE for (int j = 0; j < n; j++)
            line[j] += line[j + n];
    return line[0];
}

/* The largest of n numbers, whole lines. */
static REAL NAME(largest)(const REAL *restrict row, ptrdiff_t n)
{
    REAL lane[LINE];
    UNITS lane[j] = row[j];
    for (ptrdiff_t i = LINE; i < n; i += LINE)
        UNITS lane[j] = NAME(larger)(row[i + j], lane[j]);
    return NAME(largest_of_line)(lane);
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
