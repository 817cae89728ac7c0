"""What the papers claim of the cells, their parameters, and PyTorch's transcription."""

import pickle

import numpy as np
import pytest
from scipy import stats

from skbptt import RNNRegressor
from skbptt.cells import ElmanCell, GRUCell, LEMCell, LSTMCell
from skbptt.data._sequences import Sequences
from skbptt.estimators._parameters import same_cell
from skbptt.losses._pointwise import SquaredError
from skbptt.network import Stack, raw_outputs
from tests.fits import quietly
from tests.gradcheck import objective_of, relative_error


def lem_in_torch(torch, p, x, dt):
    """Equation 3 of Rusch et al. (2022), as their code has it."""
    V, b = p["W"].chunk(4, dim=1), p["b"].chunk(4)
    W_1, W_2, W_z, W_y = p["R"].chunk(4, dim=1)
    y, z = torch.zeros(len(W_1)), torch.zeros(len(W_1))
    for u in x:
        dt_n = dt * torch.sigmoid(y @ W_1 + u @ V[0] + b[0])
        dt_bar_n = dt * torch.sigmoid(y @ W_2 + u @ V[1] + b[1])
        z = (1 - dt_n) * z + dt_n * torch.tanh(y @ W_z + u @ V[2] + b[2])
        y = (1 - dt_bar_n) * y + dt_bar_n * torch.tanh(z @ W_y + u @ V[3] + b[3])
    return y


def gru_in_torch(torch, p, x, _):
    """The equations of the appendix of version 3 of Cho et al. (2014)."""
    (W_r, W_z, W_n), (R_r, R_z, R_n) = (p[name].chunk(3, dim=1) for name in ("W", "R"))
    b_r, b_z, b_n = p["b"].chunk(3)
    h = torch.zeros(len(R_r))
    for u in x:
        r = torch.sigmoid(u @ W_r + b_r + h @ R_r)
        z = torch.sigmoid(u @ W_z + b_z + h @ R_z)
        h = z * h + (1 - z) * torch.tanh(u @ W_n + b_n + (r * h) @ R_n)
    return h


@pytest.mark.parametrize(
    ("cell", "transcribed"),
    [
        (LEMCell(), lem_in_torch),
        (LEMCell(dt=0.3), lem_in_torch),
        (GRUCell(reset_after=False), gru_in_torch),
    ],
    ids=["lem", "lem-0.3", "gru"],
)
def test_value_and_gradient_equal_pytorch(cell, transcribed):
    torch = pytest.importorskip("torch", reason="needs the extra 'peers'")
    rng = np.random.RandomState(0)
    lengths = np.array([5, 12, 1, 40])
    sequences = Sequences(rng.standard_normal((lengths.sum(), 3)), lengths)
    network = Stack(cell, 3, (7, 6), 2, False, "last")
    theta = network.initialise(rng, float)
    theta += 0.3 * rng.standard_normal(len(theta))
    y = rng.standard_normal((4, 2))
    objective = objective_of(network, SquaredError(), sequences, y, np.ones(4))
    value, gradient = objective.value_and_gradient(theta)

    twin = torch.tensor(theta, requires_grad=True)
    views = network.layout.views(np.arange(len(theta)))
    p = {name: twin[torch.tensor(view)] for name, view in views.items()}
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        total = 0
        for x, y_i in zip(sequences.split(sequences.steps), y):
            x = torch.tensor(x)
            for k in range(2):
                own = {name: p[f"layers.{k}.forward.{name}"] for name in "WRb"}
                steps = range(1, len(x) + 1) if k == 0 else [len(x)]
                states = [
                    transcribed(torch, own, x[:t], getattr(cell, "dt", 1)) for t in steps
                ]
                x = torch.stack(states) if k == 0 else states[0]
            error = x @ p["output.W"] + p["output.b"] - torch.tensor(y_i)
            total = total + (error**2).sum() / 2
        total.backward()
    finally:
        torch.set_default_dtype(default)
    scale = float(total.detach()) / value
    assert abs(scale - round(scale)) < 1e-10  # the mean over sequences, outputs or both
    assert relative_error(gradient * scale, twin.grad.numpy()) <= 1e-10


@pytest.mark.parametrize("dt", [0.1, 1.0])
def test_states_of_lem_are_bounded(dt):
    """Proposition of the paper: by 1, and by t dt, whatever the weights and inputs."""
    rng = np.random.RandomState(0)
    network = Stack(LEMCell(dt), 2, (8,), 8, False, None)
    theta = 30 * rng.standard_normal(network.layout.size)
    views = network.layout.views(theta)
    views["output.W"][:], views["output.b"][:] = np.eye(8), 0
    x = 100 * rng.standard_normal((300, 2))
    states = np.abs(raw_outputs(network, theta, Sequences(x, np.array([300]))))
    assert states.max() <= 1
    assert (states.max(axis=1) <= dt * np.arange(1, 301)).all()
    assert states.max() > 0.9


