"""X_val and y_val: validation data of the user's own."""

import numpy as np
import pytest
from sklearn import config_context
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from skbptt import solvers
from skbptt.preprocessing import TimeDistributed
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

HELD = slice(30, None)
KEPT = slice(30)
OWN = {"X_val": X[HELD], "y_val": Y[HELD]}
PATIENT = {"early_stopping": True, "n_iter_no_change": np.inf}


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize(
    ("make", "options", "y"),
    [
        (regressor, {}, Y),
        (classifier, {"class_weight": {"low": 3, "mid": 1, "high": 2}}, LABELS),
        (regressor, {"return_sequences": True}, Y_STEPS),
    ],
)
def test_scores_are_those_of_each_epoch(make, options, y, solver):
    """As partial fits, which make the same epochs, score on that data."""
    options = options | {"solver": solver, "max_iter": 8, "batch_size": 8}
    options |= {"learning_rate": "constant", "scoring": None}
    model = make(**options, **PATIENT)
    quietly(model.fit, X[KEPT], y[KEPT], X_val=X[HELD], y_val=y[HELD])
    steps, scores, weights = make(**options), [], []
    for _ in range(8):
        steps.partial_fit(X[KEPT], y[KEPT], **classes_of(steps, y))
        factors = None
        if "class_weight" in options:
            factors = [options["class_weight"][label] for label in y[HELD]]
        scores.append(steps.score(X[HELD], y[HELD], factors))
        weights.append(np.array(steps._theta))
    np.testing.assert_allclose(model.validation_scores_, scores, rtol=1e-12)
    assert model.loss_curve_ == steps.loss_curve_
    assert model.best_validation_score_ == max(model.validation_scores_)
    np.testing.assert_array_equal(model._theta, weights[7 - np.argmax(scores[::-1])])


def classes_of(model, y):
    return {"classes": np.unique(y)} if hasattr(model, "class_weight") else {}


@pytest.mark.parametrize("solver", [*solvers.METHODS, "hessian-free"])
def test_full_batch_solvers(solver):
    options = {"solver": solver, "readout": "last", "scoring": None}
    model = quietly(regressor(**options, **PATIENT).fit, X[KEPT], Y[KEPT], **OWN)
    for k, score in enumerate(model.validation_scores_, 1):
        shorter = quietly(regressor(**options, max_iter=k).fit, X[KEPT], Y[KEPT])
        assert score == pytest.approx(shorter.score(X[HELD], Y[HELD]), rel=1e-12)


def test_the_loss_is_measured_too():
    model = regressor(**PATIENT).fit(X[KEPT], Y[KEPT], **OWN)
    best = int(np.argmax(model.validation_scores_))
    error = model.predict(X[HELD]) - Y[HELD]
    assert model.validation_loss_curve_[best] == pytest.approx((error**2).mean() / 2)


def test_patience():
    """Validation targets that nothing learned leads to end training soon."""
    model = regressor(early_stopping=True, n_iter_no_change=2, max_iter=50)
    model.fit(X[KEPT], Y[KEPT], X_val=X[HELD], y_val=-Y[HELD])
    # No progress in the last three epochs before the fall, which is as long as all before.
    half = model.n_iter_ // 2
    assert model.n_iter_ == 2 * half < 20
    assert np.argmax(model.validation_scores_[:half]) == half - 4


def test_weights_are_counts():
    counts = np.arange(10) % 4
    weighted = regressor(**PATIENT).fit(X[KEPT], Y[KEPT], **OWN, sample_weight_val=counts)
    rows = np.repeat(np.arange(30, 40), counts)
    repeated = regressor(**PATIENT).fit(
        X[KEPT], Y[KEPT], X_val=[X[i] for i in rows], y_val=Y[rows]
    )
    assert weighted.validation_scores_ == repeated.validation_scores_
    assert_same_model(weighted, repeated)


def test_warm_start_compares_scores_of_the_same_data_only():
    model = regressor(warm_start=True, **PATIENT)
    model.fit(X[KEPT], Y[KEPT], X_val=X[HELD], y_val=Y[HELD])
    first = model.best_validation_score_
    model.fit(X[KEPT], Y[KEPT], X_val=X[HELD], y_val=-Y[HELD])
    assert model.best_validation_score_ == max(model.validation_scores_[6:]) < first


def test_in_a_pipeline_and_a_search():
    """X_val goes through the steps before, by scikit-learn's ``transform_input``."""
    net = regressor(**PATIENT)
    with config_context(enable_metadata_routing=True):
        net.set_fit_request(X_val=True, y_val=True)
        pipeline = Pipeline(
            [("scale", TimeDistributed(StandardScaler())), ("net", net)],
            transform_input=["X_val"],
        ).fit(X[KEPT], Y[KEPT], **OWN)
        grid = {"net__hidden_layer_sizes": [2, 3]}
        search = GridSearchCV(pipeline, grid, cv=KFold(2)).fit(X[KEPT], Y[KEPT], **OWN)
    scaler = TimeDistributed(StandardScaler()).fit(X[KEPT])
    by_hand = regressor(**PATIENT).fit(
        scaler.transform(X[KEPT]),
        Y[KEPT],
        X_val=scaler.transform(X[HELD]),
        y_val=Y[HELD],
    )
    assert_same_model(pipeline[-1], by_hand)
    assert search.best_estimator_[-1].validation_scores_ is not None


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ({"X_val": X[HELD]}, "y_val is needed where X_val is given"),
        ({"y_val": Y[HELD]}, "X_val is needed where y_val is given"),
        ({"sample_weight_val": [1]}, "X_val is needed where sample_weight_val"),
        (OWN | {"y_val": Y[:3]}, "X_val, y_val .*: .*X has 10 sequences, y has 3"),
        (OWN | {"X_val": np.zeros((10, 4))}, "X_val, y_val .*: X is 2-D"),
        (OWN | {"X_val": np.zeros((10, 4, 3))}, "X_val, y_val .*: X has 3 features"),
        (OWN | {"y_val": np.c_[Y, Y][HELD]}, "X_val, y_val .* y has 2, but had 1"),
        ({"X_val": X[:1], "y_val": Y[:1]}, "must hold at least 2 targets. Got 1"),
        (OWN | {"sample_weight_val": np.zeros(10)}, "X_val, .*zero"),
    ],
)
def test_bad_input(own, message):
    model = regressor(early_stopping=True).fit(X, Y)
    before = dict(vars(model))
    with pytest.raises(ValueError, match=message):
        model.fit(X[KEPT], Y[KEPT], **own)
    assert vars(model) == before


def test_a_label_that_training_does_not_have():
    with pytest.raises(ValueError, match=r"X_val, y_val .*labels \['none'\]"):
        classifier(early_stopping=True).fit(X, LABELS, X_val=X[:2], y_val=["low", "none"])


def test_without_early_stopping_it_would_be_ignored():
    with pytest.raises(ValueError, match="X_val and y_val are for early_stopping=True"):
        regressor().fit(X[KEPT], Y[KEPT], **OWN)
