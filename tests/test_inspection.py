"""Gradients by the inputs, and importance by permutation."""

from itertools import pairwise

import numpy as np
import pandas
import polars
import pytest
from hypothesis import given, settings
from sklearn.exceptions import NotFittedError
from sklearn.inspection import permutation_importance as importance_of_columns
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from skbptt import RNNRegressor
from skbptt.data._sequences import Sequences
from skbptt.inspection import permutation_importance, saliency
from skbptt.inspection._permutation import permuted_rows
from skbptt.metrics import make_step_scorer
from skbptt.network import input_gradients
from skbptt.preprocessing import TimeDistributed
from tests.fits import LABELS, LENGTHS, Y_STEPS, X, Y, classifier, regressor
from tests.gradcheck import by_complex_step, relative_error
from tests.strategies import problems

PADDED = np.full((len(X), max(LENGTHS), 2), np.nan)
for i, x in enumerate(X):
    PADDED[i, : len(x)] = x


@given(problems())
@settings(max_examples=60, deadline=None)
def test_input_gradients(problem):
    """Of each sequence's own loss, as if it were alone."""
    network, loss, sequences, y, _, theta = problem

    def d_raw_of(raw, batch):
        where = batch.rows if network.readout is None else batch.order
        return loss.gradient(raw, y[where])

    actual = input_gradients(network, theta, sequences, d_raw_of)
    ys = sequences.split(y) if network.readout is None else y[:, np.newaxis]
    for x, target, gradient in zip(
        sequences.split(sequences.steps), ys, sequences.split(actual)
    ):
        expected = by_complex_step(
            network, theta, x, lambda raw, target=target: loss.value(raw, target).sum()
        )
        assert relative_error(gradient, expected) <= 1e-9


def of_predicted_class(model):
    def function(raw):
        rows = np.arange(len(raw))
        if raw.shape[1] == 1:
            return (np.sign(raw.real) * raw).sum()
        return raw[rows, raw.real.argmax(axis=1)].sum()

    return function


@pytest.mark.parametrize(
    ("model", "y", "function"),
    [
        (regressor(), Y, lambda model: np.sum),
        (regressor(bidirectional=True, cell="lstm"), np.c_[Y, Y], lambda model: np.sum),
        (regressor(loss="poisson"), np.abs(Y), lambda model: np.sum),
        (regressor(return_sequences=True, truncation=2), Y_STEPS, lambda model: np.sum),
        (classifier(), LABELS, of_predicted_class),
        (classifier(cell="rnn"), Y > 0, of_predicted_class),
        (
            classifier(return_sequences=True),
            [np.digitize(y, [-1, 1]) for y in Y_STEPS],
            of_predicted_class,
        ),
    ],
)
def test_saliency_of_what_is_predicted(model, y, function):
    model.fit(X, y)
    for x, gradient in zip(X, saliency(model, X)):
        expected = by_complex_step(model._network, model._theta, x, function(model))
        assert relative_error(gradient, expected) <= 1e-9


def test_saliency_of_indicators():
    model = classifier().fit(X, np.c_[Y > 0, Y > 1].astype(int))
    for x, gradient in zip(X, saliency(model, X)):
        expected = by_complex_step(
            model._network, model._theta, x, lambda raw: (np.sign(raw.real) * raw).sum()
        )
        assert relative_error(gradient, expected) <= 1e-9


def test_saliency_of_the_loss():
    model = regressor(loss="huber").fit(X, Y)
    for x, y, gradient in zip(X, Y, saliency(model, X, Y)):
        expected = by_complex_step(
            model._network,
            model._theta,
            x,
            lambda raw, y=y: model._loss.value(raw, np.array([[y]])).sum(),
        )
        assert relative_error(gradient, expected) <= 1e-9


def test_saliency_has_the_form_of_X():
    model = regressor().fit(X, Y)
    ragged = saliency(model, X)
    assert ragged.dtype == object
    assert [g.shape for g in ragged] == [x.shape for x in X]
    dense = saliency(model, PADDED)
    np.testing.assert_array_equal(np.isnan(dense), np.isnan(PADDED))
    for g, row in zip(ragged, dense):
        np.testing.assert_array_equal(g, row[: len(g)])


def test_saliency_in_parts_and_threads():
    x = np.random.default_rng(0).normal(size=(200, 40, 1))
    model = RNNRegressor(64, max_iter=1, random_state=0).fit(x, x[:, 0, 0])
    gradient = saliency(model, x)
    for i in (0, 57, 199):
        alone = saliency(model, x[i : i + 1])[0]
        assert relative_error(gradient[i], alone) <= 1e-12
    np.testing.assert_array_equal(saliency(model.set_params(n_jobs=2), x), gradient)


