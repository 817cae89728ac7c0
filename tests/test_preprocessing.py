"""Windows and conversions, against loops written out and round trips."""

import numpy as np
import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import TimeSeriesSplit

from skbptt import RNNRegressor
from skbptt.preprocessing import (
    from_channels_first,
    from_stacked,
    make_windows,
    pad_sequences,
    to_channels_first,
    to_stacked,
    unpad_sequences,
)
from tests import strategies


def windows_one_by_one(series, window, horizons, stride, columns):
    X, y = [], []
    for values in series:
        start = 0
        while start + window - 1 + max(horizons) < len(values):
            X.append(values[start : start + window])
            y.append([values[start + window - 1 + h, c] for h in horizons for c in columns])
            start += stride
    return np.array(X), np.array(y)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.integers(1, 12), min_size=1, max_size=4),
    st.integers(1, 5),
    st.lists(st.integers(1, 4), min_size=1, max_size=3),
    st.integers(1, 4),
    st.lists(st.integers(0, 2), min_size=1, max_size=3),
)
def test_windows_equal_a_loop(lengths, window, horizons, stride, columns):
    rng = np.random.RandomState(0)
    series = [rng.standard_normal((n, 3)) for n in lengths]
    options = {"window": window, "horizon": horizons, "stride": stride, "target": columns}
    X, y = windows_one_by_one(series, window, horizons, stride, columns)
    if not len(X):
        with pytest.raises(ValueError, match="No series is as long"):
            make_windows(series, **options)
        return
    got_X, got_y = make_windows(series, **options)
    np.testing.assert_array_equal(got_X, X)
    np.testing.assert_array_equal(got_y, y)


def test_one_target_is_one_dimensional():
    series = np.arange(10.0)
    assert make_windows(series, window=3)[1].shape == (7,)
    assert make_windows(series, window=3, horizon=[1])[1].shape == (7, 1)
    assert make_windows(series, window=3, horizon=[1, 2])[1].shape == (6, 2)
    table = np.column_stack([series, -series])
    assert make_windows(table, window=3)[1].shape == (7, 2)
    np.testing.assert_array_equal(make_windows(table, window=3, target=-1)[1], -series[3:])
    np.testing.assert_array_equal(
        make_windows(list(series), window=3)[0], make_windows(series, window=3)[0]
    )


def test_windows_of_frames_by_name():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"load": np.arange(6.0), "heat": -np.arange(6.0)})
    X, y = make_windows(frame, window=2, target="heat")
    np.testing.assert_array_equal(X[0], [[0, 0], [1, -1]])
    np.testing.assert_array_equal(y, [-2, -3, -4, -5])
    np.testing.assert_array_equal(make_windows(frame["load"], window=2)[1], [2, 3, 4, 5])
    both, _ = make_windows([frame, frame], window=2)
    np.testing.assert_array_equal(both, np.concatenate([X, X]))
    with pytest.raises(ValueError, match=r"one of \['load', 'heat'\]. Got 'cold'"):
        make_windows(frame, window=2, target="cold")


@pytest.mark.parametrize(("window", "horizon"), [(3, 1), (4, 3), (1, 2)])
def test_no_leakage_with_the_gaps_documented(window, horizon):
    """The windows hold the numbers of their steps, so that one sees what they know."""
    X, y = make_windows(np.arange(40), window=window, horizon=horizon)
    for train, test in TimeSeriesSplit(3, gap=horizon - 1).split(X):
        assert y[train].max() <= X[test[0]].max()
        assert y[test].min() > y[train].max()
    for train, test in TimeSeriesSplit(3, gap=window + horizon - 1).split(X):
        assert y[train].max() < X[test].min()


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"window": 0}, "window must be a positive integer. Got 0"),
        ({"window": 2.0}, "window must be a positive integer. Got 2.0"),
        ({"window": True}, "window must be a positive integer. Got True"),
        ({"window": 2, "stride": -1}, "stride must be a positive integer. Got -1"),
        ({"window": 2, "horizon": 0}, "horizon must be a positive integer"),
        ({"window": 2, "horizon": []}, "horizon must be a positive integer"),
        ({"window": 2, "horizon": [1, 0.5]}, "horizon must be a positive integer"),
        ({"window": 2, "target": 2}, "number below 2. Got 2"),
        ({"window": 2, "target": [0, "a"]}, "number below 2. Got 'a'"),
        ({"window": 9}, "a window of 9 steps and a horizon of 1"),
    ],
)
def test_bad_windows(options, match):
    with pytest.raises(ValueError, match=match):
        make_windows(np.zeros((9, 2)), **options)


def test_bad_series():
    with pytest.raises(ValueError, match="Got 3 dimensions: several series"):
        make_windows(np.zeros((2, 9, 1)), window=2)
    with pytest.raises(ValueError, match="series is empty"):
        make_windows([], window=2)
    with pytest.raises(ValueError, match=r"same columns. Got \[1, 2\]"):
        make_windows([np.zeros((9, 1)), np.zeros((9, 2))], window=2)


