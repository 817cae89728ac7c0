"""Inspection of transcribers: alignments and their display, saliency, states."""

import numpy as np
import pytest
from matplotlib.patches import Rectangle
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline

from skbptt.inspection import (
    AlignmentDisplay,
    HiddenStateDisplay,
    LossCurveDisplay,
    SaliencyDisplay,
    alignment,
    hidden_states,
    loss_gradient,
    saliency,
)
from skbptt.inspection._displays._alignment import apart
from skbptt.preprocessing import pad_sequences
from tests.fits import X, quietly, regressor
from tests.gradcheck import (
    complex_gradient,
    reference_raw,
    relative_error,
    states_by_hand,
)
from tests.transcribed import (
    PULSES,
    SIGNALS,
    WORDS,
    all_paths,
    by_all_paths,
    codes_of,
    transcriber,
    translator,
)

pytestmark = pytest.mark.usefixtures("close_figures")

MODEL = transcriber(hidden_layer_sizes=8, bidirectional=True, max_iter=60)
MODEL = MODEL.fit(SIGNALS, PULSES)
SHORT = [k for k, x in enumerate(SIGNALS) if len(x) < 8]


def raw_of(model, x):
    return reference_raw(model._network, model._theta, x)


def probabilities_of(model, x):
    p = np.exp(raw_of(model, x))
    return p / p.sum(axis=1, keepdims=True)


# Alignments.


def best_path(model, x, word):
    """The most probable of all paths that read as the word, by position in the word."""
    p = probabilities_of(model, x)
    paths, outputs = all_paths(*p.shape)
    paths = paths[outputs[codes_of(model, word)]]
    best = paths[p[np.arange(len(p)), paths].prod(axis=1).argmax()]
    new = np.append(True, best[1:] != best[:-1]) & (best < p.shape[1] - 1)
    return np.where(best < p.shape[1] - 1, np.cumsum(new) - 1, -1)


@pytest.mark.parametrize("words", [PULSES, ["a", ""] * 40], ids=["true", "wrong"])
def test_alignment_is_the_best_of_all_paths(words):
    x, y = [SIGNALS[k] for k in SHORT], [words[k] for k in SHORT]
    found = alignment(MODEL, x, y)
    assert found.dtype == object
    for xi, word, position in zip(x, y, found, strict=True):
        np.testing.assert_array_equal(position, best_path(MODEL, xi, word))


def test_labels_are_found_at_their_pulses():
    right = total = 0
    for x, word, position in zip(SIGNALS, PULSES, alignment(MODEL, SIGNALS, PULSES)):
        for k, letter in enumerate(word):
            steps = np.flatnonzero(position == k)
            right += (x[steps, 0] == "_abc".index(letter)).any()
            total += 1
    assert right > 0.9 * total


def test_alignment_in_the_form_of_an_array():
    dense = alignment(MODEL, pad_sequences(SIGNALS), PULSES)
    for row, position in zip(dense, alignment(MODEL, SIGNALS, PULSES)):
        np.testing.assert_array_equal(row[: len(position)], position)
        assert np.isnan(row[len(position) :]).all()


# Saliency.


def gradient_by_inputs(model, x, word):
    def log_p(flat):
        raw = raw_of(model, flat.reshape(x.shape))
        return by_all_paths(raw)[codes_of(model, word)]

    return complex_gradient(log_p, x.ravel()).reshape(x.shape)


def test_saliency():
    """Of the loss, and of the log-probability of what is predicted, the other way round."""
    model = quietly(transcriber(bidirectional=True, max_iter=20).fit, X, WORDS)
    short = [k for k, x in enumerate(X) if len(x) < 7]
    x, y = [X[k] for k in short], [WORDS[k] for k in short]
    weights = np.arange(len(x)) % 3
    of_loss = saliency(model, x, y, sample_weight=weights)
    of_prediction = saliency(model, x)
    predicted = model.predict(x)
    assert any(predicted)
    for k in range(len(x)):
        expected = -gradient_by_inputs(model, x[k], y[k]) * (weights[k] > 0)
        np.testing.assert_allclose(of_loss[k], expected, rtol=1e-8, atol=1e-12)
        expected = gradient_by_inputs(model, x[k], predicted[k])
        np.testing.assert_allclose(of_prediction[k], expected, rtol=1e-8, atol=1e-12)
    dense = saliency(model, pad_sequences(x), y, sample_weight=weights)
    np.testing.assert_allclose(dense[3, : len(x[3])], of_loss[3], rtol=1e-12)


def test_saliency_is_of_the_beam():
    """Where the best path is not the most probable output."""
    model = quietly(transcriber(max_iter=2).fit, X, WORDS)
    model.set_params(beam_width=10)
    predicted = model.predict(X)
    np.testing.assert_allclose(
        np.concatenate(saliency(model, X)),
        -np.concatenate(saliency(model, X, predicted)),
        rtol=1e-12,
    )


def test_states():
    model = transcriber(cell="lstm", bidirectional=True).fit(X, WORDS)
    states = hidden_states(model, X[:3])
    expected = states_by_hand("lstm", model.weights_, "layers.0.forward", X[1])
    for name, values in expected.items():
        found = states[f"layers.0.forward.{name}"][1]
        np.testing.assert_allclose(found, values, rtol=1e-10)


@pytest.mark.parametrize("make", [transcriber, translator])
@pytest.mark.parametrize("solver", ["lbfgs", "cg"])
def test_loss_gradient_is_that_of_training(solver, make):
    model = make(solver=solver, hidden_layer_sizes=2, max_iter=20, tol=0)
    model = quietly(model.fit, X, WORDS)
    loss, gradient = loss_gradient(model, X, WORDS)
    assert loss == pytest.approx(model.loss_, rel=1e-12)
    flat = np.concatenate([values.ravel() for values in gradient.values()])
    assert np.abs(flat).max() == pytest.approx(
        model.solver_result_["max_gradient"], rel=1e-6
    )


