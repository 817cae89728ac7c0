"""One flat vector of parameters, and named views of it."""

from math import prod


class Layout:
    """Where each named array lies in a flat vector.

    Parameters
    ----------
    shapes : dict of str to tuple of int, or to such dicts
        The arrays, in the order in which they lie in the vector.

    Attributes
    ----------
    shapes : dict of str to tuple of int
        The arrays by full name: names of dicts in dicts are joined by dots.
    size : int
        Length of the vector.
    """

    def __init__(self, shapes):
        self.shapes: dict[str, tuple] = {}
        self.size = 0
        self._spans: dict[str, tuple] = {}
        self._tree = self._place(shapes, "")

    def _place(self, shapes, prefix):
        """Place arrays one after the other, and give their spans in the form of shapes."""
        placed: dict = {}
        for name, shape in shapes.items():
            full = prefix + name
            if isinstance(shape, dict):
                placed[name] = self._place(shape, full + ".")
                continue
            start, self.size = self.size, self.size + prod(shape)
            placed[name] = slice(start, self.size), tuple(shape)
            self.shapes[full], self._spans[full] = tuple(shape), placed[name]
        return placed

    def views(self, vector):
        """Views of ``vector`` by full name: writing to one writes to the vector."""
        return views_of(self._spans, vector)

    def tree(self, vector):
        """The same as dicts in dicts, as the shapes were given."""
        return views_of(self._tree, vector)


def views_of(spans, vector):
    views = {}
    for name, span in spans.items():
        if span.__class__ is dict:
            views[name] = views_of(span, vector)
        else:
            where, shape = span
            views[name] = vector[where] if len(shape) == 1 else vector[where].reshape(shape)
    return views
