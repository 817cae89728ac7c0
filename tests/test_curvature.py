"""Products with second derivatives, against the complex step and explicit matrices."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression

from skbptt import RNNRegressor
from skbptt.cells import ElmanCell, GRUCell, LEMCell, LSTMCell
from skbptt.inspection import hessian_product, loss_gradient
from skbptt.loops import _engine
from skbptt.loops._engine import run, run_back_tangent, run_tangent
from skbptt.loops._readout import READOUTS
from skbptt.loops._workspace import Workspace
from skbptt.network import Curvature, _curvature, _parts
from skbptt.training import _objective
from tests.fits import LABELS, Y_STEPS, X, Y, classifier, regressor
from tests.gradcheck import H, objective_of, relative_error
from tests.strategies import problems

CELLS = [
    *map(ElmanCell, ["identity", "logistic", "relu", "tanh"]),
    GRUCell(),
    GRUCell(reset_after=False),
    LEMCell(dt=0.7),
    LSTMCell(),
]


def objective_and_point(problem, alpha=0.1):
    network, loss, sequences, y, weights, theta = problem
    return objective_of(network, loss, sequences, y, weights, alpha=alpha), theta


def direction(theta, seed):
    return np.random.RandomState(seed).standard_normal(len(theta))


@given(problems(), st.integers(0, 99))
@settings(max_examples=80, deadline=None)
def test_hessian_products(problem, seed):
    """Against the complex step of the gradient: all cells, losses, readouts, lengths."""
    objective, theta = objective_and_point(problem)
    v = direction(theta, seed)
    expected = objective.value_and_gradient(theta + 1j * H * v)[1].imag / H
    assert relative_error(Curvature(objective, theta).hessian(v), expected) <= 1e-9


@given(problems(), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_symmetry_and_definiteness(problem, seed):
    objective, theta = objective_and_point(problem)
    curvature = Curvature(objective, theta)
    u, v = direction(theta, seed), direction(theta, seed + 100)
    for product in (curvature.hessian, curvature.gauss_newton):
        Hu, Hv = product(u), product(v)
        scale = max(np.linalg.norm(Hu) * np.linalg.norm(v), 1e-300)
        assert abs(u @ Hv - v @ Hu) <= 1e-10 * scale
    penalty = objective.penalty
    for w in (u, v):
        Gw = curvature.gauss_newton(w)
        assert w @ Gw >= w @ (penalty * w) - 1e-12 * abs(w @ Gw)


def jacobian(network, theta, batch, function):
    """Of what ``function(theta)`` gives, by the complex step."""
    columns = []
    for k in range(len(theta)):
        shifted = theta.astype(complex)
        shifted[k] += 1j * H
        columns.append(function(shifted).imag.ravel() / H)
    return np.array(columns).T


@given(problems(), st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_gauss_newton_products(problem, seed):
    """Against J^T H J with all three matrices written out."""
    network, loss, sequences, y, weights, theta = problem
    objective, _ = objective_and_point(problem)
    batch, y, weights = objective._pack(
        np.arange(len(sequences)), objective.scale / len(sequences)
    )
    raw = network.forward(theta, batch)[0]
    J = jacobian(network, theta, batch, lambda theta: network.forward(theta, batch)[0])
    blocks = []
    for along in np.eye(raw.shape[1])[:, None]:
        if loss.n_raw > 1:  # with a matrix of its own in place of H
            block = loss.curvature(raw, along + 0 * raw, y, np.ones(len(y)))
        else:
            block = loss.gradient(raw + 1j * H * along, y).imag / H
        blocks.append(block * weights[:, None])
    n, k = raw.shape
    hessian = np.zeros((n, k, n, k))
    for i in range(n):
        hessian[i, :, i] = np.array(blocks)[:, i].T
    v = direction(theta, seed)
    expected = J.T @ (hessian.reshape(n * k, n * k) @ (J @ v)) + objective.penalty * v
    actual = Curvature(objective, theta).gauss_newton(v)
    assert np.abs(actual - expected).max() <= 1e-9 * max(np.abs(expected).max(), 1e-3)


@pytest.mark.parametrize("loops", ["compiled", "numpy"])
@pytest.mark.parametrize("readout", [None, "last", "concat"])
def test_structural_damping(readout, loops, monkeypatch):
    """Adds J_h^T J_h of the states of all steps, layers and directions."""
    if loops == "numpy":
        monkeypatch.setattr(_engine, "LOOPS", None)
    model = regressor(
        hidden_layer_sizes=(3, 2),
        bidirectional=True,
        readout=readout or "last",
        return_sequences=readout is None,
        max_iter=1,
    ).fit(X[:5], Y_STEPS[:5] if readout is None else Y[:5])
    network, theta = model._network, np.array(model._theta)
    data = model._prepare(
        X[:5],
        Y_STEPS[:5] if readout is None else Y[:5],
        None,
        per_step=readout is None,
        known=True,
    )
    objective = _objective.Objective(network, model._loss, data)
    v = direction(theta, 0)
    batch, _, weights = objective._pack(np.arange(5), objective.scale / 5)
    of_row = weights if readout is None else weights[batch.column]

    def states(theta):
        """All states, each times the root of its weight."""
        views, found = network.layout.views(theta), []
        h = batch.x.astype(theta.dtype)
        for k in range(2):
            outputs = []
            for name in ("forward", "backward"):
                p = {s: views[f"layers.{k}.{name}.{s}"] for s in ("W", "R", "b", "b_n")}
                x = h if name == "forward" else h[batch.mirror]
                output, _ = run(network.cell, p, x, batch, (), Workspace())
                found.append(np.sqrt(of_row)[:, None] * output)
                outputs.append(output if name == "forward" else output[batch.mirror])
            h = np.concatenate(outputs, axis=1)
        return np.concatenate(found, axis=1)

    J = jacobian(network, theta, batch, states)
    curvature = Curvature(objective, theta)
    added = curvature.gauss_newton(v, 0.7) - curvature.gauss_newton(v)
    assert relative_error(added, 0.7 * J.T @ (J @ v)) <= 1e-9


SIZES = [
    (1, 1, [1]),
    (3, 2, [5, 1, 4]),
    (17, 5, [30, 2, 9, 9, 9, 1]),
    (40, 20, np.random.RandomState(0).randint(1, 30, 50)),
]


@pytest.mark.parametrize("instructions", _engine.available)
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-12), ("float32", 1e-5)])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}-{len(size[2])}")
@pytest.mark.parametrize("cell", CELLS, ids=repr)
def test_compiled_tangents_agree_with_numpy(
    cell, size, dtype, tolerance, instructions, monkeypatch
):
    from tests.test_loops import problem

    p, batch, rng = problem(cell, *size, dtype)
    p_dot = {k: rng.standard_normal(v.shape).astype(dtype) for k, v in p.items()}
    for parts in [(), *READOUTS.values()]:
        shape = (len(batch.rows),) if not parts else (len(batch.order), len(parts))
        pair = [rng.standard_normal((*shape, size[0])).astype(dtype) for _ in range(2)]
        for x_dot in (None, rng.standard_normal(batch.x.shape).astype(dtype)):
            found = []
            for loops in (None, _engine.Loops(instructions)):
                monkeypatch.setattr(_engine, "LOOPS", loops)
                workspace = Workspace()
                _, tape = run(cell, p, batch.x, batch, parts, Workspace())
                for _ in range(2):  # the second time in memory that is no longer clean
                    workspace.reset()
                    output, h_dot, tangent = run_tangent(
                        cell, p, p_dot, x_dot, batch, parts, tape, workspace
                    )
                    grad = {k: np.full_like(v, np.nan) for k, v in p.items()}
                    both = run_back_tangent(
                        cell, batch, parts, tangent, *pair, grad, True, workspace
                    )
                found.append([output, h_dot, *both, *grad.values()])
            for expected, actual in zip(*found):
                assert actual.dtype == dtype
                assert relative_error(actual, expected) <= 20 * tolerance


def product_of(model, x, y, kind, seed=0):
    rng = np.random.RandomState(seed)
    vector = {name: rng.standard_normal(w.shape) for name, w in model.weights_.items()}
    return hessian_product(model, x, y, vector, kind=kind), vector


@pytest.mark.parametrize("kind", ["hessian", "gauss-newton"])
@pytest.mark.parametrize("small", ["parts", "memory"])
def test_products_do_not_depend_on_threads_and_memory(kind, small, monkeypatch):
    """In parts, by threads, and with tapes that are made again for each product."""
    model = regressor(cell="lstm", hidden_layer_sizes=(8, 6), bidirectional=True)
    model.fit(X, Y)
    whole, _ = product_of(model, X, Y, kind)
    monkeypatch.setattr(_parts, "TAPE_BYTES", 1 << 12)
    if small == "memory":
        monkeypatch.setattr(_curvature, "KEPT_BYTES", 1 << 13)
    parts, _ = product_of(model, X, Y, kind)
    threads, _ = product_of(model.set_params(n_jobs=2), X, Y, kind)
    for name, value in whole.items():
        assert relative_error(parts[name], value) <= 1e-12
        np.testing.assert_array_equal(threads[name], parts[name])


@pytest.mark.parametrize("cell", ["rnn", "gru", "lem", "lstm"])
def test_memory_does_not_grow_with_products(cell):
    model = regressor(cell=cell, hidden_layer_sizes=(16, 16), readout="concat").fit(X, Y)
    data = model._prepare(X, Y, None, per_step=False, known=True)
    objective = _objective.Objective(model._network, model._loss, data)
    curvature, v = Curvature(objective, model._theta), direction(model._theta, 0)
    tracemalloc.start()
    try:
        sizes = []
        for _ in range(3):
            for _ in range(10):
                curvature.gauss_newton(v, 0.1)
            sizes.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert sizes[2] - sizes[0] < 10_000


@pytest.mark.parametrize(
    ("model", "y"),
    [
        (regressor(truncation=2, loss="huber"), Y),
        (classifier(class_weight="balanced"), LABELS),
        (regressor(return_sequences=True, cell="lstm"), Y_STEPS),
    ],
)
def test_hessian_product_of_an_estimator(model, y):
    """The change of loss_gradient along the vector; truncation does not count."""
    model.fit(X, y)
    product, vector = product_of(model, X, y, "hessian")
    theta, layout = model._theta, model._network.layout
    flat = np.concatenate([vector[name].ravel() for name in layout.views(theta)])
    model.set_params(truncation=None)
    gradients = []
    for shift in (1e-5, -1e-5):
        model._theta = theta + shift * flat
        gradients.append(loss_gradient(model, X, y)[1])
    for name, value in product.items():
        change = (gradients[0][name] - gradients[1][name]) / 2e-5
        np.testing.assert_allclose(value, change, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("vector", "message"),
    [
        ({"W": 1}, r"vector must have the names of weights_, .* Got \['W'\]"),
        (
            lambda w: {**w, "output.b": np.zeros(2)},
            r"vector\['output.b'\] must have the shape \(1,\). Got \(2,\)",
        ),
        (lambda w: {**w, "output.b": np.array([np.nan])}, "vector must be finite"),
    ],
)
def test_bad_vectors(vector, message):
    model = regressor().fit(X, Y)
    vector = vector(model.weights_) if callable(vector) else vector
    with pytest.raises(ValueError, match=message):
        hessian_product(model, X, Y, vector)


def test_bad_input():
    model = regressor().fit(X, Y)
    with pytest.raises(ValueError, match="'kind' parameter .* Got 'fisher'"):
        hessian_product(model, X, Y, model.weights_, kind="fisher")
    with pytest.raises(TypeError, match="Got LinearRegression"):
        hessian_product(LinearRegression(), X, Y, {})


def test_float32():
    x = np.random.default_rng(0).normal(size=(20, 6, 2)).astype(np.float32)
    model = RNNRegressor(4, max_iter=2, random_state=0).fit(x, x[:, 0, 0])
    product, _ = product_of(model, x, x[:, 0, 0], "hessian")
    assert {value.dtype for value in product.values()} == {np.dtype("f4")}
    same = RNNRegressor(4, max_iter=2, random_state=0).fit(x.astype(float), x[:, 0, 0])
    same._theta = model._theta.astype(float)
    expected, _ = product_of(same, x.astype(float), x[:, 0, 0], "hessian")
    for name, value in product.items():
        assert relative_error(value, expected[name]) <= 1e-4
