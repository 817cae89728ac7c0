"""The models of forecasts.py, behind one interface.

``fit(histories)`` learns from one data frame for each series, as series.py gives them.
``forecast(histories, futures)`` then gives the quantiles of the values that follow other
histories, which begin like those of ``fit`` and are at least as long, as an array
(n_series, horizon, len(LEVELS)). It does not train: models are applied to the longer
history. ``futures`` holds what is known ahead, without the values.
"""

import logging
import warnings

import numpy as np
import pandas as pd
from series import cyclic

LEVELS = np.arange(1, 20) / 20
N_PATHS = 500


class Forecaster:
    """``problem`` is a ``series.Set``."""

    def __init__(self, problem, seed):
        self.problem, self.seed = problem, seed

    @property
    def period(self):
        return self.problem.seasons[0]

    def unread(self, histories):
        """What follows the first ``lengths`` steps, which from then on count as read."""
        new = [one.iloc[n:] for one, n in zip(histories, self.lengths)]
        self.lengths = [len(one) for one in histories]
        return new


class Ours(Forecaster):
    """``RNNForecaster``: the defaults, the seasons, and what is known ahead."""

    def fit(self, histories):
        from skbptt.forecasting import RNNForecaster

        period = [season for season in self.problem.seasons if season > 1] or None
        self.model = RNNForecaster(period=period, random_state=self.seed)
        self.model.fit(values(histories), self.covariates(histories))
        self.lengths = [len(one) for one in histories]

    def covariates(self, frames):
        X = [cyclic(one.drop(columns="y", errors="ignore")) for one in frames]
        return X if X[0].shape[1] else None

    def forecast(self, histories, futures):
        new = self.unread(histories)
        if len(new[0]):
            self.model.update(values(new), self.covariates(new))
        known = self.covariates(futures)
        paths = self.model.sample(len(futures[0]), N_PATHS, known)
        return np.stack([np.quantile(one, LEVELS, axis=1).T for one in paths])


def values(frames):
    return [one["y"] for one in frames]


