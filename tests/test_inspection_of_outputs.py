"""The output to explain: a class, a column or a quantile; and integrated gradients."""

import numpy as np
import pytest

from skbptt.data import Sequences
from skbptt.inspection import SaliencyDisplay, integrated_gradients, saliency
from tests.coded import IDS, folded, frames, one_hot
from tests.coded import LABELS as CODED_LABELS
from tests.coded import classifier as coded_classifier
from tests.drawn import linear_net
from tests.fits import LABELS, Y_STEPS, X, Y, classifier, regressor
from tests.gradcheck import by_complex_step, relative_error
from tests.transcribed import WORDS, transcriber, translator

CLASSES = [np.digitize(y, [-1, 1]) for y in Y_STEPS]
INDICATORS = np.c_[Y > 0, Y > 1].astype(int)


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm", "lem"])
@pytest.mark.parametrize(
    ("model", "y", "target", "function"),
    [
        (classifier, LABELS, "low", lambda raw: raw[:, 1].sum()),
        (classifier, Y > 0, True, lambda raw: raw.sum()),
        (classifier, Y > 0, False, lambda raw: -raw.sum()),
        (classifier, INDICATORS, 1, lambda raw: raw[:, 1].sum()),
        (regressor, np.c_[Y, -Y], 1, lambda raw: raw[:, 1].sum()),
        (regressor, Y, 0, lambda raw: raw.sum()),
    ],
    ids=["class", "second", "first", "indicator", "column", "only"],
)
def test_saliency_of_a_target(model, y, target, function, cell):
    model = model(cell=cell).fit(X, y)
    for x, gradient in zip(X[:5], saliency(model, X[:5], target=target)):
        expected = by_complex_step(model._network, model._theta, x, function)
        assert relative_error(gradient, expected) <= 1e-9


def test_saliency_of_a_target_at_all_steps():
    model = classifier(return_sequences=True, bidirectional=True).fit(X, CLASSES)
    for x, gradient in zip(X, saliency(model, X, target=2)):
        expected = by_complex_step(
            model._network, model._theta, x, lambda raw: raw[:, 2].sum()
        )
        assert relative_error(gradient, expected) <= 1e-9


@pytest.mark.parametrize(
    ("options", "target", "chosen"),
    [
        ({"loss": "gaussian"}, 1, (1,)),
        ({"loss": "quantile", "quantile": [0.1, 0.5, 0.9]}, (1, 2), (1, 2)),
    ],
    ids=["mean", "quantile"],
)
def test_saliency_of_one_of_several_predictions(options, target, chosen):
    """Against differences of what is predicted."""
    model = regressor(readout="last", **options).fit(X, np.c_[Y, np.exp(-Y)])
    gradient = saliency(model, X[:1], target=target)[0]
    for place in np.ndindex(X[0].shape):
        up, down = X[0].copy(), X[0].copy()
        up[place] += 1e-6
        down[place] -= 1e-6
        change = model.predict([up])[0][chosen] - model.predict([down])[0][chosen]
        assert gradient[place] == pytest.approx(change / 2e-6, rel=1e-4, abs=1e-6)


def test_the_predicted_class_is_the_default():
    model = classifier().fit(X, LABELS)
    default, predicted = saliency(model, X), model.predict(X)
    for label in np.unique(predicted):
        of_label = saliency(model, X, target=label)
        for i in np.flatnonzero(predicted == label):
            np.testing.assert_array_equal(default[i], of_label[i])


QUANTILES = {"loss": "quantile", "quantile": [0.1, 0.9]}


@pytest.mark.parametrize("function", [saliency, integrated_gradients])
@pytest.mark.parametrize(
    ("model", "y", "target", "error", "message"),
    [
        (classifier(), LABELS, "huge", ValueError, "classes .*low.* Got 'huge'"),
        (classifier(), LABELS, ["low"], TypeError, r"classes. Got \['low'\]"),
        (classifier(), INDICATORS, 2, ValueError, "column of y, from 0 to 1. Got 2"),
        (regressor(), Y, -1, ValueError, "column of y, from 0 to 0. Got -1"),
        (regressor(), np.c_[Y, Y], 1.0, TypeError, "an int. Got 1.0"),
        (regressor(), np.c_[Y, Y], True, TypeError, "an int. Got True"),
        (regressor(**QUANTILES), Y, 2, ValueError, "a quantile, from 0 to 1. Got 2"),
        (regressor(**QUANTILES), np.c_[Y, Y], 1, TypeError, "a tuple of the indices"),
        (regressor(**QUANTILES), np.c_[Y, Y], (2, 0), ValueError, "column of y, from 0"),
        (transcriber(), WORDS, "a", ValueError, "RNNTranscriber, give the labels .* y"),
        (translator(), WORDS, "a", ValueError, "RNNTranslator, give the labels .* y"),
    ],
)
def test_targets_that_are_no_outputs(model, y, target, error, message, function):
    model.fit(X, y)
    with pytest.raises(error, match=f"target.*{message}"):
        function(model, X, target=target)


