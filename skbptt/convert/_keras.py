"""To Keras, and back."""

import numpy as np

from ._description import describe
from ._optional import needed
from ._weights import Given, fitted_with

# Cells by kind: the layer, its activation, and our gates in its order.
CELLS: dict = {
    "tanh": ("SimpleRNN", "tanh", [0]),
    "relu": ("SimpleRNN", "relu", [0]),
    "logistic": ("SimpleRNN", "sigmoid", [0]),
    "identity": ("SimpleRNN", "linear", [0]),
    "gru": ("GRU", "tanh", [1, 0, 2]),
    "lstm": ("LSTM", "tanh", [0, 1, 2, 3]),
}
RECURRENT = ("SimpleRNN", "GRU", "LSTM")
PASSING = ("InputLayer", "Dropout", "SpatialDropout1D", "Masking")
KNOWN = (*RECURRENT, "Bidirectional", "Dense", "Embedding", *PASSING)

# Activations of the last layer, by our names.
LINKS = {
    "identity": "linear",
    "exp": "exponential",
    "logistic": "sigmoid",
    "softmax": "softmax",
}
NAME = "skbptt_network"


def to_keras(estimator):
    """The network of a fitted estimator as a model of Keras 3, on any backend.

    Parameters
    ----------
    estimator : RNNClassifier or RNNRegressor
        A fitted estimator.

    Returns
    -------
    model : keras.Model
        A model of standard layers. ``model([X, lengths])`` gives raw outputs, of shape
        (n, n_outputs), or with step targets (n, n_steps, n_outputs): what
        ``decision_function`` of a classifier gives, and ``predict`` of a regressor, or its
        logarithm with ``loss="poisson"``. X holds sequences that are padded to one length,
        of shape (n, n_steps, n_features), or (n, n_steps) for tokens, and ``lengths`` their
        numbers of steps. A categorical feature holds its numbers, or the positions of text
        in ``categories_``. Dropout applies in training. The weights have the precision
        of the estimator, but Keras computes in float32 on backends other than TensorFlow.

    Raises
    ------
    ImportError
        If Keras is not installed.
    TypeError
        If the estimator or its cell cannot be expressed.

    Examples
    --------
    >>> import numpy as np
    >>> from skbptt import RNNRegressor
    >>> from skbptt.convert import to_keras
    >>> X = np.random.default_rng(0).normal(size=(50, 8, 3))
    >>> model = RNNRegressor(4, max_iter=5, random_state=0).fit(X, X[:, :, 0].sum(axis=1))
    >>> network = to_keras(model)
    >>> y = network.predict([X, np.full(50, 8)], verbose=0)
    >>> bool(np.allclose(y[:, 0], model.predict(X)))
    True
    """
    keras = needed("keras", "to_keras")
    net = describe(estimator, "to_keras")
    layers, ops, dtype = keras.layers, keras.ops, str(net.W.dtype)
    shape = (None,) if net.tokens else (None, len(net.feature_names))
    x = keras.Input(shape, name="X", dtype="int64" if net.tokens else dtype)
    lengths = keras.Input((), name="lengths", dtype="int32")
    inputs = [x, lengths]
    weights: dict = {}
    one = ops.ones_like(x if net.tokens else x[..., 0], dtype="int32")
    mask = ops.cumsum(one, axis=1) <= ops.expand_dims(lengths, 1)
    if net.embedded:
        x = features(keras, net, x, dtype, weights)
    for k, layer in enumerate(net.layers):
        starts = []
        for side in layer if layer[0].learned else ():
            for state, start in side.start.items():
                # A table of one row, which all sequences read.
                name = f"{side.name}.{state}_0".replace(".", "_")
                table = layers.Embedding(1, len(start), name=name, dtype=dtype)
                starts.append(table(ops.zeros_like(lengths)))
                weights[table] = [start[np.newaxis]]
        cls, activation, _ = CELLS[net.kind]
        how = {"return_sequences": True, "return_state": True, "name": f"layers_{k}"}
        own = getattr(layers, cls)(
            layer[0].n_hidden, activation=activation, dtype=dtype, **how
        )
        if len(layer) > 1:
            own = layers.Bidirectional(own, name=f"both_{k}", dtype=dtype)
        y, *last = own(x, mask=mask, initial_state=starts or None)
        weights[own] = [array for side in layer for array in arrays_of(net, side)]
        x = dropped(layers, net, y)
    if net.parts:
        there = ops.expand_dims(mask, -1)
        parts = {
            "last": lambda: ops.concatenate(last[:: len(net.states)], axis=-1),
            "mean": lambda: (
                ops.sum(ops.where(there, y, 0.0), axis=1)
                / ops.cast(ops.expand_dims(lengths, 1), dtype)
            ),
            "max": lambda: ops.max(ops.where(there, y, -np.inf), axis=1),
        }
        s = ops.stack([parts[part]() for part in net.parts], axis=1)
        x = layers.Flatten(dtype=dtype)(dropped(layers, net, s))
    output = layers.Dense(len(net.b), name="output", dtype=dtype)
    weights[output] = [net.W, net.b]
    model = keras.Model(inputs, output(x), name=NAME)
    for own, arrays in weights.items():
        own.set_weights(arrays)
    return model


