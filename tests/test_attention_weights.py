"""Weights of attention of a fitted translator and their picture, against loops by hand."""

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.pipeline import make_pipeline

from skbptt import RNNClassifier, RNNTranslator
from skbptt.inspection import AttentionDisplay, attention_weights
from skbptt.preprocessing import TokenEncoder
from tests.gradcheck import reference_scan

pytestmark = pytest.mark.usefixtures("close_figures")

rng = np.random.RandomState(0)
X = [rng.randint(0, 5, rng.randint(1, 7)).astype(np.int64) for _ in range(40)]
Y = [np.array([*"abc"])[x % 3][::2] for x in X]


def translator(**options):
    """One that has hardly learned, so that its weights are of every size."""
    how = {"cell": "lstm", "bidirectional": True, "max_iter": 2, "random_state": 0}
    model = RNNTranslator((3, 4), **how | options).fit(X, Y)
    noise = np.random.RandomState(1).standard_normal(len(model._theta))
    model._theta += noise.astype(model._theta.dtype)
    return model


def by_hand(model, x, codes):
    """Weights of one sequence, one step after the other."""
    p, cell = model._network.layout.views(model._theta), model._network.cell

    def layer(key, x, initial=None):
        own = {name: p[f"{key}.{name}"] for name in "WRb"}
        return reference_scan(cell, own, x, None, initial)

    h = p["encoder.embedding.x0.W"][np.searchsorted(model.categories_[0], x)]
    for k in range(2):
        forward = layer(f"encoder.layers.{k}.forward", h)
        backward = layer(f"encoder.layers.{k}.backward", h[::-1])[::-1]
        h = np.hstack([forward, backward])
    ends = np.r_[forward[-1], backward[0]]
    s = p["decoder.embedding.W"][np.r_[len(model.classes_), codes].astype(int)]
    for k in range(2):
        starts = (
            np.tanh(ends @ p[f"bridge.{k}.{state}.W"] + p[f"bridge.{k}.{state}.b"])
            for state in cell.states
        )
        s = layer(f"decoder.layers.{k}.forward", s, tuple(starts))
    scores = [[state @ p["attention.W"] @ other for other in h] for state in s]
    return softmax(scores, axis=1)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_weights_by_hand(n_jobs):
    model = translator(n_jobs=n_jobs)
    weights = attention_weights(model, X, Y)
    predicted = model.predict(X)
    for i, (x, y) in enumerate(zip(X, Y)):
        expected = by_hand(model, x, np.searchsorted(model.classes_, y))
        np.testing.assert_allclose(weights[i], expected, rtol=1e-9)
    for x, y, found in zip(X, predicted, attention_weights(model, X)):
        expected = by_hand(model, x, np.searchsorted(model.classes_, y))
        np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_refusals():
    with pytest.raises(ValueError, match='attention="dot". Got attention=None'):
        attention_weights(translator(attention=None), X)
    other = RNNClassifier(2, max_iter=1).fit(X, np.arange(len(X)) % 2)
    for wrong in (other, make_pipeline(other)):
        with pytest.raises(TypeError, match=r"RNNTranslator, or .* Got RNNClassifier"):
            attention_weights(wrong, X)
    model = translator()
    with pytest.raises(ValueError, match="y.* 39"):
        attention_weights(model, X, Y[:-1])
    with pytest.raises(ValueError, match=r"labels \['z'\], which are not among"):
        attention_weights(model, X[:1], [["a", "z"]])
    with pytest.raises(ValueError, match="1 names, but x holds the token 3"):
        AttentionDisplay.from_estimator(model, [1, 3], ["a"], token_names=["a"])
    with pytest.raises(ValueError, match="x must be one sequence"):
        AttentionDisplay.from_estimator(model, np.ones((2, 3), int))


def ticks(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def test_picture_of_texts():
    texts = ["a b", "b a b", "c", "a", "bc a"]
    encoder = TokenEncoder("char").fit(texts)
    how = {"target_tokenizer": "char", "max_iter": 2, "random_state": 0}
    model = RNNTranslator(4, **how).fit(encoder.transform(texts), texts)
    x, names = encoder.transform(["b a"])[0], encoder.get_feature_names_out()
    display = AttentionDisplay.from_estimator(
        model, x, "c b", token_names=names, name="copy", cmap="Greys"
    )
    (expected,) = attention_weights(model, [x], ["c b"])
    panel = display.ax_
    np.testing.assert_array_equal(panel.images[0].get_array(), expected)
    assert ticks(panel.xaxis) == ["b", "␣", "a"]
    assert ticks(panel.yaxis) == ["c", "␣", "b", "(end)"]
    assert panel.get_title() == "copy"
    assert panel.images[0].get_cmap().name == "Greys"
    assert panel.images[0].get_clim() == (0, 1)
    predicted = AttentionDisplay.from_estimator(model, x)
    assert "".join(predicted.labels) == model.predict([x])[0]
    assert ticks(predicted.ax_.xaxis) == [str(token) for token in x]


def test_picture_of_numbers_and_of_many_labels():
    series = [rng.standard_normal((len(x), 2)) for x in X]
    model = RNNTranslator(3, max_iter=1, random_state=0).fit(series, Y)
    display = AttentionDisplay.from_estimator(model, series[0], ["a"] * 70)
    np.testing.assert_array_equal(
        display.weights, attention_weights(model, series[:1], [["a"] * 70])[0]
    )
    assert display.steps is None
    assert "(end)" not in ticks(display.ax_.yaxis)
    with pytest.raises(ValueError, match="token_names is for a sequence of tokens"):
        AttentionDisplay.from_estimator(model, series[0], token_names=["a"])
