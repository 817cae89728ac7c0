"""Attention against one sequence at a time, the complex step and PyTorch."""

import numpy as np
import pytest

from skbptt.data import Sequences
from skbptt.layers import _attention
from skbptt.layers._attention import Grid, Memory, attend, attend_back, contexts
from skbptt.loops._workspace import Workspace
from tests.gradcheck import H, complex_gradient, relative_error

DECODER, ENCODER = [3, 1, 5, 2], [2, 6, 1, 4]


def problem(score, dtype=float, widths=(3, 4), seed=0):
    """Arguments of attend, with rows packed by time, and a gradient of the contexts."""
    rng = np.random.RandomState(seed)
    n_s, n_h = widths if score == "general" else (widths[1], widths[1])
    rows, grids = [], []
    for lengths, width in ((DECODER, n_s), (ENCODER, n_h)):
        steps = rng.standard_normal((sum(lengths), width)).astype(dtype)
        batch = Sequences(steps, np.array(lengths)).pack(np.arange(len(lengths)))
        rows.append(batch.x)
        grids.append(Grid.of(batch.order[batch.column], batch.time, len(lengths)))
    W = rng.standard_normal((n_s, n_h)).astype(dtype) if score == "general" else None
    dc = rng.standard_normal((sum(DECODER), n_h)).astype(dtype)
    return (*rows, W, *grids), dc


@pytest.fixture(autouse=True)
def every_engine(engine):
    """All of this holds of each of the engines."""


def by_hand(s, h, W):
    """Contexts and weights of one sequence, state by state."""
    contexts, weights = [], []
    for state in s:
        query = state if W is None else state @ W
        e = np.exp([query @ other for other in h])
        weights.append(e / e.sum())
        contexts.append(sum(a * other for a, other in zip(weights[-1], h)))
    return np.array(contexts), np.array(weights)


@pytest.mark.parametrize("score", ["general", "dot"])
def test_contexts_and_weights_by_hand(score):
    (s, h, W, of_s, of_h), _ = problem(score)
    c, (alpha, *_) = attend(s, h, W, of_s, of_h)
    S, E, C = of_s.pad(s), of_h.pad(h), of_s.pad(c)
    for i, (m, n) in enumerate(zip(DECODER, ENCODER)):
        expected, weights = by_hand(S[i, :m], E[i, :n], W)
        np.testing.assert_allclose(C[i, :m], expected, rtol=1e-12)
        np.testing.assert_allclose(alpha[i, :m, :n], weights, rtol=1e-12)
        assert not alpha[i, :, n:].any()


@pytest.mark.parametrize("score", ["general", "dot"])
def test_gradients_are_those_of_the_complex_step(score):
    arguments, dc = problem(score)
    grids = arguments[3:]
    arrays = [a for a in arguments[:3] if a is not None]
    ends = np.cumsum([a.size for a in arrays])[:-1]

    def parts(flat):
        split = [p.reshape(a.shape) for p, a in zip(np.split(flat, ends), arrays)]
        return split if score == "general" else [*split, None]

    def loss(flat):
        return (attend(*parts(flat), *grids)[0] * dc).sum()

    def gradient(flat, dc):
        found = attend_back(attend(*parts(flat), *grids)[1], dc)
        return np.concatenate([g.ravel() for g in found if g is not None])

    theta = np.concatenate([a.ravel() for a in arrays])
    assert relative_error(gradient(theta, dc), complex_gradient(loss, theta)) < 1e-13
    # The way back has a complex step itself: its derivative is that of the gradient.
    v, d_dot = np.random.RandomState(1).standard_normal(theta.size), dc[::-1]
    exact = gradient(theta + 1j * H * v, dc + 1j * H * d_dot).imag / H
    above, below = (gradient(theta + x * v, dc + x * d_dot) for x in (1e-5, -1e-5))
    assert relative_error(exact, (above - below) / 2e-5) < 1e-8


