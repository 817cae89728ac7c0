"""A fitted network as plain values, from which every exporter writes."""

from typing import NamedTuple

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ..data import missing, names_of
from ..estimators import RNNClassifier, RNNRegressor, RNNTranslator
from ..loops import READOUTS, kind_of

KINDS = {
    "ElmanCell": ("tanh", "relu", "logistic", "identity"),
    "GRUCell": ("gru", "gru_reset_before"),
    "LSTMCell": ("lstm",),
    "LEMCell": ("lem",),
}
USUAL = ("ElmanCell", "GRUCell", "LSTMCell")


class Embedded(NamedTuple):
    """A categorical feature and the learned vectors of its categories.

    Attributes
    ----------
    name : str
    column : int
        Of the features.
    values : ndarray of shape (n_values,)
        The categories in ascending order, without the missing one: numbers, or str.
    W : ndarray of shape (n_categories, dim)
        Their vectors. That of the missing category, if there is one, is the last.
    """

    name: str
    column: int
    values: np.ndarray
    W: np.ndarray

    @property
    def is_text(self):
        return self.values.dtype.kind == "U"

    @property
    def keys(self):
        """The numbers that stand for the categories: themselves, or positions of text."""
        if not len(self.values):
            return np.array([np.finfo(np.float32).max])  # none equals it
        return np.arange(len(self.values)) if self.is_text else self.values

    @property
    def missing(self):
        """The position of the missing category, or -1 for that of an unknown one."""
        return len(self.values) if len(self.W) > len(self.values) else -1


class Recurrence(NamedTuple):
    """One layer in one direction.

    Attributes
    ----------
    name : str
        As in ``weights_``.
    weights : dict of str to ndarray
        W, R, b and, for the GRU with the reset gate after the product, b_n.
    start : dict of str to ndarray of shape (n_hidden,)
        The initial states, by name.
    learned : bool
        Whether these are parameters.
    """

    name: str
    weights: dict
    start: dict
    learned: bool

    @property
    def n_in(self):
        return len(self.weights["W"])

    @property
    def n_hidden(self):
        return len(self.weights["R"])


class Decoder(NamedTuple):
    """What a translator has besides its encoder and its output layer.

    Attributes
    ----------
    labels : ndarray of shape (n_classes + 1, dim)
        Vectors of the labels, and of the start.
    layers : list of list of Recurrence
    bridges : dict of str to (ndarray, ndarray)
        W and b from the last state of the encoder to each state, by the name of this.
    attention : ndarray of shape (n_decoder, n_encoder), or None
    combine : (ndarray, ndarray), or None
        W and b after the attention.
    """

    labels: np.ndarray
    layers: list
    bridges: dict
    attention: np.ndarray | None
    combine: tuple | None


class Description(NamedTuple):
    """A fitted network: what it reads, its layers, and what its outputs mean.

    The first layer reads the numbers, and then the vectors of the embedded features.

    Attributes
    ----------
    feature_names : list of str
    numbers : list of int
        Columns of the features that are numbers.
    embedded : list of Embedded
    univariate, tokens : bool
        Whether a step is one number, or one id, without an axis of features.
    kind : str
        The cell, a value of KINDS.
    constant : float
        A number that the cell reads: the longest time step of LEM.
    layers : list of list of Recurrence
        From the input up; the forward direction first.
    parts : tuple of str
        Of the readout; () for an output at each step.
    dropout : float
    W, b : ndarrays of shape (n_in, n_outputs) and (n_outputs,)
        The output layer. It reads the parts of the readout one after the other, each of
        both directions.
    activation : {"identity", "exp", "logistic", "softmax"}
    classes : ndarray or None
        None for a regressor.
    is_flat : bool
        Whether a prediction is one value, without an axis of outputs.
    decoder : Decoder or None
        Of a translator, of which the layers are the encoder.
    """

    feature_names: list
    numbers: list
    embedded: list
    univariate: bool
    tokens: bool
    kind: str
    constant: float
    layers: list
    parts: tuple
    dropout: float
    W: np.ndarray
    b: np.ndarray
    activation: str
    classes: np.ndarray | None
    is_flat: bool
    decoder: Decoder | None

    @property
    def states(self):
        """Names of the states of the cell; the first is its output."""
        return list(self.layers[0][0].start)

    @property
    def is_binary(self):
        """Whether there is one output for two classes."""
        return self.classes is not None and self.is_flat and len(self.b) == 1

    @property
    def is_multilabel(self):
        return self.classes is not None and not self.is_flat

    @property
    def has_blank(self):
        """Whether the last output is the blank of a transcriber."""
        return self.classes is not None and len(self.b) > len(self.classes)

    @property
    def n_columns(self):
        """Number of predictions or probabilities that an answer has."""
        return 2 if self.is_binary else len(self.b)


