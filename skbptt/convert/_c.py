"""A fitted network as one file of C99 and its header."""

import re

import numpy as np

from ._c_header import header
from ._c_text import (
    ADD_PRODUCT,
    ANSWER,
    CELLS,
    CLASS,
    EMBED,
    FIND,
    FUNCTIONS,
    LAYER,
    LINKS,
    PREDICT,
    READ,
    READOUTS,
    SOURCE,
)
from ._description import KINDS, describe


def to_c(estimator, name, *, weights="float32"):
    """Write a fitted estimator as C, for devices and programs without Python.

    The code is valid C99 and C++. It needs only the standard library of C, allocates no
    memory, and keeps no state. It computes in 32-bit floats.

    Parameters
    ----------
    estimator : RNNClassifier or RNNRegressor
        A fitted estimator with ``bidirectional=False``.
    name : str
        An identifier of C, with which the names of the files and functions begin.
    weights : {"float32", "int8"}, default="float32"
        Type of the weight matrices. "int8" takes a third of the memory or less: integers
        from -127 to 127, in units of 1 / 127 of the largest weight of each row. All other
        numbers are float32.

    Returns
    -------
    files : dict of str to str
        The texts of ``{name}.h`` and ``{name}.c``, by file name. The header documents
        the functions:

        - ``{name}_init`` starts a sequence,
        - ``{name}_step`` reads one step and predicts,
        - ``{name}_predict`` predicts a whole sequence,
        - ``{name}_class``, for a classifier that is not multilabel, returns the index of
          the predicted class in ``classes_``.

        A classifier predicts probabilities, as ``predict_proba`` does.

    Raises
    ------
    TypeError
        If the estimator or its cell cannot be expressed.
    ValueError
        If the network reads sequences in both directions, if ``name`` is not an identifier,
        if ``weights`` is another value, or if weights or categories cannot be distinguished
        in 32 bits.

    Examples
    --------
    >>> import numpy as np
    >>> from skbptt import RNNRegressor
    >>> from skbptt.convert import to_c
    >>> X = np.random.default_rng(0).normal(size=(50, 8, 3))
    >>> model = RNNRegressor(4, max_iter=5, random_state=0).fit(X, X[:, :, 0].sum(axis=1))
    >>> files = to_c(model, "sum")
    >>> [*files]
    ['sum.h', 'sum.c']
    >>> print(*[line for line in files["sum.h"].splitlines() if "void" in line], sep="\\n")
    void sum_init(sum_state *state);
    void sum_step(sum_state *state, const float *x, float *y);
    void sum_predict(const float *x, size_t n_steps, float *y);
    """
    net = describe(estimator, "to_c", cells=tuple(KINDS))
    if len(net.layers[0]) > 1:
        raise ValueError(
            "to_c needs a network that reads sequences step by step. Got "
            "bidirectional=True."
        )
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII):
        raise ValueError(f"name must be an identifier of C. Got {name!r}.")
    if weights not in ADD_PRODUCT:
        raise ValueError(f"weights must be one of {[*ADD_PRODUCT]}. Got {weights!r}.")
    what = type(estimator).__name__
    text = source(net, name, what, weights)
    return {f"{name}.h": header(net, name, what), f"{name}.c": text}


def source(net, name, what, kind):
    """The text of the file."""
    functions = [ADD_PRODUCT[kind]]
    uses = CELLS[net.kind].uses + LINKS[net.activation, net.is_binary].uses
    functions += [FUNCTIONS[f] for f in FUNCTIONS if f in uses]
    if net.embedded:
        functions += [FIND, reading(net)]
    functions += [layer(net, name, k, kind) for k in range(len(net.layers))]
    functions.append(answer(net, name, kind))
    predict = PREDICT["sequence" if net.parts else "steps"]
    tail = [predict.substitute(name=name, NAME=name.upper())]
    if net.classes is not None and net.is_flat:
        tail.append(CLASS.substitute(name=name, NAME=name.upper()))
    return SOURCE.substitute(
        name=name,
        what=what,
        tables="\n".join(tables(net, kind)),
        functions="\n".join(functions),
        start="\n".join(starts(net)),
        advance="\n".join(advance(net)),
        tail="\n".join(tail),
    )


def advance(net):
    """The lines of one step, up to the readout."""
    readouts = [part for part in net.parts if part != "last"]
    below, top = "x", net.layers[-1][0].n_hidden
    if net.embedded:
        yield f"    float z[{net.layers[0][0].n_in}];"
    if readouts:
        yield "    size_t j;"
    if net.embedded:
        yield "    read_features(x, z);"
        below = "z"
    for k in range(len(net.layers)):
        yield f"    layer_{k}(state, {below});"
        below = f"state->h_{k}"
    for part in readouts:
        yield READOUTS[part].substitute(n=top, h=below)


