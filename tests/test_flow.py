"""Gradients and states of all steps against other ways to find them."""

import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.exceptions import ConvergenceWarning

from skbptt import RNNClassifier, RNNRegressor
from skbptt.data._data import Data
from skbptt.datasets import make_adding_problem
from skbptt.inspection import gradient_flow, hidden_states
from skbptt.network import (
    median_by_lag,
    reach_of,
    record_gradient_norms,
    record_states,
    spectral_radii,
)
from skbptt.solvers import Ending, Outcome
from skbptt.training import _diagnosis
from tests.fits import LABELS, Y_STEPS, X, Y, classifier, quietly, regressor
from tests.gradcheck import (
    H,
    directions_of,
    names_of,
    reference_raw,
    states_by_hand,
)
from tests.strategies import problems

TIES = ("max", "concat")


@settings(max_examples=40, deadline=None)
@given(problem=problems(), which=st.integers(0, 4))
def test_gradients_of_states_equal_the_complex_step(problem, which):
    """Each state of a reference network is nudged, one number after the other."""
    network, loss, sequences, y, weights, theta = problem
    # Which of equal states is the largest is a convention.
    assume(repr(network.cell) != "ElmanCell('relu')" or network.readout not in TIES)
    per_step = network.readout is None
    norms, raw = record_gradient_norms(
        network, theta, loss, Data(sequences, y, weights, per_step)
    )
    which %= len(sequences)
    x = sequences.split(sequences.steps)[which]
    target = sequences.split(y)[which] if per_step else y[[which]]
    known = np.flatnonzero(sequences.split(weights)[which] if per_step else weights[which])
    raw = sequences.split(raw)[which] if per_step else raw[[which]]
    expected = np.atleast_2d(reference_raw(network, theta, x, None, {}))
    np.testing.assert_allclose(raw, expected.real, rtol=1e-9, atol=1e-12)

    def value(key, nudge):
        raw = np.atleast_2d(reference_raw(network, theta, x, None, {key: nudge}))
        values = loss.value(raw, target)
        # In the order of x: the backward direction reads the first step last.
        return values[known[0 if key.endswith("backward") else -1]]

    for k, direction, _ in names_of(network):
        key = f"layers.{k}.{direction}"
        n_read = len(x) if len(known) else 0
        if per_step and len(known):  # up to the last target of positive weight
            n_read = known[-1] + 1 if direction == "forward" else len(x) - known[0]
        expected = np.empty(n_read)
        for t in range(n_read):
            gradient = np.empty(network.sizes[k])
            for unit in range(network.sizes[k]):
                nudge = np.zeros((len(x), network.sizes[k]), complex)
                nudge[t, unit] = 1j * H
                gradient[unit] = value(key, nudge).imag / H
            expected[n_read - 1 - t] = np.linalg.norm(gradient)
        got = norms[key][which]
        np.testing.assert_allclose(got[:n_read], expected, rtol=1e-9, atol=1e-13)
        assert np.isnan(got[n_read:]).all()


@pytest.mark.parametrize("cell", ["rnn", "gru", "lem", "lstm"])
def test_hidden_states_by_hand(cell):
    model = regressor(cell=cell, hidden_layer_sizes=(4, 3), bidirectional=True, max_iter=2)
    values = hidden_states(quietly(model.fit, X, Y), X)
    n_names = {"rnn": 1, "gru": 4, "lem": 6, "lstm": 6}[cell]
    assert len(values) == 4 * n_names
    for i, x in enumerate(X):
        below = x
        for k in range(2):
            outputs = []
            for direction, order in (("forward", 1), ("backward", -1)):
                key = f"layers.{k}.{direction}"
                expected = states_by_hand(cell, model.weights_, key, below[::order])
                for name, rows in expected.items():
                    got = values[f"{key}.{name}"][i]
                    np.testing.assert_allclose(got, rows[::order], atol=1e-12)
                outputs.append(expected["h"][::order])
            below = np.concatenate(outputs, axis=1)


def test_states_have_the_form_of_x():
    """Padding is NaN, and what stands before it does not depend on it."""
    lengths = np.array([5, 3])
    x = np.random.RandomState(0).standard_normal((2, 5, 2))
    x[1, 3:] = np.nan
    model = classifier().fit(X, LABELS)
    padded = hidden_states(model, x)
    ragged = hidden_states(model, [row[:n] for row, n in zip(x, lengths)])
    for name, values in padded.items():
        assert values.shape == (2, 5, 4)
        assert np.isnan(values[1, 3:]).all()
        for i, n in enumerate(lengths):
            np.testing.assert_array_equal(values[i, :n], ragged[name][i])


