"""The forecaster."""

from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods, Interval
from sklearn.utils.validation import check_is_fitted

from .._docstrings import Documented
from ..data import unchanged_on_error
from ._backtest import backtest
from ._checks import (
    check_coverage,
    checked_regressor,
    positive_integer,
    positive_integers,
)
from ._covariates import Covariates, parts_of
from ._ensemble import Ensemble
from ._inputs import OF_COUNTS, Inputs, naive_error
from ._panel import panel_of


class RNNForecaster(Documented, BaseEstimator):
    """Forecaster of one or many time series, by an ensemble of recurrent networks.

    A network reads a series step by step and predicts the distribution of each next value
    from its hidden states, lagged values, and covariates that are known in advance.
    Forecasts of several steps feed predictions back: the means in ``predict``, and random
    draws for intervals [1]_. Means of networks are averaged, and paths are pooled [2]_.

    Parameters
    ----------
    regressor : RNNRegressor, default=None
        Defines the network and its training, with ``return_sequences=True``. Its loss
        determines the predicted distribution. Intervals need the loss "gaussian",
        "student_t", "negative_binomial" or "poisson". None means ``RNNRegressor(32,
        loss="gaussian", return_sequences=True, alpha=40)``. It is cloned.

    n_estimators : int, default=3
        Number of networks, with random states drawn from that of the regressor. Several
        networks are more accurate than one, and their intervals include their differences.

    period : int, sequence of int or None, default=None
        Length of the seasons in time steps, such as 24 for hourly values with a daily
        season, or (24, 168) with a weekly one as well. The network also reads the value one
        season ago and the mean of the last season, and learns the difference from the value
        one longest season ago or, without a period, from the last value.

    lags : sequence of int, default=()
        Further lags of the value to predict that the network reads. The lag 1, and the lags
        p and p + 1 of each period p, are always included.

    categorical_features : "from_dtype", array-like or None, default="from_dtype"
        Which covariates are categorical, as in :class:`~skbptt.RNNRegressor`.

    series_id : str or None, default=None
        The column of a long data frame that identifies the series of each row.

    n_samples : int, default=500
        Number of random paths per series in ``predict_interval``.

    random_state : int, RandomState instance or None, default=None
        Determines the random paths, and the training of a default ``regressor``.

    Attributes
    ----------
    estimators_ : list of RNNRegressor
        The fitted networks.

    n_series_ : int
        Number of series.

    See Also
    --------
    skbptt.preprocessing.make_windows : Forecasts as a regression on windows.

    Notes
    -----
    *Scales.* Each series is scaled by the mean and the standard deviations of its own
    values in ``fit``. Later values do not change the scales. Covariates that are not
    categorical are standardised by their values in ``fit``.

    *Training.* Series are cut into stretches of 100 time steps, and gradients are exact in
    each. The first 20 steps of a stretch, unless the series begins there, only bring the
    states to where they would be, and the steps that count do not overlap. With
    ``truncation`` of the regressor, series are not cut: the states are carried through all
    of a series, and gradients are truncated.

    *Paths.* The standard deviation of what is drawn is at most the largest that the network
    predicted in training.

    *Missing values* (NaN) are not learned. As inputs they are the last value before.

    References
    ----------
    .. [1] Salinas, D., Flunkert, V., Gasthaus, J. & Januschowski, T. (2020). DeepAR:
       Probabilistic forecasting with autoregressive recurrent networks. International
       Journal of Forecasting 36(3).

    .. [2] Lakshminarayanan, B., Pritzel, A. & Blundell, C. (2017). Simple and scalable
       predictive uncertainty estimation using deep ensembles. NeurIPS.

    Examples
    --------
    >>> import numpy as np
    >>> from skbptt.forecasting import RNNForecaster
    >>> rng = np.random.default_rng(0)
    >>> t = np.arange(400)
    >>> series = 10 + np.sin(2 * np.pi * t / 24) + 0.1 * rng.normal(size=400)
    >>> model = RNNForecaster(period=24, random_state=0).fit(series[:376])
    >>> bool(np.abs(model.predict(24) - series[376:]).mean() < 0.2)
    True
    >>> interval = model.predict_interval(24, coverage=0.9)
    >>> interval.shape
    (24, 2)
    """

    _parameter_constraints: dict = {
        "regressor": [HasMethods(["fit", "predict", "stream"]), None],
        "n_estimators": [Interval(Integral, 1, None, closed="left")],
        "period": [Interval(Integral, 1, None, closed="left"), "array-like", None],
        "lags": ["array-like"],
        "categorical_features": ["array-like", str, None],
        "series_id": [str, None],
        "n_samples": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        regressor=None,
        *,
        n_estimators=3,
        period=None,
        lags=(),
        categorical_features="from_dtype",
        series_id=None,
        n_samples=500,
        random_state=None,
    ):
        self.regressor = regressor
        self.n_estimators = n_estimators
        self.period = period
        self.lags = lags
        self.categorical_features = categorical_features
        self.series_id = series_id
        self.n_samples = n_samples
        self.random_state = random_state

    # Training.

    def fit(self, series, X=None):
        """Train the networks, and read the series up to their ends.

        Parameters
        ----------
        series : array-like of shape (n_steps,) or (n_steps, n_series), Series, DataFrame, \
                list or dict of array-like of shape (n_steps,)
            One series; a table with a column for each series, where missing values before
            the first are not part of a series; a list or dict of series of any lengths; or,
            with ``series_id``, a long data frame with a column of values, whose index is
            the time. NaN, None and NA are missing values. An index of pandas must be of
            times or numbers in equal steps.
        X : array-like of shape (n_steps, n_covariates), DataFrame, or list or dict of \
                them, default=None
            Covariates that are known in advance, such as the weekday or a price, with a row
            per time step: one table for all series, or one each in the form of ``series``.
            If both are pandas objects, rows are matched by index, and X may have more rows.

        Returns
        -------
        self : RNNForecaster

        Raises
        ------
        ValueError, TypeError
            If a parameter or an argument is not allowed, or a series is too short. The
            forecaster then stays as it was.
        """
        self._validate_params()
        with unchanged_on_error(self):
            panel = panel_of(series, self.series_id)
            panel.ahead(1)  # which needs times that go on
            self._fit(panel, self._parts(X, panel, first=True))
        return self

    def _fit(self, panel, parts):
        """Fit to a panel, with a table of covariates of each series or None."""
        regressor = checked_regressor(self.regressor, self.random_state)
        inputs = self._make_inputs(regressor)
        least = inputs.n_before + 2
        for one in panel.series:
            if len(one.values) < least:
                raise ValueError(
                    f"{one.label} has {len(one.values)} time steps. At least {least} are "
                    f"needed, since lags up to {inputs.n_before} are read."
                )
        self._covariates = None
        if parts is not None:
            self._covariates = Covariates(parts, self.categorical_features)
        self._model = Ensemble(regressor, self.n_estimators, inputs)
        mask = () if self._covariates is None else self._covariates.mask
        values, covariates = self._arrays(panel, parts)
        self._model.fit(values, covariates, mask)
        self._panel, self.n_series_ = panel.without_values(), len(values)
        self._naive = [naive_error(z) for z in values]
        self.estimators_ = self._model.regressors

    def _make_inputs(self, regressor):
        periods = positive_integers("period", self.period)
        lags = positive_integers("lags", self.lags)
        seasonal = [lag for period in periods for lag in (period, period + 1)]
        base = max(periods, default=1)
        of_counts = regressor.loss in OF_COUNTS
        return Inputs([1, *seasonal, *lags], None if of_counts else base, periods)

    def _parts(self, X, panel, first=False):
        """A table of covariates of the time steps of each series, or None."""
        if not first and (X is None) != (self._covariates is None):
            raise ValueError(
                "X is given in fit and here, or in neither. Here it is "
                f"{'not ' if X is None else ''}given."
            )
        return None if X is None else parts_of(X, panel, self.series_id)

    def _arrays(self, panel, parts):
        """Values, and covariates as numbers, of each series."""
        if self._covariates is None:
            covariates = [np.empty((n, 0)) for n in panel.lengths]
        else:
            covariates = [self._covariates.encode(part) for part in parts]
        for one in panel.series:
            self._model.inputs.check(one.values, one.label)
        return [one.values for one in panel.series], covariates

    # Forecasts.

    def predict(self, horizon, X=None):
        """Forecast the mean of the next values.

        Each forecast treats the previous forecasts as observed values.

        Parameters
        ----------
        horizon : int
            Number of time steps.
        X : array-like of shape (horizon, n_covariates), DataFrame, or list or dict of \
                them, default=None
            Covariates of these steps, as in ``fit``.

        Returns
        -------
        forecasts : array of shape (horizon,) or (horizon, n_series), Series, DataFrame, \
                list or dict
            In the form of ``series``, with the index that follows.

        Raises
        ------
        ValueError
            If horizon is not a positive integer, or X does not have the covariates of
            ``fit``.
        """
        covariates, indices = self._ahead(horizon, X)
        return self._panel.give(list(self._model.means(covariates)), indices)

    def predict_interval(self, horizon, X=None, *, coverage=0.9):
        """Forecast intervals that contain the next values with a given probability.

        The bounds are quantiles of ``n_samples`` random paths, separately for each step.

        Parameters
        ----------
        horizon : int
            Number of time steps.
        X : array-like, default=None
            Covariates of these steps, as in ``predict``.
        coverage : float in (0, 1), default=0.9
            Probability of an interval. The probabilities below and above it are equal.

        Returns
        -------
        intervals : array of shape (horizon, 2) or (horizon, n_series, 2), DataFrame, list \
                or dict
            Lower and upper bounds, in the form of ``series``. Columns of data frames are
            "lower" and "upper".

        Raises
        ------
        ValueError
            If an argument is not allowed, or the loss of ``regressor`` is not a likelihood.
        """
        check_coverage(coverage)
        covariates, indices = self._ahead(horizon, X)
        paths = self._model.paths(covariates, self.n_samples, self._rng())
        levels = (1 - coverage) / 2, (1 + coverage) / 2
        bounds = np.moveaxis(np.quantile(paths, levels, axis=1), 0, -1)
        return self._panel.give(list(bounds), indices, ["lower", "upper"])

    def sample(self, horizon, n, X=None):
        """Draw random paths of the next values.

        Parameters
        ----------
        horizon : int
            Number of time steps.
        n : int
            Number of paths.
        X : array-like, default=None
            Covariates of these steps, as in ``predict``.

        Returns
        -------
        paths : array of shape (horizon, n) or (horizon, n_series, n), DataFrame, list or \
                dict
            In the form of ``series``, with a column for each path.

        Raises
        ------
        ValueError
            If an argument is not allowed, or the loss of ``regressor`` is not a likelihood.
        """
        n = positive_integer("n", n)
        covariates, indices = self._ahead(horizon, X)
        paths = self._model.paths(covariates, n, self._rng())
        return self._panel.give(list(paths.swapaxes(1, 2)), indices, list(range(n)))

    def _ahead(self, horizon, X):
        """Covariates of the next steps, (n_series, horizon, n_covariates), and times."""
        check_is_fitted(self)
        panel = self._panel.ahead(positive_integer("horizon", horizon))
        _, covariates = self._arrays(panel, self._parts(X, panel))
        return np.stack(covariates), panel.indices

    def _rng(self):
        return check_random_state(self.random_state)

    # New values.

    def update(self, series, X=None):
        """Read the values that follow the series, without training.

        Later forecasts start after these values.

        Parameters
        ----------
        series : array-like, Series, DataFrame, list or dict
            The next values, in the same form as in ``fit``.
        X : array-like, default=None
            Covariates of these steps, as in ``fit``.

        Returns
        -------
        self : RNNForecaster

        Raises
        ------
        ValueError
            If the series are not those of ``fit``, or do not follow them in time. The
            forecaster then stays as it was.
        """
        check_is_fitted(self)
        panel = self._panel.next_panel(series, self.series_id)
        self._update(panel, self._parts(X, panel))
        return self

    def _update(self, panel, parts):
        self._model = self._model.updated(*self._arrays(panel, parts))
        self._panel = panel.without_values()

    # How good forecasts are.

    def score_samples(self, series, X=None):
        """Log-likelihood of each value, given the previous ones. Low if it is unusual.

        Parameters
        ----------
        series : array-like, Series, DataFrame, list or dict
            Whole series, in a form of ``fit``. Series of ``fit``, with the same names and
            in the same order, are scaled as in ``fit``. Others are scaled by their own
            values.
        X : array-like, default=None
            Covariates of these steps, as in ``fit``.

        Returns
        -------
        log_p : array of shape (n_steps,) or (n_steps, n_series), Series, DataFrame, list \
                or dict
            In nats, in the form of ``series``. NaN for the first steps, whose lags are not
            all available, and for missing values.

        Raises
        ------
        ValueError
            If an argument is not allowed, or the loss of ``regressor`` is not a likelihood.
        """
        check_is_fitted(self)
        panel = panel_of(series, self.series_id)
        values, covariates = self._arrays(panel, self._parts(X, panel))
        known, model = panel.names == self._panel.names, self._model
        scales = model.scales if known else model.inputs.scales(values)
        log_p = model.log_densities(values, covariates, scales)
        return panel.give(log_p, panel.indices)

    def score(self, series, X=None):
        """Score the forecasts of the values that follow the series.

        Parameters
        ----------
        series : array-like, Series, DataFrame, list or dict
            The next values, in the same form as in ``fit``.
        X : array-like, default=None
            Covariates of these steps, as in ``fit``.

        Returns
        -------
        score : float
            Minus the mean absolute scaled error over steps and series: the error over
            the mean absolute difference from one value to the next in ``fit`` (Hyndman &
            Koehler, 2006). It does not depend on ``period``. The best value is 0.

        Raises
        ------
        ValueError
            If the series are not those of ``fit``, or do not follow them in time.
        """
        check_is_fitted(self)
        panel = self._panel.next_panel(series, self.series_id)
        values, covariates = self._arrays(panel, self._parts(X, panel))
        if np.isnan(np.concatenate(values)).all():
            raise ValueError("series has no value, by which forecasts could be scored.")
        ahead = np.zeros((len(values), max(panel.lengths), covariates[0].shape[1]))
        for i, of_one in enumerate(covariates):
            ahead[i, : len(of_one)] = of_one
        found = self._model.means(ahead)
        errors = [
            np.abs(y - z[: len(y)]) / naive
            for y, z, naive in zip(values, found, self._naive)
        ]
        return -float(np.nanmean(np.concatenate(errors)))

    def backtest(
        self, series, X=None, *, horizon, n_origins=5, step=None, coverage=0.9, refit=False
    ):
        """Forecast from several past times, using only what was known at these times.

        A clone is fitted to the values before the first origin. From one origin to the
        next, it is updated, or fitted again.

        Parameters
        ----------
        series : array-like, Series, DataFrame, list or dict
            The whole series, in a form of ``fit``.
        X : array-like, default=None
            Covariates of all time steps, as in ``fit``.
        horizon : int
            Number of time steps of each forecast.
        n_origins : int, default=5
            Number of forecasts. The last one ends with the series.
        step : int or None, default=None
            Time steps from one origin to the next. None means ``horizon``.
        coverage : float in (0, 1), default=0.9
            As in ``predict_interval``.
        refit : bool, default=False
            Whether to fit again at each origin.

        Returns
        -------
        result : :class:`~sklearn.utils.Bunch`
            Arrays of shape (n_origins, horizon), or (n_series, n_origins, horizon) for
            several series: ``y_true``, ``y_pred``, ``lower`` and ``upper``. ``paths``, of
            shape (..., n_origins, n_samples, horizon), holds random paths. ``steps``, of
            shape (n_origins, horizon), counts the time steps from the end of the series,
            the last of which is -1. ``history`` holds the series as arrays.

        Raises
        ------
        ValueError
            If an argument is not allowed, a series is too short, or the loss of
            ``regressor`` is not a likelihood.

        Examples
        --------
        >>> import numpy as np
        >>> from skbptt.forecasting import RNNForecaster
        >>> noise = np.random.default_rng(0).normal(size=300)
        >>> series = np.sin(np.arange(300) / 3) + 0.2 * noise
        >>> result = RNNForecaster(random_state=0).backtest(series, horizon=12)
        >>> inside = (result.lower < result.y_true) & (result.y_true < result.upper)
        >>> bool(inside.mean() > 0.7)
        True
        """
        self._validate_params()
        step = horizon if step is None else step
        for name, value in dict(horizon=horizon, n_origins=n_origins, step=step).items():
            positive_integer(name, value)
        check_coverage(coverage)
        return backtest(self, series, X, horizon, n_origins, step, coverage, refit)
