"""What works with what: every cell of the matrix, and what it has no room for."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    StratifiedKFold,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    permutation_test_score,
    train_test_split,
)
from sklearn.multiclass import OutputCodeClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from skbptt import RNNClassifier, RNNRegressor
from skbptt.cells import ElmanCell, GRUCell, LSTMCell
from skbptt.preprocessing import (
    SequenceFlattener,
    SequenceUnflattener,
    TimeDistributed,
    TokenEncoder,
    pad_sequences,
)
from tests import matrix, matrix_ensembles, matrix_labels_out, matrix_selection  # noqa: F401
from tests.matrix import N, as_objects, equal, make_data, refused

pytest.importorskip("pandas", reason="a column of the matrix")

PAGE = Path(__file__).parents[1] / "docs" / "compatibility.rst"
FOLDS = list(KFold(3).split(np.zeros(N)))


@pytest.mark.parametrize("form", matrix.FORMS)
@pytest.mark.parametrize("row", matrix.ROWS, ids=lambda row: row.name)
def test_cell(row, form):
    row.run(form)


# Sequences of labels out.

QUICK = "object array"
by_targets = pytest.mark.parametrize(
    "form",
    [
        pytest.param(form, marks=[] if form == QUICK else pytest.mark.slow)
        for form in matrix_labels_out.FORMS
    ],
)


@by_targets
@pytest.mark.parametrize("row", matrix_labels_out.ROWS, ids=lambda row: row.name)
def test_cell_of_labels_out(row, form):
    data = matrix_labels_out.make_data(form)
    if form in row.refuses:
        with refused(row.refuses[form]):
            row.check(data)
    else:
        row.check(data)


@by_targets
@pytest.mark.parametrize("workaround", matrix_labels_out.WORKAROUNDS)
def test_workaround_of_labels_out(workaround, form):
    matrix_labels_out.WORKAROUNDS[workaround](matrix_labels_out.make_data(form))


def test_strata_of_labels_out():
    """Sequences are none, but there may be some of one's own."""
    data = matrix_labels_out.make_data("list of sequences")
    (_, y), (model, _) = data.tasks()
    with refused(NO_STRATA + "|setting an array element"):
        cross_val_score(model, data.X, y, cv=StratifiedKFold(3), error_score="raise")
    folds = list(StratifiedKFold(3).split(data.X, [len(labels) for labels in y]))
    shares = [np.mean([len(y[i]) == 2 for i in test]) for _, test in folds]
    assert np.ptp(shares) < 0.1
    expected = matrix_selection.scores_by_hand(data, model, y, folds)
    equal(cross_val_score(model, data.X, y, cv=folds), expected)