def test_small_steps_of_lem_carry_gradients_far():
    """Over 1000 steps of dt = 0.001 a share of about exp(-1 / 2) of each state remains."""
    network = Stack(LEMCell(dt=0.001), 1, (4,), 4, False, "last")
    theta = np.zeros(network.layout.size)
    views = network.layout.views(theta)
    views["layers.0.forward.W"][:, 12:] = 1  # into h alone
    views["output.W"][:] = np.eye(4)
    x = np.zeros((1000, 1), complex)
    x[0] = 1e-20j
    batch = Sequences(x, np.array([1000])).pack([0])
    raw = network.forward(theta.astype(complex), batch)[0].imag / 1e-20
    np.testing.assert_allclose(raw, 0.0005 * (1 - 0.0005) ** 999, rtol=1e-12)


@pytest.mark.parametrize("cell", [GRUCell, LSTMCell])
def test_chrono_biases_have_the_distribution_of_the_paper(cell):
    rng = np.random.RandomState(0)
    p = {name: np.empty(shape) for name, shape in cell().shapes(1, 500).items()}
    cell(chrono=200).initialise(p, rng)
    gates = dict(zip(cell.gates, np.split(p["b"], len(cell.gates))))
    keeps = gates.pop("z" if cell is GRUCell else "f")
    assert stats.kstest(np.exp(keeps), stats.uniform(1, 198).cdf).pvalue > 0.01
    if cell is LSTMCell:
        np.testing.assert_array_equal(gates.pop("i"), -keeps)
    for others in gates.values():
        np.testing.assert_array_equal(others, 0)
    cell(chrono=2).initialise(p, rng)
    np.testing.assert_array_equal(p["b"], 0)  # log U(1, 1)


@pytest.mark.parametrize("cell", [GRUCell, LSTMCell])
def test_chrono_changes_biases_of_gates_alone(cell):
    p, q = ({k: np.empty(s) for k, s in cell().shapes(2, 5).items()} for _ in range(2))
    cell().initialise(p, np.random.RandomState(0))
    cell(chrono=50).initialise(q, np.random.RandomState(0))
    for name in set(p) - {"b"}:
        np.testing.assert_array_equal(q[name], p[name])
    assert (p["b"] != q["b"]).sum() == (5 if cell is GRUCell else 10)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LEMCell(0), "dt must be a positive finite number. Got 0."),
        (lambda: LEMCell(np.inf), "dt must be a positive finite number. Got inf."),
        (lambda: LEMCell("1"), "dt must be a positive finite number. Got '1'."),
        (lambda: GRUCell(reset_after=1), "reset_after must be True or False. Got 1."),
        (lambda: GRUCell(chrono=1), "chrono must be a number of steps, at least 2, or"),
        (lambda: LSTMCell(chrono=np.nan), "at least 2, or None. Got nan."),
        (lambda: LSTMCell(chrono="9"), "at least 2, or None. Got '9'."),
    ],
)
def test_parameters_that_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    "cell",
    [GRUCell(), GRUCell(False), GRUCell(chrono=9), LEMCell(0.5), LSTMCell(), LSTMCell(20)],
    ids=repr,
)
def test_cells_are_stored_and_shown_with_their_parameters(cell):
    again = pickle.loads(pickle.dumps(cell))
    assert vars(again) == vars(cell)
    assert vars(eval(repr(cell))) == vars(cell)


@pytest.mark.parametrize("cls", [GRUCell, LSTMCell])
def test_cells_stored_without_parameters_are_as_before(cls):
    """As in models of versions whose cells had none."""
    old, new = cls.__new__(cls), cls()
    assert vars(old) == {}
    assert same_cell(old, new)
    assert same_cell(new, old)
    assert not same_cell(old, cls(chrono=9))
    assert (old.vectors, old.late_gate) == (new.vectors, new.late_gate)
    assert repr(old) == repr(new) == f"{cls.__name__}()"
    starts = []
    for cell in (old, new):
        p = {name: np.empty(shape) for name, shape in cell.shapes(2, 3).items()}
        cell.initialise(p, np.random.RandomState(0))
        starts.append(np.concatenate([value.ravel() for value in p.values()]))
    np.testing.assert_array_equal(*starts)


@pytest.mark.parametrize("cell", ["lem", GRUCell(reset_after=False)], ids=repr)
def test_estimators_learn_with_them(cell):
    rng = np.random.RandomState(0)
    X = rng.standard_normal((200, 10, 1))
    y = X[:, 0, 0]
    model = RNNRegressor(16, cell=cell, max_iter=60, readout="last", random_state=0)
    assert quietly(model.fit, X, y).score(X, y) > 0.9


def test_custom_cell_that_cannot_be():
    class NoGates(ElmanCell):
        gates = ()

    class Taken(ElmanCell):
        vectors = ("W",)

    for cell in (NoGates(), Taken()):
        with pytest.raises(ValueError, match="cell must name one or more gates"):
            RNNRegressor(cell=cell).fit(np.zeros((6, 4, 2)), np.arange(6.0))
