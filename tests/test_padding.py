"""Padding against missing values: one rule, and what is said where it may mislead."""

import pickle
import warnings

import numpy as np
import pytest
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbptt import RNNRegressor
from skbptt.metrics import make_step_scorer, step_r2_score
from skbptt.preprocessing import SequenceImputer, TimeDistributed, pad_sequences
from tests.fits import LABELS, LENGTHS, Y_STEPS, X, Y, classifier, regressor

rng = np.random.RandomState(0)
DENSE = rng.standard_normal((40, 6, 2))
SHORT = DENSE.copy()
SHORT[3, 4:] = np.nan
SHORT[7, 5:] = np.nan
WARNS = (
    r"The last 2 steps of X\[3\] are all NaN, and so are those of 1 more sequences\. They "
    r"are read as padding, X\[3\] as a sequence of 4 steps, .*pass list\(X\) to a "
    r"skbptt\.preprocessing\.SequenceImputer\..*as a list without the padding"
)

MAKERS = {
    "regressor": lambda: regressor(),
    "classifier": lambda: classifier(),
    "scaler": lambda: TimeDistributed(StandardScaler()),
    "imputer": lambda: SequenceImputer(),
}


def fitted(name, x):
    y = {"regressor": Y, "classifier": LABELS}.get(name, Y)
    return MAKERS[name]().fit(x, y[: len(x)])


def apply(model, x):
    return model.predict(x) if hasattr(model, "predict") else model.transform(x)


@pytest.mark.parametrize("name", MAKERS)
def test_padding_where_fit_saw_none(name):
    model = fitted(name, DENSE)
    apply(model, DENSE)
    ragged = [x[~np.isnan(x[:, 0])] for x in SHORT]
    expected = apply(model, ragged)  # a list has no padding, and is not warned of
    with pytest.warns(UserWarning, match=WARNS) as told:
        got = apply(model, SHORT)
    assert told[0].filename == __file__
    for one, other in zip(got, expected):
        np.testing.assert_array_equal(one[: len(other)] if np.ndim(one) else one, other)
    # Also of a list whose sequences were equally long.
    with pytest.warns(UserWarning, match=WARNS):
        apply(fitted(name, list(DENSE)), SHORT)
    with pytest.warns(UserWarning, match=r"last 1 steps of X\[0\] are all NaN\. They"):
        apply(model, SHORT[7:8])


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("seen", ["padded", "ragged", "by an earlier version"])
def test_padding_that_is_no_surprise(name, seen):
    """Nothing is said where fit met lengths that differ, or can say nothing of them."""
    x = {"padded": SHORT, "ragged": X, "by an earlier version": DENSE}[seen]
    model = fitted(name, x)
    if seen == "by an earlier version":
        del model._equally_long
        model = pickle.loads(pickle.dumps(model))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        apply(model, SHORT)


@pytest.mark.parametrize("name", ["regressor", "scaler", "imputer"])
@pytest.mark.filterwarnings("error")
def test_one_sequence_in_a_list_says_nothing_of_others(name):
    apply(fitted(name, list(DENSE[:1])), SHORT)


def test_it_is_learned_further():
    """By partial_fit, and by a warm start."""
    for model in (
        regressor().partial_fit(DENSE, Y),
        TimeDistributed(StandardScaler()).partial_fit(DENSE),
    ):
        with pytest.warns(UserWarning, match=WARNS):
            model.partial_fit(SHORT, Y)
        model.partial_fit(SHORT, Y)
        apply(model, SHORT)
        model.fit(DENSE, Y)
        with pytest.warns(UserWarning, match=WARNS):
            apply(model, SHORT)
    warm = regressor(warm_start=True).fit(DENSE, Y)
    with pytest.warns(UserWarning, match=WARNS):
        warm.fit(SHORT, Y)
    warm.predict(SHORT)


def test_validation_data_are_looked_at_too():
    with pytest.warns(UserWarning, match=WARNS):
        regressor(early_stopping=True).fit(DENSE, Y, X_val=SHORT, y_val=Y)


def test_the_choice_of_a_user_whose_values_are_missing():
    """list(X), through the imputer, is X with the gaps filled."""
    model = make_pipeline(SequenceImputer(), regressor()).fit(DENSE, Y)
    by_hand = SHORT.copy()
    by_hand[3, 4:] = SHORT[3, 3]
    by_hand[7, 5:] = SHORT[7, 4]
    np.testing.assert_array_equal(model.predict(list(SHORT)), model.predict(by_hand))


