"""Dropout between layers."""

import numpy as np

from ._base import Layer


class Dropout(Layer):
    """Inverted dropout, with the same mask at all steps of a sequence.

    The mask is the noise of the pass; without noise the layer hands on what it reads.

    Parameters
    ----------
    rate : float
        Share of the units that are dropped.
    width : int
        Length of the last axis of input and output.
    n_kept : int, default=0
        Units at the front that are never dropped.

    References
    ----------
    Gal, Y. & Ghahramani, Z. (2016). A theoretically grounded application of dropout in
    recurrent neural networks. NeurIPS. The mask of a layer's output.
    """

    row_by_row = True  # without noise

    def __init__(self, rate, width, n_kept=0):
        self.rate, self.width, self.n_kept = rate, width, n_kept

    def draw(self, rng, n, dtype):
        mask = np.ones((n, self.width), dtype)
        dropped = rng.uniform(size=(n, self.width - self.n_kept)) < self.rate
        mask[:, self.n_kept :] = ~dropped / (1 - self.rate)
        return {self: mask}

    def forward(self, p, x, run):
        if not run.noise:
            return x, None
        mask = run.noise[self]
        if x.ndim == 3:  # parts of a readout
            mask = mask[:, np.newaxis]
        elif len(x) != len(mask):
            mask = mask[run.batch.column]
        return x * mask, mask

    def backward(self, p, mask, dy, grad, run, need_dx):
        return dy if mask is None else dy * mask

    def tangent(self, p, p_dot, x, x_dot, mask, run):
        if x_dot is None:
            x_dot = np.zeros_like(x)
        return x_dot if mask is None else x_dot * mask, None

    def tangent_back(self, p, p_dot, mask, tangent, dy, dy_dot, grad, run, need_dx):
        return (dy, dy_dot) if mask is None else (dy * mask, dy_dot * mask)