def test_saliency_of_univariate_sequences():
    x = np.random.default_rng(0).normal(size=(30, 5))
    flat = regressor().fit(x, x[:, 0])
    deep = regressor().fit(x[..., np.newaxis], x[:, 0])
    np.testing.assert_array_equal(saliency(flat, x), saliency(deep, x[..., None])[..., 0])


def test_saliency_refuses():
    with pytest.raises(TypeError, match="an RNNClassifier.* Got LinearRegr"):
        saliency(LinearRegression(), X)
    with pytest.raises(NotFittedError):
        saliency(regressor(), X)
    with pytest.raises(ValueError, match="X has 40 sequences, y has 3"):
        saliency(regressor().fit(X, Y), X, Y[:3])


# Permutation.


@pytest.mark.parametrize("block", [slice(None), slice(2, 4), slice(6, 9)])
def test_permuted_rows(block):
    """A permutation at each step, of tracks that stay together as long as they last."""
    sequences = Sequences(np.concatenate(X), LENGTHS)
    source = permuted_rows(sequences, block, np.random.RandomState(0))
    sequence = np.repeat(np.arange(len(X)), LENGTHS)
    step = np.concatenate([np.arange(n) for n in LENGTHS])
    np.testing.assert_array_equal(np.sort(source), np.arange(len(step)))
    np.testing.assert_array_equal(step[source], step)
    inside = (step >= (block.start or 0)) & (step < (block.stop or 99))
    np.testing.assert_array_equal(source[~inside], np.flatnonzero(~inside))
    donor = sequence[source]
    for i in range(len(X)):
        own = donor[(sequence == i) & inside]
        for before, after in pairwise(own):
            t = (block.start or 0) + np.flatnonzero(own == before)[-1] + 1
            assert after == before or LENGTHS[before] == t


def test_equal_lengths_swap_whole_tracks():
    sequences = Sequences(np.zeros((60, 1)), np.full(12, 5), 5)
    source = permuted_rows(sequences, slice(None), np.random.RandomState(0))
    donors = source.reshape(12, 5) // 5
    assert (donors == donors[:, :1]).all()
    assert sorted(donors[:, 0]) == list(range(12))
    assert (donors[:, 0] != np.arange(12)).any()


def test_each_permutation_is_as_likely_as_any_other():
    """At the last step that three of five sequences have, too."""
    sequences = Sequences(np.zeros((9, 1)), np.array([1, 3, 2, 3]))
    rng = np.random.RandomState(0)
    n = 6000
    seen = [
        tuple(permuted_rows(sequences, slice(None), rng)[[3, 8]]) for _ in range(n)
    ]  # last steps of the two longest
    counts = {pair: seen.count(pair) for pair in set(seen)}
    assert set(counts) == {(3, 8), (8, 3)}
    # Two standard deviations of a binomial would fail for one seed in twenty.
    assert abs(counts[3, 8] - n / 2) < 4 * np.sqrt(n / 4)


@pytest.fixture(scope="module")
def forecaster():
    """A model of the value at the step before the last, of the first of two features."""
    rng = np.random.default_rng(0)
    x = [rng.normal(size=(n, 2)) for n in rng.integers(4, 8, size=80)]
    y = np.array([one[-2, 0] for one in x])
    model = RNNRegressor(8, readout="last", random_state=0)
    return model.fit(x, y), x, y


def by_hand(model, x, y, j):
    """Mean fall of the score with feature j drawn from all steps, whatever their time."""
    rng = np.random.RandomState(1)
    falls = []
    for _ in range(20):
        pool = rng.permutation(np.concatenate([one[:, j] for one in x]))
        lengths = [len(one) for one in x]
        tracks = np.split(pool, np.cumsum(lengths)[:-1])
        shuffled = [one.copy() for one in x]
        for one, track in zip(shuffled, tracks):
            one[:, j] = track
        falls.append(model.score(x, y) - model.score(shuffled, y))
    return np.mean(falls)


def test_importance_of_features(forecaster):
    model, x, y = forecaster
    result = permutation_importance(model, x, y, n_repeats=20, random_state=0)
    assert result.importances.shape == (2, 20)
    np.testing.assert_allclose(
        result.importances_mean, result.importances.mean(axis=1), rtol=1e-12
    )
    # Values without dependence in time are permuted alike by either way.
    for j, spread in [(0, 0.4), (1, 0.2)]:
        assert result.importances_mean[j] == pytest.approx(
            by_hand(model, x, y, j), abs=spread
        )
    assert result.importances_mean[0] > 1 > 10 * result.importances_mean[1]


