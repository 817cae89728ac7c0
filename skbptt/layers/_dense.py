"""The output layer."""

import numpy as np

from ._base import Layer


class Dense(Layer):
    """A linear layer, y = s W + b, for the flattened rows s of its input.

    Parameters
    ----------
    n_in, n_out : int
    """

    penalised = ("W",)
    row_by_row = True

    def __init__(self, n_in, n_out):
        self.n_in, self.width = n_in, n_out

    def shapes(self):
        return {"W": (self.n_in, self.width), "b": (self.width,)}

    def initialise(self, p, rng):
        """W after Glorot & Bengio (2010); b stays zero."""
        W = p["W"]
        bound = np.sqrt(6 / sum(W.shape))
        W[:] = rng.uniform(-bound, bound, W.shape)

    def forward(self, p, x, run):
        s = x.reshape(len(x), -1)
        y = s @ p["W"]
        y += p["b"]
        return y, (s, x.shape)

    def backward(self, p, tape, dy, grad, run, need_dx):
        s, shape = tape
        np.matmul(s.T, dy, out=grad["W"])
        dy.sum(axis=0, out=grad["b"])
        if not need_dx:
            return None
        ds = dy @ p["W"].T
        return ds.reshape(shape)

    def tangent(self, p, p_dot, x, x_dot, tape, run):
        s, _ = tape
        y_dot = s @ p_dot["W"]
        if x_dot is None:
            return y_dot + p_dot["b"], None
        s_dot = x_dot.reshape(s.shape)
        return s_dot @ p["W"] + y_dot + p_dot["b"], s_dot

    def tangent_back(self, p, p_dot, tape, s_dot, dy, dy_dot, grad, run, need_dx):
        s, shape = tape
        dW_dot = s.T @ dy_dot
        grad["W"][:] = dW_dot if s_dot is None else dW_dot + s_dot.T @ dy
        grad["b"][:] = dy_dot.sum(axis=0)
        if not need_dx:
            return None, None
        W, W_dot = p["W"].T, p_dot["W"].T
        return (dy @ W).reshape(shape), (dy_dot @ W + dy @ W_dot).reshape(shape)
