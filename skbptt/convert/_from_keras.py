"""From Keras."""

import numpy as np

from ._optional import needed
from ._to_keras import CELLS, NAME, ordered
from ._weights import Given, fitted_with

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


def from_keras(model, estimator, *, classes=None):
    """A fitted estimator with the weights of a model of Keras 3.

    Parameters
    ----------
    model : keras.Model
        As returned by :func:`to_keras`, or a model with an Embedding if it reads tokens,
        one or more layers SimpleRNN, GRU or LSTM, or Bidirectional ones of these, and a
        Dense layer. Dropout and Masking between them are ignored. How the dense layer reads
        the states is determined by the estimator: ``return_sequences=False`` of the last
        recurrent layer is ``readout="last"``.
    estimator : RNNClassifier or RNNRegressor
        Its parameters must be those of the model. It is not changed. If it is fitted, the
        result has its classes, categories and names of features.
    classes : array-like of shape (n_classes,), default=None
        The labels of the outputs in their order, for a classifier that is not fitted. By
        default 0, 1, .... They must be in ascending order.

    Returns
    -------
    estimator : RNNClassifier or RNNRegressor
        A fitted copy. Two outputs for two classes are replaced by their difference.
        Training continues with ``partial_fit``, or with ``warm_start=True`` and ``fit``.

    Raises
    ------
    ImportError
        If Keras is not installed.
    TypeError
        If the model has other layers.
    ValueError
        If a layer has an unsupported option, such as ``go_backwards=True`` or
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
                f"{layer.name} ({kind}) is not a layer that from_keras supports: "
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
    for kind, (name, own, _, options) in CELLS.items():
        alike = all(getattr(side, key, None) == value for key, value in options.items())
        usual = not gates or gates.__name__ == "sigmoid"
        if cls == name and activation == own and usual and alike:
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
