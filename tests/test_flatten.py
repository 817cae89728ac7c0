"""Flat sequences in the meta-estimators that take nothing but tables."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import BaggingClassifier
from sklearn.feature_selection import RFE
from sklearn.inspection import permutation_importance
from sklearn.multiclass import OneVsOneClassifier
from sklearn.multioutput import RegressorChain
from sklearn.pipeline import make_pipeline
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.utils.estimator_checks import check_estimator

from skbptt import RNNClassifier, RNNRegressor
from skbptt.preprocessing import SequenceFlattener, SequenceUnflattener, pad_sequences

rng = np.random.RandomState(0)
X = rng.standard_normal((60, 5, 2))
LABELS = np.digitize(X[:, -1, 0], [-0.4, 0.4])
FLAT = SequenceFlattener().fit_transform(X)


RAGGED = [rng.standard_normal((n, 2)) for n in rng.randint(2, 8, 60)]


def classifier():
    model = RNNClassifier(6, readout="last", max_iter=40, random_state=0)
    return make_pipeline(SequenceUnflattener(2), model)


def test_round_trip_and_names():
    flattener = SequenceFlattener().fit(X)
    np.testing.assert_array_equal(FLAT[3, 2:4], X[3, 1])
    np.testing.assert_array_equal(flattener.inverse_transform(FLAT), X)
    back = SequenceUnflattener(2).fit(FLAT)
    np.testing.assert_array_equal(back.transform(FLAT), X)
    np.testing.assert_array_equal(back.inverse_transform(X), FLAT)
    names = flattener.get_feature_names_out(["a", "b"])
    assert names.tolist()[:3] == ["a_t0", "b_t0", "a_t1"]
    pandas = pytest.importorskip("pandas")
    frame = clone(flattener).set_output(transform="pandas").fit_transform(X)
    assert isinstance(frame, pandas.DataFrame)
    assert frame.columns[-1] == "x1_t4"
    np.testing.assert_array_equal(frame, FLAT)


@pytest.mark.parametrize("dtype", ["f4", "f8", "i4"])
def test_lists_are_padded_to_the_longest_of_fit(dtype):
    ragged = [(10 * x).astype(dtype) for x in RAGGED]
    flattener = SequenceFlattener().fit(ragged)
    assert flattener.n_steps_ == 7
    flat = flattener.transform(ragged)
    padded = pad_sequences(ragged)
    assert flat.dtype == padded.dtype
    np.testing.assert_array_equal(flat, padded.reshape(60, 14))
    np.testing.assert_array_equal(flattener.inverse_transform(flat), padded)
    back = SequenceUnflattener(2).fit(flat)
    np.testing.assert_array_equal(back.transform(flat), padded)
    np.testing.assert_array_equal(back.inverse_transform(ragged), flat)
    # Shorter ones, all of a length, and as padding.
    np.testing.assert_array_equal(
        flattener.transform([x[:2] for x in ragged])[:, :4],
        np.reshape([x[:2] for x in ragged], (60, 4)),
    )
    assert np.isnan(flattener.transform([x[:2] for x in ragged])[:, 4:]).all()
    np.testing.assert_array_equal(flattener.transform(padded), flat)
    whole = SequenceFlattener().fit_transform(list(X.astype(dtype)))
    np.testing.assert_array_equal(whole, X.astype(dtype).reshape(60, 10))
    assert whole.dtype == dtype


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_give_their_names(library):
    frame = pytest.importorskip(library).DataFrame
    frames = [frame(dict(zip("ab", x.T))) for x in RAGGED]
    flattener = SequenceFlattener().set_output(transform=library)
    table = flattener.fit_transform(frames)
    assert list(table.columns[:3]) == ["a_t0", "b_t0", "a_t1"]
    np.testing.assert_array_equal(table, SequenceFlattener().fit_transform(RAGGED))
    with pytest.raises(ValueError, match="feature names should match"):
        flattener.transform([one[["b", "a"]] for one in frames])


def test_a_table_of_ragged_sequences_is_bagged_as_the_list_is():
    labels = np.array([x[-1, 0] > 0 for x in RAGGED])
    flat = SequenceFlattener().fit_transform(RAGGED)
    bagged = BaggingClassifier(classifier(), n_estimators=2, random_state=0)
    members = bagged.fit(flat, labels).estimators_
    by_hand = np.mean([member[-1].predict_proba(RAGGED) for member in members], axis=0)
    np.testing.assert_allclose(bagged.predict_proba(flat), by_hand)


def test_a_failed_fit_leaves_it_as_it_was():
    flattener = SequenceFlattener().fit(X)
    with pytest.raises(ValueError, match="features"):
        flattener.fit([np.zeros((9, 1)), np.zeros((3, 2))])
    np.testing.assert_array_equal(flattener.transform(X), FLAT)


def test_the_pipeline_is_the_estimator_on_the_sequences():
    alone = classifier()[-1].fit(X, LABELS)
    np.testing.assert_array_equal(
        classifier().fit(FLAT, LABELS).predict_proba(FLAT), alone.predict_proba(X)
    )


@pytest.mark.parametrize(
    "meta",
    [
        lambda rnn: BaggingClassifier(rnn, n_estimators=3, random_state=0),
        OneVsOneClassifier,
        lambda rnn: SelfTrainingClassifier(rnn, max_iter=2),
    ],
)
def test_meta_estimators_of_classifiers(meta):
    y = LABELS.copy()
    model = meta(classifier())
    if isinstance(model, SelfTrainingClassifier):
        y[::5] = -1
    model.fit(FLAT, y)
    assert model.score(FLAT, LABELS) > 0.8


def test_chains():
    Y = np.column_stack([X[:, -1, 0], X[:, -1].sum(axis=1)])
    # A chain appends the targets before, one more column: a step of one feature.
    model = RNNRegressor(8, readout="last", max_iter=60, random_state=0)
    chain = RegressorChain(make_pipeline(SequenceUnflattener(1), model))
    assert chain.fit(FLAT, Y).score(FLAT, Y) > 0.5


def test_permutation_importance_finds_the_step():
    model = classifier().fit(FLAT, LABELS)
    importances = permutation_importance(model, FLAT, LABELS, random_state=0)
    names = SequenceFlattener().fit(X).get_feature_names_out()
    assert names[importances.importances_mean.argmax()] == "x0_t4"


def test_recursive_elimination_of_steps():
    def share_of_step(pipeline):
        return np.linspace(0, 1, pipeline[0].n_features_in_)

    model = make_pipeline(
        SequenceUnflattener(1), RNNRegressor(3, max_iter=5, random_state=0)
    )
    rfe = RFE(model, n_features_to_select=3, importance_getter=share_of_step)
    rfe.fit(X[..., 0], X[:, -1, 0])
    np.testing.assert_array_equal(rfe.support_, [False, False, True, True, True])


def test_check_estimator():
    results = check_estimator(SequenceUnflattener(), on_fail=None, on_skip=None)
    assert len(results) >= 40
    assert {result["status"] for result in results} == {"passed"}


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: SequenceFlattener().fit(FLAT), "X must have the shape"),
        (lambda: SequenceFlattener().fit(X[:0]), "X is empty"),
        (lambda: SequenceFlattener().fit([np.zeros((2, 1)), np.zeros((3, 2))]), "features"),
        (lambda: SequenceFlattener().fit(X).transform(X[:, 1:]), "4 steps of 2 features"),
        (
            lambda: SequenceFlattener().fit(RAGGED).transform([X[0], np.zeros((9, 2))]),
            r"X\[1\] has 9 steps, .* room for 7, the length of the longest sequence in fit",
        ),
        (
            lambda: SequenceFlattener().fit(RAGGED).transform([X[0, :, :1]]),
            "expecting 2 features",
        ),
        (
            lambda: SequenceFlattener().fit([X[0], np.full((3, 2), np.nan)]),
            r"X\[1\] ends in a step that is all NaN, .*SequenceImputer",
        ),
        (
            lambda: SequenceUnflattener(2).fit(FLAT).inverse_transform([np.zeros((6, 2))]),
            r"X\[0\] has 6 steps, .* room for 5",
        ),
        (lambda: SequenceFlattener().fit(X).get_feature_names_out(["a"]), "must have 2"),
        (
            lambda: SequenceUnflattener(3).fit(FLAT),
            "multiple of n_features=3 columns. Got 10",
        ),
        (lambda: SequenceUnflattener(0).fit(FLAT), "'n_features' parameter .* Got 0"),
        (lambda: SequenceUnflattener(2).fit(FLAT).transform(FLAT[:, 1:]), "9 features"),
    ],
)
def test_bad_input(call, match):
    with pytest.raises(ValueError, match=match):
        call()


def test_a_pipeline_may_ask_for_frames():
    """Which sequences are not given as."""
    model = make_pipeline(SequenceUnflattener(2), RNNRegressor(2, max_iter=1))
    model.set_output(transform="pandas")
    x = np.arange(24.0).reshape(4, 6) / 10
    assert model.fit(x, x[:, 0])[0].transform(x).shape == (4, 3, 2)
