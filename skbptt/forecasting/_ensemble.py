"""Several networks that forecast together."""

from copy import copy

import numpy as np
from scipy.special import logsumexp
from sklearn.base import clone
from sklearn.utils import check_random_state

from ._model import Model


class Ensemble:
    """Models that differ in the random numbers of their training.

    The interface is that of :class:`Model`. The predicted distribution is the mixture of
    theirs, with equal weights.

    Parameters
    ----------
    regressor : RNNRegressor
        To be cloned for each network.
    n : int
        Number of networks.
    inputs : Inputs
    """

    def __init__(self, regressor, n, inputs):
        seeds = check_random_state(regressor.random_state)
        self.inputs = inputs
        self.models = []
        for seed in seeds.randint(np.iinfo(np.int32).max, size=n):
            own = clone(regressor).set_params(random_state=int(seed))
            self.models.append(Model(own, inputs))

    @property
    def regressors(self):
        return [model.regressor for model in self.models]

    @property
    def scales(self):
        return self.models[0].scales

    def fit(self, values, covariates, categorical):
        for model in self.models:
            model.fit(values, covariates, categorical)

    def updated(self, values, covariates):
        """The ensemble after further values, of which there may be none."""
        ensemble = copy(self)
        ensemble.models = [model.updated(values, covariates) for model in self.models]
        return ensemble

    def means(self, covariates):
        return np.mean([model.means(covariates) for model in self.models], axis=0)

    def paths(self, covariates, n, rng):
        """Random paths, equally many of each model; a remainder goes to random ones."""
        shares = np.full(len(self.models), n // len(self.models))
        shares[rng.permutation(len(shares))[: n % len(shares)]] += 1
        found = [
            model.paths(covariates, share, rng)
            for model, share in zip(self.models, shares)
            if share
        ]
        return np.concatenate(found, axis=1)

    def log_densities(self, values, covariates, scales):
        of_each = [m.log_densities(values, covariates, scales) for m in self.models]
        return [logsumexp(parts, axis=0) - np.log(len(parts)) for parts in zip(*of_each)]
