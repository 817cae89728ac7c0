"""Losses against scikit-learn's metrics and the complex step."""

import numpy as np
import pytest
from scipy.special import expit, softmax
from sklearn import metrics

from skbptt import losses
from tests.gradcheck import complex_gradient

rng = np.random.RandomState(0)
RAW = 3 * rng.standard_normal((40, 3))
REAL = RAW + 2 * rng.standard_normal((40, 3))
COUNTS = rng.poisson(3.0, (40, 3)).astype(float)
LABELS = rng.randint(0, 2, (40, 3))
CODES = rng.randint(0, 3, 40)

CASES = [
    (losses.SquaredError(), REAL),
    (losses.AbsoluteError(), REAL),
    (losses.Huber(), REAL),
    (losses.Quantile(0.3), REAL),
    (losses.Poisson(), COUNTS),
    (losses.BinaryCrossEntropy(), LABELS),
    (losses.CrossEntropy(3), CODES),
]
IDS = [type(loss).__name__ for loss, _ in CASES]


@pytest.mark.parametrize(("loss", "y"), CASES, ids=IDS)
def test_gradient(loss, y):
    def total(raw):
        return loss.value(raw.reshape(RAW.shape), y).sum()

    expected = complex_gradient(total, RAW.ravel()).reshape(RAW.shape)
    np.testing.assert_allclose(loss.gradient(RAW, y), expected, rtol=1e-12, atol=1e-14)


def test_values_are_those_of_sklearn():
    def mean(loss, y, raw=RAW):
        return loss.value(raw, y).mean()

    def pinball(y, p):
        return metrics.mean_pinball_loss(y, p, alpha=0.3)

    squared = 0.5 * metrics.mean_squared_error(REAL, RAW)
    assert mean(losses.SquaredError(), REAL) == pytest.approx(squared)
    absolute = metrics.mean_absolute_error(REAL, RAW)
    assert mean(losses.AbsoluteError(), REAL) == pytest.approx(absolute)
    assert mean(losses.Quantile(0.3), REAL) == pytest.approx(pinball(REAL, RAW))
    log_loss = metrics.log_loss(CODES, softmax(RAW, axis=1))
    assert mean(losses.CrossEntropy(3), CODES) == pytest.approx(log_loss)
    binary = sum(metrics.log_loss(LABELS[:, k], expit(RAW[:, k])) for k in range(3))
    assert mean(losses.BinaryCrossEntropy(), LABELS) == pytest.approx(binary)
    deviance = metrics.mean_poisson_deviance(COUNTS.ravel(), np.exp(RAW).ravel())
    assert mean(losses.Poisson(), COUNTS) == pytest.approx(0.5 * deviance)


def test_huber_is_squared_inside_and_linear_outside():
    y = np.zeros((1, 1))
    value = losses.Huber().value
    assert value(np.array([[0.5]]), y)[0] == pytest.approx(0.125)
    assert value(np.array([[1.0]]), y)[0] == pytest.approx(0.5)
    assert value(np.array([[-3.0]]), y)[0] == pytest.approx(2.5)


@pytest.mark.parametrize(("loss", "y"), CASES[-2:], ids=IDS[-2:])
@pytest.mark.parametrize("size", [1e3, 1e30])
def test_cross_entropy_of_huge_outputs(loss, y, size):
    """No clipping: the loss of an output that is wrong by 1000 is 1000."""
    raw = np.zeros((40, 3))
    raw[:, 0] = size
    value = loss.value(raw, y)
    wrong = (y[:, 0] == 0) if y.ndim == 2 else (y != 0)
    np.testing.assert_allclose(value[wrong] // size, 1)
    assert np.isfinite(loss.gradient(raw, y)).all()


@pytest.mark.parametrize(
    ("loss", "y"), [CASES[0], CASES[4], CASES[5], CASES[6]], ids=lambda c: ""
)
def test_start_is_the_best_constant(loss, y):
    """At the starting output, the weighted gradients of the loss cancel."""
    weights = rng.randint(0, 3, 40).astype(float)
    start = np.broadcast_to(loss.start(y, weights), (40, 3))
    gradient = weights @ loss.gradient(np.array(start), y)
    np.testing.assert_allclose(gradient, 0, atol=1e-12)


def test_start_keeps_absent_classes_within_reach():
    y, weights = np.array([0, 0, 1]), np.ones(3)
    shares = np.exp(losses.CrossEntropy(3).start(y, weights))
    np.testing.assert_allclose(shares, [2 / 3, 1 / 3, 0.01])


def test_float32_stays():
    for loss, y in CASES:
        y32 = y if y.dtype.kind == "i" else y.astype(np.float32)
        assert loss.value(RAW.astype(np.float32), y32).dtype == np.float32
        assert loss.gradient(RAW.astype(np.float32), y32).dtype == np.float32
