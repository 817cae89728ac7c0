r"""Attention of Luong et al. (2015): a mean of encoder states, for each decoder state.

For the decoder state :math:`s_t` and the encoder states :math:`h_j` of the same sequence,

.. math::

   q_t = s_t W , \qquad e_{tj} = q_t \cdot h_j , \qquad
   \alpha_{tj} = \frac{\exp e_{tj}}{\sum_k \exp e_{tk}} , \qquad
   c_t = \sum_j \alpha_{tj} h_j

with the weights W ("general"), or with :math:`q_t = s_t` ("dot"). The gradients of a loss
by all of these, written with a bar, follow from that by :math:`c_t`:

.. math::

   \bar \alpha_{tj} &= \bar c_t \cdot h_j &
   \bar e_{tj} &= \alpha_{tj} \left(\bar \alpha_{tj} - \sum_k \alpha_{tk} \bar \alpha_{tk}
   \right) \\
   \bar q_t &= \sum_j \bar e_{tj} h_j &
   \bar h_j &= \sum_t \left( \alpha_{tj} \bar c_t + \bar e_{tj} q_t \right) \\
   \bar s_t &= \bar q_t W^\top &
   \bar W &= \sum_t s_t^\top \bar q_t

All run on complex numbers. The sums over one sequence are compiled, or in NumPy products of
padded arrays. Those with W are one product over all rows.

Luong, M.-T., Pham, H. & Manning, C. D. (2015). Effective approaches to attention-based
neural machine translation. EMNLP.
"""

from typing import NamedTuple

import numpy as np

from ..loops import _engine

try:
    from ..loops._loops import attention, attention_back
except ImportError:  # There was no compiler when the package was installed.
    attention = attention_back = None

# The exponential of it is zero.
NEVER = -1e30

# Pairs of a query and a key of one sequence, from which on products of padded arrays are as
# fast as compiled sums over rows where they lie.
MANY = 1 << 14


class Grid:
    """Where the rows of ragged sequences lie in an array (n_sequences, n_steps, ...).

    Parameters
    ----------
    table : ndarray of int of shape (n_sequences, n_steps)
        The row of each step, and -1 after the last. For :meth:`pad` alone, a row may be in
        more than one place.
    """

    def __init__(self, table):
        self.table = table

    @classmethod
    def of(cls, sequence, time, n_sequences):
        """The grid of rows in any order, from the sequence and the step of each."""
        table = np.full((n_sequences, time.max() + 1), -1)
        table[sequence, time] = np.arange(len(time))
        return cls(table)

    @property
    def there(self):
        """Whether there is a row."""
        return self.table >= 0

    def pad(self, rows):
        """Rows in the array, and zeros elsewhere."""
        dense = rows[self.table]
        dense[~self.there] = 0
        return dense

    def rows(self, dense):
        """The way back from :meth:`pad`."""
        there = self.there
        rows = np.empty((np.count_nonzero(there), *dense.shape[2:]), dense.dtype)
        rows[self.table[there]] = dense[there]
        return rows


class Memory(NamedTuple):
    """Keys and values of encoder states, for decoder states of one step at a time.

    The products are in another order than in the equations, which leaves less for each
    step: :math:`(s W) \\cdot h = s \\cdot (W h)`, and for a matrix V that the contexts are
    multiplied with, :math:`(\\sum_j \\alpha_j h_j) V = \\sum_j \\alpha_j (h_j V)`.

    Attributes
    ----------
    keys, values : ndarrays of shape (n_encoder_rows, n_decoder)
    of_s, of_h : Grid
        Of decoder states, one for each sequence, and of the rows of their sequences.
    """

    keys: np.ndarray
    values: np.ndarray
    of_s: Grid
    of_h: Grid

    @classmethod
    def of(cls, h, W, V, of_h, workspace):
        """The memory of encoder states h, in the workspace."""
        both = workspace.empty((len(h), len(W) + V.shape[1]), h.dtype)
        np.matmul(h, np.hstack([W.T, V]), out=both)  # at once, which reads h once
        keys, values = np.split(both, [len(W)], axis=1)
        return cls(keys, values, each(len(of_h.table)), of_h)

    def choose(self, sequences):
        """The memory for decoder states of the given sequences."""
        of_h = Grid(self.of_h.table[sequences])
        return self._replace(of_s=each(len(sequences)), of_h=of_h)

    def attend(self, s):
        """The contexts of decoder states s, times V."""
        return contexts(s, self.keys, self.values, self.of_s, self.of_h)[0]


