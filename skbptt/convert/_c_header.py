"""The header of an exported network: its state, its functions, and what they read."""

import json
from string import Template

HEADER = Template("""\
/*
 * A fitted $what, written by skbptt.
 *
$notes
 */
#ifndef ${NAME}_H
#define ${NAME}_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ${NAME}_N_FEATURES ${n_features}u
#define ${NAME}_N_OUTPUTS ${n_outputs}u

/* What is remembered of a sequence so far. */
typedef struct {
$fields
} ${name}_state;

/* Start a sequence. */
void ${name}_init(${name}_state *state);

/* Read one step, ${NAME}_N_FEATURES numbers, and write the $answer $of,
 * ${NAME}_N_OUTPUTS numbers. */
void ${name}_step(${name}_state *state, const float *x, float *y);

/* Read a sequence of one or more steps, one after the other in x, and write its
 * $answer$each. */
void ${name}_predict(const float *x, size_t n_steps, float *y);
$of_class
#ifdef __cplusplus
}
#endif

#endif
""")

CLASS = Template("""
/* Index of the most probable class, given the probabilities of one prediction. */
size_t ${name}_class(const float *y);
""")


def header(net, name, what):
    """The text of the header."""
    has_class = net.classes is not None and net.is_flat
    return HEADER.substitute(
        name=name,
        NAME=name.upper(),
        what=what,
        notes="\n".join(f" * {plain(line)}" for line in notes(net)),
        n_features=len(net.feature_names),
        n_outputs=net.n_columns,
        fields="\n".join(fields(net)),
        answer="predictions" if net.classes is None else "probabilities",
        of="of the sequence so far" if net.parts else "of this step",
        each="" if net.parts else ", step by step",
        of_class=CLASS.substitute(name=name) if has_class else "",
    )


def fields(net):
    """The members of the state."""
    for k, (layer,) in enumerate(net.layers):
        for state in layer.start:
            yield f"    float {state}_{k}[{layer.n_hidden}];"
    for part in ("mean", "max"):
        if part in net.parts:
            yield f"    float {part}[{net.layers[-1][0].n_hidden}];"
    if "mean" in net.parts:
        yield "    uint64_t n_steps;"


def notes(net):
    """What a caller has to know of features and classes, line by line."""
    embedded = {e.column: e for e in net.embedded}
    yield "The features of a step, x:"
    for k, feature in enumerate(net.feature_names):
        if k not in embedded:
            kind = "a number"
        elif embedded[k].is_text:
            words = enumerate(embedded[k].values.tolist())
            texts = ", ".join(f"{i} {json.dumps(word)}" for i, word in words)
            kind = f"a category, NaN if missing, -1 if none of {texts}"
        else:
            kind = "a token" if net.tokens else "the number of a category, NaN if missing"
        yield f"  {k} {json.dumps(feature)}: {kind}"
    if net.classes is not None:
        yield "The probabilities, y:"
        for k, label in enumerate(net.classes.tolist()):
            yield f"  {k} {json.dumps(label, default=str)}"


def plain(line):
    """A line that neither ends a comment nor is read as another character."""
    return line.replace("*/", "* /").replace("/*", "/ *").replace("??", "? ?")
