/* One step of a cell: what it reads and writes, for one type of real number and one
   instruction set.

   A cell is four functions of a Step and a Shape, in a file of its own in cells/. They go
   through all units, a line of LINE at a time:

       LINES {
           REAL *a = TAPE(value, 0), *h = AFTER(value, 0);
           UNITS h[j] = a[j];
       }

   A cell with late gates has a second half of each. The first half of `forward` leaves v in
   V, then v R is added to the blocks of the late gates, and the second half does the rest.
   The way back meets them in the opposite order: the first half of `backward` leaves the
   gradients of the late blocks, and v once more, the loops find dL/dv from them, in D_V,
   and the second half does the rest. */

/* The values of one step, or their derivatives along one direction. The state after the
   step has the rows of the state before that go on. */
typedef struct {
    REAL *tape;
    const REAL *before[STATES];
    REAL *after[STATES];
    REAL *d_states[STATES]; /* dL/d(state after); the reverse leaves there dL/d(state
                               before), without what passes through R */
    REAL *d;                /* dL/d(sums), by the blocks of the tape */
    REAL *v, *d_v;          /* what R multiplies for late gates, and dL/dv */
} NAME(Part);

typedef struct {
    ptrdiff_t n, H1;           /* rows, units */
    ptrdiff_t tape_pitch, d_pitch, v_pitch; /* of rows; those of states: H1 */
    REAL constant;
    NAME(Part) value, dot;
} NAME(Step);

typedef struct {
    void (*forward)(const NAME(Step) *);
    void (*backward)(const NAME(Step) *);
    void (*forward_tangent)(const NAME(Step) *);
    void (*backward_tangent)(const NAME(Step) *);
} NAME(Functions);

typedef struct {
    Shape shape;
    NAME(Functions) step, rest; /* the rest of it, of cells with late gates */
} NAME(Cell);

#define LINES                                                                              \
    for (ptrdiff_t row = 0; row < s->n; row++)                                             \
        for (ptrdiff_t line = 0; line < s->H1; line += LINE)
#define UNITS VECTORISE for (int j = 0; j < LINE; j++)

/* Where a line of an array begins; k is a block or a state, `of` is `value` or `dot`. */
#define TAPE(of, k) (s->of.tape + row * s->tape_pitch + (k) * s->H1 + line)
#define D(of, k) (s->of.d + row * s->d_pitch + (k) * s->H1 + line)
#define BEFORE(of, k) (s->of.before[k] + row * s->H1 + line)
#define AFTER(of, k) (s->of.after[k] + row * s->H1 + line)
#define D_STATE(of, k) (s->of.d_states[k] + row * s->H1 + line)
#define V(of) (s->of.v + row * s->v_pitch + line)
#define D_V(of) (s->of.d_v + row * s->H1 + line)
