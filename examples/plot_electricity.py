"""
Electricity demand with two seasons
===================================

Demand for electricity follows the day and the week. A forecaster reads twelve weeks of
half-hourly demand in England and Wales (Taylor, 2003) and forecasts each of the next days,
with intervals.
"""

# %%
# The series comes with the package pmdarima. The last two weeks are for the test.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from pmdarima.datasets import load_taylor

from skbptt.forecasting import RNNForecaster
from skbptt.inspection import ForecastDisplay

times = pd.date_range("2000-06-05", periods=4032, freq="30min")
demand = pd.Series(load_taylor() / 1000, times, name="demand in GW")
DAY, WEEK = 48, 7 * 48

# %%
# ``period`` gives both seasons. The network reads the demand half an hour, a day and a week
# ago, and learns the difference of the next value from that of a week ago. The backtest
# fits it once, and updates it with the values of each day before it forecasts the next.

forecaster = RNNForecaster(period=(DAY, WEEK), random_state=0)
result = forecaster.backtest(demand, horizon=DAY, n_origins=14)

# %%
# Most methods hardly improve on the demand at the same time a week ago.

week_before = demand.to_numpy()[result.steps - WEEK]


def error(forecast):
    return np.mean(np.abs(forecast - result.y_true))


print(f"mean absolute error: {error(result.y_pred):.2f} GW")
print(f"a week before:       {error(week_before):.2f} GW")

# %%
# Each fan is a forecast of one day. The lower panel shows how often the values lie in the
# intervals of each level.

display = ForecastDisplay.from_backtest(result, times=times, target_name=demand.name)
plt.show()

# %%
# ``sample`` draws whole days, which also answers other questions: how large will tomorrow's
# peak be?

model = forecaster.fit(demand)
peaks = model.sample(DAY, 500).max()
print("peak of the next day:", np.quantile(peaks, [0.05, 0.5, 0.95]).round(1), "GW")
