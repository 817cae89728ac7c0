"""Networks go to PyTorch and come back: same outputs, gradients, and training after it."""

import pickle
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from skbptt import RNNClassifier, RNNRegressor, RNNTranscriber
from skbptt.convert import from_torch, to_torch
from skbptt.inspection import loss_gradient
from tests.converted import (
    LABELS,
    MODELS,
    NUMBERS,
    ORIGINAL,
    TOKENS,
    coded,
    fitted,
    model_of,
    networks,
    of_steps,
    padded,
)
from tests.converted import X as NUMERIC
from tests.fits import quietly

torch = pytest.importorskip("torch", reason="needs the extra 'torch'")
nn = torch.nn

TOLERANCES = {np.dtype(np.float64): 1e-10, np.dtype(np.float32): 1e-5}
UNKNOWN = ("elman-logistic", "elman-identity", "gru-reset-before")
KNOWN = [name for name in MODELS if name not in UNKNOWN]


def raw_of(model, X):
    """Raw outputs of the estimator, of all steps or of sequences."""
    raw, _ = model._raw(X)
    return raw


def outputs_of(module, model, X):
    """Those of the module, for sequences that are padded."""
    array, lengths = padded(coded(model, X), 0.5)
    if model._tokens:
        array = array[..., 0].astype(np.int64)
    else:
        array = array.astype(model._theta.dtype)
    if model._univariate and not model._tokens:
        array = array[..., 0]
    raw = module(torch.tensor(array), torch.tensor(lengths))
    if model._network.per_step:
        raw = torch.cat([values[:n] for values, n in zip(raw, lengths)])
    return raw


def assert_alike(module, model, X):
    tolerance = TOLERANCES[model._theta.dtype]
    ours, theirs = raw_of(model, X), outputs_of(module.eval(), model, X).detach().numpy()
    assert ours.dtype == theirs.dtype
    np.testing.assert_allclose(theirs, ours, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", KNOWN)
def test_there_and_back(name):
    model, X = model_of(name)
    module = to_torch(model)
    assert_alike(module, model, X)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
        for embedding in module.embeddings:
            embedding.weight[-1] = 0
    back = from_torch(module, model)
    assert_alike(module, back, X)
    assert np.abs(raw_of(back, X) - raw_of(model, X)).max() > 1e-3


@given(networks(("rnn", "gru", "lstm"), ("tanh", "relu")))
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.differing_executors]
)
def test_any_network(model):
    X = [x.astype(model._theta.dtype) for x in NUMERIC]
    module = to_torch(model)
    assert_alike(module, model, X)
    unfitted = type(model)(**model.get_params())
    if isinstance(model, RNNRegressor):
        back = from_torch(module, unfitted)
    else:
        back = from_torch(module, unfitted, classes=model.classes_)
    np.testing.assert_array_equal(back.predict(X[:1])[0], model.predict(X[:1])[0])
    for name, weights in model.weights_.items():
        np.testing.assert_array_equal(back.weights_[name], weights, err_msg=name)


@pytest.mark.parametrize("name", ["gru-concat", "lstm-max", "stack", "tokens", "steps"])
def test_gradients_of_a_training_step(name):
    model, X = model_of(name)
    model.set_params(alpha=0.0)
    is_classifier = isinstance(model, RNNClassifier)
    y = LABELS if is_classifier else NUMBERS
    y_form = of_steps(y) if model.return_sequences else y
    _, gradient = loss_gradient(model, X, y_form)
    module = to_torch(model)
    raw = outputs_of(module, model, X)
    if is_classifier:
        codes = np.searchsorted(model.classes_, y)
        codes = np.concatenate(of_steps(codes)) if model.return_sequences else codes
        loss = nn.functional.cross_entropy(raw, torch.tensor(codes))
    else:
        loss = 0.5 * nn.functional.mse_loss(raw[:, 0], torch.tensor(y))
    loss.backward()
    for k, layer in enumerate(module.layers):
        for key, own in (("W", layer.weight_ih_l0), ("R", layer.weight_hh_l0)):
            theirs = own.grad.T.numpy()
            assert_close(theirs, gradient[f"layers.{k}.forward.{key}"])
        assert_close(layer.bias_ih_l0.grad.numpy(), gradient[f"layers.{k}.forward.b"])
    assert_close(module.output.weight.grad.T.numpy(), gradient["output.W"])
    for embedding in module.embeddings:
        assert_close(embedding.weight.grad[:-1].numpy(), gradient["embedding.x0.W"])
    for start, key in zip(module.starts, ("h_0", "c_0")):
        assert_close(start.grad[0, 0].numpy(), gradient[f"layers.0.forward.{key}"])


def assert_close(ours, theirs):
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-11)