def describe(estimator, function, known=(RNNClassifier, RNNRegressor), cells=USUAL):
    """The Description of a fitted estimator, of one of the ``known`` classes.

    ``cells`` are keys of KINDS.

    Raises
    ------
    TypeError
        If ``function``, the name of an exporter, has no way to express the estimator, its
        cell or its loss.
    """
    if not isinstance(estimator, known):
        *others, last = (cls.__name__ for cls in known)
        raise TypeError(
            f"{function} needs a fitted {', '.join(others)} or {last}. Got "
            f"{type(estimator).__name__}."
        )
    check_is_fitted(estimator)
    network, weights = estimator._network, estimator.weights_
    kind = kind_of(network.cell)
    if not any(kind in KINDS[name] for name in cells):
        *others, last = cells
        raise TypeError(
            f"{function} supports {', '.join(others)} and {last} of skbptt.cells. Got "
            f"cell={network.cell!r}."
        )
    if estimator._loss.n_raw > 1:
        raise TypeError(
            f"{function} supports losses with one output for each target. Got "
            f"loss={estimator.loss!r}."
        )
    for name, values in weights.items():
        if not np.isfinite(values).all():
            raise ValueError(f"{function} needs finite weights, but {name} is not.")
    has_decoder = isinstance(estimator, RNNTranslator)
    own = within(weights, "encoder.") if has_decoder else weights
    columns = [column for column, _, _ in network.embeddings.values()]
    embedded = [
        Embedded(name, column, values_of(categories), own[f"embedding.{name}.W"])
        for (name, (column, _, _)), categories in zip(
            network.embeddings.items(), estimator.categories_
        )
    ]
    sides = ("forward", "backward") if network.bidirectional else ("forward",)
    return Description(
        feature_names=[str(name) for name in names_of(estimator)],
        numbers=[k for k in range(network.n_features) if k not in columns],
        embedded=embedded,
        univariate=estimator._univariate,
        tokens=estimator._tokens,
        kind=kind,
        constant=network.cell._constant,
        layers=stack(network, own, sides),
        parts=READOUTS[network.readout] if network.readout else (),
        dropout=network.dropout,
        W=weights["output.W"],
        b=weights["output.b"],
        activation=estimator.out_activation_,
        classes=getattr(estimator, "classes_", None),
        is_flat=getattr(estimator, "_n_columns", None) is None,
        decoder=decoder(network, weights) if has_decoder else None,
    )


def values_of(categories):
    """Categories without the missing one, as numbers or text."""
    known = categories[~missing(categories)]
    is_text = len(known) > 0 and isinstance(known[0], str)
    return np.array(known.tolist(), dtype=str if is_text else float)


def within(weights, part):
    """The weights of a part of a network, by their names there."""
    return {
        name.removeprefix(part): values
        for name, values in weights.items()
        if name.startswith(part)
    }


def stack(network, weights, sides):
    """Recurrent layers that read in the directions ``sides``."""
    return [
        [recurrence(f"layers.{k}.{side}", network.cell, weights, size) for side in sides]
        for k, size in enumerate(network.sizes)
    ]


def recurrence(name, cell, weights, size):
    own = {key: weights[f"{name}.{key}"] for key in ("W", "R", "b", *cell.vectors)}
    names = {state: f"{name}.{state}_0" for state in cell.states}
    start = {state: weights.get(key, np.zeros(size)) for state, key in names.items()}
    return Recurrence(name, own, start, any(key in weights for key in names.values()))


def decoder(network, weights):
    """The Decoder of a translator."""

    def dense(name):
        return weights[f"{name}.W"], weights[f"{name}.b"]

    own = within(weights, "decoder.")
    return Decoder(
        labels=own["embedding.W"],
        layers=stack(network, own, ("forward",)),
        bridges={
            f"layers.{k}.forward.{state}": dense(f"bridge.{k}.{state}")
            for k in range(len(network.sizes))
            for state in network.cell.states
        },
        attention=weights.get("attention.W"),
        combine=dense("combine") if "attention.W" in weights else None,
    )
