"""The transcriber: its objective, its training and its predictions, by value."""

import pickle
from itertools import groupby

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from skbptt import RNNTranscriber
from skbptt.data import canonical
from skbptt.inspection import loss_gradient
from skbptt.metrics import (
    edit_distance,
    neg_token_error_rate_scorer,
    sequence_accuracy_scorer,
    token_error_rate,
)
from skbptt.preprocessing import pad_sequences
from skbptt.training import hold_back
from tests.fits import LENGTHS, X, assert_same_model, quietly
from tests.gradcheck import complex_gradient, reference_raw, relative_error
from tests.transcribed import (
    PULSES,
    SIGNALS,
    WORDS,
    by_all_paths,
    codes_of,
    transcriber,
)


@pytest.fixture(scope="module")
def model():
    """One that has learned to tell pulses apart."""
    return transcriber(hidden_layer_sizes=8, bidirectional=True, max_iter=60).fit(
        SIGNALS, PULSES
    )


def raw_of(model, x):
    return reference_raw(model._network, model._theta, np.asarray(x, float))


# The objective.


@pytest.mark.parametrize("bidirectional", [False, True], ids=["one", "both"])
@pytest.mark.parametrize("sizes", [3, (2, 2)], ids=["1", "2"])
@pytest.mark.parametrize("cell", ["rnn", "gru", "lem", "lstm"])
def test_objective_and_gradient(cell, sizes, bidirectional):
    """Against all paths, and the complex step; labels repeat, one target is empty."""
    rng = np.random.RandomState(1)
    x = [rng.standard_normal((n, 2)) for n in (5, 1, 3, 6, 4, 2)]
    y = ["aab", "b", "", "abba", "bb", "ab"]
    weights = rng.uniform(0.5, 2, 6)
    model = transcriber(
        cell=cell, hidden_layer_sizes=sizes, bidirectional=bidirectional, alpha=0.3
    )
    model = quietly(model.fit, x, y, weights)
    network = model._network

    def objective(theta):
        total = sum(
            -w * by_all_paths(reference_raw(network, theta, xi))[codes_of(model, word)]
            for xi, word, w in zip(x, y, weights)
        )
        for name, matrix in network.layout.views(theta).items():
            if name.endswith((".W", ".R")):
                total = total + 0.3 / 2 * (matrix**2).sum()
        return total / weights.sum()

    loss, gradient = loss_gradient(model, x, y, weights)
    flat = np.concatenate([values.ravel() for values in gradient.values()])
    assert loss == pytest.approx(objective(model._theta), rel=1e-12)
    assert relative_error(flat, complex_gradient(objective, model._theta)) < 1e-9


def test_training_starts_from_the_shares_of_the_labels():
    """And of the steps without one, as far as weights go."""
    rows, y = [np.zeros((6, 1)), np.ones((4, 1))], ["abba", "a"]
    weights = np.array([2.0, 1.0])
    model = transcriber(max_iter=1, learning_rate_init=1e-12, solver="sgd", alpha=0.0)
    start = quietly(model.fit, rows, y, weights).weights_["output.b"]
    expected = np.log(np.array([5, 4, 16 - 9]) / 16)
    np.testing.assert_allclose(start, expected, atol=1e-9)


def test_a_net_that_has_learned_nothing_is_warned_of():
    """The shares of labels and blanks are the constant that it has to beat."""
    model = transcriber(max_iter=1, learning_rate_init=1e-9)
    with pytest.warns(ConvergenceWarning, match="no better than that of a constant"):
        model.fit(X, WORDS)


# Training.


@pytest.mark.parametrize(
    "options",
    [
        {"batch_size": 8, "dropout": 0.2},
        {"solver": "lbfgs"},
        {"early_stopping": True, "validation_fraction": 0.3},
        {"early_stopping": True, "validation_fraction": 0.3, "scoring": None},
    ],
)
def test_weights_equal_repetitions_in_any_order(options):
    counts = np.random.RandomState(3).randint(0, 4, len(X))
    words = [word if count else "what has no weight" for word, count in zip(WORDS, counts)]
    weighted = quietly(transcriber(**options).fit, X, words, counts)
    rows = np.random.RandomState(4).permutation(np.repeat(np.arange(len(X)), counts))
    repeated = transcriber(**options)
    quietly(repeated.fit, [X[i] for i in rows], [WORDS[i] for i in rows])
    assert_same_model(weighted, repeated)
    assert weighted.validation_scores_ == repeated.validation_scores_


