"""One flat vector of parameters, and named views of it."""

from math import prod

import numpy as np


class Layout:
    """Where each named array lies in a flat vector.

    Parameters
    ----------
    shapes : dict of str to tuple of int
        The arrays, in the order in which they lie in the vector.
    """

    def __init__(self, shapes):
        self.shapes = dict(shapes)
        ends = np.cumsum([prod(shape) for shape in self.shapes.values()]).tolist()
        self.spans = dict(zip(self.shapes, map(slice, [0, *ends[:-1]], ends)))
        self.size = ends[-1]

    def views(self, vector):
        """Named views of ``vector``: writing to one writes to the vector."""
        return {
            name: vector[self.spans[name]].reshape(shape)
            for name, shape in self.shapes.items()
        }
