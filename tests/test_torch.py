"""The same weights in PyTorch: same outputs, gradients and training."""

import numpy as np
import pytest

from skbptt import RNNClassifier, RNNRegressor, RNNTranscriber, solvers
from skbptt.cells import ElmanCell, GRUCell, LSTMCell
from skbptt.data._sequences import Sequences
from skbptt.inspection import gradient_flow, hessian_product, loss_gradient
from skbptt.losses._pointwise import CrossEntropy
from skbptt.network import Stack, input_gradients
from tests.gradcheck import directions_of, names_of, objective_of, relative_error

torch = pytest.importorskip("torch", reason="needs the extra 'peers'")

CELLS = {
    "tanh": (ElmanCell("tanh"), torch.nn.RNN, {"nonlinearity": "tanh"}),
    "relu": (ElmanCell("relu"), torch.nn.RNN, {"nonlinearity": "relu"}),
    "gru": (GRUCell(), torch.nn.GRU, {}),
    "lstm": (LSTMCell(), torch.nn.LSTM, {}),
}
TOLERANCES = {np.float64: 1e-10, np.float32: 1e-5}


class Twin(torch.nn.Module):
    """A torch network with the parameters of a flat vector of ours."""

    def __init__(self, kind, network, theta, n_features):
        super().__init__()
        _, cls, options = CELLS[kind]
        dtype = torch.tensor(theta[:0]).dtype
        n_hidden = network.sizes[0]
        self.network = network
        self.rnn = cls(
            n_features,
            n_hidden,
            num_layers=len(network.sizes),
            bidirectional=network.bidirectional,
            dtype=dtype,
            **options,
        )
        views = network.layout.views(theta)
        self.output = torch.nn.Linear(*views["output.W"].shape, dtype=dtype)
        with torch.no_grad():
            self.output.weight[:] = torch.tensor(views["output.W"].T)
            self.output.bias[:] = torch.tensor(views["output.b"])
            for k, direction, names in names_of(network):
                w_ih, w_hh, b_ih, b_hh = self.of_layer(k, direction)
                w_ih[:] = torch.tensor(views[names["W"]].T)
                w_hh[:] = torch.tensor(views[names["R"]].T)
                b_ih[:] = torch.tensor(views[names["b"]])
                b_hh[:] = 0
                if "b_n" in names:
                    b_hh[2 * n_hidden :] = torch.tensor(views[names["b_n"]])

    def of_layer(self, k, direction):
        suffix = f"l{k}" + ("_reverse" if direction == "backward" else "")
        kinds = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        return [getattr(self.rnn, f"{kind}_{suffix}") for kind in kinds]

    def forward(self, xs, initial=None):
        """Outputs of each step, as in the stacked sequences, or of the last states."""
        packed = torch.nn.utils.rnn.pack_sequence(xs, enforce_sorted=False)
        states, last = self.rnn(packed, initial)
        if self.network.readout is None:
            padded, lengths = torch.nn.utils.rnn.pad_packed_sequence(states)
            return self.output(torch.cat([padded[:n, i] for i, n in enumerate(lengths)]))
        last = last[0] if isinstance(last, tuple) else last
        return self.output(
            torch.cat(list(last[-len(directions_of(self.network)) :]), dim=1)
        )

    def gradient(self):
        """Gradient as a flat vector of ours."""
        flat = np.zeros(self.network.layout.size)
        views = self.network.layout.views(flat)
        views["output.W"][:] = self.output.weight.grad.T
        views["output.b"][:] = self.output.bias.grad
        for k, direction, names in names_of(self.network):
            w_ih, w_hh, b_ih, b_hh = (p.grad for p in self.of_layer(k, direction))
            views[names["W"]][:] = w_ih.T
            views[names["R"]][:] = w_hh.T
            views[names["b"]][:] = b_ih
            if "b_n" in names:
                views[names["b_n"]][:] = b_hh[2 * self.network.sizes[k] :]
        return flat