def test_without_shuffle_the_order_is_that_of_the_data():
    one = transcriber(shuffle=False).fit(X, WORDS)
    other = transcriber(shuffle=False).fit(X[::-1], WORDS[::-1])
    assert one.loss_curve_ != other.loss_curve_


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_any_number_of_threads_gives_the_same_bits(solver, monkeypatch):
    monkeypatch.setattr("skbptt.network._parts.TAPE_BYTES", 1 << 11)
    batches = {"batch_size": 40, "dropout": 0.3} if solver == "adam" else {}
    one, two, three = (
        quietly(
            transcriber(solver=solver, bidirectional=True, n_jobs=n_jobs, **batches).fit,
            X + [x[::-1] for x in X],
            WORDS + [word[::-1] for word in WORDS],
        )
        for n_jobs in (1, 2, 3)
    )
    for other in (two, three):
        assert_same_model(one, other)
        np.testing.assert_array_equal(
            one.log_likelihood(X, WORDS), other.log_likelihood(X, WORDS)
        )


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_two_half_fits_equal_one(solver):
    options = {"solver": solver, "learning_rate": "constant", "batch_size": 8}
    whole = quietly(transcriber(**options, max_iter=8).fit, X, WORDS)
    halves = transcriber(**options, max_iter=4, warm_start=True)
    for _ in range(2):
        halves = pickle.loads(pickle.dumps(quietly(halves.fit, X, WORDS)))
    assert_same_model(whole, halves)
    parts = transcriber(**options)
    for _ in range(8):
        parts = pickle.loads(pickle.dumps(parts))
        parts.partial_fit(X, WORDS, classes=["a", "b"])
    assert_same_model(whole, parts)
    assert parts.predict(X).tolist() == whole.predict(X).tolist()


def test_partial_fit_knows_labels_that_come_later():
    model = transcriber().partial_fit(X, ["a"] * 40, classes=["a", "b", "c"])
    assert model.predict_nbest(X[:1], 1)[0][0].shape == (1,)
    model.partial_fit(X, ["c"] * 40)
    assert model.classes_.tolist() == ["a", "b", "c"]
    assert model.weights_["output.b"].shape == (4,)


@pytest.mark.parametrize(
    ("scoring", "score"),
    [
        ("loss", lambda model, X, y: model.log_likelihood(X, y).mean()),
        (None, lambda model, X, y: 1 - token_error_rate(y, model.predict(X))),
        (
            neg_token_error_rate_scorer,
            lambda model, X, y: -token_error_rate(y, model.predict(X)),
        ),
        (
            sequence_accuracy_scorer,
            lambda model, X, y: np.mean(model.predict(X) == np.array(y)),
        ),
        ("accuracy", lambda model, X, y: np.mean(model.predict(X) == np.array(y))),
    ],
)
@pytest.mark.parametrize("own", [False, True], ids=["held back", "own"])
def test_early_stopping(scoring, score, own):
    """What is watched is the score of the model that is kept, on the data held back."""
    model = transcriber(
        hidden_layer_sizes=8,
        bidirectional=True,
        early_stopping=True,
        scoring=scoring,
        validation_fraction=0.3,
        max_iter=40,
    )
    if own:
        # Equal ones, in another order than that of training.
        x, y = SIGNALS[59:39:-1] * 2, PULSES[59:39:-1] * 2
        model.fit(SIGNALS[:40], PULSES[:40], X_val=x, y_val=y)
    else:
        model.fit(SIGNALS, PULSES)
        data = canonical(model._prepare(SIGNALS, PULSES, None, per_step=False, known=True))
        _, held = hold_back(data, 0.3, model._state["split"])
        held = held.take(np.repeat(np.arange(len(held.y)), held.weights.astype(int)))
        x = held.sequences.split(held.sequences.steps)
        y = ["".join(model.classes_[codes]) for codes in held.y]
    found = model.best_validation_score_
    assert found == pytest.approx(score(model, x, y), rel=1e-12)
    assert max(model.validation_scores_) == found > min(model.validation_scores_)
    if scoring == "loss":
        assert min(model.validation_loss_curve_) == -found


def test_weights_of_the_scorer():
    weights = np.random.RandomState(0).uniform(size=40)
    options = {"early_stopping": True, "scoring": None, "max_iter": 30}
    model = transcriber(**options, bidirectional=True, hidden_layer_sizes=8)
    model.fit(
        SIGNALS[:40], PULSES[:40], X_val=SIGNALS[40:], y_val=PULSES[40:],
        sample_weight_val=weights,
    )  # fmt: skip
    expected = model.score(SIGNALS[40:], PULSES[40:], weights)
    assert model.best_validation_score_ == pytest.approx(expected, rel=1e-12)


def test_it_learns(model):
    assert model.score(SIGNALS, PULSES) > 0.97
    assert model.loss_ < 0.2


