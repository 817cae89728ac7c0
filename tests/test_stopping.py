"""How training ends: early stopping, patience, interruption, divergence."""

import pickle
import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import r2_score

from skbptt import RNNRegressor, solvers
from skbptt.data._data import canonical
from skbptt.inspection import loss_gradient
from skbptt.training._early_stopping import hold_back
from tests.fits import (
    LABELS,
    SCHEDULES,
    X,
    Y,
    assert_same_model,
    classifier,
    quietly,
    regressor,
)


@pytest.mark.parametrize("solver", solvers.SOLVERS)
def test_early_stopping_gives_the_best_weights_back(solver):
    """The score of the weights kept is the best of the curve, not the last."""
    random = np.random.RandomState(0)
    y = 0.3 * Y + random.standard_normal(len(X))
    weights = random.uniform(size=len(X))
    model = regressor(
        solver=solver,
        early_stopping=True,
        scoring=None,
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
    assert len(scores) == len(model.validation_loss_curve_) == model.n_iter_
    assert model.n_iter_ < 300 * solvers.SOLVERS[solver].n_phases
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
    options = {"scoring": None, "validation_fraction": 0.4, "max_iter": 30}
    model = classifier(early_stopping=True, **options)
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
        "skbptt.estimators._fitting.hold_back",
        lambda *args: seen.append(args) or hold_back(*args),
    )
    model.fit(X, y)
    np.testing.assert_array_equal(seen[0][0].y, seen[0][3])
    y = np.repeat([0, 1], [39, 1])
    train, held = hold_back(data, 0.25, 0, y)
    assert len(held.y) == 10
    trained = train.sequences.split(train.sequences.steps)
    assert any(np.array_equal(x, X[39]) for x in trained)  # the only one of its class


def interrupt_after(monkeypatch, n_calls):
    from skbptt.training._objective import Objective

    original, calls = Objective.value_and_gradient, []

    def interrupted(self, *args):
        calls.append(1)
        if len(calls) > n_calls:
            raise KeyboardInterrupt
        return original(self, *args)

    monkeypatch.setattr(Objective, "value_and_gradient", interrupted)


@pytest.mark.parametrize(
    ("solver", "n_calls"),
    [
        ("adam", 31),
        ("sgd", 31),
        *((solver, 12) for solver in (*solvers.METHODS, "hessian-free")),
    ],
)
def test_interruption_keeps_the_best_so_far(monkeypatch, solver, n_calls):
    options = {"solver": solver, "learning_rate": "constant", "max_iter": 100}
    if solver in ("adam", "sgd"):
        # So wild that the loss goes up and down.
        options |= {"batch_size": 20, "n_iter_no_change": np.inf}
        options |= {"learning_rate_init": 2.5 if solver == "adam" else 2.0, "alpha": 1.0}
    model = regressor(**options)
    with monkeypatch.context() as patch:
        interrupt_after(patch, n_calls)
        with pytest.warns(ConvergenceWarning, match="interrupted by user"):
            model.fit(X, Y)
    n_iter = model.n_iter_
    assert 0 < n_iter < 100
    best = 1 + int(np.argmin(model.loss_curve_))
    assert best < n_iter or solver not in ("adam", "sgd")
    assert model.best_loss_ == min(model.loss_curve_)
    same = quietly(regressor(**options | {"max_iter": best}).fit, X, Y)
    assert_same_model(model, same, curve=False)
    model.predict(X)
    # And training can go on.
    model.set_params(warm_start=True, max_iter=3)
    assert quietly(model.fit, X, Y).n_iter_ > n_iter


@pytest.mark.parametrize("n_calls", [3, 9])
def test_an_interruption_of_either_phase_ends_both(monkeypatch, n_calls):
    """One batch an epoch, so that the first six calls are those of Adam."""
    interrupt_after(monkeypatch, n_calls)
    model = regressor(solver="adam+lbfgs", batch_size=40)
    with pytest.warns(ConvergenceWarning, match="interrupted by user"):
        model.fit(X, Y)
    assert model.n_iter_ in ({3} if n_calls == 3 else {6, 7, 8})
    assert model.best_loss_ == min(model.loss_curve_)


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


@pytest.mark.filterwarnings("ignore:Features .* are far from unit scale")
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
    expected = {"one_cycle": 8, "adaptive": 1 + 3 * 6}  # a cycle falls as long as it rose
    assert model.n_iter_ == expected.get(schedule, 4)


def test_nothing_is_printed_unless_verbose(capsys):
    regressor().fit(X, Y)
    assert capsys.readouterr().out == ""
    for solver in ("adam", "lbfgs"):
        model = quietly(regressor(solver=solver, verbose=True).fit, X, Y)
        lines = capsys.readouterr().out.splitlines()
        expected = [
            f"Iteration {k + 1}, loss = {loss:.8g}"
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
    ("alpha", 10.0, {}),
    ("alpha", 10.0, {"solver": "lbfgs"}),
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
    (
        "scoring",
        "neg_median_absolute_error",
        {"early_stopping": True, "validation_fraction": 0.4, "max_iter": 40},
    ),
    ("validation_fraction", 0.4, {"early_stopping": True}),
    ("initial_state", "learned", {}),
    ("frozen", ("output.*",), {}),
    ("categorical_features", [0], {}),
    ("embedding_dim", 2, {"categorical_features": [0]}),
    ("beta_1", 0.5, {}),
    ("beta_2", 0.5, {}),
    ("epsilon", 0.1, {}),
    ("n_iter_no_change", 2, {"learning_rate": "constant", "tol": 10.0, "max_iter": 20}),
    ("max_fun", 3, {"solver": "lbfgs"}),
    ("max_fun", 3, {"solver": "cg"}),
    ("max_fun", 3, {"solver": "trust-ncg"}),
    ("max_iter", 9, {"solver": "hessian-free"}),
    ("batch_size", 20, {"solver": "hessian-free"}),
    ("shuffle", False, {"solver": "hessian-free", "batch_size": 20}),
    ("alpha", 10.0, {"solver": "hessian-free"}),
    ("batch_size", 3, {"solver": "adam+lbfgs"}),
    ("max_iter", 9, {"solver": "adam+lbfgs"}),
    ("max_fun", 3, {"solver": "adam+lbfgs"}),
    ("tol", 10.0, {"solver": "newton-cg"}),
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
