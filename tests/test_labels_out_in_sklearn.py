"""Estimators of labels out: stored, called back, checked, and given bad input.

The matrix has them in the tools of scikit-learn.
"""

import re

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import check_estimator

from skbptt import RNNTranscriber, RNNTranslator
from skbptt.cells import GRUCell
from skbptt.inspection import permutation_importance
from skbptt.metrics import edit_distance
from tests.fits import X, assert_same_model, quietly
from tests.test_callbacks import Listener
from tests.test_persistence import WAYS
from tests.transcribed import PULSES, SIGNALS, WORDS, transcriber, translator

NUMBERS = [["ab".index(c) for c in word] for word in WORDS]
both = pytest.mark.parametrize("make", [transcriber, translator])


# Stored, and called back.


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("y", "options"),
    [
        (WORDS, {"early_stopping": True, "cell": GRUCell()}),
        ([" ".join(word) for word in WORDS], {"target_tokenizer": "word"}),
        (NUMBERS, {"solver": "lbfgs", "cell": "lstm"}),
    ],
)
@both
def test_stored_models(make, way, y, options):
    model = quietly(make(warm_start=True, **options).fit, X, y)
    again = WAYS[way](model)
    assert_same_model(model, again)
    for got, expected in zip(again.predict(X), model.predict(X), strict=True):
        np.testing.assert_array_equal(got, expected)
    np.testing.assert_array_equal(again.log_likelihood(X, y), model.log_likelihood(X, y))
    for got, expected in zip(again.predict_nbest(X, 2)[1], model.predict_nbest(X, 2)[1]):
        np.testing.assert_array_equal(got, expected)
    if way != "copy":  # which shares the state of the optimiser
        assert_same_model(quietly(model.fit, X, y), quietly(again.fit, X, y))


@both
def test_callbacks_hear_every_iteration(make):
    pytest.importorskip("sklearn.callback", reason="needs scikit-learn 1.9")
    listener = Listener()
    model = make(learning_rate="constant").set_callbacks(listener)
    quietly(model.fit, X, WORDS)
    assert listener.heard.count("end iteration") == model.n_iter_ == 6
    for k, prediction in enumerate(listener.predictions[:6], 1):
        shorter = make(learning_rate="constant", max_iter=k)
        shorter = quietly(shorter.fit, X, WORDS)
        assert shorter.predict(X).tolist() == prediction.tolist()
    stopped = make().set_callbacks(Listener(stop_after=3)).fit(X, WORDS)
    assert stopped.n_iter_ == 3


# As scikit-learn wants estimators to be.


@both
def test_parameters(make):
    model = make(target_tokenizer="word")
    parameters = model.get_params()
    assert parameters["target_tokenizer"] == "word"
    assert not {"readout", "return_sequences", "class_weight", "loss"} & set(parameters)
    model.set_params(beam_width=4, cell="lstm")
    shown = repr(model)
    for part in ("beam_width=4", "cell='lstm'"):
        assert part in shown
    assert "beam_width" in model._repr_html_()
    assert clone(model).get_params() == model.get_params()
    assert clone(make().fit(X, WORDS)).get_params() == make().get_params()


class OneLabel:
    """Learns a sequence of one label from one label, as check_estimator has them."""

    def fit(self, X, y, sample_weight=None):
        return super().fit(X, one_each(y), sample_weight)

    def partial_fit(self, X, y, sample_weight=None):
        return super().partial_fit(X, one_each(y), sample_weight, np.unique(y))

    def score(self, X, y, sample_weight=None):
        return super().score(X, one_each(y), sample_weight)

    def predict(self, X):
        return np.array([labels[0] if len(labels) else -1 for labels in super().predict(X)])


class TranscriberOfOne(OneLabel, RNNTranscriber):
    pass


class TranslatorOfOne(OneLabel, RNNTranslator):
    pass


def one_each(y):
    return y if y is None else np.asarray(y).reshape(-1, 1).tolist()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("of_one", [TranscriberOfOne, TranslatorOfOne])
def test_check_estimator(of_one):
    results = check_estimator(of_one(max_iter=5), on_fail=None, on_skip=None)
    assert len(results) >= 45
    troubles = {r["check_name"]: r["exception"] for r in results if r["status"] == "failed"}
    assert troubles == {}


