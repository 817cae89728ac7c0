"""
An alarm while the machine runs
===============================

A stream reads the sensors of a machine one time step at a time. A classifier with one
target per step estimates the probability of a fault after each step, and an alarm is
raised as soon as this probability passes a threshold. **The data are simulated**, so the
onset of each fault is known.
"""

# %%
# A healthy machine vibrates with its load. From the onset of a fault on, the vibration
# depends more and more on the load. A high vibration alone is no sign of a fault, since
# the load may be high as well: the network has to compare both over some time. The target
# of each step is whether the fault is present.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbptt import RNNClassifier
from skbptt.preprocessing import TimeDistributed

rng = np.random.default_rng(0)
N_STEPS = 200


def simulate(faulty):
    """Load and vibration of one machine, and whether there is a fault at each step."""
    load = np.repeat(rng.uniform(0.5, 1.5, N_STEPS // 10), 10)
    since = np.arange(N_STEPS) - rng.integers(40, 160) if faulty else np.zeros(N_STEPS)
    damage = np.clip(since / 50, 0, 1)
    vibration = 1 + load * (0.5 + 1.5 * damage) + rng.normal(0, 0.3, N_STEPS)
    return np.column_stack([load, vibration]), since > 0


machines = [simulate(faulty=k % 2 == 1) for k in range(260)]
X, y = ([machine[k] for machine in machines] for k in (0, 1))
X_train, y_train = X[:120], y[:120]
X_valid, y_valid = X[120:180], y[120:180]
X_test, y_test = X[180:], y[180:]

model = make_pipeline(
    TimeDistributed(StandardScaler()),
    RNNClassifier(32, return_sequences=True, max_iter=30, random_state=0),
).fit(X_train, y_train)

# %%
# The threshold is the smallest one with a false alarm at no more than one of the 60
# machines that are set aside for this purpose. A false alarm is one before the onset of a
# fault.


def peak_without_fault(probability, fault):
    return probability[~fault].max()


valid = [p[:, 1] for p in model.predict_proba(X_valid)]
peaks = np.sort([peak_without_fault(p, fault) for p, fault in zip(valid, y_valid)])
threshold = peaks[-2]
print(f"threshold: {threshold:.2f}")

# %% A new machine runs. Each row of its sensors goes through the fitted scaler, and the
# stream reads it. Nothing is computed twice: the stream keeps the states of the network,
# and reading one step takes some microseconds. The loop ends with the alarm. The picture
# also shows the sensors afterwards.

scaler, net = model[0].transformer_, model[-1]
stream = net.stream()
x, fault = X_test[3], y_test[3]
probability = []
for row in x:
    scaled = scaler.transform(row[np.newaxis])[0]
    probability.append(stream.push(scaled, method="predict_proba")[1])
    if probability[-1] > threshold:
        break
alarm, onset = len(probability) - 1, fault.argmax()
print(f"fault from step {onset} on, alarm at step {alarm}")

fig, axes = plt.subplots(3, 1, figsize=(8, 5.6), sharex=True, layout="constrained")
seen = slice(0, alarm + 41)
for ax, values, name in zip(axes, x[seen].T, ("Load", "Vibration")):
    ax.plot(values, "k", linewidth=0.9)
    ax.set_ylabel(name)
axes[2].plot(probability, linewidth=2)
axes[2].axhline(threshold, color="C3", linestyle="--", label=f"threshold {threshold:.2f}")
axes[2].set(xlabel="Step", ylabel="Probability\nof a fault", ylim=(-0.03, 1.03))
for ax in axes:
    ax.axvspan(onset, seen.stop - 1, color="C1", alpha=0.2, linewidth=0, label="fault")
    ax.axvline(alarm, color="C3", linewidth=2, label="alarm")
axes[2].legend(loc="center left")
axes[0].set_title(
    f"An alarm {alarm - onset} steps after the onset of the fault (simulated)"
)
plt.show()

# %%
# ``stream(n_streams=80)`` reads all machines of the test in parallel, one row per
# machine. A machine that raises an alarm is repaired here: ``reset`` restarts its
# stream.

fleet = net.stream(n_streams=len(X_test))
first = np.full(len(X_test), N_STEPS)  # the step of the first alarm
for t in range(N_STEPS):
    rows = scaler.transform([x[t] for x in X_test])
    raised = fleet.push(rows, method="predict_proba")[:, 1] > threshold
    first[raised] = np.minimum(first[raised], t)
    fleet.reset(raised)

onsets = np.array([fault.argmax() if fault.any() else N_STEPS for fault in y_test])
false = first < onsets
found = (first >= onsets) & (first < N_STEPS)
delays = (first - onsets)[found]
print(
    f"{found.sum()} of {(onsets < N_STEPS).sum()} faults found, "
    f"{np.median(delays):.0f} steps after their onset (median); "
    f"false alarms at {false.sum()} of {len(X_test)} machines"
)

fig, ax = plt.subplots(figsize=(8, 3.4), layout="constrained")
ax.hist(delays, bins=np.arange(0, delays.max() + 3, 2), edgecolor="white")
ax.set(
    xlabel="Steps from the onset of the fault to the alarm",
    ylabel="Machines",
    title=f"{found.sum()} faults found by parallel streams (simulated)",
)
plt.show()