class Usual(nn.Module):
    """A module as people write it."""

    def __init__(self, cls, n_outputs, both=False, n_layers=1, n_tokens=None, **options):
        super().__init__()
        self.embedding = nn.Embedding(n_tokens, 3) if n_tokens else None
        self.rnn = cls(3, 6, n_layers, batch_first=True, bidirectional=both, **options)
        self.drop = nn.Dropout(0.2)
        self.head = nn.Linear(12 if both else 6, n_outputs)

    def forward(self, x):
        x = x if self.embedding is None else self.embedding(x)
        _, last = self.rnn(x)
        last = last[0] if isinstance(last, tuple) else last
        n = 2 if self.rnn.bidirectional else 1
        return self.head(self.drop(torch.cat(list(last[-n:]), dim=1)))


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("n_layers", [1, 2])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_modules_of_others(cell, bias, n_layers, both):
    torch.manual_seed(0)
    cls = getattr(nn, cell.upper())
    how = {"hidden_layer_sizes": (6,) * n_layers, "cell": cell, "bidirectional": both}
    x = torch.randn(8, 5, 3, dtype=torch.float64)
    for n_outputs in (1, 2):
        module = Usual(cls, n_outputs, both, n_layers, bias=bias).double().eval()
        model = from_torch(module, RNNRegressor(readout="last", **how))
        expected = module(x).detach().numpy()
        found = model.predict(x.numpy()).reshape(expected.shape)
        np.testing.assert_allclose(found, expected, rtol=1e-10)
        model = from_torch(module, RNNClassifier(readout="last", **how), classes=["a", "b"])
        if n_outputs == 2:
            expected = module(x).softmax(dim=1).detach().numpy()
            found = model.predict_proba(x.numpy())
            np.testing.assert_allclose(found, expected, rtol=1e-10)
            labels = np.array(["a", "b"])[expected.argmax(axis=1)]
            np.testing.assert_array_equal(model.predict(x.numpy()), labels)


def test_tokens_of_others():
    module = Usual(nn.GRU, 3, n_tokens=7).eval()
    ids = torch.randint(0, 7, (9, 5))
    model = from_torch(module, RNNClassifier(6, readout="last"))
    expected = module(ids).softmax(dim=1).detach().numpy()
    np.testing.assert_allclose(model.predict_proba(list(ids.numpy())), expected, rtol=1e-5)
    # An estimator that is fitted knows some of the ids.
    few = [np.array([2, 5, 5]), np.array([5, 0])]
    known = fitted(
        few * 12, LABELS, RNNClassifier, n_hidden=6, embedding_dim=3, readout="last"
    )
    model = from_torch(module, known)
    expected = module(torch.tensor(np.array(few[:1]))).softmax(dim=1).detach().numpy()
    np.testing.assert_allclose(model.predict_proba(few[:1]), expected, rtol=1e-5)
    np.testing.assert_array_equal(model.classes_, known.classes_)


@pytest.mark.parametrize("rule", ["partial_fit", "fit"])
def test_training_goes_on(rule):
    """From the weights given, as a step of SGD of PyTorch does."""
    module = Usual(nn.GRU, 1).double()
    module.drop.p = 0.0
    options = {"solver": "sgd", "momentum": 0.0, "learning_rate": "constant"}
    options |= {"learning_rate_init": 0.05, "batch_size": 24, "alpha": 0.0}
    options |= {"max_iter": 1, "max_grad_norm": None, "warm_start": True}
    model = from_torch(module, RNNRegressor(6, readout="last", random_state=0, **options))
    x = torch.randn(24, 5, 3, dtype=torch.float64)
    y = torch.randn(24, dtype=torch.float64)
    quietly(getattr(model, rule), x.numpy(), y.numpy())
    optimiser = torch.optim.SGD(module.parameters(), lr=0.05)
    (0.5 * nn.functional.mse_loss(module(x)[:, 0], y)).backward()
    # Both biases move in PyTorch, and here there is one.
    for name, parameter in module.rnn.named_parameters():
        if name == "bias_hh_l0":
            parameter.grad[:12] = 0
    optimiser.step()
    expected = module(x).detach().numpy()[:, 0]
    np.testing.assert_allclose(model.predict(x.numpy()), expected, rtol=1e-10)


def test_a_fitted_estimator_keeps_its_units():
    """Training goes on in units of the targets that it was fitted to."""
    y = 1000 + 50 * NUMBERS
    options = {"solver": "sgd", "momentum": 0.0, "shuffle": False, "batch_size": 24}
    model = RNNRegressor(4, random_state=0, **options)
    for _ in range(3):
        quietly(model.partial_fit, NUMERIC, y)
    back = from_torch(to_torch(model), model)
    for name, weights in model.weights_.items():
        np.testing.assert_array_equal(back.weights_[name], weights)
    before = model.predict(NUMERIC)
    for each in (model, back):
        quietly(each.partial_fit, NUMERIC, y)
    np.testing.assert_allclose(back.predict(NUMERIC), model.predict(NUMERIC), rtol=1e-10)
    assert np.abs(model.predict(NUMERIC) - before).max() > 0.01