# What is not for others.


def test_alignment_is_of_transcribers():
    for draw in (
        lambda model: alignment(model, SIGNALS, PULSES),
        lambda model: AlignmentDisplay.from_estimator(model, SIGNALS[0]),
    ):
        with pytest.raises(TypeError, match="an RNNTranscriber, or.* Got RNNRegressor"):
            draw(regressor().fit(SIGNALS, np.arange(80)))
        with pytest.raises(TypeError, match="an RNNTranscriber.* Got RNNRegressor"):
            draw(make_pipeline(regressor().fit(SIGNALS, np.arange(80))))
        with pytest.raises(NotFittedError):
            draw(transcriber())
    with pytest.raises(ValueError, match=r"y has the labels \['z'\]"):
        alignment(MODEL, SIGNALS[:1], ["z"])
    with pytest.raises(ValueError, match=r"y\[0\] cannot be aligned"):
        alignment(MODEL, SIGNALS[:1], ["abc" * 20])
    with pytest.raises(ValueError, match="y must be the labels to align.* Got None"):
        alignment(MODEL, SIGNALS[:1], None)


# Displays.


def drawn(display):
    """The image, its rows by name, the frames and the labels above."""
    panel = display.axes_[0, 0]
    (image,) = panel.images
    rows = [label.get_text() for label in panel.get_yticklabels()]
    frames = [
        (rows[round(patch.get_y() + 0.5)], patch.get_x() + 0.5, patch.get_width())
        for patch in panel.patches
        if isinstance(patch, Rectangle)
    ]
    return image.get_array(), rows, frames, panel.texts


@pytest.mark.parametrize("given", [True, False], ids=["given", "predicted"])
def test_alignment_display(given):
    k = int(np.argmax([len(word) for word in PULSES]))
    x, word = SIGNALS[k], PULSES[k][:-1] if given else MODEL.predict(SIGNALS)[k]
    display = AlignmentDisplay.from_estimator(MODEL, x, word if given else None)
    image, rows, frames, texts = drawn(display)
    np.testing.assert_allclose(image, probabilities_of(MODEL, x).T, rtol=1e-9)
    assert rows == ["a", "b", "c", "(blank)"]
    (position,) = alignment(MODEL, [x], [word])
    for i, (letter, first, width) in enumerate(frames):
        steps = np.flatnonzero(position == i)
        assert (letter, first, width) == (word[i], steps[0], len(steps))
        assert texts[i].xy[0] == pytest.approx(steps.mean())
    assert len(frames) == len(word) > 1
    assert [text.get_text() for text in texts] == list(word)


def test_nothing_to_align():
    display = AlignmentDisplay.from_estimator(MODEL, SIGNALS[0], "", name="no label")
    _, _, frames, texts = drawn(display)
    assert (frames, len(texts)) == ([], 0)
    assert display.axes_[0, 0].get_title() == "no label"


def test_of_many_labels_those_that_matter_are_shown():
    rng = np.random.RandomState(0)
    p = rng.dirichlet(np.full(61, 0.01), 20)
    codes = np.array([5, 40])
    position = np.repeat([-1, 0, -1, 1], 5)
    classes = np.array([f"word {k}" for k in range(60)])
    display = AlignmentDisplay(
        probabilities=p, classes=classes, codes=codes, position=position
    ).plot(cmap="Greens")
    image, rows, frames, texts = drawn(display)
    shown = sorted({5, 40, 60, *p.argmax(axis=1)})
    np.testing.assert_array_equal(image, p[:, shown].T)
    assert rows == [*(f"word {k}" for k in shown[:-1]), "(blank)"]
    assert frames == [("word 5", 5, 5), ("word 40", 15, 5)]
    assert {text.get_rotation() for text in texts} == {90}
    assert display.axes_[0, 0].images[0].get_cmap().name == "Greens"


def test_labels_above_do_not_overlap():
    """Each is as near its steps as the others let it, and all are within the panel."""
    x = np.array([0.0, 10, 10.5, 11, 30])
    np.testing.assert_allclose(apart(x, 2, 40), [0, 8.5, 10.5, 12.5, 30])
    np.testing.assert_allclose(apart(x + 10, 2, 40), [10, 18.5, 20.5, 22.5, 40])
    np.testing.assert_allclose(apart(x, 0.1, 40), x)
    crowded = apart(np.full(9, 3.0), 100, 40)
    np.testing.assert_allclose(crowded, 40 / 9 * np.arange(9), atol=40 / 9)
    assert 0 <= crowded[0] < crowded[-1] <= 40


def test_other_displays_of_transcribers():
    LossCurveDisplay.from_estimator(MODEL)
    x, word = SIGNALS[0], MODEL.predict(SIGNALS[:1])[0]
    display = SaliencyDisplay.from_estimator(MODEL, x, "abc")
    probability = np.exp(MODEL.log_likelihood([x], [word])[0])
    title = f"predicted {word} ({probability:.2f}), true abc"
    assert display.axes_[0, 0].get_title() == title
    expected = saliency(MODEL, [x])[0] * x
    assert relative_error(display.relevance, expected) < 1e-12
    states = HiddenStateDisplay.from_estimator(MODEL, x).states["h"]
    np.testing.assert_array_equal(
        states, hidden_states(MODEL, [x])["layers.0.forward.h"][0]
    )
