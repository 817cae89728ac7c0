/* Elman: h = g1(a). The slope and the bend, which is the derivative of the slope with
   respect to y, are functions of y = g1(a). The tape is h, in contiguous rows. */
#define ELMAN(g1, slope, bend)                                                             \
    static void NAME(g1##_forward)(const NAME(Step) *s)                                    \
    {                                                                                      \
        REAL *h = s->value.tape;                                                           \
        for (ptrdiff_t i = 0; i < s->n * s->H1; i += LINE)                                 \
            UNITS h[i + j] = NAME(g1)(h[i + j]);                                           \
    }                                                                                      \
    static void NAME(g1##_backward)(const NAME(Step) *s)                                   \
    {                                                                                      \
        LINES {                                                                            \
            const REAL *h = TAPE(value, 0), *dh = D_STATE(value, 0);                       \
            REAL *d = D(value, 0);                                                         \
            UNITS {                                                                        \
                const REAL y = h[j];                                                       \
                (void)y;                                                                   \
                d[j] = dh[j] * (slope);                                                    \
            }                                                                              \
        }                                                                                  \
    }                                                                                      \
    static void NAME(g1##_forward_tangent)(const NAME(Step) *s)                            \
    {                                                                                      \
        const REAL *h = s->value.tape;                                                     \
        REAL *h_dot = s->dot.tape;                                                         \
        for (ptrdiff_t i = 0; i < s->n * s->H1; i += LINE)                                 \
            UNITS {                                                                        \
                const REAL y = h[i + j];                                                   \
                (void)y;                                                                   \
                h_dot[i + j] *= (slope);                                                   \
            }                                                                              \
    }                                                                                      \
    static void NAME(g1##_backward_tangent)(const NAME(Step) *s)                           \
    {                                                                                      \
        LINES {                                                                            \
            const REAL *h = TAPE(value, 0), *h_dot = TAPE(dot, 0);                         \
            const REAL *dh = D_STATE(value, 0), *dh_dot = D_STATE(dot, 0);                 \
            REAL *d = D(value, 0), *d_dot = D(dot, 0);                                     \
            UNITS {                                                                        \
                const REAL y = h[j], y_dot = h_dot[j];                                     \
                (void)y, (void)y_dot;                                                      \
                d[j] = dh[j] * (slope);                                                    \
                d_dot[j] = dh_dot[j] * (slope) + dh[j] * (bend) * y_dot;                   \
            }                                                                              \
        }                                                                                  \
    }                                                                                      \
    static const NAME(Cell) NAME(elman_##g1) = {                                           \
        {.name = #g1, .n_states = 1, .n_gates = 1, .n_blocks = 1, .of_R = 1,               \
         .h_is_tape = 1},                                                                  \
        {NAME(g1##_forward), NAME(g1##_backward), NAME(g1##_forward_tangent),              \
         NAME(g1##_backward_tangent)},                                                     \
        {0},                                                                               \
    };
ELMAN(tanh, 1 - y * y, -2 * y)
ELMAN(logistic, y * (1 - y), 1 - 2 * y)
ELMAN(relu, y > 0 ? 1 : 0, 0)
ELMAN(identity, 1, 0)
#undef ELMAN
