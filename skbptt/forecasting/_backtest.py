"""Forecasts from several times of the past."""

import numpy as np
from sklearn.base import clone
from sklearn.utils import Bunch

from ._checks import check_distribution, checked_regressor
from ._panel import panel_of


def backtest(forecaster, series, X, horizon, n_origins, step, coverage, refit):
    """The result of :meth:`RNNForecaster.backtest`."""
    model = clone(forecaster)
    check_distribution(checked_regressor(model.regressor, model.random_state))
    panel = panel_of(series, model.series_id)
    needed = horizon + step * (n_origins - 1)
    for one in panel.series:
        if len(one.values) <= needed:
            raise ValueError(
                f"{one.label} has {len(one.values)} time steps, but n_origins={n_origins} "
                f"forecasts alone cover the last {needed}."
            )
    parts = model._parts(X, panel, first=True)

    def some(start, stop):
        """The panel and the covariates of some time steps, counted from the end."""
        here = slice(start, stop or None)
        return panel.part(here), parts and [part[here] for part in parts]

    levels = (1 - coverage) / 2, (1 + coverage) / 2
    steps = np.array(
        [np.arange(horizon) - horizon - step * k for k in range(n_origins)][::-1]
    )
    found: dict = {name: [] for name in ("y_true", "y_pred", "lower", "upper", "paths")}
    for k, ahead in enumerate(steps):
        if k == 0 or refit:
            model._fit(*some(None, ahead[0]))
        else:
            model._update(*some(steps[k - 1, 0], ahead[0]))
        true, its_parts = some(ahead[0], ahead[-1] + 1)
        y, covariates = map(np.stack, model._arrays(true, its_parts))
        paths = model._model.paths(covariates, model.n_samples, model._rng())
        lower, upper = np.quantile(paths, levels, axis=1)
        of_one = y, model._model.means(covariates), lower, upper, paths
        for name, values in zip(found, of_one):
            found[name].append(values)
    arrays = {name: np.stack(values, axis=1) for name, values in found.items()}
    if panel.form == "one":
        arrays = {name: array[0] for name, array in arrays.items()}
    return Bunch(**arrays, steps=steps, history=[one.values for one in panel.series])
