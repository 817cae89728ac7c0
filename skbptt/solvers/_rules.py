"""Update rules of stochastic descent.

A rule is stateless: what it remembers is in a dict of plain numbers and arrays, so that
training can be stored and resumed. Its ``parameters`` are those of an estimator that its
constructor takes, in order.
"""

import numpy as np


class SGD:
    """Gradient descent with momentum (Polyak, 1964), or Nesterov's (Sutskever, 2013)."""

    parameters = ("momentum", "nesterovs_momentum")

    def __init__(self, momentum, nesterov):
        self.momentum = momentum
        self.nesterov = nesterov

    @staticmethod
    def start(theta):
        return {"velocity": np.zeros_like(theta)}

    def step(self, theta, gradient, rate, state):
        """Update ``theta`` and ``state`` in place."""
        v = state["velocity"]
        v *= self.momentum
        v -= rate * gradient
        theta += self.momentum * v - rate * gradient if self.nesterov else v


class Adam:
    """Adam, Kingma & Ba (2015), algorithm 1."""

    parameters = ("beta_1", "beta_2", "epsilon")

    def __init__(self, beta_1, beta_2, epsilon):
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    @staticmethod
    def start(theta):
        return {"steps": 0, "m": np.zeros_like(theta), "v": np.zeros_like(theta)}

    def step(self, theta, gradient, rate, state):
        """Update ``theta`` and ``state`` in place."""
        state["steps"] += 1
        m_hat_scale = 1 / (1 - self.beta_1 ** state["steps"])
        v_hat_scale = 1 / (1 - self.beta_2 ** state["steps"])
        adam(
            theta,
            gradient,
            state["m"],
            state["v"],
            1 - self.beta_1,
            1 - self.beta_2,
            rate * m_hat_scale,
            v_hat_scale,
            self.epsilon,
        )


def adam_in_numpy(theta, gradient, m, v, rest_1, rest_2, rate, scale, epsilon):
    """Update ``theta``, ``m`` and ``v``.

    ``rest_1`` and ``rest_2`` are 1 - beta_1 and 1 - beta_2; ``rate`` and ``scale`` contain
    the corrections of the bias.
    """
    m += rest_1 * (gradient - m)
    v += rest_2 * (gradient * gradient - v)
    theta -= rate * m / (np.sqrt(scale * v) + epsilon)


try:
    from ..loops._loops import adam  # the same to the bit, in one pass over memory
except ImportError:  # There was no compiler when the package was installed.
    adam = adam_in_numpy