@settings(max_examples=40, deadline=None)
@given(problem=problems())
def test_spectral_radius(problem):
    """Of Jacobians whose rows are gradients that the reverse of the step gives."""
    network, _, sequences, _, _, theta = problem
    cell, views = network.cell, network.layout.views(theta)
    values = record_states(network, theta, sequences)
    radii = spectral_radii(network, theta, sequences, n_samples=1000)
    below = sequences.steps
    for k, direction, names in names_of(network):
        key, n = f"layers.{k}.{direction}", network.sizes[k]
        p = {s: views[name] for s, name in names.items()}
        order = 1 if direction == "forward" else -1
        expected = []
        states = [sequences.split(values[f"{key}.{name}"]) for name in cell.states]
        for i, x in enumerate(sequences.split(below)):
            before = [np.zeros(n) for _ in cell.states]
            of_sequence = []
            for t in range(len(x))[::order]:
                shape = len(cell.gates), 1, n
                a, u = x[t] @ p["W"] + p["b"], before[0] @ p["R"]
                _, tape = cell.step(
                    a.reshape(shape), u.reshape(shape), tuple(s[None] for s in before), p
                )
                rows = []
                for unit in np.eye(n * len(before)):
                    d_state = tuple(part[None] for part in np.split(unit, len(before)))
                    _, du, d_before, _ = cell.step_back(d_state, tape, p)
                    d_before = [d + np.zeros((1, n)) for d in d_before]
                    # What R multiplies in a late gate, the step passes on itself.
                    early = n * (len(cell.gates) - cell.late_gate)
                    du_R = du.reshape(1, -1)[:, :early] @ p["R"][:, :early].T
                    d_before[0] = d_before[0] + du_R
                    rows.append(np.concatenate(d_before, axis=1)[0])
                of_sequence.append(np.abs(np.linalg.eigvals(np.array(rows))).max())
                before = [of_state[i][t] for of_state in states]
            expected += of_sequence[::order]
        np.testing.assert_allclose(radii[key], expected, rtol=1e-6, atol=1e-7)
        if direction == directions_of(network)[-1]:
            sides = [f"layers.{k}.{side}" for side in directions_of(network)]
            name = cell.states[0]
            below = np.concatenate([values[f"{side}.{name}"] for side in sides], axis=1)


def test_reach():
    nan = np.nan
    norms = np.array([[1, 0.5, 0.02, 1e-3], [1, 0.1, 0.001, nan], [1, 0.1, nan, nan]])
    np.testing.assert_array_equal(median_by_lag(norms), [1, 0.1, 0.0105, 1e-3])
    assert reach_of(median_by_lag(norms)) == 3
    assert reach_of(median_by_lag(norms[1:, :3])) == 2
    assert reach_of(median_by_lag(norms[:1, :3])) == np.inf


@pytest.mark.parametrize(
    ("model", "y"),
    [
        (classifier(bidirectional=True), LABELS),
        (regressor(return_sequences=True, cell="lstm"), Y_STEPS),
        (regressor(truncation=2, cell="rnn", dropout=0.5), Y),
    ],
)
def test_threads_and_form_do_not_change_the_flow(model, y):
    model.fit(X, y)
    flow = gradient_flow(model, X, y)
    other = gradient_flow(model.set_params(n_jobs=2), X, y)
    width = max(map(len, X))
    padded = np.full((len(X), width, 2), np.nan)
    for i, x in enumerate(X):
        padded[i, : len(x)] = x
    again = gradient_flow(model, padded, y)
    for name, norms in flow.norm.items():
        np.testing.assert_array_equal(norms, other.norm[name])
        np.testing.assert_allclose(again.norm[name], norms, rtol=1e-12)
        assert flow.reach[name] == reach_of(median_by_lag(norms))
        assert len(flow.spectral_radius[name]) == 50


def test_what_is_no_estimator_of_ours():
    for function in (hidden_states, lambda model, x: gradient_flow(model, x, Y)):
        with pytest.raises(TypeError, match="must be an RNNClassifier.* Got str"):
            function("model", X)
        with pytest.raises(ValueError, match="n_features|features"):
            function(regressor().fit(X, Y), [x[:, :1] for x in X])


