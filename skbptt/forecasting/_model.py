"""The network of a forecaster, over arrays of values and covariates."""

from copy import copy

import numpy as np

from ._checks import check_distribution
from ._inputs import filled, previous_values
from ._state import State, read

# Time steps of a stretch in training, and those at its start that only warm up the states.
STRETCH, WARM_UP = 100, 20


class Model:
    """A regressor that predicts the next values of series.

    Parameters
    ----------
    regressor : RNNRegressor
        With a target for each step.
    inputs : Inputs

    Attributes
    ----------
    scales : Scales
        Of the series it was fitted to.
    state : State
        The state from which forecasts continue.
    largest_std : float
        The largest standard deviation that it predicted in training.
    """

    def __init__(self, regressor, inputs):
        self.regressor, self.inputs = regressor, inputs

    def fit(self, values, covariates, categorical):
        """Train, and read the series up to their ends.

        Parameters
        ----------
        values : list of ndarrays of shape (n_steps,)
            NaN where they are not known.
        covariates : list of ndarrays of shape (n_steps, n_covariates)
        categorical : ndarray of shape (n_covariates,)
            Which covariates are categorical.
        """
        n = self.inputs.n_before
        self.scales = self.inputs.scales(values)
        rows = self.rows(values, [part[n:] for part in covariates], self.scales)
        targets = self.targets(values, self.scales)
        cut = STRETCH if self.regressor.truncation is None else None
        X, y, weights = [], [], []
        for x, z in zip(rows, targets):
            for here, counts in stretches(len(z), cut):
                known = counts & ~np.isnan(z[here])
                if known.any():
                    X.append(x[here])
                    y.append(z[here])
                    weights.append(known.astype(float))
        if not X:
            raise ValueError(
                f"No value of series is known after the first {n} time steps, so there is "
                "nothing to learn."
            )
        mask = np.append(np.zeros(self.inputs.n, bool), categorical)
        self.regressor.set_params(categorical_features=mask if mask.any() else None)
        self.regressor.fit(X, y, weights)
        # Streams need it so, and predictions do not depend on it.
        self.regressor.set_params(truncation=None)
        self.state = State(
            np.stack([filled(z)[-n:] for z in values]), self.regressor.stream(len(values))
        )
        read(self.state.stream, rows)
        if hasattr(self.regressor, "predict_distribution"):
            found = self.regressor.predict_distribution(rows)
            self.largest_std = max(one.std().max() for one in found)

    def updated(self, values, covariates):
        """The model after further values, of which there may be none."""
        model, n = copy(self), self.inputs.n_before
        model.state = state = self.state.copy()
        values = [np.append(*pair) for pair in zip(state.before, values)]
        read(state.stream, self.rows(values, covariates, self.scales))
        state.before = np.stack([filled(z)[-n:] for z in values])
        return model

    def rows(self, values, covariates, scales):
        """Inputs of the steps after the first ``n_before``, with their covariates."""
        return [
            np.hstack(
                [self.inputs.read(previous_values(z, self.inputs), scales.of(i)), of_one]
            )
            for i, (z, of_one) in enumerate(zip(values, covariates))
        ]

    def targets(self, values, scales):
        """What the regressor learns, of the same steps."""
        targets = []
        for i, z in enumerate(values):
            before = previous_values(z, self.inputs)
            shift, scale = self.inputs.shift_and_scale(before, scales.of(i))
            targets.append((z[self.inputs.n_before :] - shift) / scale)
        return targets

    def means(self, covariates):
        """Means of the next values.

        Parameters
        ----------
        covariates : ndarray of shape (n_series, horizon, n_covariates)

        Returns
        -------
        means : ndarray of shape (n_series, horizon)
        """
        state = self.state.copy()
        return self._go_on(state, self.scales, covariates, lambda stream, x: stream.push(x))

    def paths(self, covariates, n, rng):
        """Random paths of the next values, of shape (n_series, n, horizon)."""
        check_distribution(self.regressor)

        def draw(stream, x):
            found = stream.push(x, "predict_distribution")
            drawn = found.rvs(random_state=rng)
            if is_discrete(found):
                return drawn
            # A path can lead to inputs unlike all in training, where the predicted spread
            # can be of any size, and what is drawn from it is the next input.
            mean, std = found.mean(), found.std()
            return mean + np.minimum(1, self.largest_std / std) * (drawn - mean)

        state, scales = self.state.branch(self.regressor, n), self.scales.repeat(n)
        values = self._go_on(state, scales, np.repeat(covariates, n, axis=0), draw)
        return values.reshape(len(covariates), n, -1)

    def _go_on(self, state, scales, covariates, respond):
        """Values of the next steps, from what the regressor responds to their inputs."""
        values = []
        for k in range(covariates.shape[1]):
            read = self.inputs.read(state.before, scales)
            shift, scale = self.inputs.shift_and_scale(state.before, scales)
            answer = respond(state.stream, np.hstack([read, covariates[:, k]]))
            values.append(shift + scale * answer)
            state.before = np.hstack([state.before[:, 1:], values[-1][:, np.newaxis]])
        return np.stack(values, axis=1)

    def log_densities(self, values, covariates, scales):
        """log p of each value given those before it; NaN for the first ``n_before``."""
        check_distribution(self.regressor)
        n = self.inputs.n_before
        log_p = [np.full(len(z), np.nan) for z in values]
        long = [i for i, z in enumerate(values) if len(z) > n]
        if not long:
            return log_p
        rows = self.rows(values, [part[n:] for part in covariates], scales)
        targets = self.targets(values, scales)
        found = self.regressor.predict_distribution([rows[i] for i in long])
        for i, distribution in zip(long, found):
            before = previous_values(values[i], self.inputs)
            _, scale = self.inputs.shift_and_scale(before, scales.of(i))
            of_y = distribution.logpmf if is_discrete(distribution) else distribution.logpdf
            log_p[i][n:] = of_y(targets[i]) - np.log(scale)
        return log_p


def is_discrete(distribution):
    return not hasattr(distribution.dist, "pdf")


def stretches(n, length):
    """Slices of n steps, and which steps of each count; a single slice if None.

    A slice begins with steps that count in the one before.
    """
    if length is None or n <= length:
        return [(slice(0, n), np.ones(n, bool))]
    found = []
    for start in range(0, n - WARM_UP, length - WARM_UP):
        here = slice(start, min(start + length, n))
        counts = np.arange(here.start, here.stop) >= start + (WARM_UP if start else 0)
        found.append((here, counts))
    return found
