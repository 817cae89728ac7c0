"""Units of targets, in which a regressor learns."""

import numpy as np


class Units:
    """The targets as they are, for losses without a scale, those of a classifier."""

    loss = 1.0

    def state(self):
        """What :func:`units_of` makes the same units of, in plain values; or None."""
        return None

    def standardise(self, data):
        """The data with targets in these units."""
        return data

    def restore(self, theta, layout):
        """Weights whose predictions are in the units of the user, from those trained."""
        return theta.copy()

    def restore_loss(self, loss):
        """The loss in the units of the user."""
        return loss

    def rescale_penalty(self, penalty, layout):
        """Factors of L2 for weights in the units of the user, in place."""


class TargetUnits(Units):
    """Targets and raw outputs as multiples of their spread, from their location on.

    The network learns standardised targets, ``y' = (y - y_shift) / y_scale``, and answers
    with ``raw'``. Its raw output in the units of the user is
    ``raw = raw_shift + raw_scale * raw'``, which the output layer takes up. So a fit does
    not depend on the units of y, and the weights, predictions and losses that users see are
    in their units.

    Parameters
    ----------
    y_shift, y_scale, raw_shift, raw_scale : ndarrays of shape (n_outputs,)
    loss : float
        The loss in the units of the user that corresponds to a loss of 1.
    """

    def __init__(self, y_shift, y_scale, raw_shift, raw_scale, loss):
        self.y_shift, self.y_scale = y_shift, y_scale
        self.raw_shift, self.raw_scale = raw_shift, raw_scale
        self.loss = loss

    def state(self):
        return dict(vars(self))

    def standardise(self, data):
        y = (data.y - self.y_shift) / self.y_scale
        return data.with_targets(y.astype(data.y.dtype))

    def restore(self, theta, layout):
        theta = theta.copy()
        views = layout.views(theta)
        views["output.W"][:] *= self.raw_scale
        views["output.b"][:] = self.raw_shift + self.raw_scale * views["output.b"]
        return theta

    def restore_loss(self, loss):
        return InUnits(loss, self)

    def rescale_penalty(self, penalty, layout):
        penalty *= self.loss
        layout.views(penalty)["output.W"][:] /= self.raw_scale**2


class InUnits:
    """A loss of raw outputs and targets in the units of the user.

    It is the loss in which the network has learned, times :attr:`TargetUnits.loss`: outputs
    of different spread weigh alike, and one output has the plain loss.
    """

    def __init__(self, loss, units):
        self.inner, self.units = loss, units
        self.activation = loss.activation

    def _standard(self, raw, y):
        units = self.units
        return (raw - units.raw_shift) / units.raw_scale, (
            y - units.y_shift
        ) / units.y_scale

    def value(self, raw, y):
        value = self.inner.value(*self._standard(raw, y))
        return (self.units.loss * value).astype(raw.dtype, copy=False)

    def gradient(self, raw, y):
        gradient = self.inner.gradient(*self._standard(raw, y))
        scale = self.units.loss / self.units.raw_scale
        return (scale * gradient).astype(raw.dtype, copy=False)

    def predict(self, raw):
        return self.inner.predict(raw)

    def start(self, y, weights):
        raw = self.inner.start((y - self.units.y_shift) / self.units.y_scale, weights)
        return self.units.raw_shift + self.units.raw_scale * raw


def units_of(state):
    """Units from what :meth:`Units.state` gave."""
    return TargetUnits(**state) if state else Units()


def in_units(losses, units):
    """Losses in the units of the user."""
    return [units.loss * loss for loss in losses]


def weighted_quantile(y, weights, share):
    """The least value of each column with that share of the weight at or below it."""
    order = np.argsort(y, axis=0, kind="stable")
    sums = np.cumsum(weights.astype(np.float64)[order], axis=0)
    # The sums of equal weights may miss the share by rounding.
    reached = sums >= share * sums[-1] * (1 - 1e-12)
    return np.take_along_axis(y, order, axis=0)[reached.argmax(axis=0), range(y.shape[1])]


def positive_or_one(scale, location):
    """Spreads to divide by: 1 where a target is constant but for rounding."""
    least = 10 * np.finfo(np.float64).eps * np.abs(location)
    return np.where((scale > least) & np.isfinite(scale), scale, 1.0)
