"""What is learned, and the forms in which it is given back."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import train_test_split

from skbptt import RNNRegressor
from skbptt.data._inputs import check_sequences
from skbptt.data._sequences import Sequences
from tests.fits import (
    LABELS,
    LENGTHS,
    Y_STEPS,
    X,
    Y,
    assert_same_model,
    classifier,
    regressor,
)


def test_scores_are_those_of_sklearn():
    weights = np.random.RandomState(0).uniform(size=len(X))
    reg = regressor().fit(X, Y)
    expected = r2_score(Y, reg.predict(X), sample_weight=weights)
    assert reg.score(X, Y, weights) == pytest.approx(expected)
    clf = classifier().fit(X, LABELS)
    expected = accuracy_score(LABELS, clf.predict(X), sample_weight=weights)
    assert clf.score(X, LABELS, weights) == pytest.approx(expected)


@pytest.mark.parametrize("padded", [False, True])
def test_step_targets(padded):
    labels = [np.where(y > 0, "up", "down") for y in Y_STEPS]
    X_in, y_in, labels_in = X, Y_STEPS, labels
    if padded:
        X_in = np.full((40, 8, 2), np.nan)
        y_in = np.full((40, 8), np.nan)
        labels_in = np.full((40, 8), "?", dtype=object)
        for i, n in enumerate(LENGTHS):
            X_in[i, :n], y_in[i, :n], labels_in[i, :n] = X[i], Y_STEPS[i], labels[i]
    reg = regressor(return_sequences=True, max_iter=300).fit(X_in, y_in)
    clf = classifier(return_sequences=True, max_iter=300).fit(X_in, labels_in)
    flat, flat_labels = np.concatenate(Y_STEPS), np.concatenate(labels)

    def stacked(prediction):
        if padded:
            assert prediction.shape[:2] == (40, 8)
            return np.concatenate([p[:n] for p, n in zip(prediction, LENGTHS)])
        assert prediction.dtype == object
        assert [len(p) for p in prediction] == LENGTHS.tolist()
        return np.concatenate(list(prediction))

    got = stacked(reg.predict(X_in))
    assert reg.score(X_in, y_in) == pytest.approx(r2_score(flat, got.astype(float)))
    assert reg.score(X_in, y_in) > 0.9
    got = stacked(clf.predict(X_in))
    assert clf.score(X_in, labels_in) == np.mean(got == flat_labels) > 0.9
    p = stacked(clf.predict_proba(X_in)).astype(float)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    assert (clf.classes_[p.argmax(axis=1)] == flat_labels).mean() > 0.9
    weights = [np.r_[1.0, np.zeros(n - 1)] for n in LENGTHS]
    first = np.array([y[0] for y in Y_STEPS])
    predicted = np.array([p[0] for p in reg.predict(X_in)])
    expected = r2_score(first, predicted)
    assert reg.score(X_in, y_in, weights) == pytest.approx(expected)
    if padded:
        assert np.isnan(reg.predict(X_in)[np.isnan(X_in[:, :, 0])]).all()


def test_dense_step_targets_of_several_outputs():
    X3 = np.stack([x[:2] for x in X])
    Y3 = np.stack([np.cumsum(X3[:, :, 0], axis=1), X3[:, :, 1]], axis=2)
    model = regressor(return_sequences=True, max_iter=200).fit(X3, Y3)
    assert model.predict(X3).shape == (40, 2, 2)
    assert model.n_outputs_ == 2
    assert model.score(X3, Y3) > 0.8
    labels = (Y3 > 0).astype(int)
    tagger = classifier(return_sequences=True, max_iter=200).fit(X3, labels)
    assert tagger.predict_proba(X3).shape == (40, 2, 2)
    assert tagger.score(X3, labels) > 0.8
    expected = (tagger.predict(X3) == labels).all(axis=2).mean()
    assert tagger.score(X3, labels) == pytest.approx(expected)


def test_multilabel():
    y = np.column_stack([Y > 0, [x[0, 1] > 0 for x in X], Y < 10]).astype(int)
    model = classifier(max_iter=100).fit(X, y)
    assert model.out_activation_ == "logistic"
    np.testing.assert_array_equal(model.classes_, [0, 1, 2])
    p = model.predict_proba(X)
    np.testing.assert_array_equal(model.predict(X), p > 0.5)
    np.testing.assert_allclose(np.log(p), model.predict_log_proba(X), rtol=1e-9)
    assert model.score(X, y) > 0.9


@pytest.mark.parametrize("n_classes", [2, 3])
def test_probabilities(n_classes):
    y = LABELS if n_classes == 3 else LABELS == "high"
    model = classifier(max_iter=50).fit(X, y)
    p = model.predict_proba(X)
    assert p.shape == (40, n_classes)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_array_equal(model.classes_[p.argmax(axis=1)], model.predict(X))
    np.testing.assert_allclose(np.log(p), model.predict_log_proba(X), rtol=1e-9)
    decision = model.decision_function(X)
    assert decision.shape == ((40,) if n_classes == 2 else (40, 3))
    assert model.out_activation_ == ("logistic" if n_classes == 2 else "softmax")


def test_small_probabilities_are_exact():
    """Where 1 - p is 1e-30, it is not rounded to zero."""
    model = classifier(max_iter=1).fit(X, LABELS == "high")
    model._theta = np.zeros_like(model._theta)
    model._network.layout.views(model._theta)["output.b"][:] = np.log(1e30)
    np.testing.assert_allclose(model.predict_proba(X)[:, 0], 1e-30, rtol=1e-12)


def test_log_probabilities_do_not_underflow():
    model = classifier(max_iter=1).fit(X, LABELS)
    model._theta = model._theta.copy()
    model._network.layout.views(model._theta)["output.b"][:] = [0.0, -2000.0, 0.0]
    log_p = model.predict_log_proba(X)
    assert (log_p[:, 1] < -1500).all()
    assert np.isfinite(log_p).all()


@pytest.mark.parametrize(
    "loss", ["squared_error", "absolute_error", "huber", "poisson", "quantile"]
)
def test_regression_losses_learn(loss):
    y = np.exp(0.3 * Y) if loss == "poisson" else Y
    model = regressor(loss=loss, max_iter=100, hidden_layer_sizes=16).fit(X, y)
    assert model.score(X, y) > 0.9
    assert model.out_activation_ == ("exp" if loss == "poisson" else "identity")
    if loss == "poisson":
        assert (model.predict(X) > 0).all()


@pytest.mark.parametrize("quantile", [0.1, 0.8])
def test_quantiles_cover_their_share(quantile):
    noise = np.random.RandomState(0).standard_normal(400)
    model = regressor(loss="quantile", quantile=quantile, max_iter=30)
    constant = np.zeros((400, 3, 1)) + np.arange(400)[:, None, None] % 2
    prediction = model.fit(constant, noise).predict(constant)
    assert (noise <= prediction).mean() == pytest.approx(quantile, abs=0.05)


def test_huber_and_absolute_error_do_not_follow_outliers():
    y = np.where(np.arange(40) % 10 == 0, 1000.0, 1.0)
    constant = np.ones((40, 3, 1)) + 0.01 * np.arange(40)[:, None, None]
    for loss in ("absolute_error", "huber"):
        model = regressor(loss=loss, max_iter=2000, alpha=0.0)
        model.set_params(max_grad_norm=None, learning_rate_init=1.0)
        assert np.median(model.fit(constant, y).predict(constant)) < 20
    squared = regressor(max_iter=50).fit(constant, y)
    assert np.median(squared.predict(constant)) > 50


def test_partial_fits_recover_from_divergence():
    wild = {"cell": "rnn", "activation": "identity", "max_grad_norm": None}
    wild |= {"learning_rate": "constant", "learning_rate_init": 1e200}
    model = regressor(**wild)
    for _ in range(4):
        with pytest.warns(ConvergenceWarning, match="diverged"):
            model.partial_fit(X, Y)
        assert np.isfinite(model.predict(X)).all()
    model.set_params(learning_rate_init=0.01)
    curve = [model.partial_fit(X, Y).loss_ for _ in range(30)]
    assert curve[-1] < 0.5 * curve[0]


def test_fingerprint_tells_data_apart():
    from skbptt.data._data import Data, fingerprint

    def of(steps, lengths, y, weights):
        sequences = Sequences(np.array(steps)[:, None], np.array(lengths))
        return fingerprint(Data(sequences, np.array(y), np.array(weights), False))

    base = of([1.0, 2, 3], [1, 2], [0, 1], [1.0, 1])
    assert base == of([1.0, 2, 3], [1, 2], [0, 1], [1.0, 1])
    assert base != of([1.0, 2, 4], [1, 2], [0, 1], [1.0, 1])
    assert base != of([1.0, 2, 3], [2, 1], [0, 1], [1.0, 1])
    assert base != of([1.0, 2, 3], [1, 2], [1, 1], [1.0, 1])
    assert base != of([1.0, 2, 3], [1, 2], [0, 1], [1.0, 2])


def test_lists_of_data_frames():
    pandas = pytest.importorskip("pandas")
    frames = [pandas.DataFrame(x, columns=["a", "b"]) for x in X]
    model = regressor().fit(frames, Y)
    assert_same_model(model, regressor().fit(X, Y))
    np.testing.assert_array_equal(model.feature_names_in_, ["a", "b"])
    np.testing.assert_array_equal(model.predict(frames), regressor().fit(X, Y).predict(X))
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict([frame[["b", "a"]] for frame in frames])
    with pytest.raises(ValueError, match=r"same columns in the same order: X\[1\]"):
        model.predict([frames[0], frames[1][["b", "a"]]])


@pytest.mark.parametrize("cell", ["rnn", "gru", "lem", "lstm"])
def test_float32_stays_float32(cell):
    X32 = [x.astype(np.float32) for x in X]
    reg = regressor(cell=cell, dropout=0.1).fit(X32, Y)
    assert {w.dtype for w in reg.weights_.values()} == {np.dtype("f4")}
    assert reg.predict(X32).dtype == np.float32
    assert reg.predict(X).dtype == np.float32
    clf = classifier(cell=cell, class_weight="balanced").fit(X32, LABELS)
    assert clf.predict_proba(X32).dtype == np.float32
    assert regressor(cell=cell).fit(X, Y).predict(X32).dtype == np.float64
    exact = regressor(cell=cell).fit([x.astype(float) for x in X32], Y)
    rough = regressor(cell=cell).fit(X32, Y)
    np.testing.assert_allclose(rough.predict(X32), exact.predict(X32), atol=1e-3)


def test_all_forms_of_the_same_sequences_agree():
    objects = np.empty(40, dtype=object)
    padded = np.full((40, 8, 2), np.nan)
    for i, x in enumerate(X):
        objects[i], padded[i, : len(x)] = x, x
    model = regressor().fit(X, Y)
    for form in (tuple(X), objects, padded, [x.tolist() for x in X]):
        assert_same_model(model, regressor().fit(form, Y))
        np.testing.assert_array_equal(model.predict(X), model.predict(form))
    wider = np.concatenate([padded, np.full((40, 5, 2), np.nan)], axis=1)
    np.testing.assert_array_equal(model.predict(wider), model.predict(X))


def test_two_dimensional_X_is_univariate():
    X2 = np.random.RandomState(0).standard_normal((30, 5))
    flat = regressor().fit(X2, X2[:, 0])
    deep = regressor().fit(X2[:, :, np.newaxis], X2[:, 0])
    assert_same_model(flat, deep)
    assert (flat.n_features_in_, deep.n_features_in_) == (5, 1)


def test_weights_mapping():
    model = RNNRegressor((5, 3), cell="gru", bidirectional=True, max_iter=1).fit(X, Y)
    shapes = {name: w.shape for name, w in model.weights_.items()}
    for direction in ("forward", "backward"):
        assert shapes[f"layers.0.{direction}.W"] == (2, 15)
        assert shapes[f"layers.0.{direction}.R"] == (5, 15)
        assert shapes[f"layers.0.{direction}.b"] == (15,)
        assert shapes[f"layers.0.{direction}.b_n"] == (5,)
        assert shapes[f"layers.1.{direction}.W"] == (10, 9)
    assert shapes["output.W"] == (3 * 6, 1)
    assert shapes["output.b"] == (1,)
    assert len(shapes) == 4 * 4 + 2
    with pytest.raises(TypeError):
        model.weights_["output.b"] = 0
    with pytest.raises(ValueError, match="read-only"):
        model.weights_["output.b"][0] = 1
    assert model.n_layers_ == 4
    assert not hasattr(RNNRegressor(), "weights_")


def test_inputs_are_not_changed():
    X_in = np.array(np.stack([x[:2] for x in X]))
    y, weights = Y.copy(), np.ones(40)
    copies = X_in.copy(), y.copy(), weights.copy()
    for array in (X_in, y, weights):
        array.flags.writeable = False
    regressor().fit(X_in, y, weights).predict(X_in)
    for array, copy in zip((X_in, y, weights), copies):
        np.testing.assert_array_equal(array, copy)


def test_held_out_data_is_not_trained_on():
    """Changing the targets held back changes the scores, not the weights."""
    model = regressor(early_stopping=True, shuffle=False, n_iter_no_change=np.inf)
    model.fit(X, Y)
    seed = model._state["split"]
    _, held = train_test_split(np.arange(40), test_size=4, random_state=seed)
    y = Y.copy()
    y[held] += 5.0
    other = clone(model).set_params(n_iter_no_change=np.inf).fit(X, y)
    assert other.loss_curve_ == model.loss_curve_
    assert other.validation_scores_ != model.validation_scores_


def test_steps_are_contiguous_in_every_form():
    """Or every batch would copy all of them."""
    dense = np.random.RandomState(0).standard_normal((20, 5, 3))
    y = dense[:, 0, 0]
    model = regressor(max_iter=1)
    forms = [dense[:, :, :2], dense[..., 1], [np.asfortranarray(x) for x in dense]]
    for X_in in forms:
        model.fit(X_in, y)
        assert check_sequences(model, X_in, reset=False).steps.flags.c_contiguous
        copied = np.ascontiguousarray(X_in)
        np.testing.assert_array_equal(model.predict(X_in), model.predict(copied))


def test_large_labels_are_not_rounded():
    """Padding makes them no floats."""
    x = np.random.default_rng(0).normal(size=(20, 4, 1))
    x[3, 2:] = np.nan
    labels = np.where(x[..., 0] > 0, 2**53, 2**53 + 1)
    predicted = classifier(return_sequences=True, max_iter=40).fit(x, labels).predict(x)
    valid = ~np.isnan(x[..., 0])
    assert set(predicted[valid]) == {2**53, 2**53 + 1}
