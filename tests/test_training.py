"""Training of the estimators: resuming, counts, stopping, interruption, divergence."""

import pickle
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import train_test_split

from skbptt import RNNClassifier, RNNRegressor
from skbptt._data import canonical, hold_back
from skbptt._objective import parts_of
from skbptt._sequences import Sequences
from skbptt.inspection import loss_gradient
from tests.gradcheck import complex_gradient, reference_value

rng = np.random.RandomState(0)
LENGTHS = rng.randint(2, 9, 40)
X = [rng.standard_normal((n, 2)) for n in LENGTHS]
Y = np.array([x[:, 0].sum() for x in X])
LABELS = np.where(Y > 1, "high", np.where(Y < -1, "low", "mid"))
Y_STEPS = [np.cumsum(x[:, 0]) for x in X]

SCHEDULES = ["one_cycle", "constant", "invscaling", "adaptive"]


def regressor(**options):
    defaults = {"hidden_layer_sizes": 4, "max_iter": 6, "random_state": 0}
    return RNNRegressor(**defaults | options)


def classifier(**options):
    defaults = {"hidden_layer_sizes": 4, "max_iter": 6, "random_state": 0}
    return RNNClassifier(**defaults | options)


def quietly(call, *args, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return call(*args, **kwargs)


def assert_same_model(a, b, curve=True):
    for name, value in a.weights_.items():
        np.testing.assert_array_equal(value, b.weights_[name], err_msg=name)
    if curve:
        assert a.loss_curve_ == b.loss_curve_


# Resuming.


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_partial_fits_equal_one_fit(solver, schedule):
    """As many partial fits as epochs, stored and reloaded half-way, are one fit."""
    options = {
        "solver": solver,
        "learning_rate": schedule,
        "batch_size": 8,
        "dropout": 0.3,
        "n_iter_no_change": 1,
    }
    whole = quietly(regressor(**options, tol=1e-9).fit, X, Y)
    parts = regressor(**options, tol=1e-9)
    for _ in range(3):
        parts.partial_fit(X, Y)
    parts = pickle.loads(pickle.dumps(parts))
    for _ in range(whole.n_iter_ - 3):
        parts.partial_fit(X, Y)
    assert_same_model(whole, parts)
    assert parts.t_ == whole.t_ == 40 * whole.n_iter_
    assert parts.n_iter_ == whole.n_iter_ > 3


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("schedule", ["constant", "invscaling", "adaptive"])
def test_warm_start_resumes(solver, schedule):
    options = {"solver": solver, "learning_rate": schedule, "n_iter_no_change": 2}
    whole = quietly(classifier(**options, max_iter=8).fit, X, LABELS)
    halves = classifier(**options, max_iter=4, warm_start=True)
    quietly(halves.fit, X, LABELS)
    halves = pickle.loads(pickle.dumps(halves))
    quietly(halves.fit, X, LABELS)
    assert_same_model(whole, halves)
    fresh = quietly(clone(halves).fit, X, LABELS)
    assert fresh.n_iter_ == 4


def test_a_cycle_starts_again_with_a_warm_start():
    """Its second fit moves as far as its first did, where a spent rate would not."""
    model = regressor(warm_start=True, max_iter=10).fit(X, Y)
    before = model.weights_["layers.0.forward.R"].copy()
    model.fit(X, Y)
    assert model.n_iter_ == 20
    assert np.abs(model.weights_["layers.0.forward.R"] - before).max() > 0.01


def test_partial_fit_learns_on_after_its_cycle_has_ended():
    model = regressor(max_iter=5)
    curve = [model.partial_fit(X, Y).loss_ for _ in range(100)]
    assert curve[-1] < 0.2 * curve[4]


@pytest.mark.parametrize("solver", ["lbfgs", "cg"])
def test_warm_start_of_full_batch_solvers_goes_on(solver):
    model = regressor(solver=solver, max_iter=5, warm_start=True)
    quietly(model.fit, X, Y)
    first = model.loss_
    quietly(model.fit, X, Y)
    assert model.loss_curve_[4] == first
    assert model.loss_curve_[5] < first
    assert model.n_iter_ == 10


def test_partial_fits_are_not_all_shuffled_alike():
    """Two passes with an int seed differ from twice the same pass."""
    one = regressor(batch_size=4, learning_rate="constant").partial_fit(X, Y)
    one.partial_fit(X, Y)
    other = regressor(batch_size=4, learning_rate="constant").partial_fit(X, Y)
    other._state["rng"] = np.random.RandomState(5)
    other.partial_fit(X, Y)
    assert one.loss_curve_[0] == other.loss_curve_[0]
    assert one.loss_curve_[1] != other.loss_curve_[1]


def test_fit_after_partial_fit():
    """With warm_start it goes on, and else begins again."""
    model = regressor(warm_start=True).partial_fit(X, Y)
    assert model.fit(X, Y).n_iter_ == 7
    model = regressor().partial_fit(X, Y)
    assert_same_model(model.fit(X, Y), regressor().fit(X, Y))


def test_fit_does_not_go_on_without_warm_start():
    once = regressor().fit(X, Y)
    twice = regressor().fit(X, -Y).fit(X, Y)
    assert_same_model(once, twice)


def test_random_state():
    assert_same_model(regressor().fit(X, Y), regressor().fit(X, Y))
    other = regressor(random_state=1).fit(X, Y)
    assert other.loss_ != regressor().fit(X, Y).loss_
    stream = np.random.RandomState(0)
    a = regressor(random_state=stream).fit(X, Y)
    b = regressor(random_state=stream).fit(X, Y)
    assert a.loss_ != b.loss_


# Weights are counts.


def repeated(values, counts):
    return [value for value, count in zip(values, counts) for _ in range(count)]


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs", "cg"])
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_weights_equal_repetitions(cell, solver):
    counts = np.random.RandomState(3).randint(0, 4, len(X))
    counts[0] = 0
    options = {"cell": cell, "solver": solver, "max_iter": 8}
    weighted = quietly(regressor(**options).fit, X, Y, counts)
    order = np.random.RandomState(4).permutation(counts.sum())
    X_rep = [repeated(X, counts)[i] for i in order]
    y_rep = np.array(repeated(Y, counts))[order]
    assert_same_model(weighted, quietly(regressor(**options).fit, X_rep, y_rep))


@pytest.mark.parametrize("class_weight", [None, "balanced", {"mid": 0.1, "low": 0.7}])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_weights_equal_repetitions_of_labels(class_weight, early_stopping):
    counts = np.random.RandomState(3).randint(0, 10, len(X))
    model = classifier(
        class_weight=class_weight,
        early_stopping=early_stopping,
        validation_fraction=0.3,
        dropout=0.2,
    )
    weighted = clone(model).fit(X, LABELS, counts)
    rows = clone(model).fit(repeated(X, counts), repeated(LABELS, counts))
    assert_same_model(weighted, rows)
    assert weighted.validation_scores_ == rows.validation_scores_


def test_weights_equal_repetitions_of_balanced_indicators():
    counts = np.random.RandomState(3).randint(0, 4, len(X))
    y = np.column_stack([Y > 0, Y > 1]).astype(int)
    model = classifier(class_weight="balanced")
    rows = clone(model).fit(repeated(X, counts), np.array(repeated(y, counts)))
    assert_same_model(clone(model).fit(X, y, counts), rows)


def test_step_weights_equal_repetitions():
    """A sequence given twice is one whose step weights are doubled; zeros drop steps."""
    counts = np.random.RandomState(3).randint(0, 3, len(X))
    step_weights = [np.full(len(x), c) for x, c in zip(X, counts)]
    model = regressor(return_sequences=True)
    by_step = clone(model).fit(X, Y_STEPS, step_weights)
    assert_same_model(by_step, clone(model).fit(X, Y_STEPS, counts))
    rows = clone(model).fit(repeated(X, counts), repeated(Y_STEPS, counts))
    assert_same_model(by_step, rows)


def test_a_step_without_weight_has_no_target():
    weights = [np.ones(len(x)) for x in X]
    other = [y.copy() for y in Y_STEPS]
    for i in range(0, len(X), 2):
        weights[i][1] = 0
        other[i][1] = 1e6
    model = regressor(return_sequences=True, alpha=0.0, shuffle=False, max_iter=2)
    model.fit(X, Y_STEPS, weights)
    loss, gradient = loss_gradient(model, X, Y_STEPS, weights)
    other_loss, other_gradient = loss_gradient(model, X, other, weights)
    assert loss == pytest.approx(other_loss, rel=1e-12)
    for name in gradient:
        np.testing.assert_allclose(gradient[name], other_gradient[name], rtol=1e-9)


def test_order_of_the_data_does_not_matter():
    order = np.random.RandomState(1).permutation(len(X))
    shuffled = regressor().fit([X[i] for i in order], Y[order])
    assert_same_model(regressor().fit(X, Y), shuffled)


def test_without_shuffle_the_order_matters_and_zero_weights_are_dropped():
    options = {"shuffle": False, "batch_size": 8}
    kept = np.arange(len(X)) % 3 > 0
    weighted = regressor(**options).fit(X, Y, kept.astype(float))
    X_kept = [x for x, k in zip(X, kept) if k]
    assert_same_model(weighted, regressor(**options).fit(X_kept, Y[kept]))
    reordered = regressor(**options).fit(X_kept[::-1], Y[kept][::-1])
    assert reordered.loss_ != weighted.loss_


def test_scale_of_weights_only_matters_beside_alpha():
    a = regressor(alpha=1.0).fit(X, Y, np.full(len(X), 2.0))
    b = regressor(alpha=0.5).fit(X, Y)
    np.testing.assert_allclose(a.predict(X), b.predict(X), rtol=1e-9)


@pytest.mark.parametrize("per_step", [False, True])
def test_class_weight_balances(per_step):
    y = [np.repeat(v, len(x)) for x, v in zip(X, LABELS)] if per_step else LABELS
    flat = np.concatenate(y) if per_step else y
    model = classifier(
        class_weight="balanced", return_sequences=per_step, max_iter=1, alpha=0.0
    )
    data = weighted_data(model.fit(X, y), y)
    totals = [data.weights[data.y == k].sum() for k in range(3)]
    np.testing.assert_allclose(totals, len(flat) / 3)
    model.set_params(class_weight={"high": 5.0, "low": 0.5})
    data = weighted_data(model, y)
    expected = np.select([flat == "high", flat == "low"], [5.0, 0.5], 1.0)
    np.testing.assert_array_equal(data.weights, expected)


def weighted_data(model, y, weights=None):
    per_step = model.return_sequences
    return model._apply_class_weight(
        model._prepare(X, y, weights, per_step=per_step, known=True)
    )


def test_class_weight_of_indicators():
    y = np.column_stack([Y > 0, Y > 1]).astype(int)
    model = classifier(class_weight=[{1: 2.0}, {0: 3.0}], max_iter=1).fit(X, y)
    np.testing.assert_array_equal(
        weighted_data(model, y).weights,
        np.where(y[:, 0], 2.0, 1.0) * np.where(y[:, 1], 1.0, 3.0),
    )


def test_class_weight_in_partial_fit():
    factors = {"high": 5.0, "low": 0.5}
    weights = np.array([factors.get(label, 1.0) for label in LABELS])
    by_class = classifier(class_weight=factors)
    by_weight = classifier()
    for _ in range(3):
        by_class.partial_fit(X, LABELS, classes=np.unique(LABELS))
        by_weight.partial_fit(X, LABELS, weights, classes=np.unique(LABELS))
    assert_same_model(by_class, by_weight)


@pytest.mark.parametrize("per_step", [False, True])
def test_training_starts_from_the_weighted_mean(per_step):
    """A rate of next to nothing leaves the output bias where it began."""
    y = Y_STEPS if per_step else Y
    weights = np.random.RandomState(1).uniform(size=len(X))
    flat = np.concatenate(Y_STEPS) if per_step else Y
    flat_weights = np.repeat(weights, LENGTHS) if per_step else weights
    model = regressor(learning_rate_init=1e-300, max_iter=1, return_sequences=per_step)
    bias = model.fit(X, y, weights).weights_["output.b"]
    assert bias[0] == pytest.approx(np.average(flat, weights=flat_weights), rel=1e-12)


# The objective.


@pytest.mark.parametrize("truncation", [None, 2, (2, 3), [1, 4]])
def test_loss_gradient_equals_complex_step(truncation):
    model = classifier(
        hidden_layer_sizes=(3, 2),
        bidirectional=True,
        truncation=truncation,
        class_weight="balanced",
        alpha=0.7,
    ).fit(X, LABELS)
    weights = np.random.RandomState(1).uniform(0, 2, len(X))
    loss, gradient = loss_gradient(model, X, LABELS, weights)
    data = weighted_data(model, LABELS, weights)
    window = (2, 2) if truncation == 2 else truncation and tuple(truncation)

    def reference(theta):
        return reference_value(model._network, model._loss, data, 0.7, window, theta)

    theta = np.array(model._theta)
    assert loss == pytest.approx(reference(theta), rel=1e-12)
    flat = np.concatenate([g.ravel() for g in gradient.values()])
    np.testing.assert_allclose(flat, complex_gradient(reference, theta), atol=1e-12)


def test_loss_curve_of_lbfgs_is_the_objective():
    model = quietly(regressor(solver="lbfgs", max_iter=20).fit, X, Y)
    loss, gradient = loss_gradient(model, X, Y)
    assert model.loss_ == pytest.approx(loss, rel=1e-12)
    assert model.best_loss_ == min(model.loss_curve_) == model.loss_
    assert len(model.loss_curve_) == model.n_iter_


@pytest.mark.parametrize("solver", ["lbfgs", "cg"])
def test_full_batch_solvers_converge(solver):
    options = {"solver": solver, "readout": "last", "alpha": 1.0, "tol": 1e-5}
    options |= {"cell": "rnn", "hidden_layer_sizes": 2}
    model = regressor(**options, max_iter=5000).fit(X, Y)
    _, gradient = loss_gradient(model, X, Y)
    assert max(np.abs(g).max() for g in gradient.values()) <= 1e-5


def test_strength_of_l2_does_not_depend_on_the_batch_size():
    """With a loss that is zero anyway, weights decay alike for all batch sizes."""
    norms = []
    for batch_size in (5, 40):
        n_epochs = 16 if batch_size == 40 else 2
        model = RNNRegressor(
            4,
            solver="sgd",
            momentum=0.0,
            learning_rate="constant",
            learning_rate_init=0.1,
            alpha=40.0,
            batch_size=batch_size,
            max_iter=n_epochs,
            max_grad_norm=None,
            random_state=0,
        )
        quietly(
            model.fit, np.zeros((40, 3, 1)) + np.arange(40)[:, None, None], np.zeros(40)
        )
        norms.append(np.abs(model.weights_["layers.0.forward.W"]).sum())
    assert norms[0] == pytest.approx(norms[1], rel=0.05)


def test_memory_is_bounded_by_parts(monkeypatch):
    """The full objective is summed over parts, with the value of the whole."""
    model = regressor(max_iter=1).fit(X, Y)
    whole, gradient = loss_gradient(model, X, Y)
    monkeypatch.setattr("skbptt._objective.TAPE_BYTES", 1000)
    sequences = Sequences(np.vstack(X), LENGTHS)
    assert len(parts_of(model._network, sequences, np.arange(40))) == 2
    parts, gradient_of_parts = loss_gradient(model, X, Y)
    assert parts == pytest.approx(whole, rel=1e-12)
    for name in gradient:
        np.testing.assert_allclose(gradient_of_parts[name], gradient[name], atol=1e-13)
    np.testing.assert_allclose(model.predict(X)[3], model.predict([X[3]])[0], rtol=1e-12)


# Stopping.


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs", "cg"])
def test_early_stopping_gives_the_best_weights_back(solver):
    """The score of the weights kept is the best of the curve, not the last."""
    random = np.random.RandomState(0)
    y = 0.3 * Y + random.standard_normal(len(X))
    weights = random.uniform(size=len(X))
    model = regressor(
        solver=solver,
        early_stopping=True,
        validation_fraction=0.4,
        hidden_layer_sizes=16,
        max_iter=300,
        n_iter_no_change=15,
        alpha=0.0,
        learning_rate="constant",
        dropout=0.3 if solver in ("adam", "sgd") else 0.0,
    )
    quietly(model.fit, X, y, weights)
    scores = model.validation_scores_
    assert len(scores) == len(model.validation_loss_curve_) == model.n_iter_ < 300
    assert max(scores) == model.best_validation_score_ > scores[-1]
    data = canonical(model._prepare(X, y, weights, per_step=False, known=True))
    _, held = hold_back(data, 0.4, model._state["split"])
    prediction = model.predict(held.sequences.split(held.sequences.steps))
    score = r2_score(held.y, prediction, sample_weight=held.weights)
    assert score == pytest.approx(max(scores), rel=1e-12)
    errors = 0.5 * (held.y[:, 0] - prediction) ** 2
    assert np.average(errors, weights=held.weights) == pytest.approx(
        model.validation_loss_curve_[int(np.argmax(scores))], rel=1e-12
    )
    assert model.best_loss_ is None


def test_validation_score_of_a_classifier():
    weights = np.random.RandomState(0).uniform(size=len(X))
    model = classifier(early_stopping=True, validation_fraction=0.4, max_iter=30)
    model.fit(X, LABELS, weights)
    data = canonical(model._prepare(X, LABELS, weights, per_step=False, known=True))
    _, held = hold_back(data, 0.4, model._state["split"], data.y)
    right = model.predict(held.sequences.split(held.sequences.steps))
    right = right == model.classes_[held.y]
    expected = np.average(right, weights=held.weights)
    assert model.best_validation_score_ == pytest.approx(expected, rel=1e-12)


def test_early_stopping_is_stratified_where_possible(monkeypatch):
    y = np.repeat([0, 1], [32, 8])
    model = classifier(early_stopping=True, validation_fraction=0.25).fit(X, y)
    data = model._prepare(X, y, None, per_step=False, known=True)
    train, held = hold_back(data, 0.25, 0, model._strata(data))
    assert np.bincount(held.y).tolist() == [8, 2]
    assert np.bincount(train.y).tolist() == [24, 6]
    seen = []
    monkeypatch.setattr(
        "skbptt._base.hold_back", lambda *args: seen.append(args) or hold_back(*args)
    )
    model.fit(X, y)
    np.testing.assert_array_equal(seen[0][0].y, seen[0][3])
    y = np.repeat([0, 1], [39, 1])
    _, held = hold_back(data, 0.25, 0, y)
    assert len(held.y) == 10


def interrupt_after(monkeypatch, n_calls):
    from skbptt._objective import Objective

    original, calls = Objective.value_and_gradient, []

    def interrupted(self, *args):
        calls.append(1)
        if len(calls) > n_calls:
            raise KeyboardInterrupt
        return original(self, *args)

    monkeypatch.setattr(Objective, "value_and_gradient", interrupted)


@pytest.mark.parametrize(
    ("solver", "n_calls"), [("adam", 31), ("sgd", 31), ("lbfgs", 12), ("cg", 12)]
)
def test_interruption_keeps_the_best_so_far(monkeypatch, solver, n_calls):
    options = {"solver": solver, "learning_rate": "constant", "max_iter": 100}
    if solver in ("adam", "sgd"):
        # So wild that the loss goes up and down.
        options |= {"batch_size": 20, "n_iter_no_change": np.inf}
        options |= {"learning_rate_init": 0.5 if solver == "adam" else 2.0}
    model = regressor(**options)
    with monkeypatch.context() as patch:
        interrupt_after(patch, n_calls)
        with pytest.warns(ConvergenceWarning, match="interrupted by user"):
            model.fit(X, Y)
    n_iter = model.n_iter_
    assert 0 < n_iter < 100
    best = 1 + int(np.argmin(model.loss_curve_))
    assert best < n_iter or solver in ("lbfgs", "cg")
    assert model.best_loss_ == min(model.loss_curve_)
    same = quietly(regressor(**options | {"max_iter": best}).fit, X, Y)
    assert_same_model(model, same, curve=False)
    model.predict(X)
    # And training can go on.
    model.set_params(warm_start=True, max_iter=3)
    assert quietly(model.fit, X, Y).n_iter_ > n_iter


def test_interruption_before_the_first_epoch(monkeypatch):
    interrupt_after(monkeypatch, 0)
    model = regressor()
    with pytest.warns(ConvergenceWarning, match="interrupted by user"):
        model.fit(X, Y)
    assert model.n_iter_ == 0
    assert np.isfinite(model.predict(X)).all()


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_divergence_warns_and_keeps_finite_weights(solver):
    model = regressor(
        solver=solver,
        cell="rnn",
        activation="identity",
        max_grad_norm=None,
        learning_rate="constant",
        learning_rate_init=1e200,
        max_iter=50,
    )
    with pytest.warns(
        ConvergenceWarning, match="Lower learning_rate_init or max_grad_norm"
    ):
        model.fit(X, Y)
    assert all(np.isfinite(w).all() for w in model.weights_.values())
    assert np.isnan(model.loss_)
    assert model.n_iter_ < 50


@pytest.mark.parametrize("readout", ["concat", "max", "last", "mean"])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_divergence_with_every_readout(readout, early_stopping):
    model = regressor(
        cell="rnn",
        activation="identity",
        readout=readout,
        solver="sgd",
        learning_rate="constant",
        learning_rate_init=1e6,
        max_grad_norm=None,
        early_stopping=early_stopping,
        validation_fraction=0.2,
    )
    X_big = 1e3 * np.random.RandomState(0).standard_normal((40, 60, 2))
    with pytest.warns(ConvergenceWarning, match="diverged"):
        model.fit(X_big, X_big[:, 0, 0])
    assert np.isfinite(model.predict(X_big)).all()


def test_interruption_of_partial_fit_is_an_interruption(monkeypatch):
    """So that a loop of partial fits can be left, with the model as it was."""
    model = regressor().fit(X, Y)
    before = pickle.dumps(model)
    interrupt_after(monkeypatch, 1)
    with pytest.raises(KeyboardInterrupt):
        model.set_params(batch_size=10).partial_fit(X, Y)
    assert pickle.dumps(model.set_params(batch_size="auto")) == before


def test_warm_start_on_other_data_counts_improvement_anew():
    options = {"learning_rate": "constant", "warm_start": True, "max_iter": 40}
    model = quietly(regressor(**options).fit, X, 0.01 * Y)
    n_iter = model.n_iter_
    quietly(model.fit, X, 10 * Y)
    assert model.n_iter_ == n_iter + 40
    model = regressor(
        **options, early_stopping=True, validation_fraction=0.3, n_iter_no_change=15
    )
    quietly(model.fit, X, Y)
    before = model.score(X, -Y)
    assert quietly(model.fit, X, -Y).score(X, -Y) > before + 0.5


def test_fitted_loss_and_kind_of_targets_stay():
    model = regressor(loss="poisson").fit(X, np.exp(Y))
    before = model.predict(X)
    model.set_params(loss="squared_error", return_sequences=True, cell="lstm")
    np.testing.assert_array_equal(model.predict(X), before)
    assert np.isfinite(model.score(X, np.exp(Y)))
    loss_gradient(model, X, np.exp(Y))


def test_fits_at_once_in_threads():
    """Each gives what it gives alone, and the limit of BLAS threads is given back."""
    from concurrent.futures import ThreadPoolExecutor

    from threadpoolctl import threadpool_info

    def limits():
        return [p["num_threads"] for p in threadpool_info() if p["user_api"] == "blas"]

    before = limits()
    alone = [regressor(max_iter=30 * k, random_state=k).fit(X, Y) for k in (1, 2, 3)]
    with ThreadPoolExecutor(3) as pool:
        jobs = [
            pool.submit(regressor(max_iter=30 * k, random_state=k).fit, X, Y)
            for k in (1, 2, 3)
        ]
    for one, job in zip(alone, jobs):
        assert_same_model(one, job.result())
    assert limits() == before


def test_max_iter_warns_unless_a_cycle_ends():
    with pytest.warns(ConvergenceWarning, match="Maximum iterations"):
        regressor(learning_rate="constant").fit(X, Y)
    with pytest.warns(ConvergenceWarning, match="has not converged"):
        regressor(solver="lbfgs", max_iter=2).fit(X, Y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        regressor().fit(X, Y)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_plateau_ends_all_but_a_cycle(schedule):
    model = regressor(learning_rate=schedule, tol=100.0, n_iter_no_change=2, max_iter=30)
    quietly(model.fit, X, Y)
    if schedule == "one_cycle":
        assert model.n_iter_ == 30
    else:
        assert 3 <= model.n_iter_ < 30
    quietly(model.set_params(early_stopping=True).fit, X, Y)
    assert model.n_iter_ == 4 or schedule == "adaptive"


def test_nothing_is_printed_unless_verbose(capsys):
    regressor().fit(X, Y)
    assert capsys.readouterr().out == ""
    for solver in ("adam", "lbfgs"):
        model = quietly(regressor(solver=solver, verbose=True).fit, X, Y)
        lines = capsys.readouterr().out.splitlines()
        expected = [
            f"Iteration {k + 1}, loss = {loss:.8f}"
            for k, loss in enumerate(model.loss_curve_)
        ]
        assert lines == expected
    regressor(verbose=3).fit(X, Y)
    assert len(capsys.readouterr().out.splitlines()) == 2


OBEYED = [
    ("hidden_layer_sizes", 5, {}),
    ("hidden_layer_sizes", (4, 3), {}),
    ("cell", "lstm", {}),
    ("activation", "relu", {"cell": "rnn"}),
    ("bidirectional", True, {}),
    ("readout", "last", {}),
    ("dropout", 0.2, {}),
    ("loss", "huber", {}),
    ("quantile", 0.9, {"loss": "quantile"}),
    ("alpha", 1.0, {}),
    ("alpha", 1.0, {"solver": "lbfgs"}),
    ("max_grad_norm", 0.01, {}),
    ("max_grad_norm", None, {"max_grad_norm": 0.01, "solver": "sgd"}),
    ("truncation", 1, {}),
    ("truncation", (1, 2), {"truncation": 1}),
    ("batch_size", 3, {}),
    ("learning_rate", "constant", {}),
    ("learning_rate_init", 0.1, {"learning_rate": "constant"}),
    ("power_t", 0.9, {"learning_rate": "invscaling"}),
    ("max_iter", 9, {}),
    ("max_iter", 9, {"solver": "cg"}),
    ("shuffle", False, {"batch_size": 5}),
    ("random_state", 1, {}),
    ("tol", 10.0, {"solver": "lbfgs"}),
    ("tol", 10.0, {"learning_rate": "constant", "n_iter_no_change": 1}),
    ("momentum", 0.5, {"solver": "sgd"}),
    ("nesterovs_momentum", False, {"solver": "sgd"}),
    ("early_stopping", True, {}),
    ("validation_fraction", 0.4, {"early_stopping": True}),
    ("beta_1", 0.5, {}),
    ("beta_2", 0.5, {}),
    ("epsilon", 0.1, {}),
    ("n_iter_no_change", 2, {"learning_rate": "constant", "tol": 10.0, "max_iter": 20}),
    ("max_fun", 3, {"solver": "lbfgs"}),
    ("max_fun", 3, {"solver": "cg"}),
]


@pytest.mark.parametrize(("name", "value", "others"), OBEYED)
def test_every_parameter_is_obeyed(name, value, others):
    """What each does is tested elsewhere; here, that it reaches what does it."""
    before = quietly(regressor(**others).fit, X, Y)
    after = quietly(regressor(**others | {name: value}).fit, X, Y)
    assert not np.array_equal(before.predict(X), after.predict(X))


def test_all_parameters_are_tested_for_their_effect():
    elsewhere = {"return_sequences", "verbose", "warm_start", "solver", "n_jobs"}
    named = {name for name, _, _ in OBEYED}
    assert named | elsewhere == set(RNNRegressor().get_params())


# What is learned and given back.


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
    from skbptt._data import Data, fingerprint
    from skbptt._sequences import Sequences

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


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
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
