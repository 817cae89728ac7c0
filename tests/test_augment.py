"""Copies of sequences, changed at random."""

import numpy as np
import pandas
import polars
import pytest
from sklearn.base import clone

from skbptt import RNNClassifier
from skbptt.preprocessing import SequenceAugmenter, pad_sequences
from skbptt.preprocessing._augment import N_SPEEDS, warped, warped_times

rng = np.random.default_rng(0)
DENSE = rng.normal(size=(12, 9, 2))
RAGGED = [rng.normal(3, 2, size=(n, 2)) for n in rng.integers(1, 9, 12)]
LABELS = np.arange(12)
STILL = {"time_warp": 0}
ALL = {"scale": 0.1, "noise": 0.1, "random_state": 0}


def array_of(arrays):
    found = np.empty(len(arrays), object)
    found[:] = arrays
    return found


def in_form(form, arrays):
    if form == "list":
        return arrays
    if form == "array":
        return array_of(arrays)
    if form == "padded":
        return pad_sequences(arrays)
    frame = {"pandas": pandas, "polars": polars}[form].DataFrame
    return [frame({"speed": x[:, 0], "load": x[:, 1]}) for x in arrays]


@pytest.mark.parametrize("form", ["list", "array", "padded", "pandas", "polars"])
def test_originals_and_copies_in_the_form_given(form):
    X = in_form(form, RAGGED)
    more, labels = SequenceAugmenter(2, random_state=0, **STILL).fit_resample(X, LABELS)
    assert type(more) is type(X)
    assert len(more) == 36
    np.testing.assert_array_equal(labels, np.tile(LABELS, 3))
    for k in range(36):
        assert type(more[k]) is type(X[k % 12])
        np.testing.assert_array_equal(more[k], X[k % 12])
    changed, _ = SequenceAugmenter(2, **ALL).fit_resample(X, LABELS)
    of_list, _ = SequenceAugmenter(2, **ALL).fit_resample(RAGGED, LABELS)
    for one, other in zip(changed, of_list):
        one = np.asarray(one)[: len(other)]
        np.testing.assert_allclose(one, other, rtol=1e-12)
    assert not np.allclose(of_list[12], of_list[24])


@pytest.mark.parametrize("library", [pandas, polars])
def test_tables_of_univariate_sequences(library):
    names = [f"t{k}" for k in range(9)]
    table = library.DataFrame(dict(zip(names, DENSE[:, :, 0].T)))
    augmenter = SequenceAugmenter(**ALL)
    more, _ = augmenter.fit_resample(table, LABELS)
    of_array, _ = augmenter.fit_resample(DENSE[:, :, 0], LABELS)
    assert list(more.columns) == names
    assert of_array.shape == (60, 9)
    np.testing.assert_array_equal(more, of_array)
    numbered = augmenter.fit_resample(pandas.DataFrame(DENSE[:, :, 0]), LABELS)[0]
    np.testing.assert_array_equal(numbered, of_array)
    of_3d, _ = augmenter.fit_resample(DENSE[:, :, :1], LABELS)
    np.testing.assert_array_equal(of_3d[..., 0], of_array)
    assert augmenter.fit_resample(DENSE.astype("f"), LABELS)[0].dtype == np.float32


def test_a_warp_reads_the_sequence_at_other_times():
    """A ramp shows the times: they increase from the first to the last step."""
    ramp = np.arange(200.0).reshape(1, 200, 1).repeat(2000, axis=0)
    more, _ = SequenceAugmenter(1, random_state=0).fit_resample(ramp, np.zeros(2000))
    times = more[2000:, :, 0]
    np.testing.assert_allclose(times[:, 0], 0, atol=1e-10)
    np.testing.assert_allclose(times[:, -1], 199, rtol=1e-12)
    speeds = np.diff(times)
    assert (speeds > 0).all()
    # The last step takes time 199 however fast; relative to their mean, logarithms of
    # speeds at the drawn points are normal numbers less their mean over the sequence.
    at = np.round(np.linspace(0, 198, N_SPEEDS)).astype(int)
    contrast = np.log(speeds[:, at[1]] / speeds[:, at[4]])
    np.testing.assert_allclose(contrast.std(), 0.3 * np.sqrt(2), rtol=0.05)
    # A curve is read at the same times.
    curve = np.sin(ramp / 30)
    warped, _ = SequenceAugmenter(1, random_state=0).fit_resample(curve, np.zeros(2000))
    expected = np.interp(times, np.arange(200), curve[0, :, 0])
    np.testing.assert_allclose(warped[2000:, :, 0], expected, atol=1e-10)


@pytest.mark.parametrize("n", [1, 2, 3, 40])
def test_interpolation_is_that_of_numpy(n):
    rows = rng.normal(size=(n, 2))
    times = warped_times(n, 0.5, np.random.RandomState(0))
    found = warped(rows, 0.5, np.random.RandomState(0))
    for column, values in zip(rows.T, found.T):
        np.testing.assert_allclose(values, np.interp(times, np.arange(n), column))


@pytest.mark.parametrize("n", [2, 40])
def test_times_are_finite_however_strong_the_warp(n):
    for seed in range(20):
        times = warped_times(n, 1e4, np.random.RandomState(seed))
        assert times[0] == 0
        assert times[-1] == n - 1
        assert (np.diff(times) >= 0).all()


