/* The loops over time in compiled code: what skbptt/_scan.py does, for the cells of the
   package. Symbols are those of skbptt/cells. */

#ifndef SKBPTT_LOOPS_H
#define SKBPTT_LOOPS_H

#include <stddef.h>

enum { IDENTITY, LOGISTIC, RELU, TANH, GRU, LSTM };

/* One direction of one layer over one batch. Arrays hold float or double. Rows are packed
   by time as in skbptt/_sequences.py, and start from a state of zeros. Padded sizes are
   whole lines of 64 bytes; no sum includes the units and inputs that are not there. */
typedef struct {
    int cell;                  /* one of the above; the first four are Elman's */
    ptrdiff_t H, D;            /* units, inputs */
    ptrdiff_t H1, D1;          /* the same, padded */
    ptrdiff_t width;           /* of a row of the tape: H1, or 4 H1 with gates */
    ptrdiff_t n_steps;
    const ptrdiff_t *offsets;  /* (n_steps + 1,): first row of each step */
    const void *W, *R, *b;     /* (D, gates H), (H, gates H), (gates H,) */
    const void *b_n;           /* (H,), of the GRU only */
    const void *x;             /* (n_rows, D), rows x_pitch apart */
    ptrdiff_t x_pitch;
    int keep;                  /* whether `gates` and `c` hold all steps, or two only */
    void *gates;               /* (n_rows, width), the tape; h if the cell is Elman's */
    void *c, *h;               /* (n_rows, H1); c of the LSTM only */
    void *sum, *top;           /* (n_columns, H1): sum and largest of the states of each
                                  sequence, or NULL */
    void *time_of_top;         /* (n_columns, H1), integers as wide as the numbers */
    void *scratch;             /* as many bytes as `scratch` of the loops tells */

    /* Of the way back only. */
    ptrdiff_t k1, k2;          /* truncation */
    const void *dh;            /* (n_rows, H), rows dh_pitch apart; or NULL */
    ptrdiff_t dh_pitch;
    const void *d_sum, *d_top; /* (n_columns, H1); or NULL */
    const void *d_last;        /* (n_columns, H1), of the last states; or NULL */
    void *dW, *dR, *db, *db_n; /* like W, R, b, b_n */
    void *dx;                  /* (n_rows, D1), or NULL */

    /* Of tangents only: derivatives along one direction of what has the name without
       `_dot`. On the way back dW, dR, db, db_n are derivatives too, and all of dh is
       given. */
    const void *W_dot, *R_dot, *b_dot, *b_n_dot;
    const void *x_dot;         /* or NULL, if zero; rows x_dot_pitch apart */
    ptrdiff_t x_dot_pitch;
    void *gates_dot, *c_dot, *h_dot;
    const void *dh_dot;        /* rows dh_dot_pitch apart */
    ptrdiff_t dh_dot_pitch;
    void *dx_dot;              /* NULL where dx is */
} Scan;

typedef struct {
    ptrdiff_t (*scratch)(const Scan *, int backward);
    void (*forward)(const Scan *);
    void (*backward)(const Scan *);
    void (*forward_tangent)(const Scan *); /* with twice the scratch memory */
    void (*backward_tangent)(const Scan *);
} Loops;

/* Sets of instructions, the fastest last. */
enum { PORTABLE, AVX2, AVX512 };

/* The last of them that this processor has. */
int skbptt_instructions(void);

/* The loops for numbers of 4 or 8 bytes. */
const Loops *skbptt_loops(int instructions, int itemsize);

#endif
