"""The translator: exact gradients, searches against brute force, training that resumes."""

import itertools

import numpy as np
import pytest

from skbptt import RNNTranslator
from skbptt.cells import ElmanCell, GRUCell, LEMCell, LSTMCell
from skbptt.data import Data, Labels, Sequences
from skbptt.layers import _table
from skbptt.losses import SequenceCrossEntropy
from skbptt.network import Translator, greedy, translate
from skbptt.training import Objective, losses_of
from tests.gradcheck import H, relative_error

RNG = np.random.RandomState(0)
LENGTHS = np.array([4, 1, 6, 3, 6])
N_LABELS = 3


def data_of(lengths=(2, 0, 5, 1, 3)):
    X = Sequences(np.random.RandomState(1).standard_normal((LENGTHS.sum(), 2)), LENGTHS)
    lengths = np.array(lengths)
    codes = np.random.RandomState(2).randint(0, N_LABELS, lengths.sum())
    weights = np.array([1.0, 2.0, 0.5, 1.0, 3.0])
    return Data(X, Labels(codes, lengths, LENGTHS), weights, per_step=False)


def network_of(cell=None, sizes=(3,), bidirectional=True, attention=True, **options):
    how = cell or GRUCell(), 2, sizes, N_LABELS + 1, bidirectional, attention, 2
    network = Translator(*how, **options)
    theta = network.initialise(np.random.RandomState(0), float)
    return network, theta + 0.4 * np.random.RandomState(3).standard_normal(len(theta))


@pytest.mark.parametrize("attention", [True, False])
@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize("cell", [GRUCell(), LEMCell(), LSTMCell(), ElmanCell()], ids=repr)
def test_gradient_equals_complex_step(cell, bidirectional, attention):
    network, theta = network_of(cell, (3, 2), bidirectional, attention, learned_start=True)
    objective = Objective(network, SequenceCrossEntropy(N_LABELS), data_of(), alpha=0.3)
    value, gradient = objective.value_and_gradient(theta)
    everything = np.arange(len(LENGTHS))
    assert objective.value(theta, everything) == pytest.approx(value, rel=1e-13)
    expected = np.empty_like(theta)
    for k in range(len(theta)):
        step = theta.astype(complex)
        step[k] += 1j * H
        expected[k] = objective.value(step, everything).imag / H
    assert relative_error(gradient, expected) < 1e-9


def sequences_up_to(n):
    """All sequences of at most n labels."""
    return [
        np.array(labels, int)
        for length in range(n + 1)
        for labels in itertools.product(range(N_LABELS), repeat=length)
    ]


def log_p_of(network, theta, X, outputs):
    """log p of each output, without what follows at the most labels: the end for sure."""
    lengths = np.array([len(o) for o in outputs])
    steps = np.tile(X.steps, (len(outputs), 1))
    many = Sequences(steps, np.full(len(outputs), len(X.steps)))
    labels = Labels(np.concatenate(outputs), lengths, many.lengths)
    data = Data(many, labels, np.ones(len(outputs)), per_step=False)
    return -losses_of(network, theta, SequenceCrossEntropy(N_LABELS), data)


@pytest.mark.parametrize("attention", [True, False])
@pytest.mark.parametrize("penalty", [0.0, 0.7])
def test_a_wide_beam_is_an_exhaustive_search(attention, penalty):
    """And its probabilities are those of the loss."""
    n, (network, theta) = 3, network_of(attention=attention)
    outputs = sequences_up_to(n)
    sequences = data_of().sequences
    found, log_p = translate(
        network, theta, sequences, n, len(outputs), penalty, n_best=len(outputs)
    )
    for i in range(len(sequences)):
        expected = log_p_of(network, theta, sequences.take(np.array([i])), outputs)
        lengths = np.array([len(o) for o in outputs])
        order = np.argsort(-expected / (lengths + 1) ** penalty)
        assert [f.tolist() for f in found[i]] == [outputs[k].tolist() for k in order]
        np.testing.assert_allclose(log_p[i], expected[order], rtol=1e-10)


def test_a_beam_of_one_is_greedy():
    """The most probable label after those before, until the end or the most labels."""
    network, theta = network_of(LSTMCell(), (3, 4))
    sequences = data_of().sequences
    found, log_p = translate(network, theta, sequences, 4)
    for (labels,), others in zip(found, greedy(network, theta, sequences, 4)):
        assert labels.tolist() == others.tolist()
    for i, (labels,) in enumerate(found):
        one, prefix = sequences.take(np.array([i])), []
        while len(prefix) < 4:
            batch = one.pack(np.array([0]))
            y = Labels(np.array(prefix, int), np.array([len(prefix)]), one.lengths)
            batch.targets = y
            raw, _ = network.forward(theta, batch, keep=False)
            best = raw[-1].argmax()
            if best == N_LABELS:
                break
            prefix.append(best)
        assert labels.tolist() == prefix
        np.testing.assert_allclose(
            log_p[i], log_p_of(network, theta, one, [np.array(prefix, int)]), rtol=1e-10
        )


