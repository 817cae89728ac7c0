"""Losses of distributions and quantiles, and the gradients of nets, against PyTorch's."""

import numpy as np
import pytest

from skbptt import RNNRegressor
from skbptt.inspection import loss_gradient
from tests.gradcheck import relative_error
from tests.test_torch import Twin, torch

SHARES = [0.2, 0.6, 0.9]


def gaussian(mean, log_scale, y, unit):
    scale = torch.hypot(1e-6 * unit, log_scale.exp())
    full = torch.nn.GaussianNLLLoss(full=True, eps=1e-20, reduction="none")
    return full(mean, y, scale**2)


def student_t(location, log_scale, raw, y, unit):
    scale = torch.hypot(1e-6 * unit, log_scale.exp())
    df = 2.1 + torch.nn.functional.softplus(raw)
    return -torch.distributions.StudentT(df, location, scale).log_prob(y)


def negative_binomial(log_mean, raw, y, unit):
    dispersion = 1e-8 + torch.nn.functional.softplus(raw)
    logits = log_mean + dispersion.log()
    family = torch.distributions.NegativeBinomial(1 / dispersion, logits=logits)
    return -family.log_prob(y)


def quantiles(low, middle, high, y, unit):
    softplus = torch.nn.functional.softplus
    # The weights of the targets are inverse to their units.
    found = [middle - unit * softplus(low), middle, middle + unit * softplus(high)]
    errors = [(y - q, share) for q, share in zip(found, SHARES)]
    losses = [torch.maximum(share * r, (share - 1) * r) for r, share in errors]
    return sum(losses) / 3 * unit.mean() / unit


LOSSES = {
    "gaussian": gaussian,
    "student_t": student_t,
    "negative_binomial": negative_binomial,
    "quantile": quantiles,
}


@pytest.mark.parametrize("per_step", [False, True], ids=["sequences", "steps"])
@pytest.mark.parametrize("kind", ["gru", "lstm"])
@pytest.mark.parametrize("loss", LOSSES)
def test_loss_and_gradient(loss, kind, per_step):
    """Of two targets with weights of their own, in the units of y."""
    rng = np.random.RandomState(0)
    lengths = rng.randint(1, 9, 40)
    xs = [rng.standard_normal((n, 2)) for n in lengths]
    n = lengths.sum() if per_step else len(lengths)
    y = np.array([0.1, 300.0]) * rng.standard_normal((n, 2)) + [5.0, -40.0]
    if loss == "negative_binomial":
        y = rng.negative_binomial(2, [0.5, 0.02], (n, 2)).astype(float)
    weights = rng.randint(0, 3, (n, 2)).astype(float)
    cuts = np.cumsum(lengths)[:-1]
    forms = [np.split(v, cuts) if per_step else v for v in (y, weights)]
    model = RNNRegressor(
        6,
        loss=loss,
        quantile=SHARES,
        cell=kind,
        readout="last",
        return_sequences=per_step,
        max_iter=2,
        alpha=0.0,
        random_state=0,
    ).fit(xs, *forms)
    value, gradient = loss_gradient(model, xs, *forms)

    twin = Twin(kind, model._network, np.array(model._theta), 2)
    raw = twin([torch.tensor(x) for x in xs])
    units = model._units.y_scale if model._units.state() else np.ones(2)
    parts = raw.reshape(n, -1, 2).unbind(dim=1)
    losses = LOSSES[loss](*parts, torch.tensor(y), torch.tensor(units))
    if loss in ("gaussian", "student_t"):
        # Of each target in units of its spread, with the mean of their logarithms added.
        losses = losses + torch.tensor(np.log(units).mean() - np.log(units))
    expected = (losses * torch.tensor(weights)).sum() / weights.sum()
    expected.backward()
    assert value == pytest.approx(expected.item(), rel=1e-10)
    actual = np.concatenate([values.ravel() for values in gradient.values()])
    assert relative_error(actual, twin.gradient()) < 1e-9