def test_the_estimator_given_stays():
    estimator = RNNRegressor(6, cell="lstm", readout="last")
    from_torch(Usual(nn.LSTM, 1), estimator)
    assert vars(estimator) == vars(RNNRegressor(6, cell="lstm", readout="last"))


def test_what_comes_back_can_be_stored():
    model = from_torch(Usual(nn.LSTM, 3), RNNClassifier(6, cell="lstm", readout="last"))
    stored = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(stored.predict(NUMERIC), model.predict(NUMERIC))


def test_dropout_in_training():
    """Whole units are dropped, the same at all steps."""
    model = fitted(NUMERIC, of_steps(NUMBERS), return_sequences=True, dropout=0.5)
    module, seen = to_torch(model).train(), []
    module.output.register_forward_hook(lambda _, args, __: seen.append(args[0]))
    module(torch.randn(6, 5, 3, dtype=torch.float64))
    zero = (seen[0] == 0).numpy()
    assert (zero.all(axis=1) == zero.any(axis=1)).all()
    assert 0 < zero.mean() < 1


@pytest.mark.parametrize(
    ("module", "error", "match"),
    [
        (nn.LSTM(3, 6, proj_size=2), ValueError, "LSTM. has a projection: proj_size=2"),
        (
            nn.GRU(3, 6, 2, dropout=0.5),
            ValueError,
            "GRU. has dropout=0.5 between its",
        ),
        (nn.Conv1d(3, 6, 2), TypeError, "Conv1d.* parameters .*weight"),
        (nn.ReLU(), TypeError, "ReLU.* is a module that from_torch does not support"),
        (nn.GRU(3, 6), ValueError, "whose cell is 'gru'. Got 'lstm'"),
        (nn.LSTM(3, 5), ValueError, r"hidden_layer_sizes is \(5,\). Got \(6,\)"),
        (nn.LSTM(3, 6, bidirectional=True), ValueError, "bidirectional is True. Got False"),
        (nn.Linear(6, 1), TypeError, "'Linear': 2"),
    ],
)
def test_modules_that_cannot_be_read(module, error, match):
    estimator = RNNRegressor(6, cell="lstm", readout="last")
    modules = [module, nn.Linear(6, 1)]
    if isinstance(module, (nn.Conv1d, nn.ReLU)):
        modules.append(nn.LSTM(3, 6))
    with pytest.raises(error, match=match):
        from_torch(nn.ModuleList(modules), estimator)


@pytest.mark.parametrize(
    ("cell", "kind", "match"),
    [
        ("lem", "lem", "to_torch supports .* Got cell=LEMCell"),
        (ORIGINAL, "gru_reset_before", "GRUCell.reset_after=False.*has reset_after=True"),
    ],
    ids=str,
)
def test_cells_that_pytorch_does_not_have(cell, kind, match):
    with pytest.raises(TypeError, match=match):
        to_torch(fitted(NUMERIC, NUMBERS, cell=cell))
    estimator = RNNRegressor(6, cell=cell, readout="last")
    for module, theirs in ((nn.GRU, "gru"), (nn.LSTM, "lstm")):
        with pytest.raises(ValueError, match=f"cell is '{theirs}'. Got '{kind}'"):
            from_torch(Usual(module, 1), estimator)


def test_what_cannot_be_converted(monkeypatch):
    module = Usual(nn.LSTM, 1)
    with pytest.raises(ValueError, match=r"output.W .* readout='concat'. Got \(6, 1\)"):
        from_torch(module, RNNRegressor(6, cell="lstm"))
    learned = RNNRegressor(6, cell="lstm", readout="last", initial_state="learned")
    with pytest.raises(ValueError, match="Missing: .*c_0"):
        from_torch(module, learned)
    with pytest.raises(ValueError, match="classes must be 2 labels in ascending order"):
        from_torch(module, RNNClassifier(6, cell="lstm"), classes=["b", "a"])
    with pytest.raises(TypeError, match="Got RNNTranscriber"):
        from_torch(module, RNNTranscriber())
    with pytest.raises(TypeError, match="must be a torch.nn.Module. Got str"):
        from_torch("module", RNNRegressor())
    own = to_torch(fitted(TOKENS, LABELS, RNNClassifier))
    with pytest.raises(ValueError, match="needs the fitted estimator"):
        from_torch(own, RNNClassifier(5))
    with pytest.raises(TypeError, match="ElmanCell.'logistic'"):
        to_torch(fitted(NUMERIC, NUMBERS, cell="rnn", activation="logistic"))
    module.start = nn.Parameter(torch.zeros(6))
    with pytest.raises(TypeError, match="Usual has parameters .*start"):
        from_torch(module, RNNRegressor(6, cell="lstm", readout="last"))
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match="to_torch needs the package torch"):
        to_torch(fitted(NUMERIC, NUMBERS))
