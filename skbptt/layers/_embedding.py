"""Learned vectors in place of categories."""

import numpy as np
from scipy.sparse import csr_array

from ._base import Layer

try:  # The same to the bit, without a sort and a sparse matrix.
    from ..loops._loops import sum_by_code as sum_by_code_compiled
except ImportError:  # There was no compiler when the package was installed.
    sum_by_code_compiled = None


class Embedding(Layer):
    """A learned vector for each category of one feature.

    A column of the input holds codes 0, 1, ..., which are rows of the matrix W. The code -1
    is a category without a row, whose vector is zero. The derivative with respect to a code
    is that with respect to a factor of its vector, as if the input were a one-hot row: a
    complex step in a code multiplies the vector by 1 + i h.

    L2 does not apply. Adam would take full steps along its gradient where there is no
    other, which erases the vectors of rare categories.

    Parameters
    ----------
    n_in : int
        Columns of the input.
    column : int
        The one that holds the codes.
    n_categories : int
    width : int
        Length of a vector.
    """

    row_by_row = True

    def __init__(self, n_in, column, n_categories, width):
        self.n_in, self.column = n_in, column
        self.n_categories, self.width = n_categories, width

    def shapes(self):
        return {"W": (self.n_categories, self.width)}

    def initialise(self, p, rng):
        """Normal, of standard deviation 0.1: with 1, small vocabularies overfit."""
        p["W"][:] = 0.1 * rng.standard_normal(p["W"].shape)

    def numbers_per_step(self, keep):
        return self.width

    def forward(self, p, x, run):
        codes, factor = x[:, self.column].real.astype(np.intp), None
        y = vectors_of(p["W"], codes)
        if np.iscomplexobj(x):
            factor = 1 + 1j * x[:, self.column, np.newaxis].imag
            y = y * factor
        return y, (codes, factor)

    def backward(self, p, tape, dy, grad, run, need_dx):
        codes, factor = tape
        sum_by_code(dy if factor is None else dy * factor, codes, grad["W"])
        return self._to_input(dy, vectors_of(p["W"], codes)) if need_dx else None

    def tangent(self, p, p_dot, x, x_dot, tape, run):
        codes, _ = tape
        y_dot = vectors_of(p_dot["W"], codes)
        if x_dot is None:
            return y_dot, None
        factor_dot = x_dot[:, self.column, np.newaxis]
        return y_dot + factor_dot * vectors_of(p["W"], codes), factor_dot

    def tangent_back(self, p, p_dot, tape, factor_dot, dy, dy_dot, grad, run, need_dx):
        codes, _ = tape
        rows_dot = dy_dot if factor_dot is None else dy_dot + factor_dot * dy
        sum_by_code(rows_dot, codes, grad["W"])
        if not need_dx:
            return None, None
        vectors, vectors_dot = (vectors_of(q["W"], codes) for q in (p, p_dot))
        dx, dx_dot = self._to_input(dy, vectors), self._to_input(dy_dot, vectors)
        return dx, dx_dot + self._to_input(dy, vectors_dot)

    def _to_input(self, dy, vectors):
        dx = np.zeros((len(dy), self.n_in), dy.dtype)
        dx[:, self.column] = np.einsum("ij,ij->i", dy, vectors)
        return dx


class Columns(Layer):
    """Some columns of the input.

    Parameters
    ----------
    n_in : int
    columns : ndarray of int
    """

    row_by_row = True

    def __init__(self, n_in, columns):
        self.n_in, self.columns = n_in, columns
        self.width = len(columns)

    def forward(self, p, x, run):
        return x[:, self.columns], None

    def backward(self, p, tape, dy, grad, run, need_dx):
        return self._to_input(dy) if need_dx else None

    def tangent(self, p, p_dot, x, x_dot, tape, run):
        x_dot = np.zeros_like(x) if x_dot is None else x_dot
        return x_dot[:, self.columns], None

    def tangent_back(self, p, p_dot, tape, tangent, dy, dy_dot, grad, run, need_dx):
        return (self._to_input(dy), self._to_input(dy_dot)) if need_dx else (None, None)

    def _to_input(self, dy):
        dx = np.zeros((len(dy), self.n_in), dy.dtype)
        dx[:, self.columns] = dy
        return dx


def vectors_of(W, codes):
    """Rows of W, and zeros for the code -1."""
    vectors = W.take(codes, axis=0, mode="clip")
    unknown = codes < 0
    if unknown.any():
        vectors[unknown] = 0
    return vectors


def sum_by_code(rows, codes, sums):
    """Fill ``sums`` with the sum of the rows of each code from 0."""
    if sum_by_code_compiled is not None and rows.dtype.char in "fd":
        sum_by_code_compiled(rows, np.maximum(codes, -1), sums)
    else:
        sum_by_code_in_numpy(rows, codes, sums)


def sum_by_code_in_numpy(rows, codes, sums):
    sums[...] = 0
    order = np.argsort(codes, kind="stable")
    order = order[np.count_nonzero(codes < 0) :]
    if len(order):
        present = codes[order]
        first = np.flatnonzero(np.diff(present, prepend=-1))
        ones, ends = np.ones(len(order), rows.real.dtype), np.append(first, len(order))
        chosen = csr_array((ones, order, ends), (len(first), len(rows)))
        sums[present[first]] = chosen @ rows
