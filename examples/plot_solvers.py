"""
Solvers compared
================

Six solvers minimise the same objective of the same network on the same data. The data are
few and exact, as in the identification of a physical system, which suits second-order
methods. With noise and many sequences the ranking differs, and "adam" is the best choice.
"""

# %%
# A driven pendulum with friction: the torque is the input, the angle the output, at every
# step. It is simulated, so the target has no noise.

import warnings
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skbptt import RNNRegressor
from skbptt.inspection import LossCurveDisplay

rng = np.random.default_rng(0)
torque = np.repeat(rng.uniform(-0.8, 0.8, (100, 10, 1)), 6, axis=1)  # new every 6 steps
angle = np.zeros(torque.shape[:2])
position = speed = np.zeros(len(torque))
for step in range(torque.shape[1]):
    for _ in range(10):  # small steps of Euler's within each step
        speed = speed + 0.02 * (torque[:, step, 0] - np.sin(position) - 0.5 * speed)
        position = position + 0.02 * speed
    angle[:, step] = position

# %% Half of the sequences are for training, half for the test. All networks start from the
# same weights, and each solver runs for as many iterations as take some seconds.

X_train, X_test, y_train, y_test = torque[:50], torque[50:], angle[:50], angle[50:]
ITERATIONS = {
    "sgd": 3000,
    "adam": 3000,
    "lbfgs": 3000,
    "adam+lbfgs": 1500,  # of each of the two
    "trust-ncg": 600,
    "hessian-free": 200,
}
nets, seconds = {}, {}
for solver, max_iter in ITERATIONS.items():
    net = RNNRegressor(
        8,
        cell="rnn",
        return_sequences=True,
        solver=solver,
        alpha=1e-4,
        max_iter=max_iter,
        tol=1e-6,
        n_iter_no_change=max_iter,
        random_state=0,
    )
    start = perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # they are cut short
        nets[solver] = net.fit(X_train, y_train)
    seconds[solver] = perf_counter() - start
    error = np.sqrt(np.mean((net.predict(X_test) - y_test) ** 2))
    print(
        f"{solver:>12}: {net.n_iter_} iterations in {seconds[solver]:.1f} s, "
        f"test RMSE {error:.4f} rad"
    )

# %%
# The objective over time, as if the iterations of a solver took equally long.

fig, ax = plt.subplots(layout="constrained")
for solver, net in nets.items():
    times = seconds[solver] * np.arange(1, net.n_iter_ + 1) / net.n_iter_
    ax.loglog(times, net.loss_curve_, label=solver)
ax.set(
    xlabel="Time (s)",
    ylabel="Objective on the training sequences",
    title="Few and exact data: curvature pays",
)
ax.grid(alpha=0.3)
ax.legend()
plt.show()

# %%
# How two of them got there.

LossCurveDisplay.from_estimator({s: nets[s] for s in ("adam", "adam+lbfgs")})
plt.show()
