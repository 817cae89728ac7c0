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

All run on complex numbers. The sums over one sequence are products of padded arrays. Those
with W are one product over all rows.

Luong, M.-T., Pham, H. & Manning, C. D. (2015). Effective approaches to attention-based
neural machine translation. EMNLP.
"""

import numpy as np

# The exponential of it is zero.
NEVER = -1e30


class Grid:
    """Where the rows of ragged sequences lie in an array (n_sequences, n_steps, ...).

    Parameters
    ----------
    sequence, time : ndarrays of shape (n_rows,)
        Sequence and step of each row, in any order.
    n_sequences : int

    Attributes
    ----------
    there : ndarray of shape (n_sequences, n_steps)
        Whether there is a row.
    """

    def __init__(self, sequence, time, n_sequences):
        self.places = sequence, time
        self.there = np.zeros((n_sequences, time.max() + 1), bool)
        self.there[self.places] = True

    def pad(self, rows):
        """Rows in the array, and zeros elsewhere."""
        dense = np.zeros((*self.there.shape, *rows.shape[1:]), rows.dtype)
        dense[self.places] = rows
        return dense

    def rows(self, dense):
        """The way back from :meth:`pad`."""
        return dense[self.places]


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
    q = of_s.pad(s if W is None else s @ W)
    H = of_h.pad(h)
    alpha = weights(q, H, of_h.there)
    return of_s.rows(alpha @ H), (alpha, q, H, s, W, of_s, of_h)


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
    alpha, q, H, s, W, of_s, of_h = tape
    dC = of_s.pad(dc)
    de = dC @ H.swapaxes(1, 2)
    # With this sum, the gradient of a weight of 1 is exactly zero.
    de -= np.einsum("ntj,ntj->nt", alpha, de)[:, :, np.newaxis]
    de *= alpha
    dH = alpha.swapaxes(1, 2) @ dC
    dH += de.swapaxes(1, 2) @ q
    dq, dh = of_s.rows(de @ H), of_h.rows(dH)
    if W is None:
        return dq, dh, None
    return dq @ W.T, dh, s.T @ dq


def weights(q, H, there):
    """alpha of padded queries and encoder states, of which those ``there`` count."""
    e = q @ H.swapaxes(1, 2)
    e += np.where(there, 0, NEVER).astype(e.real.dtype)[:, np.newaxis]
    e -= e.real.max(axis=2, keepdims=True)
    np.exp(e, out=e)
    e /= e.sum(axis=2, keepdims=True)
    return e
