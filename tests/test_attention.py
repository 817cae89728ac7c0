"""Attention against one sequence at a time, the complex step and PyTorch."""

import numpy as np
import pytest

from skbptt.data import Sequences
from skbptt.layers._attention import Grid, attend, attend_back
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
        grids.append(Grid(batch.order[batch.column], batch.time, len(lengths)))
    W = rng.standard_normal((n_s, n_h)).astype(dtype) if score == "general" else None
    dc = rng.standard_normal((sum(DECODER), n_h)).astype(dtype)
    return (*rows, W, *grids), dc


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
        mine, others = of_s.places[0] == i, of_h.places[0] == i
        zero = np.zeros(len(c), int)
        own_s = Grid(zero[: DECODER[i]], of_s.places[1][mine], 1)
        own_h = Grid(np.zeros(ENCODER[i], int), of_h.places[1][others], 1)
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
