"""What happens inside a fitted network, step by step."""

import numpy as np
from sklearn.utils import Bunch

from ..data import check_sequences
from ..estimators import PointwiseRNN
from ..network import (
    median_by_lag,
    reach_of,
    record_gradient_norms,
    record_states,
    spectral_radii,
)
from ..training import one_blas_thread, parallel_map
from ._gradient import prepare
from ._pipeline import STACKS, opened

# Maximum number of steps with a Jacobian, each of which needs its eigenvalues.
N_JACOBIANS = 50


def hidden_states(estimator, X):
    """States and gates of a fitted estimator at every step.

    Parameters
    ----------
    estimator : RNNClassifier, RNNRegressor or RNNTranscriber
        A fitted estimator, or a pipeline that ends with one. The steps before it transform
        X.
    X : array-like of shape (n_sequences, n_steps, n_features) or \
            (n_sequences, n_steps), or list of arrays of shape (n_steps, n_features)
        Sequences of the same kind as in fit.

    Returns
    -------
    values : dict of str to ndarray or object array
        By ``layers.{k}.{forward|backward}.{name}``, where the name is "h" for the output of
        the layer, "c" for the cell state of the LSTM, and that of a gate: "i", "f", "g",
        "o" of the LSTM, "r", "z", "n" of the GRU, in the notation of
        :class:`~skbptt.cells.LSTMCell` and :class:`~skbptt.cells.GRUCell`; "z", "dt_z",
        "dt_h", "g_z", "g_h" of :class:`~skbptt.cells.LEMCell`. Each is in the
        form of X: an array of shape (n_sequences, n_steps, n_hidden), with NaN where X is
        padding, or an object array of arrays of shape (n_steps, n_hidden). The backward
        direction stands in the order of X as well: its first step is the last that it
        reads.

    Raises
    ------
    TypeError
        If it is another estimator.
    NotFittedError
        If the estimator is not fitted.
    ValueError
        If X is not allowed in predict.

    Examples
    --------
    >>> import numpy as np
    >>> from skbptt import RNNRegressor
    >>> from skbptt.inspection import hidden_states
    >>> X = np.random.default_rng(0).normal(size=(50, 6, 2))
    >>> model = RNNRegressor(3, cell="lstm", max_iter=5, random_state=0)
    >>> values = hidden_states(model.fit(X, X.sum(axis=(1, 2))), X)
    >>> h, c, o = (values[f"layers.0.forward.{name}"] for name in "hco")
    >>> h.shape
    (50, 6, 3)
    >>> np.allclose(h, o * np.tanh(c))
    True
    """
    estimator, X = opened(estimator, X, STACKS)
    sequences = check_sequences(estimator, X, reset=False)
    with one_blas_thread(), parallel_map(estimator.n_jobs) as map_parts:
        values = record_states(estimator._network, estimator._theta, sequences, map_parts)
    return {name: sequences.unstack(rows) for name, rows in values.items()}


def gradient_flow(estimator, X, y, *, sample_weight=None):
    """How far the loss reaches back in time: the norm of dL/dh by lag.

    For each sequence, L is its own loss, without weights and L2, and :math:`dL/dh_t` is its
    derivative with respect to the state :math:`h_t` of a layer, with all that passes
    through later steps. It is a sum over what the readout takes from later steps, each
    multiplied by Jacobians of the recurrence in between, whose product vanishes or explodes
    with their number [1]_, [2]_. Exact, whatever ``truncation``.

    With a target for each step, L is the loss of one step alone: the last that a direction
    reads, among those whose target has a positive weight.

    Parameters
    ----------
    estimator : RNNClassifier or RNNRegressor
        A fitted estimator, or a pipeline that ends with one. The steps before it transform
        X.
    X : array-like of shape (n_sequences, n_steps, n_features) or \
            (n_sequences, n_steps), or list of arrays of shape (n_steps, n_features)
        Sequences of the same kind as in fit.
    y : array-like
        Targets, as in fit.
    sample_weight : array-like, default=None
        Weights, as in fit: the targets of weight 0 are left out of the loss, and only
        these may be missing. The other weights do not matter.

    Returns
    -------
    flow : Bunch
        With one entry for each ``layers.{k}.{forward|backward}`` in each of

        norm : dict of str to ndarray of shape (n_sequences, max_steps)
            Euclidean norms of :math:`dL/dh`, by lag: column 0 is the last step that the
            direction reads before L, which for the backward direction is the first of the
            sequence. NaN beyond the length of a sequence, and for a sequence of weight 0;
            inf where numbers overflow.
        reach : dict of str to float
            The least lag at which the median over sequences is below 1 % of that at lag 0;
            inf if there is none.
        spectral_radius : dict of str to ndarray of shape (n_samples,)
            Of the Jacobian of the whole state (h, and c of the LSTM) after a step with
            respect to the state before, at up to 50 evenly spaced steps.

    Raises
    ------
    TypeError
        If it is another estimator.
    NotFittedError
        If the estimator is not fitted.
    ValueError
        If X, y or sample_weight is not allowed in fit.

    References
    ----------
    .. [1] Bengio, Y., Simard, P. & Frasconi, P. (1994). Learning long-term dependencies
       with gradient descent is difficult. IEEE Transactions on Neural Networks 5(2).
    .. [2] Pascanu, R., Mikolov, T. & Bengio, Y. (2013). On the difficulty of training
       recurrent neural networks. ICML. Equations 5 and 6.

    Examples
    --------
    The state of a net with one linear unit shrinks by the same factor at each step, and so
    does the gradient on its way back:

    >>> import numpy as np
    >>> from skbptt import RNNRegressor
    >>> from skbptt.inspection import gradient_flow
    >>> X = np.random.default_rng(0).normal(size=(50, 30, 1))
    >>> y = X[:, :, 0] @ 0.5 ** np.arange(30)[::-1]
    >>> model = RNNRegressor(1, activation="identity", cell="rnn", solver="lbfgs")
    >>> model = model.set_params(readout="last", alpha=0, random_state=0).fit(X, y)
    >>> flow = gradient_flow(model, X, y + 1)
    >>> norm = np.median(flow.norm["layers.0.forward"], axis=0)
    >>> (norm[1:4] / norm[:3]).round(3)
    array([0.5, 0.5, 0.5])
    >>> flow.reach["layers.0.forward"]
    7.0
    >>> flow.spectral_radius["layers.0.forward"][:3].round(3)
    array([0.5, 0.5, 0.5])
    """
    estimator, X = opened(estimator, X, PointwiseRNN)
    network, theta = estimator._network, estimator._theta
    data = prepare(estimator, X, y, sample_weight)
    quiet = np.errstate(over="ignore", invalid="ignore")  # as of a net that has exploded
    with one_blas_thread(), parallel_map(estimator.n_jobs) as map_parts, quiet:
        norms, _ = record_gradient_norms(network, theta, estimator._loss, data, map_parts)
        radii = spectral_radii(network, theta, data.sequences, N_JACOBIANS, map_parts)
    return Bunch(
        norm=norms,
        reach={name: reach_of(median_by_lag(norms[name])) for name in norms},
        spectral_radius=radii,
    )
