"""The regressor."""

from numbers import Real

from sklearn.base import RegressorMixin
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if

from .._docstrings import fill_docstring
from .._scores import r2
from ..losses import AbsoluteError, Huber, Poisson, Quantile, SquaredError
from ._base import PointwiseRNN, goes_on_by_batches

LOSSES = {
    "squared_error": SquaredError,
    "absolute_error": AbsoluteError,
    "huber": Huber,
    "poisson": Poisson,
    "quantile": Quantile,
}


@fill_docstring
class RNNRegressor(RegressorMixin, PointwiseRNN):
    """Recurrent neural network regressor of sequences.

    One or several real targets a sequence, or with ``return_sequences=True`` at each time
    step, by exact backpropagation through time [1]_.

    Parameters
    ----------
    <network parameters>

    loss : {"squared_error", "absolute_error", "huber", "poisson", "quantile"}, \
            default="squared_error"
        The loss of a target, averaged over several: half the squared error; the absolute
        error; "huber", which is squared up to an error of 1.48 times the median absolute
        deviation of the targets and linear beyond; half the Poisson deviance, with an
        exponential output; or the pinball loss of a quantile.

    quantile : float in (0, 1), default=0.5
        The quantile to estimate with ``loss="quantile"``.

    <training parameters>

    Attributes
    ----------
    <attributes>

    See Also
    --------
    RNNClassifier : The same network for labels.
    sklearn.neural_network.MLPRegressor : A network without recurrence.

    Notes
    -----
    <notes>

    References
    ----------
    <references>

    Examples
    --------
    The next value of a noisy sine, from the twenty before:

    >>> import numpy as np
    >>> from skbptt import RNNRegressor
    >>> rng = np.random.default_rng(0)
    >>> series = np.sin(0.3 * np.arange(320)) + 0.1 * rng.normal(size=320)
    >>> windows = np.lib.stride_tricks.sliding_window_view(series, 21)
    >>> X, y = windows[:, :20, np.newaxis], windows[:, 20]
    >>> model = RNNRegressor(16, max_iter=30, random_state=0).fit(X[:250], y[:250])
    >>> model.score(X[250:], y[250:]) > 0.9
    True
    """

    _parameter_constraints: dict = {
        **PointwiseRNN._parameter_constraints,
        "loss": [StrOptions(set(LOSSES))],
        "quantile": [Interval(Real, 0, 1, closed="neither")],
    }
    _of_loss = ("loss", "quantile")
    _metric = staticmethod(r2)

    def __init__(
        self,
        hidden_layer_sizes=(64,),
        *,
        cell="gru",
        activation="tanh",
        bidirectional=False,
        readout="concat",
        return_sequences=False,
        dropout=0.0,
        categorical_features="from_dtype",
        embedding_dim="auto",
        initial_state="zeros",
        loss="squared_error",
        quantile=0.5,
        solver="adam",
        alpha="auto",
        max_grad_norm=1.0,
        truncation=None,
        n_jobs=None,
        batch_size="auto",
        learning_rate="auto",
        learning_rate_init=0.01,
        power_t=0.5,
        max_iter=100,
        shuffle=True,
        random_state=None,
        tol=1e-4,
        verbose=False,
        warm_start=False,
        momentum=0.9,
        nesterovs_momentum=True,
        early_stopping=False,
        scoring="loss",
        validation_fraction=0.1,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        n_iter_no_change=10,
        max_fun=15000,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.cell = cell
        self.activation = activation
        self.bidirectional = bidirectional
        self.readout = readout
        self.return_sequences = return_sequences
        self.dropout = dropout
        self.categorical_features = categorical_features
        self.embedding_dim = embedding_dim
        self.initial_state = initial_state
        self.loss = loss
        self.quantile = quantile
        self.solver = solver
        self.alpha = alpha
        self.max_grad_norm = max_grad_norm
        self.truncation = truncation
        self.n_jobs = n_jobs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.scoring = scoring
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun

    # Before the method of the mixin, which knows nothing of targets per step.
    score = PointwiseRNN.score

    @available_if(goes_on_by_batches)
    def partial_fit(self, X, y, sample_weight=None):
        """Go on training by one pass over the given data.

        Parameters
        ----------
        X : array-like of shape (n_sequences, n_steps, n_features) or \
                (n_sequences, n_steps), or list of arrays of shape (n_steps, n_features)
            Sequences, as in fit. ``alpha`` is relative to the sum of their weights.
        y : array-like
            Targets, as in fit.
        sample_weight : array-like, default=None
            Weights, as in fit.

        Returns
        -------
        self : object
            The estimator.

        Raises
        ------
        ValueError
            If a parameter or an argument is not allowed. The estimator then stays as it
            was.
        """
        return self._partial_fit(X, y, sample_weight)

    def _encode(self, y, classes, known, incremental):
        n_columns = y.shape[1] if y.ndim == 2 else None
        if known and n_columns != self._n_columns:
            raise ValueError(
                "Training goes on with the number of targets it began with: y has "
                f"{n_columns or 1}, but had {self._n_columns or 1}."
            )
        if self.loss == "poisson" and (y < 0).any():
            raise ValueError(
                f"loss='poisson' needs y of zero or more. The least y is {y.min()}."
            )
        if not known:
            self._n_columns = n_columns
            self.n_outputs_ = n_columns or 1
        return y.reshape(len(y), -1)

    def _make_loss(self, spec):
        if spec["loss"] == "quantile":
            return Quantile(spec["quantile"])
        return LOSSES[spec["loss"]]()

    def _automatic_alpha(self):
        # Measured on noisy and on clean series, in benchmarks/windows.py.
        return 0.1 if self.return_sequences else 1.2

    def _decode(self, raw):
        return self._decode_targets(self._loss.predict(raw))

    def _decode_targets(self, y):
        return y if self._n_columns is not None else y[:, 0]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
