"""Forecasts in sktime's interface. This module needs sktime."""

import numpy as np
import pandas as pd
from sklearn.base import clone

from ..estimators import RNNRegressor
from ._forecaster import RNNForecaster

try:
    from sktime.forecasting.base import BaseForecaster
except ImportError as error:
    raise ImportError(
        "skbptt.forecasting.sktime needs the package sktime: pip install sktime"
    ) from error

__all__ = ["SktimeForecaster"]


class SktimeForecaster(BaseForecaster):
    """An :class:`~skbptt.forecasting.RNNForecaster` in sktime's interface.

    One forecaster is trained on all columns of y and all instances of a panel or hierarchy.
    To train a forecaster for each of them, use sktime's ``ForecastByLevel`` and
    ``ColumnEnsembleForecaster``.

    Parameters
    ----------
    forecaster : RNNForecaster, default=None
        It is cloned. None means ``RNNForecaster()``.

    Attributes
    ----------
    forecaster_ : RNNForecaster
        The fitted forecaster. Its series have the names (instance, column); instance is ()
        for a y without instances.

    See Also
    --------
    skbptt.forecasting.RNNForecaster : The same without sktime.

    Notes
    -----
    Quantiles and intervals are there if the loss of the regressor is a likelihood. They
    come from ``n_samples`` random paths.

    ``update`` reads new values and does not train, whatever ``update_params`` is. It skips
    time steps that have been read before. sktime's ``UpdateRefitsEvery`` trains anew.

    A relative ``fh`` counts from the end of each series. Predictions within the sample are
    not supported. X in ``predict`` must cover all time steps up to the last of ``fh``. y
    may have missing values, X may not.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from skbptt.forecasting import RNNForecaster
    >>> from skbptt.forecasting.sktime import SktimeForecaster
    >>> months = pd.period_range("2010-01", periods=120, freq="M")
    >>> y = pd.Series(20 + 5 * np.sin(np.arange(120) * np.pi / 6), months)
    >>> model = SktimeForecaster(RNNForecaster(period=12, random_state=0))
    >>> forecasts = model.fit(y[:108], fh=[1, 12]).predict()
    >>> forecasts.index.astype(str).tolist()
    ['2019-01', '2019-12']
    >>> bool(abs(forecasts - y).max() < 0.5)
    True
    """

    _tags = {
        "authors": "The skbptt developers",
        "capability:multivariate": True,
        "capability:exogenous": True,
        "capability:categorical_in_X": True,
        "capability:missing_values": True,
        "capability:unequal_length": True,
        "capability:non_contiguous_X": False,
        "capability:insample": False,
        "capability:pred_int": True,
        "capability:pred_int:insample": False,
        "capability:update": True,
        "requires-fh-in-fit": False,
        "y_inner_mtype": ["pd.DataFrame", "pd-multiindex", "pd_multiindex_hier"],
        "X_inner_mtype": ["pd.DataFrame", "pd-multiindex", "pd_multiindex_hier"],
    }
    # The network has read the data, and does not look at them again.
    _config = {"remember_data": False}

    def __init__(self, forecaster=None):
        self.forecaster = forecaster
        super().__init__()
        self._y = self._X = None  # where sktime keeps data, if told to remember them
        regressor = self._unfitted().regressor
        has_distribution = regressor is None or hasattr(regressor, "predict_distribution")
        self.set_tags(**{"capability:pred_int": has_distribution})

    @classmethod
    def get_test_params(cls, parameter_set="default"):
        """Parameters with which sktime tests this class: small networks, hardly trained.

        Parameters
        ----------
        parameter_set : str, default="default"
            There is only one set.

        Returns
        -------
        params : list of dict
        """
        how = {"return_sequences": True, "max_iter": 2, "random_state": 0}
        points = RNNRegressor(2, **how)
        spread = RNNRegressor(2, loss="gaussian", cell="lstm", **how)
        return [
            {"forecaster": RNNForecaster(points, lags=[2])},
            {"forecaster": RNNForecaster(spread, n_samples=20, random_state=0)},
        ]

    def _unfitted(self):
        return RNNForecaster() if self.forecaster is None else self.forecaster

    # What sktime calls, with data frames. Their index is time, after any instances.

    def _fit(self, y, X, fh):
        parts = by_instance(y)
        self.forecaster_ = clone(self._unfitted())
        self._columns, self._levels = y.columns, y.index.names
        self.forecaster_.fit(self._series(parts), self._covariates(X))
        self._ends = {of: end_of(part.index) for of, part in parts.items()}
        return self

    def _update(self, y, X=None, update_params=True):
        new = by_instance(y)
        for instance, part in new.items():
            if instance in self._ends:
                new[instance] = part[part.index > self._ends[instance][0]]
        new = {instance: part for instance, part in new.items() if len(part)}
        if not new:
            raise ValueError("y has no time step that has not been read before.")
        self.forecaster_.update(self._series(new), self._covariates(X))
        for instance, part in new.items():
            self._ends[instance] = end_of(part.index, self._ends[instance])
        return self

    def _predict(self, fh, X):
        return self._at(fh, X, self.forecaster_.predict, self._columns)

    def _predict_quantiles(self, fh, X, alpha):
        n = self.forecaster_.n_samples

        def quantiles(horizon, X):
            paths = self.forecaster_.sample(horizon, n, X)
            return {name: np.quantile(of, alpha, axis=1).T for name, of in paths.items()}

        columns = self._get_columns("predict_quantiles", alpha=alpha)
        return self._at(fh, X, quantiles, columns)

    def _at(self, fh, X, respond, columns):
        """What is responded for the next steps of all series, at those of ``fh``."""
        steps = {of: fh.to_indexer(end) for of, end in self._ends.items()}
        if min(places.min() for places in steps.values()) < 0:
            raise NotImplementedError(
                "SktimeForecaster cannot predict within the sample: fh has time steps that "
                "are not after the last that has been read."
            )
        horizon = max(places.max() for places in steps.values()) + 1
        found = respond(int(horizon), self._covariates(X))
        parts = []
        for instance, places in steps.items():
            of_one = [np.asarray(found[instance, name])[places] for name in self._columns]
            times = fh.to_absolute_index(self._ends[instance])
            parts.append(pd.DataFrame(np.column_stack(of_one), times, columns))
        if len(self._levels) == 1:
            return parts[0]
        return pd.concat(parts, keys=steps, names=self._levels)

    # Series and covariates as the forecaster takes them, named (instance, column).

    def _series(self, parts):
        return {
            (instance, name): part.iloc[:, i]
            for instance, part in parts.items()
            for i, name in enumerate(self._columns)
        }

    def _covariates(self, X):
        if X is None:
            return None
        parts = by_instance(X)
        return {
            (instance, name): part
            for instance, part in parts.items()
            for name in self._columns
        }


def end_of(index, before=None):
    """The last time of an index, with the frequency of all or that of an end before."""
    if isinstance(index, pd.DatetimeIndex) and index.freq is None:
        freq = (
            before if before is not None else pd.DatetimeIndex(index, freq="infer")
        ).freq
        return pd.DatetimeIndex(index[-1:], freq=freq)
    return index[-1:]


def by_instance(table):
    """Instance: its part of a table, with the time as its index."""
    levels = list(range(table.index.nlevels - 1))
    if not levels:
        return {(): table}
    groups = table.groupby(level=levels if len(levels) > 1 else 0, sort=False)
    return {instance: part.droplevel(levels) for instance, part in groups}