def test_importance_of_times():
    """By step, and by blocks of steps, as the score of sequences changed by hand."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 6, 2))
    y = x[:, 3, 0]
    model = regressor(max_iter=40, hidden_layer_sizes=8).fit(x, y)
    steps = permutation_importance(model, x, y, by="step", random_state=0, n_repeats=2)
    assert steps.importances_mean.argmax() == 3
    blocks = permutation_importance(model, x, y, by=4, random_state=0, n_repeats=3)
    assert blocks.importances.shape == (2, 3)

    seeds = np.random.RandomState(0).randint(np.iinfo(np.int32).max, size=2)
    for block, seed, falls in zip([slice(4), slice(4, 6)], seeds, blocks.importances):
        rng = np.random.RandomState(seed)
        for fall in falls:
            changed = x.copy()
            changed[:, block] = x[rng.permutation(60), block]
            assert fall == model.score(x, y) - model.score(changed, y)


def test_steps_of_a_table_are_its_columns():
    """On 2-D X it measures what scikit-learn's function does."""
    x = np.random.default_rng(0).normal(size=(100, 4))
    y = x[:, 2]
    model = regressor(max_iter=40).fit(x, y)
    options = {"n_repeats": 50, "random_state": 0}
    ours = permutation_importance(model, x, y, by="step", **options)
    theirs = importance_of_columns(model, x, y, **options)
    np.testing.assert_allclose(
        ours.importances_mean, theirs.importances_mean, atol=0.1, rtol=0.1
    )


def test_every_form_has_the_same_importance(forecaster):
    model, x, y = forecaster
    expected = permutation_importance(model, x, y, random_state=0).importances
    objects = np.empty(len(x), object)
    objects[:] = x
    padded = np.full((len(x), 7, 2), np.nan)
    for i, one in enumerate(x):
        padded[i, : len(one)] = one
    for form in (objects, tuple(x), padded):
        actual = permutation_importance(model, form, y, random_state=0).importances
        np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("frame", [pandas.DataFrame, polars.DataFrame])
@pytest.mark.parametrize("by", ["feature", 2])
def test_importance_through_a_pipeline_of_frames(forecaster, frame, by):
    _, x, y = forecaster
    model = make_pipeline(
        TimeDistributed(MinMaxScaler()), RNNRegressor(4, max_iter=5, random_state=0)
    )
    arrays = permutation_importance(model.fit(x, y), x, y, by=by, random_state=0)
    frames = [frame({"a": one[:, 0], "b": one[:, 1]}) for one in x]
    model.fit(frames, y)
    got = permutation_importance(model, frames, y, by=by, random_state=0)
    np.testing.assert_array_equal(got.importances, arrays.importances)


def test_importance_by_other_scores_and_with_jobs():
    model = regressor(return_sequences=True).fit(X, Y_STEPS)
    scoring = {name: make_step_scorer(name) for name in ("r2", "neg_mean_squared_error")}
    options = {"scoring": scoring, "random_state": 0, "n_repeats": 2}
    both = permutation_importance(model, X, Y_STEPS, **options)
    own = permutation_importance(model, X, Y_STEPS, random_state=0, n_repeats=2, n_jobs=2)
    np.testing.assert_array_equal(both["r2"].importances, own.importances)
    weights = np.linspace(0, 1, len(X))
    weighted = permutation_importance(
        model, X, Y_STEPS, random_state=0, n_repeats=1, sample_weight=weights
    )
    source = permuted_rows(
        Sequences(np.concatenate(X), LENGTHS),
        slice(None),
        np.random.RandomState(
            np.random.RandomState(0).randint(np.iinfo(np.int32).max, size=2)[0]
        ),
    )
    rows = np.concatenate(X)
    rows[:, 0] = rows[source, 0]
    changed = np.split(rows, np.cumsum(LENGTHS)[:-1])
    expected = model.score(X, Y_STEPS, weights) - model.score(changed, Y_STEPS, weights)
    assert weighted.importances[0, 0] == expected


@pytest.mark.parametrize("options", [{"by": "time"}, {"by": 0}, {"n_repeats": 0}])
def test_permutation_importance_refuses(options):
    name, value = next(iter(options.items()))
    with pytest.raises(ValueError, match=f"'{name}' parameter .* Got {value!r}"):
        permutation_importance(regressor().fit(X, Y), X, Y, **options)
