"""Where one machine is outgrown: a Dask cluster, and data that come in blocks.

The cluster is real, of processes. What it computes must be what one process computes, to
the bit, whichever way the data travelled.
"""

import os

import numpy as np
import pytest
from joblib import Parallel, delayed, parallel_config
from sklearn.base import clone
from sklearn.ensemble import BaggingClassifier, VotingClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale

from skbptt.preprocessing import (
    SequenceFlattener,
    SequenceUnflattener,
    TimeDistributed,
    pad_sequences,
)
from skbptt.training._threads import parallel_map
from tests.fits import LABELS, X, Y, assert_same_model, classifier, regressor
from tests.transcribed import WORDS, transcriber, translator

N_BLOCKS, BLOCK = 5, 8
DENSE = np.random.RandomState(0).standard_normal((N_BLOCKS * BLOCK, 6, 2))
OBJECTS = np.empty(len(X), object)
OBJECTS[:] = X
FORMS = {"list": X, "objects": OBJECTS, "padded": pad_sequences(X), "dense": DENSE}


@pytest.fixture(scope="module")
def client():
    """A client of two workers, each a process with one thread."""
    distributed = pytest.importorskip("distributed")
    # Even without a dashboard its port is taken, and warned of if another cluster has it.
    any_port = {"dashboard_address": "127.0.0.1:0"}
    with (
        distributed.LocalCluster(
            n_workers=2,
            processes=True,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address=None,
            scheduler_kwargs=any_port,
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.fixture
def in_workers(client):
    """A function that runs another with joblib's tasks in the workers, and sees to it."""

    from distributed import get_task_stream

    def run(function):
        with get_task_stream(client) as stream, parallel_config("dask"):
            result = function()
        assert stream.data
        return result

    return run


def pipeline(**options):
    return make_pipeline(TimeDistributed(StandardScaler()), classifier(**options))


# On a cluster.


@pytest.mark.parametrize("form", FORMS)
def test_a_search_gives_the_same(in_workers, form):
    grid = {"rnnclassifier__cell": ["gru", "lstm"], "rnnclassifier__dropout": [0.0, 0.2]}
    search_here_and_there(in_workers, pipeline(), grid, FORMS[form], LABELS)


@pytest.mark.parametrize("make", [transcriber, translator])
def test_a_search_of_labels_out_gives_the_same(in_workers, make):
    model = make_pipeline(TimeDistributed(StandardScaler()), make())
    grid = {f"{model.steps[-1][0]}__beam_width": [1, 3]}
    here, there = search_here_and_there(in_workers, model, grid, X, WORDS)
    assert here.predict(X).tolist() == there.predict(X).tolist()


def search_here_and_there(in_workers, model, grid, X, y):
    def search():
        return GridSearchCV(model, grid, cv=2).fit(X, y)

    here, there = search(), in_workers(search)
    for name, values in here.cv_results_.items():
        if not name.endswith("_time"):
            np.testing.assert_array_equal(values, there.cv_results_[name], err_msg=name)
    assert here.best_params_ == there.best_params_
    assert_same_model(here.best_estimator_[-1], there.best_estimator_[-1])
    return here, there


def test_scattered_data_give_the_same(client):
    def search():
        return GridSearchCV(pipeline(), {"rnnclassifier__alpha": [0.01, 1.0]}, cv=2)

    here = search().fit(X, LABELS)
    with parallel_config("dask", scatter=[X]):
        there = search().fit(X, LABELS)
    np.testing.assert_array_equal(
        here.cv_results_["mean_test_score"], there.cv_results_["mean_test_score"]
    )


def test_bagging_gives_the_same(in_workers):
    flat = SequenceFlattener().fit_transform(DENSE)
    rnn = make_pipeline(SequenceUnflattener(2), classifier())

    def bag():
        return BaggingClassifier(rnn, n_estimators=4, random_state=0).fit(flat, LABELS)

    for here, there in zip(bag().estimators_, in_workers(bag).estimators_):
        assert_same_model(here[-1], there[-1])


def test_voting_gives_the_same(in_workers):
    members = [("gru", pipeline()), ("lstm", pipeline(cell="lstm"))]

    def vote(n_jobs):
        model = VotingClassifier(members, voting="soft", n_jobs=n_jobs).fit(X, LABELS)
        return model.predict_proba(X)

    np.testing.assert_array_equal(vote(None), in_workers(lambda: vote(2)))


def process_and_threads(n_jobs):
    """The process that this runs in, and whether a network would start threads there."""
    with parallel_map(n_jobs) as map_parts:
        return os.getpid(), map_parts is not map


@pytest.mark.parametrize("n_jobs", [None, 1, 2, -1])
def test_one_thread_inside_a_worker(in_workers, n_jobs):
    found = in_workers(
        lambda: Parallel()(delayed(process_and_threads)(n_jobs) for _ in range(4))
    )
    processes, threads = zip(*found)
    assert os.getpid() not in processes
    assert threads == (False,) * 4


@pytest.mark.parametrize(
    ("make", "y", "classes"),
    [
        (regressor, Y, {}),
        (transcriber, WORDS, {"classes": ["a", "b"]}),
        (translator, WORDS, {"classes": ["a", "b"]}),
    ],
)
def test_a_fit_goes_on_in_a_worker(client, make, y, classes):
    """A model that is half trained travels, and comes back, to the bit."""
    here = make(dropout=0.2).partial_fit(X, y, **classes)
    there = client.submit(clone(here).partial_fit, X, y, **classes).result()
    assert_same_model(here, there)
    assert_same_model(
        here.partial_fit(X, y), client.submit(there.partial_fit, X, y).result()
    )


def test_an_error_in_a_worker_reaches_the_caller(in_workers):
    search = GridSearchCV(classifier(), {"alpha": [-1.0]}, cv=2, error_score="raise")
    with pytest.raises(ValueError, match="'alpha' parameter"):
        in_workers(lambda: search.fit(X, LABELS))


def test_blocks_of_a_dask_array(client):
    """Blocks are computed as they are needed; the array as a whole is never."""
    array = pytest.importorskip("dask.array")
    blocks = array.from_array(DENSE, chunks=(BLOCK, -1, -1)).blocks
    here, there = regressor(), regressor()
    for i, block in enumerate(blocks):
        rows = slice(i * BLOCK, (i + 1) * BLOCK)
        here.partial_fit(DENSE[rows], Y[rows])
        there.partial_fit(block.compute(), Y[rows])
    assert_same_model(here, there)


# In blocks.


def fit_to_blocks(blocks, n_epochs=3, **options):
    """The usual loop: a pass for the scaler, then epochs of the network."""
    scaler, model = TimeDistributed(StandardScaler()), classifier(**options)
    for X_block, _ in blocks():
        scaler.partial_fit(X_block)
    for _ in range(n_epochs):
        for X_block, y_block in blocks():
            model.partial_fit(scaler.transform(X_block), y_block, classes=np.unique(LABELS))
    return scaler, model


def rows_of_blocks():
    return (slice(i * BLOCK, (i + 1) * BLOCK) for i in range(N_BLOCKS))


def test_memory_mapped_blocks_give_the_same(tmp_path):
    path = tmp_path / "X.npy"
    np.save(path, DENSE)

    def mapped():
        for rows in rows_of_blocks():
            yield np.load(path, mmap_mode="r")[rows], LABELS[rows]

    def in_memory():
        for rows in rows_of_blocks():
            yield DENSE[rows], LABELS[rows]

    (scaler, model), (other_scaler, other_model) = map(fit_to_blocks, (mapped, in_memory))
    np.testing.assert_array_equal(
        scaler.transformer_.mean_, other_scaler.transformer_.mean_
    )
    assert_same_model(model, other_model)
    np.testing.assert_array_equal(np.load(path), DENSE)


def test_a_generator_of_ragged_blocks_gives_the_same():
    def lists():
        for rows in rows_of_blocks():
            yield X[rows], LABELS[rows]

    def padded():
        for rows in rows_of_blocks():
            yield pad_sequences(X[rows]), LABELS[rows]

    (scaler, model), (_, other_model) = map(fit_to_blocks, (lists, padded))
    assert_same_model(model, other_model)
    whole = TimeDistributed(StandardScaler()).fit(X)
    np.testing.assert_allclose(scaler.transformer_.mean_, whole.transformer_.mean_)
    np.testing.assert_allclose(scaler.transformer_.scale_, whole.transformer_.scale_)


def test_blocks_are_the_batches_of_one_fit():
    """With alpha shared among the blocks, and a cycle of as many calls as there are.

    The targets of each block have mean 0 and standard deviation 1: ``fit`` learns in these
    units, and ``partial_fit`` takes no units from a block of fewer than 30 targets.
    """
    y = np.tile(scale(Y[:BLOCK]), N_BLOCKS)
    options = {"shuffle": False, "alpha": 1.0, "max_iter": 4}
    options["learning_rate"] = "one_cycle"
    whole = regressor(**options, batch_size=BLOCK).fit(DENSE, y)
    options |= {"alpha": 1.0 / N_BLOCKS, "max_iter": 4 * N_BLOCKS}
    parts = regressor(**options)
    for _ in range(4):
        for rows in rows_of_blocks():
            parts.partial_fit(DENSE[rows], y[rows])
    for name, values in whole.weights_.items():
        np.testing.assert_allclose(parts.weights_[name], values, rtol=1e-9, atol=1e-12)
