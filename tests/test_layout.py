"""Axes in another order than (n_sequences, n_steps, n_features): a warning in fit."""

import warnings

import numpy as np
import pytest
from scipy.fft import idct
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV

from skbptt.data._mistakes import channels_first
from skbptt.data._sequences import Sequences
from skbptt.datasets import load_japanese_vowels
from skbptt.preprocessing import from_channels_first
from tests.fits import assert_same_model, regressor

rng = np.random.default_rng(0)


def smooth(n, n_channels, n_steps):
    """Autoregressions with time last, of coefficient 0.8."""
    x = rng.normal(size=(n, n_channels, n_steps))
    for t in range(1, n_steps):
        x[..., t] += 0.8 * x[..., t - 1]
    return x


def vowels(n_steps):
    """The first frames of real speech."""
    X, _ = load_japanese_vowels(return_X_y=True)
    return np.array([x[:n_steps] for x in X if len(x) >= n_steps])


def spectra(n_steps):
    """Frames of 40 mel bands, smooth along both axes, from their cosine transform."""
    return idct(np.pad(vowels(n_steps), ((0, 0), (0, 0), (0, 28))), norm="ortho", axis=2)


def constant_offsets(x):
    """Each channel at a level and of a scale of its own."""
    return 10.0 ** np.arange(x.shape[1])[:, np.newaxis] * (x + 5)


def told(call):
    """The warning about the layout in a call, without others such as convergence."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    return [str(w.message) for w in caught if "Every sequence of X has" in str(w.message)]


def warnings_of(X):
    y = np.arange(float(len(X)))
    model = regressor(hidden_layer_sizes=1, max_iter=1)
    return told(lambda: [model.fit(X, y).predict(X), model.score(X, y)])


ONE_STEP = {
    "a series a row": smooth(30, 1, 24),
    "lags": rng.normal(size=(30, 1, 5)),
    "list of one step": list(smooth(30, 1, 100)),
    "two sequences": rng.normal(size=(2, 1, 50)),
}
SWAPPED = {
    "two channels": smooth(30, 2, 24),
    "three": smooth(30, 3, 100),
    "nine": smooth(30, 9, 50),
    "list": list(smooth(30, 3, 50)),
    "float32": smooth(30, 3, 50).astype(np.float32),
    "levels": constant_offsets(smooth(30, 4, 60)),
    "walks": rng.normal(size=(1200, 3, 30)).cumsum(axis=2),
    "a constant start": np.concatenate([np.zeros((30, 3, 5)), smooth(30, 3, 50)], axis=2),
    "ten sequences": smooth(10, 3, 50),
}


@pytest.mark.parametrize("case", [*ONE_STEP, *SWAPPED])
def test_channels_first(case):
    X = (ONE_STEP | SWAPPED)[case]
    (message,) = warnings_of(X)
    n_channels, n_steps = np.shape(X[0])
    assert f"has {n_channels} step" in message
    assert f"{n_steps} features" in message
    which = "one feature" if n_channels == 1 else f"{n_channels} features"
    assert f"If these are {n_steps} steps of {which}, pass" in message
    assert "skbptt.preprocessing.from_channels_first(X)" in message
    assert warnings_of(from_channels_first(X)) == []


EMBEDDINGS = rng.normal(size=(200, 100))
FACTORS = rng.normal(size=(5, 60))
HEALTHY = {
    "speech": vowels(7),
    "few frames of speech": vowels(2),
    "spectra": spectra(7),
    "few spectra": spectra(2),
    "one feature": smooth(30, 24, 1),
    "univariate": smooth(30, 1, 24)[:, 0],
    "rows of pixels": load_digits().images[:500],
    "words": EMBEDDINGS[rng.integers(200, size=(100, 4))],
    "a common factor": rng.normal(size=(100, 5, 1)) + rng.normal(size=(100, 5, 50)),
    "factors": rng.normal(size=(100, 5, 5)) @ FACTORS + rng.normal(size=(100, 5, 60)),
    "scales": rng.normal(size=(100, 3, 40)) * 10.0 ** np.arange(-20, 20),
    "counts": rng.poisson(0.1, size=(100, 6, 50)).astype(float),
    "a step, few features": rng.normal(size=(30, 1, 4)),
    "some of one step": [rng.normal(size=(n, 8)) for n in [1] * 29 + [2]],
    "ragged": [rng.normal(size=(n, 30)).cumsum(axis=1) for n in [3, 4] * 20],
    "huge": 1e154 * rng.uniform(size=(30, 3, 50)),
    "constant": np.ones((30, 3, 50)),
    "nine sequences": smooth(9, 3, 50),
}


@pytest.mark.parametrize("case", HEALTHY)
def test_no_false_alarm(case):
    assert warnings_of(HEALTHY[case]) == []


@pytest.mark.parametrize("n", [10, 30])
@pytest.mark.parametrize("n_steps", [2, 3, 9])
def test_no_false_alarm_by_chance(n, n_steps):
    """Over many small data sets of features that have no order."""
    for _ in range(100):
        mixed = rng.normal(size=(n * n_steps, 5)) @ rng.normal(size=(5, 24))
        steps = mixed + 0.3 * rng.normal(size=mixed.shape)
        assert not channels_first(Sequences(steps, np.full(n, n_steps), n_steps))


def test_every_series_of_like_kind_is_seen():
    for n_channels in (2, 3, 6, 9):
        for _ in range(20):
            steps = smooth(10, n_channels, 30).reshape(-1, 30)
            lengths = np.full(10, n_channels)
            assert channels_first(Sequences(steps, lengths, n_channels))


def test_it_is_told_once():
    """Not again in the next fit of a warm start, and once in a search."""
    X, y = ONE_STEP["a series a row"], np.arange(30.0)
    model = regressor(max_iter=1, warm_start=True)
    assert len(told(lambda: model.fit(X, y))) == 1
    assert told(lambda: [model.fit(X, y), model.partial_fit(X, y)]) == []
    search = GridSearchCV(regressor(max_iter=1), {"alpha": [0.1, 1.0]}, cv=2)
    assert len(told(lambda: search.fit(X, y))) == 1
    with pytest.warns(UserWarning, match="nothing to a recurrent network") as caught:
        regressor(max_iter=1).fit(X, y)
    assert caught[0].filename == __file__


def test_the_warning_changes_nothing():
    X, y = SWAPPED["three"], np.arange(30.0)
    model = regressor()
    assert "vary like a time series" in told(lambda: model.fit(X, y))[0]
    ragged = [*X, np.zeros((1, 100))]  # of unequal lengths, so there is no warning
    same = regressor().fit(ragged, np.append(y, 0.0), [1.0] * 30 + [0.0])
    assert_same_model(model, same)
