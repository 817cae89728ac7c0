"""Frames and differences, by value and in every form of X."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.pipeline import make_pipeline

from skbptt import RNNClassifier
from skbptt.preprocessing import SequenceDifferences, SequenceFrames, pad_sequences


def frames_of(x, width, stride):
    """The definition, step by step."""
    frames = []
    for k in range(0, len(x), stride):
        first = k - (width - stride) // 2
        steps = [min(max(t, 0), len(x) - 1) for t in range(first, first + width)]
        frames.append(np.concatenate([x[t] for t in steps]))
    return np.array(frames)


@given(
    st.lists(st.integers(1, 12), min_size=1, max_size=5),
    st.integers(1, 3),
    st.integers(1, 7),
    st.integers(1, 5),
)
def test_frames_by_value(lengths, n_features, width, stride):
    rng = np.random.default_rng(0)
    X = [rng.normal(size=(n, n_features)) for n in lengths]
    found = SequenceFrames(width, stride=stride).fit(X).transform(X)
    for x, frames in zip(X, found):
        np.testing.assert_array_equal(frames, frames_of(x, width, stride))


def test_forms():
    rng = np.random.default_rng(1)
    dense = rng.normal(size=(4, 9, 2))
    dense[1, 6:] = np.nan
    ragged = [x[~np.isnan(x[:, 0])] for x in dense]
    for transformer in (SequenceFrames(3, stride=2), SequenceDifferences()):
        of_ragged = transformer.fit(ragged).transform(ragged)
        of_dense = transformer.fit(dense).transform(dense)
        assert isinstance(of_ragged, list)
        assert of_dense.shape[1] == (5 if isinstance(transformer, SequenceFrames) else 9)
        for x, padded in zip(of_ragged, of_dense):
            np.testing.assert_array_equal(padded[: len(x)], x)
            assert np.isnan(padded[len(x) :]).all()
        flat = rng.normal(size=(4, 9))
        of_flat = transformer.fit(flat).transform(flat)
        of_column = transformer.fit(flat[..., None]).transform(flat[..., None])
        np.testing.assert_array_equal(of_flat, of_column)
        assert transformer.fit_transform(dense.astype(np.float32)).dtype == np.float32
        frames = [pd.DataFrame(x, columns=["a", "b"]) for x in ragged]
        of_frames = transformer.fit(frames).transform(frames)
        assert list(of_frames[0].columns) == list(transformer.get_feature_names_out())
        np.testing.assert_array_equal(of_frames[1], of_ragged[1])


def test_names():
    X = [pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})]
    names = SequenceFrames(3, stride=1).fit(X).get_feature_names_out()
    assert list(names) == ["a_-1", "b_-1", "a_+0", "b_+0", "a_+1", "b_+1"]
    names = SequenceDifferences().fit(X).get_feature_names_out()
    assert list(names) == ["a", "b", "diff_a", "diff_b"]


def test_automatic_stride_leaves_about_thirty_frames():
    for n, stride in [(10, 1), (44, 1), (46, 2), (150, 5), (361, 12)]:
        frames = SequenceFrames().fit(np.zeros((2, n, 1)))
        assert (frames.stride_, frames.width_) == (stride, 3 * stride)


def test_differences_by_value_and_back():
    rng = np.random.default_rng(2)
    X = [rng.normal(size=(n, 2)) for n in (1, 5, 3)]
    transformer = SequenceDifferences().fit(X)
    found = transformer.transform(X)
    for x, both in zip(X, found):
        np.testing.assert_array_equal(both[:, :2], x)
        np.testing.assert_array_equal(both[:, 2:], np.diff(x, axis=0, prepend=x[:1]))
    for x, back in zip(X, transformer.inverse_transform(found)):
        np.testing.assert_array_equal(back, x)
    flat = rng.normal(size=(3, 4))
    transformer.fit(flat)
    np.testing.assert_array_equal(
        transformer.inverse_transform(transformer.transform(flat)), flat
    )


def test_step_targets_refuse_strides():
    rng = np.random.default_rng(3)
    X = [rng.normal(size=(n, 2)) for n in (70, 90)]
    y = [x[:, 0] > 0 for x in X]
    padded, y_padded = pad_sequences(X), pad_sequences([t[:, np.newaxis] for t in y])
    for form, targets in ((X, y), (padded, y_padded[..., 0])):
        with pytest.raises(ValueError, match="stride must be 1 where y has a target for"):
            SequenceFrames().fit(form, targets)
    model = make_pipeline(
        SequenceFrames(5, stride=1), RNNClassifier(4, return_sequences=True, max_iter=2)
    )
    model.fit(X, y)
    assert [len(p) for p in model.predict(X)] == [70, 90]


def test_targets_of_sequences_in_any_container():
    X = np.zeros((2, 90, 1))
    for y in ([1, 2], pd.Series([1, 2], index=[7, 8]), pd.DataFrame({"a": [1, 2]})):
        assert SequenceFrames().fit(X, y).stride_ == 3


@pytest.mark.parametrize(
    ("how", "X", "message"),
    [
        ({"width": 0}, np.zeros((2, 5, 1)), "width"),
        ({"stride": 1.5}, np.zeros((2, 5, 1)), "stride"),
        ({}, np.full((2, 5, 2), np.inf), "infinity"),
        ({}, [[["a"], ["b"]]], "X"),
    ],
)
def test_refused(how, X, message):
    with pytest.raises((ValueError, TypeError), match=message):
        SequenceFrames(**how).fit(X)
