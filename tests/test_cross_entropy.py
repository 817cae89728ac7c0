"""Cross-entropies of rows, compiled and in NumPy, against scipy and closed forms."""

import numpy as np
import pytest
from scipy.special import expit, log_softmax, softmax

from skbptt.losses._cross_entropy import cross_entropy, cross_entropy_in_numpy
from tests.gradcheck import complex_gradient


def problem(n_classes, scale=2.0, n=37, seed=0):
    rng = np.random.RandomState(seed)
    raw = scale * rng.standard_normal((n, n_classes))
    return raw, rng.randint(n_classes, size=n), rng.randint(0, 4, n).astype(float)


def by_scipy(raw, y, weights):
    """Values, and the gradient of their weighted sum, in double precision."""
    raw, rows = raw.astype(float), np.arange(len(y))
    gradient = softmax(raw, axis=1)
    gradient[rows, y] -= 1
    return -log_softmax(raw, axis=1)[rows, y], weights[:, np.newaxis] * gradient


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("scale", [1e-3, 2, 1e4])
@pytest.mark.parametrize("n_classes", [1, 2, 15, 16, 17, 33, 1000])
def test_values_and_gradients_are_those_of_scipy(engine, n_classes, scale, dtype):
    raw, y, weights = problem(n_classes, scale)
    raw, weights = raw.astype(dtype), weights.astype(dtype)
    expected, d_expected = by_scipy(raw, y, weights)
    alone = cross_entropy(raw, y)
    d_raw = raw.copy()
    values = cross_entropy(d_raw, y, weights)
    np.testing.assert_allclose(alone, values, rtol=4 * np.finfo(dtype).eps)
    assert values.dtype == d_raw.dtype == dtype
    tolerance = {"float64": 1e-13, "float32": 3e-6}[dtype]
    np.testing.assert_allclose(values, expected, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(d_raw, d_expected, rtol=tolerance, atol=tolerance)
    assert not d_raw[weights == 0].any()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_what_is_missing_from_one_is_right_to_rounding(engine, dtype):
    """With a probability that is nearly one, 1 - p would have lost its digits."""
    z = np.array([1.0, 10, 40, 80], dtype)
    raw, y = np.stack([z, np.zeros_like(z)], axis=1), np.zeros(4, int)
    tolerance = 200 * np.finfo(dtype).eps  # of exp(-80), whose argument is rounded
    expected = np.log1p(np.exp(-z.astype(float)))
    np.testing.assert_allclose(cross_entropy(raw, y), expected, rtol=tolerance)
    values = cross_entropy(raw, y, np.ones(4, dtype))
    np.testing.assert_allclose(values, expected, rtol=tolerance)
    missing = expit(-z.astype(float))
    np.testing.assert_allclose(raw, np.stack([-missing, missing], axis=1), rtol=tolerance)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("size", [1e4, -1e4, 1e30])
def test_extreme_raw_outputs(engine, size, dtype):
    """A loss of any size is not clipped, and exp(-size) is zero."""
    raw = np.array([[size, 0, 0], [0, size, 0], [size, size, 0], [0, 0, 0]], dtype)
    y = np.array([0, 2, 0, 1])
    weights = np.array([1, 3, 2, 1], dtype)
    expected, d_expected = by_scipy(raw, y, weights)
    d_raw = raw.copy()
    values = cross_entropy(d_raw, y, weights)
    np.testing.assert_allclose(values, expected, rtol=1e-6)
    np.testing.assert_allclose(d_raw, d_expected, rtol=1e-6)
    np.testing.assert_allclose(cross_entropy(raw, y), expected, rtol=1e-6)


@pytest.mark.parametrize("n_classes", [4, 40])
def test_ties_share_equally(engine, n_classes):
    raw = np.full((3, n_classes), 7.0)
    raw[2, ::2] = 5
    y = np.array([0, n_classes - 1, 0])
    expected, d_expected = by_scipy(raw, y, np.ones(3))
    np.testing.assert_allclose(cross_entropy(raw, y, np.ones(3)), expected, rtol=1e-14)
    np.testing.assert_allclose(raw, d_expected, rtol=1e-13)


def test_gradient_is_that_of_the_complex_step(engine):
    raw, y, weights = problem(5, n=6)

    def total(flat):
        return (weights * cross_entropy(flat.reshape(raw.shape), y)).sum()

    expected = complex_gradient(total, raw.ravel()).reshape(raw.shape)
    cross_entropy(raw, y, weights)
    np.testing.assert_allclose(raw, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_engines_agree(engine, dtype, monkeypatch):
    """Over more rows than NumPy takes at a time."""
    raw, y, weights = problem(700, 5.0, n=200)
    raw, weights = raw.astype(dtype), weights.astype(dtype)
    expected = raw.copy()
    of_numpy = cross_entropy_in_numpy(expected, y, weights)
    tolerance = {"float64": 1e-14, "float32": 1e-6}[dtype]
    np.testing.assert_allclose(
        cross_entropy(raw, y, weights), of_numpy, rtol=10 * tolerance
    )
    np.testing.assert_allclose(raw, expected, rtol=100 * tolerance, atol=tolerance)


def test_rows_do_not_depend_on_each_other(engine):
    raw, y, weights = problem(19)
    together = raw.copy()
    values = cross_entropy(together, y, weights)
    for i in range(len(y)):
        alone = raw[[i]].copy()
        value = cross_entropy(alone, y[[i]], weights[[i]])
        np.testing.assert_array_equal(value[0], values[i])
        np.testing.assert_array_equal(alone[0], together[i])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_is_handed_on(engine, bad):
    raw, y, _ = problem(20, n=3)
    raw[1, 18] = bad
    with np.errstate(invalid="ignore"):
        assert np.isfinite(cross_entropy(raw, y)).tolist() == [True, False, True]
        values = cross_entropy(raw, y, np.ones(3))
    assert np.isfinite(values).tolist() == [True, False, True]
    assert np.isfinite(raw[[0, 2]]).all()
    assert bad == np.inf or np.isnan(raw[1]).all()


def test_compiled_code_stays_within_its_arrays(compiled):
    raw, y, weights = problem(4)
    for wrong in (4, -1):
        with pytest.raises(ValueError, match="labels must lie between 0 and 3"):
            cross_entropy(raw, np.where(y == 2, wrong, y))
    with pytest.raises(ValueError, match="36 numbers of int64, not 37"):
        cross_entropy(raw, y[1:])
    with pytest.raises(ValueError, match="36 numbers of float64, not 37"):
        cross_entropy(raw, y, weights[1:])
    with pytest.raises(ValueError, match="float32"):
        cross_entropy(raw, y, weights.astype("f4"))
    with pytest.raises(ValueError, match="contiguous"):
        cross_entropy(raw[:, :3], y % 3, weights)
    raw.flags.writeable = False
    cross_entropy(raw, y)
    with pytest.raises(ValueError, match="read-only|not writable"):
        cross_entropy(raw, y, weights)
