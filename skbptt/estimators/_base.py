"""What the estimators share: fit, weights, predictions, score."""

from abc import abstractmethod
from contextlib import nullcontext
from types import MappingProxyType

from sklearn.utils.validation import check_is_fitted

from .. import solvers
from .._callbacks import Iterations
from .._compat import CallbackSupportMixin, with_callbacks
from .._docstrings import Documented
from ..data import Data, check_sequences, check_targets, unchanged_on_error
from ..network import raw_outputs
from ..training import one_blas_thread, parallel_map
from ._fitting import Fitting
from ._parameters import CONSTRAINTS, check_parameters
from ._streams import Stream

# Steps up to which a prediction is over before the threads of BLAS are limited.
SMALL = 1000


def has_partial_fit(estimator):
    """Whether there is a ``partial_fit``."""
    solver = solvers.SOLVERS.get(estimator.solver)  # one that is unknown is refused later
    if solver is not None and not solver.takes_estimates:
        raise AttributeError(
            "partial_fit is only available for the solvers "
            f"{solvers.names_with('takes_estimates')}. Got solver={estimator.solver!r}."
        )
    return True


class BaseRNN(Documented, CallbackSupportMixin, Fitting):
    """Base of all estimators."""

    _parameter_constraints: dict = CONSTRAINTS

    # Training.

    def _fit(self, X, y, sample_weight, X_val, y_val, sample_weight_val):
        check_parameters(self)
        own = self._check_own_validation(X_val, y_val, sample_weight_val)
        n_iterations = self.max_iter * solvers.SOLVERS[self.solver].n_phases
        iterations = Iterations(self, X, y, sample_weight, n_iterations)
        with unchanged_on_error(self):
            self._train(X, y, sample_weight, own, iterations)
        iterations.close(self._theta)
        return self

    def _partial_fit(self, X, y, sample_weight, classes=None):
        check_parameters(self)
        if self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True.")
        with unchanged_on_error(self):
            self._train_epoch(X, y, sample_weight, classes)
        return self

    # Prediction.

    @property
    def weights_(self):
        """Read-only weights, by name.

        ``embedding.{feature}.W`` of shape (n_categories, dim) for each categorical feature,
        whose name is ``x{index}`` without names of columns. Then
        ``layers.{k}.{forward|backward}.W`` of shape (n_in, n_gates * n_hidden), ``.R``
        (n_hidden, n_gates * n_hidden), ``.b`` (n_gates * n_hidden,), for the GRU also
        ``.b_n`` (n_hidden,), with learned initial states ``.h_0`` and for the LSTM ``.c_0``
        (n_hidden,), then ``output.W`` and ``output.b``. Gates stand in the order
        i, f, g, o (LSTM) and r, z, n (GRU).
        """
        check_is_fitted(self)
        theta = self._theta.view()
        theta.flags.writeable = False
        return MappingProxyType(self._network.layout.views(theta))

    def _sequences(self, X):
        """X for predictions."""
        check_is_fitted(self)
        return check_sequences(self, X, reset=False)

    def _raw(self, X):
        """Raw outputs, and the sequences they belong to."""
        sequences = self._sequences(X)
        return self._raw_of(sequences), sequences

    def _raw_of(self, sequences):
        """Raw outputs of sequences."""
        small = len(sequences.steps) < SMALL
        limit = nullcontext() if small else one_blas_thread()
        with limit, parallel_map(self.n_jobs) as map_parts:
            return raw_outputs(self._network, self._theta, sequences, map_parts)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


