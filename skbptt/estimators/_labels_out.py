"""What the estimators whose targets are sequences of labels share."""

from abc import abstractmethod
from collections.abc import Callable
from numbers import Integral

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if

from .._compat import _check_partial_fit_first_call, with_callbacks
from ..data import (
    Data,
    Labels,
    check_same_number,
    check_weights,
    classes_of,
    codes_of_labels,
    label_sequences,
    labels_of_codes,
    object_array,
)
from ..metrics import token_error_rate
from ..training import losses_of, one_blas_thread, parallel_map
from ._base import BaseRNN, has_partial_fit

# How texts are split into labels.
TOKENIZERS: dict[str, Callable] = {"char": list, "word": str.split}

# Losses of sequences of labels have first derivatives only.
FIRST_ORDER = {"adam", "sgd", "lbfgs", "cg", "adam+lbfgs"}


class LabelRNN(BaseRNN):
    """Base of the estimators whose targets are sequences of labels, or texts."""

    _of_network = (*BaseRNN._of_network, "target_tokenizer")

    # A sequence of labels is one target, whatever its length.
    return_sequences = False

    # How texts in y were split in fit; None if y held sequences of labels.
    _tokenizer: str | Callable | None = None

    _parameter_constraints: dict = {
        **BaseRNN._parameter_constraints,
        "solver": [StrOptions(FIRST_ORDER)],
        "target_tokenizer": [StrOptions(set(TOKENIZERS)), callable],
        "beam_width": [Interval(Integral, 1, None, closed="left")],
    }

    # What the subclasses say.

    @abstractmethod
    def _outputs_for(self, n_classes):
        """Number of outputs of the network."""

    @abstractmethod
    def _check_labels(self, labels):
        """Refuse labels that have no probability, whatever the weights."""

    @abstractmethod
    def _outputs(self, sequences, width, n_best):
        """Codes and log-probabilities of the best outputs of each sequence, as lists."""

    def _best(self, sequences):
        """Codes of the best output of each sequence."""
        width = positive_integer("beam_width", self.beam_width)
        labels, _ = self._outputs(sequences, width, 1)
        return [of_one[0] for of_one in labels]

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
        y : list or array of n_sequences sequences of labels, or array-like of str
            Targets: sequences of integers or of strings, or texts, which
            ``target_tokenizer`` splits into labels.
        sample_weight : array-like of shape (n_sequences,), default=None
            Weights of the sequences. A weight of 2 counts as two equal sequences, and a
            weight of 0 leaves out the sequence.
        X_val, y_val, sample_weight_val : array-like, default=None
            Validation data for ``early_stopping``, like X, y and sample_weight. Nothing
            is held back from X then. In a pipeline, X_val is transformed as X is with
            ``transform_input=["X_val"]``.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError, TypeError
            If a parameter or an argument is not allowed. The estimator is then left as it
            was.

        Warns
        -----
        ConvergenceWarning
            If training has not converged, has diverged or was interrupted, or if the loss
            is no better than that of a constant prediction.
        UserWarning
            If the axes of X seem to be swapped, or features are far from unit scale.
        """
        return self._fit(X, y, sample_weight, X_val, y_val, sample_weight_val)

    @available_if(has_partial_fit)
    def partial_fit(self, X, y, sample_weight=None, classes=None):
        """Continue training with one pass over the given data.

        Parameters
        ----------
        X : array-like
            Sequences, as in fit.
        y : list or array of n_sequences sequences of labels, or array-like of str
            Targets, as in fit.
        sample_weight : array-like of shape (n_sequences,), default=None
            Weights of the sequences.
        classes : array-like of shape (n_classes,), default=None
            All labels that will occur. Needed in the first call only.

        Returns
        -------
        self : object
            The estimator.

        Raises
        ------
        ValueError, TypeError
            If a parameter or an argument is not allowed. The estimator is then left as it
            was.
        """
        return self._partial_fit(X, y, sample_weight, classes=classes)

    def _with_targets(
        self, sequences, y, sample_weight, *, per_step, known, incremental, classes
    ):
        items = self._sequences_of(y, sequences, known)
        weights = check_weights(sample_weight, sequences, False, 1)
        # What has no weight is dropped, and may hold any labels.
        items = [item if w > 0 else item[:0] for item, w in zip(items, weights)]
        if incremental:
            _check_partial_fit_first_call(self, classes)
        elif not known:
            self.classes_ = classes_of(items)
        if not known:
            self.n_outputs_ = self._outputs_for(len(self.classes_))
        return Data(sequences, self._encoded(items, sequences), weights, per_step=False)

    def _readout_of(self, spec):
        return None

    def _sequences_of(self, y, sequences, known=True):
        """Sequences of labels from y, which must be of the kind met in fit if ``known``."""
        texts, items = label_sequences(y)
        check_same_number(sequences, items, "y")
        if not known:
            self._tokenizer = self.target_tokenizer if texts else None
        if texts != (self._tokenizer is not None):
            kinds = ("sequences of labels", "texts")
            raise ValueError(f"y holds {kinds[texts]}, but held {kinds[not texts]} in fit.")
        return split_texts(items, self._tokenizer) if texts else items

    def _encoded(self, items, sequences):
        """Labels, which must be possible, from sequences of labels."""
        labels = Labels.of(codes_of_labels(items, self.classes_), sequences.lengths)
        self._check_labels(labels)
        return labels

    def _labels_for(self, y, sequences):
        """The labels of y, or those that are predicted if y is None."""
        if y is None:
            return Labels.of(self._best(sequences), sequences.lengths)
        return self._encoded(self._sequences_of(y, sequences), sequences)

    def _decode_targets(self, y):
        return self._in_form(list(y))

    def _in_form(self, codes):
        """Sequences of labels, or texts, from a list of sequences of codes."""
        labels = labels_of_codes(codes, self.classes_)
        if self._tokenizer is None:
            return labels
        join = " ".join if self._tokenizer == "word" else "".join
        return object_array([join(of_one.tolist()) for of_one in labels])

    # Prediction.

    def predict(self, X):
        """Predict a sequence of labels, or a text, for each sequence.

        Parameters
        ----------
        X : array-like
            Sequences of the same kind as in fit.

        Returns
        -------
        y : ndarray of shape (n_sequences,) and dtype object
            Arrays of labels, or texts if y held texts in fit.
        """
        return self._in_form(self._best(self._sequences(X)))

    def predict_nbest(self, X, n):
        """The most probable outputs of each sequence, with their probabilities.

        Parameters
        ----------
        X : array-like
            Sequences of the same kind as in fit.
        n : int
            Number of outputs for each sequence. The search keeps ``beam_width``
            beginnings of outputs, or 4 n if that is more.

        Returns
        -------
        y : ndarray of shape (n_sequences,) and dtype object
            For each sequence an object array of at most n predictions, the most probable
            first. They are like those of ``predict``.
        log_p : ndarray of shape (n_sequences,) and dtype object
            For each sequence the logarithms of their probabilities, as ``log_likelihood``
            gives them.

        Raises
        ------
        ValueError
            If n is not an integer of at least 1.
        """
        n = positive_integer("n", n)
        # A beam that holds no more than is asked for loses what comes up late.
        width = max(4 * n, positive_integer("beam_width", self.beam_width))
        labels, log_p = self._outputs(self._sequences(X), width, n)
        return object_array([self._in_form(its) for its in labels]), object_array(log_p)

    def score(self, X, y, sample_weight=None):
        """Score predictions: 1 minus the token error rate.

        Parameters
        ----------
        X : array-like
            Sequences of the same kind as in fit.
        y : list or array of n_sequences sequences of labels, or array-like of str
            True targets. They may hold labels that are not among ``classes_``.
        sample_weight : array-like of shape (n_sequences,), default=None
            Weights of the sequences.

        Returns
        -------
        score : float
            At most 1. It is negative if there are more errors than labels.

        Raises
        ------
        ValueError, TypeError
            If X or y does not have the form met in fit.
        """
        sequences = self._sequences(X)
        true = self._sequences_of(y, sequences)
        predicted = labels_of_codes(self._best(sequences), self.classes_)
        return 1 - token_error_rate(true, predicted, sample_weight=sample_weight)

    def log_likelihood(self, X, y):
        """Logarithm of the probability of given targets.

        Parameters
        ----------
        X : array-like
            Sequences of the same kind as in fit.
        y : list or array of n_sequences sequences of labels, or array-like of str
            Targets, of labels among ``classes_``.

        Returns
        -------
        log_p : ndarray of shape (n_sequences,)
            log p(y | x) of each sequence, in nats.

        Raises
        ------
        ValueError, TypeError
            If X or y does not have the form met in fit, y holds labels that are not among
            ``classes_``, or is not possible.
        """
        sequences = self._sequences(X)
        labels = self._encoded(self._sequences_of(y, sequences), sequences)
        weights = np.ones(len(labels), self._theta.dtype)
        data = Data(sequences, labels, weights, per_step=False)
        with one_blas_thread(), parallel_map(self.n_jobs) as map_parts:
            return -losses_of(self._network, self._theta, self._loss, data, map_parts)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags


def split_texts(texts, tokenizer):
    """Sequences of labels from texts."""
    split = TOKENIZERS[tokenizer] if isinstance(tokenizer, str) else tokenizer
    items = [split(text) for text in texts]
    for i, item in enumerate(items):
        if not isinstance(item, (list, tuple)) or not all(
            isinstance(label, str) for label in item
        ):
            raise TypeError(
                "target_tokenizer must return a list of str for each text. For y"
                f"[{i}] it returned {item!r}."
            )
    return [np.array(item, dtype=object) for item in items]


def positive_integer(name, value):
    """The value, which must be an integer of at least 1."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name} must be an integer of at least 1. Got {value!r}.")
    return int(value)