def test_simple_imputer_by_step_follows_the_rule():
    imputer = TimeDistributed(SimpleImputer()).fit(DENSE)
    means = DENSE.reshape(-1, 2).mean(axis=0)
    filled = imputer.transform(list(SHORT))
    np.testing.assert_allclose(filled[3][4:], [means, means])
    with pytest.warns(UserWarning, match=WARNS):
        assert np.isnan(imputer.transform(SHORT)[3, 4:]).all()
    table = np.where(np.arange(6) < 4, DENSE[..., 0], np.nan)  # in which nothing is padding
    filled = TimeDistributed(SimpleImputer()).fit_transform(table)
    np.testing.assert_allclose(filled[:, 4:], table[:, :4].mean())


# Messages.


@pytest.mark.parametrize(
    ("x", "place"),
    [
        (
            [DENSE[0], np.where(np.arange(6)[:, None] > 4, np.nan, DENSE[1])],
            r"X\[1\] at step 5",
        ),
        (np.where(DENSE[..., :1] == DENSE[2, 1, 0], np.nan, DENSE), r"X\[2\] at step 1"),
        (
            np.where(DENSE[..., 0] == DENSE[2, 5, 0], np.nan, DENSE[..., 0]),
            r"X\[2\] at step 5",
        ),
    ],
)
def test_missing_values_name_the_imputer(x, place):
    with pytest.raises(ValueError, match=f"NaN: {place}.*SequenceImputer fills missing"):
        regressor().fit(x, Y[: len(x)])


def test_frames_name_the_imputer_too():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": [1.0, None]}, dtype=object)
    with pytest.raises(ValueError, match=r"NaN: X\[1\] at step 1.*SequenceImputer"):
        regressor().fit([frame[:1], frame], [0.0, 1.0])


def test_a_sequence_that_is_all_padding():
    x = DENSE.copy()
    x[5] = np.nan
    with pytest.raises(ValueError, match=r"X\[5\] is empty: all .*list\(X\).*SequenceImp"):
        regressor().fit(x, Y)


# Targets of steps that are padding.

PADDED, Y_PADDED = pad_sequences(X), pad_sequences(Y_STEPS)
DROPPED = (
    r"\[2\] has finite values in its last \d steps, where all features of X\[2\] are NaN.*"
    r"left out.*SequenceImputer.*set y to NaN there"
)


def with_targets_in_padding():
    y = Y_PADDED.copy()
    assert LENGTHS[2] < PADDED.shape[1]
    y[2, LENGTHS[2] :] = 5.0
    return y


def test_finite_targets_at_padding_are_told_of():
    tagger = regressor(return_sequences=True).fit(PADDED, Y_PADDED)
    expected = tagger.score(PADDED, Y_PADDED)
    y = with_targets_in_padding()
    with pytest.warns(UserWarning, match="y" + DROPPED):
        same = regressor(return_sequences=True).fit(PADDED, y)
    np.testing.assert_array_equal(same.predict(PADDED), tagger.predict(PADDED))
    with pytest.warns(UserWarning, match="y" + DROPPED):
        assert tagger.score(PADDED, y) == expected
    with pytest.warns(UserWarning, match="y" + DROPPED):
        assert make_step_scorer("r2")(tagger, PADDED, y) == expected
    with pytest.warns(UserWarning, match=r"y_true\[2\] has finite.*of y_pred\[2\] are NaN"):
        assert step_r2_score(y, tagger.predict(PADDED)) == pytest.approx(expected)
    several = np.stack([y, y], axis=2)
    with pytest.warns(UserWarning, match="y" + DROPPED):
        regressor(return_sequences=True, max_iter=1).fit(PADDED, several)


def test_what_cannot_be_nan_is_silent():
    """Labels, and weights, which say nothing of a value that is known."""
    labels = np.nan_to_num(Y_PADDED).astype(int) > 0
    model = classifier(return_sequences=True, max_iter=1)
    model.fit(PADDED, labels).score(PADDED, labels)
    model.fit(PADDED, np.where(labels, "high", "low"))
    weights = np.ones(labels.shape)
    RNNRegressor(2, return_sequences=True, max_iter=1).fit(PADDED, Y_PADDED, weights)
