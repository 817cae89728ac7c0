"""RNNForecaster: types of values, times and covariates, and what is refused of them."""

from copy import deepcopy
from datetime import timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from pandas.tseries.offsets import BDay, CustomBusinessDay, Hour

from skbptt import RNNRegressor
from skbptt.forecasting import RNNForecaster

HOURS = pd.date_range("2024-03-01", periods=200, freq="h")


def wave(n=100, seed=0):
    noise = np.random.default_rng(seed).normal(size=n)
    return 10 + 3 * np.sin(np.arange(n) / 3 + seed) + 0.3 * noise


def forecaster(loss="squared_error", truncation=None, **how):
    regressor = RNNRegressor(
        4,
        loss=loss,
        truncation=truncation,
        return_sequences=True,
        max_iter=2,
        random_state=0,
    )
    return RNNForecaster(regressor, random_state=0, **how)


Z = wave()
COUNTS = np.round(Z)
GAP = np.where(np.arange(100) == 50, np.nan, COUNTS)


def with_gap(missing):
    """GAP, with another sign for what is missing."""
    return [missing if np.isnan(value) else int(value) for value in GAP]


@pytest.mark.parametrize(
    ("series", "same"),
    [
        (COUNTS.astype(int).tolist(), COUNTS),
        (tuple(COUNTS), COUNTS),
        (COUNTS.astype(np.uint8), COUNTS),
        (Z > 10, (Z > 10).astype(float)),
        ([Decimal(int(value)) for value in COUNTS], COUNTS),
        (with_gap(None), GAP),
        (with_gap(pd.NA), GAP),
        (pd.array(with_gap(pd.NA), dtype="Int64"), GAP),
        (pd.array(with_gap(pd.NA), dtype="Float64"), GAP),
        (Z[:, np.newaxis], Z),
    ],
)
def test_types_of_values(series, same):
    expected = forecaster().fit(same).predict(3)
    np.testing.assert_array_equal(forecaster().fit(series).predict(3), expected)
    found = forecaster().fit(pd.Series(np.asarray(series).ravel())).predict(3)
    np.testing.assert_array_equal(found, expected)


def test_polars_and_arrays_of_objects():
    pl = pytest.importorskip("polars")
    expected = forecaster().fit(GAP).predict(3)
    found = forecaster().fit(pl.Series(with_gap(None))).predict(3)
    np.testing.assert_array_equal(found, expected)
    table = pl.DataFrame({"a": Z, "b": COUNTS})
    X = pl.DataFrame({"p": wave(seed=1), "q": ["x", "y"] * 50})
    X = X.with_columns(pl.col("q").cast(pl.Categorical))
    found = forecaster().fit(table, X).predict(3, X[:3])
    whole, X = X, pd.DataFrame({"p": X["p"], "q": pd.Categorical(["x", "y"] * 50)})
    expected = forecaster().fit(np.c_[Z, COUNTS], X).predict(3, X[:3])
    np.testing.assert_array_equal(found, expected)
    model = forecaster(categorical_features=[1]).fit(np.c_[Z, COUNTS], X.to_numpy())
    np.testing.assert_array_equal(model.predict(3, whole[:3]), expected)

    several = np.empty(2, object)
    several[:] = [Z, COUNTS[:60]]
    expected = forecaster().fit(list(several)).predict(3)
    np.testing.assert_array_equal(forecaster().fit(several).predict(3), expected)


FEW = pd.Series(Z[:48])
ON_15TH = pd.to_datetime([f"{2020 + k // 12}-{k % 12 + 1}-15" for k in range(48)])
UNEVEN = HOURS[:48] + pd.to_timedelta(np.arange(48) % 7, unit="s")
OF_WEEKDAYS = HOURS[HOURS.day_of_week < 5][:48]._with_freq(None)


@pytest.mark.parametrize(
    ("series", "message"),
    [
        (Z + 1j, "real numbers. Got complex128"),
        (HOURS.to_numpy(), "real numbers. Got datetime64"),
        ([str(value) for value in Z], "real numbers. Got <U"),
        ([*Z, "a"], "real numbers. Got <U"),
        ([*Z.astype(object), HOURS[0]], "real numbers"),
        ([1.0, Z], "Got 0 dimensions"),
        (np.empty((50, 0)), "series is empty"),
        (pd.DataFrame(np.c_[Z, Z], columns=["a", "a"]), "different names. Got .'a', 'a'"),
        ([1.0] + [np.nan] * 9, "No value of series is known after the first 1 time steps"),
        (FEW.set_axis(HOURS[:48].date), "must increase, but row 1 is at 2024-03-01"),
        (FEW.set_axis([f"t{k:02}" for k in range(48)]), "times or numbers.*Got string"),
        (FEW.set_axis(pd.CategoricalIndex(range(48))), "Got categorical"),
        (FEW.set_axis(ON_15TH), "no frequency.*to_period"),
        (FEW.set_axis(UNEVEN), "no frequency"),
        (FEW.set_axis(OF_WEEKDAYS), "no frequency"),
        (
            FEW.set_axis(pd.MultiIndex.from_product([["a", "b"], range(24)])),
            "2 levels.*reset_index.*series_id",
        ),
    ],
)
def test_refused_series(series, message):
    model = forecaster()
    with pytest.raises(ValueError, match=message):
        model.fit(series)
    assert not hasattr(model, "estimators_")