@pytest.mark.parametrize("scale", [1e-3, 1, 1e3])
def test_weights_of_extreme_scores(scale):
    """Scores that exp overflows at, in single precision."""
    (s, h, W, *grids), dc = problem("general", np.float32)
    s *= np.float32(scale)
    c, tape = attend(s, h, W, *grids)
    expected, exact = attend(s.astype(float), h.astype(float), W.astype(float), *grids)
    assert c.dtype == np.float32
    np.testing.assert_allclose(c, expected, rtol=1e-5)
    for g, right in zip(attend_back(tape, dc), attend_back(exact, dc.astype(float))):
        assert g.dtype == np.float32
        np.testing.assert_allclose(g, right, rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("score", ["general", "dot"])
def test_a_sequence_does_not_depend_on_the_others(score):
    (s, h, W, of_s, of_h), dc = problem(score)
    c, tape = attend(s, h, W, of_s, of_h)
    ds, dh, _ = attend_back(tape, dc)
    for i in range(len(DECODER)):
        mine, others = (of.table[i, of.there[i]] for of in (of_s, of_h))
        own_s, own_h = (Grid(np.arange(n)[np.newaxis]) for n in (DECODER[i], ENCODER[i]))
        alone, tape = attend(s[mine], h[others], W, own_s, own_h)
        np.testing.assert_allclose(alone, c[mine], rtol=1e-12)
        found = attend_back(tape, dc[mine])
        np.testing.assert_allclose(found[0], ds[mine], rtol=1e-10, atol=1e-14)
        np.testing.assert_allclose(found[1], dh[others], rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("score", ["general", "dot"])
def test_agreement_with_pytorch(score):
    torch = pytest.importorskip("torch", reason="needs the extra 'peers'")
    (s, h, W, of_s, of_h), dc = problem(score, widths=(20, 30))
    S, E = (torch.from_numpy(g.pad(x)).requires_grad_() for g, x in ((of_s, s), (of_h, h)))
    query = S
    if W is not None:
        W_torch = torch.from_numpy(W).requires_grad_()
        query = S @ W_torch
    mask = torch.from_numpy(of_h.there)[:, None]
    context = torch.nn.functional.scaled_dot_product_attention(query, E, E, mask, scale=1)
    context.backward(torch.from_numpy(of_s.pad(dc)))
    c, tape = attend(s, h, W, of_s, of_h)
    ds, dh, dW = attend_back(tape, dc)
    assert relative_error(c, of_s.rows(context.detach().numpy())) < 1e-10
    assert relative_error(ds, of_s.rows(S.grad.numpy())) < 1e-10
    assert relative_error(dh, of_h.rows(E.grad.numpy())) < 1e-10
    assert dW is None if W is None else relative_error(dW, W_torch.grad.numpy()) < 1e-10


# Widths that are no multiple of a vector, and lengths on both sides of rows in a block.
RAGGED = [1, 7, 4, 9, 2, 5, 3, 8], [5, 1, 8, 3, 4, 9, 2, 17]


def ragged(dtype, width, value_width, seed=0):
    """Queries, and keys and values that lie apart in a wider array, and their grids."""
    rng = np.random.RandomState(seed)
    grids = []
    for lengths in RAGGED:
        sequence = np.repeat(np.arange(len(lengths)), lengths)
        time = np.concatenate([np.arange(n) for n in lengths])
        order = rng.permutation(len(time))
        grids.append(Grid.of(sequence[order], time[order], len(lengths)))
    n_q, n_keys = map(sum, RAGGED)
    q = rng.standard_normal((n_q, width)).astype(dtype)
    wide = rng.standard_normal((n_keys, width + value_width)).astype(dtype)
    return q, wide[:, :width], wide[:, width:], *grids


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("width", "value_width"), [(1, 3), (19, 8), (64, 37)])
def test_engines_agree(width, value_width, dtype, monkeypatch):
    arguments = ragged(dtype, width, value_width)
    tolerance = {"float64": 1e-13, "float32": 2e-5}[dtype]
    rng = np.random.RandomState(1)
    q, h, *_, of_q, of_h = arguments
    dc = rng.standard_normal((len(q), 2 * width)).astype(dtype)[:, width:]
    found = contexts(*arguments)
    _, alpha = contexts(q, h, h, of_q, of_h)
    back = _attention.contexts_back(alpha, q, h, of_q, of_h, dc)
    monkeypatch.setattr(_attention, "MANY", 0)  # the products of padded arrays
    expected = contexts(*arguments)
    for one, other, where in zip(found, expected, (slice(None), of_q.there)):
        assert one.dtype == dtype
        assert one.shape == other.shape
        one, other = one[where], other[where]
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)
    padded = _attention.contexts_back(alpha, q, h, of_q, of_h, dc)
    for one, other in zip(back, padded):
        assert one.dtype == dtype
        np.testing.assert_allclose(one, other, rtol=10 * tolerance, atol=10 * tolerance)


def test_a_single_key_has_no_gradient_of_its_weight():
    """To the bit: its weight is 1."""
    q, h, dc = np.random.RandomState(0).standard_normal((3, 3, 5))
    one = Grid(np.arange(3)[:, np.newaxis])
    c, alpha = contexts(q, h, h, one, one)
    dq, dh = _attention.contexts_back(alpha, q, h, one, one, dc)
    assert (alpha == 1).all()
    assert not dq.any()
    np.testing.assert_array_equal(c, h)
    np.testing.assert_array_equal(dh, dc)


def test_a_memory_is_attention_from_one_step_at_a_time():
    (s, h, W, _, of_h), _ = problem("general", widths=(6, 4))
    V = np.random.RandomState(1).standard_normal((4, 5))
    memory = Memory.of(h, W, V, of_h, Workspace())
    for of_outputs in (np.arange(4), np.array([2, 0, 0, 3, 2])):
        own = s[: len(of_outputs)]
        expected = [
            by_hand(own[[k]], h[of_h.table[i, of_h.there[i]]], W)[0][0] @ V
            for k, i in enumerate(of_outputs)
        ]
        found = memory.choose(of_outputs).attend(own)
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_compiled_code_stays_within_its_arrays(compiled):
    q, h, _, of_q, of_h = ragged("float64", 5, 5)
    c, alpha = contexts(q, h, h, of_q, of_h)

    def refused(message, q=q, h=h, values=h, table=of_q.table, keys=of_h.table):
        with pytest.raises(ValueError, match=message):
            contexts(q, h, values, Grid(table), Grid(keys))

    refused(f"row {len(q)}, but there are {len(q)}", table=np.maximum(of_q.table, len(q)))
    refused("row -2", table=of_q.table - 1)
    refused("row -1", keys=np.full_like(of_h.table, -1))
    refused("no columns", keys=of_h.table[:, :0])
    refused("numbers of int64", keys=of_h.table[1:])
    refused("numbers of int32", keys=of_h.table.astype("i4"))
    refused("shape", h=h[:, 1:])
    refused("shape", values=h[1:])

    def back_refused(message, alpha=alpha, h=h, dc=c):
        with pytest.raises(ValueError, match=message):
            _attention.contexts_back(alpha, q, h, of_q, of_h, dc)

    back_refused("numbers of float64", alpha=alpha[1:])
    back_refused("contiguous", alpha=np.asfortranarray(alpha))
    back_refused("numbers of float32", alpha=alpha.astype("f4"))
    back_refused("shape", dc=c[1:])
    back_refused("shape", dc=c[:, 1:])