def test_target_or_loss():
    model = classifier().fit(X, LABELS)
    with pytest.raises(ValueError, match="Give one of them. Got target='low' and y"):
        saliency(model, X, LABELS, target="low")


# Integrated gradients.


def change_of(model, column, X, baseline=0.0, sign=1):
    """F(x) - F(baseline) of each sequence, from the raw outputs."""
    origin = [np.zeros_like(x) + baseline for x in X]
    raw, before = model._raw(X)[0][:, column], model._raw(origin)[0][:, column]
    return sign * (raw - before)


def sums(shares):
    return np.array([share.sum() for share in shares])


def test_one_node_is_exact_for_a_linear_net():
    """Each value adds W R^lag times its distance from the baseline to the output."""
    model, x, theta = linear_net(T=12)
    W, R, out = (
        theta[name] for name in ("layers.0.forward.W", "layers.0.forward.R", "output.W")
    )
    lag = np.arange(12)[::-1, np.newaxis]
    for baseline in (0.0, 0.5, [-2.0]):
        share = integrated_gradients(model, x, baseline=baseline, n_nodes=1)
        expected = (x - baseline) * W[0, 0] * R[0, 0] ** lag * out[0, 0]
        np.testing.assert_allclose(share, expected, rtol=1e-10)


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm", "lem"])
@pytest.mark.parametrize(
    "options",
    [
        {"readout": "last"},
        {"bidirectional": True, "readout": "mean", "hidden_layer_sizes": (4, 3)},
    ],
)
def test_shares_sum_to_the_change(cell, options):
    model = classifier(cell=cell, **options).fit(X, LABELS)
    for baseline in (0.0, [0.3, -1.0]):
        shares = integrated_gradients(model, X, target="low", baseline=baseline, n_nodes=64)
        expected = change_of(model, 1, X, np.asarray(baseline))
        np.testing.assert_allclose(sums(shares), expected, rtol=1e-9, atol=1e-10)


def test_maxima_have_kinks():
    """The default readout: the error falls with the number of nodes."""
    model = classifier(max_iter=40).fit(X, LABELS)
    expected = change_of(model, 1, X)
    errors = [
        np.abs(
            sums(integrated_gradients(model, X, target="low", n_nodes=n)) - expected
        ).max()
        for n in (8, 32, 512)
    ]
    assert errors[1] < 0.02 * np.abs(expected).max()
    assert errors[2] < 1e-3 * np.abs(expected).max()


def test_against_a_fine_sum_over_the_path():
    """The midpoint rule, whose points are inputs of their own."""
    model = regressor(readout="last", cell="lstm").fit(X, Y)
    x, n = X[0], 2000
    alphas = (np.arange(n) + 0.5) / n
    gradients = saliency(model, [alpha * x for alpha in alphas])
    expected = x * np.mean(list(gradients), axis=0)
    share = integrated_gradients(model, [x])[0]
    np.testing.assert_allclose(share, expected, rtol=1e-6, atol=1e-9)


def test_what_is_predicted_counts_on_the_whole_path():
    """Though another class is predicted at the baseline."""
    model = classifier(readout="last", max_iter=40).fit(X, LABELS)
    predicted = model.predict(X)
    assert len(set(predicted)) == 3
    for x, label, share in zip(X, predicted, integrated_gradients(model, X)):
        alone = integrated_gradients(model, [x], target=label)[0]
        np.testing.assert_allclose(share, alone, rtol=1e-9, atol=1e-12)
    model = classifier(readout="last", max_iter=40).fit(X, INDICATORS)
    signs = 2 * model.predict(X) - 1
    expected = sum(change_of(model, k, X, sign=signs[:, k]) for k in (0, 1))
    shares = integrated_gradients(model, X)
    np.testing.assert_allclose(sums(shares), expected, rtol=1e-6, atol=1e-8)


def test_steps_with_targets_of_their_own():
    model = classifier(return_sequences=True).fit(X, CLASSES)
    zeros = [np.zeros_like(x) for x in X]
    codes = model.predict(X)
    for x, zero, code, share in zip(X, zeros, codes, integrated_gradients(model, X)):
        rows = np.arange(len(x))
        raw, before = model._raw([x])[0], model._raw([zero])[0]
        expected = (raw - before)[rows, code].sum()
        assert share.sum() == pytest.approx(expected, rel=1e-9, abs=1e-10)


@pytest.mark.parametrize("make", [transcriber, translator])
def test_the_log_probability_of_labels(make):
    model, some = make().fit(X, WORDS), X[:8]
    predicted = model.predict(some)
    at_zero = model.log_likelihood([np.zeros_like(x) for x in some], predicted)
    expected = model.log_likelihood(some, predicted) - at_zero
    shares = integrated_gradients(model, some)
    np.testing.assert_allclose(sums(shares), expected, rtol=1e-6, atol=1e-8)