def test_steps_of_the_spectral_radius_are_spread():
    """Over the steps of sequences of one length too, whatever their number."""
    model = regressor(hidden_layer_sizes=3, cell="rnn").fit(X, Y)
    x = np.random.RandomState(0).standard_normal((49, 100, 2))
    x[:, 1:99] *= 9  # saturates all but the first and the last step
    sequences = model._prepare(x, np.zeros(49), None, per_step=False, known=True).sequences
    few, every = (
        spectral_radii(model._network, model._theta, sequences, n) for n in (50, 10_000)
    )
    few, every = few["layers.0.forward"], every["layers.0.forward"]
    assert (len(few), len(every)) == (50, 4900)
    assert np.mean(few > 0.5) == pytest.approx(np.mean(every > 0.5), abs=0.1)


def test_a_net_that_has_exploded():
    model = regressor(cell="rnn", activation="identity", readout="last").fit(X, Y)
    model._network.layout.views(model._theta)["layers.0.forward.R"][:] = 1e20 * np.eye(4)
    flow = gradient_flow(model, X, Y)
    norms = flow.norm["layers.0.forward"]
    lengths = np.array([len(x) for x in X])
    np.testing.assert_array_equal(np.isnan(norms), np.arange(8) >= lengths[:, None])
    model._network.layout.views(model._theta)["layers.0.forward.R"][:] = 1e200
    assert np.isinf(gradient_flow(model, X, Y).norm["layers.0.forward"]).any()


# Warnings in fit.

X_ADD, Y_ADD = make_adding_problem(200, 60, random_state=0)
SMALL = {"hidden_layer_sizes": 8, "max_iter": 3, "random_state": 0}


def warnings_of(model, x=X_ADD, y=Y_ADD):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(x, y)
    assert {warning.category for warning in caught} <= {ConvergenceWarning}
    return [str(warning.message) for warning in caught]


def test_vanishing_gradients_are_told():
    """With what to try, and without the numbers, which gradient_flow gives."""
    model = RNNRegressor(cell="rnn", readout="last", shuffle=False, **SMALL)
    (message,) = warnings_of(model, X_ADD[:50], Y_ADD[:50])
    assert gradient_flow(model, X_ADD[:50], Y_ADD[:50]).reach["layers.0.forward"] < 60
    assert "falls below 1 % of that at the last step" in message
    assert "skbptt.inspection.gradient_flow(estimator, X, y)" in message
    for advice in ("cell='gru'", "readout='concat'", "solver='hessian-free'"):
        assert advice in message
    assert warnings_of(model.set_params(random_state=1), X_ADD[50:], Y_ADD[50:]) == [
        message
    ]


def test_shorter_sequences_are_advised_where_they_are_long():
    model = quietly(regressor(cell="gru", readout="concat").fit, X, Y)
    for n, advice in [(24, "a larger max_iter"), (200, "a larger max_iter")]:
        norms = np.geomspace(1, 1e-9, n)[np.newaxis]
        message = _diagnosis.explain(model, model._network, norms)
        assert f"Try {advice}. skbptt" in message
    norms = np.full((5, 1000), np.nan)  # the median length decides, not the longest
    norms[:, :201] = np.geomspace(1, 1e-9, 201)
    norms[0] = np.geomspace(1, 1e-9, 1000)
    message = _diagnosis.explain(model, model._network, norms)
    assert "Try shorter sequences. skbptt" in message
    norms[1:3, 200:] = np.nan
    assert "shorter" in _diagnosis.explain(model, model._network, norms)
    norms[3, 200:] = np.nan
    assert "shorter" not in _diagnosis.explain(model, model._network, norms)


def test_no_warning_over_a_few_steps():
    model = RNNRegressor(2, cell="lstm", readout="last", random_state=0, max_iter=2)
    x, y = X_ADD[:, :20], Y_ADD
    assert "vanish" not in "".join(warnings_of(model, x, y))
    assert gradient_flow(model, x, y).reach["layers.0.forward"] < 20
    (message,) = warnings_of(model, X_ADD[:, :21], y)
    assert "vanish through time" in message


