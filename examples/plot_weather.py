"""
Weather ahead of time
=====================

How warm will the next days be in Seattle? A network reads the last fourteen days and
forecasts the maximum temperature of each of the next seven. Simple forecasts are hard to
beat: the season explains most of the variance, and tomorrow is usually like today. The
network is therefore compared with both, and with the best mix of the two.
"""

# %%
# Four years of daily weather. 2015 is for the test alone; the season is fitted to the years
# before, as two waves a year.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from vega_datasets import data

from skbptt import RNNRegressor
from skbptt.inspection import ForecastDisplay
from skbptt.preprocessing import TimeDistributed, make_windows

WINDOW, HORIZONS = 14, np.arange(1, 8)

weather = data.seattle_weather().set_index("date")
training_days = weather.index.year < 2015

angle = 2 * np.pi * weather.index.day_of_year.to_numpy() / 365.25
waves = np.column_stack([f(k * angle) for k in (1, 2) for f in (np.cos, np.sin)])
waves = np.column_stack([np.ones(len(angle)), waves])
temperature = weather["temp_max"].to_numpy()
season = (
    waves @ np.linalg.lstsq(waves[training_days], temperature[training_days], rcond=None)[0]
)

# %% The network forecasts the deviation of each day from the season. The windows of several
# columns come with their targets: one column of y for each of the seven days.

table = weather[["temp_min", "wind"]].assign(
    precipitation=np.log1p(weather["precipitation"]),
    cos=np.cos(angle),
    sin=np.sin(angle),
    anomaly=temperature - season,
)
X, y = make_windows(table, window=WINDOW, horizon=HORIZONS, target="anomaly")

today = np.arange(len(X)) + WINDOW - 1  # the last day of each window
ahead = today[:, np.newaxis] + HORIZONS
train = training_days[ahead].all(axis=1)
test = ~training_days[ahead].any(axis=1)
print(f"{train.sum()} windows for training, {test.sum()} for the test")

# %%
# Three years are few data, so the penalty matters. It is chosen within these years, in the
# order of time, with a gap so that no target is seen before it is known.

model = make_pipeline(
    TimeDistributed(StandardScaler()),
    RNNRegressor(8, readout="last", max_iter=30, random_state=0),
)
search = GridSearchCV(
    model,
    {"rnnregressor__alpha": [0.1, 1, 10]},
    cv=TimeSeriesSplit(3, gap=HORIZONS.max() - 1),
    scoring="neg_mean_absolute_error",
)
search.fit(X[train], y[train])
print(search.best_params_)

# %% The baselines are the season, today's temperature, and the season plus a fraction of
# today's deviation from it. The fraction for each horizon is estimated from the training
# years.

anomaly = table["anomaly"].to_numpy()[today, np.newaxis]
share = (anomaly * y)[train].mean(axis=0) / (anomaly**2)[train].mean()
forecasts = {
    "today again": temperature[today, np.newaxis] + np.zeros(len(HORIZONS)),
    "season": season[ahead],
    "season + share of today's anomaly": season[ahead] + share * anomaly,
    "recurrent net": season[ahead] + search.predict(X),
}
errors = {
    name: np.abs(forecast - temperature[ahead])[test].mean(axis=0)
    for name, forecast in forecasts.items()
}
for name, error in errors.items():
    print(f"{name:>34}:", "  ".join(f"{e:.2f}" for e in error))

# %% For the next day, the network has a smaller error than today's temperature or the
# season alone. A week ahead, its forecasts are close to the season. From four columns of
# three years, it has found the best mix of the two, but not improved on it.

fig, ax = plt.subplots(layout="constrained")
styles = [("C1", "s--", 1.5), ("C2", "^--", 1.5), ("0.75", "-", 8), ("C0", "o-", 2)]
for (name, error), (color, style, width) in zip(errors.items(), styles):
    ax.plot(HORIZONS, error, style, color=color, linewidth=width, label=name)
ax.set(
    xlabel="Days ahead",
    ylabel="Mean absolute error in 2015 (°C)",
    ylim=(0, 4.5),
    title="The net finds the best mix of today and the season",
)
ax.legend(loc="lower right")
plt.show()

# %%
# The forecasts for the autumn of 2015, one and five days ahead.

autumn, chosen = np.flatnonzero(test)[-100:], [0, 4]
display = ForecastDisplay.from_predictions(
    temperature[ahead[autumn][:, chosen]],
    forecasts["recurrent net"][autumn][:, chosen],
    window=WINDOW,
    horizon=HORIZONS[chosen],
    times=weather.index[autumn[0] :],
)
display.axes_[0, 0].set_ylabel("Maximum temperature (°C)")
display.axes_[1, 0].set(xlabel="Day", ylabel="True - forecast (°C)")
plt.show()
