"""scikit-learn's own checks: every one of them passed, none skipped or expected to fail."""

import warnings

import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import check_estimator

from skbptt import RNNClassifier, RNNRegressor

pytest.importorskip("pandas", reason="without it some checks are skipped")

SLOW = [
    (cls, cell, solver)
    for cls in (RNNClassifier, RNNRegressor)
    for cell in ("gru", "lstm", "rnn")
    for solver in ("adam", "lbfgs")
    if (cell, solver) != ("gru", "adam")
] + [
    (RNNRegressor, "gru", "adam+lbfgs"),
]
SECOND_ORDER = [
    (RNNRegressor, "lstm", "trust-ncg"),
    (RNNClassifier, "rnn", "hessian-free"),
]
CASES = [
    (RNNClassifier(), "gru", "adam"),
    (RNNRegressor(), "gru", "adam"),
    *(pytest.param(cls(), *case, marks=pytest.mark.slow) for cls, *case in SLOW),
    # Fewer units, since these take minutes with 64.
    *(pytest.param(cls(16), *case, marks=pytest.mark.slow) for cls, *case in SECOND_ORDER),
    *(
        pytest.param(RNNRegressor(loss=loss), "rnn", solver, marks=pytest.mark.slow)
        for loss, solver in [("gaussian", "adam"), ("student_t", "lbfgs")]
    ),
]


@pytest.mark.parametrize(("estimator", "cell", "solver"), CASES)
def test_check_estimator(estimator, cell, solver):
    estimator = clone(estimator).set_params(cell=cell, solver=solver)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(estimator, on_fail=None, on_skip=None)
    assert len(results) >= 59
    troubles = {r["check_name"]: r["exception"] for r in results if r["status"] != "passed"}
    assert troubles == {}
