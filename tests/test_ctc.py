"""Connectionist temporal classification against all paths, PyTorch and the complex step."""

from itertools import groupby, product

import numpy as np
import pytest

from skbptt.losses import align, best_path, check_alignable, ctc, prefix_search
from skbptt.losses._ctc import ctc_in_numpy
from tests.gradcheck import H, complex_gradient


def reading(path, blank):
    """The output that a path reads as, by the definition."""
    return tuple(k for k, _ in groupby(path) if k != blank)


def by_brute_force(raw):
    """Probability of each output, and its best path, from all paths of one sequence."""
    p = np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True)
    n_steps, blank = len(raw), raw.shape[1] - 1
    total, best = {}, {}
    for path in product(range(blank + 1), repeat=n_steps):
        of_path = np.prod(p[range(n_steps), path])
        output = reading(path, blank)
        total[output] = total.get(output, 0) + of_path
        if of_path > best.get(output, (0,))[0]:
            best[output] = of_path, path
    return total, {output: path for output, (_, path) in best.items()}


def problem(lengths, targets, n_labels, scale=2.0, seed=0, dtype=float):
    raw = scale * np.random.RandomState(seed).standard_normal((sum(lengths), n_labels + 1))
    labels = np.array([k for target in targets for k in target], int)
    return raw.astype(dtype), np.array(lengths), labels, np.array([*map(len, targets)])


# Repeated labels, empty targets, one step, no step to spare, more than one line of C.
LENGTHS = [9, 1, 1, 30, 5, 3, 70, 4]
TARGETS = [
    [1, 1, 2, 0],
    [2],
    [],
    [0, 1, 2, 3] * 5,
    [],
    [3, 3],
    [3, 0, 0, 2] * 10,
    [0, 1] * 2,
]
RAGGED = problem(LENGTHS, TARGETS, 4)


def test_probabilities_are_those_of_all_paths(engine):
    raw, *_ = problem([6], [[]], 2)
    total, _ = by_brute_force(raw)
    outputs = list(total)
    assert (0, 0, 0) in outputs
    _, lengths, labels, label_lengths = problem([6] * len(outputs), outputs, 2)
    value, _ = ctc(np.tile(raw, (len(outputs), 1)), lengths, labels, label_lengths)
    np.testing.assert_allclose(np.exp(-value), list(total.values()), rtol=1e-12)
    assert np.exp(-value).sum() == pytest.approx(1, abs=1e-12)


def test_gradient_is_that_of_the_complex_step(engine):
    raw, *rest = problem([7, 1, 4, 3], [[1, 1, 0], [2], [], [2, 0]], 3)
    value, gradient = ctc(raw, *rest)

    def total(flat):
        return ctc_in_numpy(flat.reshape(raw.shape), *rest, gradient=False)[0].sum()

    expected = complex_gradient(total, raw.ravel()).reshape(raw.shape)
    np.testing.assert_allclose(gradient, expected, rtol=1e-9, atol=1e-12)
    assert value.sum() == pytest.approx(total(raw.ravel()), rel=1e-12)


def test_gradient_has_a_complex_step():
    raw, *rest = problem([7, 1, 4], [[1, 1, 0], [2], []], 3)
    v, w = np.random.RandomState(1).standard_normal((2, *raw.shape))
    hessian = {}
    for name, direction in (("v", v), ("w", w)):
        _, gradient = ctc(raw + 1j * H * direction, *rest)
        hessian[name] = gradient.imag / H
        _, above = ctc(raw + 1e-5 * direction, *rest)
        _, below = ctc(raw - 1e-5 * direction, *rest)
        np.testing.assert_allclose(hessian[name], (above - below) / 2e-5, atol=1e-8)
    assert (hessian["v"] * w).sum() == pytest.approx((hessian["w"] * v).sum(), rel=1e-9)


