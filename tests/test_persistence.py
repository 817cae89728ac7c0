"""Stored models: they predict the same, and go on training as if nothing had been."""

import io
import pickle
import pickletools
import subprocess
import sys
from copy import copy, deepcopy
from pathlib import Path
from pkgutil import resolve_name

import cloudpickle
import joblib
import numpy as np
import pytest
import skops.io
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

import skbptt
from skbptt import TRUSTED_TYPES
from skbptt.cells import ElmanCell, GRUCell, LEMCell, LSTMCell
from skbptt.metrics import make_step_scorer
from skbptt.preprocessing import (
    SequenceFlattener,
    SequenceImputer,
    SequenceUnflattener,
    TimeDistributed,
    TokenEncoder,
    pad_sequences,
)
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
from tests.golden.make import FOLDER, data, labels_out, models

GOLDEN = sorted(Path(FOLDER).glob("models-*"))
GOLDEN_LABELS_OUT = sorted(Path(FOLDER).glob("labels_out-*"))


def by_joblib(model):
    file = io.BytesIO()
    joblib.dump(model, file)
    file.seek(0)
    return joblib.load(file)


def by_skops(model):
    stored = skops.io.dumps(model)
    assert set(skops.io.get_untrusted_types(data=stored)) <= set(TRUSTED_TYPES)
    return skops.io.loads(stored, trusted=list(TRUSTED_TYPES))


WAYS = {
    "pickle": lambda model: pickle.loads(pickle.dumps(model)),
    "joblib": by_joblib,
    "cloudpickle": lambda model: pickle.loads(cloudpickle.dumps(model)),
    "skops": by_skops,
    "copy": copy,
    "deepcopy": deepcopy,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("make", "y", "options"),
    [
        (classifier, LABELS, {"early_stopping": True}),
        (classifier, np.c_[Y > 0, Y > 1].astype(int), {"cell": "rnn"}),
        (regressor, Y, {"solver": "lbfgs", "readout": "last", "loss": "huber"}),
        (regressor, Y, {"solver": "sgd", "loss": "quantile", "quantile": 0.9}),
        (regressor, np.c_[Y, Y], {"cell": LSTMCell(), "bidirectional": True}),
        (regressor, Y_STEPS, {"return_sequences": True, "cell": GRUCell()}),
    ],
)
def test_stored_models(way, make, y, options):
    model = make(warm_start=True, **options)
    again = WAYS[way](quietly(model.fit, X, y))
    assert_same_model(model, again)
    for attribute, value in vars(model).items():
        if attribute.endswith("_"):
            np.testing.assert_array_equal(getattr(again, attribute), value)
    for expected, got in zip(model.predict(X), again.predict(X)):
        np.testing.assert_array_equal(got, expected)
    if way != "copy":  # which shares the state of the optimiser
        assert_same_model(quietly(model.fit, X, y), quietly(again.fit, X, y))


@pytest.mark.parametrize("way", WAYS)
def test_a_model_keeps_what_it_was_fitted_with(way):
    """Parameters that were set since are of the next fit."""
    model = regressor(loss="poisson", cell="rnn").fit(X, np.abs(Y))
    expected = model.predict(X)
    model.set_params(loss="squared_error", cell="lstm", hidden_layer_sizes=9)
    again = WAYS[way](model)
    np.testing.assert_array_equal(again.predict(X), expected)
    assert again.get_params()["hidden_layer_sizes"] == 9


@pytest.mark.parametrize("way", WAYS)
def test_what_is_not_fitted(way):
    again = WAYS[way](regressor(cell="lstm"))
    assert_same_model(again.fit(X, Y), regressor(cell="lstm").fit(X, Y))


@pytest.mark.parametrize("way", WAYS)
def test_pipelines(way):
    model = make_pipeline(TimeDistributed(StandardScaler()), regressor()).fit(X, Y)
    np.testing.assert_array_equal(WAYS[way](model).predict(X), model.predict(X))
    x = np.random.default_rng(0).normal(size=(9, 4, 2))
    flat = SequenceFlattener().fit(x)
    np.testing.assert_array_equal(WAYS[way](flat).inverse_transform(flat.transform(x)), x)
    back = SequenceUnflattener(2).fit(flat.transform(x))
    np.testing.assert_array_equal(WAYS[way](back).transform(flat.transform(x)), x)
    holed = [np.where(one < 0, np.nan, one) for one in x]
    imputer = SequenceImputer("median", add_delta=True).fit(holed)
    np.testing.assert_array_equal(
        WAYS[way](imputer).transform(holed), imputer.transform(holed)
    )


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("texts", [["A b", "b"], [np.array(["A", "b"]), ["b"]]])
def test_token_encoders(way, texts):
    encoder = TokenEncoder(max_tokens=2).fit(texts)
    again = WAYS[way](encoder)
    assert again.vocabulary_ == encoder.vocabulary_
    for name in ("transform", "fit_transform"):
        for got, expected in zip(getattr(again, name)(texts), encoder.transform(texts)):
            np.testing.assert_array_equal(got, expected)