def features(keras, net, x, dtype, weights):
    """Numbers, and the vectors of categories; zeros for one that is unknown."""
    ops, vectors = keras.ops, []
    for k, e in enumerate(net.embedded):
        values = x if net.tokens else x[..., e.column]
        keys = ops.convert_to_tensor(e.keys.astype(x.dtype))
        codes = ops.clip(ops.searchsorted(keys, values), 0, len(e.keys) - 1)
        known = ops.equal(ops.take(keys, codes), values)
        if e.missing >= 0:
            missing = ops.isnan(values)
            codes = ops.where(missing, e.missing, codes)
            known = ops.logical_or(known, missing)
        table = keras.layers.Embedding(*e.W.shape, name=f"embedding_{k}", dtype=dtype)
        vector = table(codes)
        weights[table] = [e.W]
        vectors.append(vector * ops.cast(ops.expand_dims(known, -1), dtype))
    vectors = vectors[0] if len(vectors) == 1 else ops.concatenate(vectors, axis=-1)
    vectors = dropped(keras.layers, net, vectors)
    if not net.numbers:
        return vectors
    numbers = ops.take(x, np.array(net.numbers), axis=-1)
    return ops.concatenate([numbers, vectors], axis=-1)


def dropped(layers, net, x):
    """Dropout of the same units at all steps of a sequence."""
    return layers.SpatialDropout1D(net.dropout, dtype=x.dtype)(x) if net.dropout else x


def arrays_of(net, side):
    """The weights of one direction as a layer wants them."""
    order = CELLS[net.kind][2]
    W, R, b = (ordered(side.weights[name], order) for name in ("W", "R", "b"))
    if net.kind == "gru":
        recurrent = np.zeros_like(b)
        recurrent[-side.n_hidden :] = side.weights["b_n"]
        b = np.stack([b, recurrent])
    return [W, R, b]


def ordered(array, order):
    """An array with its gates in another order."""
    blocks = np.split(array, len(order), axis=-1)
    return np.concatenate([blocks[k] for k in order], axis=-1)


def from_keras(model, estimator, *, classes=None):
    """A fitted estimator with the weights of a model of Keras 3.

    Parameters
    ----------
    model : keras.Model
        What :func:`to_keras` gives, or a model with an Embedding if it reads tokens, one or
        more layers SimpleRNN, GRU or LSTM, or Bidirectional ones of these, and a Dense
        layer. Dropout and Masking between them count for nothing. How the dense layer reads
        the states is for the estimator to say: ``return_sequences=False`` of the last
        recurrent layer is ``readout="last"``.
    estimator : RNNClassifier or RNNRegressor
        Its parameters must be those of the model. It stays as it is. If it is fitted, the
        result has its classes, categories and names of features.
    classes : array-like of shape (n_classes,), default=None
        The labels of the outputs in their order, for a classifier that is not fitted. By
        default 0, 1, .... They must ascend.

    Returns
    -------
    estimator : RNNClassifier or RNNRegressor
        A fitted copy. Of two outputs for two classes it keeps the difference. Training
        goes on with ``partial_fit``, or with ``warm_start=True`` and ``fit``.

    Raises
    ------
    ImportError
        If Keras is not installed.
    TypeError
        If the model has other layers.
    ValueError
        If a layer does what the package does not, such as ``reset_after=False`` or
        ``recurrent_dropout``, or if the model and the estimator do not have the same cell,
        sizes or directions.

    Examples
    --------
    >>> import keras
    >>> import numpy as np
    >>> from skbptt import RNNRegressor
    >>> from skbptt.convert import from_keras
    >>> layers = keras.Input((None, 3)), keras.layers.LSTM(16), keras.layers.Dense(1)
    >>> network = keras.Sequential(layers)
    >>> model = from_keras(network, RNNRegressor(16, cell="lstm", readout="last"))
    >>> model.predict(np.zeros((5, 8, 3))).shape
    (5,)
    """
    keras = needed("keras", "from_keras")
    if not isinstance(model, keras.Model):
        raise TypeError(f"model must be a keras.Model. Got {type(model).__name__}.")
    is_own = model.name == NAME
    recurrent, dense, embeddings, starts = parts_of(model, is_own)
    weights: dict[str, np.ndarray] = {}
    sides = [sides_of(layer) for layer in recurrent]
    kinds = {kind_of_layer(side) for layer in sides for side in layer}
    if len(kinds) > 1 or len({len(layer) for layer in sides}) > 1:
        raise ValueError(
            "The recurrent layers of model must be of one type and activation, and read "
            "one direction or both."
        )
    (kind,) = kinds
    for k, layer in enumerate(sides):
        for side, name in zip(layer, ("forward", "backward")):
            own = weights_of(side, kind)
            weights |= {f"layers.{k}.{name}.{key}": array for key, array in own.items()}
    weights |= starts
    W, *b = dense.get_weights()
    given = Given(
        function="from_keras",
        kind=kind,
        sizes=tuple(layer[0].units for layer in sides),
        bidirectional=len(sides[0]) > 1,
        n_in=len(weights["layers.0.forward.W"]),
        weights=weights,
        W=W,
        b=b[0] if b else np.zeros(W.shape[1], W.dtype),
        embeddings=[layer.get_weights()[0] for layer in embeddings],
        by_position=is_own,
    )
    fitted = fitted_with(given, estimator, classes)
    link = LINKS[fitted.out_activation_]
    allowed = {"linear", "softmax" if len(given.b) == 2 and link == "sigmoid" else link}
    if dense.activation.__name__ not in allowed:
        raise ValueError(
            f"The activation of {dense.name} must be one of {sorted(allowed)} for this "
            f"estimator. Got {dense.activation.__name__!r}."
        )
    return fitted


