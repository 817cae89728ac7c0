"""The objective: its value, its parts, its gradient and its penalty."""

import numpy as np
import pytest

from skbptt import RNNRegressor, solvers
from skbptt.data._sequences import Sequences
from skbptt.inspection import loss_gradient
from skbptt.network import parts_of
from tests.fits import LABELS, LENGTHS, X, Y, classifier, quietly, regressor, weighted_data
from tests.gradcheck import reference_value

EXACT = [name for name in solvers.SOLVERS if name not in ("adam", "sgd")]


@pytest.mark.parametrize("truncation", [None, 2, (2, 3), [1, 4]])
def test_loss_gradient_equals_complex_step(truncation):
    model = classifier(
        hidden_layer_sizes=(3, 2),
        bidirectional=True,
        truncation=truncation,
        class_weight="balanced",
        alpha=0.7,
    ).fit(X, LABELS)
    weights = np.random.RandomState(1).uniform(0, 2, len(X))
    loss, gradient = loss_gradient(model, X, LABELS, weights)
    data = weighted_data(model, LABELS, weights)
    window = (2, 2) if truncation == 2 else truncation and tuple(truncation)

    def reference(theta):
        return reference_value(model._network, model._loss, data, 0.7, window, theta)

    theta = np.array(model._theta)
    assert loss == pytest.approx(reference(theta), rel=1e-12)
    flat = np.concatenate([g.ravel() for g in gradient.values()])
    # A wrong component shows along every random direction.
    for direction in np.random.RandomState(2).standard_normal((5, len(theta))):
        expected = reference(theta + 1e-20j * direction).imag / 1e-20
        assert flat @ direction == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_loss_curve_of_lbfgs_is_the_objective():
    model = quietly(regressor(solver="lbfgs", max_iter=20).fit, X, Y)
    loss, gradient = loss_gradient(model, X, Y)
    assert model.loss_ == pytest.approx(loss, rel=1e-12)
    assert model.best_loss_ == min(model.loss_curve_) == model.loss_
    assert len(model.loss_curve_) == model.n_iter_


@pytest.mark.parametrize("solver", EXACT)
def test_solvers_with_exact_gradients_converge(solver):
    options = {"solver": solver, "readout": "last", "alpha": 1.0, "tol": 1e-5}
    options |= {"cell": "rnn", "hidden_layer_sizes": 2}
    y = Y / Y.std()  # the unit of the tolerance
    model = regressor(**options, max_iter=5000).fit(X, y)
    _, gradient = loss_gradient(model, X, y)
    assert max(np.abs(g).max() for g in gradient.values()) <= 1e-5


@pytest.mark.filterwarnings("ignore:Features .* are far from unit scale")
def test_strength_of_l2_does_not_depend_on_the_batch_size():
    """With a loss that is zero anyway, weights decay alike for all batch sizes."""
    norms = []
    for batch_size in (5, 40):
        n_epochs = 16 if batch_size == 40 else 2
        model = RNNRegressor(
            4,
            solver="sgd",
            momentum=0.0,
            learning_rate="constant",
            learning_rate_init=0.1,
            alpha=40.0,
            batch_size=batch_size,
            max_iter=n_epochs,
            max_grad_norm=None,
            random_state=0,
        )
        quietly(
            model.fit, np.zeros((40, 3, 1)) + np.arange(40)[:, None, None], np.zeros(40)
        )
        norms.append(np.abs(model.weights_["layers.0.forward.W"]).sum())
    assert norms[0] == pytest.approx(norms[1], rel=0.05)


def test_memory_is_bounded_by_parts(monkeypatch):
    """The full objective is summed over parts, with the value of the whole."""
    model = regressor(max_iter=1).fit(X, Y)
    whole, gradient = loss_gradient(model, X, Y)
    monkeypatch.setattr("skbptt.network._parts.TAPE_BYTES", 1000)
    sequences = Sequences(np.vstack(X), LENGTHS)
    assert len(parts_of(model._network, sequences, np.arange(40))) == 2
    parts, gradient_of_parts = loss_gradient(model, X, Y)
    assert parts == pytest.approx(whole, rel=1e-12)
    for name in gradient:
        np.testing.assert_allclose(gradient_of_parts[name], gradient[name], atol=1e-13)
    np.testing.assert_allclose(model.predict(X)[3], model.predict([X[3]])[0], rtol=1e-12)