@both
def test_permutation_importance(make):
    """Of the features, only the signal matters."""
    rng = np.random.RandomState(0)
    two = [np.c_[x, rng.standard_normal(len(x))] for x in SIGNALS]
    model = make(max_iter=80, hidden_layer_sizes=8).fit(two, PULSES)
    result = permutation_importance(model, two, PULSES, random_state=0)
    signal, noise = result.importances_mean
    assert signal > 0.4
    assert abs(noise) < 0.1


# Bad input.

BAD_TARGETS = {
    "none": (None, ValueError, "requires y to be passed, but the target y is None"),
    "a number each": ([1] * 40, ValueError, r"y\[0\] is 1, but must be a sequence"),
    "an array of numbers": (np.ones(40), ValueError, r"y\[0\] is 1.0, but must be a seq"),
    "one text": ("abc", ValueError, "list of sequences of labels.* Got str"),
    "too few": (WORDS[1:], ValueError, "X has 40 sequences, y has 39"),
    "3-D": (np.ones((40, 1, 1)), ValueError, r"Got an array of shape \(40, 1, 1\)"),
    "nested": ([[[1, 2]]] * 40, ValueError, r"y\[0\] must be a 1-D .* Got 2 dimensions"),
    "ragged": ([[[1], [1, 2]]] * 40, ValueError, r"y\[0\] must be a 1-D .* Got 2 dim"),
    "text and sequence": (
        [*WORDS[1:], [1]],
        TypeError,
        r"y\[0\] is str, but y\[39\] is l",
    ),
    "sequence and text": (
        [[1], *WORDS[1:]],
        TypeError,
        r"y\[0\] is list, but y\[1\] is s",
    ),
    "mixed": (
        [[1]] * 20 + [["a"]] * 20,
        TypeError,
        "integers only or strings only. Got b",
    ),
    "mixed in one": ([["a", 1]] * 40, TypeError, r"or strings only. Got both in y\[0\]"),
    "mixed objects": (
        [np.array(["a", 1], dtype=object)] * 40,
        TypeError,
        r"or strings only. Got both in y\[0\]",
    ),
    "fractions": (
        [[1], [0.5]] * 20,
        ValueError,
        r"y\[1\] holds the number 0.5, but labe",
    ),
    "infinite": ([[np.inf]] * 40, ValueError, r"y\[0\] holds the number inf, but labels"),
    "NaN": ([[np.nan]] * 40, ValueError, r"y\[0\] has missing labels"),
    "None": ([["a", None]] * 40, ValueError, r"y\[0\] has missing labels"),
    "nothing at all": ([""] * 40, ValueError, "y holds no label"),
}


@pytest.mark.parametrize("case", BAD_TARGETS)
@both
def test_bad_targets(make, case):
    """A failed call leaves the estimator as it was."""
    y, error, message = BAD_TARGETS[case]
    model = make()
    with pytest.raises(error, match=message):
        model.fit(X, y)
    assert not hasattr(model, "classes_")
    model = make().fit(X, WORDS)
    before = dict(vars(model))
    with pytest.raises(error, match=message):
        model.fit(X, y)
    if case != "nothing at all":  # Empty targets have a probability.
        for call in (model.score, model.log_likelihood, model.partial_fit):
            with pytest.raises((ValueError, TypeError)):
                call(X, y)
    assert vars(model) == before


