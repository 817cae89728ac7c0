"""Packing by time, against the plainest way to write it."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from skbptt.data._sequences import Sequences, object_array
from tests import strategies


@settings(max_examples=100, deadline=None)
@given(strategies.lengths, strategies.seeds)
def test_batch_layout(lengths, seed):
    rng = np.random.RandomState(seed)
    lengths = np.array(lengths)
    xs = [rng.standard_normal((n, 2)) for n in lengths]
    sequences = Sequences(np.vstack(xs), lengths)
    indices = rng.permutation(len(lengths))[: rng.randint(1, len(lengths) + 1)]
    batch = sequences.pack(indices)

    assert sorted(batch.order) == sorted(indices)
    expected = [
        (t, column)
        for t in range(lengths[indices].max())
        for column, i in enumerate(batch.order)
        if t < lengths[i]
    ]
    # Longest first means that the running sequences are always the first columns.
    assert expected == list(zip(batch.time, batch.column))
    for r, (t, column) in enumerate(expected):
        x = xs[batch.order[column]]
        np.testing.assert_array_equal(batch.x[r], x[t])
        np.testing.assert_array_equal(batch.x[batch.mirror[r]], x[len(x) - 1 - t])
        np.testing.assert_array_equal(sequences.steps[batch.rows[r]], x[t])
    for column, i in enumerate(batch.order):
        np.testing.assert_array_equal(batch.x[batch.last[column]], xs[i][-1])
    assert batch.offsets[-1] == lengths[indices].sum()
    covered = np.concatenate([np.arange(len(batch.x))[rows] for _, rows in batch.runs])
    np.testing.assert_array_equal(covered, np.arange(len(batch.x)))
    for columns, rows in batch.runs:
        assert (batch.sizes[batch.time[rows]] == columns).all()


@settings(max_examples=50, deadline=None)
@given(strategies.lengths, st.integers(1, 30), st.integers(1, 4))
def test_chunks_cover_all_in_bounded_size(lengths, max_steps, min_sequences):
    lengths = np.array(lengths)
    indices = np.arange(len(lengths))[::-1]
    sequences = Sequences(np.zeros((lengths.sum(), 1)), lengths)
    chunks = sequences.chunks(indices, max_steps, min_sequences)
    np.testing.assert_array_equal(np.sort(np.concatenate(chunks)), np.sort(indices))
    n_chunks = min(-(-lengths.sum() // max_steps), len(lengths) // min_sequences)
    bound = lengths.sum() / max(n_chunks, 1) + lengths.max()
    assert all(lengths[chunk].sum() <= bound for chunk in chunks)


def test_unstack_gives_the_form_back():
    ragged = Sequences(np.zeros((5, 1)), np.array([2, 3]))
    values = np.arange(5)
    got = ragged.unstack(values)
    assert got.dtype == object
    np.testing.assert_array_equal(got[0], [0, 1])
    np.testing.assert_array_equal(got[1], [2, 3, 4])
    padded = Sequences(np.zeros((5, 1)), np.array([2, 3]), width=3)
    np.testing.assert_array_equal(padded.unstack(values), [[0, 1, np.nan], [2, 3, 4]])
    labels = padded.unstack(np.array(list("abcde")))
    assert labels[0, 1] == "b"
    assert np.isnan(labels[0, 2])
    dense = Sequences(np.zeros((6, 1)), np.array([3, 3]), width=3)
    np.testing.assert_array_equal(dense.unstack(np.arange(6)), [[0, 1, 2], [3, 4, 5]])
    assert dense.unstack(np.arange(6)).dtype == int


def test_object_array_keeps_equal_shapes_apart():
    array = object_array([np.zeros((2, 2)), np.ones((2, 2))])
    assert array.shape == (2,)
    np.testing.assert_array_equal(array[1], np.ones((2, 2)))
