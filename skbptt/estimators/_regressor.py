"""The regressor."""

from numbers import Real

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from .._docstrings import fill_docstring
from .._scores import d2_quantiles, r2
from ..data import object_array
from ..losses import (
    AbsoluteError,
    Gaussian,
    Huber,
    Likelihood,
    NegativeBinomial,
    Poisson,
    Quantile,
    Quantiles,
    Regression,
    SquaredError,
    StudentT,
)
from ._base import PointwiseRNN, has_partial_fit

LOSSES: dict[str, type[Regression]] = {
    "squared_error": SquaredError,
    "absolute_error": AbsoluteError,
    "huber": Huber,
    "poisson": Poisson,
    "quantile": Quantile,
    "gaussian": Gaussian,
    "student_t": StudentT,
    "negative_binomial": NegativeBinomial,
}
WITH_DISTRIBUTION = [name for name, loss in LOSSES.items() if loss.family is not None]


def has_distribution(estimator):
    """Whether there is a ``predict_distribution``."""
    loss = getattr(estimator, "_spec", vars(estimator))["loss"]
    if loss not in WITH_DISTRIBUTION:
        raise AttributeError(
            "return_std and predict_distribution need a loss with a distribution, one of "
            f"{WITH_DISTRIBUTION}. Got loss={loss!r}."
        )
    return True


