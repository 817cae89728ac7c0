"""RNNForecaster: forecasts by value, in every form, without a look at the future."""

import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit

from skbptt import RNNRegressor
from skbptt.forecasting import RNNForecaster
from skbptt.forecasting._model import stretches

HOURS = pd.date_range("2024-03-01", periods=400, freq="h")


def wave(n=300, seed=0):
    noise = np.random.default_rng(seed).normal(size=n)
    return 10 + 3 * np.sin(np.arange(n) / 3 + seed) + 0.3 * noise


def small(**how):
    given = {"loss": "gaussian", "max_iter": 4, "random_state": 0} | how
    return RNNRegressor(6, return_sequences=True, **given)


def forecaster(**how):
    regressor = how.pop("regressor", None) or small()
    given = {"n_estimators": 1, "n_samples": 50, "random_state": 0}
    return RNNForecaster(regressor, **given | how)


def set_weights(model, **values):
    """Give the fitted networks of a forecaster weights by hand."""
    for regressor in model.estimators_:
        views = regressor._network.layout.views(regressor._theta)
        for name, array in views.items():
            array[...] = values.get(name, 0.0)


def linear(series, X):
    """A forecaster with z_t = 0.9 z_(t-1) + x_t by hand, but for the spread."""
    regressor = RNNRegressor(
        2,
        cell="rnn",
        activation="identity",
        return_sequences=True,
        max_iter=1,
        random_state=0,
        loss="squared_error",
    )
    model = RNNForecaster(regressor).fit(series, X)
    scales = model._model.scales
    m, s, d = scales.m[0], scales.s[0], scales.d[0]
    of_x, unit = X.mean(), X.std()
    names = {
        "layers.0.forward.W": np.eye(2),
        "output.W": np.array([[-0.1 * s / d], [unit / d]]),
        "output.b": np.array([(of_x - 0.1 * m) / d]),
    }
    set_weights(model, **names)
    return model


def test_forecasts_of_a_linear_net():
    rng = np.random.default_rng(0)
    x = rng.normal(size=120)
    z = wave(100)
    model = linear(z, x[:100])
    expected, last = [], z[-1]
    for t in range(100, 120):
        last = 0.9 * last + x[t]
        expected.append(last)
    np.testing.assert_allclose(model.predict(20, x[100:]), expected, rtol=1e-10)
    # After three more values the next forecast is the step after these.
    model.update([1.0, 2.0, 3.0], x[100:103])
    assert model.predict(1, x[103:104])[0] == pytest.approx(2.7 + x[103])


def test_update_is_the_state_of_the_longer_history():
    """The means are those that the regressor predicts for the whole sequence of inputs."""
    z, new = wave(260), wave(40, seed=1)
    model = forecaster(period=12).fit(z).update(new)
    inner = model._model.models[0]
    (x,) = inner.rows([np.r_[z, new, np.nan]], [np.empty((288, 0))], inner.scales)
    whole = inner.regressor.predict([x])[0][-1]
    shift, scale = np.r_[z, new][-12], inner.scales.d[0]
    assert model.predict(1)[0] == pytest.approx(shift + scale * whole, rel=1e-10)


def test_several_values_at_once_or_one_by_one():
    z = wave(300)
    one = forecaster().fit(z[:280])
    other = clone(one).fit(z[:280])
    one.update(z[280:])
    for value in z[280:]:
        other.update([value])
    np.testing.assert_array_equal(one.predict(5), other.predict(5))


def test_series_of_unequal_length_are_read_alone():
    """What a series has read does not depend on the others."""
    a, b = wave(300), wave(120, seed=3)
    both = forecaster().fit([a, b])
    other = forecaster().fit([b, a])
    for x, y in zip(both.predict(7), other.predict(7)[::-1]):
        np.testing.assert_allclose(x, y, rtol=1e-10)
    both.update([wave(5), []])
    np.testing.assert_allclose(both.predict(7)[1], other.predict(7)[0], rtol=1e-10)
    inner = both._model.models[0]
    rows = inner.rows([np.r_[a, wave(5), np.nan]], [np.empty((305, 0))], inner.scales.of(0))
    whole = inner.regressor.predict(rows)[0][-1]
    expected = wave(5)[-1] + inner.scales.d[0] * whole
    assert both.predict(1)[0][0] == pytest.approx(expected, rel=1e-10)


def test_nothing_of_the_future_is_used():
    z = wave(300)
    changed = z.copy()
    changed[250:] += 100
    results = [
        forecaster(period=6).backtest(series, horizon=10, n_origins=5)
        for series in (z, changed)
    ]
    # The first origin stands before the change, the second sees it.
    for name in ("y_pred", "lower", "upper", "paths"):
        one, other = (result[name] for result in results)
        np.testing.assert_array_equal(one[0], other[0])
        assert not np.allclose(one[1], other[1])
    np.testing.assert_array_equal(results[0].y_true[0], z[250:260])
    np.testing.assert_array_equal(results[0].steps[-1], np.arange(-10, 0))