def test_refused_long_frames():
    pl = pytest.importorskip("polars")
    frame = pd.DataFrame({"id": ["a"] * 50 + ["b"] * 50, "y": Z})
    for wrong, series_id, message in [
        (frame, "name", "series_id must be.*'id', 'y'.*Got 'name'"),
        (frame.assign(id=[None] + ["a"] * 99), "id", "series_id has no label for row 0"),
        (
            pl.DataFrame({"id": ["a"], "y": [1.0]}),
            "id",
            "one pandas DataFrame. Got.*polars",
        ),
    ]:
        with pytest.raises(ValueError, match=message):
            forecaster(series_id=series_id).fit(wrong)


HOLIDAYS = CustomBusinessDay(holidays=["2024-12-25", "2025-01-01"])
BEFORE_HOLIDAY = pd.date_range("2024-10-01", "2024-12-24", freq=HOLIDAYS)
BERLIN = pd.date_range("2024-10-25", "2024-10-27 01:00", freq="h", tz="Europe/Berlin")


@pytest.mark.parametrize(
    ("index", "following"),
    [
        (pd.timedelta_range("0h", periods=48, freq="h"), ["2 days 00:00", "2 days 01:00"]),
        (pd.Index(np.arange(48, dtype=np.uint64)), ["48", "49"]),
        (pd.Index(np.arange(80, 128, dtype=np.int8)), ["128", "129"]),
        (pd.Index(np.arange(48) / 4), ["12.0", "12.25"]),
        (pd.Index([HOURS[0].date() + timedelta(k) for k in range(48)]), ["2024-04-18"]),
        (pd.bdate_range("2024-01-01", periods=48) + 17 * Hour(), ["2024-03-07 17:00"]),
        (
            BEFORE_HOLIDAY,
            ["2024-12-26", "2024-12-27", "2024-12-30", "2024-12-31", "2025-01-02"],
        ),
        (BERLIN, [f"2024-10-27 0{h}:00:00+0{z}:00" for h, z in [(2, 2), (2, 1), (3, 1)]]),
        (
            BERLIN._with_freq(None),
            ["2024-10-27 02:00:00+02:00", "2024-10-27 02:00:00+01:00"],
        ),
        (
            pd.date_range("2024-01-31", periods=48, freq=pd.offsets.BMonthEnd()),
            ["2028-01-31"],
        ),
        (pd.period_range("2024Q1", periods=48, freq="Q"), ["2036Q1"]),
    ],
)
def test_the_next_times(index, following):
    series = pd.Series(wave(len(index)), index.rename("when"))
    model = forecaster().fit(series)
    found = model.predict(len(following)).index
    assert found.name == "when"
    for time, expected in zip(found, following):
        assert str(time).startswith(expected)
    # So they are after one value more, whose own index says nothing of the frequency.
    update = pd.Series([1.0], pd.Index([found[0]]))
    assert model.update(update).predict(1).index[0] == model.predict(2).index[0]
    if len(following) > 1:
        assert str(model.predict(1).index[0]).startswith(following[1])


def test_the_calendar_is_kept_through_updates():
    """The last days alone, or those of the first week, do not tell of weekends."""
    days = pd.bdate_range("2024-01-01", periods=60)._with_freq(None)
    for n in (5, 30):
        model = forecaster().fit(pd.Series(wave(n), days[:n]))
        for k in range(n, 60):
            model.update(pd.Series([1.0], days[k : k + 1]))
            # The first week could be one of days without end.
            if k > 5:
                assert model.predict(1).index[0] == days[k] + BDay()


def test_covariates_by_time_alone():
    z = pd.Series(wave(180), HOURS[:180])
    X = pd.DataFrame({"p": wave(200, 1), "day": HOURS.day_of_week == 3}, HOURS)
    found = forecaster().fit(z, X).predict(20, X)
    objects = X.set_axis(HOURS.to_pydatetime().astype(object))
    np.testing.assert_array_equal(forecaster().fit(z, objects).predict(20, objects), found)
    for wrong, message in [
        (pd.concat([X, X.iloc[[7]]]), "several rows at 2024-03-01 07:00:00"),
        (X.assign(p=X.index), "'p' of X must hold real numbers, or be cat.*Got datetime64"),
        (X.assign(p=X.p + 1j), "Got complex"),
        (X.assign(p=X.p.where(X.p > 9)), "'p' of X has missing values"),
        (np.ones((180, 2, 2)), "must be a table.*3 dimensions"),
    ]:
        with pytest.raises(ValueError, match=message):
            forecaster().fit(z, wrong)


