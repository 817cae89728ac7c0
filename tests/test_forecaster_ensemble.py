"""Forecasts of several networks are those of the mixture of their distributions."""

import numpy as np
import pytest

from skbptt import RNNRegressor
from skbptt.forecasting import RNNForecaster


def wave(n=200, seed=0):
    noise = np.random.default_rng(seed).normal(size=n)
    return 10 + 3 * np.sin(np.arange(n) / 3 + seed) + 0.3 * noise


def forecaster(n_estimators, **how):
    regressor = RNNRegressor(
        4, return_sequences=True, loss="gaussian", max_iter=3, random_state=0
    )
    return RNNForecaster(regressor, n_estimators=n_estimators, random_state=0, **how)


def alone(model, k):
    """The forecaster with its k-th network only."""
    of_one = forecaster(1).fit(wave())
    of_one._model.models = [model._model.models[k]]
    return of_one


def test_networks_differ_and_the_first_is_that_of_a_single_one():
    model = forecaster(3).fit(wave())
    thetas = [estimator._theta for estimator in model.estimators_]
    assert not np.allclose(thetas[0], thetas[1])
    assert not np.allclose(thetas[1], thetas[2])
    (single,) = forecaster(1).fit(wave()).estimators_
    np.testing.assert_array_equal(single._theta, thetas[0])


def test_means_are_averages():
    model = forecaster(3).fit([wave(), wave(150, 1)])
    model.update([wave(5), wave(5)])
    each = [part.means(np.empty((2, 6, 0))) for part in model._model.models]
    np.testing.assert_allclose(model.predict(6), np.mean(each, axis=0), rtol=1e-12)


def test_log_likelihoods_are_those_of_the_mixture():
    model, new = forecaster(3).fit(wave()), wave(seed=2)
    densities = [np.exp(alone(model, k).score_samples(new)) for k in range(3)]
    expected = np.log(np.mean(densities, axis=0))
    np.testing.assert_allclose(model.score_samples(new), expected, rtol=1e-10)


@pytest.mark.parametrize("n", [1, 2, 3, 7, 300])
def test_paths_are_of_all_networks_in_equal_shares(n):
    model = forecaster(3).fit(wave())
    for k, estimator in enumerate(model.estimators_):
        views = estimator._network.layout.views(estimator._theta)
        for array in views.values():
            array[...] = 0
        # The mean and the raw spread: values 100 k scales ahead, almost without noise.
        views["output.b"][...] = [100.0 * k, -20.0]
    last, scale = wave()[-1], model._model.scales.d[0]
    found = np.round((model.sample(1, n)[0] - last) / (100 * scale)).astype(int)
    shares = np.bincount(found, minlength=3)
    assert shares.sum() == n
    assert len(shares) == 3
    assert shares.max() - shares.min() <= 1


def test_n_estimators_must_be_positive():
    with pytest.raises(ValueError, match="n_estimators"):
        forecaster(0).fit(wave())


def test_draws_spread_no_more_than_in_training():
    """Where a network predicts a huge spread, paths have the largest one of training."""
    model = forecaster(1).fit(wave())
    (inner,) = model._model.models
    views = inner.regressor._network.layout.views(inner.regressor._theta)
    for array in views.values():
        array[...] = 0
    views["output.b"][1] = 20.0  # the logarithm of the standard deviation, in units
    paths = model.sample(1, 2000)[0]
    expected = inner.largest_std * model._model.scales.d[0]
    assert paths.std() == pytest.approx(expected, rel=0.1)