class SeasonalNaive(Forecaster):
    """The value of one (the longest) season before, with the spread of its past errors."""

    def fit(self, histories):
        steps, period = np.arange(1, self.problem.horizon + 1), self.problem.seasons[-1]
        self.behind = period * -(-steps // period)
        self.errors = np.array(
            [
                [np.quantile(y[lag:] - y[:-lag], LEVELS) for lag in self.behind]
                for y in map(np.asarray, values(histories))
            ]
        )
        self.errors -= self.errors[..., len(LEVELS) // 2, np.newaxis]

    def forecast(self, histories, futures):
        steps = np.arange(self.problem.horizon)
        last = [one["y"].to_numpy()[len(one) + steps - self.behind] for one in histories]
        return np.array(last)[..., np.newaxis] + self.errors


class Trees(Forecaster):
    """``HistGradientBoostingRegressor`` on lags, recursively, by mlforecast.

    One model for all series, which are scaled each by itself. Lags: the last 24 steps, and
    those about one, two and seven seasons before. The values, or their differences over one
    step or a season: what did best in up to ten windows at the end of the past, which make
    the quantiles too (conformal).
    """

    def fit(self, histories):
        from mlforecast.utils import PredictionIntervals

        past, n_steps = long(histories), min(len(one) for one in histories)
        self.lengths = [len(one) for one in histories]
        horizon = self.problem.horizon
        windows = min(10, n_steps // 2 // horizon)
        errors = {}
        for step in (None, 1, *self.problem.seasons):
            found = self.make(step, histories).cross_validation(
                past, n_windows=windows, h=horizon, static_features=[], refit=False
            )
            error = (found["y"] - found["trees"]).abs()
            error = error.groupby(found["unique_id"]).mean()
            errors[step] = (error / past.groupby("unique_id")["y"].std()).mean()
        self.model = self.make(min(errors, key=errors.get), histories)
        intervals = PredictionIntervals(windows, horizon)
        self.model.fit(past, static_features=[], prediction_intervals=intervals)

    def make(self, step, histories):
        """A model of the differences over so many steps."""
        from mlforecast import MLForecast
        from mlforecast.target_transforms import Differences, LocalStandardScaler
        from sklearn.ensemble import HistGradientBoostingRegressor

        lags = set(range(1, 25))
        if self.period > 1:
            lags |= {self.period * k + j for k in (1, 2, 7) for j in (-1, 0, 1)}
        for season in self.problem.seasons[1:]:
            lags |= {season - 1, season, season + 1}
        longest = min(self.lengths) // 3
        differences = [] if step is None else [Differences([step])]
        return MLForecast(
            {"trees": HistGradientBoostingRegressor(random_state=self.seed)},
            freq=frequency(histories),
            lags=sorted(lag for lag in lags if lag < longest),
            target_transforms=[*differences, LocalStandardScaler()],
        )

    def forecast(self, histories, futures):
        new = self.unread(histories)
        if len(new[0]):
            self.model.update(long(new))
        known = long(futures)
        found = self.model.predict(
            len(futures[0]),
            level=list(PERCENT),
            X_df=known if known.shape[1] > 2 else None,
        )
        return by_percent(found, "trees", "trees-").reshape(len(futures), -1, len(LEVELS))


# Central intervals, in percent, the widest first, whose bounds are the levels.
PERCENT = [round(100 * (1 - 2 * level)) for level in LEVELS if level < 0.5]


def by_percent(found, middle="mean", prefix=""):
    """The quantiles, of a median or mean and the bounds of intervals."""
    bounds = [
        *(found[f"{prefix}lo-{percent}"] for percent in PERCENT),
        found[middle],
        *(found[f"{prefix}hi-{percent}"] for percent in reversed(PERCENT)),
    ]
    return np.sort(np.stack([np.asarray(one) for one in bounds], axis=-1), axis=-1)


def long(frames):
    """The frames as one, as mlforecast has it."""
    return pd.concat(
        [one.assign(unique_id=i, ds=one.index) for i, one in enumerate(frames)],
        ignore_index=True,
    )


def frequency(frames):
    """The time between two steps, as pandas has it; 1 where steps are numbered."""
    return getattr(frames[0].index, "freqstr", 1)


# What of the calendar the seasons say.
SEASONAL = {"hour", "dayofweek", "month"}


class Statistical(Forecaster):
    """A model of statsforecast, for each series by itself.

    Seasons longer than 12 steps are taken out by MSTL, and the model is that of the rest.
    """

    regressors = False

    def fit(self, histories):
        from statsforecast.models import MSTL

        self.models = []
        for one in histories:
            if self.period > 12:
                seasons = list(self.problem.seasons)
                model = MSTL(seasons, trend_forecaster=self.make(1))
            else:
                model = self.make(self.period)
            self.models.append(model.fit(one["y"].to_numpy(), self.X(one)))

    def X(self, frame):
        """What is known ahead and no season already says; beside MSTL nothing."""
        columns = [name for name in frame if name not in ("y", *SEASONAL)]
        if not (self.regressors and columns) or self.period > 12:
            return None
        return cyclic(frame[columns]).to_numpy()

    def forecast(self, histories, futures):
        found = []
        for model, one, future in zip(self.models, histories, futures):
            how = {"X": self.X(one), "X_future": self.X(future), "level": PERCENT}
            found.append(by_percent(model.forward(one["y"].to_numpy(), len(future), **how)))
        return np.stack(found)


class AutoETS(Statistical):
    def make(self, season_length):
        from statsforecast.models import AutoETS

        return AutoETS(season_length, model="ZZZ" if season_length > 1 else "ZZN")


class AutoARIMA(Statistical):
    """Chosen by approximate likelihoods, as R does for more than 150 steps."""

    regressors = True

    def make(self, season_length):
        from statsforecast.models import AutoARIMA

        return AutoARIMA(
            season_length=season_length, seasonal=season_length > 1, approximation=True
        )


class Recurrent(Forecaster):
    """The LSTM of darts with a Gaussian output, which is DeepAR.

    Its defaults (25 units, 100 epochs of batches of 32), but at most 50 batches an epoch,
    as in GluonTS's DeepAR, or long series would take hours. The input is one season, or the
    horizon if that is longer. Each series is scaled by its own past; one with a trend as
    its differences over a season.
    """

    def fit(self, histories):
        import torch
        from darts.models import RNNModel
        from darts.utils.likelihood_models import GaussianLikelihood

        torch.set_num_threads(1)
        torch.set_flush_denormal(True)
        logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
        logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
        past = self.stationary(histories)
        self.scales = [(z.mean(), z.std()) for z in past]
        length = max(self.period, self.problem.horizon)
        self.model = RNNModel(
            input_chunk_length=length,
            training_length=length + self.problem.horizon,
            model="LSTM",
            likelihood=GaussianLikelihood(),
            random_state=self.seed,
            pl_trainer_kwargs={
                "accelerator": "cpu",
                "limit_train_batches": 50,
                "enable_progress_bar": False,
                "enable_model_summary": False,
                "logger": False,
                "enable_checkpointing": False,
            },
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.model.fit(
                self.targets(histories), future_covariates=self.covariates(histories)
            )

    def stationary(self, histories):
        if not self.problem.trend:
            return values(histories)
        return [y.diff(self.period).iloc[self.period :] for y in values(histories)]

    def targets(self, histories):
        from darts import TimeSeries

        return [
            TimeSeries.from_series(((z - mean) / std).astype(np.float32))
            for z, (mean, std) in zip(self.stationary(histories), self.scales)
        ]

    def covariates(self, frames):
        from darts import TimeSeries

        X = [cyclic(one.drop(columns="y", errors="ignore")) for one in frames]
        if not X[0].shape[1]:
            return None
        return [TimeSeries.from_dataframe(one.astype(np.float32)) for one in X]

    def forecast(self, histories, futures):
        both = [pd.concat([a, b]) for a, b in zip(histories, futures)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = self.model.predict(
                len(futures[0]),
                self.targets(histories),
                future_covariates=self.covariates(both),
                num_samples=N_PATHS,
                verbose=False,
            )
        return np.stack(
            [
                np.quantile(self.paths(one.all_values()[:, 0], k, y), LEVELS, axis=1).T
                for k, (one, y) in enumerate(zip(found, values(histories)))
            ]
        )

    def paths(self, found, k, y):
        """Values (horizon, n_paths) of series k, from what the network says of them."""
        mean, std = self.scales[k]
        found = mean + std * found
        if self.problem.trend:
            for step, one in enumerate(found):
                ahead = step >= self.period
                one += found[step - self.period] if ahead else y.iloc[step - self.period]
        return found


MODELS = {
    "skbptt": Ours,
    "naive": SeasonalNaive,
    "trees": Trees,
    "ets": AutoETS,
    "arima": AutoARIMA,
    "lstm": Recurrent,
}