# Predictions.


def test_best_path_by_hand(model):
    expected = []
    for x in SIGNALS:
        path = raw_of(model, x).argmax(axis=1)
        expected.append("".join("abc"[k] for k, _ in groupby(path) if k < 3))
    assert model.predict(SIGNALS).tolist() == expected


@pytest.mark.parametrize("beam_width", [1, 3])
def test_predictions_do_not_depend_on_batch_order_and_padding(model, beam_width):
    model = clone_of(model, beam_width=beam_width)
    y, log_p = model.predict(SIGNALS), model.log_likelihood(SIGNALS, PULSES)
    alone = [model.predict([x])[0] for x in SIGNALS]
    assert y.tolist() == alone == model.predict(SIGNALS[::-1]).tolist()[::-1]
    dense = pad_sequences(SIGNALS)
    assert model.predict(dense).tolist() == alone
    for form in (dense, pad_sequences(SIGNALS, length=50)):
        np.testing.assert_allclose(model.log_likelihood(form, PULSES), log_p, rtol=1e-12)
    by_hand = [
        by_all_paths(raw_of(model, x)).get(codes_of(model, word))
        for x, word in zip(SIGNALS, PULSES)
        if len(x) < 7
    ]
    assert len(by_hand) > 20
    short = [k for k, x in enumerate(SIGNALS) if len(x) < 7]
    np.testing.assert_allclose(log_p[short], by_hand, rtol=1e-9, atol=1e-12)


def clone_of(model, **options):
    """Another model with the same weights."""
    return pickle.loads(pickle.dumps(model)).set_params(**options)


def test_beams_wider_than_all_outputs_are_exhaustive():
    """Of a net that is not sure of anything."""
    model = quietly(transcriber(max_iter=2).fit, X, WORDS)
    wide = clone_of(model, beam_width=1000)
    short = [x for x in X if len(x) < 7]
    totals = [by_all_paths(raw_of(model, x)) for x in short]
    best = ["".join("ab"[k] for k in max(total, key=total.get)) for total in totals]
    assert wide.predict(short).tolist() == best
    y, log_p = wide.predict_nbest(short, 1000)
    for words, own, total in zip(y, log_p, totals):
        np.testing.assert_allclose(own, sorted(total.values())[::-1], rtol=1e-10)
        found = [total[codes_of(model, word)] for word in words]
        np.testing.assert_allclose(own, found, rtol=1e-10)
        assert np.exp(own).sum() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("beam_width", [1, 16])
def test_nbest(model, beam_width):
    model = clone_of(model, beam_width=beam_width)
    y, log_p = model.predict_nbest(SIGNALS, 4)
    assert y.shape == log_p.shape == (len(SIGNALS),)
    for x, words, own in zip(SIGNALS, y, log_p):
        assert len(set(words)) == len(words) == len(own) <= 4
        assert sorted(own, reverse=True) == own.tolist()
        assert np.exp(own).sum() <= 1 + 1e-12
        given = model.log_likelihood([x] * len(words), words)
        np.testing.assert_allclose(own, given, rtol=1e-10, atol=1e-14)
    if beam_width == 16:
        assert [words[0] for words in y] == model.predict(SIGNALS).tolist()


def test_score(model):
    y = ["abcab"] * len(SIGNALS)  # the last label of some is in no sequence
    y[0] = "z"
    predicted = model.predict(SIGNALS)
    wrong = np.array([edit_distance(a, b) for a, b in zip(y, predicted)])
    lengths = np.array([len(word) for word in y])
    assert model.score(SIGNALS, y) == pytest.approx(1 - wrong.sum() / lengths.sum())
    weights = np.arange(len(SIGNALS))
    expected = 1 - weights @ wrong / (weights @ lengths)
    assert model.score(SIGNALS, y, weights) == pytest.approx(expected)


# Forms of y and of X.


def split_pairs(text):
    return [text[i : i + 2] for i in range(0, len(text), 2)]