@fill_docstring
class RNNRegressor(RegressorMixin, PointwiseRNN):
    """Recurrent neural network regressor of sequences.

    Predicts one or several real targets per sequence or, with ``return_sequences=True``,
    per time step. Trained by exact backpropagation through time [1]_.

    Parameters
    ----------
    <network parameters>

    loss : {"squared_error", "absolute_error", "huber", "poisson", "quantile", \
            "gaussian", "student_t", "negative_binomial"}, default="squared_error"
        The loss, averaged over several targets.

        - "squared_error" is half the squared error, "absolute_error" the absolute error.
        - "huber" is squared up to an error of 1.48 times the median absolute deviation of
          the targets, and linear beyond.
        - "poisson" is half the Poisson deviance, with an exponential output.
        - "quantile" is the pinball loss of a quantile, or its mean over several.
        - "gaussian", "student_t" and "negative_binomial" (for counts) are minus the log of
          the likelihood of a distribution whose parameters are all predicted
          (:doc:`/guide/uncertainty`).

    quantile : float in (0, 1) or array-like of such, default=0.5
        The quantile to estimate with ``loss="quantile"``, or several in increasing order,
        whose predictions do not cross.

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
        "quantile": [Interval(Real, 0, 1, closed="neither"), "array-like"],
    }
    _of_loss = ("loss", "quantile")
    _responses = {"predict": "_decode", "predict_distribution": "_freeze"}

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
        frozen=None,
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
        self.frozen = frozen
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

    # Overrides the method of the mixin, which does not support targets per step.
    score = PointwiseRNN.score

    @available_if(has_partial_fit)
    def partial_fit(self, X, y, sample_weight=None):
        """Continue training with one pass over the given data.

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
            If a parameter or an argument is not allowed. The estimator is then left as it
            was.
        """
        return self._partial_fit(X, y, sample_weight)

    def _encode(self, y, classes, known, incremental):
        n_columns = y.shape[1] if y.ndim == 2 else None
        if known and n_columns != self._n_columns:
            raise ValueError(
                "Training continues with the number of targets it began with: y has "
                f"{n_columns or 1}, but had {self._n_columns or 1}."
            )
        if self.loss in ("poisson", "negative_binomial") and (y < 0).any():
            raise ValueError(
                f"loss={self.loss!r} needs y of zero or more. The least y is {y.min()}."
            )
        if self.loss == "negative_binomial" and (y % 1).any():
            raise ValueError(
                "loss='negative_binomial' needs counts, which are whole numbers. y has "
                f"the value {y[y % 1 > 0][0]}."
            )
        if not known:
            self._n_columns = n_columns
            self.n_outputs_ = (n_columns or 1) * self._make_loss(vars(self)).n_raw
        return y.reshape(len(y), -1)

    def _make_loss(self, spec):
        if spec["loss"] != "quantile":
            return LOSSES[spec["loss"]]()
        if isinstance(spec["quantile"], Real):
            return Quantile(spec["quantile"])
        return Quantiles(checked_quantiles(spec["quantile"]))

    def _check_same_network(self, spec):
        super()._check_same_network(spec)
        before, now = (self._make_loss(of) for of in (self._spec, spec))
        kinds = [(type(loss), loss.n_raw) for loss in (before, now)]
        if max(before.n_raw, now.n_raw) > 1 and kinds[0] != kinds[1]:
            given = [
                f"loss={of['loss']!r} with quantile={of['quantile']!r}"
                for of in (self._spec, spec)
            ]
            raise ValueError(
                "Training continues from the last call with the same outputs only, but "
                f"began with {given[0]}. Got {given[1]}."
            )

    def _automatic_alpha(self):
        # Measured on noisy and on clean series, in benchmarks/windows.py.
        alpha = 0.1 if self.return_sequences else 1.2
        # Scales that are too small for new data cost far more than means that are off.
        return 20 * alpha if issubclass(LOSSES[self.loss], Likelihood) else alpha

    def predict(self, X, return_std=False):
        """Predict targets of sequences.

        Parameters
        ----------
        X : array-like of shape (n_sequences, n_steps, n_features) or \
                (n_sequences, n_steps), or list of arrays of shape (n_steps, n_features)
            Sequences of the same kind as in fit.
        return_std : bool, default=False
            Whether to return standard deviations as well. Needs a loss with a
            distribution.

        Returns
        -------
        y : ndarray of shape (n_sequences,) or (n_sequences, n_outputs)
            Predicted targets, the means for a loss with a distribution. With several
            quantiles, the last axis has one value for each. With ``return_sequences=True``,
            an array (n_sequences, n_steps, ...) if X is an array, with NaN where X is
            padding; else an object array of arrays of shape (n_steps, ...).
        y_std : ndarray of the shape of y
            Standard deviations of the predicted distributions. Only with ``return_std``.

        Raises
        ------
        ValueError
            If X is not of the same kind as in fit, or if ``return_std`` needs another loss.
        """
        if not return_std:
            return super().predict(X)
        check_is_fitted(self)
        try:
            has_distribution(self)
        except AttributeError as error:
            raise ValueError(str(error)) from None
        raw, sequences = self._raw(X)
        return tuple(self._arrange(v, sequences) for v in self._decode_with_std(raw))

    @available_if(has_distribution)
    def predict_distribution(self, X):
        """Predict the distributions of targets of sequences.

        Available for the losses "poisson", "gaussian", "student_t" and "negative_binomial".

        Parameters
        ----------
        X : array-like of shape (n_sequences, n_steps, n_features) or \
                (n_sequences, n_steps), or list of arrays of shape (n_steps, n_features)
            Sequences of the same kind as in fit.

        Returns
        -------
        distribution : frozen distribution of scipy.stats, or object array of such
            Its methods, such as ``mean``, ``std``, ``interval`` and ``logpdf``, return
            arrays of the shape that ``predict`` returns. For an object array of
            predictions, one distribution for each sequence.
        """
        raw, sequences = self._raw(X)
        parameters = {
            name: self._arrange(values, sequences)
            for name, values in self._parameters(raw).items()
        }
        if sequences.width is not None or not self._network.per_step:
            return self._loss.family(**parameters)
        of_sequences = zip(*parameters.values())
        return object_array(
            [self._loss.family(**dict(zip(parameters, one))) for one in of_sequences]
        )

    def _decode(self, raw):
        return self._decode_targets(self._loss.predict(raw))

    def _decode_with_std(self, raw):
        return tuple(self._decode_targets(values) for values in self._loss.moments(raw))

    def _parameters(self, raw):
        """Parameters of distributions, by name, in the form of targets."""
        of_loss = self._loss.distribution(raw).items()
        return {name: self._decode_targets(values) for name, values in of_loss}

    def _freeze(self, raw):
        return self._loss.family(**self._parameters(raw))

    @property
    def _quantiles(self):
        """Several quantiles that are predicted, or None."""
        loss, quantile = (self._spec[name] for name in self._of_loss)
        return None if loss != "quantile" or isinstance(quantile, Real) else quantile

    def _metric(self, y, predicted, sample_weight):
        if self._quantiles is None:
            return r2(y, predicted, sample_weight)
        return d2_quantiles(y, predicted, self._quantiles, sample_weight)

    def _decode_targets(self, y):
        return y if self._n_columns is not None else y[:, 0]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


def checked_quantiles(quantile):
    """The parameter ``quantile`` as an array of several."""
    try:
        quantiles = np.array(quantile, np.float64)
    except (TypeError, ValueError):
        quantiles = np.empty(0)
    between = (quantiles > 0) & (quantiles < 1)
    one_axis = quantiles.ndim == 1 and quantiles.size
    if not (one_axis and between.all() and (np.diff(quantiles) > 0).all()):
        raise ValueError(
            "quantile must be a float between 0 and 1, or a list of such in increasing "
            f"order. Got {quantile!r}."
        )
    return quantiles
