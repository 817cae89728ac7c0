"""Losses whose targets are sequences of labels."""

import numpy as np

from ._base import Loss
from ._ctc import ctc
from ._pointwise import CrossEntropy


class CTC(Loss):
    """Connectionist temporal classification, with the blank as the last output.

    Raw outputs have a row for each step, and targets are Labels.

    Parameters
    ----------
    n_labels : int
        Without the blank.
    """

    activation = "softmax"

    def __init__(self, n_labels):
        self.n_labels = n_labels

    def value(self, raw, y):
        return self._evaluate(raw, y, gradient=False)[0]

    def gradient(self, raw, y):
        return self._evaluate(raw, y)[1]

    def predict(self, raw):
        return CrossEntropy(self.n_labels + 1).predict(raw)

    def start(self, y, weights):
        """All outputs are equally probable: a preference of blanks delays alignments."""
        return np.zeros(self.n_labels + 1)

    def weighted_value_and_gradient(self, raw, y, weights):
        value, d_raw = self._evaluate(raw, y)
        of_rows = np.empty(len(raw), weights.dtype)
        of_rows[slice(None) if y.rows is None else y.rows] = np.repeat(weights, y.n_steps)
        return np.dot(weights, value), d_raw * of_rows[:, np.newaxis]

    def weighted_gradient(self, raw, y, weights):
        return self.weighted_value_and_gradient(raw, y, weights)[1]

    def _evaluate(self, raw, y, gradient=True):
        """Values, and their gradient in the order of the rows of ``raw``."""
        in_order = raw if y.rows is None else raw[y.rows]
        value, d_in_order = ctc(in_order, y.n_steps, y.codes, y.lengths, gradient)
        if not gradient or y.rows is None:
            return value, d_in_order
        d_raw = np.empty_like(d_in_order)
        d_raw[y.rows] = d_in_order
        return value, d_raw
