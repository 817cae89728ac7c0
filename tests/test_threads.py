"""Threads that share a batch: the same bits, none left behind, none without need."""

import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from joblib import Parallel, delayed, parallel_config
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV

from skbptt import RNNClassifier, RNNRegressor
from skbptt.cells import ElmanCell, GRUCell, LEMCell, LSTMCell
from skbptt.training._threads import parallel_map
from tests.fits import assert_same_model

rng = np.random.RandomState(0)
X = [rng.standard_normal((n, 3)) for n in rng.randint(2, 30, 120)]
Y = np.array([x[:, 0].sum() for x in X])
Y_STEPS = [np.cumsum(x[:, 0]) for x in X]


class WatchedCell(GRUCell):
    """A GRU, on the reference loops, that notes the threads it runs in."""

    threads: set = set()

    def step(self, a, u, state, p):
        self.threads.add(threading.current_thread())
        return super().step(a, u, state, p)


@pytest.fixture
def small_parts(monkeypatch):
    """A tape so small that a batch has several parts."""
    monkeypatch.setattr("skbptt.network._parts.TAPE_BYTES", 1 << 14)


@pytest.fixture
def watched():
    WatchedCell.threads = set()
    return WatchedCell()


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize(
    "cell", [ElmanCell(), GRUCell(), LEMCell(), LSTMCell(), WatchedCell()]
)
def test_any_number_of_threads_gives_the_same_bits(cell, solver):
    options = {"dropout": 0.3, "batch_size": 64} if solver == "adam" else {}
    models = [
        RNNRegressor(
            (8, 6),
            cell=cell,
            solver=solver,
            bidirectional=True,
            max_iter=4,
            n_jobs=n_jobs,
            random_state=0,
            **options,
        )
        for n_jobs in (None, 1, 2, 3, -1)
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for model in models:
            model.fit(X, Y)
    for model in models[1:]:
        assert_same_model(models[0], model)
        np.testing.assert_array_equal(model.predict(X), models[0].predict(X))


@pytest.mark.usefixtures("small_parts")
def test_step_targets_and_early_stopping():
    models = [
        RNNRegressor(
            8,
            return_sequences=True,
            early_stopping=True,
            max_iter=4,
            batch_size=64,
            n_jobs=n_jobs,
            random_state=0,
        ).fit(X, Y_STEPS)
        for n_jobs in (1, 2)
    ]
    assert_same_model(*models)
    assert models[0].validation_scores_ == models[1].validation_scores_


@pytest.mark.usefixtures("small_parts")
def test_threads_work_and_none_is_left(watched):
    before = set(threading.enumerate())
    model = RNNRegressor(8, cell=watched, batch_size=64, max_iter=2, n_jobs=2)
    model.fit(X, Y)
    assert len(watched.threads - {threading.main_thread()}) == 2
    assert set(threading.enumerate()) == before
    watched.threads.clear()
    model.predict(X)
    assert watched.threads - {threading.main_thread()}
    assert set(threading.enumerate()) == before


def test_none_is_started_for_small_work(watched):
    RNNRegressor(8, cell=watched, max_iter=2, n_jobs=2).fit(X, Y).predict(X)
    assert watched.threads == {threading.main_thread()}


@pytest.mark.usefixtures("small_parts")
def test_none_follows_the_context_of_joblib(watched):
    model = RNNRegressor(8, cell=watched, batch_size=64, max_iter=1)
    model.fit(X, Y)
    assert watched.threads == {threading.main_thread()}
    with parallel_config("threading", n_jobs=2):
        model.fit(X, Y)
    assert len(watched.threads) > 1


def runs_in_threads(n_jobs):
    with parallel_map(n_jobs) as map_parts:
        return map_parts is not map


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_one_thread_inside_a_worker(backend):
    assert runs_in_threads(2)
    with parallel_config(backend):
        assert Parallel(2)(delayed(runs_in_threads)(2) for _ in range(2)) == [False] * 2


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_grid_search_in_workers_gives_the_same(backend):
    def search(n_jobs):
        model = RNNRegressor(4, max_iter=3, n_jobs=2, random_state=0)
        grid = {"cell": ["gru", "lstm"], "learning_rate_init": [0.01, 0.1]}
        with parallel_config(backend):
            found = GridSearchCV(model, grid, cv=2, n_jobs=n_jobs).fit(X, Y)
        return found.cv_results_["mean_test_score"]

    np.testing.assert_array_equal(search(2), search(1))


@pytest.mark.usefixtures("small_parts")
def test_fits_at_once_are_as_alone():
    """Nothing is global: eight fits in four threads, each with threads of its own."""
    settings = [
        (cls, cell, seed)
        for cls in (RNNRegressor, RNNClassifier)
        for cell in ("rnn", "gru")
        for seed in (0, 1)
    ]

    def fit(setting):
        cls, cell, seed = setting
        model = cls(6, cell=cell, max_iter=3, batch_size=64, n_jobs=2, random_state=seed)
        return model.fit(X, Y if cls is RNNRegressor else Y > 0)

    with ThreadPoolExecutor(4) as pool:
        at_once = list(pool.map(fit, settings))
    for setting, model in zip(settings, at_once):
        assert_same_model(model, fit(setting))


@pytest.mark.usefixtures("small_parts")
def test_overflow_in_a_thread_is_told_once():
    model = RNNRegressor(
        4,
        cell="rnn",
        activation="identity",
        learning_rate_init=1e200,
        solver="sgd",
        max_grad_norm=None,
        batch_size=64,
        n_jobs=2,
        random_state=0,
    )
    with pytest.warns(ConvergenceWarning, match="learning_rate_init") as caught:
        model.fit(X, Y)
    assert len(caught) == 1


@pytest.mark.usefixtures("small_parts")
def test_an_error_in_a_thread_reaches_the_caller():
    class BrokenCell(GRUCell):
        def step(self, a, u, state, p):
            raise ZeroDivisionError("broken")

    model = RNNRegressor(4, batch_size=64, max_iter=1, n_jobs=2).fit(X, Y)
    before, threads = dict(vars(model)), set(threading.enumerate())
    with pytest.raises(ZeroDivisionError, match="broken"):
        model.set_params(cell=BrokenCell()).fit(X, Y)
    assert vars(model) == before | {"cell": model.cell}
    assert set(threading.enumerate()) == threads
