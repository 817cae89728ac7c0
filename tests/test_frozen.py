"""Weights that training leaves as they are."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

from skbptt import RNNClassifier, RNNRegressor, RNNTranscriber, RNNTranslator
from skbptt.convert import from_weights
from skbptt.inspection import hidden_states
from skbptt.solvers import SOLVERS

rng = np.random.default_rng(0)
X = [rng.normal(size=(n, 3)) for n in rng.integers(4, 9, size=40)]
y = np.array([x[:, 0].sum() + 5 for x in X])
WAYS = {"warm_start": True, "max_iter": 3, "random_state": 0}


def copies(model):
    return {name: w.copy() for name, w in model.weights_.items()}


def moved(model, before):
    """Names of the weights in which one bit or more is another."""
    after = model.weights_
    return {name for name, w in before.items() if w.tobytes() != after[name].tobytes()}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("solver", SOLVERS)
def test_no_bit_of_what_is_frozen_moves(solver, early_stopping):
    model = RNNRegressor((5, 4), solver=solver, early_stopping=early_stopping, **WAYS)
    model.fit(X, y)
    # Moments and directions of the first call must not move them either.
    before = copies(model)
    model.set_params(frozen=["layers.0.*", "output.b"]).fit(X, y + 1)
    still = {n for n in before if n.startswith("layers.0.")} | {"output.b"}
    assert moved(model, before) == {*before} - still
    assert len(still) == 5
    assert len(model.loss_curve_) == model.n_iter_
    # And all go on when they thaw.
    before = copies(model)
    model.set_params(frozen=None, early_stopping=False).fit(X, y + 1)
    assert moved(model, before) == {*before}


def test_weights_from_elsewhere_stay_to_the_last_bit():
    """Those of the output layer as well, which trains in other units."""
    model = RNNRegressor(5, **WAYS).fit(X, y * 0.3)
    before = {name: rng.normal(size=w.shape) for name, w in model.weights_.items()}
    model = from_weights(before, model).set_params(frozen=["output.*"])
    model.fit(X, y * 0.3).partial_fit(X, y * 0.3)
    assert moved(model, before) == {n for n in before if n.startswith("layers.")}


@pytest.mark.parametrize("estimator", [RNNTranscriber, RNNTranslator])
def test_labels_out(estimator):
    labels = [["a", "b"][: 1 + (x[0, 0] > 0)] for x in X]
    model = estimator(4, **WAYS).fit(X, labels)
    before = copies(model)
    frozen = [name for name in before if name.startswith("output.")]
    model.set_params(frozen=["output.*"]).fit(X, labels)
    assert moved(model, before) == {*before} - {*frozen}


def test_of_a_first_fit_they_keep_their_starting_values():
    def fitted(**how):
        return RNNClassifier(5, alpha=10, random_state=0, **how).fit(X, y > 5)

    one, other = (fitted(max_iter=k, frozen=["layers.*.R"]) for k in (1, 9))
    assert moved(other, copies(one)) == {*one.weights_} - {"layers.0.forward.R"}


def last_states(model):
    return np.array([h[-1] for h in hidden_states(model, X)["layers.0.forward.h"]])


@pytest.mark.parametrize("solver", ["lbfgs", "trust-ncg", "newton-cg", "hessian-free"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_output_alone_is_a_linear_model_of_the_states(solver):
    ways = {"solver": solver, "readout": "last", "alpha": 0.5, "frozen": ["layers.*"]}
    ways |= {"tol": 1e-7, "max_iter": 200, "random_state": 0, "n_iter_no_change": np.inf}

    model = RNNClassifier(6, **ways).fit(X, y > 5)
    linear = LogisticRegression(C=2, tol=1e-10, max_iter=1000)
    linear.fit(last_states(model), y > 5)
    np.testing.assert_allclose(model.weights_["output.W"].T, linear.coef_, atol=1e-4)
    np.testing.assert_allclose(model.weights_["output.b"], linear.intercept_, atol=1e-4)

    # alpha / 2 goes with half the squared error, and Ridge's alpha with all of it.
    scaled = (y - y.mean()) / y.std()
    model = RNNRegressor(6, **ways).fit(X, scaled)
    linear = Ridge(0.5).fit(last_states(model), scaled)
    np.testing.assert_allclose(model.weights_["output.W"][:, 0], linear.coef_, atol=1e-4)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_steps_are_those_of_the_unfrozen_with_that_part_of_the_gradient(solver):
    """Without clipping, the output layer does not feel that the first layer is frozen."""
    ways = {"solver": solver, "max_grad_norm": None, "max_iter": 1, "batch_size": 40}
    free = RNNClassifier(4, random_state=0, **ways).fit(X, y > 5)
    part = RNNClassifier(4, random_state=0, frozen=["layers.*"], **ways).fit(X, y > 5)
    for name in ("output.W", "output.b"):
        np.testing.assert_array_equal(free.weights_[name], part.weights_[name])
    assert part.grad_norm_curve_[0] < free.grad_norm_curve_[0]


@pytest.mark.parametrize("frozen", [["layers.1.*"], ["output.*", "output"], [3]])
def test_patterns_must_match(frozen):
    model = RNNRegressor(4, **WAYS).fit(X, y)
    before = copies(model)
    with pytest.raises(ValueError, match=r"frozen.*'layers\.0\.forward\.W'") as error:
        model.set_params(frozen=frozen).fit(X, y)
    assert repr(frozen[-1]) in str(error.value)
    assert not moved(model, before)


def test_something_must_be_left():
    with pytest.raises(ValueError, match="frozen=.* matches all weights"):
        RNNRegressor(4, frozen=["*"]).fit(X, y)
    with pytest.raises(ValueError, match="frozen"):
        RNNRegressor(4, frozen="layers.*").fit(X, y)
