"""Early stopping: what is watched, on which sequences, and what that does to nets."""

import numpy as np
import pytest
from sklearn.metrics import make_scorer, mean_absolute_error, roc_auc_score

from skbptt import RNNClassifier, RNNRegressor
from skbptt.data._data import Data
from skbptt.data._sequences import Sequences
from skbptt.datasets import load_japanese_vowels
from skbptt.preprocessing import make_windows
from skbptt.training._early_stopping import hold_back
from skbptt.training._overlap import positions_in_series
from tests.fits import (
    LABELS,
    Y_STEPS,
    X,
    Y,
    assert_same_model,
    classifier,
    quietly,
    regressor,
)

HELD, KEPT = slice(25, None), slice(25)
OWN = {"X_val": X[HELD], "y_val": Y[HELD]}


def mean_absolute_distance(estimator, X, y):
    """A scorer that takes no weights."""
    return -np.abs(estimator.predict(X) - y).mean()


@pytest.mark.parametrize(
    "scoring",
    [
        "neg_mean_absolute_error",
        make_scorer(mean_absolute_error, greater_is_better=False),
        mean_absolute_distance,
    ],
)
def test_scorers_by_name_and_callable(scoring):
    """Each epoch has the score of the net as it is then, and the best is kept."""
    model = regressor(early_stopping=True, scoring=scoring, max_iter=12)
    quietly(model.fit, X[KEPT], Y[KEPT], **OWN)
    error = -np.abs(model.predict(X[HELD]) - Y[HELD]).mean()
    assert error == pytest.approx(max(model.validation_scores_), rel=1e-12)
    assert len(model.validation_scores_) == len(model.validation_loss_curve_)


def test_the_loss_is_watched_by_default():
    model = regressor(early_stopping=True, max_iter=12)
    quietly(model.fit, X[KEPT], Y[KEPT], **OWN)
    np.testing.assert_array_equal(
        model.validation_scores_, -np.array(model.validation_loss_curve_)
    )
    error = model.predict(X[HELD]) - Y[HELD]
    assert min(model.validation_loss_curve_) == pytest.approx((error**2).mean() / 2)


def test_scorers_by_name_are_applied_to_all_steps():
    options = {"return_sequences": True, "early_stopping": True, "max_iter": 8}
    model = regressor(scoring="neg_mean_absolute_error", **options)
    quietly(model.fit, X[KEPT], Y_STEPS[KEPT], X_val=X[HELD], y_val=Y_STEPS[HELD])
    error = np.concatenate(list(model.predict(X[HELD]))) - np.concatenate(Y_STEPS[HELD])
    assert max(model.validation_scores_) == pytest.approx(-np.abs(error).mean())


def test_a_scorer_without_weights_is_given_equal_sequences_as_often_as_they_came():
    rows = np.r_[np.arange(25, 40), 26, 26, 30]
    own = {"X_val": [X[i] for i in rows], "y_val": Y[rows]}
    model = regressor(early_stopping=True, scoring=mean_absolute_distance)
    quietly(model.fit, X[KEPT], Y[KEPT], **own)
    error = np.abs(model.predict(own["X_val"]) - Y[rows]).mean()
    assert error == pytest.approx(-max(model.validation_scores_), rel=1e-12)
    own["sample_weight_val"] = np.full(len(rows), 0.3)
    with pytest.raises(ValueError, match="must take sample_weight"):
        model.fit(X[KEPT], Y[KEPT], **own)
    model.set_params(scoring="neg_mean_absolute_error").fit(X[KEPT], Y[KEPT], **own)


@pytest.mark.parametrize("scoring", ["nonsense", 3])
def test_bad_scoring(scoring):
    with pytest.raises(ValueError, match="'scoring' parameter"):
        regressor(early_stopping=True, scoring=scoring).fit(X, Y)


def test_few_held_back_are_warned_of():
    with pytest.warns(UserWarning, match="fewer than 10 targets"):
        classifier(early_stopping=True).fit(X, LABELS)


def test_validation_set_too_small():
    with pytest.raises(
        ValueError, match="validation_fraction=0.1 of 6 different sequences"
    ):
        RNNRegressor(early_stopping=True).fit(X[:6], Y[:6])


def series_data(lengths, window, stride=1, per_step=False):
    """Windows of several series, in random order, and the series and start of each."""
    random = np.random.RandomState(0)
    windows, origin = [], []
    for k, n in enumerate(lengths):
        values = random.normal(size=(n, 2))
        for start in range(0, n - window + 1, stride):
            windows.append(values[start : start + window])
            origin.append((k, start))
    order = random.permutation(len(windows))
    origin = np.array(origin)[order]
    steps = np.concatenate([windows[i] for i in order])
    sequences = Sequences(steps, np.full(len(order), window))
    y = np.arange(len(steps) if per_step else len(order), dtype=float)[:, None]
    return Data(sequences, y, np.ones(len(y)), per_step), origin


@pytest.mark.parametrize(("lengths", "stride"), [([60], 1), ([60, 40, 30], 1), ([90], 3)])
def test_windows_of_a_series_are_found(lengths, stride):
    """In whatever order: positions differ from the true ones by a constant per series."""
    data, origin = series_data(lengths, window=8, stride=stride)
    series, position = positions_in_series(data.sequences)
    for k in range(len(lengths)):
        (found,) = {*series[origin[:, 0] == k]}
        offsets = position[series == found] - origin[origin[:, 0] == k, 1]
        assert len(set(offsets)) == 1
    assert len(set(series)) == len(lengths)


