"""To Keras."""

import numpy as np

from ._description import describe
from ._optional import needed

# Cells by kind: the layer, its activation, our gates in its order, and its options.
CELLS: dict = {
    "tanh": ("SimpleRNN", "tanh", [0], {}),
    "relu": ("SimpleRNN", "relu", [0], {}),
    "logistic": ("SimpleRNN", "sigmoid", [0], {}),
    "identity": ("SimpleRNN", "linear", [0], {}),
    "gru": ("GRU", "tanh", [1, 0, 2], {"reset_after": True}),
    "gru_reset_before": ("GRU", "tanh", [1, 0, 2], {"reset_after": False}),
    "lstm": ("LSTM", "tanh", [0, 1, 2, 3], {}),
}
# By which the way back knows its models.
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
        A model of standard layers. ``model([X, lengths])`` gives raw outputs, of shape (n,
        n_outputs), or with step targets (n, n_steps, n_outputs): the values of
        ``decision_function`` of a classifier, and of ``predict`` of a regressor, or its
        logarithm with ``loss="poisson"``. X holds sequences that are padded to one length,
        of shape (n, n_steps, n_features), or (n, n_steps) for tokens, and ``lengths`` their
        numbers of steps. A categorical feature holds its numbers, or the positions of text
        in ``categories_``. Dropout applies in training. The weights have the precision of
        the estimator, but Keras computes partly in float32 on backends other than
        TensorFlow.

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
        cls, activation, _, options = CELLS[net.kind]
        how = {"return_sequences": True, "return_state": True, "name": f"layers_{k}"}
        how |= options
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
        codes = ops.minimum(count_below(ops, keys, values), len(e.keys) - 1)
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


def count_below(ops, keys, values):
    """How many of the ascending keys are below each value, by bisection.

    ``searchsorted`` of TensorFlow reads one sequence at a time.
    """
    (n,), count = keys.shape, ops.zeros_like(values, dtype="int32")
    for step in (1 << k for k in reversed(range(n.bit_length()))):
        more = ops.minimum(count + step, n)
        count = ops.where(ops.take(keys, more - 1) < values, more, count)
    return count


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