def test_a_forecast_beats_yesterday():
    """The whole way: series, windows, fit, forecast; the naive forecast is the peer."""
    t = np.arange(400)
    series = np.sin(t / 5) + 0.5 * np.sin(t / 3)
    X, y = make_windows(series, window=20, horizon=3)
    model = RNNRegressor(16, max_iter=20, random_state=0).fit(X[:300], y[:300])
    error = np.abs(model.predict(X[320:]) - y[320:]).mean()
    assert error < 0.2 * np.abs(X[320:, -1, 0] - y[320:]).mean()


# Conversions.


@settings(max_examples=50, deadline=None)
@given(
    strategies.lengths, st.sampled_from([None, 1, 3]), st.sampled_from(["f4", "f8", "i8"])
)
def test_round_trips(lengths, n_features, dtype):
    rng = np.random.RandomState(0)
    shapes = [(n,) if n_features is None else (n, n_features) for n in lengths]
    X = [rng.standard_normal(shape).astype(dtype) for shape in shapes]

    def same(sequences):
        assert len(sequences) == len(X)
        for got, expected in zip(sequences, X):
            np.testing.assert_array_equal(got, expected)

    same(unpad_sequences(pad_sequences(X)))
    same(unpad_sequences(pad_sequences(X, length=20)))
    same(from_stacked(*to_stacked(X)))
    assert pad_sequences(X).dtype == (np.float32 if dtype == "f4" else np.float64)
    if n_features is not None:
        same(from_channels_first(to_channels_first(X)))
        steps, got = to_stacked(pad_sequences(X))
        np.testing.assert_array_equal(got, lengths)
        np.testing.assert_array_equal(steps, np.concatenate(X))


def test_the_estimator_reads_padded_and_list_alike():
    rng = np.random.RandomState(0)
    X = [rng.standard_normal((n, 2)) for n in (3, 5, 2, 4)]
    model = RNNRegressor(3, max_iter=2, random_state=0).fit(X, range(4))
    np.testing.assert_array_equal(model.predict(pad_sequences(X)), model.predict(X))


def test_channels_first_dense():
    X = np.random.RandomState(0).standard_normal((4, 5, 2))
    turned = to_channels_first(X)
    assert turned.shape == (4, 2, 5)
    assert turned[1, 0, 3] == X[1, 3, 0]
    np.testing.assert_array_equal(from_channels_first(turned), X)


def test_results_are_copies():
    X = np.zeros((2, 3, 1))
    for sequences in (unpad_sequences(X), from_stacked(X[0], [1, 2]), to_channels_first(X)):
        sequences[0][:] = 1
    assert not X.any()


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: pad_sequences([[[1.0]], [[1.0], [2.0]]], length=1), ValueError, r"X\[1\]"),
        (lambda: pad_sequences([[["a"]]]), TypeError, "X must hold numbers"),
        (lambda: pad_sequences([]), ValueError, "X is empty"),
        (
            lambda: pad_sequences([[[1.0]], np.zeros((0, 1))]),
            ValueError,
            r"X\[1\] is empty",
        ),
        (lambda: to_stacked([[[1.0]], [1.0]]), ValueError, r"X\[1\] of shape \(1,\)"),
        (lambda: to_stacked([[[1.0]], [[1.0, 2.0]]]), ValueError, r"shape \(1, 2\)"),
        (lambda: unpad_sequences([1.0]), ValueError, "Got 1 dimension"),
        (lambda: unpad_sequences([[np.nan], [1.0]]), ValueError, r"X\[0\] is empty"),
        (lambda: from_stacked([1, 2], [1]), ValueError, "They add up to 1"),
        (lambda: from_stacked([1, 2], [2, 0]), ValueError, "positive integers"),
        (lambda: from_stacked([1, 2], [1.0, 1.0]), ValueError, "positive integers"),
        (lambda: from_channels_first([[1.0]]), ValueError, r"\(n_channels, n_steps\)"),
        (lambda: to_channels_first([[1.0]]), ValueError, r"\(n_steps, n_features\)"),
    ],
)
def test_bad_conversions(call, error, match):
    with pytest.raises(error, match=match):
        call()


def test_windows_of_frames_whose_columns_differ():
    frame = pandas.DataFrame({"a": range(9), "b": range(9)})
    for other in (frame[["b", "a"]], frame.rename(columns={"a": "z"})):
        with pytest.raises(
            ValueError, match=r"same columns in the same order: series\[1\]"
        ):
            make_windows([frame, other], window=3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: make_windows(np.zeros((9, 2)), window=2, target=[]), "at least one colu"),
        (lambda: make_windows(3, window=2), "series must be a series, .* Got 3"),
        (lambda: pad_sequences([[[1.0]]], length=6.5), "length must be an int or None"),
    ],
)
def test_more_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("nothing", [np.nan, None])
def test_labels_are_unpadded(nothing):
    labels = np.array([["a", "b", nothing], ["c", nothing, nothing]], dtype=object)
    assert [list(one) for one in unpad_sequences(labels)] == [["a", "b"], ["c"]]