@pytest.mark.parametrize("kind", ["apart", "symbols", "constant", "repeated", "single"])
def test_other_sequences_are_no_windows(kind):
    random = np.random.RandomState(0)
    values = {
        "apart": random.normal(size=(50, 6, 1)),
        "symbols": random.randint(0, 2, size=(50, 6, 1)).astype(float),
        "constant": np.ones((50, 6, 1)) * (np.arange(50) % 2)[:, None, None],
        "repeated": (np.arange(50)[:, None, None] + np.arange(6)[:, None]) % 30.0,
        "single": random.normal(size=(50, 1, 1)),
    }[kind]
    lengths = np.full(50, values.shape[1])
    assert positions_in_series(Sequences(values.reshape(-1, 1), lengths)) is None


def test_windows_are_held_back_from_the_end():
    data, origin = series_data([60, 60], window=8)
    train, held = hold_back(data, 0.1, seed=0)
    train, held = (origin[part.y[:, 0].astype(int)] for part in (train, held))
    assert len(held) == 11
    assert len(train) == len(origin) - 11
    for k in (0, 1):
        starts = held[held[:, 0] == k, 1]
        assert sorted(starts) == list(range(53 - len(starts), 53))


def test_step_targets_of_windows_are_not_trained_on():
    """No step that is validated on is in a window of the training data."""
    data, _ = series_data([100], window=8, per_step=True)
    train, held = hold_back(data, 0.1, seed=0)
    shared = set(train.sequences.steps[:, 0]) & set(held.sequences.steps[:, 0])
    assert not shared
    assert len(train.sequences) == 93 - 10 - 7


def test_a_class_of_one_is_trained_on():
    labels = np.r_[np.repeat([0, 1], 25), 2]
    sequences = Sequences(np.arange(51.0)[:, None], np.ones(51, int))
    for seed in range(5):
        train, held = hold_back(
            Data(sequences, labels, np.ones(51), False), 0.2, seed, labels
        )
        assert 2 in train.y
        assert sorted(np.bincount(held.y)) == [5, 6]


def test_quantiles_keep_their_coverage():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3000, 8, 1))
    y = X[:, -1, 0] + np.exp(X[:, 0, 0]) * rng.normal(size=3000)
    shares = []
    for early_stopping in (False, True):
        model = RNNRegressor(16, loss="quantile", quantile=0.05, max_iter=60)
        model.set_params(early_stopping=early_stopping, random_state=0)
        model.fit(X[:1500], y[:1500])
        shares.append(np.mean(y[1500:] < model.predict(X[1500:])))
    assert abs(shares[1] - shares[0]) <= 0.02


@pytest.mark.parametrize("max_iter", [100, 100_000])
def test_a_bound_that_is_not_reached_does_not_matter(max_iter):
    X, y = load_japanese_vowels(subset="train", return_X_y=True)
    X_test, y_test = load_japanese_vowels(subset="test", return_X_y=True)
    model = RNNClassifier(32, early_stopping=True, max_iter=max_iter, random_state=0)
    model.fit(X, y)
    assert model.score(X_test, y_test) >= 0.945
    assert model.n_iter_ <= 200


@pytest.mark.parametrize("solver", ["adam", "lbfgs", "hessian-free"])
def test_rare_class(solver):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1600, 20, 1))
    total = X[:, :, 0].sum(axis=1)
    y = (total > np.quantile(total[:800], 0.99)).astype(int)
    model = RNNClassifier(16, solver=solver, early_stopping=True, max_iter=12)
    quietly(model.set_params(random_state=0).fit, X[:800], y[:800])
    assert roc_auc_score(y[800:], model.predict_proba(X[800:])[:, 1]) >= 0.97


@pytest.mark.parametrize("options", [{}, {"solver": "lbfgs", "readout": "last"}])
def test_small_returns(options):
    rng, returns = np.random.default_rng(0), np.zeros(1200)
    for t in range(1, 1200):
        returns[t] = 0.8 * returns[t - 1] + 1e-4 * rng.normal()
    X, y = make_windows(returns, window=10)
    X = (X - X[:600].mean()) / X[:600].std()
    model = RNNRegressor(random_state=0, **options)
    quietly(model.fit, X[:800], y[:800])
    assert model.score(X[800:], y[800:]) >= 0.5


def test_a_stream_that_drifts_is_followed():
    """The default rate of partial_fit does not fall."""
    rng = np.random.default_rng(0)
    model, errors = RNNRegressor(8, random_state=0), []
    for call in range(300):
        x = rng.normal(size=(16, 5, 1))
        y = x[:, -1, 0] * (1 if call < 150 else -1)
        if call > 250:
            errors.append(np.mean((model.predict(x) - y) ** 2))
        model.partial_fit(x, y)
    assert np.mean(errors) < 0.1
    same = [
        RNNRegressor(4, random_state=0, learning_rate=rate).partial_fit(X, Y)
        for rate in ("auto", "constant")
    ]
    assert_same_model(*same)
    cycle = quietly(regressor(learning_rate="one_cycle").fit, X, Y)
    assert_same_model(quietly(regressor().fit, X, Y), cycle)
