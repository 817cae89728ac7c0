"""SktimeForecaster: sktime's own checks, and forecasts equal to those of RNNForecaster."""

import numpy as np
import pandas as pd
import pytest

from skbptt import RNNRegressor
from skbptt.forecasting import RNNForecaster

pytest.importorskip("sktime")

from sktime.forecasting.model_selection import ForecastingGridSearchCV
from sktime.split import ExpandingWindowSplitter
from sktime.utils.estimator_checks import check_estimator

from skbptt.forecasting.sktime import SktimeForecaster

# What sktime itself warns of.
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning:sktime")

HOURS = pd.date_range("2024-03-01", periods=200, freq="h")


def wave(n=200, seed=0):
    noise = np.random.default_rng(seed).normal(size=n)
    return 10 + 3 * np.sin(np.arange(n) / 3 + seed) + 0.3 * noise


def inner(**how):
    regressor = RNNRegressor(
        6, loss="gaussian", return_sequences=True, max_iter=4, random_state=0
    )
    return RNNForecaster(regressor, n_samples=30, random_state=0, **how)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("params", SktimeForecaster.get_test_params())
def test_checks_of_sktime(params):
    results = check_estimator(SktimeForecaster(**params), verbose=False)
    assert len(results) > 300
    assert {name: result for name, result in results.items() if result != "PASSED"} == {}


def test_one_series():
    y = pd.Series(wave(), HOURS, name="load")
    X = pd.DataFrame(
        {"hour": pd.Categorical(HOURS.hour), "price": np.arange(200.0) % 7}, HOURS
    )
    model = SktimeForecaster(inner()).fit(y[:180], X[:180])
    plain = inner().fit(y[:180], X)
    forecasts = model.predict(fh=[5, 2], X=X[180:])
    pd.testing.assert_series_equal(
        forecasts, plain.predict(5, X).iloc[[1, 4]], check_freq=False
    )
    times = pd.DatetimeIndex([HOURS[183]])
    assert model.predict(fh=times, X=X).iloc[0] == plain.predict(4, X).iloc[3]
    quantiles = model.predict_quantiles(fh=[3], X=X, alpha=[0.2, 0.6])
    assert list(quantiles.columns) == [("load", 0.2), ("load", 0.6)]
    paths = plain.sample(3, 30, X).iloc[2]
    np.testing.assert_allclose(
        quantiles.iloc[0], np.quantile(paths, [0.2, 0.6]), rtol=1e-12
    )
    interval = model.predict_interval(fh=[3], X=X, coverage=0.8)
    np.testing.assert_allclose(interval.iloc[0], np.quantile(paths, [0.1, 0.9]), rtol=1e-12)

    # What has been read is not read again.
    model.update(y[170:190], X[170:190])
    plain.update(y[180:190], X)
    assert model.cutoff[0] == HOURS[189]
    pd.testing.assert_series_equal(
        model.predict(fh=[1, 2], X=X), plain.predict(2, X), check_freq=False
    )
    with pytest.raises(ValueError, match="no time step that has not been read"):
        model.update(y[180:190], X)


def test_all_series_of_a_hierarchy_share_a_network():
    """Of unequal lengths, with covariates of their own, each from its own end."""
    lengths = {("a", "x"): 180, ("a", "y"): 120, ("b", "z"): 150}
    y, X, series, covariates = [], [], {}, {}
    for seed, (instance, n) in enumerate(lengths.items()):
        one = pd.Series(wave(n, seed), HOURS[:n])
        prices = pd.DataFrame({"price": wave(200, 9 + seed)}, HOURS)
        series[instance], covariates[instance] = one, prices
        y.append(one.to_frame("v"))
        X.append(prices)
    names = ["region", "shop", "time"]
    y, X = (pd.concat(parts, keys=lengths, names=names) for parts in (y, X))
    model = SktimeForecaster(inner(period=6)).fit(y, X, fh=[2, 3])
    plain = inner(period=6).fit(series, covariates)
    found, expected = model.predict(X=X), plain.predict(3, covariates)
    assert list(found.index.names) == names
    for instance, n in lengths.items():
        times = [(*instance, time) for time in HOURS[n + 1 : n + 3]]
        np.testing.assert_array_equal(found.loc[times, "v"], expected[instance].iloc[1:])

    new = {("a", "y"): pd.Series([1.0, 2.0], HOURS[120:122])}
    model.update(pd.concat({("a", "y"): new["a", "y"].to_frame("v")}, names=names), X)
    plain.update(new, covariates)
    found, expected = model.predict(X=X), plain.predict(3, covariates)
    for instance in lengths:
        of_one = found.xs(instance)["v"]
        np.testing.assert_array_equal(of_one, expected[instance].iloc[1:])


def test_columns_are_series():
    y = pd.DataFrame({"a": wave(), "b": wave(seed=1)}, HOURS)
    model = SktimeForecaster(inner()).fit(y)
    pd.testing.assert_frame_equal(
        model.predict(fh=[1, 2]), inner().fit(y).predict(2), check_freq=False
    )
    quantiles = model.predict_quantiles(fh=[2], alpha=[0.1, 0.9])
    paths = inner().fit(y).sample(2, 30).iloc[1]
    for name in "ab":
        bounds = np.quantile(paths[name], [0.1, 0.9])
        np.testing.assert_allclose(quantiles[name].iloc[0], bounds, rtol=1e-12)


def test_tools_of_sktime():
    """A search over nested parameters, and predictions while time goes on."""
    y = pd.Series(wave(), HOURS)
    cv = ExpandingWindowSplitter(fh=[1, 2], initial_window=160, step_length=20)
    model = SktimeForecaster(inner())
    assert model.get_tag("capability:pred_int")
    grid = {"forecaster__period": [None, 19], "forecaster__regressor__max_iter": [1, 4]}
    search = ForecastingGridSearchCV(model, cv, grid).fit(y)
    assert search.best_params_["forecaster__period"] == 19

    model = SktimeForecaster(inner(period=19)).fit(y[:160])
    cv = ExpandingWindowSplitter(fh=[1], initial_window=10, step_length=10)
    found = model.update_predict(y[160:], cv)
    plain = inner(period=19).fit(y[:160])
    expected = [plain.update(y[n : n + 10]).predict(1).iloc[0] for n in (160, 170, 180)]
    np.testing.assert_array_equal(found[:3], expected)
    # The forecaster itself has stayed where it was.
    assert model.predict(fh=[1]).index[0] == HOURS[160]


def test_refused():
    y = pd.Series(wave(), HOURS)
    points = RNNRegressor(4, return_sequences=True, max_iter=1, random_state=0)
    model = SktimeForecaster(RNNForecaster(points)).fit(y)
    with pytest.raises(NotImplementedError, match="prediction intervals"):
        model.predict_interval(fh=[1])
    with pytest.raises(NotImplementedError, match="in-sample"):
        model.predict(fh=[0])
    model._set_cutoff(HOURS[150:151])
    with pytest.raises(NotImplementedError, match="within the sample"):
        model.predict(fh=pd.DatetimeIndex(HOURS[160:161]))
