"""What a loss is, and the units of targets, in which a regressor learns."""

from abc import ABC, abstractmethod

import numpy as np

from ..loops import STEP


class Loss(ABC):
    """A loss with weights: one for each target, or one for each output of a target."""

    # Raw outputs for each output of a target.
    n_raw = 1

    # The loss of perfect predictions.
    least = 0.0

    # The distribution of scipy.stats that raw outputs stand for, if any.
    family = None

    @abstractmethod
    def value(self, raw, y):
        """Losses of the targets, of shape (n,)."""

    def each(self, raw, y):
        """Losses of the outputs, of shape (n, n_outputs), whose mean is ``value``."""
        return self.value(raw, y)[:, np.newaxis]

    @abstractmethod
    def gradient(self, raw, y):
        """Derivative of ``value`` with respect to ``raw``, of its shape."""

    def units(self, y, weights):
        """The units in which to learn the targets; those given unless a loss has some."""
        return Units()

    def weighted_sum(self, raw, y, weights):
        """Sum of the losses times their weights; a target counts its outputs' mean."""
        values = self._values(raw, y, weights)
        return np.dot(weights.ravel(), values.ravel()) / (weights.size // len(weights))

    def weighted_average(self, raw, y, weights):
        """The sum over the weights that the targets have on average."""
        return np.average(self._values(raw, y, weights), weights=weights)

    def weighted_gradient(self, raw, y, weights):
        """Derivative of ``weighted_sum`` with respect to ``raw``."""
        return weighted(self.gradient(raw, y), weights)

    def weighted_value_and_gradient(self, raw, y, weights):
        """Both, for losses that compute them together. It may overwrite ``raw``."""
        return self.weighted_sum(raw, y, weights), self.weighted_gradient(raw, y, weights)

    def derivative(self, raw, raw_dot, y, weights):
        """``weighted_gradient``, and its derivative as ``raw`` moves along ``raw_dot``."""
        step = self.weighted_gradient(raw + 1j * STEP * raw_dot, y, weights)
        return step.real.astype(raw.dtype), (step.imag / STEP).astype(raw.dtype)

    def curvature(self, raw, raw_dot, y, weights):
        """Product of ``raw_dot`` with a positive semi-definite matrix like the Hessian.

        It is the Hessian of ``weighted_sum`` itself where that is convex in ``raw``.
        """
        return self.derivative(raw, raw_dot, y, weights)[1]

    def share_left(self, loss, constant):
        """What part of the loss of a constant prediction is left in a loss."""
        return loss / constant

    def prediction_slope(self, raw, share):
        """Derivative by the raw outputs of a sum of predictions, before a link function.

        ``share`` of the shape of a prediction, (n_outputs,) or (n_outputs, n_quantiles), is
        what each is multiplied by.
        """
        return np.tile(share.astype(raw.dtype), (len(raw), 1))

    def in_units(self, units):
        """The loss of raw outputs and targets in the units of the user."""
        return InUnits(self, units)

    def _values(self, raw, y, weights):
        return self.value(raw, y) if weights.ndim == 1 else self.each(raw, y)


class Units:
    """The targets as they are, for losses without a scale, those of a classifier."""

    loss, offset = 1.0, 0.0

    def state(self):
        """What :func:`units_of` makes the same units of, in plain values; or None."""
        return None

    def standardise(self, data):
        """The data with targets in these units."""
        return data

    def restore(self, theta, layout):
        """Weights whose predictions are in the units of the user, from those trained."""
        return theta.copy()

    def unrestore(self, theta, layout):
        """Weights as they are trained, from those in the units of the user."""
        return theta.copy()

    def restore_loss(self, loss):
        """The loss in the units of the user."""
        return loss

    def restore_value(self, value):
        """The value of a loss in the units of the user."""
        return self.loss * value + self.offset

    def restore_score(self, score):
        """Minus that value, of minus the value of a loss."""
        return -self.restore_value(-score)

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
    y_shift, y_scale : ndarrays of shape (n_targets,)
    raw_shift, raw_scale : ndarrays of shape (n_raw * n_targets,)
    loss : float
        The loss in the units of the user that corresponds to a loss of 1, less ``offset``.
    offset : float, default=0.0
        The loss in the units of the user that corresponds to a loss of 0.
    """

    def __init__(self, y_shift, y_scale, raw_shift, raw_scale, loss, offset=0.0):
        self.y_shift, self.y_scale = y_shift, y_scale
        self.raw_shift, self.raw_scale = raw_shift, raw_scale
        self.loss, self.offset = loss, offset

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

    def unrestore(self, theta, layout):
        theta = theta.copy()
        views = layout.views(theta)
        views["output.W"][:] /= self.raw_scale
        views["output.b"][:] = (views["output.b"] - self.raw_shift) / self.raw_scale
        return theta

    def restore_loss(self, loss):
        return loss.in_units(self)

    def rescale_penalty(self, penalty, layout):
        penalty *= self.loss
        layout.views(penalty)["output.W"][:] /= self.raw_scale**2


class InUnits(Loss):
    """A loss of raw outputs and targets in the units of the user.

    It is the loss in which the network has learned, times :attr:`TargetUnits.loss` and plus
    :attr:`TargetUnits.offset`: outputs of different spread have equal weight, and with one
    output it is the plain loss.
    """

    def __init__(self, loss, units):
        self.inner, self.unit = loss, units
        self.activation, self.n_raw = loss.activation, loss.n_raw
        self.family = loss.family

    def _standard(self, raw, y):
        unit = self.unit
        return (raw - unit.raw_shift) / unit.raw_scale, (y - unit.y_shift) / unit.y_scale

    def value(self, raw, y):
        value = self.inner.value(*self._standard(raw, y))
        return self.unit.restore_value(value).astype(raw.dtype, copy=False)

    def each(self, raw, y):
        each = self.inner.each(*self._standard(raw, y))
        return self.unit.restore_value(each).astype(raw.dtype, copy=False)

    def gradient(self, raw, y):
        gradient = self.inner.gradient(*self._standard(raw, y))
        scale = self.unit.loss / self.unit.raw_scale
        return (scale * gradient).astype(raw.dtype, copy=False)

    def predict(self, raw):
        return self.inner.predict(raw)

    def moments(self, raw):
        return self.inner.moments(raw)

    def distribution(self, raw):
        return self.inner.distribution(raw)

    def start(self, y, weights):
        raw = self.inner.start((y - self.unit.y_shift) / self.unit.y_scale, weights)
        return self.unit.raw_shift + self.unit.raw_scale * raw


class ScaledInUnits(InUnits):
    """Such a loss whose predictions are made in the units of training, and scaled."""

    def curvature(self, raw, raw_dot, y, weights):
        raw_scale = self.unit.raw_scale
        standard, y = self._standard(raw, y)
        product = self.inner.curvature(standard, raw_dot / raw_scale, y, weights)
        return (self.unit.loss / raw_scale * product).astype(raw.dtype, copy=False)

    def prediction_slope(self, raw, share):
        slope = self.inner.prediction_slope(self._standard_raw(raw), share)
        y_scale = np.tile(self.unit.y_scale, self.n_raw)
        return (y_scale / self.unit.raw_scale * slope).astype(raw.dtype, copy=False)

    def predict(self, raw):
        prediction = self.inner.predict(self._standard_raw(raw))
        return self._located(prediction).astype(raw.dtype, copy=False)

    def moments(self, raw):
        mean, std = self.inner.moments(self._standard_raw(raw))
        both = self._located(mean), self.unit.y_scale * std
        return tuple(values.astype(raw.dtype, copy=False) for values in both)

    def distribution(self, raw):
        parameters = self.inner.distribution(self._standard_raw(raw))
        loc, scale = self._located(parameters["loc"]), parameters["scale"]
        return parameters | {"loc": loc, "scale": self.unit.y_scale * scale}

    def _standard_raw(self, raw):
        return (raw - self.unit.raw_shift) / self.unit.raw_scale

    def _located(self, values):
        """Values of shape (n, n_targets, ...) in the units of the user."""
        shape = -1, *(1 for _ in values.shape[2:])
        shift, scale = self.unit.y_shift.reshape(shape), self.unit.y_scale.reshape(shape)
        return shift + scale * values


def units_of(state):
    """Units from what :meth:`Units.state` gave."""
    return TargetUnits(**state) if state else Units()


def weighted(gradient, weights):
    """A derivative of losses by raw outputs, times the weights of the losses."""
    n = len(weights)
    of_outputs = weights.reshape(n, 1, -1)
    return (of_outputs * gradient.reshape(n, -1, of_outputs.shape[2])).reshape(n, -1)


def weighted_mean(y, weights):
    """Mean of each output; of one that has no weight, as if all weights were equal."""
    weights = np.where(weights.any(axis=0), weights, 1)
    return np.average(y, axis=0, weights=weights.astype(np.float64))


def weighted_quantile(y, weights, share):
    """The least value of each column with that share of the weight at or below it."""
    weights = np.broadcast_to(weights.reshape(len(weights), -1), y.shape)
    order = np.argsort(y, axis=0, kind="stable")
    sums = np.cumsum(np.take_along_axis(weights, order, axis=0), axis=0, dtype=np.float64)
    # The sums of equal weights may miss the share by rounding.
    reached = sums >= share * sums[-1] * (1 - 1e-12)
    return np.take_along_axis(y, order, axis=0)[reached.argmax(axis=0), range(y.shape[1])]


def positive_or_one(scale, location):
    """Spreads to divide by: 1 where a target is constant but for rounding."""
    least = 10 * np.finfo(np.float64).eps * np.abs(location)
    return np.where((scale > least) & np.isfinite(scale), scale, 1.0)
