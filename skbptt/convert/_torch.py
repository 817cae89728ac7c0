"""To PyTorch, and back."""

import numpy as np

from ._description import describe
from ._optional import needed
from ._weights import Given, fitted_with


def to_torch(estimator):
    """The network of a fitted estimator as a module of PyTorch.

    Parameters
    ----------
    estimator : RNNClassifier or RNNRegressor
        A fitted estimator.

    Returns
    -------
    module : torch.nn.Module
        ``module(x, lengths)`` gives raw outputs, of shape (n, n_outputs), or with step
        targets (n, n_steps, n_outputs): the values of ``decision_function`` of a
        classifier, and of ``predict`` of a regressor, or its logarithm with
        ``loss="poisson"``. ``x`` is a tensor of sequences that are padded to one length, in
        the same form as in fit, and ``lengths`` a tensor of their numbers of steps, or None
        if all are full. A categorical feature holds its numbers, or the positions of text
        in ``categories_``. Dropout applies in training mode.

    Raises
    ------
    ImportError
        If PyTorch is not installed.
    TypeError
        If PyTorch has no such cell, or if the estimator cannot be expressed.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from skbptt import RNNRegressor
    >>> from skbptt.convert import to_torch
    >>> X = np.random.default_rng(0).normal(size=(50, 8, 3))
    >>> model = RNNRegressor(4, max_iter=5, random_state=0).fit(X, X[:, :, 0].sum(axis=1))
    >>> module = to_torch(model)
    >>> bool(np.allclose(module(torch.tensor(X)).detach()[:, 0], model.predict(X)))
    True
    """
    needed("torch", "to_torch")
    from ._torch_module import MODULES, RNNModule

    net = describe(estimator, "to_torch")
    if net.kind not in MODULES:
        raise TypeError(
            f"PyTorch has no layer like cell={estimator._network.cell!r}. Its activations "
            "are 'tanh' and 'relu', and its GRU has reset_after=True."
        )
    return RNNModule(net)


def from_torch(module, estimator, *, classes=None):
    """A fitted estimator with the weights of a module of PyTorch.

    Parameters
    ----------
    module : torch.nn.Module
        As returned by :func:`to_torch`, or a module that has, in this order, an
        ``nn.Embedding`` if it reads tokens, one or more ``nn.RNN``, ``nn.GRU`` or
        ``nn.LSTM``, and an ``nn.Linear``. Dropout modules between them are ignored.
        How the linear layer reads the states is determined by the estimator: with
        ``readout="last"``, it reads the last state, and in both directions
        ``torch.cat([h_n[-2], h_n[-1]], dim=1)``.
    estimator : RNNClassifier or RNNRegressor
        Its parameters must be those of the module. It is not changed. If it is fitted,
        the result has its classes, categories and names of features.
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
        If PyTorch is not installed.
    TypeError
        If the module has other modules, or further parameters.
    ValueError
        If the module and the estimator do not have the same cell, sizes or directions, or
        if the module has projections or dropout between its layers.

    Examples
    --------
    >>> import torch
    >>> from skbptt import RNNRegressor
    >>> from skbptt.convert import from_torch
    >>> module = torch.nn.ModuleList([torch.nn.LSTM(3, 16), torch.nn.Linear(16, 1)])
    >>> model = from_torch(module, RNNRegressor(16, cell="lstm", readout="last"))
    >>> model.predict(torch.zeros(5, 8, 3).numpy()).shape
    (5,)
    """
    torch = needed("torch", "from_torch")
    from ._torch_module import RNNModule

    if not isinstance(module, torch.nn.Module):
        raise TypeError(f"module must be a torch.nn.Module. Got {type(module).__name__}.")
    is_own = isinstance(module, RNNModule)
    layers, linear, embeddings = parts_of(torch.nn, module, is_own)
    weights: dict[str, np.ndarray] = {}
    sizes: list[int] = []
    for layer in layers:
        for k in range(layer.num_layers):
            for side in ("forward", "backward")[: 1 + layer.bidirectional]:
                own = weights_of(layer, k, "_reverse" if side == "backward" else "")
                name = f"layers.{len(sizes)}.{side}."
                weights |= {name + key: array for key, array in own.items()}
            sizes.append(layer.hidden_size)
    if is_own:
        starts = iter(module.starts)
        for start, name in zip(starts, start_names(module, sizes)):
            for side, array in zip(("forward", "backward"), array_of(start)[:, 0]):
                weights[name.format(side)] = array
    given = Given(
        function="from_torch",
        kind=kind_of_layer(layers[0]),
        sizes=tuple(sizes),
        bidirectional=layers[0].bidirectional,
        n_in=layers[0].input_size,
        weights=weights,
        W=array_of(linear.weight).T,
        b=bias_of(linear.bias, linear.out_features),
        embeddings=[array_of(e.weight)[: -1 if is_own else None] for e in embeddings],
        by_position=is_own,
    )
    return fitted_with(given, estimator, classes)