def test_scale_and_noise_have_the_size_given():
    """In units of each feature, whatever its mean."""
    X = np.random.default_rng(1).normal([5, -100], [2, 30], size=(4000, 50, 2))
    y = np.zeros(4000)
    mean = X.mean(axis=(0, 1))
    still = STILL | {"random_state": 0}
    scaled, _ = SequenceAugmenter(1, **still | {"scale": 0.2}).fit_resample(X, y)
    factors = (scaled[4000:] - mean) / (X - mean)
    # One factor for each feature of a sequence.
    np.testing.assert_allclose(factors, factors[:, :1].repeat(50, axis=1), rtol=1e-6)
    np.testing.assert_allclose(factors[:, 0].std(axis=0), 0.2, rtol=0.05)
    np.testing.assert_allclose(factors[:, 0].mean(axis=0), 1, atol=0.01)
    assert abs(np.corrcoef(factors[:, 0].T)[0, 1]) < 0.05
    noisy, _ = SequenceAugmenter(1, **still | {"noise": 0.3}).fit_resample(X, y)
    noise = noisy[4000:] - X
    np.testing.assert_allclose(noise.std(axis=(0, 1)), 0.3 * X.std(axis=(0, 1)), rtol=0.01)
    assert abs(np.corrcoef(noise[:, 0, 0], noise[:, 1, 0])[0, 1]) < 0.05


def test_forms_of_y_and_random_state():
    augmenter = SequenceAugmenter(1, random_state=3)
    X_more, texts = augmenter.fit_resample(DENSE, ["a"] * 12)
    assert texts == ["a"] * 24
    again, targets = clone(augmenter).fit_resample(DENSE, pandas.Series(LABELS))
    np.testing.assert_array_equal(again, X_more)
    np.testing.assert_array_equal(targets, np.tile(LABELS, 2))
    numbered = pandas.Series(LABELS, index=LABELS + 5)
    np.testing.assert_array_equal(augmenter.fit_resample(DENSE, numbered)[1], targets)
    several, y = augmenter.fit_resample(DENSE, DENSE[:, 0])
    np.testing.assert_array_equal(y, np.tile(DENSE[:, 0], (2, 1)))
    other = augmenter.set_params(random_state=4).fit_resample(DENSE, LABELS)[0]
    assert not np.allclose(other[12:], several[12:])


def test_targets_of_steps():
    y_steps = [x[:, 0] > 0 for x in RAGGED]
    padded, y_padded = pad_sequences(RAGGED), pad_sequences([y[:, None] for y in y_steps])
    for X, y in ((RAGGED, y_steps), (padded, y_padded[..., 0]), (DENSE, DENSE[..., 0])):
        with pytest.raises(ValueError, match="time_warp must be 0 where y .* Got 0.3"):
            SequenceAugmenter().fit_resample(X, y)
    more, y = SequenceAugmenter(1, time_warp=0).fit_resample(RAGGED, y_steps)
    assert len(more) == len(y) == 24
    assert y[12] is y_steps[0]


@pytest.mark.parametrize(
    ("how", "match"),
    [
        ({"n_copies": 0}, "n_copies.*SequenceAugmenter.*Got 0"),
        ({"time_warp": -1}, "time_warp.*Got -1"),
        ({"scale": "much"}, "scale.*Got 'much'"),
        ({"noise": np.inf}, "noise"),
    ],
)
def test_bad_parameters(how, match):
    with pytest.raises(ValueError, match=match):
        SequenceAugmenter(**how).fit_resample(DENSE, LABELS)


def test_bad_data():
    augmenter = SequenceAugmenter()
    for X, y, match in (
        (DENSE, LABELS[1:], r"inconsistent numbers of samples.*12.*11"),
        ([np.array([[1.0], [np.nan]])], [1], "NaN"),
        ([np.array([["a"], ["b"]], object)], [1], "X must hold numbers"),
        ([np.array([1, 2, 3])], [1], "Got tokens"),
        (array_of([np.array([1, 2, 3]), np.array([4])]), [1, 2], "Got tokens"),
        (DENSE, None, "y must hold a target for each sequence. Got None"),
    ):
        with pytest.raises(ValueError, match=match):
            augmenter.fit_resample(X, y)
    assert not hasattr(augmenter, "n_features_in_")


def test_copies_teach_what_the_originals_do():
    """A bump at a random time, up or down, from ten examples."""
    t = np.arange(40)
    random = np.random.default_rng(0)

    def bumps(n):
        y = random.permutation(np.arange(n) % 2)
        at = random.uniform(8, 32, (n, 1))
        wave = (2 * y[:, None] - 1) * np.exp(-((t - at) ** 2) / 8)
        return (wave + 0.2 * random.normal(size=(n, 40)))[..., None], y

    X, y = bumps(10)
    X_test, y_test = bumps(300)
    X, y = SequenceAugmenter(9, random_state=0).fit_resample(X, y)
    assert (
        RNNClassifier(16, max_iter=20, random_state=0).fit(X, y).score(X_test, y_test)
        > 0.95
    )
