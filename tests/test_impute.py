"""SequenceImputer beside pandas, SimpleImputer and recursions written out."""

import pickle
import warnings

import numpy as np
import pandas
import polars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import config_context
from sklearn.base import clone
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from skbptt import RNNRegressor
from skbptt.preprocessing import SequenceImputer, TimeDistributed, pad_sequences
from tests import strategies

nan = np.nan
LIBRARIES = {"pandas": pandas, "polars": polars}


def holed(lengths, seed=0, n_features=2, dtype="f8"):
    """Sequences in which each value is missing with probability one half."""
    rng = np.random.RandomState(seed)
    sequences = []
    for n in lengths:
        x = rng.standard_normal((n, n_features)).astype(dtype)
        x[rng.uniform(size=x.shape) < 0.5] = nan
        sequences.append(x)
    return sequences


X = holed([5, 1, 8, 3, 6])
STEPS = np.concatenate(X)
MEANS = np.nanmean(STEPS, axis=0)


def assert_same(got, expected, **options):
    assert len(got) == len(expected)
    for one, other in zip(got, expected):
        np.testing.assert_allclose(one, other, **{"rtol": 1e-12} | options)


def by_pandas(x, strategy, means):
    frame = pandas.DataFrame(x)
    if strategy == "forward":
        frame = frame.ffill()
    else:
        frame = frame.interpolate(method="linear", limit_direction="both")
    return frame.fillna(dict(enumerate(means))).to_numpy()


# Values.


