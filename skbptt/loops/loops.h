/* The compiled loops over time: they do what skbptt/loops/_scan.py does, for the cells of the
   table in cells.h. Symbols are those of skbptt/cells. */

#ifndef SKBPTT_LOOPS_H
#define SKBPTT_LOOPS_H

#include <stddef.h>
#include <stdint.h>

/* The most that any cell has of each. */
enum { STATES = 2, BLOCKS = 4, VECTORS = 1 };

/* Rows of a step that are taken at a time: few enough that their tape stays in the cache. */
enum { FEW = 48 };

/* The parts of a readout. */
enum { LAST, MEAN, MAX, PARTS };

/* What the loops need to know about a cell besides its step. A row of the tape consists of
   blocks of H1 units. Before the step, a block holds the sums of one gate; the step leaves
   there what its reverse needs. */
typedef struct {
    const char *name;
    int n_states;               /* carried from step to step; the first is h */
    int n_gates;                /* blocks of W, R and b */
    int n_blocks;               /* blocks of the tape */
    int of_R, of_W;             /* the blocks before of_R receive h R, those from of_W on
                                   x W + b, and the k-th before of_W the k-th vector */
    int gate[BLOCKS];           /* of W, R and b, that each block of the tape belongs to */
    const char *vectors[VECTORS]; /* names of the parameters of shape (H,) */
    int h_is_tape;              /* whether the tape, of one block, is h itself */
    int passes_h;               /* whether the state before receives gradient from the h
                                   after it other than through R */
    int late;                   /* blocks, those from of_R on, that receive v R besides,
                                   where v is found by the first half of the step */
} Shape;

/* The arrays of one direction of one layer over one batch, or their derivatives along one
   direction of weights and inputs. Numbers are float or double. */
typedef struct {
    const void *W, *R, *b;      /* (D, gates H), (H, gates H), (gates H,) */
    const void *vectors[VECTORS]; /* (H,) */
    const void *x;              /* (n_rows, D), rows x_pitch apart */
    ptrdiff_t x_pitch;
    void *tape;                 /* (n_rows, width), or NULL where h is the tape; FEW rows if
                                   not kept */
    void *states[STATES];       /* (n_rows, H1); NULL after the last */
    void *before[STATES];       /* (n_segments - 1, n_columns, H1): before each segment
                                   but the first, of the states after the first */
    const void *initial[STATES]; /* (n_columns, H1): before the first step; NULL for zero */
    const void *dh;             /* (n_rows, H), rows dh_pitch apart; or NULL */
    ptrdiff_t dh_pitch;
    void *dx;                   /* (n_rows, D1), or NULL */
    void *d_initial[STATES];    /* (n_columns, H1), or NULL */
} Arrays;

/* Rows are packed by time as in skbptt/data/_sequences.py. Padded sizes are whole lines of 64
   bytes; no sum includes the units and inputs that are not there. */
typedef struct {
    int cell;                   /* its row in the table */
    ptrdiff_t H, D;             /* units, inputs */
    ptrdiff_t H1, D1;           /* the same, padded */
    ptrdiff_t n_steps;
    const ptrdiff_t *offsets;   /* (n_steps + 1,): first row of each step */
    int keep;                   /* whether the tape and the states after the first hold all
                                   steps of a segment, or two only */
    ptrdiff_t segment;          /* steps of a segment; the way back forms its tape anew if
                                   there are several */
    double constant;            /* a number that the step of the cell reads */
    Arrays value, dot;          /* dot: of tangents only; its x may be NULL for zero */
    void *sum, *top;            /* (n_columns, H1): sum and largest of the states of each
                                   sequence, or NULL */
    void *time_of_top;          /* (n_columns, H1), integers as wide as the numbers */
    void *scratch;              /* as many bytes as `scratch` of the loops returns */
    const ptrdiff_t *codes;     /* (n_rows,): of the way forward, rows of W in place of
                                   x W, or -1 for zero; or NULL */

    /* Of streams only, which are read one step at a time, from initial states on. */
    int packed;                 /* whether an earlier `forward` has left the weights in
                                   `scratch`, packed */
    int n_parts, parts[PARTS];  /* of the readout */
    void *reading;              /* (n_columns, n_parts, H1): its values so far, or NULL */
    int64_t *n_read;            /* (n_columns,): the number of steps so far */

    /* Of the way back only. */
    ptrdiff_t k1, k2;           /* truncation */
    const void *d_sum, *d_top;  /* (n_columns, H1); or NULL */
    const void *d_last;         /* (n_columns, H1), of the last states; or NULL */
    void *d_h;                  /* (n_rows, H): receives dL/dh, with all that passes through
                                   later steps; or NULL */
    void *dW, *dR, *db;         /* like W, R, b; derivatives of them, for tangents */
    void *d_vectors[VECTORS];
} Scan;

