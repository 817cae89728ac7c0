"""A fitted estimator with weights from elsewhere."""

import warnings
from typing import NamedTuple

import numpy as np
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from ..estimators import BaseRNN, RNNClassifier, RNNRegressor, check_parameters
from ..loops import kind_of
from ..losses import Units


class Given(NamedTuple):
    """The description of a network in another library.

    Attributes
    ----------
    function : str
        The importer, for messages.
    kind : str
        The cell, as in :class:`Description`.
    sizes : tuple of int
    bidirectional : bool
    n_in : int
        What the first layer reads.
    weights : dict of str to ndarray
        Those of the recurrent layers, by our names.
    W, b : ndarray
        The output layer.
    embeddings : list of ndarray
    by_position : bool
        Whether rows of embeddings are positions in ``categories_``, and not ids.
    """

    function: str
    kind: str
    sizes: tuple
    bidirectional: bool
    n_in: int
    weights: dict
    W: np.ndarray
    b: np.ndarray
    embeddings: list
    by_position: bool


def from_weights(weights, estimator):
    """Return a fitted estimator with other weights, such as pretrained word vectors.

    Parameters
    ----------
    weights : dict of str to array-like
        New weights by the names in ``weights_``, with the same shapes. Other weights are
        kept.
    estimator : RNNClassifier, RNNRegressor, RNNTranscriber or RNNTranslator
        A fitted estimator, which is not changed.

    Returns
    -------
    estimator : object
        A fitted copy. Training continues from the new weights, with ``partial_fit``, or
        with ``warm_start=True`` and ``fit``.

    Raises
    ------
    TypeError
        If ``estimator`` is not one of this package.
    ValueError
        If a name is unknown, or if values have another shape or are not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from skbptt import RNNRegressor
    >>> from skbptt.convert import from_weights
    >>> X = np.random.default_rng(0).normal(size=(50, 8, 2))
    >>> model = RNNRegressor(4, max_iter=5, random_state=0).fit(X, X[:, :, 0].sum(axis=1))
    >>> constant = from_weights({"output.W": np.zeros((12, 1)), "output.b": [3.0]}, model)
    >>> constant.predict(X[:2])
    array([3., 3.])
    """
    if not isinstance(estimator, BaseRNN):
        raise TypeError(f"estimator must be one of skbptt. Got {type(estimator).__name__}.")
    check_is_fitted(estimator)
    dtype = estimator._theta.dtype
    given = {name: np.asarray(values, dtype) for name, values in weights.items()}
    return estimator._begun({**estimator.weights_, **given})


def fitted_with(given, estimator, classes):
    """A fitted copy of an estimator with given weights."""
    if not isinstance(estimator, (RNNClassifier, RNNRegressor)):
        raise TypeError(
            "estimator must be an RNNClassifier or RNNRegressor. Got "
            f"{type(estimator).__name__}."
        )
    if not hasattr(estimator, "_theta"):
        estimator = described(given, estimator, classes)
    elif classes is not None:
        raise ValueError("classes are for an estimator that is not fitted. This one is.")
    network = estimator._network
    for name, ours, theirs in (
        ("cell", kind_of(network.cell), given.kind),
        ("hidden_layer_sizes", network.sizes, given.sizes),
        ("bidirectional", network.bidirectional, given.bidirectional),
    ):
        if ours != theirs:
            raise ValueError(
                f"estimator must be like the network that {given.function} reads, whose "
                f"{name} is {theirs!r}. Got {ours!r}."
            )
    W, b = given.W, given.b
    if W.shape[1] == 2 and network.n_outputs == 1 and isinstance(estimator, RNNClassifier):
        W, b = W[:, 1:] - W[:, :1], b[1:] - b[:1]
    weights = given.weights | {"output.W": W, "output.b": b}
    return estimator._begun(weights | embeddings_of(given, estimator))


def embeddings_of(given, estimator):
    """The vectors of the categories that an estimator knows, by name."""
    names = [f"embedding.{name}.W" for name in estimator._network.embeddings]
    if len(names) != len(given.embeddings):
        raise ValueError(
            f"estimator reads {len(names)} categorical features, but the network that "
            f"{given.function} reads has {len(given.embeddings)} embeddings."
        )
    if given.by_position:
        return dict(zip(names, given.embeddings))
    if names and not estimator._tokens:
        raise ValueError(f"{given.function} reads embeddings of tokens only.")
    found = {}
    for name, W, ids in zip(names, given.embeddings, estimator.categories_):
        if ids.max() >= len(W):
            raise ValueError(
                f"estimator knows the token {ids.max()}, but the embedding has {len(W)} "
                "rows."
            )
        found[name] = W[ids.astype(int)]
    return found


def described(given, estimator, classes):
    """A copy of an estimator that knows its network, as if from data, but no weights.

    It reads the smallest data that have the features and targets of the network.
    """
    model = clone(estimator)
    check_parameters(model)
    dtype = given.W.dtype
    is_classifier = isinstance(model, RNNClassifier)
    n_outputs = len(given.b)
    if is_classifier:
        classes = np.arange(max(2, n_outputs)) if classes is None else np.asarray(classes)
        if len(classes) != max(2, n_outputs) or (np.unique(classes) != classes).any():
            raise ValueError(
                f"classes must be {max(2, n_outputs)} labels in ascending order, as the "
                f"network has {n_outputs} outputs. Got {classes}."
            )
    elif classes is not None:
        raise ValueError("classes are for an RNNClassifier.")
    n = len(classes) if is_classifier else 2
    lengths = [2, *[1] * (n - 1)]
    if given.by_position and given.embeddings:
        raise ValueError(
            f"{given.function} needs the fitted estimator: this network reads categories, "
            "which the estimator knows."
        )
    if given.embeddings:
        # Ids of four bytes go with weights of four bytes.
        ids = np.arange(len(given.embeddings[0]), dtype=f"i{dtype.itemsize}")
        X = [ids, *[ids[:1]] * (n - 1)]
        lengths[0] = len(ids)
        model.embedding_dim = given.embeddings[0].shape[1]
    else:
        X = [np.zeros((length, given.n_in), dtype) for length in lengths]
    y = classes if is_classifier else np.zeros((n, n_outputs) if n_outputs > 1 else n)
    if model.return_sequences:
        y = [np.repeat(y[i : i + 1], length, axis=0) for i, length in enumerate(lengths)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is odd about such data
        spec = model._make_spec()
        model._read(X, y, None, spec, known=False)
    model._spec, model._units = spec, Units()
    model._network = model._make_network(spec)
    return model
