"""Reading what is drawn, and a net whose numbers are known."""

import numpy as np

from skbptt import RNNRegressor


def lines(panel):
    """Lines of a panel as a list of points, without marks and such."""
    return [line.get_xydata() for line in panel.lines if line.get_linestyle() != "None"]


def shown_in(legend):
    return [text.get_text() for text in legend.get_texts()]


def linear_net(r=0.8, T=60):
    """A net of one linear unit whose weights are known, and its weights."""
    x = np.random.default_rng(0).normal(size=(30, T, 1))
    model = RNNRegressor(
        1, cell="rnn", activation="identity", readout="last", max_iter=1, random_state=0
    ).fit(x, x[:, -1, 0])
    theta = model._network.layout.views(model._theta)
    theta["layers.0.forward.R"][:] = r
    return model, x, theta