/* Connectionist temporal classification of some sequences, as skbptt/losses/_ctc.py has it.
   The rows and the labels of one sequence follow those of the one before. */
typedef struct {
    ptrdiff_t n_sequences;
    ptrdiff_t n_columns;        /* the labels and, last, the blank */
    const ptrdiff_t *lengths, *n_labels; /* (n_sequences,) */
    const ptrdiff_t *labels;    /* (sum of n_labels,) */
    const void *raw;            /* (sum of lengths, n_columns) */
    void *value;                /* (n_sequences,) */
    void *gradient;             /* like raw; or NULL */
    void *scratch;              /* as many bytes as `ctc_scratch` of the loops returns */
} Ctc;

/* Cross-entropies of rows, as skbptt/losses/_cross_entropy.py has them. With weights, raw
   becomes the gradient of their weighted sum. */
typedef struct {
    ptrdiff_t n_rows, n_columns;
    const ptrdiff_t *labels;    /* (n_rows,) */
    const void *weights;        /* (n_rows,); or NULL */
    void *raw;                  /* (n_rows, n_columns) */
    void *behind, *others;      /* (n_rows,): largest raw output minus that of the label, and
                                   the sum of exp(raw - largest) without one largest */
    void *scratch; /* as many bytes as `cross_entropy_scratch` of the loops returns */
} CrossEntropy;

/* Attention of queries to the keys of their sequences, as skbptt/layers/_attention.py has
   it. Rows of numbers belong to places: query t or key j of sequence i. */
typedef struct {
    ptrdiff_t n_sequences, n_queries, n_keys; /* the most of a sequence */
    const ptrdiff_t *queries, *of_keys; /* (n_sequences, n_queries), (n_sequences, n_keys): row
                                   of each place, -1 after the last */
    ptrdiff_t width, value_width;
    const void *q;              /* rows of queries: width numbers, rows q_pitch apart */
    const void *keys, *values;  /* rows of keys: width, and value_width numbers */
    ptrdiff_t q_pitch, key_pitch, value_pitch;
    void *alpha;                /* (n_sequences, n_queries, n_keys), zero at first */
    void *c;                    /* rows of queries: value_width numbers */
    void *scratch;              /* as many bytes as `attention_scratch` of the loops returns */

    /* Of the way back only, where keys and values are one. */
    const void *dc;             /* like c, rows dc_pitch apart */
    ptrdiff_t dc_pitch;
    void *dq, *d_keys;          /* d_keys: zero at first */
} Attention;

typedef struct {
    const Shape *(*shape)(int cell); /* NULL after the last row of the table */
    ptrdiff_t (*scratch)(const Scan *, int backward);
    void (*forward)(const Scan *);
    void (*backward)(const Scan *);
    void (*forward_tangent)(const Scan *);  /* with twice the scratch memory */
    void (*backward_tangent)(const Scan *); /* the same; given all of dh */
    ptrdiff_t (*ctc_scratch)(const Ctc *);
    void (*ctc)(const Ctc *);
    ptrdiff_t (*cross_entropy_scratch)(const CrossEntropy *);
    void (*cross_entropy)(const CrossEntropy *);
    ptrdiff_t (*attention_scratch)(const Attention *);
    void (*attention)(const Attention *);
    void (*attention_back)(const Attention *);
} Loops;

/* Sets of instructions, the fastest last. */
enum { PORTABLE, AVX2, AVX512 };

/* The last of them that this processor has. */
int skbptt_instructions(void);

/* The loops for numbers of 4 or 8 bytes. */
const Loops *skbptt_loops(int instructions, int itemsize);

#endif
