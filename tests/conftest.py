"""What the tests share."""

import pytest

from skbptt.loops import _engine

# Most tests fit small data for a few iterations, of which these warn rightly.
OF_SMALL_FITS = (
    "ignore:The loss on the training data is no better",
    "ignore:early_stopping=True holds back fewer than",
)


def pytest_configure(config):
    for warning in OF_SMALL_FITS:
        config.addinivalue_line("filterwarnings", warning)


@pytest.fixture(params=["numpy", *_engine.available])
def engine(request, monkeypatch):
    """Each of the engines in turn: NumPy, and every set of instructions."""
    monkeypatch.setattr(_engine, "LOOPS", _engine.choose(request.param))


@pytest.fixture
def compiled(monkeypatch):
    """The compiled loops, whatever the environment chooses."""
    if not _engine.available:
        pytest.skip("installed without a compiler")
    monkeypatch.setattr(_engine, "LOOPS", _engine.choose())


@pytest.fixture
def close_figures():
    """Draw, so that what cannot be drawn fails, and close the figures of a test."""
    import matplotlib.pyplot as plt

    yield
    try:
        for number in plt.get_fignums():
            plt.figure(number).canvas.draw()
    finally:
        plt.close("all")