def parts_of(model, is_own):
    """Recurrent layers, the dense layer, embeddings, and initial states by name."""
    recurrent, dense, embeddings = [], [], []
    starts: dict[str, np.ndarray] = {}
    layers = model.layers if is_own else getattr(model, "operations", model.layers)
    for layer in layers:
        kind = type(layer).__name__
        if kind in (*RECURRENT, "Bidirectional"):
            recurrent.append(layer)
        elif kind == "Dense":
            dense.append(layer)
        elif kind == "Embedding" and is_own and layer.name.startswith("layers_"):
            _, k, side, state, _ = layer.name.split("_")
            starts[f"layers.{k}.{side}.{state}_0"] = layer.get_weights()[0][0]
        elif kind == "Embedding":
            embeddings.append(layer)
        elif kind not in PASSING and not is_own:
            raise TypeError(
                f"{layer.name} ({kind}) is a layer that from_keras does not know. It knows "
                f"{', '.join(KNOWN)}."
            )
    if not recurrent or len(dense) != 1:
        raise TypeError(
            "model must have recurrent layers and one Dense. Got "
            f"{len(recurrent)} recurrent and {len(dense)} Dense."
        )
    return recurrent, dense[0], embeddings, starts


def sides_of(layer):
    """The layers of the directions of a recurrent layer."""
    sides = [layer]
    if type(layer).__name__ == "Bidirectional":
        if layer.merge_mode != "concat":
            raise ValueError(f"{layer.name} must have merge_mode='concat'.")
        sides = [layer.forward_layer, layer.backward_layer]
    for k, side in enumerate(sides):
        if type(side).__name__ not in RECURRENT:
            raise TypeError(f"{layer.name} has a layer {type(side).__name__}.")
        expected = {
            "reset_after": True,
            "recurrent_dropout": 0,
            "dropout": 0,
            "go_backwards": k == 1,
        }
        for name, value in expected.items():
            if getattr(side, name, value) != value:
                raise ValueError(
                    f"{side.name} must have {name}={value!r}. Got {getattr(side, name)!r}."
                )
    return sides


def kind_of_layer(side):
    """The kind of a layer."""
    cls, activation = type(side).__name__, side.activation.__name__
    gates = getattr(side, "recurrent_activation", None)
    for kind, (name, own, _) in CELLS.items():
        if cls == name and activation == own and (not gates or gates.__name__ == "sigmoid"):
            return kind
    raise ValueError(
        f"{side.name} has the activation {activation!r}"
        + (f" and the recurrent activation {gates.__name__!r}." if gates else ".")
    )


def weights_of(side, kind):
    """W, R, b and b_n of one direction of a layer."""
    W, R, *b = side.get_weights()
    order = np.argsort(CELLS[kind][2])
    bias = b[0] if b else np.zeros(W.shape[1], W.dtype)
    if kind != "gru":
        return {"W": ordered(W, order), "R": ordered(R, order), "b": ordered(bias, order)}
    bias, recurrent = ordered(bias, order) if b else np.zeros((2, W.shape[1]), W.dtype)
    gates = 2 * side.units
    bias[:gates] += recurrent[:gates]
    return {
        "W": ordered(W, order),
        "R": ordered(R, order),
        "b": bias,
        "b_n": recurrent[gates:],
    }
