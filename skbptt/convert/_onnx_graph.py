"""A network as ONNX nodes, for any container of nodes."""

import numpy as np

ML = "ai.onnx.ml"

# Cells by kind: the operator, its attributes, and our gates in its order.
CELLS: dict = {
    "tanh": ("RNN", {"activations": ["Tanh"]}, [0]),
    "relu": ("RNN", {"activations": ["Relu"]}, [0]),
    "logistic": ("RNN", {"activations": ["Sigmoid"]}, [0]),
    "identity": (
        "RNN",
        {"activations": ["Affine"], "activation_alpha": [1.0], "activation_beta": [0.0]},
        [0],
    ),
    "gru": ("GRU", {"linear_before_reset": 1}, [1, 0, 2]),
    "gru_reset_before": ("GRU", {"linear_before_reset": 0}, [1, 0, 2]),
    "lstm": ("LSTM", {}, [0, 3, 1, 2]),
}


class Graph:
    """Nodes and constants under construction.

    Attributes
    ----------
    nodes : list of (str, list of str, list of str, str, dict)
        Operator, names of inputs and outputs, domain and attributes.
    constants : dict of str to ndarray
    """

    def __init__(self, prefix=""):
        self.prefix = prefix
        self.nodes: list = []
        self.constants: dict = {}

    def constant(self, value):
        """The name of a constant; numbers are floats of 32 bits."""
        value = np.asarray(value)
        if value.dtype.kind == "f":
            value = value.astype(np.float32)
        name = f"{self.prefix}constant_{len(self.constants)}"
        self.constants[name] = value
        return name

    def add(self, operator, *inputs, n_outputs=1, outputs=None, domain="", **attributes):
        """Add a node, and return the name of its output, or a list of names.

        Inputs are names, or arrays, which become constants. Outputs are named if
        ``outputs`` does not.
        """
        names = [x if isinstance(x, str) else self.constant(x) for x in inputs]
        made = f"{self.prefix}{operator}_{len(self.nodes)}"
        if outputs is None:
            outputs = [f"{made}_{k}" for k in range(n_outputs)]
        self.nodes.append((operator, names, outputs, domain, attributes))
        return outputs[0] if len(outputs) == 1 else outputs

    def size(self, x, axis):
        """The length of an axis of x, of shape (1,)."""
        return self.add("Gather", self.add("Shape", x), np.array([axis]))

    def reshape(self, x, *shape):
        """x with another shape: -1 for what is left, 0 for the length that it has."""
        return self.add("Reshape", x, np.array(shape))

    def squeeze(self, x, axis):
        return self.add("Squeeze", x, np.array([axis]))

    def unsqueeze(self, x, axis):
        return self.add("Unsqueeze", x, np.array([axis]))


def add_features(graph, net, x, categories):
    """What the first layer reads, from the numbers ``x`` and inputs of categories."""
    parts = [graph.unsqueeze(x, -1) if net.univariate else x] if net.numbers else []
    for e, values in zip(net.embedded, categories):
        # An unknown category has the vector zero, in a last row.
        n, missing = len(e.W), e.missing if e.missing >= 0 else len(e.W)
        W = np.vstack([e.W, np.zeros((1, e.W.shape[1]))])
        how: dict = {"values_int64s": [*range(len(e.keys))], "default_int64": n}
        if e.is_text:
            keys = {"keys_strings": e.values.tolist()}
            if "" not in e.values:
                keys["keys_strings"] += [""]
                how["values_int64s"] = [*range(len(e.keys)), missing]
        elif net.tokens:
            keys = {"keys_int64s": e.keys.astype(np.int64).tolist()}
        else:
            keys = {"keys_floats": e.keys.astype(np.float32).tolist()}
        codes = graph.add("LabelEncoder", values, domain=ML, **keys, **how)
        if not e.is_text and not net.tokens:
            codes = graph.add("Where", graph.add("IsNaN", values), np.array(missing), codes)
        parts.append(graph.add("Gather", W, codes))
    return parts[0] if len(parts) == 1 else graph.add("Concat", *parts, axis=-1)


