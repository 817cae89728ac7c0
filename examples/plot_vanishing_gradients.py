"""
Vanishing gradients seen
========================

A recurrent network learns dependencies by a gradient that is propagated back step by step,
each time through the Jacobian of one step. If the Jacobians shrink it, long dependencies
are not learned. Gates can preserve it over many steps, but have to learn to do so.
"""

# %% The adding problem: two of a hundred values are marked, one in either half, and the
# target is their sum. Always predicting the mean has an error of 0.167. Four networks of 32
# units read the sequence to its end, and answer from their last state: Elman's with two
# activations, and two cells with gates.

import matplotlib.pyplot as plt

from skbptt import RNNRegressor
from skbptt.datasets import make_adding_problem
from skbptt.inspection import GradientFlowDisplay

X, y = make_adding_problem(2000, 100, random_state=0)
X_test, y_test = make_adding_problem(200, 100, random_state=1)
NETS = {
    "Elman, logistic": {"cell": "rnn", "activation": "logistic"},
    "Elman, tanh": {"cell": "rnn"},
    "GRU": {"cell": "gru"},
    "LSTM": {"cell": "lstm"},
}


def trained(**parameters):
    return {
        name: RNNRegressor(
            32,
            readout="last",
            learning_rate_init=0.003,
            random_state=0,
            **net,
            **parameters,
        ).fit(X, y)
        for name, net in NETS.items()
    }


# %% Initially, here after one epoch, the gradient vanishes in all of them, and ``fit``
# warns about it. The logistic function is flat, and gates that are half open let the state
# fade. Elman's network with tanh preserves it best, since its recurrent weights are
# initialised as a rotation.

display = GradientFlowDisplay.from_estimator(trained(max_iter=1), X_test, y_test)
display.figure_.suptitle("At the start, the gradients vanish")
plt.show()

# %%
# After training, the gates have learned to hold the state: the gradient of GRU and LSTM
# reaches the first step as well as the last, and they have solved the problem. Elman's
# networks have not.

nets = trained(max_iter=40)
for name, net in nets.items():
    print(f"{name:>15}: test error {((net.predict(X_test) - y_test) ** 2).mean():.4f}")

display = GradientFlowDisplay.from_estimator(nets, X_test, y_test)
display.figure_.suptitle("Trained gates carry the gradient over 100 steps")
plt.show()

# sphinx_gallery_thumbnail_number = 2
