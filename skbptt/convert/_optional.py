"""Packages that only some functions need."""

from importlib import import_module


def needed(package, function):
    """An optional package, for the function that needs it.

    Raises
    ------
    ImportError
        If it is not installed.
    """
    try:
        return import_module(package)
    except ImportError as error:
        raise ImportError(
            f"{function} needs the package {package}: pip install {package}"
        ) from error
