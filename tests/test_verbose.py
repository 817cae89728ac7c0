"""What is printed: a line every so many iterations, and the last."""

import re

import pytest

from skbptt import solvers
from tests.fits import X, Y, quietly, regressor


def printed(capsys):
    """Iterations, losses and scores of the lines printed."""
    number = r"(-?\d+\.?\d*(?:e-?\d+)?)"
    pattern = rf"Iteration (\d+), loss = {number}(?:, validation score = {number})?"
    lines = capsys.readouterr().out.splitlines()
    found = [re.fullmatch(pattern, line).groups() for line in lines]
    return [
        (int(k), pytest.approx(float(loss), rel=1e-5, abs=1e-7), score)
        for k, loss, score in found
    ]


@pytest.mark.parametrize("solver", solvers.SOLVERS)
def test_the_last_iteration_is_printed(solver, capsys):
    """Whatever the number of iterations between two lines, and once."""
    for verbose in (1, 4, 5, 10, 1000):
        model = regressor(solver=solver, verbose=verbose, max_iter=5)
        curve = quietly(model.fit, X, Y).loss_curve_
        last = len(curve)
        every = [k for k in range(1, last + 1) if k % verbose == 0 or k == last]
        assert [(k, curve[k - 1], None) for k in every] == printed(capsys)


def test_it_is_printed_with_its_score(capsys):
    model = regressor(early_stopping=True, verbose=10, max_iter=4, warm_start=True)
    for last in (4, 8, 12):
        quietly(model.fit, X, Y)
        *others, (k, loss, score) = printed(capsys)
        assert [line[0] for line in others] == ([10] if last == 12 else [])
        assert (k, model.loss_curve_[-1]) == (last, loss)
        assert float(score) == pytest.approx(model.validation_scores_[-1], abs=1e-5)


def test_partial_fit_prints_every_so_many_calls(capsys):
    """None of them is known to be the last."""
    model = regressor(verbose=3)
    for _ in range(7):
        model.partial_fit(X, Y)
    assert [k for k, *_ in printed(capsys)] == [3, 6]


def test_an_iteration_that_diverges(capsys):
    """The last that came to something."""
    model = regressor(solver="sgd", learning_rate_init=3.0, max_grad_norm=None, verbose=50)
    model.set_params(activation="identity", cell="rnn", max_iter=50)
    quietly(model.fit, X, Y)
    (line,) = printed(capsys)
    complete = [k for k, loss in enumerate(model.loss_curve_, 1) if loss == loss]
    assert line[0] == complete[-1] < model.max_iter