class PointwiseRNN(BaseRNN):
    """Base of the estimators with a target for each sequence or for each step."""

    _of_network = (*BaseRNN._of_network, "return_sequences", "readout")

    # Columns of y, or None if y is one-dimensional.
    _n_columns: int | None

    # Names of the methods that make predictions of raw outputs, by what they answer.
    _responses = {"predict": "_decode"}

    # What the subclasses say.

    @abstractmethod
    def _encode(self, y, classes, known, incremental):
        """Encode validated y for the loss; sets ``n_outputs_``, ``classes_`` and such."""

    @abstractmethod
    def _decode(self, raw):
        """Predictions from raw outputs."""

    @property
    def _quantiles(self):
        """Several quantiles that are predicted, or None."""
        return None

    # Training.

    @with_callbacks
    def fit(
        self, X, y, sample_weight=None, *, X_val=None, y_val=None, sample_weight_val=None
    ):
        """Train the network.

        Parameters
        ----------
        X : array-like of shape (n_sequences, n_steps, n_features) or \
                (n_sequences, n_steps), or list of arrays of shape \
                (n_steps, n_features), or list of integer arrays of shape (n_steps,)
            Sequences. Trailing steps of a 3-D array are padding where all features are
            NaN. A 2-D array holds univariate sequences. 1-D arrays of integers are
            sequences of tokens.
        y : array-like of shape (n_sequences,) or (n_sequences, n_outputs)
            Targets. With ``return_sequences=True`` one for every step: an array of shape
            (n_sequences, n_steps) or (n_sequences, n_steps, n_outputs), or a list of
            arrays of shape (n_steps,) or (n_steps, n_outputs). A target may be missing
            (NaN, None or pandas.NA) where its weight is 0.
        sample_weight : array-like of shape (n_sequences,) or (n_sequences, n_outputs), \
                default=None
            Weights of the sequences, or of their outputs. With ``return_sequences=True``
            also of the steps, of shape (n_sequences, n_steps), or of their outputs, of
            shape (n_sequences, n_steps, n_outputs), or a list like that of y. A weight of
            2 counts as two equal sequences, and a weight of 0 leaves out the target.
        X_val, y_val, sample_weight_val : array-like, default=None
            Validation data for ``early_stopping``, like X, y and sample_weight. No part
            of X is held back then. In a pipeline with ``transform_input=["X_val"]``, X_val
            is transformed like X. If X_val has as many sequences as X, GridSearchCV slices
            it per fold as well.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter or an argument is not allowed. The estimator is then left as it
            was.

        Warns
        -----
        ConvergenceWarning
            If training has not converged, has diverged or was interrupted. Also if on a
            hundred sequences the loss is still more than half that of a constant
            prediction, the median of their lengths is above twenty, and the norm of
            :math:`dL/dh` falls below 1 % on its way back (not with one target per step), or
            grows more than a thousandfold. See :func:`~skbptt.inspection.gradient_flow`.
        UserWarning
            If the axes of X seem to be swapped: all sequences have a single step and five
            features or more, or at most nine steps and 24 features or more that vary like
            a time series. See :func:`~skbptt.preprocessing.from_channels_first`.
        """
        return self._fit(X, y, sample_weight, X_val, y_val, sample_weight_val)

    def _with_targets(
        self, sequences, y, sample_weight, *, per_step, known, incremental, classes
    ):
        y, weights = check_targets(self, y, sample_weight, sequences, per_step)
        y = self._encode(y, classes, known, incremental)
        return Data(sequences, y, weights, per_step)

    def _readout_of(self, spec):
        return None if spec["return_sequences"] else spec["readout"]

    def _check_encoded(self, data):
        known = data.known.any(axis=0)
        if not known.all():
            raise ValueError(
                f"sample_weight is zero for every target of output {known.argmin()}: fit "
                "needs at least one of positive weight for each output."
            )

    # Prediction.

    def _arrange(self, values, sequences):
        """Values per sequence unchanged, values per step in the form of X."""
        return sequences.unstack(values) if self._network.per_step else values

    def predict(self, X):
        """Predict targets of sequences.

        Parameters
        ----------
        X : array-like of shape (n_sequences, n_steps, n_features) or \
                (n_sequences, n_steps), or list of arrays of shape (n_steps, n_features)
            Sequences of the same kind as in fit.

        Returns
        -------
        y : ndarray of shape (n_sequences,) or (n_sequences, n_outputs)
            Predicted targets. With ``return_sequences=True``, an array (n_sequences,
            n_steps, ...) if X is an array, with NaN where X is padding; else an object
            array of arrays of shape (n_steps, ...).
        """
        raw, sequences = self._raw(X)
        return self._arrange(self._decode(raw), sequences)

    def stream(self, n_streams=None):
        """Read sequences step by step, and predict at each.

        Parameters
        ----------
        n_streams : int or None, default=None
            Number of sequences that are read in parallel. None for a single one, whose
            steps and predictions have no axis of streams.

        Returns
        -------
        stream : Stream
            Its ``push`` reads a step and returns what ``predict`` would for the sequence so
            far. See :class:`~skbptt.Stream`.

        Raises
        ------
        ValueError
            If the network reads sequences in both directions, if ``truncation`` is set, or
            if ``n_streams`` is not a positive integer.
        """
        return Stream(self, n_streams)

    def score(self, X, y, sample_weight=None):
        """Score predictions: accuracy of a classifier, R^2 of a regressor.

        For several quantiles it is D^2, the share of the pinball loss of a constant that is
        explained (:func:`sklearn.metrics.d2_pinball_score`), averaged over them.

        Parameters
        ----------
        X : array-like of shape (n_sequences, n_steps, n_features) or \
                (n_sequences, n_steps), or list of arrays of shape (n_steps, n_features)
            Sequences of the same kind as in fit.
        y : array-like
            True targets, as in fit. With ``return_sequences=True`` the score is taken
            over all steps that are not padding.
        sample_weight : array-like, default=None
            Weights, as in fit. With a weight for each output, :math:`R^2` is that of each
            output with its own weights, averaged over the outputs that have any. With a
            weight for each label, a prediction is right if all labels of positive weight
            are, and counts with the mean of its weights.

        Returns
        -------
        score : float
        """
        raw, sequences = self._raw(X)
        per_step = self._network.per_step
        y, weights = check_targets(self, y, sample_weight, sequences, per_step)
        return float(self._metric(y, self._decode(raw), sample_weight=weights))