def test_backtest_is_fit_update_and_predict():
    z, x = wave(300), np.random.default_rng(1).normal(size=(300, 2))
    result = forecaster().backtest(z, x, horizon=8, n_origins=3, step=4)
    model = forecaster().fit(z[:284], x[:284])
    np.testing.assert_array_equal(result.y_pred[0], model.predict(8, x[284:292]))
    model.update(z[284:288], x[284:288])
    np.testing.assert_array_equal(result.y_pred[1], model.predict(8, x[288:296]))
    again = forecaster().backtest(z, x, horizon=8, n_origins=3, step=4, refit=True)
    model = forecaster().fit(z[:292], x[:292])
    np.testing.assert_array_equal(again.y_pred[2], model.predict(8, x[292:]))


@pytest.mark.parametrize("loss", ["gaussian", "student_t", "squared_error"])
def test_units_of_a_series_do_not_matter(loss):
    z = wave(200)
    one = forecaster(regressor=small(loss=loss), period=5).fit(z)
    other = clone(one).fit(1e4 * z - 7)
    np.testing.assert_allclose(other.predict(9), 1e4 * one.predict(9) - 7, rtol=1e-6)
    if loss != "squared_error":
        paths = 1e4 * one.sample(9, 3) - 7
        np.testing.assert_allclose(other.sample(9, 3), paths, rtol=1e-6)


def test_scales_where_values_are_missing_or_repeat():
    """Units do not matter where there are no differences, and rounding is no scale."""
    rare = np.where(np.arange(199) % 2, np.nan, wave(199))
    exact = 20 + 5 * np.sin(np.arange(120) * np.pi / 6)
    for z, period in [(rare, 1), (exact, 12), (np.full(50, 5.0), 1), (np.arange(50.0), 1)]:
        one = forecaster(period=period).fit(z)
        other = clone(one).fit(1e4 * z)
        found = one.update([z[-1] + 1]).predict(9)
        scaled = other.update([1e4 * (z[-1] + 1)]).predict(9)
        np.testing.assert_allclose(scaled, 1e4 * found, rtol=1e-6)
        inner = one._model.models[0]
        rows = inner.rows([z], [np.empty((len(z) - period - 1, 0))], inner.scales)
        assert np.abs(rows[0]).max() < 4
    # The error of the last value that is known.
    known = rare[::2]
    error = np.abs(np.diff(known)).mean()
    model = forecaster().fit(rare)
    expected = -np.abs(model.predict(3) - 9).mean() / error
    assert model.score([9.0, 9.0, 9.0]) == pytest.approx(expected)


def test_forms():
    a, b = wave(200), wave(200, seed=1)
    one, table = forecaster().fit(a), forecaster().fit(np.c_[a, b])
    plain = one.predict(3)
    of_series = forecaster().fit(pd.Series(a, HOURS[:200], name="load"))
    found = of_series.predict(3)
    pd.testing.assert_series_equal(found, pd.Series(plain, HOURS[200:203], name="load"))
    interval = of_series.predict_interval(3)
    assert list(interval.columns) == ["lower", "upper"]
    np.testing.assert_array_equal(interval, one.predict_interval(3))
    assert one.sample(3, 4).shape == (3, 4)

    both = table.predict(3)
    frame = pd.DataFrame({"a": a, "b": b}, HOURS[:200])
    pd.testing.assert_frame_equal(
        forecaster().fit(frame).predict(3),
        pd.DataFrame(both, HOURS[200:203], columns=["a", "b"]),
    )
    wide = forecaster().fit(frame).predict_interval(3)
    np.testing.assert_array_equal(wide["b"]["upper"], table.predict_interval(3)[:, 1, 1])
    for form in ([a, b], {0: a, 1: b}):
        found = forecaster().fit(form).predict(3)
        np.testing.assert_array_equal(np.c_[found[0], found[1]], both)
    long = pd.concat(
        [pd.DataFrame({"id": name, "y": frame[name]}, HOURS[:200]) for name in frame]
    )
    found = forecaster(series_id="id").fit(long.sample(frac=1, random_state=0).sort_index())
    expected = pd.DataFrame({"id": ["a"] * 3 + ["b"] * 3, "y": both.T.ravel()})
    found = found.predict(3)
    assert list(found.index[:3]) == list(HOURS[200:203])
    pd.testing.assert_frame_equal(found.reset_index(drop=True).sort_values("id"), expected)


