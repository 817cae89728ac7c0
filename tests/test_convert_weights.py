"""Weights by name, in a fitted copy."""

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.neural_network import MLPClassifier

from skbptt import RNNRegressor, RNNTranscriber
from skbptt.convert import from_weights, to_c
from tests.converted import NUMBERS, TOKENS, X, fitted, model_of
from tests.fits import quietly


def test_weights_of_another_model():
    one, other = fitted(X, NUMBERS), fitted(X, 1000 + 50 * NUMBERS, noise=0.5)
    made = from_weights(other.weights_, one)
    np.testing.assert_array_equal(made.predict(X), other.predict(X))
    assert np.abs(one.predict(X) - made.predict(X)).min() > 1


def test_some_weights():
    model, X = model_of("tokens")
    vectors = np.random.default_rng(0).normal(size=(4, 3))
    made = from_weights({"embedding.x0.W": vectors}, model)
    for name, weights in model.weights_.items():
        right = vectors if name.startswith("embedding") else weights
        np.testing.assert_array_equal(made.weights_[name], right)


def test_training_goes_on_in_units_of_the_targets():
    """As it does without a change of weights: plain descent has no memory."""
    y = 1000 + 50 * NUMBERS
    options = {"solver": "sgd", "momentum": 0.0, "shuffle": False, "batch_size": 24}
    model = RNNRegressor(4, random_state=0, **options)
    for _ in range(3):
        quietly(model.partial_fit, X, y)
    made, before = from_weights({}, model), model.predict(X)
    for each in (model, made):
        quietly(each.partial_fit, X, y)
    np.testing.assert_allclose(made.predict(X), model.predict(X), rtol=1e-10)
    assert np.abs(model.predict(X) - before).max() > 0.01


def test_a_transcriber():
    y = [tokens[:1] for tokens in TOKENS]
    model = quietly(RNNTranscriber(4, max_iter=1, random_state=0).fit, TOKENS, y)
    b = np.full_like(model.weights_["output.b"], -9.0)
    b[2] = 9.0
    made = from_weights({"output.b": b}, model)
    scores = made.log_likelihood(TOKENS, y)
    assert np.isfinite(scores).all()
    assert (scores != model.log_likelihood(TOKENS, y)).all()


@pytest.mark.parametrize(
    ("weights", "match"),
    [
        ({"output.c": [1.0]}, r"Unknown: \['output.c'\]"),
        ({"output.b": [1.0, 2.0]}, r"output.b must have the shape \(1,\). Got \(2,\)"),
        ({"output.b": [np.nan]}, "output.b contains NaN"),
    ],
)
def test_weights_that_do_not_fit(weights, match):
    model = fitted(X, NUMBERS)
    before = model.predict(X)
    with pytest.raises(ValueError, match=match):
        from_weights(weights, model)
    np.testing.assert_array_equal(model.predict(X), before)


def test_estimators_that_have_none():
    with pytest.raises(NotFittedError):
        from_weights({}, RNNRegressor())
    with pytest.raises(TypeError, match="one of skbptt. Got MLPClassifier"):
        from_weights({}, MLPClassifier())


def test_distributions_are_refused_by_name():
    X = np.random.default_rng(0).normal(size=(20, 5, 2))
    model = quietly(RNNRegressor(4, loss="gaussian", max_iter=1).fit, X, X[:, 0, 0])
    with pytest.raises(TypeError, match="to_c supports losses with one output .*gaussian"):
        to_c(model, "model")