def add_layer(graph, net, layer, x, lengths, starts):
    """A layer over x of shape (n_steps, n, n_in): its outputs Y, Y_h and, if any, Y_c."""
    operator, attributes, order = CELLS[net.kind]
    weights = [by_gate(side.weights, order) for side in layer]
    W, R, b = (np.stack(arrays) for arrays in zip(*weights))
    if len(layer) > 1:
        attributes = {
            name: 2 * value if isinstance(value, list) else value
            for name, value in attributes.items()
        }
    return graph.add(
        operator,
        *(x, W, R, b, lengths, *starts),
        n_outputs=1 + len(net.states),
        hidden_size=layer[0].n_hidden,
        direction="bidirectional" if len(layer) > 1 else "forward",
        **attributes,
    )


def by_gate(weights, order):
    """W, R and both biases of one direction, as the operators want them."""

    def arranged(array):
        blocks = np.split(array, len(order), axis=-1)
        return np.concatenate([blocks[k] for k in order], axis=-1).T

    recurrent = np.zeros_like(weights["b"])
    if "b_n" in weights:
        recurrent[-len(weights["b_n"]) :] = weights["b_n"]
    b = np.concatenate([arranged(weights["b"]), recurrent])
    return arranged(weights["W"]), arranged(weights["R"]), b


def add_layers(graph, net, x, categories, lengths):
    """The recurrent layers over whole sequences, padded to one length.

    Returns the states of the last layer, of shape (n, n_steps, n_sides * n_hidden), and
    those after the last step that each direction reads, (n_sides, n, n_hidden).
    """
    x = graph.add("Transpose", add_features(graph, net, x, categories), perm=[1, 0, 2])
    n, lengths = graph.size(x, 1), graph.add("Cast", lengths, to=6)  # int32
    for layer in net.layers:
        starts = []
        if layer[0].learned:
            for state in net.states:
                start = np.stack([side.start[state] for side in layer])[:, np.newaxis]
                shape = np.array([1]), n, np.array([1])
                wide = graph.add("Concat", *shape, axis=0)
                starts.append(graph.add("Expand", start, wide))
        y, last, *_ = add_layer(graph, net, layer, x, lengths, starts)
        if len(layer) == 1:
            x = graph.squeeze(y, 1)
        else:
            x = graph.reshape(graph.add("Transpose", y, perm=[0, 2, 1, 3]), 0, 0, -1)
    return graph.add("Transpose", x, perm=[1, 0, 2]), last


def side_by_side(graph, last):
    """States of shape (n_sides, n, n_hidden) as (n, n_sides * n_hidden)."""
    return graph.reshape(graph.add("Transpose", last, perm=[1, 0, 2]), 0, -1)


def add_there(graph, x, lengths):
    """Whether there are steps of x, of shape (n, n_steps, width), as (n, n_steps)."""
    n_steps = graph.squeeze(graph.size(x, 1), 0)
    steps = graph.add("Range", np.array(0), n_steps, np.array(1))
    return graph.add("Less", graph.unsqueeze(steps, 0), graph.unsqueeze(lengths, 1))


def add_network(graph, net, x, categories, lengths):
    """Raw outputs of whole sequences, padded to one length."""
    x, last = add_layers(graph, net, x, categories, lengths)
    if not net.parts:
        return graph.add("Add", graph.add("MatMul", x, net.W), net.b)
    there = graph.unsqueeze(add_there(graph, x, lengths), 2)
    parts = []
    for part in net.parts:
        if part == "last":
            parts.append(side_by_side(graph, last))
        elif part == "mean":
            known = graph.add("Where", there, x, np.array(0.0))
            total = graph.add("ReduceSum", known, np.array([1]), keepdims=0)
            count = graph.add("Cast", graph.unsqueeze(lengths, 1), to=1)  # float
            parts.append(graph.add("Div", total, count))
        else:
            known = graph.add("Where", there, x, np.array(-np.inf))
            known = graph.add("Transpose", known, perm=[0, 2, 1])
            parts.append(graph.squeeze(graph.add("GlobalMaxPool", known), 2))
    return add_output(graph, net, parts)