def test_a_table_of_series_that_begin_later():
    a, b = wave(200), wave(120, seed=1)
    table = np.c_[a, np.r_[np.full(80, np.nan), b]]
    found = forecaster().fit(table).predict(4)
    expected = forecaster().fit([a, b]).predict(4)
    np.testing.assert_array_equal(found, np.c_[expected[0], expected[1]])


def test_covariates_are_found_by_time_and_categories_by_value():
    z = pd.Series(wave(200), HOURS[:200])
    X = pd.DataFrame(
        {"hour": pd.Categorical(HOURS.hour), "price": np.arange(400.0) % 7}, HOURS
    )
    model = forecaster().fit(z, X)
    assert next(iter(model.estimators_[0].weights_)).startswith("embedding.x1")
    found = model.predict(5, X)
    shuffled = X.sample(frac=1, random_state=0)
    pd.testing.assert_series_equal(model.predict(5, shuffled), found)
    pd.testing.assert_series_equal(model.predict(5, X.iloc[200:205]), found)
    with pytest.raises(ValueError, match="no covariates of series at 2024-03-09 08:00"):
        model.predict(5, X.iloc[201:])
    with pytest.raises(ValueError, match="row for each of the 5 time steps"):
        forecaster().fit(wave(), np.ones(300)).predict(5, np.ones(4))
    with pytest.raises(ValueError, match="in neither. Here it is not given"):
        model.predict(5)


def test_the_index_goes_on():
    z = wave(100)
    for index, following in [
        (
            pd.date_range("2024-01-31", periods=100, freq=pd.offsets.MonthEnd()),
            "2032-05-31",
        ),
        (pd.period_range("2024-01", periods=100, freq="M"), "2032-05"),
        (pd.bdate_range("2024-01-01", periods=100), "2024-05-20"),
        (pd.RangeIndex(0, 200, 2), "200"),
    ]:
        found = forecaster().fit(pd.Series(z, index)).predict(2)
        assert str(found.index[0])[: len(following)] == following
    model = forecaster().fit(pd.Series(z, HOURS[:100]))
    with pytest.raises(ValueError, match="has a hole between 2024-03-05 03:00"):
        model.update(pd.Series([1.0], HOURS[101:102]))
    with pytest.raises(ValueError, match="must increase"):
        model.update(pd.Series([1.0], HOURS[99:100]))
    model.update(pd.Series([1.0], HOURS[100:101]))
    assert model.predict(1).index[0] == HOURS[101]


def test_missing_values_have_no_weight():
    """What stands in the place of a missing value does not matter: it is the one before."""
    z = wave(200)
    z[[50, 51, 120]] = np.nan
    model = forecaster(period=4).fit(z)
    assert np.isfinite(model.predict(4)).all()
    log_p = model.score_samples(z)
    assert set(np.flatnonzero(np.isnan(log_p))) == {0, 1, 2, 3, 4, 50, 51, 120}


def test_log_likelihood_by_value():
    z = wave(120)
    model = forecaster().fit(z)
    log_p = model.score_samples(z)
    # The density of the next value, from the distribution that paths are drawn from.
    paths = model.sample(1, 20000)[0]
    mean, std = paths.mean(), paths.std()
    value = model.predict(1)[0] + 0.5 * std
    longer = model.score_samples(np.r_[z, value])
    np.testing.assert_allclose(longer[:-1], log_p, rtol=1e-10)
    expected = -0.5 * ((value - mean) / std) ** 2 - np.log(std * np.sqrt(2 * np.pi))
    assert longer[-1] == pytest.approx(expected, abs=0.03)


@given(st.integers(1, 500), st.integers(21, 120))
def test_each_step_counts_once(n, length):
    counted = np.zeros(n, int)
    for here, counts in stretches(n, length):
        counted[here] += counts
        assert len(counts) <= length
    np.testing.assert_array_equal(counted, 1)


def test_search_and_store():
    z = wave(240)
    search = GridSearchCV(
        forecaster(), {"period": [None, 19]}, cv=TimeSeriesSplit(3, test_size=20)
    ).fit(z)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    model = pickle.loads(pickle.dumps(search.best_estimator_))
    np.testing.assert_array_equal(model.predict(5), search.best_estimator_.predict(5))
    train, test = z[:220], z[220:]
    one = forecaster(period=19).fit(train)
    naive = np.abs(np.diff(train)).mean()
    expected = -np.abs(one.predict(20) - test).mean() / naive
    assert one.score(test) == pytest.approx(expected)
    assert search.cv_results_["split2_test_score"][1] == pytest.approx(expected)


