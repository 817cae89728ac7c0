/* A layer over one batch and back: numbers from stdin, results to stdout. tests/test_cross.py
   runs it on other processors. */

#include "loops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Memory of so many numbers, in whole lines of 64 bytes. */
static double *memory(ptrdiff_t n)
{
    double *where = aligned_alloc(64, ((size_t)n * sizeof *where + 127) / 64 * 64);
    if (where == NULL)
        exit(1);
    return where;
}

static double *numbers(ptrdiff_t n)
{
    double *where = memory(n);
    if (fread(where, sizeof *where, (size_t)n, stdin) != (size_t)n)
        exit(1);
    return where;
}

static void write_rows(const double *where, ptrdiff_t n, ptrdiff_t width, ptrdiff_t pitch)
{
    for (ptrdiff_t i = 0; i < n; i++)
        fwrite(where + i * pitch, sizeof *where, (size_t)width, stdout);
}

int main(void)
{
    const Loops *loops = skbptt_loops(skbptt_instructions(), sizeof(double));
    Scan s;
    int64_t sizes[4];
    memset(&s, 0, sizeof s);
    if (fread(sizes, sizeof sizes, 1, stdin) != 1 ||
        fread(&s.constant, sizeof s.constant, 1, stdin) != 1)
        return 1;
    s.cell = (int)sizes[0], s.H = sizes[1], s.D = sizes[2];
    s.n_steps = s.segment = sizes[3];
    s.H1 = (s.H + 7) / 8 * 8, s.D1 = (s.D + 7) / 8 * 8;
    ptrdiff_t *offsets = calloc((size_t)s.n_steps + 1, sizeof *offsets);
    for (ptrdiff_t t = 0; t <= s.n_steps; t++) {
        int64_t offset;
        if (fread(&offset, sizeof offset, 1, stdin) != 1)
            return 1;
        offsets[t] = offset;
    }
    const Shape *shape = loops->shape(s.cell);
    const ptrdiff_t n_rows = offsets[s.n_steps], width = shape->n_gates * s.H;
    s.offsets = offsets, s.keep = 1, s.k1 = s.k2 = s.n_steps;
    s.value.W = numbers(s.D * width);
    s.value.R = numbers(s.H * width);
    s.value.b = numbers(width);
    s.dW = memory(s.D * width), s.dR = memory(s.H * width), s.db = memory(width);
    if (shape->vectors[0] != NULL) {
        s.value.vectors[0] = numbers(s.H);
        s.d_vectors[0] = memory(s.H);
    }
    s.value.x = numbers(n_rows * s.D), s.value.x_pitch = s.D;
    s.value.dh = numbers(n_rows * s.H), s.value.dh_pitch = s.H;
    for (int k = 0; k < shape->n_states; k++)
        s.value.states[k] = memory(n_rows * s.H1);
    if (!shape->h_is_tape)
        s.value.tape = memory(n_rows * shape->n_blocks * s.H1);
    s.value.dx = memory(n_rows * s.D1);
    s.d_h = memory(n_rows * s.H);

    s.scratch = memory(loops->scratch(&s, 0));
    loops->forward(&s);
    s.scratch = memory(loops->scratch(&s, 1));
    loops->backward(&s);

    write_rows(s.value.states[0], n_rows, s.H, s.H1);
    write_rows(s.value.dx, n_rows, s.D, s.D1);
    write_rows(s.dW, s.D, width, width);
    write_rows(s.dR, s.H, width, width);
    write_rows(s.db, 1, width, width);
    if (shape->vectors[0] != NULL)
        write_rows(s.d_vectors[0], 1, s.H, s.H);
    write_rows(s.d_h, n_rows, s.H, s.H);
    return 0;
}
