"""Models of ONNX, from a Description."""

from typing import Any, NamedTuple

import numpy as np

from ._onnx_graph import (
    Graph,
    add_answers,
    add_attention,
    add_layers,
    add_network,
    add_step,
    add_step_of_layers,
    labels_of,
    side_by_side,
)

OPSETS = {"": 17, "ai.onnx.ml": 2}
IR_VERSION = 8


class TranslatorModels(NamedTuple):
    """A translator as two models, an onnx.ModelProto each."""

    encoder: Any
    decoder: Any


def model_of(onnx, net, stream):
    """The ModelProto of a Description without a decoder."""
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


def translator_models(onnx, net):
    """The TranslatorModels of a Description with a decoder."""
    states: dict[str, tuple] = {
        name: (np.float32, ["n", len(b)]) for name, (_, b) in net.decoder.bridges.items()
    }
    memory: dict[str, tuple] = {}
    if net.decoder.attention is not None:
        width = net.decoder.attention.shape[1]
        memory["encoder_states"] = np.float32, ["n", "n_steps", width]
    return TranslatorModels(
        encoder_of(onnx, net, memory, states), decoder_of(onnx, net, memory, states)
    )


def encoder_of(onnx, net, memory, states):
    """The model of what a decoder with attention reads, and of its first states."""
    graph = Graph()
    inputs, categories = features_of(net, ["n_steps"])
    inputs["lengths"] = np.int64, ["n"]
    h, last = add_layers(graph, net, "X", categories, "lengths")
    for name in memory:
        graph.add("Identity", h, outputs=[name])
    last = side_by_side(graph, last)
    for name, bridge in net.decoder.bridges.items():
        graph.add("Tanh", graph.add("Gemm", last, *bridge), outputs=[name])
    return written(onnx, graph, inputs, memory | states)


def decoder_of(onnx, net, memory, states):
    """The model of one step of the decoder."""
    graph, decoder = Graph(), net.decoder
    inputs: dict[str, tuple] = {"label": (np.int64, ["n"])}
    x = graph.add("Gather", decoder.labels, "label")
    s, after = add_step_of_layers(graph, net, decoder.layers, x)
    if memory:
        inputs |= memory | {"lengths": (np.int64, ["n"])}
        c = add_attention(graph, decoder.attention, s, "encoder_states", "lengths")
        both = graph.add("Concat", c, s, axis=1)
        s = graph.add("Tanh", graph.add("Gemm", both, *decoder.combine))
    raw = graph.add("Gemm", s, net.W, net.b)
    outputs = {"log_probabilities": (np.float32, ["n", len(net.b)])}
    graph.add("LogSoftmax", raw, outputs=[*outputs], axis=-1)
    outputs |= add_next(graph, states, after)
    return written(onnx, graph, inputs | states, outputs)


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