def test_a_cell_of_ones_own_by_cloudpickle():
    """Even one that the reading process does not know."""
    code = """if True:
        import cloudpickle, numpy as np, sys
        from skbptt import RNNRegressor
        from skbptt.cells import Cell

        class Plain(Cell):
            gates = ("h",)

            def step(self, a, u, state, p):
                (h,) = np.tanh(a + u)
                return (h,), h

            def step_back(self, d_state, h, p):
                da = (d_state[0] * (1 - h * h))[np.newaxis]
                return da, da, (0,), {}

        X = np.ones((8, 3, 1)) * np.arange(8)[:, None, None]
        model = RNNRegressor(2, cell=Plain(), max_iter=2, random_state=0)
        model.fit(X, np.arange(8))
        cloudpickle.dump((model, model.predict(X)), sys.stdout.buffer)
    """
    stored = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    model, expected = pickle.loads(stored.stdout)
    x = np.ones((8, 3, 1)) * np.arange(8)[:, None, None]
    np.testing.assert_array_equal(model.predict(x), expected)


def test_trusted_types_are_all_ours():
    """Public classes that can be stored, by their names of now and before, and no other."""
    from skbptt import cells, metrics, preprocessing

    public = [getattr(skbptt, name) for name in skbptt.__all__ if name != "Stream"]
    for module in (cells, preprocessing):
        public += [getattr(module, name) for name in module.__all__]
    public.append(type(metrics.make_step_scorer("accuracy")))
    classes = {cls for cls in public if isinstance(cls, type)} - {cells.Cell}
    names = {f"{cls.__module__}.{cls.__name__}" for cls in classes}
    former = {name for name in TRUSTED_TYPES if "._" in name}
    assert names == set(TRUSTED_TYPES) - former
    assert {resolve_name(name) for name in former} <= classes


def test_stored_names_are_public():
    """No stored model depends on the files of the package."""
    flat = SequenceFlattener().fit(np.ones((2, 3, 2)))
    scorer = make_step_scorer("accuracy")
    stored = pickle.dumps(
        [
            classifier(scoring=scorer).fit(X, LABELS),
            *(
                regressor(cell=cell()).fit(X, Y)
                for cell in (ElmanCell, GRUCell, LEMCell, LSTMCell)
            ),
            regressor().fit(X, Y).stream(),
            flat,
            SequenceUnflattener(2).fit(np.ones((2, 6))),
            SequenceImputer().fit(X),
            TokenEncoder().fit(["a"]),
            TimeDistributed(FunctionTransformer(pad_sequences)),
        ]
    )
    strings = (argument for _, argument, _ in pickletools.genops(stored))
    modules = {s for s in strings if isinstance(s, str) and s.startswith("skbptt")}
    expected = {"", ".cells", ".metrics", ".preprocessing"}
    assert modules == {f"skbptt{name}" for name in expected}


def stored_in(path):
    if path.suffix == ".skops":
        return skops.io.load(path, trusted=list(TRUSTED_TYPES))
    return pickle.loads(path.read_bytes())


def assert_goes_on(model, x, y):
    model.set_params(warm_start=True)
    n_iter = model.n_iter_
    quietly(model.fit, x, y)
    assert model.n_iter_ > n_iter
    assert np.isfinite(model.loss_curve_[n_iter:]).all()


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.name)
def test_golden_files(path):
    """What any earlier version stored can be loaded, predicts the same, and goes on."""
    content = stored_in(path)
    x, targets = data()
    for name, (_, kind) in models().items():
        model, expected = content["models"][name], content["predictions"][name]
        if kind == "labels":
            np.testing.assert_array_equal(model.predict(x), expected)
        else:
            for one, other in zip(model.predict(x), expected):
                np.testing.assert_allclose(one, other, rtol=1e-9)
        assert_goes_on(model, x, targets[kind])
    table = np.arange(24.0).reshape(2, 12)
    sequences = content["models"]["unflattener"].transform(table)
    np.testing.assert_array_equal(sequences, table.reshape(2, 6, 2))
    np.testing.assert_array_equal(
        content["models"]["flattener"].transform(sequences), table
    )


@pytest.mark.parametrize("path", GOLDEN_LABELS_OUT, ids=lambda path: path.name)
def test_golden_files_of_labels_out(path):
    content = stored_in(path)
    x, targets = data()
    for name, (_, kind) in labels_out().items():
        model, y = content["models"][name], targets[kind]
        log_p = content["log_likelihoods"][name]
        np.testing.assert_allclose(model.log_likelihood(x, y), log_p, rtol=1e-9)
        for one, other in zip(model.predict(x), content["predictions"][name], strict=True):
            np.testing.assert_array_equal(one, other)
        assert_goes_on(model, x, y)


@pytest.mark.parametrize("paths", [GOLDEN, GOLDEN_LABELS_OUT], ids=["models", "labels_out"])
def test_golden_files_of_both_formats(paths):
    assert {path.suffix for path in paths} == {".pkl", ".skops"}