def parts_of(nn, module, is_own):
    """The recurrent layers, the linear layer, and the embeddings of a module."""
    found: dict = {nn.RNN: [], nn.GRU: [], nn.LSTM: [], nn.Linear: [], nn.Embedding: []}
    passing = nn.Identity, nn.Dropout, nn.Dropout1d
    for name, child in module.named_modules():
        kind, own = type(child), [n for n, _ in child.named_parameters(recurse=False)]
        what = f"{name} ({kind.__name__})" if name else kind.__name__
        if kind in found:
            found[kind].append(child)
            if getattr(child, "proj_size", 0):
                raise ValueError(f"{what} has a projection: proj_size={child.proj_size}.")
            if isinstance(child, nn.RNNBase) and child.dropout and child.num_layers > 1:
                raise ValueError(
                    f"{what} has dropout={child.dropout} between its layers, which drops "
                    "other units at each step. Set it to 0; predictions do not change."
                )
        elif kind in passing or is_own or (any(child.children()) and not own):
            continue
        elif own:
            raise TypeError(
                f"{what} has parameters that from_torch does not support: {own}."
            )
        else:
            raise TypeError(
                f"{what} is a module that from_torch does not support. Supported are "
                f"{', '.join(k.__name__ for k in (*found, *passing))}."
            )
    recurrent = [k for k in (nn.RNN, nn.GRU, nn.LSTM) if found[k]]
    if len(recurrent) != 1 or len(found[nn.Linear]) != 1:
        counts = {k.__name__: len(modules) for k, modules in found.items()}
        raise TypeError(
            f"module must have recurrent layers of one type, and one Linear. Got {counts}."
        )
    layers = found[recurrent[0]]
    if len({(kind_of_layer(layer), layer.bidirectional) for layer in layers}) > 1:
        raise ValueError(
            "The recurrent layers of module must all have the same nonlinearity, and read "
            "one direction or both."
        )
    return layers, found[nn.Linear][0], found[nn.Embedding]


def kind_of_layer(layer):
    return getattr(layer, "nonlinearity", layer.mode.lower())


def weights_of(layer, k, suffix):
    """W, R, b and b_n of one direction of a layer."""
    W, R = (array_of(getattr(layer, f"weight_{i}_l{k}{suffix}")).T for i in ("ih", "hh"))
    b, b_R = (
        bias_of(getattr(layer, f"bias_{i}_l{k}{suffix}", None), W.shape[1])
        for i in ("ih", "hh")
    )
    if layer.mode != "GRU":
        return {"W": W, "R": R, "b": b + b_R}
    gates = 2 * layer.hidden_size
    b[:gates] += b_R[:gates]
    return {"W": W, "R": R, "b": b, "b_n": b_R[gates:]}


def start_names(module, sizes):
    states = ("h", "c") if module.kind == "lstm" else ("h",)
    for k in range(len(sizes)):
        for state in states:
            yield f"layers.{k}.{{}}.{state}_0"


def bias_of(parameter, size):
    return np.zeros(size) if parameter is None else array_of(parameter)


def array_of(parameter):
    return parameter.detach().cpu().numpy().copy()