def test_tokens_are_as_one_hot_rows():
    """The path of a vector is that of the 1 of its row."""
    model = coded_classifier(readout="last").fit(IDS, CODED_LABELS)
    network, theta = folded(model, 0)
    other = coded_classifier(readout="last").fit(
        [one_hot(ids) for ids in IDS], CODED_LABELS
    )
    assert network.layout.shapes == other._network.layout.shapes
    other._theta = theta
    rows = [one_hot(ids) for ids in IDS]
    target = model.classes_[0]
    for share, of_rows in zip(
        integrated_gradients(model, IDS, target=target),
        integrated_gradients(other, rows, target=target),
    ):
        np.testing.assert_allclose(share, of_rows.sum(axis=1), rtol=1e-9, atol=1e-12)


def test_numbers_and_categories_together():
    """The baseline is of the numbers; they sum to the change from no category at all."""
    model = coded_classifier(readout="last").fit(frames(), CODED_LABELS)
    target, baseline = model.classes_[0], [0.5, -0.25]
    share = integrated_gradients(model, frames(), target=target, baseline=baseline)
    lengths = np.array([len(frame) for frame in frames()])
    # -1 is the code of the vector zero.
    origin = np.tile([0.5, -1, -0.25], (lengths.sum(), 1))
    before = model._raw_of(Sequences(origin, lengths))
    column = model._raw(frames())[0] - before
    expected = -column[:, 0] if column.shape[1] == 1 else column[:, 0]
    np.testing.assert_allclose(sums(share), expected, rtol=1e-9, atol=1e-10)


def test_form_and_threads():
    padded = np.full((len(X), max(map(len, X)), 2), np.nan)
    for i, x in enumerate(X):
        padded[i, : len(x)] = x
    model = regressor().fit(padded, Y)
    dense = integrated_gradients(model, padded, n_nodes=4)
    np.testing.assert_array_equal(np.isnan(dense), np.isnan(padded))
    for x, share, row in zip(X, integrated_gradients(model, X, n_nodes=4), dense):
        np.testing.assert_array_equal(share, row[: len(x)])
    in_threads = integrated_gradients(model.set_params(n_jobs=2), padded, n_nodes=4)
    np.testing.assert_array_equal(in_threads, dense)
    single = regressor().fit([x.astype("f4") for x in X], Y.astype("f4"))
    assert integrated_gradients(single, X)[0].dtype == np.float32


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"baseline": [1.0, 2.0, 3.0]}, ValueError, r"there are 2. Got \[1.0, 2.0, 3.0\]"),
        ({"baseline": np.nan}, ValueError, "finite number.* Got nan"),
        ({"baseline": "mean"}, ValueError, "finite number.* Got 'mean'"),
        ({"n_nodes": 0}, ValueError, "n_nodes must be at least 1. Got 0"),
        ({"n_nodes": 2.5}, TypeError, "n_nodes must be an int. Got 2.5"),
    ],
)
def test_baselines_and_nodes_that_are_none(options, error, message):
    model = regressor().fit(X, Y)
    with pytest.raises(error, match=message):
        integrated_gradients(model, X, **options)


def test_tokens_have_the_vector_zero_as_baseline():
    model = coded_classifier().fit(IDS, CODED_LABELS)
    with pytest.raises(ValueError, match="baseline must be 0 where all features"):
        integrated_gradients(model, IDS, baseline=1.0)


# The display.


@pytest.mark.usefixtures("close_figures")
def test_display_of_another_class():
    model = classifier().fit(X, LABELS)
    probability = dict(zip(model.classes_, model.predict_proba(X[:1])[0]))
    (predicted,) = model.predict(X[:1])
    other = "low" if predicted != "low" else "mid"
    display = SaliencyDisplay.from_estimator(
        model, X[0], target=other, method="integrated_gradients", baseline=0.5
    )
    assert display.name == (
        f"toward {other} ({probability[other]:.2f}), "
        f"predicted {predicted} ({probability[predicted]:.2f})"
    )
    np.testing.assert_array_equal(
        display.relevance,
        integrated_gradients(model, X[:1], target=other, baseline=0.5)[0],
    )
    assert "integrated gradients" in [ax.get_ylabel() for ax in display.figure_.axes]
    display = SaliencyDisplay.from_estimator(model, X[0], target=other, baseline=[1, 2])
    expected = saliency(model, X[:1], target=other)[0] * (X[0] - [1, 2])
    np.testing.assert_allclose(display.relevance, expected)
    with pytest.raises(ValueError, match="method must be one of .* Got 'lime'"):
        SaliencyDisplay.from_estimator(model, X[0], method="lime")


@pytest.mark.usefixtures("close_figures")
def test_display_of_an_indicator_and_of_a_column():
    model = classifier().fit(X, INDICATORS)
    share, codes = model.predict_proba(X[:1])[0], model.predict(X[:1])[0]
    display = SaliencyDisplay.from_estimator(model, X[0], target=1)
    of_predicted = ", ".join(f"{p if c else 1 - p:.2f}" for p, c in zip(share, codes))
    assert display.name == (
        f"toward output 1 ({share[1]:.2f}), "
        f"predicted {codes[0]}, {codes[1]} ({of_predicted})"
    )
    model = regressor(return_sequences=True).fit(X, [np.c_[y, -y] for y in Y_STEPS])
    display = SaliencyDisplay.from_estimator(model, X[0], target=1)
    assert display.axes_[0, 0].get_title() == "toward output 1"