def test_targets_that_cannot_be_aligned():
    """They have no probability, but a transcription can be scored by them."""
    long = "a" * 9
    message = (
        r"y\[39\] cannot be aligned with X\[39\]: its 9 labels, 8 of .* at least 17 st"
    )
    model = transcriber()
    with pytest.raises(ValueError, match=message):
        model.fit(X, [*WORDS[:-1], long])
    assert not hasattr(model, "classes_")
    model.fit(X, WORDS)
    before = dict(vars(model))
    for call in (model.fit, model.log_likelihood, model.partial_fit):
        with pytest.raises(ValueError, match=message):
            call(X, [*WORDS[:-1], long])
    assert vars(model) == before
    errors = edit_distance(model.predict(X[:1])[0], long)
    assert model.score(X[:1], [long]) == pytest.approx(1 - errors / 9)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"beam_width": 0}, r"'beam_width' .* must be an int in the range \[1, inf\)"),
        ({"beam_width": 2.5}, "'beam_width' .* Got 2.5"),
        ({"target_tokenizer": "words"}, "'target_tokenizer' .* Got 'words'"),
        ({"solver": "newton-cg"}, "'solver' .* Got 'newton-cg'"),
        ({"solver": "hessian-free"}, "'solver' .* Got 'hessian-free'"),
        ({"solver": "lbfgs", "dropout": 0.5}, "dropout=0.5 needs one of the solvers"),
    ],
)
@both
def test_bad_parameters(make, options, message):
    with pytest.raises(ValueError, match=message):
        make(**options).fit(X, WORDS)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"attention": "general"}, "'attention' .* Got 'general'"),
        ({"max_length": 0}, r"'max_length' .* in the range \[1, inf\).* Got 0"),
        ({"length_penalty": -0.5}, r"'length_penalty' .* in the range \[0.* Got -0.5"),
    ],
)
def test_bad_parameters_of_a_translator(options, message):
    with pytest.raises(ValueError, match=message):
        translator(**options).fit(X, WORDS)


@both
def test_bad_tokenizers(make):
    for tokenizer, returned in [(str.upper, "'B"), (lambda text: [1], r"\[1\]")]:
        message = rf"target_tokenizer must return .* For y\[0\] it returned {returned}"
        with pytest.raises(TypeError, match=message):
            make(target_tokenizer=tokenizer).fit(X, ["B" + w for w in WORDS])


@both
def test_other_labels_later(make):
    model = make().fit(X, WORDS)
    before = dict(vars(model))
    unknown = r"y has the labels \['z'\], which are not among the 2 labels in classes_"
    other = "y holds sequences of labels, but held texts in fit"
    for y, message in ((["z"] * 40, unknown), (NUMBERS, other)):
        with pytest.raises(ValueError, match=message):
            model.log_likelihood(X, y)
        with pytest.raises(ValueError, match=message):
            model.partial_fit(X, y)
        with pytest.raises(ValueError, match=message):
            clone_with(model, warm_start=True).fit(X, y)
        with pytest.raises(ValueError, match="X_val, y_val .*" + message):
            make(early_stopping=True).fit(X, WORDS, X_val=X, y_val=y)
    with pytest.raises(ValueError, match="y holds texts, but held sequences of labels"):
        make().fit(X, NUMBERS).score(X, WORDS)
    with pytest.raises(ValueError, match="X has 2 sequences, y has 1"):
        model.score(X[:2], WORDS[:1])
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        make().partial_fit(X, WORDS)
    again = clone_with(model, warm_start=True, target_tokenizer="word")
    with pytest.raises(ValueError, match="target_tokenizer was 'char' and is 'word'"):
        again.fit(X, WORDS)
    assert vars(model) == before


def clone_with(model, **options):
    return WAYS["deepcopy"](model).set_params(**options)


@pytest.mark.parametrize("bad", [0, -1, 2.0, True, None, "2"])
@both
def test_bad_numbers_of_outputs_and_beams(make, bad):
    model = make().fit(X, WORDS)
    message = f"must be an integer of at least 1. Got {re.escape(repr(bad))}"
    with pytest.raises(ValueError, match=f"^n {message}"):
        model.predict_nbest(X, bad)
    model.set_params(beam_width=bad)
    for call in (model.predict, lambda X: model.predict_nbest(X, 2)):
        with pytest.raises(ValueError, match=f"^beam_width {message}"):
            call(X)


@both
def test_weights_of_targets(make):
    for weights, message in [
        (np.ones((40, 2)), r"shape \(2,\) for each sequence, but y has 1 output"),
        (-np.ones(40), "Negative values in sample_weight"),
        (np.zeros(40), "zero for every sequence|non-zero"),
    ]:
        with pytest.raises(ValueError, match=message):
            make().fit(X, WORDS, weights)


@both
def test_not_fitted_and_not_there(make):
    model = make()
    for call in (
        lambda: model.predict(X),
        lambda: model.predict_nbest(X, 1),
        lambda: model.log_likelihood(X, WORDS),
        lambda: model.score(X, WORDS),
    ):
        with pytest.raises(NotFittedError):
            call()
    assert not hasattr(model, "stream")
    assert not hasattr(make(solver="lbfgs"), "partial_fit")