@pytest.mark.parametrize("dtype", TOLERANCES, ids=["float64", "float32"])
@pytest.mark.parametrize("readout", ["last", None], ids=["last", "steps"])
@pytest.mark.parametrize("bidirectional", [False, True], ids=["one", "both"])
@pytest.mark.parametrize("n_layers", [1, 2])
@pytest.mark.parametrize("kind", CELLS)
def test_outputs_and_gradients(kind, n_layers, bidirectional, readout, dtype):
    rng = np.random.RandomState(0)
    lengths = np.array([5, 9, 1, 9, 12])
    steps = rng.standard_normal((lengths.sum(), 3)).astype(dtype)
    sequences = Sequences(steps, lengths)
    network = Stack(CELLS[kind][0], 3, (6,) * n_layers, 4, bidirectional, readout)
    theta = network.initialise(rng, np.float64)
    theta = (theta + 0.2 * rng.standard_normal(len(theta))).astype(dtype)
    n = lengths.sum() if readout is None else len(lengths)
    y, weights = rng.randint(0, 4, n), rng.uniform(0.5, 2, n).astype(dtype)

    objective = objective_of(network, CrossEntropy(4), sequences, y, weights)
    value, gradient = objective.value_and_gradient(theta)

    twin = Twin(kind, network, theta, 3)
    xs = [torch.tensor(x, requires_grad=True) for x in sequences.split(steps)]
    raw = twin(xs)
    losses = torch.nn.functional.cross_entropy(raw, torch.tensor(y), reduction="none")
    loss = (losses * torch.tensor(weights)).sum() / weights.sum()
    loss.backward()

    batch = sequences.pack(np.arange(len(lengths)))
    ours, _ = network.forward(theta, batch)
    where = batch.rows if readout is None else batch.order
    tolerance = TOLERANCES[dtype]
    assert ours.dtype == gradient.dtype == dtype
    assert relative_error(ours, raw.detach().numpy()[where]) < tolerance
    assert value == pytest.approx(loss.item(), rel=tolerance)
    assert relative_error(gradient, twin.gradient()) < tolerance

    def d_raw_of(raw, batch):
        where = batch.rows if readout is None else batch.order
        d_raw = CrossEntropy(4).gradient(raw, y[where])
        return d_raw * (weights / weights.sum())[where, np.newaxis]

    by_inputs = input_gradients(network, theta, sequences, d_raw_of)
    expected = np.concatenate([x.grad.numpy() for x in xs])
    assert by_inputs.dtype == dtype
    assert relative_error(by_inputs, expected) < tolerance


@pytest.mark.parametrize("readout", ["last", None], ids=["last", "steps"])
@pytest.mark.parametrize("bidirectional", [False, True], ids=["one", "both"])
@pytest.mark.parametrize("kind", ["tanh", "gru", "lstm"])
def test_embeddings_and_learned_states(kind, bidirectional, readout):
    """Ids that repeat within a batch, beside a number; and states that are parameters."""
    rng = np.random.RandomState(0)
    lengths = np.array([5, 9, 1, 9, 12])
    ids = rng.randint(0, 4, lengths.sum())
    steps = np.column_stack([ids, rng.standard_normal(len(ids))])
    sequences = Sequences(steps, lengths)
    network = Stack(
        CELLS[kind][0],
        2,
        (6,),
        4,
        bidirectional,
        readout,
        learned_start=True,
        embeddings={"word": (0, 5, 3)},
    )
    theta = network.initialise(rng, np.float64)
    theta += 0.2 * rng.standard_normal(len(theta))
    n = lengths.sum() if readout is None else len(lengths)
    y, weights = rng.randint(0, 4, n), rng.uniform(0.5, 2, n)
    objective = objective_of(network, CrossEntropy(4), sequences, y, weights)
    value, gradient = objective.value_and_gradient(theta)

    twin, views = Twin(kind, network, theta, 4), network.layout.views(theta)
    embedding = torch.nn.Embedding(5, 3, dtype=torch.float64)
    embedding.weight.data[:] = torch.tensor(views["embedding.word.W"])
    names = [f"{state}_0" for state in CELLS[kind][0].states]
    starts = {
        f"layers.0.{side}.{name}": torch.tensor(
            views[f"layers.0.{side}.{name}"], requires_grad=True
        )
        for name in names
        for side in directions_of(network)
    }
    initial = tuple(
        torch.stack(
            [
                starts[f"layers.0.{side}.{name}"].expand(len(lengths), -1)
                for side in directions_of(network)
            ]
        )
        for name in names
    )
    xs = [
        torch.cat([torch.tensor(x[:, 1:]), embedding(torch.tensor(x[:, 0]).long())], dim=1)
        for x in sequences.split(steps)
    ]
    raw = twin(xs, initial if kind == "lstm" else initial[0])
    losses = torch.nn.functional.cross_entropy(raw, torch.tensor(y), reduction="none")
    loss = (losses * torch.tensor(weights)).sum() / weights.sum()
    loss.backward()
    expected = twin.gradient()
    of_names = network.layout.views(expected)
    of_names["embedding.word.W"][:] = embedding.weight.grad
    for name, start in starts.items():
        of_names[name][:] = start.grad
    assert value == pytest.approx(loss.item(), rel=1e-10)
    assert relative_error(gradient, expected) < 1e-10


