"""Windows of series that have a time, that belong to groups, or that are known ahead."""

import re

import numpy as np
import pandas
import polars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skbptt import RNNRegressor
from skbptt.preprocessing import SequenceImputer, make_windows

nan = np.nan
LIBRARIES = {"pandas": pandas, "polars": polars}

# Time.

HOURS = pandas.date_range("2026-01-01", periods=900, freq="h")
REGULAR = {
    "days": pandas.date_range("2026-01-01", periods=500),
    "local days": pandas.date_range("2026-01-01", periods=500, tz="Europe/Berlin"),
    "hours, with daylight saving": pandas.date_range(
        "2026-01-01", periods=8000, freq="h", tz="Europe/Berlin"
    ),
    "quarters of an hour": pandas.date_range("2026-01-01", periods=200, freq="15min"),
    "business days": pandas.bdate_range("2026-01-01", periods=300),
    "at the close": pandas.bdate_range("2026-01-01 16:00", periods=300, tz="US/Eastern"),
    "hours without weekends": HOURS[HOURS.day_of_week < 5],
    "months": pandas.date_range("2000-01-01", periods=60, freq="MS"),
    "business months": pandas.date_range("2000-01-01", periods=60, freq="BMS"),
    "quarters": pandas.date_range("2000-01-01", periods=60, freq="QS"),
    "years": pandas.date_range("1950-01-01", periods=60, freq="YS"),
    "half months": pandas.date_range("2000-01-01", periods=60, freq="SMS"),
    "Fridays": pandas.date_range("2000-01-01", periods=60, freq="W-FRI"),
    "third Fridays": pandas.date_range("2000-01-01", periods=60, freq="WOM-3FRI"),
    "whole seconds": pandas.date_range("2026-01-01", periods=50, freq="s", unit="s"),
    "dates of Python": pandas.Index(list(pandas.date_range("2026-01-01", periods=50).date)),
    "periods": pandas.period_range("2000-01", periods=60, freq="M"),
    "durations": pandas.timedelta_range(0, periods=50, freq="2s"),
    "row numbers": pandas.RangeIndex(50),
    "every third row": pandas.RangeIndex(0, 150, 3),
    "floats": pandas.Index(np.arange(50) * 0.1),
    "nullable integers": pandas.Index(range(50), dtype="Int64"),
}


@pytest.mark.parametrize("name", REGULAR)
def test_regular_times_are_taken_and_a_hole_is_not(name):
    index = REGULAR[name]
    series = pandas.Series(np.arange(float(len(index))), index)
    X, y = make_windows(series, window=3)
    expected = make_windows(series.to_numpy(), window=3)
    np.testing.assert_array_equal(X, expected[0])
    np.testing.assert_array_equal(y, expected[1])
    holed = series.drop(index[12])
    between = f"hole between {index[11]!s} and {index[13]!s}"
    with pytest.raises(ValueError, match=re.escape(between)):
        make_windows(holed, window=3)
    X, y = make_windows(holed, window=3, holes="split")
    np.testing.assert_array_equal(y, np.r_[3:12, 16 : len(index)])
    np.testing.assert_array_equal(X[:, -1, 0], y - 1)


def test_labels_increase_but_have_no_holes():
    series = pandas.Series(range(4), ["2026-01-01", "2026-01-02", "2026-01-05", "2026-02"])
    np.testing.assert_array_equal(make_windows(series, window=2)[1], [2, 3])
    with pytest.raises(ValueError, match="row 1 is at 2026-01-05, after 2026-02"):
        make_windows(series[::-1], window=2)


DAYS = pandas.date_range("2026-01-01", periods=6)


