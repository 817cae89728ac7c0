"""Forecasts from windows of real series, with the default parameters, for several alphas.

    python benchmarks/windows.py [--seeds 4] [--set P=V ...] [--alphas A ...] [NAME ...]

Windows of each series become the sequences of a regression. The first three quarters are
trained on. X is standardised, y is not. Each error is relative to that of the last value
(persistence); ridge regression on the same lags stands beside. Needs the packages
vega_datasets, statsmodels and pmdarima, which ship the series.
"""

import argparse
import ast
import time

import numpy as np
from sklearn.linear_model import RidgeCV
from sklearn.metrics import mean_absolute_error

from skbptt import RNNRegressor
from skbptt.preprocessing import make_windows


def series():
    """The series, and how they are cut: name, values, window, horizons."""
    from pmdarima.datasets import load_taylor, load_wineind
    from statsmodels.datasets import co2, elnino, sunspots
    from vega_datasets import local_data

    weather = local_data.seattle_weather()
    yield "temperature", weather["temp_max"], 14, range(1, 8)
    yield "wind", weather["wind"], 14, [1]
    yield "hourly temperature", local_data.sf_temps()["temp"][:4000], 48, [1, 6, 12]
    yield "electricity", load_taylor()[:3000], 48, [1, 12]
    yield "wine", load_wineind(), 24, [1]
    yield "sunspots", sunspots.load_pandas().data["SUNACTIVITY"], 22, [1]
    yield "co2", co2.load_pandas().data["co2"].interpolate().diff()[1:], 52, [1, 4]
    yield "el nino", elnino.load_pandas().data.iloc[:, 1:].to_numpy().ravel(), 24, [1, 6]
    yield "mackey-glass", mackey_glass(2000), 30, [6]
    yield "noisy returns", noisy_returns(1200), 10, [1]


def mackey_glass(n, lag=17):
    """The chaotic series of Mackey & Glass (1977), without noise."""
    x = np.full(10 * n, 1.2)
    for t in range(lag * 10, len(x) - 1):
        before = x[t - lag * 10]
        x[t + 1] = x[t] + 0.1 * (0.2 * before / (1 + before**10) - 0.1 * x[t])
    return x[::10]


def noisy_returns(n):
    """A first-order autoregression of small values."""
    rng, x = np.random.default_rng(0), np.zeros(n)
    for t in range(1, n):
        x[t] = 0.8 * x[t - 1] + 1e-4 * rng.standard_normal()
    return x


def prepared(values, window, horizons):
    """Windows: X and y of training and test, and the last values of the test windows."""
    values = np.asarray(values, float)
    X, y = make_windows(values, window=window, horizon=list(horizons))
    y = y.reshape(len(y), -1)
    cut, gap = len(X) * 3 // 4, max(horizons)
    last = X[cut:, -1]
    X = (X - X[:cut].mean()) / X[:cut].std()
    return X[: cut - gap], y[: cut - gap], X[cut:], y[cut:], last


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--alphas", nargs="*", type=float)
    parser.add_argument("--set", nargs="*", default=[], metavar="P=V", dest="parameters")
    options = parser.parse_args()
    parameters = {
        name: ast.literal_eval(value)
        for name, value in (setting.split("=") for setting in options.parameters)
    }
    settings = [{"alpha": alpha} for alpha in options.alphas or []] or [{}]
    titles = [f"{s.get('alpha', 'default'):>8}" for s in settings]
    print(f"{'series':20s} {'last':>9s} {'ridge':>6s} {' '.join(titles)}  seconds a fit")
    for name, values, window, horizons in series():
        if options.names and name not in options.names:
            continue
        X, y, X_test, y_test, last = prepared(values, window, horizons)
        persistence = mean_absolute_error(y_test, np.tile(last, y_test.shape[1]))
        ridge = RidgeCV(np.logspace(-3, 3, 13)).fit(X[..., 0], y).predict(X_test[..., 0])
        row, start = [], time.perf_counter()
        for setting in settings:
            errors = [
                mean_absolute_error(
                    y_test,
                    RNNRegressor(random_state=seed, **parameters | setting)
                    .fit(X, y[:, 0] if y.shape[1] == 1 else y)
                    .predict(X_test)
                    .reshape(y_test.shape),
                )
                for seed in range(options.seeds)
            ]
            row.append(np.mean(errors) / persistence)
        seconds = (time.perf_counter() - start) / options.seeds / len(settings)
        ridge = mean_absolute_error(y_test, ridge.reshape(y_test.shape)) / persistence
        cells = " ".join(f"{cell:8.3f}" for cell in row)
        print(
            f"{name:20s} {persistence:9.3g} {ridge:6.3f} {cells} {seconds:10.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
