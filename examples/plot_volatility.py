"""
Volatility of a stock index
===========================

Returns of stocks can hardly be forecast, but their spread can: calm days follow calm days.
A network reads the returns of the S&P 500 and predicts the distribution of the next one, by
Student's t, whose tails are heavy. It is compared with a constant spread, and
with the usual moving average of squares.
"""

# %%
# Daily closing prices of 1999 to 2018, which come with the package arch. The last five
# years are for the test.

import matplotlib.pyplot as plt
import numpy as np
from arch.data import sp500
from scipy import stats

from skbptt import RNNRegressor

prices = sp500.load()["Adj Close"]
returns = 100 * np.log(prices).diff().dropna()
n_test = int((returns.index.year >= 2014).sum())
r = returns.to_numpy()

# %%
# At each day the network reads the return and its size, and learns the return of the next
# day. One long series is cut into years, so that there are mini-batches.

X, y = np.column_stack([r, np.log(np.abs(r) + 0.1)])[:-1], r[1:]
split = len(y) - n_test
cuts = range(250, split, 250)
model = RNNRegressor(16, loss="student_t", return_sequences=True, alpha=40, random_state=0)
model.fit(np.split(X[:split], cuts), np.split(y[:split], cuts))

# %%
# The network reads the whole series, and the test begins where training ended.

(distribution,) = model.predict_distribution([X])
std = distribution.std()
network = distribution.logpdf(y)[split:].mean()

df, loc, scale = stats.t.fit(y[:split])
constant = stats.t.logpdf(y[split:], df, loc, scale).mean()

squares = np.empty(len(y))
squares[0] = r[:250].var()
for t in range(1, len(y)):  # RiskMetrics
    squares[t] = 0.94 * squares[t - 1] + 0.06 * r[t] ** 2
z = y / np.sqrt(squares)
df_z, loc_z, scale_z = stats.t.fit(z[:split])
moving = stats.t.logpdf(z, df_z, loc_z, scale_z) - 0.5 * np.log(squares)

print("log-likelihood of a return, in nats")
print(f"  network:                   {network:.3f}")
print(f"  moving average of squares: {moving[split:].mean():.3f}")
print(f"  same distribution always:  {constant:.3f}")

# %%
# Nine of ten returns should lie within the interval of 90 %.

lower, upper = distribution.interval(0.9)
inside = ((lower < y) & (y < upper))[split:].mean()
print(f"{inside:.1%} of the returns lie in the 90% interval")

fig, ax = plt.subplots(figsize=(7, 3.2), layout="constrained")
days = returns.index[1:][split:]
ax.plot(days, y[split:], ".", color="0.5", markersize=2, label="return")
ax.fill_between(
    days, lower[split:], upper[split:], color="#0072B2", alpha=0.4, label="90% interval"
)
ax.set_ylabel("daily return in %")
ax.legend(loc="lower left", ncols=2, frameon=False)
plt.show()