@pytest.mark.parametrize("scale", [0.1, 3, 300])
def test_engines_agree(engine, scale):
    raw, *rest = problem(LENGTHS, TARGETS, 4, scale)
    expected, d_expected = ctc_in_numpy(raw, *rest)
    value, gradient = ctc(raw, *rest)
    np.testing.assert_allclose(value, expected, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(gradient, d_expected, atol=1e-11)
    alone, nothing = ctc(raw, *rest, gradient=False)
    np.testing.assert_array_equal(alone, value)
    assert nothing is None
    single = raw.astype(np.float32)
    expected, d_expected = ctc_in_numpy(single.astype(float), *rest)
    value, gradient = ctc(single, *rest)
    assert value.dtype == gradient.dtype == np.float32
    np.testing.assert_allclose(value, expected, rtol=2e-6, atol=2e-6)
    np.testing.assert_allclose(gradient, d_expected, atol=2e-5 * max(scale, 1))


def test_gradients_of_steps_sum_to_zero(engine):
    _, gradient = ctc(*RAGGED)
    np.testing.assert_allclose(gradient.sum(axis=1), 0, atol=1e-13)


def test_sequences_do_not_depend_on_their_batch(engine):
    raw, lengths, labels, label_lengths = RAGGED
    value, gradient = ctc(*RAGGED)
    ends, label_ends = np.cumsum(lengths), np.cumsum(label_lengths)
    for i, (end, label_end) in enumerate(zip(ends, label_ends)):
        rows = slice(end - lengths[i], end)
        own = labels[label_end - label_lengths[i] : label_end]
        v, g = ctc(raw[rows], lengths[[i]], own, label_lengths[[i]])
        np.testing.assert_array_equal(v[0], value[i])
        np.testing.assert_array_equal(g, gradient[rows])


@pytest.mark.parametrize("n_labels", [5, 80])
def test_long_sequences_in_single_precision(engine, n_labels):
    rng = np.random.RandomState(0)
    target = rng.randint(n_labels, size=300)
    raw, *rest = problem([2000], [target], n_labels, 10)
    expected, d_expected = ctc_in_numpy(raw, *rest)
    assert expected[0] > 1000  # far below the least positive number
    value, gradient = ctc(raw.astype(np.float32), *rest)
    np.testing.assert_allclose(value, expected, rtol=1e-6)
    np.testing.assert_allclose(gradient, d_expected, atol=2e-3)
    assert np.abs(gradient - d_expected).mean() < 1e-6


def test_hopeless_labels_in_single_precision(engine):
    """Probabilities that no number holds, at every step."""
    raw, *rest = problem([50], [[0, 1] * 10], 2, dtype=np.float32)
    raw[:, 2] += 1000
    value, gradient = ctc(raw, *rest)
    expected, d_expected = ctc_in_numpy(raw.astype(float), *rest)
    assert expected[0] > 19000
    np.testing.assert_allclose(value, expected, rtol=1e-6)
    np.testing.assert_allclose(gradient, d_expected, atol=2e-2)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_agreement_with_pytorch(engine, dtype):
    torch = pytest.importorskip("torch", reason="needs the extra 'peers'")
    # In single precision PyTorch's gradients are right to 3e-5 here, ours to 1e-6.
    tolerance = {"float64": 1e-10, "float32": 1e-4}[dtype]
    raw, lengths, labels, label_lengths = problem(LENGTHS, TARGETS, 4, dtype=dtype)
    blank = raw.shape[1] - 1
    x = torch.from_numpy(raw).requires_grad_()
    steps = torch.nn.utils.rnn.pad_sequence(x.split(lengths.tolist()))
    expected = torch.nn.functional.ctc_loss(
        steps.log_softmax(2),
        torch.from_numpy(labels),
        torch.from_numpy(lengths),
        torch.from_numpy(label_lengths),
        blank,
        reduction="none",
    )
    expected.sum().backward()
    value, gradient = ctc(raw, lengths, labels, label_lengths)
    np.testing.assert_allclose(value, expected.detach(), rtol=tolerance)
    np.testing.assert_allclose(gradient, x.grad, atol=tolerance)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_is_handed_on(engine, bad):
    raw, *rest = problem([6, 6], [[0, 1], [1]], 2)
    raw[8, 1] = bad
    with np.errstate(invalid="ignore"):
        value, gradient = ctc(raw, *rest)
    assert np.isfinite(value[0])
    assert np.isfinite(gradient[:6]).all()
    assert np.isnan(value[1])
    assert np.isnan(gradient[8]).all()


def test_targets_that_cannot_be_aligned(engine):
    raw, lengths, labels, label_lengths = problem([3, 3], [[1, 1], [1, 1, 1]], 2)
    message = r"y\[1\].*its 3 labels, 2 of which.*at least 5 steps, but X\[1\] has 3\.$"
    for function in (ctc, align):
        with pytest.raises(ValueError, match=message):
            function(raw, lengths, labels, label_lengths)
    # The last label of one sequence and the first of the next are no repetition.
    check_alignable(np.array([1, 1]), np.array([1, 1]), np.array([1, 1]))
    with pytest.raises(ValueError, match=r"X\[0\] has 1\. 1 further targets are too"):
        check_alignable(np.array([1, 1]), np.array([1, 2] * 2), np.array([2, 2]))


def test_compiled_code_stays_within_its_arrays(compiled):
    raw, lengths, labels, label_lengths = problem([3, 3], [[1, 0], [1]], 2)
    with pytest.raises(ValueError, match="labels must lie between 0 and 1"):
        ctc(raw, lengths, np.array([1, 2, 0]), label_lengths)
    with pytest.raises(ValueError, match="18 numbers of float64, not 21"):
        ctc(raw, np.array([3, 4]), labels, label_lengths)
    with pytest.raises(ValueError, match="lengths must be positive"):
        ctc(raw, np.array([6, 0]), labels, np.array([3, 0]))


def test_best_path_by_hand():
    raw, lengths, *_ = RAGGED
    expected = [
        reading(x.argmax(axis=1), 4) for x in np.split(raw, np.cumsum(lengths)[:-1])
    ]
    assert [tuple(labels) for labels in best_path(raw, lengths)] == expected
    # A label that ends one sequence and begins the next counts twice.
    both = np.array([[0, 1.0], [1, 0], [1, 0], [0, 1]])
    assert [labels.tolist() for labels in best_path(both, np.array([2, 2]))] == [[0], [0]]


def test_prefix_search_with_room_for_all_is_exhaustive(engine):
    lengths = np.array([3, 5, 1])
    raw = np.random.RandomState(0).standard_normal((9, 4))
    found, scores = prefix_search(raw, lengths, 1000, 1000)
    for x, labels, own in zip(np.split(raw, [3, 8]), found, scores):
        total, _ = by_brute_force(x)
        expected = sorted(total, key=total.get, reverse=True)
        assert [tuple(of_one) for of_one in labels] == expected
        np.testing.assert_allclose(np.exp(own), sorted(total.values())[::-1], rtol=1e-10)


@pytest.mark.parametrize("width", [1, 2, 5])
def test_outputs_of_prefix_search_have_their_exact_probability(engine, width):
    raw, lengths, *_ = RAGGED
    found, scores = prefix_search(raw, lengths, width, width)
    ends = np.cumsum(lengths)
    for end, n_steps, labels, own in zip(ends, lengths, found, scores):
        x = raw[end - n_steps : end]
        assert 1 <= len(labels) == len(own) <= width
        assert len({tuple(of_one) for of_one in labels}) == len(labels)
        assert (np.diff(own) <= 0).all()
        for of_one, score in zip(labels, own):
            value, _ = ctc(x, np.array([n_steps]), of_one, np.array([len(of_one)]))
            assert score == pytest.approx(-value[0], abs=1e-10)
        alone, _ = prefix_search(x, np.array([n_steps]), width, width)
        for mine, others in zip(alone[0], labels):
            np.testing.assert_array_equal(mine, others)


def test_prefix_search_of_clear_outputs():
    """Where one path has nearly all of the probability, all ways to decode agree."""
    raw, lengths, *_ = RAGGED
    clear = 100.0 * np.eye(5)[raw.argmax(axis=1)]
    expected = best_path(clear, lengths)
    for width in (1, 4):
        found, scores = prefix_search(clear, lengths, width)
        for (labels,), own, by_path in zip(found, scores, expected):
            np.testing.assert_array_equal(labels, by_path)
            assert own[0] == pytest.approx(0, abs=1e-12)


def test_prefix_search_adds_up_what_the_best_path_does_not():
    """Graves (2006), figure 2: the blank is the best path, but not the best output."""
    raw = np.log([[0.4, 0.6], [0.4, 0.6]])
    assert best_path(raw, np.array([2]))[0].tolist() == []
    found, scores = prefix_search(raw, np.array([2]), 2, 2)
    assert [labels.tolist() for labels in found[0]] == [[0], []]
    np.testing.assert_allclose(np.exp(scores[0]), [0.64, 0.36], rtol=1e-12)


def test_wider_beams_find_no_worse_outputs():
    raw, lengths, *_ = problem([40] * 20, [[]] * 20, 6, 1.0)
    best = [
        np.concatenate(prefix_search(raw, lengths, width)[1]) for width in (1, 3, 10, 100)
    ]
    means = [scores.mean() for scores in best]
    assert sorted(means) == means
    assert means[0] < means[-1]


def test_alignment_is_the_best_of_all_paths():
    raw, *_ = problem([6], [[]], 2)
    _, best = by_brute_force(raw)
    outputs = list(best)
    _, lengths, labels, label_lengths = problem([6] * len(outputs), outputs, 2)
    paths, first, last = align(
        np.tile(raw, (len(outputs), 1)), lengths, labels, label_lengths
    )
    ends = np.cumsum(label_lengths)
    for output, path, end in zip(outputs, paths.reshape(-1, 6), ends):
        np.testing.assert_array_equal(np.append(output, 2)[path].astype(int), best[output])
        for i in range(len(output)):
            steps = np.flatnonzero(path == i)
            place = end - len(output) + i
            assert (first[place], last[place]) == (steps[0], steps[-1])


def test_alignment_of_ragged_sequences():
    raw, lengths, labels, label_lengths = RAGGED
    path, first, last = align(*RAGGED)
    ends, label_ends = np.cumsum(lengths), np.cumsum(label_lengths)
    for i, (end, label_end) in enumerate(zip(ends, label_ends)):
        rows = slice(end - lengths[i], end)
        own = slice(label_end - label_lengths[i], label_end)
        codes = np.append(labels[own], 4)[path[rows]]
        assert reading(codes, 4) == tuple(labels[own])
        alone = align(raw[rows], lengths[[i]], labels[own], label_lengths[[i]])
        for mine, others in zip(alone, (path[rows], first[own], last[own])):
            np.testing.assert_array_equal(mine, others)
    # As likely as can be, and never more likely than all paths together.
    codes = np.concatenate(
        [
            np.append(labels[b - m : b], 4)[path[a - n : a]]
            for a, n, b, m in zip(ends, lengths, label_ends, label_lengths)
        ]
    )
    log_p = raw - np.log(np.exp(raw).sum(axis=1, keepdims=True))
    of_paths = np.add.reduceat(log_p[np.arange(len(raw)), codes], ends - lengths)
    assert (of_paths <= -ctc(*RAGGED)[0] + 1e-12).all()


def test_chunks_of_a_search_change_nothing(monkeypatch):
    rng = np.random.RandomState(0)
    lengths = rng.randint(1, 9, 12)
    raw = 2 * rng.standard_normal((lengths.sum(), 4))
    labels, log_p = prefix_search(raw, lengths, 3, n_best=2)
    monkeypatch.setattr("skbptt.losses._ctc_decoding.MOST_STEPS", 40)
    again, log_p_again = prefix_search(raw, lengths, 3, n_best=2)
    for one, other in zip(labels, again, strict=True):
        assert [of.tolist() for of in one] == [of.tolist() for of in other]
    for one, other in zip(log_p, log_p_again, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)