@pytest.mark.parametrize(
    ("index", "match"),
    [
        (DAYS[::-1], "row 1 is at 2026-01-05 00:00:00, after 2026-01-06"),
        (DAYS[[0, 1, 2, 2, 3]], "row 3 is at 2026-01-03 00:00:00, after 2026-01-03"),
        (DAYS[[0, 1, 3, 2]], "row 3 is at 2026-01-03 00:00:00, after 2026-01-04"),
        ([0, 1, 2, 0, 1, 2], "row 3 is at 0, after 2"),
        (pandas.DatetimeIndex([DAYS[0], None, DAYS[1]]), "row 1 is at NaT, after 2026"),
        ([nan, 1.0, 2.0], "row 0 is at nan. Sort"),
        ([1, "a", 2], "row 1 is at a, after 1"),
        (pandas.CategoricalIndex(["b", "a"], ["a", "b"]), "row 1 is at a, after b"),
        (pandas.MultiIndex.from_product([["a", "b"], [0, 1]]), "2 levels.*groups"),
    ],
)
def test_an_index_that_does_not_increase(index, match):
    series = pandas.Series(np.arange(float(len(index))), index)
    for one in (series, series.to_frame("a")):
        with pytest.raises(ValueError, match=rf"index of series.*{match}"):
            make_windows(one, window=1, holes="split")
    fine = pandas.Series([0.0, 1.0, 2.0])
    with pytest.raises(ValueError, match=rf"index of series\[1\].*{match}"):
        make_windows([fine, series], window=1)
    numbered = series.reset_index(drop=True)
    assert len(make_windows(numbered, window=1)[0]) == len(index) - 1


def test_after_dropna_and_selection():
    frame = pandas.DataFrame({"a": [0.0, 1, 2, nan, 4, 5, 6]})
    with pytest.raises(ValueError, match="hole between 2 and 4"):
        make_windows(frame.dropna(), window=2)
    X, y = make_windows(frame.dropna(), window=2, holes="split")
    np.testing.assert_array_equal(X[..., 0], [[0, 1], [4, 5]])
    np.testing.assert_array_equal(y, [2, 6])
    # A hole is one even where most steps are larger.
    kept = frame[frame.index.isin([0, 1, 3, 5])]
    with pytest.raises(ValueError, match="hole between 1 and 3"):
        make_windows(kept, window=1)


def test_a_calendar_of_its_own_has_no_holes():
    """The frequency of an index says which times there are."""
    workdays = pandas.offsets.CustomBusinessDay(holidays=["2025-12-25", "2025-12-26"])
    days = pandas.date_range("2025-12-22", periods=6, freq=workdays)
    series = pandas.Series(np.arange(6.0), days)
    X, y = make_windows(series, window=2)
    np.testing.assert_array_equal(y, [2, 3, 4, 5])
    with pytest.raises(ValueError, match="hole between 2025-12-24"):
        make_windows(series.set_axis(days._with_freq(None)), window=2)


def test_each_of_several_series_has_a_time_of_its_own():
    frames = [
        pandas.DataFrame({"a": range(5)}, pandas.date_range(start, periods=5, freq=freq))
        for start, freq in [("2026-01-01", "D"), ("2020-01-01", "MS")]
    ]
    assert len(make_windows(frames, window=2)[0]) == 6
    frames[1] = frames[1].drop(frames[1].index[2])
    with pytest.raises(ValueError, match=r"index of series\[1\] has a hole"):
        make_windows(frames, window=2)


def test_the_whole_way_over_a_hole():
    """asfreq makes gaps of holes, and the imputer fills them."""
    hours = pandas.date_range("2026-01-01", periods=10, freq="h")
    frame = pandas.DataFrame({"load": np.arange(10.0)}, hours).drop(hours[[4, 5]])
    with pytest.raises(ValueError, match="hole between 2026-01-01 03:00:00"):
        make_windows(frame, window=3)
    (filled,) = SequenceImputer("linear").fit_transform([frame.asfreq("h")])
    X, y = make_windows(filled, window=3, target="load")
    np.testing.assert_allclose(y, np.arange(3.0, 10))


# Missing values.


def test_windows_that_would_be_read_as_shorter_are_refused():
    series = np.arange(10.0)
    series[4] = nan
    with pytest.raises(ValueError, match=r"Row 4 of series has no value.*\[series\]"):
        make_windows(series, window=3)
    with pytest.raises(ValueError, match=r"Row 4 of series\[1\]"):
        make_windows([np.zeros((9, 2)), np.c_[series, series]], window=3)
    X, _ = make_windows(np.c_[series, series + nan, np.arange(10)], window=3)
    np.testing.assert_array_equal(np.isnan(X[2]), [[0, 1, 0], [0, 1, 0], [1, 1, 0]])
    filled = SequenceImputer().fit_transform([series])[0]
    assert make_windows(filled, window=3)[0][2, -1] == 3
    objects = series.astype(object)
    objects[4] = None
    with pytest.raises(ValueError, match="Row 4"):
        make_windows(list(objects), window=3)
    # No window ends there.
    assert len(make_windows(series, window=3, stride=3)[0]) == 3


