"""Models of ONNX, from a Description."""

import numpy as np

from ._onnx_graph import (
    Graph,
    add_answers,
    add_network,
    add_step,
    labels_of,
)

OPSETS = {"": 17, "ai.onnx.ml": 2}
IR_VERSION = 8


def model_of(onnx, net, stream):
    """The ModelProto of a Description."""
    graph, steps = Graph(), [] if stream else ["n_steps"]
    inputs, categories = features_of(net, steps)
    if stream:
        states = dict(states_of(net))
        raw, after = add_step(graph, net, "X", categories)
        inputs |= states
    else:
        inputs["lengths"] = np.int64, ["n"]
        raw = add_network(graph, net, "X", categories, "lengths")
    if net.classes is None:
        outputs: dict[str, tuple] = {"variable": (np.float32, ["n", *steps, net.n_columns])}
    else:
        outputs = {}
        if not net.has_blank:
            axes = [net.n_columns] if net.is_multilabel else []
            kind = np.int64 if net.is_multilabel else labels_of(net).dtype
            outputs["label"] = kind, ["n", *steps, *axes]
        outputs["probabilities"] = np.float32, ["n", *steps, net.n_columns]
    add_answers(graph, net, raw, [*outputs])
    if stream:
        outputs |= add_next(graph, states, after)
    return written(onnx, graph, inputs, outputs)


def features_of(net, steps):
    """Types and shapes of the features by name, and the names of those of categories."""
    inputs: dict[str, tuple] = {}
    categories = []
    if net.numbers:
        axes = [] if net.univariate else [len(net.numbers)]
        inputs["X"] = np.float32, ["n", *steps, *axes]
    for e in net.embedded:
        name = "X" if net.tokens else e.name
        kind = np.int64 if net.tokens else np.str_ if e.is_text else np.float32
        if name in inputs or name == "lengths":
            raise ValueError(f"to_onnx has another input {name!r}: rename this feature.")
        inputs[name] = kind, ["n", *steps]
        categories.append(name)
    return inputs, categories


def states_of(net):
    """Types and shapes of the states of a stream, by name."""
    for (layer,) in net.layers:
        for state in net.states:
            yield f"{layer.name}.{state}", (np.float32, ["n", layer.n_hidden])
    for part in ("mean", "max"):
        if part in net.parts:
            yield f"{layer.name}.readout.{part}", (np.float32, ["n", layer.n_hidden])
    if "mean" in net.parts:
        yield f"{layer.name}.readout.n_steps", (np.int64, ["n", 1])


def add_next(graph, states, after):
    """Outputs of the next values ``after`` of states."""
    return {
        graph.add("Identity", after[name], outputs=[f"{name}_next"]): own
        for name, own in states.items()
    }


def written(onnx, graph, inputs, outputs):
    """The ModelProto of a graph, from types and shapes of its inputs and outputs."""

    def infos(values):
        return [
            onnx.helper.make_tensor_value_info(name, element(onnx, kind), shape)
            for name, (kind, shape) in values.items()
        ]

    nodes = [
        onnx.helper.make_node(operator, names, made, domain=domain, **attributes)
        for operator, names, made, domain, attributes in graph.nodes
    ]
    weights = [
        onnx.numpy_helper.from_array(value, name) for name, value in graph.constants.items()
    ]
    made = onnx.helper.make_graph(nodes, "skbptt", infos(inputs), infos(outputs), weights)
    opsets = [onnx.helper.make_opsetid(*version) for version in OPSETS.items()]
    model = onnx.helper.make_model(
        made, opset_imports=opsets, ir_version=IR_VERSION, producer_name="skbptt"
    )
    onnx.checker.check_model(model)
    return model


def element(onnx, kind):
    """The type of the elements of a tensor."""
    if np.dtype(kind).kind in "OU":
        return onnx.TensorProto.STRING
    return onnx.helper.np_dtype_to_tensor_dtype(np.dtype(kind))
