"""
Failures of a machine
=====================

How many cycles will a machine still run? The sensors are noisy, and none of them alone
shows how worn a machine is. A network reads the sequence so far, and predicts the remaining
cycles after every cycle. **The data are simulated**, so that the truth is known.
"""

# %%
# Each machine wears at its own pace until it fails. Heat and vibration rise with the wear,
# but also with the load, which changes from job to job, and each machine has its own
# offsets.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbptt import RNNRegressor
from skbptt.metrics import stack_steps
from skbptt.preprocessing import TimeDistributed

rng = np.random.default_rng(0)
HORIZON = 60  # cycles: longer remaining lives are not distinguished


def run_to_failure():
    """Sensors of one machine, and the cycles that remain at each."""
    n_cycles = rng.integers(80, 240)
    wear = np.linspace(0, 1, n_cycles) ** rng.uniform(2, 4)
    load = np.repeat(rng.uniform(0.5, 1.5, 1 + n_cycles // 10), 10)[:n_cycles]
    noise = rng.normal(size=(3, n_cycles))
    heat = 60 + 3 * rng.normal() + 15 * load + 20 * wear + 2 * noise[0]
    vibration = 1 + 0.2 * rng.normal() + load * (0.5 + 2 * wear) + 0.5 * noise[1]
    sensors = np.column_stack([load + 0.05 * noise[2], heat, vibration])
    return sensors, np.minimum(np.arange(n_cycles)[::-1], HORIZON)


machines = [run_to_failure() for _ in range(160)]
X, y = ([machine[k] for machine in machines] for k in (0, 1))
X_train, y_train, X_test, y_test = X[:100], y[:100], X[100:], y[100:]
print("cycles of the first machines:", [len(x) for x in X[:8]])

# %%
# One target per cycle, in units of the horizon. The network predicts a distribution,
# Student's t, whose mean is evaluated below. The test machines are not used in training.

model = make_pipeline(
    TimeDistributed(StandardScaler()),
    RNNRegressor(32, loss="student_t", return_sequences=True, random_state=0),
)
model.fit(X_train, [life / HORIZON for life in y_train])
predicted = [HORIZON * p for p in model.predict(X_test)]

# %%
# How sure is it? A pipeline has no ``predict_distribution``, but its last step has. Nine of
# ten values should lie in the interval of 90 %.

distributions = model[-1].predict_distribution(model[:-1].transform(X_test))
intervals = [HORIZON * np.array(one.interval(0.9)) for one in distributions]
inside = np.concatenate(
    [(low <= life) & (life <= high) for (low, high), life in zip(intervals, y_test)]
)
print(f"{inside.mean():.0%} of the values lie in the 90% interval")

# %% For comparison, a network without memory: scikit-learn's, on the sensors of the same
# cycle.

memoryless = make_pipeline(
    StandardScaler(),
    MLPRegressor(hidden_layer_sizes=(32, 32), max_iter=30, tol=0, random_state=0),
)
with warnings.catch_warnings():
    warnings.simplefilter("ignore", ConvergenceWarning)  # 30 epochs, as is meant
    memoryless.fit(np.concatenate(X_train), np.concatenate(y_train) / HORIZON)
without = [HORIZON * memoryless.predict(x) for x in X_test]

truth, of_net, _ = stack_steps(y_test, predicted)
errors = {
    "this cycle's sensors": np.abs(np.concatenate(without) - truth),
    "the sequence so far": np.abs(of_net - truth),
}
for name, error in errors.items():
    print(f"{name}: mean absolute error {error.mean():.1f} cycles")

# %%
# Three machines of the test, from their first cycle to their last.

fig, axes = plt.subplots(1, 3, figsize=(9, 3.8), sharey=True, layout="constrained")
for k, ax in enumerate(axes):
    ax.plot(without[k], color="C1", linewidth=0.8, label="net of this cycle's sensors")
    ax.plot(predicted[k], color="C0", linewidth=2, label="net of the sequence so far")
    cycles = np.arange(len(y_test[k]))
    ax.fill_between(cycles, *intervals[k], color="C0", alpha=0.3, label="90% interval")
    ax.plot(y_test[k], "k--", label="true")
    ax.set(xlabel="Cycle", title=f"Machine {len(X_train) + k + 1}")
axes[0].set_ylabel(f"Remaining cycles (at most {HORIZON})")
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
fig.suptitle("Remaining life of machines never seen before (simulated)")
plt.show()

# %%
# The closer the failure, the more the memory helps.

lows = np.arange(0, HORIZON, 10)
fig, ax = plt.subplots(layout="constrained")
for (name, error), shift, color in zip(errors.items(), (-2, 2), ("C1", "C0")):
    means = [error[(truth >= low) & (truth < low + 10)].mean() for low in lows]
    ax.bar(lows + 5 + shift, means, width=4, color=color, label=f"net of {name}")
ax.set(
    xlabel="True remaining cycles",
    ylabel="Mean absolute error (cycles)",
    title="The nearer the failure, the more memory is worth",
)
ax.margins(y=0.2)
ax.legend()
plt.show()
