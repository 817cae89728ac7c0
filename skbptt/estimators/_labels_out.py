"""What the estimators whose targets are sequences of labels share."""

from numbers import Integral

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from .._compat import _check_partial_fit_first_call
from ..data import (
    Data,
    Labels,
    check_same_number,
    check_sequences,
    check_weights,
    classes_of,
    codes_of_labels,
    label_sequences,
    labels_of_codes,
    object_array,
)
from ..metrics import token_error_rate
from ._base import BaseRNN, goes_on_by_batches

# How texts are split into labels, and put together again.
TOKENIZERS = {"char": (list, "".join), "word": (str.split, " ".join)}

# Losses of sequences of labels have first derivatives only.
FIRST_ORDER = {"adam", "sgd", "lbfgs", "cg", "adam+lbfgs"}


class LabelRNN(BaseRNN):
    """Base of the estimators whose targets are sequences of labels, or texts.

    A subclass defines ``_best``, the codes of predictions from raw outputs.
    """

    # A sequence is one target, whatever its length.
    return_sequences = False
    _texts: bool  # whether y holds texts
    _parameter_constraints: dict = {
        **BaseRNN._parameter_constraints,
        "solver": [StrOptions(FIRST_ORDER)],
        "target_tokenizer": [StrOptions(set(TOKENIZERS)), callable],
        "beam_width": [Interval(Integral, 1, None, closed="left")],
    }

    def _tokens_of(self, y, name="y"):
        """Sequences of labels from what users give, and whether they came as texts."""
        texts, items = label_sequences(y, name)
        if texts:
            split = self.target_tokenizer
            if isinstance(split, str):
                split = TOKENIZERS[split][0]
            items = [np.array(split(text), dtype=object) for text in items]
        return texts, items

    def _prepare(
        self,
        X,
        y,
        sample_weight,
        *,
        per_step=False,
        known,
        incremental=False,
        classes=None,
        dtype=None,
    ):
        sequences = check_sequences(self, X, reset=not known, dtype=dtype)
        texts, items = self._tokens_of(y)
        check_same_number(sequences, items, "y")
        weights = check_weights(sample_weight, sequences, False, 1)
        if known and texts != self._texts:
            kinds = ("sequences of labels", "texts")
            raise ValueError(f"y holds {kinds[texts]}, but held {kinds[not texts]} in fit.")
        if incremental:
            _check_partial_fit_first_call(self, classes)
        elif not known:
            self.classes_ = classes_of([i for i, w in zip(items, weights) if w > 0])
        if not known:
            self._texts, self.n_outputs_ = texts, self._outputs_for(len(self.classes_))
        kept = [item if w > 0 else item[:0] for item, w in zip(items, weights)]
        codes, lengths = codes_of_labels(kept, self.classes_)
        labels = Labels(codes, lengths, sequences.lengths)
        self._check_labels(labels)
        return Data(sequences, labels, weights, per_step=False)

    def _check_labels(self, labels):
        """Refuse labels that cannot be learned."""

    def _encode(self, y, classes, known, incremental):
        raise NotImplementedError("Targets of this estimator are encoded in _prepare.")

    def _decode(self, raw):
        raise NotImplementedError("Predictions of this estimator need the sequences.")

    def _decode_targets(self, y):
        return self._in_form(list(y))

    def _in_form(self, codes):
        """Sequences of labels, or texts, from a list of sequences of codes."""
        labels = labels_of_codes(codes, self.classes_)
        if not self._texts:
            return labels
        split = self.target_tokenizer
        join = TOKENIZERS[split][1] if isinstance(split, str) else "".join
        return object_array([join(of_one) for of_one in labels])

    def _check_encoded(self, data):
        """Sequences of labels have nothing that could be missing."""

    @available_if(goes_on_by_batches)
    def partial_fit(self, X, y, sample_weight=None, classes=None):
        """Go on training by one pass over the given data.

        Parameters
        ----------
        X : array-like
            Sequences, as in fit.
        y : list of sequences of labels, or array-like of str
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
        ValueError
            If a parameter or an argument is not allowed. The estimator then stays as it
            was.
        """
        return self._partial_fit(X, y, sample_weight, classes=classes)

    # Predictions.

    def predict(self, X):
        """Predict a sequence of labels, or a text, for each sequence.

        Parameters
        ----------
        X : array-like
            Sequences, of the kind met in fit.

        Returns
        -------
        y : ndarray of shape (n_sequences,) and dtype object
            Arrays of labels, or texts if y held texts in fit.
        """
        raw, sequences = self._raw(X)
        return self._in_form(self._best(raw, sequences))

    def score(self, X, y, sample_weight=None):
        """Score predictions: 1 minus the token error rate.

        Parameters
        ----------
        X : array-like
            Sequences, of the kind met in fit.
        y : list of sequences of labels, or array-like of str
            True targets. They may hold labels that ``fit`` has not met.
        sample_weight : array-like of shape (n_sequences,), default=None
            Weights of the sequences.

        Returns
        -------
        score : float
            At most 1. It is negative if there are more errors than labels.
        """
        raw, sequences = self._raw(X)
        _, true = self._tokens_of(y)
        predicted = labels_of_codes(self._best(raw, sequences), self.classes_)
        return 1 - token_error_rate(true, predicted, sample_weight=sample_weight)

    def _labelled(self, X, y):
        """Raw outputs of X, its sequences, and the labels of y."""
        check_is_fitted(self)
        raw, sequences = self._raw(X)
        _, items = self._tokens_of(y)
        check_same_number(sequences, items, "y")
        codes, lengths = codes_of_labels(items, self.classes_)
        labels = Labels(codes, lengths, sequences.lengths)
        self._check_labels(labels)
        return raw, sequences, labels

    def log_likelihood(self, X, y):
        """Logarithm of the probability of given targets.

        Parameters
        ----------
        X : array-like
            Sequences, of the kind met in fit.
        y : list of sequences of labels, or array-like of str
            Targets, of labels among ``classes_``.

        Returns
        -------
        log_p : ndarray of shape (n_sequences,)
            log p(y | x) of each sequence, in nats.

        Raises
        ------
        ValueError
            If y holds labels that are not among ``classes_``, or is not possible.
        """
        raw, _, labels = self._labelled(X, y)
        return -self._loss.value(raw, labels)
