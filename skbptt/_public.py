"""The names by which public classes and functions are stored."""


def publish(module):
    """Name what a public module exports by that module.

    Stored models hold the names of classes. So these names are public, and do not depend on
    the files that define the classes.

    Parameters
    ----------
    module : dict
        The globals of the module.
    """
    for name in module["__all__"]:
        value = module[name]
        if callable(value):
            value.__module__ = module["__name__"]