def tables(net, kind):
    """The constants."""
    for k, e in enumerate(net.embedded):
        yield table(f"keys_{k}", keys_of(e))
        yield table(f"E_{k}", e.W)
    for k, (of_layer,) in enumerate(net.layers):
        for key, weights in of_layer.weights.items():
            yield from matrix(f"{key}_{k}", weights, kind)
        if of_layer.learned:
            for state, start in of_layer.start.items():
                yield table(f"{state}_0_{k}", start)
    yield from matrix("W_out", net.W, kind)
    yield table("b_out", net.b)


def keys_of(embedded):
    """The numbers of the categories in 32 bits."""
    keys = embedded.keys.astype(np.float32)
    if len(np.unique(keys)) < len(keys):
        raise ValueError(
            f"to_c writes categories as floats of 32 bits, in which some of feature "
            f"{embedded.name!r} are equal."
        )
    return keys


def table(name, values):
    """An array as a constant."""
    with np.errstate(over="ignore"):
        numbers = np.ravel(values).astype(np.float32)
    if not np.isfinite(numbers).all():
        raise ValueError(f"to_c writes floats of 32 bits, in which {name} overflows.")
    texts = [literal(number) for number in numbers]
    lines = [", ".join(texts[k : k + 6]) for k in range(0, len(texts), 6)]
    inner = ",\n    ".join(lines)
    return f"static const float {name}[{len(texts)}] = {{\n    {inner}\n}};"


def matrix(name, values, kind):
    """Weights as constants: a matrix in the given kind of numbers, a vector as floats."""
    if kind == "float32" or values.ndim == 1:
        yield table(name, values)
        return
    unit = np.abs(values).max(axis=1, keepdims=True) / 127
    texts = np.rint(values / np.where(unit, unit, 1)).astype(int).astype(str).ravel()
    lines = [", ".join(texts[k : k + 16]) for k in range(0, len(texts), 16)]
    inner = ",\n    ".join(lines)
    yield f"static const signed char {name}[{len(texts)}] = {{\n    {inner}\n}};"
    yield table(f"{name}_unit", unit)


def argument(name, kind, n=0, row=0):
    """A matrix in a call of add_product, without the n numbers before those it reads.

    These begin in the given row.
    """
    W = f"{name} + {n}" if n else name
    return W if kind == "float32" else f"{W}, {name}_unit + {row}"


def literal(number):
    """A float of 32 bits that reads as itself."""
    text = f"{number:.9g}"
    return f"{text}f" if "." in text or "e" in text else f"{text}.0f"


def reading(net):
    """The function that reads numbers and finds the vectors of categories."""
    lines = [f"    z[{j}] = x[{column}];" for j, column in enumerate(net.numbers)]
    at = len(net.numbers)
    for k, e in enumerate(net.embedded):
        dim = e.W.shape[1]
        found = {"k": k, "column": e.column, "n": len(e.keys), "missing": e.missing}
        lines.append(EMBED.substitute(found, at=at, dim=dim))
        at += dim
    return READ.substitute(reads="\n".join(lines))


def layer(net, name, k, kind):
    """The function of one step of a layer."""
    cell, (of_layer,) = CELLS[net.kind], net.layers[k]
    n = of_layer.n_hidden
    sizes = {"n": n, "n2": 2 * n, "n3": 3 * n, "k": k}
    sizes |= {key: argument(f"{key}_{k}", kind) for key in ("W", "R")}
    width = len(of_layer.weights["b"])
    sizes["late_R"] = argument(f"R_{k}", kind, width - n)  # of the last gate
    sizes["constant"] = literal(net.constant)
    return LAYER.substitute(
        sizes,
        name=name,
        n_in=of_layer.n_in,
        width=width,
        declare=cell.declare.substitute(sizes),
        step=cell.text.substitute(sizes),
    )


def starts(net):
    """The lines that start a sequence."""
    for k, (of_layer,) in enumerate(net.layers):
        if of_layer.learned:
            for state in of_layer.start:
                own = f"{state}_0_{k}"
                yield f"    memcpy(state->{state}_{k}, {own}, sizeof {own});"
    if "max" in net.parts:
        n = net.layers[-1][0].n_hidden
        yield "    size_t j;\n"
        yield f"    for (j = 0; j < {n}; j++)\n        state->max[j] = -INFINITY;"


def answer(net, name, kind):
    """The function of the output layer."""
    top = f"h_{len(net.layers) - 1}"
    n, n_out = net.layers[-1][0].n_hidden, len(net.b)
    products = [
        f"    add_product(state->{top if part in ('last', 'steps') else part}, {n}, "
        f"{argument('W_out', kind, i * n * n_out, i * n)}, {n_out}, {n_out}, y);"
        for i, part in enumerate(net.parts or ("steps",))
    ]
    link = LINKS[net.activation, net.is_binary].text.substitute(n=n_out)
    return ANSWER.substitute(name=name, products="\n".join(products), link=link)
