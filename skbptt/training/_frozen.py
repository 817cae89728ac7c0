"""Weights that training does not change."""

from fnmatch import fnmatchcase

import numpy as np


class Frozen:
    """Weights that do not change, while a solver sees only the others.

    Parameters
    ----------
    patterns : sequence of str or None
        Patterns of names; ``*`` stands for any text.
    layout : Layout
        The names.
    theta : ndarray
        All weights, in the units of training.
    before : ndarray
        The same weights in the units of the user.

    Attributes
    ----------
    names : list of str
        The arrays that are frozen.

    Raises
    ------
    ValueError
        If a pattern matches no name, or if all names are matched.
    """

    def __init__(self, patterns, layout, theta, before):
        known = list(layout.shapes)
        patterns = [] if patterns is None else list(patterns)
        for pattern in patterns:
            if not isinstance(pattern, str) or not matching([pattern], known):
                raise ValueError(
                    f"frozen must hold patterns of names of weights. Got {pattern!r}, but "
                    f"the names are {known}."
                )
        self.names = matching(patterns, known)
        if self.names == known:
            raise ValueError(
                f"frozen={patterns!r} matches all weights, but one or more must train."
            )
        self._theta, self._before = theta, before
        stays = np.zeros(layout.size, bool)
        views = layout.views(stays)
        for name in self.names:
            views[name][:] = True
        self._stays, self._free = stays, np.flatnonzero(~stays)

    def free(self, theta):
        """The free weights, of all."""
        return theta[self._free] if self.names else theta

    def whole(self, free, rest=None):
        """All weights, from the free ones and the ``rest``, by default the frozen ones."""
        if not self.names:
            return free
        theta = (self._theta if rest is None else rest).astype(free.dtype)
        theta[self._free] = free
        return theta

    def keep(self, theta):
        """Restore the frozen weights, in the units of the user, to the last bit."""
        theta[self._stays] = self._before[self._stays]
        return theta


class FreeObjective:
    """An objective as a function of the free weights.

    Parameters
    ----------
    objective : Objective
    frozen : Frozen
    """

    def __init__(self, objective, frozen):
        self.objective, self.frozen, self.n = objective, frozen, objective.n

    def value(self, free, indices):
        return self.objective.value(self.frozen.whole(free), indices)

    def value_and_gradient(self, free, indices=None, rng=None):
        theta = self.frozen.whole(free)
        value, gradient = self.objective.value_and_gradient(theta, indices, rng)
        return value, self.frozen.free(gradient)

    def curvature(self, free, indices=None):
        theta = self.frozen.whole(free)
        return FreeCurvature(self.objective.curvature(theta, indices), self.frozen)


class FreeCurvature:
    """Second derivatives with respect to the free weights: a block of the whole matrix."""

    def __init__(self, curvature, frozen):
        self.curvature, self.frozen = curvature, frozen

    def hessian(self, v):
        return self._block(self.curvature.hessian, v)

    def gauss_newton(self, v, structural=0.0):
        return self._block(self.curvature.gauss_newton, v, structural)

    def _block(self, product, v, *how):
        still = np.zeros_like(self.curvature.theta)
        return self.frozen.free(product(self.frozen.whole(v, still), *how))


def matching(patterns, names):
    """The names that one of the patterns matches."""
    return [name for name in names if any(fnmatchcase(name, p) for p in patterns)]