@pytest.mark.parametrize(
    ("rule", "make"),
    [
        (
            solvers.Adam(0.8, 0.99, 1e-6),
            lambda p: torch.optim.Adam(p, lr=0.01, betas=(0.8, 0.99), eps=1e-6),
        ),
        (solvers.SGD(0.0, False), lambda p: torch.optim.SGD(p, lr=0.01)),
        (solvers.SGD(0.9, False), lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9)),
        (
            solvers.SGD(0.9, True),
            lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9, nesterov=True),
        ),
    ],
    ids=["adam", "sgd", "momentum", "nesterov"],
)
def test_update_rules(rule, make):
    rng = np.random.RandomState(0)
    theta = rng.standard_normal(5)
    parameter = torch.nn.Parameter(torch.tensor(theta))
    optimiser, state = make([parameter]), rule.start(theta)
    for _ in range(20):
        gradient = rng.standard_normal(5)
        rule.step(theta, gradient, 0.01, state)
        parameter.grad = torch.tensor(gradient)
        optimiser.step()
    np.testing.assert_allclose(theta, parameter.detach().numpy(), rtol=1e-12)


SOLVERS = {
    "adam": (
        {"solver": "adam", "beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-4},
        lambda p: torch.optim.Adam(p, lr=0.02, betas=(0.8, 0.95), eps=1e-4),
    ),
    "momentum": (
        {"solver": "sgd", "momentum": 0.8, "nesterovs_momentum": False},
        lambda p: torch.optim.SGD(p, lr=0.02, momentum=0.8),
    ),
    "nesterov": (
        {"solver": "sgd", "momentum": 0.8},
        lambda p: torch.optim.SGD(p, lr=0.02, momentum=0.8, nesterov=True),
    ),
}


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("cell", ["lstm", "rnn"])
def test_a_whole_fit(cell, solver):
    """Ten epochs, batches in order, clipping and L2: the same weights in the end."""
    rng = np.random.RandomState(0)
    X = [rng.standard_normal((n, 2)) for n in rng.randint(3, 9, 24)]
    y = np.array([x[:, 0].sum() for x in X])
    solver_options, make = SOLVERS[solver]
    options = {
        "cell": cell,
        "readout": "last",
        "learning_rate": "constant",
        "learning_rate_init": 0.02,
        "batch_size": 8,
        "shuffle": False,
        "alpha": 0.5,
        "max_grad_norm": 0.5,
        "random_state": 0,
        **solver_options,
    }
    model = RNNRegressor(5, **options)
    start = RNNRegressor(5, **(options | {"learning_rate_init": 1e-300}))
    start.partial_fit(X, y)
    for _ in range(10):
        model.partial_fit(X, y)

    kind = "tanh" if cell == "rnn" else cell
    twin = Twin(kind, start._network, np.array(start._theta), 2)
    for name, parameter in twin.rnn.named_parameters():
        parameter.requires_grad_(not name.startswith("bias_hh"))
    parameters = [p for p in twin.parameters() if p.requires_grad]
    optimiser = make(parameters)
    for _ in range(10):
        for k in range(0, 24, 8):
            optimiser.zero_grad()
            raw = twin([torch.tensor(x) for x in X[k : k + 8]])
            loss = 0.5 * ((raw[:, 0] - torch.tensor(y[k : k + 8])) ** 2).mean()
            matrices = (p for p in parameters if p.ndim == 2)
            loss = loss + 0.5 * 0.5 / 24 * sum((p**2).sum() for p in matrices)
            loss.backward()
            # PyTorch adds 1e-6 to the norm that it divides by; ours does not.
            total = torch.sqrt(sum((p.grad**2).sum() for p in parameters))
            if total > 0.5:
                for p in parameters:
                    p.grad *= 0.5 / total
            optimiser.step()
    with torch.no_grad():
        expected = twin([torch.tensor(x) for x in X]).numpy()[:, 0]
    np.testing.assert_allclose(model.predict(X), expected, rtol=1e-8)
    assert np.abs(model.predict(X) - start.predict(X)).max() > 0.1


def test_loss_gradient_of_an_estimator():
    rng = np.random.RandomState(0)
    X = [rng.standard_normal((n, 2)) for n in (3, 7, 5, 6)]
    y = np.array(["a", "b", "c", "a"])
    weights = np.array([1.0, 2.0, 0.5, 0.0])
    model = RNNClassifier(4, cell="gru", readout="last", alpha=0.0, max_iter=2)
    model.fit(X, y)
    loss, gradient = loss_gradient(model, X, y, weights)
    twin = Twin("gru", model._network, np.array(model._theta), 2)
    raw = twin([torch.tensor(x) for x in X])
    codes = torch.tensor([0, 1, 2, 0])
    losses = torch.nn.functional.cross_entropy(raw, codes, reduction="none")
    expected = (losses * torch.tensor(weights)).sum() / 3.5
    expected.backward()
    assert loss == pytest.approx(expected.item(), rel=1e-12)
    views = model._network.layout.views(twin.gradient())
    assert gradient.keys() == model.weights_.keys() == views.keys()
    for name in views:
        assert relative_error(gradient[name], views[name]) < 1e-10


@pytest.mark.parametrize("kind", ["tanh", "gru", "lstm"])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("per_step", [False, True])
def test_hessian_products(kind, bidirectional, per_step):
    """Against the double backward pass, on sequences of unequal length."""
    rng = np.random.RandomState(0)
    lengths = np.array([4, 9, 1, 6, 6])
    xs = [rng.standard_normal((n, 2)) for n in lengths]
    n = lengths.sum() if per_step else len(lengths)
    y, weights = rng.randint(0, 3, n), rng.uniform(0.5, 2, n)
    forms = (np.split(v, np.cumsum(lengths)[:-1]) if per_step else v for v in (y, weights))
    y_form, weight_form = forms
    options = {"activation": "tanh"} if kind == "tanh" else {}
    model = RNNClassifier(
        (4, 4),
        cell="rnn" if kind == "tanh" else kind,
        bidirectional=bidirectional,
        readout="last",
        return_sequences=per_step,
        max_iter=2,
        alpha=0.3,
        random_state=0,
        **options,
    ).fit(xs, list(y_form) if per_step else y_form)
    vector = {name: rng.standard_normal(w.shape) for name, w in model.weights_.items()}
    weight_form = list(weight_form) if per_step else weight_form
    product = hessian_product(model, xs, y_form, vector, sample_weight=weight_form)

    twin = Twin(kind, model._network, np.array(model._theta), 2)
    raw = twin([torch.tensor(x) for x in xs])
    losses = torch.nn.functional.cross_entropy(raw, torch.tensor(y), reduction="none")
    matrices = [p for p in twin.parameters() if p.ndim == 2]
    penalty = sum((p**2).sum() for p in matrices)
    loss = ((losses * torch.tensor(weights)).sum() + 0.15 * penalty) / weights.sum()
    gradients = torch.autograd.grad(loss, list(twin.parameters()), create_graph=True)
    # The vector as a network of its own, so that its parts are named alike.
    layout = model._network.layout
    flat = np.empty(layout.size)
    for name, view in layout.views(flat).items():
        view[:] = vector[name]
    direction = Twin(kind, model._network, flat, 2)
    along = sum((g * v.detach()).sum() for g, v in zip(gradients, direction.parameters()))
    along.backward()
    expected = twin.gradient()
    actual = np.concatenate([product[name].ravel() for name in layout.views(flat)])
    assert relative_error(actual, expected) < 1e-9


def unrolled(cell, weights, key, xs):
    """Outputs of one layer in one direction, step by step, each a tensor of its own."""
    n_hidden = len(weights[key + ".R"])
    cls = {"rnn": torch.nn.RNNCell, "gru": torch.nn.GRUCell, "lstm": torch.nn.LSTMCell}
    step = cls[cell](xs[0].shape[0], n_hidden, dtype=torch.float64)
    with torch.no_grad():
        step.weight_ih[:] = torch.tensor(weights[key + ".W"].T)
        step.weight_hh[:] = torch.tensor(weights[key + ".R"].T)
        step.bias_ih[:] = torch.tensor(weights[key + ".b"])
        step.bias_hh[:] = 0
        if cell == "gru":
            step.bias_hh[2 * n_hidden :] = torch.tensor(weights[key + ".b_n"])
    outputs, state = [], None
    for x in xs:
        state = step(x, state)
        h = state[0] if cell == "lstm" else state
        h.retain_grad()
        outputs.append(h)
    return outputs


@pytest.mark.parametrize("per_step", [False, True], ids=["sequences", "steps"])
@pytest.mark.parametrize("readout", ["last", "mean", "concat"])
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_gradient_flow(cell, readout, per_step):
    """dL/dh of each step is what autograd keeps of it, two layers in both directions."""
    rng = np.random.RandomState(0)
    X = [rng.standard_normal((n, 2)) for n in (7, 12, 1, 9)]
    y = [rng.standard_normal(len(x)) if per_step else rng.standard_normal() for x in X]
    model = RNNRegressor(
        (5, 4),
        cell=cell,
        bidirectional=True,
        readout=readout,
        return_sequences=per_step,
        max_iter=3,
        random_state=0,
    ).fit(X, y)
    flow, weights = gradient_flow(model, X, y), model.weights_
    sides = ("forward", "backward")
    for i, x in enumerate(X):
        below, outputs = torch.tensor(x), {}
        for k in range(2):
            for side, order in zip(sides, (1, -1)):
                key = f"layers.{k}.{side}"
                xs = list(below)[::order]
                outputs[key] = unrolled(cell, weights, key, xs)[::order]
            below = torch.cat([torch.stack(outputs[f"layers.{k}.{s}"]) for s in sides], 1)
        last = torch.cat([outputs["layers.1.forward"][-1], outputs["layers.1.backward"][0]])
        read = {
            "last": last,
            "mean": below.mean(dim=0),
            "concat": torch.cat([last, below.mean(dim=0), below.amax(dim=0)]),
        }[readout]
        read = below if per_step else read
        raw = read @ torch.tensor(weights["output.W"]) + torch.tensor(weights["output.b"])
        losses = 0.5 * (raw.squeeze(-1) - torch.tensor(y[i], dtype=torch.float64)) ** 2
        for side in sides:
            loss = losses[-1 if side == "forward" else 0] if per_step else losses
            for states in outputs.values():
                for h in states:
                    h.grad = None
            loss.backward(retain_graph=True)
            for k in range(2):
                key = f"layers.{k}.{side}"
                norms = [0 if h.grad is None else h.grad.norm() for h in outputs[key]]
                norms = np.array([float(n) for n in norms])
                by_lag = norms[:: -1 if side == "forward" else 1]
                got = flow.norm[key][i, : len(x)]
                np.testing.assert_allclose(got, by_lag, rtol=1e-10, atol=1e-15)


@pytest.mark.parametrize("bidirectional", [False, True], ids=["one", "both"])
@pytest.mark.parametrize("kind", ["gru", "lstm"])
def test_connectionist_temporal_classification(kind, bidirectional):
    """Packed layers and ctc_loss; labels repeat, one target is empty, one has no room."""
    rng = np.random.RandomState(0)
    X = [rng.standard_normal((n, 3)) for n in (9, 4, 1, 12, 5, 7)]
    y = [[0, 0, 2, 1], [], [1], [2, 2, 0, 1, 1], [1, 1, 0, 2], [0, 1]]
    weights = rng.uniform(0.5, 2, 6)
    model = RNNTranscriber(
        (6, 6), cell=kind, bidirectional=bidirectional, alpha=0.2, max_iter=4
    )
    model.fit(X, y, weights)
    loss, gradient = loss_gradient(model, X, y, weights)

    twin = Twin(kind, model._network, model._theta, 3)
    lengths = torch.tensor([len(x) for x in X])
    log_p = twin([torch.tensor(x) for x in X]).log_softmax(1).split(lengths.tolist())
    losses = torch.nn.functional.ctc_loss(
        torch.nn.utils.rnn.pad_sequence(log_p),
        torch.tensor([k for labels in y for k in labels]),
        lengths,
        torch.tensor([len(labels) for labels in y]),
        blank=3,
        reduction="none",
    )
    np.testing.assert_allclose(
        model.log_likelihood(X, y), -losses.detach(), rtol=1e-10, atol=1e-12
    )
    total = (losses * torch.tensor(weights)).sum()
    matrices = [p for name, p in twin.named_parameters() if "weight" in name]
    expected = (total + 0.1 * sum((p**2).sum() for p in matrices)) / weights.sum()
    expected.backward()
    assert loss == pytest.approx(expected.item(), rel=1e-10)
    flat = np.concatenate([values.ravel() for values in gradient.values()])
    assert relative_error(flat, twin.gradient()) < 1e-10
