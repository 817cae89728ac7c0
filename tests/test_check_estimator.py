"""scikit-learn's own checks: every one of them passed, none skipped or expected to fail."""

import warnings

import pytest
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
    (RNNRegressor, "lstm", "trust-ncg"),
    (RNNClassifier, "rnn", "hessian-free"),
]
CASES = [
    (RNNClassifier, "gru", "adam"),
    (RNNRegressor, "gru", "adam"),
    *(pytest.param(*case, marks=pytest.mark.slow) for case in SLOW),
]


@pytest.mark.parametrize(("cls", "cell", "solver"), CASES)
def test_check_estimator(cls, cell, solver):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(cls(cell=cell, solver=solver), on_fail=None, on_skip=None)
    assert len(results) >= 59
    troubles = {r["check_name"]: r["exception"] for r in results if r["status"] != "passed"}
    assert troubles == {}