def test_covariates_of_a_table_whose_series_begin_later():
    x = wave(110, 1)
    late = np.where(np.arange(100) < 30, np.nan, COUNTS)
    model = forecaster("gaussian").fit(np.c_[Z, late], x[:100])
    other = forecaster("gaussian").fit([Z, COUNTS[30:]], [x[:100], x[30:100]])
    found, expected = model.predict(10, x[100:]), other.predict(10, x[100:])
    np.testing.assert_array_equal(found, np.c_[expected[0], expected[1]])
    log_p = model.score_samples(np.c_[Z, late], x[:100])
    expected = other.score_samples([Z, COUNTS[30:]], [x[:100], x[30:100]])
    np.testing.assert_array_equal(log_p[:, 0], expected[0])
    np.testing.assert_array_equal(log_p[30:, 1], expected[1])
    assert np.isnan(log_p[:30, 1]).all()


def test_units_of_covariates_do_not_matter():
    x = np.c_[wave(110, 1), np.arange(110) % 7, np.full(110, 3.0)]
    scaled = x * [1e4, -1e-3, 1e6] + [7, 1, 0]
    found = forecaster().fit(Z, x[:100]).predict(10, x[100:])
    other = forecaster().fit(Z, scaled[:100]).predict(10, scaled[100:])
    flipped = (
        forecaster().fit(Z, (x * [1, -1, 1])[:100]).predict(10, (x * [1, -1, 1])[100:])
    )
    np.testing.assert_allclose(other, flipped, rtol=1e-8)
    assert not np.allclose(found, flipped)


@pytest.mark.parametrize(
    ("series", "nothing"),
    [
        (Z, []),
        (Z, np.empty(0)),
        (pd.Series(Z, HOURS[:100]), pd.Series([], dtype=float)),
        (np.c_[Z, COUNTS], np.empty((0, 2))),
        ([Z, COUNTS], [[], []]),
        ({"a": Z, "b": COUNTS}, {}),
        ({"a": Z, "b": COUNTS}, {"b": []}),
    ],
)
def test_nothing_new(series, nothing):
    model = forecaster().fit(series)
    before, after = (m.predict(3) for m in (model, deepcopy(model).update(nothing)))
    if isinstance(series, dict):
        before, after = list(before.values()), list(after.values())
    np.testing.assert_array_equal(after, before)
    with pytest.raises(ValueError, match="no value, by which"):
        model.score(nothing)


def test_truncation():
    """One that is longer than the series changes nothing, a shorter one does."""
    whole = forecaster().fit(Z).predict(5)
    np.testing.assert_allclose(forecaster(truncation=200).fit(Z).predict(5), whole)
    short = forecaster("gaussian", truncation=10).fit(Z)
    assert not np.allclose(short.predict(5), whole)
    assert np.isfinite(short.predict_interval(5)).all()


def test_refused_calls():
    model = forecaster().fit(pd.Series(Z, HOURS[:100]))
    for horizon in ([1, 2], [3], None, 2.0, True, "3", 0):
        with pytest.raises(ValueError, match="horizon must be an integer of at least 1"):
            model.predict(horizon)
    for call in (
        lambda: model.predict_interval(3),
        lambda: model.sample(3, 2),
        lambda: model.score_samples(Z),
        lambda: model.backtest(Z, horizon=5),
    ):
        with pytest.raises(ValueError, match="loss is a likelihood.*Got 'squared_error'"):
            call()
    for index, message in [
        (HOURS[100:101].tz_localize("UTC"), "of the kind met in fit, datetime64.*UTC"),
        (pd.Index([5]), "of the kind met in fit"),
    ]:
        with pytest.raises(ValueError, match=message):
            model.update(pd.Series([1.0], index))
    with pytest.raises(ValueError, match="no value, by which forecasts could be scored"):
        model.score(pd.Series([np.nan], HOURS[100:101]))

    counts = forecaster("poisson").fit(COUNTS)
    with pytest.raises(ValueError, match="values of zero or more.* The least is -1.0"):
        counts.update([-1])
    with pytest.raises(ValueError, match="values of zero or more"):
        forecaster("poisson").fit(COUNTS - 12)
    with pytest.raises(ValueError, match="100 time steps, but n_origins=5.* last 125"):
        forecaster("gaussian").backtest(Z, horizon=25)
