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