def test_shuffled_targets_may_be_too_long():
    data = matrix_labels_out.make_data("list of texts")
    model, y = data.tasks()[0]
    long = ["+" * (len(x) // 2) for x in data.items]
    with refused("cannot be aligned"):
        permutation_test_score(model, data.X, long, cv=KFold(3))


@pytest.mark.parametrize("of_X", matrix_labels_out.FORMS_OF_X)
def test_forms_of_X_with_labels_out(of_X):
    """Predicted out of folds as by hand; through a search the same."""
    data = matrix_labels_out.make_data("list of texts", of_X)
    for model, y in data.tasks():
        expected = [
            data.fit(model, y, train).predict(data.take(test)) for train, test in FOLDS
        ]
        got = cross_val_predict(model, data.X, np.array(y), cv=KFold(3))
        equal(got, np.concatenate(expected))
        search = GridSearchCV(model, {"beam_width": [1, 2]}, cv=KFold(3)).fit(data.X, y)
        beam = search.best_params_["beam_width"]
        equal(
            search.predict(data.X),
            data.fit(model, y).set_params(beam_width=beam).predict(data.X),
        )


@pytest.mark.parametrize("of", [matrix, matrix_labels_out], ids=lambda of: of.__name__)
def test_the_documentation_says_the_same(of):
    page = PAGE.read_text(encoding="utf-8")
    assert matrix.table(of.ROWS, of.FORMS) in page, "paste the table into the page"
    for workaround in of.WORKAROUNDS:
        assert f".. _compatibility-{workaround.replace(' ', '-')}:" in page


@pytest.mark.parametrize("form", matrix.FORMS)
def test_a_code_book_without_constant_columns_takes_all_forms(form):
    data = make_data(form)
    model = OutputCodeClassifier(data.classifier(), code_size=2, random_state=3)
    model.fit(data.X, data.labels)
    assert np.ptp(model.code_book_, axis=0).all()
    matrix.above_chance(model.score(data.X, data.labels))


# One target a step.

RAGGED = ["list", "object array", "list of frames"]


def of_steps(values, form):
    """Targets in the form that goes with that of X."""
    if form in RAGGED:
        return as_objects(values)
    return pad_sequences(values) if form == "padded 3-D" else np.stack(values)


class StepData:
    """Sequences, and a running sum as the target of every step."""

    def __init__(self, form):
        self.data = make_data(form)
        sums = [x[:, 0].cumsum() for x in self.data.items]
        self.X = self.data.X
        self.target = of_steps(sums, form)
        self.labels = of_steps([(y > 0).astype(int) for y in sums], form)
        self.grades = of_steps([np.digitize(y, [-1, 1]) for y in sums], form)

    def by_hand(self, model, y, method, folds=FOLDS):
        """What a method gives for each fold: predictions, or the score."""
        results = []
        for train, test in folds:
            fitted = self.data.fit(model, y, train)
            args = (y[test],) if method == "score" else ()
            results.append(getattr(fitted, method)(self.data.take(test), *args))
        return results


OPTIONS = {k: v for k, v in matrix.OPTIONS.items() if k != "readout"}
STEP_REGRESSOR = RNNRegressor(return_sequences=True, **OPTIONS)
STEP_CLASSIFIER = RNNClassifier(return_sequences=True, **OPTIONS)
on_steps = pytest.mark.parametrize("form", matrix.FORMS)


def step_tasks(data):
    return [
        (STEP_REGRESSOR, data.target),
        (STEP_CLASSIFIER, data.labels),
        (STEP_CLASSIFIER, data.grades),
    ]


@on_steps
def test_predictions_of_steps_out_of_folds(form):
    data = StepData(form)
    for model, y in step_tasks(data):
        got = cross_val_predict(model, data.X, y, cv=KFold(3))
        expected = [one for part in data.by_hand(model, y, "predict") for one in part]
        assert (got.dtype == object) == (form in RAGGED)
        assert len(got) == N
        for a, b in zip(got, expected):
            equal(a, b)


@on_steps
def test_searches_by_the_own_score_of_steps(form):
    data = StepData(form)
    grid = {"rnn__hidden_layer_sizes": [1, 6]}
    for model, y in step_tasks(data):
        scaler = ("scaler", TimeDistributed(StandardScaler()))
        pipeline = Pipeline([scaler, ("rnn", model)])
        search = GridSearchCV(pipeline, grid, cv=KFold(3)).fit(data.X, y)
        for params, score in zip(
            search.cv_results_["params"], search.cv_results_["mean_test_score"]
        ):
            changed = clone(pipeline).set_params(**params)
            expected = np.mean(data.by_hand(changed, y, "score"))
            assert score == pytest.approx(expected, rel=1e-12)
        assert search.score(data.X, y) > 0.5


NO_STRATA = (
    "Supported target types|y contains NaN|truth value of an array|no attribute 'any'"
)


@on_steps
def test_folds_of_step_labels(form):
    """The default is KFold, as labels of steps have no strata; not so with NaN in y."""
    data = StepData(form)
    model = STEP_CLASSIFIER
    for y in (data.labels, data.grades):
        with refused(NO_STRATA):
            cross_val_score(model, data.X, y, cv=StratifiedKFold(3), error_score="raise")
        if form == "padded 3-D":
            with refused("Input y contains NaN"):
                cross_val_score(model, data.X, y)
        else:
            folds = list(KFold(5).split(np.zeros(N)))
            expected = data.by_hand(model, y, "score", folds)
            equal(cross_val_score(model, data.X, y), expected)
        expected = data.by_hand(model, y, "score")
        equal(cross_val_score(model, data.X, y, cv=KFold(3)), expected)


def test_accuracy_by_its_name_is_of_whole_sequences():
    data = StepData("3-D")
    model, y = STEP_CLASSIFIER, data.labels
    whole = [
        np.mean((prediction == y[test]).all(axis=1))
        for prediction, (_, test) in zip(data.by_hand(model, y, "predict"), FOLDS)
    ]
    by_name = cross_val_score(model, data.X, y, cv=KFold(3), scoring="accuracy")
    np.testing.assert_allclose(by_name, whole)
    own = cross_val_score(model, data.X, y, cv=KFold(3))
    assert (own > by_name).all()


REFUSED = {
    "a score by its name": lambda model, X, y: cross_val_score(
        model, X, y, cv=KFold(3), scoring="r2", error_score="raise"
    ),
    "targets shuffled among lengths": lambda model, X, y: permutation_test_score(
        model, X, y, cv=KFold(3), n_permutations=2
    ),
    "targets transformed as a table": lambda model, X, y: TransformedTargetRegressor(
        model, transformer=StandardScaler()
    ).fit(X, y),
}


@pytest.mark.parametrize("form", RAGGED)
@pytest.mark.parametrize("call", REFUSED.values(), ids=REFUSED)
def test_what_refuses_targets_of_unequal_length(call, form):
    data = StepData(form)
    with refused(r"setting an array element|has \d steps, but X"):
        call(STEP_REGRESSOR, data.X, data.target)


@on_steps
def test_probabilities_of_steps_out_of_folds(form):
    """cross_val_predict has no room for them; the estimators of the folds do."""
    data = StepData(form)
    y = data.grades
    with refused("shape mismatch|uniformly strings or numbers|setting an array element"):
        cross_val_predict(STEP_CLASSIFIER, data.X, y, cv=KFold(3), method="predict_proba")
    folds = cross_validate(
        STEP_CLASSIFIER, data.X, y, cv=KFold(3), return_estimator=True, return_indices=True
    )
    expected = data.by_hand(STEP_CLASSIFIER, y, "predict_proba")
    for model, test, p in zip(folds["estimator"], folds["indices"]["test"], expected):
        got = model.predict_proba(data.data.take(test))
        for a, b in zip(got, p):
            equal(a, b)


@on_steps
def test_splitting_step_targets(form):
    data = StepData(form)
    X, _, y, _, rows, _ = train_test_split(
        data.X, data.target, np.arange(N), random_state=0
    )
    for got, i in zip(y, rows):
        equal(got, data.target[i])
    assert STEP_REGRESSOR.fit(X, y).score(X, y) > 0.5


# Parameters.

PUBLIC = {
    "RNNClassifier": RNNClassifier(cell=LSTMCell(), class_weight={0: 1, 1: 2}),
    "RNNRegressor": RNNRegressor((3, 2), cell=GRUCell(), loss="huber"),
    "of Elman cells": RNNRegressor(2, cell=ElmanCell("relu"), solver="lbfgs"),
    "TimeDistributed": TimeDistributed(StandardScaler(with_mean=False)),
    "SequenceFlattener": SequenceFlattener(),
    "SequenceUnflattener": SequenceUnflattener(3),
    "TokenEncoder": TokenEncoder("char", lowercase=False, min_frequency=2),
    "Pipeline": make_pipeline(TimeDistributed(StandardScaler()), RNNClassifier(cell="rnn")),
}


@pytest.mark.parametrize("estimator", PUBLIC.values(), ids=PUBLIC)
def test_parameters_go_round(estimator):
    copied = clone(estimator)
    assert copied is not estimator
    assert repr(copied.get_params()) == repr(estimator.get_params())
    assert repr(copied) == repr(estimator)
    fresh = type(estimator)(**estimator.get_params(deep=False))
    assert repr(fresh.get_params()) == repr(estimator.get_params())
    for name, value in estimator.get_params().items():
        assert copied.set_params(**{name: value}) is copied
        assert copied.get_params()[name] is value
    with pytest.raises(ValueError, match="Invalid parameter 'no_such'"):
        copied.set_params(no_such=1)


def test_cells_as_values_of_a_grid():
    data = make_data("list")
    grid = {"cell": ["lstm", LSTMCell(), "gru", GRUCell()]}
    search = GridSearchCV(data.regressor(), grid, cv=KFold(3)).fit(data.X, data.target)
    scores = search.cv_results_["mean_test_score"]
    equal(scores[::2], scores[1::2])
    assert np.isfinite(scores).all()
    assert scores[0] != scores[2]
