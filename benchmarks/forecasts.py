"""Forecasts of measured series from rolling origins, compared with other forecasters.

    pip install "skbptt[forecasts]"             # or, for --peers, [forecasts-peers]
    python benchmarks/forecasts.py [--peers] [--sets NAME ...] [--models NAME ...]
                                   [--seed 0]

Series: series.py. Models: forecasters.py; ``--peers`` adds the recurrent one of darts. Each
model is trained once, on what comes before the first origin, and from the later origins
applied to the longer history. All see the same.

MASE is the mean absolute error of medians over that of the seasonal naive forecast in the
training data (Hyndman & Koehler, 2006), and CRPS the continuous ranked probability score
over the same, as twice the mean pinball loss at the levels 0.05, 0.1, ..., 0.95; means over
series, origins and steps ahead. Inside: the share of values in the central 90 % interval.
Seconds are of processor time, on one thread: to train, and for all forecasts.
"""

import argparse
import platform
import time
import warnings
from importlib.metadata import PackageNotFoundError, version

import numpy as np
import pandas as pd
from forecasters import LEVELS, MODELS
from series import SETS, Set, known
from threadpoolctl import threadpool_limits

PACKAGES = ["numpy", "scikit-learn", "statsforecast", "mlforecast", "darts", "torch"]


def rolling(model, problem, frames):
    """The quantiles from each origin, (n_origins, n_series, horizon, len(LEVELS))."""
    return np.array(
        [
            model.forecast(history, [one.drop(columns="y") for one in future])
            for history, future in problem.splits(frames)
        ]
    )


def evaluate(model, problem, frames):
    """MASE, CRPS, coverage, seconds to train, and seconds to forecast."""
    histories, _ = next(problem.splits(frames))
    start = time.process_time()
    model.fit(histories)
    middle = time.process_time()
    quantiles = rolling(model, problem, frames)
    end = time.process_time()
    actual = np.array(
        [[one["y"] for one in future] for _, future in problem.splits(frames)]
    )
    scales = [naive_error(one["y"].to_numpy(), problem.seasons[-1]) for one in histories]
    scores = measures(actual, quantiles, np.array(scales))
    return *scores, middle - start, end - middle


def naive_error(y, period):
    return np.abs(y[period:] - y[:-period]).mean()


def measures(actual, quantiles, scales):
    """MASE, CRPS and coverage.

    ``actual`` is (n_origins, n_series, horizon), ``quantiles`` have the levels as one more
    axis, and ``scales`` are those of the series.
    """
    error = (actual[..., np.newaxis] - quantiles) / scales[:, np.newaxis, np.newaxis]
    pinball = np.maximum(LEVELS * error, (LEVELS - 1) * error)
    inside = (quantiles[..., 0] <= actual) & (actual <= quantiles[..., -1])
    return np.abs(error[..., len(LEVELS) // 2]).mean(), 2 * pinball.mean(), inside.mean()


def print_summary(results):
    """Over the sets: how far behind the first, how often near it and before naive."""
    models = list(next(iter(results.values())))
    print(f"\n{len(results)} sets: ratio to the first (geometric mean); numbers of sets")
    print("within 3 % of the first, behind naive, and with a good coverage")
    print("            MASE                 CRPS               inside in  seconds")
    print("            ratio  3 %  behind   ratio  3 %  behind  85-95 %   to train")
    for model in models:
        line = f"{model:11s}"
        for k in range(2):
            own = np.array([result[model][k] for result in results.values()])
            first = [min(one[k] for one in result.values()) for result in results.values()]
            naive = [result.get("naive", result[model])[k] for result in results.values()]
            ratio = np.exp(np.log(own / first).mean())
            near, behind = (own <= np.multiply(1.03, first)).sum(), (own > naive).sum()
            line += f"{ratio:6.3f} {near:4d} {behind:6d}  "
        inside = np.array([result[model][2] for result in results.values()])
        seconds = sum(result[model][3] for result in results.values())
        n_good = ((inside >= 0.85) & (inside <= 0.95)).sum()
        print(f"{line} {n_good:6d} {seconds:11.1f}")


def describe_packages():
    found = [f"Python {platform.python_version()}"]
    for package in PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    print(f"{time.strftime('%Y-%m-%d')}, {', '.join(found)}, one thread")


def warm_up(kind):
    """Import and compile what a model needs, which no figure counts."""
    frame = known(pd.Series(np.arange(60) % 7, pd.date_range("2020", periods=60)), "month")
    problem = Set(None, "", seasons=(7,), horizon=2, origins=2)
    evaluate(MODELS[kind](problem, 0), problem, [frame])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", action="store_true", help="add darts' LSTM")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--models", nargs="+", choices=MODELS)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    models = options.models or [name for name in MODELS if name != "lstm"]
    if options.peers and "lstm" not in models:
        models.append("lstm")
    describe_packages()
    for kind in models:
        warm_up(kind)
    results = {}
    for name in options.sets:
        problem = SETS[name]
        frames = problem.load()
        first = next(problem.splits(frames))[0]
        print(f"\n{name}: {problem.about}")
        print(
            f"{len(frames)} series, {len(first[0])} steps to train on, seasons"
            f" {problem.seasons}, {problem.origins} origins, horizon {problem.horizon}"
        )
        print("            MASE   CRPS   inside  to train  to forecast", flush=True)
        results[name] = {}
        for kind in models:
            found = evaluate(MODELS[kind](problem, options.seed), problem, frames)
            results[name][kind] = found
            print(
                "{:10s} {:6.3f} {:6.3f} {:7.3f} {:8.1f} {:10.1f}".format(kind, *found),
                flush=True,
            )
    print_summary(results)


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    with threadpool_limits(1):
        main()