def test_outputs_do_not_depend_on_their_batch():
    network, theta = network_of()
    sequences = data_of().sequences
    for width in (1, 3):
        together, log_p = translate(network, theta, sequences, 6, width, n_best=width)
        for i in range(len(sequences)):
            alone, its = translate(
                network, theta, sequences.take(np.array([i])), 6, width, n_best=width
            )
            assert [a.tolist() for a in alone[0]] == [a.tolist() for a in together[i]]
            np.testing.assert_allclose(its[0], log_p[i], rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("bidirectional", "dropout"), [(True, 0.0), (False, 0.3)])
@pytest.mark.parametrize("cell", [GRUCell(), LEMCell(), LSTMCell()], ids=repr)
def test_tables_of_codes_decode_alike(
    engine, cell, bidirectional, dropout, dtype, monkeypatch
):
    """They are made where many rows are read, and stand for two products."""
    rng = np.random.RandomState(0)
    lengths = rng.randint(1, 7, 40)
    x = rng.randint(0, 4, (lengths.sum(), 1)).astype(dtype)
    sequences = Sequences(x, lengths)
    how = cell, 1, (5, 4), N_LABELS + 1, bidirectional, True, 2
    network = Translator(*how, embeddings={"x0": (0, 4, 3)}, dropout=dropout)
    theta = network.initialise(rng, float) + 2 * rng.standard_normal(network.layout.size)
    theta = theta.astype(dtype)
    network.layout.tree(theta)["output"]["b"][:] = 0, 0, 0, -1  # outputs of many lengths
    found = {}
    for rows_per_code in (0, 10**6):
        monkeypatch.setattr(_table, "ROWS_PER_CODE", rows_per_code)
        labels = greedy(network, theta, sequences, 6)
        beams = translate(network, theta, sequences, 6, width=3, n_best=2)
        found[rows_per_code] = labels, *beams
    assert len({tuple(labels) for outputs in found[0][1] for labels in outputs}) > 2
    for one, other in zip(found[0][0], found[10**6][0]):
        np.testing.assert_array_equal(one, other)
    for one, other in zip(found[0][1], found[10**6][1]):
        assert [k.tolist() for k in one] == [k.tolist() for k in other]
    log_p, others = (np.concatenate(found[key][2]) for key in (0, 10**6))
    np.testing.assert_allclose(
        log_p, others, rtol={"float64": 1e-10, "float32": 1e-4}[dtype]
    )


X = [RNG.randint(1, 6, RNG.randint(1, 6)) for _ in range(60)]
REVERSED = [x[::-1] for x in X]


def translator(**options):
    return RNNTranslator(8, **{"max_iter": 3, "random_state": 0} | options)


def assert_same(one, other):
    np.testing.assert_array_equal(one._theta, other._theta)


def test_reversal_is_learned():
    """Of sequences not met in training, too."""
    model = RNNTranslator(32, max_iter=150, random_state=0)
    rng = np.random.RandomState(1)
    many = [rng.randint(1, 6, rng.randint(1, 6)) for _ in range(400)]
    model.fit(many[:300], [x[::-1] for x in many[:300]])
    assert model.score(many[300:], [x[::-1] for x in many[300:]]) > 0.95
    best, log_p = model.predict_nbest(many[:5], 3)
    for x, its, p in zip(many, best, log_p):
        np.testing.assert_allclose(
            p, model.log_likelihood([x] * len(its), list(its)), rtol=1e-9
        )
        assert (np.diff(p) <= 0).all()


def test_weights_are_repetitions():
    weights = RNG.randint(0, 3, len(X))
    order = RNG.permutation(np.repeat(np.arange(len(X)), weights))
    model = translator().fit(X, REVERSED, sample_weight=weights)
    assert_same(
        model, translator().fit([X[i] for i in order], [REVERSED[i] for i in order])
    )
    assert_same(model, translator(n_jobs=2).fit(X, REVERSED, sample_weight=weights))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_two_half_fits_are_one():
    options = {"learning_rate": "constant"}
    whole = translator(**options, max_iter=6)
    parts = translator(**options, warm_start=True)
    whole.fit(X, REVERSED)
    assert_same(whole, parts.fit(X, REVERSED).fit(X, REVERSED))


@pytest.mark.parametrize("scoring", ["loss", None])
def test_early_stopping(scoring):
    model = translator(early_stopping=True, scoring=scoring, max_iter=10)
    model.fit(X, REVERSED, X_val=X[:12], y_val=REVERSED[:12])
    expected = {
        "loss": model.log_likelihood(X[:12], REVERSED[:12]).mean(),
        None: model.score(X[:12], REVERSED[:12]),
    }
    assert model.best_validation_score_ == pytest.approx(expected[scoring])