def test_a_table_of_objects_is_one_series():
    table = np.arange(12.0).reshape(6, 2)
    expected = make_windows(table, window=2)
    for got, same in zip(make_windows(table.astype(object), window=2), expected):
        np.testing.assert_array_equal(got, same)


# Long tables.


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 3), min_size=6, max_size=30),
    st.integers(1, 3),
    st.integers(1, 2),
    st.booleans(),
)
def test_groups_are_series_of_their_own(labels, window, stride, interleaved):
    if not interleaved:
        labels = sorted(labels, key=labels.index)
    labels = np.array(labels)
    values = np.random.RandomState(0).standard_normal((len(labels), 2))
    order = list(dict.fromkeys(labels.tolist()))
    parts = [values[labels == label] for label in order]
    options = {"window": window, "stride": stride, "target": 1}
    if max(map(len, parts)) <= window:
        with pytest.raises(ValueError, match="No series is as long"):
            make_windows(values, groups=labels, **options)
        return
    expected = make_windows(parts, **options)
    names = np.array(["a", "b", "c", "d"])[labels]
    table = {"unit": names, "x": values[:, 0], "y": values[:, 1]}
    by_name = options | {"groups": "unit", "target": "y"}
    for got in [
        make_windows(values, groups=labels, **options),
        make_windows(values, groups=list(names), **options),
        make_windows(pandas.DataFrame(table), **by_name),
        make_windows(polars.DataFrame(table), **by_name),
    ]:
        np.testing.assert_array_equal(got[0], expected[0])
        np.testing.assert_array_equal(got[1], expected[1])


def test_groups_with_times():
    """Those of the series, which may overlap and differ in frequency."""
    days = pandas.date_range("2026-01-01", periods=5)
    months = pandas.date_range("2026-01-01", periods=5, freq="MS")
    table = pandas.DataFrame(
        {"unit": ["a"] * 5 + ["b"] * 5, "x": np.arange(10.0)}, days.append(months)
    )
    X, y = make_windows(table, window=3, groups="unit")
    np.testing.assert_array_equal(y, [3, 4, 8, 9])
    by_time = table.sort_index(kind="stable")
    np.testing.assert_array_equal(make_windows(by_time, window=3, groups="unit")[1], y)
    np.testing.assert_array_equal(
        make_windows(table[["x"]], window=3, groups=table["unit"])[1], y
    )
    short = table.drop(index=months[2])
    with pytest.raises(ValueError, match="index of group 'b' of series has a hole"):
        make_windows(short, window=3, groups="unit")
    with pytest.raises(ValueError, match="group 'b' of series must increase.*row 6 is"):
        make_windows(table.iloc[[0, 1, 2, 3, 4, 9, 8]], window=1, groups="unit")


def test_groups_with_numbered_rows():
    """The rows of other groups are no holes, and missing rows are."""
    table = pandas.DataFrame({"unit": list("aabbaabbaabb"), "x": np.arange(12.0)})
    X, y = make_windows(table, window=2, groups="unit")
    np.testing.assert_array_equal(y, [4, 5, 8, 9, 6, 7, 10, 11])
    dropped = table.drop(index=5)
    with pytest.raises(ValueError, match="group 'a' of series has a hole between 4 and 8"):
        make_windows(dropped, window=2, groups="unit")
    X, y = make_windows(dropped, window=1, groups="unit", holes="split")
    np.testing.assert_array_equal(
        np.c_[X[:, 0, 0], y], [[0, 1], [1, 4], [8, 9], [2, 3], [6, 7], [7, 10], [10, 11]]
    )
    again = pandas.concat([table[table.unit == "a"].reset_index(drop=True)] * 2)
    again["unit"] = ["a"] * 6 + ["b"] * 6
    assert len(make_windows(again, window=2, groups="unit")[0]) == 8


