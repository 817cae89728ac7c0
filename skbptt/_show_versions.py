"""What a report of a problem should name."""

from importlib.metadata import version

import sklearn

from .loops import live


def show_versions():
    """Print the versions of skbptt and of what it stands on, and which loops run.

    The loops over time are "compiled", with the set of instructions in use, or "numpy"
    where there was no compiler at installation. The environment variable ``SKBPTT_LOOPS``
    chooses: "numpy", "portable", "avx2" or "avx512". Results differ between them by
    rounding.

    Examples
    --------
    >>> from skbptt import show_versions
    >>> show_versions()  # doctest: +ELLIPSIS
    skbptt: ...
    loops: ...
    """
    print(f"skbptt: {version('skbptt')}\nloops: {live()}")
    sklearn.show_versions()
