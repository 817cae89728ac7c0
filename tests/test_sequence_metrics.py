"""Metrics of sequences of tokens, against their definitions."""

import pickle
from functools import cache
from itertools import product

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.model_selection import GridSearchCV, cross_validate

from skbptt.metrics import (
    edit_distance,
    neg_token_error_rate_scorer,
    sequence_accuracy_score,
    sequence_accuracy_scorer,
    token_error_rate,
)

TRUE = ["kitten", "", "ab", "b", "intention"]
PRED = ["sitting", "abc", "ab", "", "execution"]
DISTANCES = [3, 3, 0, 1, 5]  # the last in Jurafsky & Martin, Speech and Language Processing


@cache
def by_recursion(a, b):
    """The definition of the distance, of tuples."""
    if not a or not b:
        return len(a) + len(b)
    return min(
        by_recursion(a[1:], b) + 1,
        by_recursion(a, b[1:]) + 1,
        by_recursion(a[1:], b[1:]) + (a[0] != b[0]),
    )


def test_known_distances():
    assert [edit_distance(a, b) for a, b in zip(TRUE, PRED)] == DISTANCES


def test_distances_of_all_short_sequences():
    short = [s for n in range(5) for s in product("ab", repeat=n)]
    pairs = list(product(short, short))  # more than one chunk, of all lengths
    for a, b in pairs[::7]:
        assert edit_distance(a, b) == by_recursion(a, b)
    true, pred = zip(*pairs)
    expected = sum(by_recursion(a, b) for a, b in pairs) / sum(map(len, true))
    assert token_error_rate(true, pred) == pytest.approx(expected, rel=1e-12)


def test_distances_of_long_sequences():
    rng = np.random.RandomState(0)
    for _ in range(20):
        a, b = (tuple(rng.randint(4, size=rng.randint(30))) for _ in range(2))
        assert edit_distance(a, b) == edit_distance(b, a) == by_recursion(a, b)


@pytest.mark.parametrize(
    "form",
    [list, tuple, np.array, lambda tokens: np.array(tokens, object)],
    ids=["list", "tuple", "array", "objects"],
)
def test_forms_of_sequences(form):
    assert edit_distance(form([1, 2, 3]), [2, 3]) == 1
    assert edit_distance(form(["the", "cat"]), ("a", "cat")) == 1
    # Rows of equal length, in any form that holds them.
    y = [form([1, 2]), form([3, 4])]
    assert token_error_rate(y, [[1, 2], [3, 3]]) == 0.25
    assert token_error_rate(np.array(y), np.array([[1, 2], [3, 3]])) == 0.25


def test_tokens_are_equal_as_in_python():
    assert edit_distance([1, True, 2.0, np.int64(3)], [1.0, 1, 2, 3]) == 0
    assert edit_distance([1, "1", (1,), None], ["1", 1, 1, None]) == 3


def test_rates_by_hand():
    size = sum(map(len, TRUE))
    assert token_error_rate(TRUE, PRED) == pytest.approx(sum(DISTANCES) / size)
    assert sequence_accuracy_score(TRUE, PRED) == pytest.approx(1 / 5)
    assert token_error_rate(TRUE, TRUE) == 0
    assert sequence_accuracy_score(TRUE, TRUE) == 1
    assert token_error_rate(["ab"], ["cdefg"]) == 2.5


def test_weights_are_counts():
    weights = np.array([2, 0, 1, 3, 1])
    repeated = [np.repeat(np.array(y, object), weights) for y in (TRUE, PRED)]
    for metric in (token_error_rate, sequence_accuracy_score):
        expected = metric(*repeated)
        assert metric(TRUE, PRED, sample_weight=weights) == pytest.approx(expected)
        assert metric(TRUE, PRED, sample_weight=list(weights)) == pytest.approx(expected)


def test_empty_sequences():
    assert token_error_rate(["", "ab"], ["x", "ab"]) == 0.5
    assert token_error_rate([[], []], [[], []]) == 0
    assert token_error_rate([[], []], [[], [1]]) == np.inf
    assert sequence_accuracy_score([[], []], [[], [1]]) == 0.5
    assert edit_distance([], "") == 0


@pytest.mark.parametrize("metric", [token_error_rate, sequence_accuracy_score])
@pytest.mark.parametrize(
    ("y_true", "y_pred", "weights", "message"),
    [
        ([[1], [2]], [[1]], None, "y_true has 2 sequences, y_pred has 1"),
        ([1, 2], [[1], [2]], None, r"y_true\[0\] must be a sequence of hashable.*Got 1"),
        ([[1], [2]], [[1], None], None, r"y_pred\[1\] must be a sequence.*Got None"),
        ([[[1]]], [[1]], None, r"y_true\[0\] must be a sequence of hashable"),
        ("ab", ["ab"], None, "y_true must be a list.*Got 'ab'"),
        (["ab"], 3, None, "y_pred must be a list.*Got 3"),
        ([], [], None, "y_true must be a list or array of at least one"),
        (["a", "b"], ["a", "b"], [1, -1], "[Nn]egative"),
        (["a", "b"], ["a", "b"], [0, 0], "zero"),
        (["a", "b"], ["a", "b"], [1, 1, 1], "sample_weight.shape"),
    ],
)
def test_bad_input(metric, y_true, y_pred, weights, message):
    with pytest.raises(ValueError, match=message):
        metric(y_true, y_pred, sample_weight=weights)


def test_bad_input_of_a_distance():
    with pytest.raises(ValueError, match="y_pred must be a sequence of hashable.*Got 3"):
        edit_distance([3], 3)


class Echo(BaseEstimator):
    """Predicts the sequence itself, with every ``period``-th token replaced."""

    def __init__(self, period=2):
        self.period = period

    def fit(self, X, y):
        return self

    def predict(self, X):
        return [
            [0 if k % self.period == 0 else token for k, token in enumerate(x, 1)]
            for x in X
        ]


def test_scorers_in_searches():
    y = [[1, 2], [3], [4, 5, 6], [7, 8, 9, 1]]
    scoring = {"tokens": neg_token_error_rate_scorer, "whole": sequence_accuracy_scorer}
    found = cross_validate(Echo(), y, y, cv=2, scoring=scoring)
    np.testing.assert_allclose(found["test_tokens"], [-1 / 3, -3 / 7])
    np.testing.assert_allclose(found["test_whole"], [1 / 2, 0])
    stored = pickle.loads(pickle.dumps(neg_token_error_rate_scorer))
    search = GridSearchCV(Echo(), {"period": [1, 2, 3, 5]}, scoring=stored, cv=2)
    assert search.fit(y, y).best_params_ == {"period": 5}
    assert search.best_score_ == 0
