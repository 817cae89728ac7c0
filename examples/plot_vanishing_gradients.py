"""
Vanishing gradients seen
========================

A recurrent net learns from the past by a gradient that is carried back step by step, each time
through the Jacobian of one step. If these make it smaller, what is long ago is not learned. The
picture shows it for three cells, before and after training.
"""

# %%
# The adding problem: two values of a hundred are marked, one in either half, and the target is
# their sum. A net that has not learned to remember predicts the mean, with an error of 0.167.

import matplotlib.pyplot as plt

from skbptt import RNNRegressor
from skbptt.datasets import make_adding_problem
from skbptt.inspection import GradientFlowDisplay

X, y = make_adding_problem(2000, 100, random_state=0)
X_test, y_test = make_adding_problem(500, 100, random_state=1)
CELLS = {"Elman": "rnn", "GRU": "gru", "LSTM": "lstm"}


def nets(max_iter):
    """A net of each cell, fitted; readout of the last state, so that it must remember."""
    return {
        name: RNNRegressor(
            32, cell=cell, readout="last", max_iter=max_iter, learning_rate_init=0.003, random_state=0
        ).fit(X, y)
        for name, cell in CELLS.items()
    }


trained = nets(40)
for name, net in trained.items():
    print(f"{name}: test error {((net.predict(X_test) - y_test) ** 2).mean():.4f}")

GradientFlowDisplay.from_estimator(trained, X_test, y_test)
plt.show()