FORMS = {
    "texts": (WORDS, {}, "".join),
    "array": (np.array(WORDS), {}, "".join),
    "words": ([" ".join(w) for w in WORDS], {"target_tokenizer": "word"}, " ".join),
    "callable": (
        ["".join(c + c for c in w) for w in WORDS],
        {"target_tokenizer": split_pairs},
        lambda labels: "".join(c + c for c in labels),
    ),
    "strings": ([list(w) for w in WORDS], {}, list),
    "arrays": ([np.array(list(w), dtype=object) for w in WORDS], {}, list),
    "integers": (
        [[{"a": -3, "b": 7}[c] for c in w] for w in WORDS],
        {},
        lambda labels: [{"a": -3, "b": 7}[c] for c in labels],
    ),
    "tuple": (tuple(tuple(w) for w in WORDS), {}, list),
}


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_y_are_one_fit(form):
    y, options, in_form = FORMS[form]
    expected = transcriber(bidirectional=True).fit(X, WORDS)
    model = transcriber(bidirectional=True, **options).fit(X, y)
    assert_same_model(expected, model)
    expected, model = (clone_of(m, beam_width=4) for m in (expected, model))
    for words, own in zip(expected.predict_nbest(X, 3)[0], model.predict_nbest(X, 3)[0]):
        got = [o if isinstance(o, str) else o.tolist() for o in own]
        assert got == [in_form(word) for word in words]
    np.testing.assert_array_equal(
        model.log_likelihood(X, y), expected.log_likelihood(X, WORDS)
    )
    assert model.score(X, y) == expected.score(X, WORDS)


def test_series_of_texts_and_tables_of_labels():
    pandas = pytest.importorskip("pandas")
    expected = transcriber().fit(X, WORDS)
    for dtype in (object, "string", "category"):
        assert_same_model(expected, transcriber().fit(X, pandas.Series(WORDS, dtype=dtype)))
    long = [x for x in X if len(x) > 4]
    table = np.random.RandomState(0).randint(2, size=(len(long), 2))
    model = transcriber().fit(long, table)
    assert_same_model(model, transcriber().fit(long, table.tolist()))
    assert model.classes_.tolist() == [0, 1]


def test_tokens_and_categories_in():
    """Letters to letters: what is read at a step is written, but for pauses."""
    pandas = pytest.importorskip("pandas")
    rng = np.random.RandomState(0)
    ids = [rng.randint(0, 4, n) for n in rng.randint(2, 9, 100)]
    y = ["".join(" abc"[k] for k, _ in groupby(x)).replace(" ", "") for x in ids]
    options = {"hidden_layer_sizes": 8, "max_iter": 30}
    model = transcriber(**options).fit(ids, y)
    assert model.score(ids, y) > 0.95
    frames = [pandas.DataFrame({"letter": np.array([*"_abc"])[x]}) for x in ids]
    frames = [frame.astype("category") for frame in frames]
    other = transcriber(**options).fit(frames, y)
    for name, values in model.weights_.items():
        if not name.startswith("embedding"):
            assert other.weights_[name].shape == values.shape
    assert other.score(frames, y) > 0.95


def test_a_model_keeps_how_it_split_texts():
    """A parameter that was set since is of the next fit; the beam is of the next call."""
    words = [" ".join(w) for w in WORDS]
    model = transcriber(target_tokenizer="word", bidirectional=True).fit(X, words)
    expected, log_p = model.predict(X).tolist(), model.log_likelihood(X, words)
    model.set_params(target_tokenizer="char")
    assert model.predict(X).tolist() == expected
    np.testing.assert_array_equal(model.log_likelihood(X, words), log_p)
    wide = clone_of(model, beam_width=30)
    assert (wide.log_likelihood(X, wide.predict(X)) >= log_p_of(model)).all()


def log_p_of(model):
    return model.log_likelihood(X, model.predict(X)) - 1e-12


def test_float32_is_computed_in_float32():
    x = [row.astype(np.float32) for row in SIGNALS]
    model = transcriber(bidirectional=True, max_iter=30, hidden_layer_sizes=8)
    model = model.fit(x, PULSES)
    assert model.weights_["output.W"].dtype == np.float32
    assert model.log_likelihood(x, PULSES).dtype == np.float32
    double = clone(model).fit(SIGNALS, PULSES)
    np.testing.assert_allclose(model.loss_curve_[0], double.loss_curve_[0], rtol=1e-5)


def test_lengths_do_not_matter_where_nothing_is_learned():
    """The bias alone gives the probability of labels anywhere: a check of the alignment."""
    model = RNNTranscriber(2, max_iter=1, learning_rate_init=1e-12, random_state=0)
    model = quietly(model.fit, [np.zeros((n, 1)) for n in LENGTHS], WORDS)
    p = np.exp(model.weights_["output.b"])
    a, _, blank = p / p.sum()
    # All alignments of "a" with n steps: those with k steps of it in a row.
    expected = [
        np.log(sum((n - k + 1) * a**k * blank ** (n - k) for k in range(1, n + 1)))
        for n in (1, 4, 9)
    ]
    found = model.log_likelihood([np.zeros((n, 1)) for n in (1, 4, 9)], ["a"] * 3)
    np.testing.assert_allclose(found, expected, rtol=1e-9)
