"""
Counts of a shop, and how much to order
=======================================

A shop sells a few items of each of its products per day. How many does it need in stock, to
last for a week with a probability of 95 %? The answer is a quantile of a sum of counts,
which a forecast of the mean does not provide. A network with negative binomial counts
learns all products at once, and draws whole weeks. **The data are simulated**, so that the
truth is known.
"""

# %% Every product has its own level. It sells more at the weekend, and most in a promotion,
# which is known in advance.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from skbptt import RNNRegressor
from skbptt.forecasting import RNNForecaster

rng = np.random.default_rng(0)
DAYS, WEEK, PRODUCTS = 500, 7, 24
days = pd.date_range("2023-01-01", periods=DAYS, freq="D")
weekend = np.where(days.day_of_week >= 5, 1.8, 1.0)

sales, covariates = {}, {}
for k in range(PRODUCTS):
    promotion = np.repeat(rng.random(DAYS // WEEK + 1) < 0.1, WEEK)[:DAYS]
    level = np.exp(rng.normal(0.5, 0.7) + np.cumsum(rng.normal(0, 0.03, DAYS)))
    mean = level * weekend * np.where(promotion, 2.5, 1.0)
    name = f"product {k}"
    sales[name] = pd.Series(rng.negative_binomial(3, 3 / (3 + mean)), days)
    covariates[name] = pd.DataFrame({"promotion": 1.0 * promotion}, days)

# %%
# The last six weeks are for the test, each forecast from its start.

regressor = RNNRegressor(
    32, loss="negative_binomial", return_sequences=True, alpha=40, random_state=0
)
forecaster = RNNForecaster(regressor, period=WEEK, n_samples=1000, random_state=0)
result = forecaster.backtest(sales, covariates, horizon=WEEK, n_origins=6)

# %%
# The stock that lasts with a probability of 95 % is a quantile of the sums of the paths.
# Without a forecast, one would use the same quantile of past weeks.

sold = result.y_true.sum(axis=-1)
stock = np.quantile(result.paths.sum(axis=-1), 0.95, axis=-1)

past = np.stack([series.to_numpy()[: -6 * WEEK] for series in sales.values()])
weeks = past[:, -52 * WEEK :].reshape(PRODUCTS, 52, WEEK).sum(axis=-1)
fixed = np.broadcast_to(np.quantile(weeks, 0.95, axis=1)[:, np.newaxis], sold.shape)

for name, level in {"forecast": stock, "weeks of the past": fixed}.items():
    print(
        f"{name:18s} lasts in {np.mean(sold <= level):.0%} of the weeks, with "
        f"{np.mean(level - np.minimum(sold, level)):.1f} pieces left on average"
    )

# %%
# Two products: the counts of the last weeks, the intervals, and the promotions in grey.

fig, axes = plt.subplots(2, 1, figsize=(7, 4.4), layout="constrained", sharex=True)
shown = days[-10 * WEEK :]
for ax, name in zip(axes, ["product 3", "product 8"]):
    k = int(name.split()[1])
    ax.step(shown, sales[name][shown], where="mid", color="0.3", label="sold")
    for i, at in enumerate(result.steps):
        lower, upper = result.lower[k, i], result.upper[k, i]
        label = "90% interval" if i == 0 else None
        ax.fill_between(
            days[at], lower, upper, step="mid", color="#0072B2", alpha=0.3, label=label
        )
    promoted = covariates[name]["promotion"][shown] > 0
    ax.fill_between(
        shown,
        0,
        1,
        where=promoted,
        transform=ax.get_xaxis_transform(),
        color="0.9",
        step="mid",
    )
    ax.set_ylabel(f"{name}\npieces a day")
axes[0].legend(loc="upper left", frameon=False, ncols=2)
plt.show()
