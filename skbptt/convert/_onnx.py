"""A fitted network as a model of ONNX."""

import numpy as np
from sklearn.pipeline import Pipeline

from ..estimators import RNNClassifier, RNNRegressor, RNNTranscriber
from ._description import describe
from ._onnx_graph import Graph, add_answers, add_network, add_step, labels_of
from ._optional import needed

OPSETS = {"": 17, "ai.onnx.ml": 2}
IR_VERSION = 8


def to_onnx(estimator, *, stream=False):
    """Convert a fitted estimator to an ONNX model of standard operators in float32.

    Parameters
    ----------
    estimator : RNNClassifier, RNNRegressor, RNNTranscriber or Pipeline
        A fitted estimator, or a pipeline that ends with one. The transformers of a
        pipeline are those that skl2onnx can convert, within
        :class:`~skbptt.preprocessing.TimeDistributed`.
    stream : bool, default=False
        Whether the model reads one step of each sequence, with the states as inputs and
        outputs. This needs an estimator with ``bidirectional=False``.

    Returns
    -------
    model : onnx.ModelProto
        Its inputs:

        - "X" of shape (n, n_steps, n_features), sequences padded with any values to
          one length. For an estimator that was fitted to a 2-D array or to tokens (int64),
          of shape (n, n_steps). With categorical features, it holds only the other
          features, and each categorical feature is an input with its name, of shape (n,
          n_steps), of strings or floats. The missing category is "" or NaN.
        - "lengths" (int64) of shape (n,), the number of steps of each sequence.

        Its outputs are those of skl2onnx: "label" and "probabilities" of a classifier,
        and "variable" of a regressor, of shape (n, n_outputs). With step targets they have
        an axis of steps after the first, and are meaningless where X is padding. A
        transcriber has only "probabilities", at each step: those of ``classes_``, and
        then of the blank. The best path is their argmax, without repetitions and blanks.

        With ``stream=True`` the inputs have no axis of steps, there are no lengths, and
        there is an input for each name in :attr:`Stream.state <skbptt.Stream.state>`, whose
        next value is the output with "_next" after this name.

    Raises
    ------
    ImportError
        If onnx, or skl2onnx for a pipeline, is not installed.
    TypeError
        If the estimator or its cell cannot be expressed.
    ValueError
        If ``stream=True``, and the network reads sequences in both directions.

    Examples
    --------
    >>> import numpy as np
    >>> import onnxruntime
    >>> from skbptt import RNNRegressor
    >>> from skbptt.convert import to_onnx
    >>> X = np.random.default_rng(0).normal(size=(50, 8, 3)).astype(np.float32)
    >>> model = RNNRegressor(4, max_iter=5, random_state=0).fit(X, X[:, :, 0].sum(axis=1))
    >>> session = onnxruntime.InferenceSession(to_onnx(model).SerializeToString())
    >>> (y,) = session.run(None, {"X": X, "lengths": np.full(50, 8)})
    >>> bool(np.allclose(y[:, 0], model.predict(X), atol=1e-5))
    True
    """
    if isinstance(estimator, Pipeline):
        if stream:
            raise ValueError(
                "stream=True needs an estimator, not a pipeline: export the last step, and "
                "transform each step before."
            )
        needed("skl2onnx", "to_onnx of a pipeline")
        from ._skl2onnx import pipeline_to_onnx

        return pipeline_to_onnx(estimator)
    onnx = needed("onnx", "to_onnx")
    net = describe(estimator, "to_onnx", (RNNClassifier, RNNRegressor, RNNTranscriber))
    if stream and len(net.layers[0]) > 1:
        raise ValueError(
            "stream=True needs a network that reads sequences step by step. Got "
            "bidirectional=True."
        )
    return model_of(onnx, net, stream)


def model_of(onnx, net, stream):
    """The ModelProto of a Description."""
    graph, steps = Graph(), [] if stream else ["n_steps"]
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
    if stream:
        states = dict(states_of(net))
        raw, after = add_step(graph, net, "X", categories, {name: name for name in states})
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
        for name, own in states.items():
            graph.add("Identity", after[name], outputs=[f"{name}_next"])
            outputs[f"{name}_next"] = own

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


def element(onnx, kind):
    """The type of the elements of a tensor."""
    if np.dtype(kind).kind in "OU":
        return onnx.TensorProto.STRING
    return onnx.helper.np_dtype_to_tensor_dtype(np.dtype(kind))


def register_skl2onnx():
    """Register converters with skl2onnx, for its conversion of pipelines and
    meta-estimators.

    :func:`to_onnx` of a pipeline needs no registration. Without an input "lengths" all
    sequences have as many steps as the array.

    Raises
    ------
    ImportError
        If skl2onnx is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> import skl2onnx
    >>> from skbptt import RNNRegressor
    >>> from skbptt.convert import register_skl2onnx
    >>> X = np.random.default_rng(0).normal(size=(50, 8, 3)).astype(np.float32)
    >>> model = RNNRegressor(4, max_iter=5, random_state=0).fit(X, X[:, :, 0].sum(axis=1))
    >>> register_skl2onnx()
    >>> [output.name for output in skl2onnx.to_onnx(model, X).graph.output]
    ['variable']
    """
    needed("skl2onnx", "register_skl2onnx")
    from ._skl2onnx import register

    register()
