"""Converters for skl2onnx, with which a pipeline becomes one graph."""

import numpy as np
from onnx.helper import np_dtype_to_tensor_dtype
from skl2onnx import convert_sklearn, update_registered_converter
from skl2onnx.algebra.onnx_operator import OnnxSubEstimator
from skl2onnx.algebra.onnx_ops import OnnxConcat, OnnxReshape, OnnxShape, OnnxSlice
from skl2onnx.common.data_types import (
    BooleanTensorType,
    FloatTensorType,
    Int64TensorType,
    StringTensorType,
)

from ..estimators import RNNClassifier, RNNRegressor
from ..preprocessing import TimeDistributed
from ._description import describe
from ._onnx_graph import Graph, add_answers, add_network, labels_of

TYPES = {"O": StringTensorType, "i": Int64TensorType, "b": BooleanTensorType}


def pipeline_to_onnx(pipeline):
    """A pipeline as a ModelProto, with the inputs of :func:`to_onnx`."""
    register()
    net = describe(pipeline[-1], "to_onnx of a pipeline")
    if net.embedded:
        raise TypeError(
            "to_onnx of a pipeline reads numbers only. Export the last step, which reads "
            f"categories ({', '.join(e.name for e in net.embedded)})."
        )
    n_features = getattr(pipeline[0], "n_features_in_", None)
    univariate = getattr(pipeline[0], "_univariate", False)
    shape = [None, None] if univariate else [None, None, n_features]
    inputs = [("X", FloatTensorType(shape)), ("lengths", Int64TensorType([None]))]
    return convert_sklearn(pipeline, initial_types=inputs)


def register():
    """Make the estimators, and TimeDistributed, known to skl2onnx."""
    for cls, of_type in (
        (TimeDistributed, (shape_of_steps, convert_steps, parse_steps)),
        (RNNClassifier, (shape_of_network, convert_network, parse_classifier)),
        (RNNRegressor, (shape_of_network, convert_network, parse_regressor)),
    ):
        shapes, convert, parse = of_type
        how = {"overwrite": True, "parser": parse}
        if cls is RNNClassifier:
            how["options"] = {"zipmap": [False], "nocl": [True, False]}
        update_registered_converter(cls, f"Skbptt{cls.__name__}", shapes, convert, **how)


# Sequences, whose lengths, if given, are handed on.


def parse_steps(scope, model, inputs, custom_parsers=None):
    operator = scope.declare_local_operator("SkbpttTimeDistributed", model)
    operator.inputs = inputs
    operator.outputs.append(scope.declare_local_variable("steps", FloatTensorType()))
    if len(inputs) > 1:
        lengths = scope.declare_local_variable("lengths_of_steps", Int64TensorType())
        operator.outputs.append(lengths)
    return operator.outputs


def shape_of_steps(operator):
    shape = operator.inputs[0].type.shape
    operator.outputs[0].type = FloatTensorType([*shape[:2], None])
    if len(operator.inputs) > 1:
        operator.outputs[1].type = Int64TensorType([None])


def convert_steps(scope, operator, container):
    model, version = operator.raw_operator, container.target_opset
    how = {"op_version": version}
    x = operator.inputs[0]
    n_features = 1 if model._univariate else model.n_features_in_
    rows = OnnxReshape(x, np.array([-1, n_features], dtype=np.int64), **how)
    inner = OnnxSubEstimator(model.transformer_, rows, **how)
    begin, end, last = (np.array([k], dtype=np.int64) for k in (0, 2, -1))
    shape = OnnxSlice(OnnxShape(x, **how), begin, end, **how)
    shape = OnnxConcat(shape, last, axis=0, **how)
    names = [output.full_name for output in operator.outputs]
    OnnxReshape(inner, shape, output_names=names[:1], **how).add_to(scope, container)
    if len(names) > 1:
        container.add_node("Identity", [operator.inputs[1].full_name], names[1:])


# Networks.


def parse_classifier(scope, model, inputs, custom_parsers=None):
    net = describe(model, "to_onnx")
    kind = "i" if net.is_multilabel else labels_of(net).dtype.kind
    label = TYPES.get(kind, FloatTensorType)()
    return parsed(
        scope, model, inputs, {"label": label, "probabilities": FloatTensorType()}
    )


def parse_regressor(scope, model, inputs, custom_parsers=None):
    return parsed(scope, model, inputs, {"variable": FloatTensorType()})


def parsed(scope, model, inputs, outputs):
    operator = scope.declare_local_operator(f"Skbptt{type(model).__name__}", model)
    operator.inputs = inputs
    for name, kind in outputs.items():
        operator.outputs.append(scope.declare_local_variable(name, kind))
    return operator.outputs


def shape_of_network(operator):
    net = describe(operator.raw_operator, "to_onnx")
    shape = [None] if net.parts else [None, None]
    for output in operator.outputs:
        is_label = output.raw_name == "label" and not net.is_multilabel
        output.type.shape = shape if is_label else [*shape, net.n_columns]


def convert_network(scope, operator, container):
    net = describe(operator.raw_operator, "to_onnx")
    graph = Graph(scope.get_unique_variable_name("skbptt") + "_")
    x, *given = (variable.full_name for variable in operator.inputs)
    if given:
        (lengths,) = given
    else:
        lengths = graph.add("Expand", graph.size(x, 1), graph.size(x, 0))
    categories = [x] if net.tokens else []
    raw = add_network(graph, net, x, categories, lengths)
    add_answers(graph, net, raw, [output.full_name for output in operator.outputs])
    for name, value in graph.constants.items():
        kind = np_dtype_to_tensor_dtype(value.dtype) if value.dtype != object else 8
        container.add_initializer(name, kind, value.shape, value.ravel().tolist())
    for operator_, names, made, domain, attributes in graph.nodes:
        container.add_node(operator_, names, made, op_domain=domain, **attributes)
