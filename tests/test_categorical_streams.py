"""Streams of tokens and categories equal what the estimator predicts."""

import numpy as np
import polars
import pytest

from tests.coded import (
    IDS,
    LABELS,
    arrays,
    classifier,
    colors,
    frames,
)

STREAMED = {
    "tokens": (IDS, "from_dtype"),
    "frames": (frames(), "from_dtype"),
    "polars": (frames(polars), "from_dtype"),
    "text by index": (arrays(colors, object), [1]),
    "numbers": (arrays(), [1]),
}


def rows_of(x):
    """The steps of a sequence as they arrive."""
    if hasattr(x, "iloc"):
        return [x.iloc[t] for t in range(len(x))]
    return x.rows() if hasattr(x, "rows") else list(x)


@pytest.mark.parametrize("steps", [False, True])
@pytest.mark.parametrize("form", STREAMED)
def test_streams(form, steps):
    """After every prefix a stream predicts what the estimator does."""
    X, which = STREAMED[form]
    options = {"categorical_features": which, "return_sequences": steps}
    y = [ids % 2 for ids in IDS] if steps else LABELS
    model = classifier(**options, initial_state="learned").fit(X, y)
    for x in X[:4]:
        stream = model.stream()
        for t, row in enumerate(rows_of(x), start=1):
            proba = stream.push(row, method="predict_proba")
            expected = model.predict_proba([x[:t]])[0]
            expected = expected[-1] if steps else expected
            np.testing.assert_allclose(proba, expected, rtol=1e-12)
        stream.reset()
        first = model.predict_proba([x[:1]])[0]
        first = first[0] if steps else first
        np.testing.assert_allclose(stream.push(rows_of(x)[0], "predict_proba"), first)


def test_parallel_streams():
    """Unknown categories too; a push that fails changes nothing."""
    model = classifier().fit(IDS, LABELS)
    stream = model.stream(3)
    rows = np.array([[0, 6, 99], [3, 9, 0], [12, 12, 12]])
    for t in range(1, 4):
        got = stream.push(rows[:, t - 1], method="predict_proba")
        np.testing.assert_allclose(got, model.predict_proba(rows[:, :t]), rtol=1e-12)
    before = stream.state
    for bad in ([0, 1, -1], [0.0, 1.0, 2.0], ["a", "b", "c"], [0, 1]):
        with pytest.raises(ValueError, match="x must"):
            stream.push(bad)
    for name, value in stream.state.items():
        np.testing.assert_array_equal(value, before[name])
    mixed = classifier().fit(frames(), LABELS).stream()
    with pytest.raises(ValueError, match="contains text"):
        mixed.push(["text", "blue", 0.0])
    with pytest.raises(ValueError, match="x contains NaN"):
        mixed.push([np.nan, "blue", 0.0])
    assert mixed.push([0.0, "never seen", 0.0]).shape == ()