def each(n):
    """The grid of n sequences of one row."""
    return Grid(np.arange(n)[:, np.newaxis])


def attend(s, h, W, of_s, of_h):
    """The contexts c of all decoder states.

    Parameters
    ----------
    s : ndarray of shape (n_decoder_rows, n_decoder)
        Decoder states.
    h : ndarray of shape (n_encoder_rows, n_encoder)
        Encoder states; at least one in each sequence.
    W : ndarray of shape (n_decoder, n_encoder), or None
        None for "dot", where both kinds of states are equally wide.
    of_s, of_h : Grid
        Where the rows lie; of the same sequences.

    Returns
    -------
    c : ndarray of shape (n_decoder_rows, n_encoder)
    tape : tuple
        For :func:`attend_back`. The first item is alpha, of shape (n_sequences,
        n_decoder_steps, n_encoder_steps), which is zero beyond the end of the encoder's
        sequences.
    """
    q = s if W is None else s @ W
    c, alpha = contexts(q, h, h, of_s, of_h)
    return c, (alpha, q, h, s, W, of_s, of_h)


def attend_back(tape, dc):
    """Gradients from that of the contexts.

    Parameters
    ----------
    tape : tuple
        As returned by :func:`attend`.
    dc : ndarray of shape (n_decoder_rows, n_encoder)

    Returns
    -------
    ds, dh : ndarrays of the shapes of s and h
    dW : ndarray of the shape of W, or None
    """
    alpha, q, h, s, W, of_s, of_h = tape
    dq, dh = contexts_back(alpha, q, h, of_s, of_h, dc)
    if W is None:
        return dq, dh, None
    return dq @ W.T, dh, s.T @ dq


def contexts(q, keys, values, of_q, of_keys):
    """Weighted means of values, by the products of queries and keys.

    Parameters
    ----------
    q : ndarray of shape (n_queries, width)
    keys : ndarray of shape (n_keys, width)
    values : ndarray of shape (n_keys, value_width)
    of_q, of_keys : Grid

    Returns
    -------
    c : ndarray of shape (n_queries, value_width)
    alpha : ndarray of shape (n_sequences, n_steps of queries, n_steps of keys)
    """
    if compiled(of_q, of_keys, q, keys, values):
        return attention(_engine.LOOPS, q, keys, values, of_q.table, of_keys.table)
    alpha = weights(of_q.pad(q), of_keys.pad(keys), of_keys.there)
    return of_q.rows(alpha @ of_keys.pad(values)), alpha


def contexts_back(alpha, q, h, of_q, of_h, dc):
    """Gradients of queries and of h, which is keys and values, from that of contexts."""
    if compiled(of_q, of_h, q, h, dc):
        tables = of_q.table, of_h.table
        return attention_back(_engine.LOOPS, alpha, q, h, *tables, dc)
    Q, H, dC = of_q.pad(q), of_h.pad(h), of_q.pad(dc)
    de = dC @ H.swapaxes(1, 2)
    # With this sum, the gradient of a weight of 1 is exactly zero.
    de -= np.einsum("ntj,ntj->nt", alpha, de)[:, :, np.newaxis]
    de *= alpha
    dH = alpha.swapaxes(1, 2) @ dC
    dH += de.swapaxes(1, 2) @ Q
    return of_q.rows(de @ H), of_h.rows(dH)


def compiled(of_q, of_keys, *arrays):
    """Whether the compiled sums run, on these arrays."""
    dtypes = {array.dtype.char for array in arrays}
    few = of_q.table.shape[1] * of_keys.table.shape[1] < MANY
    return _engine.LOOPS is not None and few and dtypes in ({"f"}, {"d"})


def weights(q, H, there):
    """alpha of padded queries and encoder states, of which those ``there`` count."""
    e = q @ H.swapaxes(1, 2)
    e += np.where(there, 0, NEVER).astype(e.real.dtype)[:, np.newaxis]
    e -= e.real.max(axis=2, keepdims=True)
    np.exp(e, out=e)
    e /= e.sum(axis=2, keepdims=True)
    return e
