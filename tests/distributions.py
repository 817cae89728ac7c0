"""Models that predict distributions or several quantiles, and targets for them."""

import numpy as np
import pytest

from tests.fits import X, Y, regressor

NAMES = ["gaussian", "student_t", "negative_binomial"]
SHARES = [0.1, 0.5, 0.8]
SETTINGS = {name: {"loss": name} for name in NAMES}
SETTINGS["quantiles"] = {"loss": "quantile", "quantile": SHARES}
each_setting = pytest.mark.parametrize("name", SETTINGS)
each_likelihood = pytest.mark.parametrize("name", NAMES)


def make(name, **options):
    return regressor(**SETTINGS[name] | options)


def targets(name, y=Y):
    """Targets of a kind that suits the loss."""
    if isinstance(y, list):
        return [targets(name, steps) for steps in y]
    return np.round(np.exp(0.5 * y + 1)) if name == "negative_binomial" else y


def two(name, y=Y):
    """Two targets of different scale, at once."""
    if isinstance(y, list):
        return [two(name, steps) for steps in y]
    second = 4 - y if name == "negative_binomial" else 10 + 100 * y**2 / 9
    return np.stack([targets(name, y), targets(name, second)], axis=-1)


STEPS = {"return_sequences": True}
PADDED = np.full((40, 8, 2), np.nan)
for row, x in zip(PADDED, X):
    row[: len(x)] = x
