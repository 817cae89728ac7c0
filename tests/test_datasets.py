"""The bundled speech as published, and generated problems by their definition."""

import numpy as np
import pytest

from skbptt.datasets import (
    load_japanese_vowels,
    make_adding_problem,
    make_copy_memory,
    make_temporal_order,
)


def test_japanese_vowels_as_published():
    data = load_japanese_vowels()
    assert data.data.shape == data.target.shape == (640,)
    lengths = [len(x) for x in data.data]
    assert (min(lengths), max(lengths), sum(lengths)) == (7, 29, 9961)
    assert {x.shape[1] for x in data.data} == {12}
    X_train, y_train = load_japanese_vowels(subset="train", return_X_y=True)
    X_test, y_test = load_japanese_vowels(subset="test", return_X_y=True)
    assert np.bincount(y_train).tolist() == [0] + 9 * [30]
    # From the description of the data set at UCI.
    assert np.bincount(y_test).tolist() == [0, 31, 35, 88, 44, 29, 24, 40, 50, 29]
    np.testing.assert_array_equal(X_train[0], data.data[0])
    np.testing.assert_array_equal(X_test[0], data.data[270])
    # The first frame of ae.train.
    first = [
        *(1.860936, -0.207383, 0.261557, -0.214562, -0.171253, -0.118167),
        *(-0.277557, 0.025668, 0.126701, -0.306756, -0.213076, 0.088728),
    ]
    assert X_train[0][0].tolist() == first
    assert "CC BY 4.0" in data.DESCR
    assert len(data.feature_names) == 12
    assert len(data.target_names) == 9
    with pytest.raises(ValueError, match="subset must be one of .*Got 'val'"):
        load_japanese_vowels(subset="val")


def test_adding_problem():
    X, y = make_adding_problem(2000, 50, random_state=0)
    marks = X[:, :, 1]
    assert (marks[:, :25].sum(axis=1) == 1).all()
    assert (marks[:, 25:].sum(axis=1) == 1).all()
    np.testing.assert_allclose(y, [x[m == 1].sum() for x, m in zip(X[:, :, 0], marks)])
    assert np.mean((y - 1) ** 2) == pytest.approx(1 / 6, rel=0.1)
    again = make_adding_problem(2000, 50, random_state=0)[0]
    np.testing.assert_array_equal(X, again)


@pytest.mark.parametrize("n_symbols", [2, 3])
def test_temporal_order(n_symbols):
    X, y = make_temporal_order(3000, 60, n_symbols=n_symbols, random_state=0)
    assert (X.sum(axis=2) == 1).all()
    for x, label in zip(X, y):
        where = np.flatnonzero(x[:, 4:].any(axis=1))
        bits = x[where, 5].astype(int)
        assert len(where) == n_symbols
        assert label == int("".join(map(str, bits)), 2)
        assert 6 <= where[0] < 12
    shares = np.bincount(y) / 3000
    np.testing.assert_allclose(shares, 0.5**n_symbols, atol=0.03)


def test_copy_memory():
    X, y = make_copy_memory(50, 20, n_symbols=4, n_memorized=5, random_state=0)
    shown = X.argmax(axis=2)
    assert X.shape == (50, 30, 6)
    assert ((shown[:, :5] >= 1) & (shown[:, :5] <= 4)).all()
    assert (shown[:, 24] == 5).all()
    assert (np.delete(shown, [*range(5), 24], axis=1) == 0).all()
    np.testing.assert_array_equal(y[:, -5:], shown[:, :5])
    assert (y[:, :-5] == 0).all()


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: make_adding_problem(0), "n_sequences must be an int of at least 1"),
        (lambda: make_adding_problem(5, 1), "n_steps must be .* at least 2. Got 1"),
        (lambda: make_temporal_order(5, 9), "n_steps must be .* at least 10. Got 9"),
        (lambda: make_temporal_order(n_symbols=4), "n_symbols must be 2 or 3. Got 4"),
        (lambda: make_copy_memory(5, 0), "n_steps must be .* at least 1. Got 0"),
        (lambda: make_copy_memory(n_symbols=1), "n_symbols must be .* at least 2"),
        (lambda: make_copy_memory(n_memorized=0.5), "n_memorized must be an int"),
    ],
)
def test_bad_arguments(call, match):
    with pytest.raises(ValueError, match=match):
        call()
