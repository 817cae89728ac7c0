"""The pieces of C that make up an exported network."""

from string import Template
from typing import NamedTuple

SOURCE = Template("""\
/* A fitted $what of skbptt: see $name.h. */
#include "$name.h"

#include <math.h>
#include <string.h>

$tables

$functions
static void advance(${name}_state *state, const float *x)
{
$advance
}

void ${name}_init(${name}_state *state)
{
    memset(state, 0, sizeof *state);
$start
}

void ${name}_step(${name}_state *state, const float *x, float *y)
{
    advance(state, x);
    answer(state, y);
}

$tail""")

ADD_PRODUCT = {
    "float32": """\
/* y += x W, row by row of W. Rows are `width` numbers apart. */
static void add_product(const float *x, size_t n_in, const float *W, size_t width,
                        size_t n_out, float *y)
{
    size_t i, j;

    for (i = 0; i < n_in; i++) {
        const float x_i = x[i];

        for (j = 0; j < n_out; j++)
            y[j] += x_i * W[i * width + j];
    }
}
""",
    "int8": """\
/* y += x W, row by row of W, each with its unit. Rows are `width` numbers apart. */
static void add_product(const float *x, size_t n_in, const signed char *W,
                        const float *unit, size_t width, size_t n_out, float *y)
{
    size_t i, j;

    for (i = 0; i < n_in; i++) {
        const float x_i = x[i] * unit[i];

        for (j = 0; j < n_out; j++)
            y[j] += x_i * W[i * width + j];
    }
}
""",
}

# In the order of their definitions.
FUNCTIONS = {
    "smooth": """\
/* tanh(x) to 4e-7, by the rational function of the library Eigen, in half of the time of
 * tanhf. */
static float smooth(float x)
{
    const float z = x > 7.9053111f ? 7.9053111f : x < -7.9053111f ? -7.9053111f : x;
    const float s = z * z;
    float p = -2.76076847742355e-16f, q = 1.19825839466702e-06f;

    p = p * s + 2.00018790482477e-13f;
    p = p * s - 8.60467152213735e-11f;
    p = p * s + 5.12229709037114e-08f;
    p = p * s + 1.48572235717979e-05f;
    p = p * s + 6.37261928875436e-04f;
    p = p * s + 4.89352455891786e-03f;
    q = q * s + 1.18534705686654e-04f;
    q = q * s + 2.26843463243900e-03f;
    q = q * s + 4.89352518554385e-03f;
    return z * p / q;
}
""",
    "gate": """\
static float gate(float x)
{
    return 0.5f * smooth(0.5f * x) + 0.5f;
}
""",
    "logistic": """\
/* Right to rounding where it is small, as probabilities may be. */
static float logistic(float x)
{
    return 1.0f / (1.0f + expf(-x));
}
""",
    "relu": """\
static float relu(float x)
{
    return x <= 0.0f ? 0.0f : x;
}
""",
}

FIND = """\
/* Position of a number among keys in ascending order, or -1. */
static ptrdiff_t find(float x, const float *keys, size_t n)
{
    size_t low = 0, high = n;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if (keys[middle] < x)
            low = middle + 1;
        else
            high = middle;
    }
    return low < n && keys[low] == x ? (ptrdiff_t)low : -1;
}
"""

READ = Template("""\
/* The numbers of a step, and then the vectors of its categories; zeros if unknown. */
static void read_features(const float *x, float *z)
{
    ptrdiff_t k;

$reads
}
""")

EMBED = Template("""\
    k = isnan(x[$column]) ? $missing : find(x[$column], keys_$k, $n);
    if (k < 0)
        memset(z + $at, 0, $dim * sizeof *z);
    else
        memcpy(z + $at, E_$k + k * $dim, $dim * sizeof *z);""")

LAYER = Template("""\
static void layer_$k(${name}_state *state, const float *x)
{
    float *h = state->h_$k;
    float a[$width];
$declare    size_t j;

    memcpy(a, b_$k, sizeof a);
    add_product(x, $n_in, $W, $width, $width, a);
$step
}
""")

ANSWER = Template("""\
static void answer(const ${name}_state *state, float *y)
{
    memcpy(y, b_out, sizeof b_out);
$products
$link}
""")


class Piece(NamedTuple):
    """Statements, declarations before them, and the functions that they use."""

    text: Template
    uses: tuple = ()
    declare: Template = Template("")


def elman(function, uses=()):
    return Piece(
        Template(f"""\
    add_product(h, $n, $R, $n, $n, a);
    for (j = 0; j < $n; j++)
        h[j] = {function};"""),
        uses,
    )


