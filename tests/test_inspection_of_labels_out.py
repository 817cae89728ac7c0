"""Each function of inspection on the estimators of labels out: by value, or refused."""

import numpy as np
import pytest

from skbptt import inspection
from skbptt.data import Labels, Sequences
from skbptt.inspection import SaliencyDisplay, saliency
from tests.fits import X, quietly
from tests.gradcheck import complex_gradient, relative_error
from tests.transcribed import WORDS, codes_of, transcriber, translator

pytestmark = pytest.mark.usefixtures("close_figures")

TOKENS = [(x[:, 0] > 0).astype(int) + (x[:, 1] > 0) for x in X]

# What inspection has, called with a fitted estimator.
CALLS = {
    "LossCurveDisplay": lambda model: inspection.LossCurveDisplay.from_estimator(model),
    "SaliencyDisplay": lambda model: SaliencyDisplay.from_estimator(model, X[0], "ab"),
    "loss_gradient": lambda model: inspection.loss_gradient(model, X, WORDS),
    "saliency": lambda model: saliency(model, X, WORDS),
    "permutation_importance": lambda model: inspection.permutation_importance(
        model, X, WORDS, n_repeats=1, random_state=0
    ),
    "alignment": lambda model: inspection.alignment(model, X, WORDS),
    "AlignmentDisplay": lambda model: inspection.AlignmentDisplay.from_estimator(
        model, X[0]
    ),
    "hidden_states": lambda model: inspection.hidden_states(model, X),
    "integrated_gradients": lambda model: inspection.integrated_gradients(model, X[:3]),
    "HiddenStateDisplay": lambda model: inspection.HiddenStateDisplay.from_estimator(
        model, X[0]
    ),
    "attention_weights": lambda model: inspection.attention_weights(model, X),
    "AttentionDisplay": lambda model: inspection.AttentionDisplay.from_estimator(
        model, X[0]
    ),
    "gradient_flow": lambda model: inspection.gradient_flow(model, X, WORDS),
    "GradientFlowDisplay": lambda model: inspection.GradientFlowDisplay.from_estimator(
        model, X, WORDS
    ),
    "hessian_product": lambda model: inspection.hessian_product(
        model, X, WORDS, model.weights_
    ),
    "ForecastDisplay": lambda model: inspection.ForecastDisplay.from_estimator(
        model, np.arange(20.0).reshape(10, 2), window=3, target=0
    ),
}
WITHOUT_LABELS = "an RNNClassifier or RNNRegressor"
STACKS = "an RNNClassifier, RNNRegressor or RNNTranscriber"
# What the estimator must be instead; by function, and by estimator.
NEEDED = {
    "alignment": {translator: "an RNNTranscriber"},
    "AlignmentDisplay": {translator: "an RNNTranscriber"},
    "hidden_states": {translator: STACKS},
    "HiddenStateDisplay": {translator: STACKS},
    "attention_weights": {transcriber: "an RNNTranslator"},
    "AttentionDisplay": {transcriber: "an RNNTranslator"},
    "gradient_flow": dict.fromkeys([transcriber, translator], WITHOUT_LABELS),
    "GradientFlowDisplay": dict.fromkeys([transcriber, translator], WITHOUT_LABELS),
    "hessian_product": dict.fromkeys([transcriber, translator], WITHOUT_LABELS),
    "ForecastDisplay": dict.fromkeys([transcriber, translator], "a regressor"),
}


@pytest.mark.parametrize("make", [transcriber, translator])
@pytest.mark.parametrize("name", inspection.__all__)
def test_each_works_or_names_what_it_needs(name, make):
    model = make().fit(X, WORDS)
    needed = NEEDED.get(name, {}).get(make)
    if needed is None:
        assert CALLS[name](model) is not None
        return
    with pytest.raises(
        TypeError, match=f"estimator must be {needed}.* {type(model).__name__}"
    ):
        CALLS[name](model)


def test_numbers_in_texts_are_no_forecasts():
    model = translator().fit(X, [str(len(word)) for word in WORDS])
    with pytest.raises(TypeError, match="RNNTranslator predicts '"):
        CALLS["ForecastDisplay"](model)


def by_complex_step(model, x, word):
    """Gradient of log p(word | x) by the values of x, or by the weight of each token."""
    network, theta = model._network, model._theta.astype(complex)
    codes = np.array(codes_of(model, word), int)
    labels = Labels(codes, np.array([len(codes)]), np.array([len(x)]))

    def log_p(flat):
        steps = flat.reshape(len(x), -1)
        batch = Sequences(steps, np.array([len(x)])).pack(np.array([0]))
        batch.targets = labels
        raw, _ = network.forward(theta, batch)
        return -model._loss.value(raw, labels)[0]

    return complex_gradient(log_p, x.ravel().astype(float)).reshape(x.shape)


@pytest.mark.parametrize("x", [X, TOKENS], ids=["numbers", "tokens"])
@pytest.mark.parametrize(
    "options",
    [
        {"bidirectional": True, "cell": "lstm"},
        {"attention": None, "beam_width": 3, "length_penalty": 1.0},
    ],
    ids=["attention", "beam"],
)
def test_saliency_of_a_translator(x, options):
    """Of the loss, and of the log-probability of what is predicted."""
    model = quietly(translator(**options, max_iter=10).fit, x, WORDS)
    few, weights = range(6), np.arange(6) % 3
    some = [x[i] for i in few]
    of_loss = saliency(model, some, [WORDS[i] for i in few], sample_weight=weights)
    of_prediction, predicted = saliency(model, some), model.predict(some)
    assert any(predicted)
    for i in few:
        expected = -by_complex_step(model, x[i], WORDS[i]) * (weights[i] > 0)
        np.testing.assert_allclose(of_loss[i], expected, rtol=1e-8, atol=1e-12)
        expected = by_complex_step(model, x[i], predicted[i])
        np.testing.assert_allclose(of_prediction[i], expected, rtol=1e-8, atol=1e-12)


def test_saliency_display_of_a_translator():
    model = translator().fit(X, WORDS)
    display = SaliencyDisplay.from_estimator(model, X[0], "ab")
    predicted = model.predict(X[:1])
    probability = np.exp(model.log_likelihood(X[:1], predicted)[0])
    title = f"predicted {predicted[0]} ({probability:.2f}), true ab"
    assert display.axes_[0, 0].get_title() == title
    assert relative_error(display.relevance, saliency(model, X[:1])[0] * X[0]) < 1e-12