@pytest.mark.parametrize(
    ("series", "groups", "match"),
    [
        (np.zeros((4, 2)), [0, 1], r"each of the 4 rows.*shape \(2,\)"),
        (np.zeros((4, 2)), 1, r"Got an array of shape \(\)"),
        (np.zeros((4, 2)), "unit", "name of a column of the series. Got 'unit'"),
        (pandas.DataFrame({"a": [0]}), "b", r"one of \['a'\]. Got 'b'"),
        (np.zeros((4, 2)), ["a", "a", None, "b"], "no label for row 2"),
        (np.zeros((4, 2)), [0.0, nan, 0, 0], "no label for row 1"),
        ([np.zeros((4, 2))] * 2, [0, 1, 0, 1], "a list of 2 series"),
        (pandas.DataFrame({"unit": ["a"] * 4}), "unit", "at least one column"),
    ],
)
def test_bad_groups(series, groups, match):
    with pytest.raises(ValueError, match=match):
        make_windows(series, window=1, groups=groups)


# Columns known ahead.


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(1, 3), min_size=1, max_size=3),
    st.lists(st.sampled_from([1, 2]), min_size=1, max_size=2, unique=True),
    st.integers(1, 4),
    st.integers(1, 3),
)
def test_future_columns_one_by_one(horizons, future, window, stride):
    values = np.random.RandomState(0).standard_normal((12, 3))
    options = {"window": window, "horizon": horizons, "stride": stride}
    X, y = make_windows(values, future=future, target=0, **options)
    plain = make_windows(values, target=0, **options)
    np.testing.assert_array_equal(X[..., :3], plain[0])
    np.testing.assert_array_equal(y, plain[1])
    for i in range(len(X)):
        for t in range(window):
            expected = [values[i * stride + t + h, c] for h in horizons for c in future]
            np.testing.assert_array_equal(X[i, t, 3:], expected)


@pytest.mark.parametrize("library", LIBRARIES)
def test_future_columns_by_name(library):
    columns = {"unit": list("aaaabbbb"), "hour": np.arange(8) % 4, "load": np.arange(8.0)}
    frame = LIBRARIES[library].DataFrame(columns)
    X, y = make_windows(frame, window=2, horizon=[1, 2], future="hour", groups="unit")
    np.testing.assert_array_equal(
        X, [[[0, 0, 1, 2], [1, 1, 2, 3]], [[0, 4, 1, 2], [1, 5, 2, 3]]]
    )
    np.testing.assert_array_equal(y, [[2, 3], [6, 7]])  # all that is not known ahead


def test_a_target_that_depends_on_what_is_known_ahead():
    """Only the value at the step to predict tells it; then a forecast of the future."""
    rng = np.random.default_rng(0)
    known = rng.normal(size=420)
    load = 3 * known + 0.1 * rng.normal(size=420)
    frame = pandas.DataFrame({"load": load, "price": known})
    past, net = frame[:400], RNNRegressor(8, readout="last", max_iter=40, random_state=0)
    options = {"window": 5, "horizon": 2, "target": "load"}
    blind, y = make_windows(past, **options)
    assert net.fit(blind[:300], y[:300]).score(blind[300:], y[300:]) < 0.1
    X, y = make_windows(past, future="price", **options)
    assert net.fit(X[:300], y[:300]).score(X[300:], y[300:]) > 0.98
    # Beyond the end: two rows whose load is not known.
    ahead = frame[395:402].assign(load=np.r_[load[395:400], nan, nan])
    last, unknown = make_windows(ahead, future="price", **options)
    assert last.shape == (1, 5, 3)
    assert np.isnan(unknown).all()
    np.testing.assert_array_equal(last[0, :, 2], known[397:402])
    assert abs(net.predict(last)[0] - load[401]) < 0.6


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"future": "b"}, "future must name columns of the series, .* Got 'b'"),
        ({"future": 2}, "future must name columns .* below 2. Got 2"),
        ({"future": 1, "target": [0, 1]}, "Column 1 is in target and in future"),
        ({"future": -1, "target": 1}, "Column 1 is in target and in future"),
        ({"future": [0, 1]}, "that is not in future. Got none"),
        ({"holes": "bridge"}, "holes must be 'raise' or 'split'. Got 'bridge'"),
    ],
)
def test_bad_options(options, match):
    with pytest.raises(ValueError, match=match):
        make_windows(np.zeros((9, 2)), window=2, **options)


def test_no_stretch_between_holes_is_long_enough():
    series = pandas.Series(range(4), [0, 1, 4, 5])
    with pytest.raises(ValueError, match="horizon of 1, between holes"):
        make_windows(series, window=2, holes="split")
