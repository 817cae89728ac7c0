"""What tests of pictures share."""

import pytest


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
