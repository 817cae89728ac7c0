"""Tokens and categories that are refused, by name."""

import numpy as np
import pytest

from tests.coded import IDS, LABELS, NUMBERS, arrays, classifier, colors, frames

TOKENS = [np.array([1, 2]), np.array([3])]
BAD = {
    "negative ids": ([TOKENS[0], np.array([0, -1])], r"X\[1\] holds the id -1"),
    "floats": ([TOKENS[0], np.array([1.5])], r"X\[1\] is float64 of shape \(1,\)"),
    "two dimensions": ([TOKENS[0], np.ones((2, 1), int)], r"X\[1\] is int64 of shape"),
    "strings": ([["good", "film"], ["bad"]], "X contains text.*TokenEncoder"),
    "texts": (["good film", "bad"], "X contains text.*TokenEncoder"),
    "an empty text": ([TOKENS[0], np.array([], int)], r"X\[1\] is empty.*TokenEncoder"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_tokens(case):
    X, match = BAD[case]
    with pytest.raises(ValueError, match=match):
        classifier().fit(X, [0, 1])
    model = classifier().fit(IDS, LABELS)
    with pytest.raises(ValueError, match=match):
        model.predict(X)


NAMES = "categorical_features must be 'from_dtype', None, a mask, indices or names"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (["colour"], "X has no feature 'colour'"),
        ([3], "indices must be from 0 to 2"),
        ([-1], "indices must be from 0 to 2"),
        ([True, False], r"a mask must have the shape \(3,\)"),
        ([1.5], "indices are integers"),
    ],
)
def test_bad_categorical_features(given, why):
    with pytest.raises(ValueError, match=f"(?s){NAMES}.*{why}"):
        classifier(categorical_features=given).fit(frames(), LABELS)


def test_names_need_frames():
    with pytest.raises(ValueError, match="names need X to be a data frame"):
        classifier(categorical_features=["color"]).fit(arrays(), LABELS)


def test_changes_between_fit_and_predict():
    model = classifier().fit(frames(), LABELS)
    plain = [x.assign(color=x["color"].astype(object)) for x in frames()]
    with pytest.raises(ValueError, match="'color' of X was categorical in fit, and now"):
        model.predict(plain)
    numbers = [x.assign(color=0.0) for x in plain]
    model = classifier().fit(numbers, LABELS)
    with pytest.raises(ValueError, match="'color' of X was numeric in fit, and now"):
        model.predict(frames())
    model = classifier(categorical_features=[1]).fit(arrays(), LABELS)
    with pytest.raises(ValueError, match="'x1' of X holds str, such as 'blue'|holds str"):
        model.predict(arrays(colors, object))
    with pytest.raises(ValueError, match="it was a list of sequences of tokens"):
        classifier().fit(IDS, LABELS).predict(arrays())
    mixed = arrays(lambda ids: np.where(ids == 0, ids.astype(object), "a"), object)
    with pytest.raises(TypeError, match="all strings or all numbers. Feature 'x1'"):
        classifier(categorical_features=[1]).fit(mixed, LABELS)


@pytest.mark.parametrize("given", [[1, 2], (), [0], ["a"], True])
def test_bad_embedding_dim(given):
    with pytest.raises(ValueError, match="embedding_dim must be"):
        classifier(embedding_dim=given).fit(IDS, LABELS)


def test_lengths_of_vectors_without_categories():
    with pytest.raises(ValueError, match="each of the 0 categorical features. Got .2, 3."):
        classifier(embedding_dim=[2, 3]).fit(NUMBERS, LABELS)


def test_text_where_numbers_are_expected():
    X = [x.assign(kind="a") for x in frames()]
    with pytest.raises(ValueError, match="Feature 'kind' of X contains text.*: 'a'. List"):
        classifier().fit(X, LABELS)