def test_search_over_the_network_with_covariates():
    """Each fold fits what came before, and scores what came next with its covariates."""
    z = pd.Series(wave(120), HOURS[:120])
    X = pd.DataFrame({"p": wave(120, 1), "q": pd.Categorical(list("ab") * 60)}, z.index)
    grid = {"period": [None, 19], "regressor__alpha": [0.1, 100.0]}
    cv = TimeSeriesSplit(2, test_size=10)
    search = GridSearchCV(forecaster(), grid, cv=cv).fit(z, X)
    for k, params in enumerate(search.cv_results_["params"]):
        for i, n in enumerate((100, 110)):
            model = forecaster().set_params(**params).fit(z[:n], X[:n])
            assert model.estimators_[0].alpha == params["regressor__alpha"]
            expected = model.score(z[n : n + 10], X[n : n + 10])
            assert search.cv_results_[f"split{i}_test_score"][k] == expected
    best = search.best_estimator_
    again = forecaster().set_params(**search.best_params_).fit(z, X)
    ahead = pd.DataFrame({"p": [1.0, 2], "q": ["a", "b"]}, HOURS[120:122])
    pd.testing.assert_series_equal(best.predict(2, ahead), again.predict(2, ahead))


@pytest.mark.parametrize(
    ("series", "how", "message"),
    [
        ([], {}, "has no value"),
        ({}, {}, "series is empty"),
        (np.ones(2), {}, "has 2 time steps. At least 3 are needed"),
        (wave(30), {"period": 40}, "At least 43 are needed, since lags up to 41"),
        (np.r_[wave(), np.inf], {}, "infinity"),
        (["a", "b"], {}, "real numbers"),
        (np.full(20, np.nan), {}, "has no value"),
        (np.ones((5, 5, 5)), {}, "series must be one series"),
        (wave(), {"period": 0}, "period"),
        (wave(), {"period": 2.5}, "period"),
        (wave(), {"lags": [0]}, "lags"),
        (
            wave(),
            {"series_id": "id"},
            "series_id='id' needs series as one pandas DataFrame",
        ),
        (wave(), {"regressor": RNNRegressor()}, "return_sequences=True"),
        (wave(), {"regressor": small(bidirectional=True)}, "bidirectional=False"),
        (wave(), {"regressor": small(loss="quantile", quantile=[0.1, 0.9])}, "one value"),
        (wave(), {"n_samples": 0}, "n_samples"),
    ],
)
def test_refused(series, how, message):
    with pytest.raises((ValueError, TypeError), match=message):
        forecaster(**how).fit(series)


def test_a_failed_call_leaves_the_forecaster():
    model = forecaster().fit({"a": wave(), "b": wave(50, seed=1)})
    before = pickle.dumps(model.predict(5))
    for series, message in [
        ({"c": [1.0]}, "'c', which was not there"),
        ([1.0], "form met in fit"),
        ({"a": [np.inf]}, "infinity"),
    ]:
        with pytest.raises(ValueError, match=message):
            model.update(series)
    for call in (lambda: model.predict(0), lambda: model.predict_interval(3, coverage=1)):
        with pytest.raises(ValueError, match="Got"):
            call()
    with pytest.raises(ValueError):
        model.fit(np.ones(1))
    assert pickle.dumps(model.predict(5)) == before


def test_fans_and_their_calibration():
    from skbptt.inspection import ForecastDisplay
    from skbptt.inspection._displays._fans import LEVELS, coverage, share_below

    series = [wave(), wave(seed=1)]
    result = forecaster(n_samples=2000).backtest(series, horizon=12, n_origins=3)
    display = ForecastDisplay.from_backtest(result, series=1)
    np.testing.assert_array_equal(display.series[display.steps], result.y_true[1])
    np.testing.assert_array_equal(display.paths, result.paths[1])
    upper, lower = display.axes_[:, 0]
    inside = [
        np.mean(
            (np.quantile(result.paths[1], (1 - level) / 2, axis=1) <= result.y_true[1])
            & (result.y_true[1] <= np.quantile(result.paths[1], (1 + level) / 2, axis=1))
        )
        for level in LEVELS
    ]
    np.testing.assert_allclose(lower.lines[1].get_ydata(), inside, atol=0.03)
    # Of values from the same distribution as the paths.
    draws = np.random.default_rng(0).normal(size=(400, 201))
    pit = share_below(draws[:, 1:, np.newaxis], draws[:, :1])
    np.testing.assert_allclose(coverage(pit, LEVELS), LEVELS, atol=0.06)
    np.testing.assert_array_equal(share_below(np.ones((1, 4, 1)), np.ones((1, 1))), 0.5)
    with pytest.raises(ValueError, match="from 0 to 1"):
        ForecastDisplay.from_backtest(result, series=2)