@settings(max_examples=60, deadline=None)
@given(strategies.lengths, strategies.seeds, st.sampled_from(["forward", "linear"]))
def test_filled_along_time_as_pandas_does(lengths, seed, strategy):
    x = holed(lengths, seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        means = np.nan_to_num(np.nanmean(np.concatenate(x), axis=0))
    imputer = SequenceImputer(strategy).fit(x)
    np.testing.assert_allclose(imputer.statistics_, means, rtol=1e-12)
    assert_same(imputer.transform(x), [by_pandas(one, strategy, means) for one in x])


@pytest.mark.parametrize("strategy", ["mean", "median", "constant"])
def test_filled_with_what_was_learned_as_simple_imputer_does(strategy):
    options = {"strategy": strategy, "fill_value": -7.0}
    new = holed([4, 4], seed=1)
    simple = SimpleImputer(**options, keep_empty_features=True).fit(STEPS)
    imputer = SequenceImputer(**options).fit(X)
    assert_same(imputer.transform(new), [simple.transform(x) for x in new])
    np.testing.assert_allclose(imputer.statistics_, simple.statistics_.astype(float))


def test_before_the_first_observation_comes_the_mean_of_fit():
    imputer = SequenceImputer().fit(X)
    got = imputer.transform([[[nan, 3.0], [5.0, nan], [nan, nan]]])[0]
    np.testing.assert_allclose(got, [[MEANS[0], 3], [5, 3], [5, 3]])


@pytest.mark.parametrize("strategy", ["forward", "mean", "median", "constant"])
def test_no_later_step_is_looked_at(strategy):
    """Except by "linear": what is filled at a step depends on the steps so far."""
    imputer = SequenceImputer(strategy, add_delta=True, add_indicator=True).fit(X)
    whole = imputer.transform(X)[2]
    for n in range(1, 9):
        assert_same(imputer.transform([X[2][:n]]), [whole[:n]])
    linear = SequenceImputer("linear").fit(X)
    first, last = [[1.0, 1], [nan, 1], [3, 1]], [[1.0, 1], [nan, 1]]
    assert linear.transform([first])[0][1, 0] == 2
    assert linear.transform([last])[0][1, 0] == 1


def test_linear_holds_for_the_largest_numbers():
    big = np.finfo(float).max
    filled = SequenceImputer("linear").fit_transform([[[big], [nan], [-big]]])
    np.testing.assert_array_equal(filled[0], [[big], [0], [-big]])


def deltas_of(observed):
    """The recursion of Che et al. (2018) with time stamps s_t = t, written out."""
    delta = np.zeros(observed.shape)
    for t in range(1, len(observed)):
        for d in range(observed.shape[1]):
            delta[t, d] = 1 if observed[t - 1, d] else 1 + delta[t - 1, d]
    return delta


@settings(max_examples=60, deadline=None)
@given(strategies.lengths, strategies.seeds)
def test_indicators_and_deltas(lengths, seed):
    x = holed(lengths, seed)
    got = SequenceImputer(add_indicator=True, add_delta=True).fit_transform(x)
    plain = SequenceImputer().fit_transform(x)
    expected = [
        np.hstack([filled, np.isnan(one), deltas_of(~np.isnan(one))])
        for filled, one in zip(plain, x)
    ]
    assert_same(got, expected)


def test_the_example_of_the_paper():
    """Of Che et al., with a step for every tenth of their unit of time."""
    times = [0, 1, 6, 16, 22, 25, 31]
    x = np.full((32, 1), nan)
    x[[t for t, seen in zip(times, [1, 1, 0, 1, 0, 1, 1]) if seen]] = 1.0
    delta = SequenceImputer(add_delta=True).fit_transform([x])[0][:, 1]
    np.testing.assert_array_equal(delta[times], [0, 1, 5, 15, 6, 9, 6])


def test_a_feature_that_was_never_observed_keeps_its_column():
    x = [np.array([[1.0, nan], [3.0, nan]])]
    for strategy, value in [("forward", 0), ("median", 0), ("constant", 4)]:
        imputer = SequenceImputer(strategy, fill_value=4, add_indicator=True).fit(x)
        filled = imputer.transform(x)[0]
        np.testing.assert_array_equal(filled, [[1, value, 0, 1], [3, value, 0, 1]])
    seen = SequenceImputer().fit(x).transform([[[nan, nan], [nan, 9.0]]])[0]
    np.testing.assert_array_equal(seen, [[2, 0], [2, 9]])


def test_the_width_does_not_depend_on_the_data():
    imputer = SequenceImputer(add_indicator=True, add_delta=True).fit(X)
    whole = np.arange(6.0).reshape(3, 2)
    np.testing.assert_array_equal(
        imputer.transform([whole])[0],
        np.c_[whole, np.zeros((3, 2)), [[0, 0], [1, 1], [1, 1]]],
    )


# Forms.


@pytest.mark.parametrize("strategy", ["forward", "linear", "median"])
def test_every_form(strategy):
    imputer = SequenceImputer(strategy, add_indicator=True, add_delta=True)
    expected = imputer.fit(X).transform(X)
    assert isinstance(expected, list)
    objects = np.empty(len(X), object)
    objects[:] = X
    got = imputer.fit_transform(objects)
    assert got.dtype == object
    assert_same(got, expected)
    nones = [np.where(np.isnan(x), None, x.astype(object)) for x in X]
    assert_same(imputer.fit_transform(nones), expected)
    assert_same(imputer.fit_transform(tuple(x.tolist() for x in X)), expected)
    dense = np.stack([x[:3] for x in (X[0], X[2], X[4])])
    dense[:, -1, 0] = 0  # no padding
    np.testing.assert_array_equal(
        imputer.fit_transform(dense), np.stack(imputer.fit_transform(list(dense)))
    )


def test_only_a_3d_array_has_padding():
    x = [np.array([[1.0, 2], [nan, 4]]), np.array([[5.0, nan], [nan, nan]])]
    filled = SequenceImputer().fit_transform(np.stack(x))
    np.testing.assert_array_equal(filled, [[[1, 2], [1, 4]], [[5, 3], [nan, nan]]])
    assert_same(SequenceImputer().fit_transform(x), [filled[0], [[5, 3], [5, 3]]])
    imputer = SequenceImputer(add_indicator=True, add_delta=True)
    assert np.isnan(imputer.fit_transform(np.stack(x))[1, 1]).all()


@settings(max_examples=30, deadline=None)
@given(strategies.lengths, strategies.seeds, st.sampled_from(["forward", "linear"]))
def test_padded_equals_ragged(lengths, seed, strategy):
    x = holed(lengths, seed)
    for one in x:
        one[-1, seed % 2] = 1.0  # the last step would be padding
    imputer = SequenceImputer(strategy, add_indicator=True, add_delta=True)
    np.testing.assert_array_equal(
        imputer.fit_transform(pad_sequences(x, length=8)),
        pad_sequences(imputer.fit_transform(x), length=8),
    )


def test_tables_are_univariate():
    table = np.array([[nan, 1.0, nan, 3.0], [nan, nan, nan, nan], [5.0, nan, nan, nan]])
    filled = SequenceImputer().fit_transform(table)
    np.testing.assert_array_equal(filled, [[3, 1, 1, 3], [3, 3, 3, 3], [5, 5, 5, 5]])
    imputer = SequenceImputer(add_indicator=True).fit(table)
    added = imputer.transform(table)
    np.testing.assert_array_equal(added, np.stack([filled, np.isnan(table)], axis=2))
    assert imputer.get_feature_names_out().tolist() == ["x0", "missingindicator_x0"]
    frame = pandas.DataFrame(table, columns=list("abcd"), index=[3, 5, 9])
    got = SequenceImputer().fit_transform(frame)
    pandas.testing.assert_frame_equal(
        got, pandas.DataFrame(filled, columns=list("abcd"), index=[3, 5, 9])
    )


def test_one_long_series():
    series = np.array([2.0, nan, nan, 8.0, nan])
    np.testing.assert_array_equal(
        SequenceImputer("linear").fit_transform([series])[0], [2, 4, 6, 8, 8]
    )
    days = pandas.date_range("2026-01-01", periods=5)
    frame = pandas.DataFrame({"a": series, "b": np.arange(5.0)}, index=days)
    got = SequenceImputer("linear").fit_transform([frame])[0]
    pandas.testing.assert_frame_equal(got, frame.interpolate(), check_freq=False)
    of_pandas = SequenceImputer().fit_transform([frame["a"]])[0]
    np.testing.assert_array_equal(of_pandas, frame["a"].ffill())


@pytest.mark.parametrize("library", LIBRARIES)
def test_frames_stay_frames(library):
    frames = [LIBRARIES[library].DataFrame(dict(zip("ab", x.T))) for x in X]
    imputer = SequenceImputer(add_indicator=True, add_delta=True).fit(frames)
    got = imputer.transform(frames)
    assert {type(one) for one in got} == {LIBRARIES[library].DataFrame}
    names = ["a", "b", "missingindicator_a", "missingindicator_b", "delta_a", "delta_b"]
    assert list(got[0].columns) == names == imputer.get_feature_names_out().tolist()
    assert_same([np.asarray(one) for one in got], clone(imputer).fit(X).transform(X))
    assert imputer.feature_names_in_.tolist() == ["a", "b"]
    with pytest.raises(ValueError, match="feature names should match"):
        imputer.transform([frame[["b", "a"]] for frame in frames])


def test_nulls_of_polars_and_of_pandas():
    expected = [[1, 1], [1, 0]]
    null = polars.DataFrame({"n": [1, None], "up": [True, False]})
    np.testing.assert_array_equal(SequenceImputer().fit_transform([null])[0], expected)
    na = pandas.DataFrame({"n": pandas.array([1, None], "Int64"), "up": [True, False]})
    np.testing.assert_array_equal(SequenceImputer().fit_transform([na])[0], expected)


@pytest.mark.parametrize("library", LIBRARIES)
def test_set_output(library):
    imputer = SequenceImputer().set_output(transform=library)
    expected = SequenceImputer().fit_transform(X)
    got = clone(imputer).fit_transform(X)
    assert isinstance(got[0], LIBRARIES[library].DataFrame)
    assert list(got[0].columns) == ["x0", "x1"]
    assert_same([np.asarray(one) for one in got], expected)
    with config_context(transform_output=library):
        same = SequenceImputer().fit_transform(X)
    assert_same([np.asarray(one) for one in same], expected)
    assert isinstance(same[0], LIBRARIES[library].DataFrame)
    table = [np.array([1.0, nan]), np.array([2.0, 3.0])]
    assert list(imputer.fit_transform(table).columns) == ["x0", "x1"]
    dense = np.zeros((2, 3, 1))
    np.testing.assert_array_equal(clone(imputer).fit_transform(dense), dense)


@pytest.mark.parametrize("form", ["list", "3-D", "2-D", "frames"])
def test_float32_stays(form):
    x = holed([4, 4, 4], dtype="f4")
    for one in x:
        one[-1, 0] = 1
    x = {
        "list": lambda: x,
        "3-D": lambda: np.stack(x),
        "2-D": lambda: np.stack(x)[..., 0],
        "frames": lambda: [pandas.DataFrame(one) for one in x],
    }[form]()
    for strategy in ("forward", "linear", "mean"):
        imputer = SequenceImputer(strategy, add_delta=True, add_indicator=True)
        got = np.asarray(imputer.fit_transform(x)[0])
        assert got.dtype == np.float32
        wider = imputer.fit_transform(
            x.astype("f8") if hasattr(x, "dtype") else [one.astype("f8") for one in x]
        )
        np.testing.assert_allclose(got, np.asarray(wider[0]), rtol=1e-6)


# As an estimator.


@pytest.mark.parametrize("options", [{}, {"strategy": "linear", "add_delta": True}])
def test_check_estimator(options):
    results = check_estimator(SequenceImputer(**options), on_fail=None, on_skip=None)
    assert len(results) >= 40
    assert {result["status"] for result in results} == {"passed"}


def test_in_a_pipeline():
    y = np.arange(5.0)
    net = RNNRegressor(2, max_iter=2, random_state=0)
    imputer = SequenceImputer(add_indicator=True, add_delta=True)
    model = make_pipeline(imputer, TimeDistributed(StandardScaler()), net).fit(X, y)
    by_hand = TimeDistributed(StandardScaler()).fit_transform(
        clone(imputer).fit_transform(X)
    )
    expected = clone(net).fit(by_hand, y).predict(by_hand)
    np.testing.assert_array_equal(model.predict(X), expected)
    assert model[:-1].get_feature_names_out().tolist()[2] == "missingindicator_x0"


def test_a_failed_fit_leaves_it_as_it_was():
    imputer = SequenceImputer("median", add_delta=True).fit(X)
    before = pickle.dumps(imputer)
    calls = [
        (lambda: imputer.fit([np.array([[1.0], [np.inf]])]), r"infinity: X\[0\] at step 1"),
        (lambda: imputer.fit([np.array([["a"]])]), "could not convert string"),
        (lambda: imputer.fit([]), "X is empty"),
        (lambda: imputer.transform([x[:, :1] for x in X]), "expecting 2 features"),
        (lambda: imputer.transform(np.zeros((2, 3))), "X is 2-D"),
        (lambda: imputer.transform(np.full((2, 3, 2), nan)), r"X\[0\] is empty.*list\(X\)"),
        (lambda: clone(imputer).set_params(strategy="back").fit(X), "'strategy' parameter"),
        (
            lambda: clone(imputer).set_params(fill_value=nan).fit(X),
            "'fill_value' parameter",
        ),
        (lambda: clone(imputer).set_params(add_delta=2).fit(X), "'add_delta' parameter"),
    ]
    for call, match in calls:
        with pytest.raises(ValueError, match=match):
            call()
        assert pickle.dumps(imputer) == before


def test_a_gap_at_the_end_of_a_window():
    """Of a fitted pipeline: the last values of a window have not arrived yet."""
    t = np.arange(300.0)
    x = np.stack([np.sin(t[i : i + 8] / 5) for i in range(280)])[..., np.newaxis]
    y = np.sin((np.arange(280) + 8) / 5)
    net = make_pipeline(
        SequenceImputer("linear"), RNNRegressor(8, max_iter=20, random_state=0)
    )
    net.fit(x, y)
    late = x.copy()
    late[:, -3:] = nan
    by_hand = x.copy()
    by_hand[:, -3:] = x[:, -4:-3]
    np.testing.assert_array_equal(net.predict(list(late)), net.predict(by_hand))
    with pytest.warns(UserWarning, match=r"last 3 steps of X\[0\].*279 more"):
        shorter = net.predict(late)
    np.testing.assert_array_equal(shorter, net.predict(list(x[:, :-3])))