@pytest.mark.parametrize(
    "options",
    [
        {"cell": "rnn"},  # its readout takes states of all steps
        {"cell": "gru"},
        {"cell": "rnn", "readout": "last", "return_sequences": True},
    ],
)
def test_no_warning_where_gradients_do_not_vanish(options):
    y = np.cumsum(X_ADD[:, :, 0], axis=1) if "return_sequences" in options else Y_ADD
    assert warnings_of(RNNRegressor(**SMALL, **options), y=y) == []


def test_no_warning_where_something_was_learned():
    """Gradients vanish here too, but what matters stands at the end."""
    y = X_ADD[:, -1, 0]
    model = RNNRegressor(cell="rnn", readout="last", **SMALL | {"max_iter": 60})
    assert warnings_of(model, y=y) == []
    assert gradient_flow(model, X_ADD, y).reach["layers.0.forward"] < 60


def test_the_penalty_is_no_loss():
    x = np.random.default_rng(0).normal(size=(50, 60, 1))
    y = (x[:, -1, 0] > 0).astype(int)
    model = RNNClassifier(8, cell="rnn", readout="last", alpha=5, random_state=0)
    assert warnings_of(model, x, y) == []
    own = -np.log(model.predict_proba(x)[np.arange(50), y]).mean()
    assert own < 0.5 * np.log(2) < model.loss_


def test_it_is_the_loss_of_the_weights_kept():
    """Whatever the curve says of other iterations."""
    y = X_ADD[:, -1, 0]
    model = RNNRegressor(cell="rnn", readout="last", **SMALL)
    found = {}
    for max_iter in (1, 60):
        quietly(model.set_params(max_iter=max_iter).fit, X_ADD, y)
        data = model._prepare(X_ADD, y, None, per_step=False, known=True)
        run = SimpleNamespace(network=model._network, loss=model._loss, data=data)
        run.state = {"record": {"loss_curve": []}}
        outcome = Outcome(model._theta, Ending.FINISHED)
        found[max_iter] = _diagnosis.diagnose(model, run, outcome)
    assert "vanish through time" in found[1]
    assert found[60] is None


def test_no_warning_where_there_is_nothing_to_learn():
    model = RNNRegressor(readout="last", **SMALL)
    assert warnings_of(model, y=np.full(200, 3.0)) == []


def test_exploding_gradients_are_told():
    x = np.random.RandomState(0).standard_normal((50, 60, 1))
    y = np.random.RandomState(1).standard_normal(50)
    model = RNNRegressor(
        4, cell="rnn", activation="identity", readout="last", solver="sgd", random_state=0
    )
    model.set_params(max_grad_norm=None, learning_rate_init=0.3, max_iter=5)
    diverged, exploded = warnings_of(model, x, y)
    assert "diverged" in diverged
    assert "explode through time" in exploded
    assert "max_grad_norm=1" in exploded


def test_advice_is_what_a_solver_takes():
    norms = np.array([[1.0, 1e4], [2.0, 3e4]])
    for solver, clip, expected in [
        ("adam", 1.0, "a lower max_grad_norm, a lower learning_rate_init"),
        ("sgd", None, "max_grad_norm=1, a lower learning_rate_init"),
        ("lbfgs", None, "a larger alpha"),
    ]:
        model = regressor(solver="adam").fit(X, Y).set_params(solver=solver)
        model.set_params(max_grad_norm=clip)
        message = _diagnosis.explain(model, model._network, norms)
        assert "grows more than a thousandfold" in message
        assert f"Try {expected}. skbptt" in message
    fading = np.array([[1.0, 0.1, 1e-9]])
    for options, expected in [
        ({"activation": "relu"}, "cell='gru' or cell='lstm' with activation='tanh', r"),
        (
            {"truncation": 3},
            "truncation=None, cell='gru' or cell='lstm', readout",
        ),
        ({"dropout": 0.1}, "cell='gru' or cell='lstm', readout='concat'. skbptt"),
        ({"solver": "hessian-free"}, "cell='lstm', readout='concat'. skbptt"),
    ]:
        options = {"cell": "rnn", "readout": "last", "max_iter": 2} | options
        model = quietly(regressor(**options).fit, X, Y)
        assert expected in _diagnosis.explain(model, model._network, fading)
    assert _diagnosis.explain(model, model._network, np.zeros((2, 3))) is None
    assert _diagnosis.explain(model, model._network, np.ones((2, 3))) is None
