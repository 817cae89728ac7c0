"""The benchmark of forecasts measures what it says, and nobody sees the future."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import norm

pd = pytest.importorskip("pandas")

LEVELS = np.arange(1, 20) / 20


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "benchmarks")
    import forecasters
    import forecasts
    import series

    return SimpleNamespace(
        forecasts=forecasts,
        forecasters=forecasters,
        models=forecasters.MODELS,
        series=series,
    )


def frames_of(bench, n_series=2, n_steps=150):
    rng = np.random.default_rng(0)
    index = pd.date_range("2020-01-01", periods=n_steps, freq="D")
    weekly = np.tile([0, 1, 2, 3, 2, 1, -4], n_steps // 7 + 1)[:n_steps]
    return [
        bench.series.known(
            pd.Series(10 + weekly + rng.normal(size=n_steps), index), "month"
        )
        for _ in range(n_series)
    ]


def problem(bench, **changes):
    how = {"seasons": (7,), "horizon": 10, "origins": 4, "stride": 5}
    return bench.series.Set(lambda: None, "", **{**how, **changes})


def test_origins(bench):
    frames = [pd.DataFrame({"y": np.arange(30.0)}), pd.DataFrame({"y": np.arange(40.0)})]
    found = list(problem(bench).splits(frames))
    assert len(found) == 4
    for k, (histories, futures) in enumerate(found):
        for history, future, n in zip(histories, futures, (30, 40)):
            origin = n - 10 - 5 * (3 - k)
            assert history["y"].tolist() == list(range(origin))
            assert future["y"].tolist() == list(range(origin, origin + 10))


def test_measures_of_one_value(bench):
    """Errors in units of the series' scale; the score by its definition."""
    actual = np.array([[[2.0], [5.0]]]).reshape(1, 2, 1)
    quantiles = np.stack([np.linspace(-1, 1, 19), np.linspace(4, 6, 19)])
    scales = np.array([0.5, 4.0])
    mase, crps, inside = bench.forecasts.measures(
        actual, quantiles.reshape(1, 2, 1, 19), scales
    )
    assert mase == pytest.approx((2.0 / 0.5 + 0.0) / 2)
    expected = 0.0
    for y, own, scale in zip((2.0, 5.0), quantiles, scales):
        for level, q in zip(LEVELS, own):
            expected += 2 * (level - (y < q)) * (y - q) / scale / 19 / 2
    assert crps == pytest.approx(expected)
    assert inside == 0.5


def test_crps_and_coverage_of_the_truth(bench):
    """Of a standard normal: 1 / sqrt(pi), and 90 %."""
    y = np.random.default_rng(0).normal(size=(1, 1, 20_000))
    quantiles = np.broadcast_to(norm.ppf(LEVELS), (1, 1, 20_000, 19))
    mase, crps, inside = bench.forecasts.measures(y, quantiles, np.ones(1))
    assert mase == pytest.approx(np.sqrt(2 / np.pi), rel=0.02)
    # Levels from 0.05 to 0.95 leave out the tails, where the pinball loss is small.
    assert crps == pytest.approx(1 / np.sqrt(np.pi), rel=0.05)
    assert inside == pytest.approx(0.9, abs=0.01)


def test_seasonal_naive(bench):
    """A season that repeats exactly is forecast exactly, over two of them."""
    index = pd.date_range("2020-01-01", periods=70, freq="D")
    y = pd.Series(np.tile([3.0, 1, 4, 1, 5, 9, 2], 10), index)
    task = problem(bench)
    model = bench.models["naive"](task, 0)
    (history,), (future,) = next(task.splits([bench.series.known(y)]))
    model.fit([history])
    found = model.forecast([history], [future[[]]])
    assert found.shape == (1, 10, 19)
    assert (found == future["y"].to_numpy()[:, np.newaxis]).all()


def test_quantiles_from_intervals(bench):
    """The bounds of the interval of 90 % are the levels 0.05 and 0.95, and so on."""
    found = {"mean": 0.0}
    for percent in (90, 80, 70, 60, 50, 40, 30, 20, 10):
        found[f"lo-{percent}"] = norm.ppf(0.5 - percent / 200)
        found[f"hi-{percent}"] = norm.ppf(0.5 + percent / 200)
    np.testing.assert_allclose(
        bench.forecasters.by_percent(found), norm.ppf(LEVELS), atol=1e-12
    )


def test_values_from_seasonal_differences(bench):
    """Over more than one season, for the recurrent peer on series with a trend."""
    model = bench.models["lstm"](problem(bench, trend=True), 0)
    y = pd.Series(0.5 * np.arange(40) + np.arange(40) % 7)
    (z,) = model.stationary([pd.DataFrame({"y": y[:30]})])
    np.testing.assert_allclose(z, 3.5)
    model.scales = [(3.0, 2.0)]
    found = model.paths(np.full((10, 2), 0.25), 0, y[:30])
    np.testing.assert_allclose(found, np.stack([y[30:], y[30:]], axis=1))


NEEDS = {
    "naive": "pandas",
    "skbptt": "skbptt.forecasting",
    "trees": "mlforecast",
    "ets": "statsforecast",
    "arima": "statsforecast",
    "lstm": "darts",
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", NEEDS)
def test_nobody_sees_the_future(bench, name):
    """Other values after the second origin change no forecast before the third."""
    pytest.importorskip(NEEDS[name])
    task = problem(bench)
    frames = frames_of(bench)
    found = []
    for shift in (0.0, 1000.0):
        changed = [one.copy() for one in frames]
        for one in changed:
            one.iloc[-10 - 2 * 5 :, 0] += shift
        model = bench.models[name](task, 0)
        model.fit(next(task.splits(changed))[0])
        found.append(bench.forecasts.rolling(model, task, changed))
    np.testing.assert_array_equal(found[0][:2], found[1][:2])
    assert (found[0][3] != found[1][3]).mean() > 0.9


def test_calendar_on_a_circle(bench):
    index = pd.date_range("2020-01-01", periods=48, freq="30min")
    frame = bench.series.known(pd.Series(np.zeros(48), index), "hour", holiday=np.ones(48))
    found = bench.series.cyclic(frame.drop(columns="y"))
    angle = 2 * np.pi * np.arange(48) / 48
    np.testing.assert_allclose(found["hour_sin"], np.sin(angle))
    np.testing.assert_allclose(found["hour_cos"], np.cos(angle))
    assert (found["holiday"] == 1).all()