def add_step_of_layers(graph, net, layers, x):
    """The output of layers at one step x, and their next states by name.

    The graph has inputs of these names, the states before.
    """
    x, after = graph.unsqueeze(x, 0), {}
    for layer in layers:
        (side,) = layer
        names = [f"{side.name}.{own}" for own in net.states]
        starts = [graph.unsqueeze(name, 0) for name in names]
        _, *states = add_layer(graph, net, layer, x, "", starts)
        x = states[0]
        for name, own in zip(names, states):
            after[name] = graph.squeeze(own, 0)
    return after[f"{side.name}.h"], after


def add_attention(graph, W, s, h, lengths):
    """The contexts of decoder states s of shape (n, n_decoder), from encoder states h."""
    q = graph.unsqueeze(graph.add("MatMul", s, W), 2)
    e = graph.squeeze(graph.add("MatMul", h, q), 2)
    e = graph.add("Where", add_there(graph, h, lengths), e, np.array(-np.inf))
    alpha = graph.unsqueeze(graph.add("Softmax", e, axis=-1), 1)
    return graph.squeeze(graph.add("MatMul", alpha, h), 1)


def add_step(graph, net, x, categories):
    """Raw outputs of one step, and the next states by name."""
    x = add_features(graph, net, x, categories)
    h, after = add_step_of_layers(graph, net, net.layers, x)
    parts, prefix = [], f"{net.layers[-1][0].name}.readout"
    for part in net.parts or ("last",):
        name = f"{prefix}.{part}"
        if part == "mean":
            count = graph.add("Add", f"{prefix}.n_steps", np.array([[1]]))
            off = graph.add("Sub", h, name)
            move = graph.add("Div", off, graph.add("Cast", count, to=1))
            after[name] = graph.add("Add", name, move)
            after[f"{prefix}.n_steps"] = count
        elif part == "max":
            after[name] = graph.add("Max", name, h)
        parts.append(after.get(name, h))
    return add_output(graph, net, parts), after


def add_output(graph, net, parts):
    """The output layer, of the parts of a readout."""
    s = parts[0] if len(parts) == 1 else graph.add("Concat", *parts, axis=1)
    return graph.add("Gemm", s, net.W, net.b)


def add_answers(graph, net, raw, outputs):
    """What skl2onnx gives: predictions, or labels and probabilities, by these names.

    A transcriber has no labels.
    """
    if net.classes is None:
        link = "Exp" if net.activation == "exp" else "Identity"
        graph.add(link, raw, outputs=outputs)
        return
    *labels, probabilities = outputs
    if net.is_binary:
        raw = graph.add("Concat", graph.add("Neg", raw), raw, axis=-1)
    if net.activation == "softmax":
        graph.add("Softmax", raw, outputs=[probabilities], axis=-1)
    else:
        graph.add("Sigmoid", raw, outputs=[probabilities])
    if net.is_multilabel:
        right = graph.add("Greater", raw, np.array(0.0))
        graph.add("Cast", right, outputs=labels, to=7)  # int64
    elif labels:
        top = graph.add("ArgMax", raw, axis=-1, keepdims=0)
        graph.add("Gather", labels_of(net), top, outputs=labels)


def labels_of(net):
    """The classes as an array of a type of ONNX: str, int64, float or bool."""
    classes = net.classes
    if classes.dtype.kind in "OU":
        return np.array([str(label) for label in classes], dtype=object)
    return classes.astype(np.int64) if classes.dtype.kind in "iu" else classes