CELLS = {
    "tanh": elman("smooth(a[j])", ("smooth",)),
    "relu": elman("relu(a[j])", ("relu",)),
    "logistic": elman("gate(a[j])", ("smooth", "gate")),
    "identity": elman("a[j]"),
    "gru": Piece(
        Template("""\
    memset(u, 0, $n2 * sizeof *u);
    memcpy(u + $n2, b_n_$k, sizeof b_n_$k);
    add_product(h, $n, $R, $n3, $n3, u);
    for (j = 0; j < $n; j++) {
        const float r = gate(a[j] + u[j]);
        const float z = gate(a[$n + j] + u[$n + j]);
        const float n = smooth(a[$n2 + j] + r * u[$n2 + j]);

        h[j] = n + z * (h[j] - n);
    }"""),
        ("smooth", "gate"),
        Template("    float u[$n3];\n"),
    ),
    "gru_reset_before": Piece(
        Template("""\
    add_product(h, $n, $R, $n3, $n2, a);
    for (j = 0; j < $n; j++)
        v[j] = gate(a[j]) * h[j];
    add_product(v, $n, $late_R, $n3, $n, a + $n2);
    for (j = 0; j < $n; j++) {
        const float z = gate(a[$n + j]);
        const float n = smooth(a[$n2 + j]);

        h[j] = n + z * (h[j] - n);
    }"""),
        ("smooth", "gate"),
        Template("    float v[$n];\n"),
    ),
    "lstm": Piece(
        Template("""\
    add_product(h, $n, $R, 4 * $n, 4 * $n, a);
    for (j = 0; j < $n; j++) {
        const float i = gate(a[j]);
        const float f = gate(a[$n + j]);
        const float g = smooth(a[$n2 + j]);
        const float o = gate(a[$n3 + j]);

        c[j] = f * c[j] + i * g;
        h[j] = o * smooth(c[j]);
    }"""),
        ("smooth", "gate"),
        Template("    float *c = state->c_$k;\n"),
    ),
    "lem": Piece(
        Template("""\
    add_product(h, $n, $R, 4 * $n, $n3, a);
    for (j = 0; j < $n; j++)
        z[j] += $constant * gate(a[j]) * (smooth(a[$n2 + j]) - z[j]);
    add_product(z, $n, $late_R, 4 * $n, $n, a + $n3);
    for (j = 0; j < $n; j++)
        h[j] += $constant * gate(a[$n + j]) * (smooth(a[$n3 + j]) - h[j]);"""),
        ("smooth", "gate"),
        Template("    float *z = state->z_$k;\n"),
    ),
}

# What brings the parts of a readout up to date, given the states of one more step.
READOUTS = {
    "mean": Template("""\
    state->n_steps++;
    for (j = 0; j < $n; j++)
        state->mean[j] += ($h[j] - state->mean[j]) / (float)state->n_steps;"""),
    "max": Template("""\
    for (j = 0; j < $n; j++)
        state->max[j] = $h[j] > state->max[j] ? $h[j] : state->max[j];"""),
}


def each(function, uses=()):
    """A function of each output."""
    return Piece(
        Template(f"""\
    {{
        size_t j;

        for (j = 0; j < $n; j++)
            y[j] = {function}(y[j]);
    }}
"""),
        uses,
    )


# From raw outputs to predictions, in place, by the activation and whether it is binary.
LINKS = {
    ("identity", False): Piece(Template("")),
    ("exp", False): each("expf"),
    ("logistic", False): each("logistic", ("logistic",)),
    ("logistic", True): Piece(
        Template("""\
    y[1] = logistic(y[0]);
    y[0] = logistic(-y[0]);
"""),
        ("logistic",),
    ),
    ("softmax", False): Piece(
        Template("""\
    {
        float top = y[0], sum = 0.0f;
        size_t j;

        for (j = 1; j < $n; j++)
            top = y[j] > top ? y[j] : top;
        for (j = 0; j < $n; j++) {
            y[j] = expf(y[j] - top);
            sum += y[j];
        }
        for (j = 0; j < $n; j++)
            y[j] /= sum;
    }
""")
    ),
}

PREDICT = {
    "sequence": Template("""\
void ${name}_predict(const float *x, size_t n_steps, float *y)
{
    ${name}_state state;
    size_t t;

    ${name}_init(&state);
    for (t = 0; t < n_steps; t++)
        advance(&state, x + t * ${NAME}_N_FEATURES);
    answer(&state, y);
}
"""),
    "steps": Template("""\
void ${name}_predict(const float *x, size_t n_steps, float *y)
{
    ${name}_state state;
    size_t t;

    ${name}_init(&state);
    for (t = 0; t < n_steps; t++)
        ${name}_step(&state, x + t * ${NAME}_N_FEATURES, y + t * ${NAME}_N_OUTPUTS);
}
"""),
}

CLASS = Template("""\
size_t ${name}_class(const float *y)
{
    size_t k, top = 0;

    for (k = 1; k < ${NAME}_N_OUTPUTS; k++)
        if (y[k] > y[top])
            top = k;
    return top;
}
""")
