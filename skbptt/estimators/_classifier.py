"""The classifier."""

import numpy as np
from scipy.special import log_expit, log_softmax
from sklearn.base import ClassifierMixin
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from .._compat import _check_partial_fit_first_call
from .._docstrings import fill_docstring
from .._scores import accuracy
from ..data import drop_weightless
from ..losses import BinaryCrossEntropy, CrossEntropy
from ._base import PointwiseRNN, has_partial_fit


@fill_docstring
class RNNClassifier(ClassifierMixin, PointwiseRNN):
    """Recurrent neural network classifier of sequences.

    Predicts one label per sequence or, with ``return_sequences=True``, one per time step.
    Minimises the cross-entropy of softmax outputs (logistic outputs for two classes and for
    multilabel indicators) by exact backpropagation through time [1]_.

    Parameters
    ----------
    <network parameters>

    class_weight : dict, list of dict, "balanced" or None, default=None
        Factors of the sample weights for each class. "balanced" gives all classes the same
        total weight. For multilabel indicators, a list with one dict per column; the
        factors of a sample are multiplied over its labels of positive weight.

    <training parameters>

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The class labels. For multilabel indicators, the indices of the columns.

    <attributes>

    See Also
    --------
    RNNRegressor : The same network for real targets.
    sklearn.neural_network.MLPClassifier : A network without recurrence.

    Notes
    -----
    <notes>

    References
    ----------
    <references>

    Examples
    --------
    >>> from skbptt import RNNClassifier
    >>> from skbptt.datasets import load_japanese_vowels
    >>> X_train, y_train = load_japanese_vowels(subset="train", return_X_y=True)
    >>> X_test, y_test = load_japanese_vowels(subset="test", return_X_y=True)
    >>> model = RNNClassifier(32, max_iter=20, random_state=0).fit(X_train, y_train)
    >>> model.predict(X_test[:3])
    array([1, 1, 1])
    >>> model.score(X_test, y_test) > 0.9
    True
    """

    _parameter_constraints: dict = {
        **PointwiseRNN._parameter_constraints,
        "class_weight": [dict, list, StrOptions({"balanced"}), None],
    }
    _responses = {
        "predict": "_decode",
        "predict_proba": "_proba",
        "predict_log_proba": "_log_proba",
        "decision_function": "_decision",
    }
    _metric = staticmethod(accuracy)

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
        class_weight=None,
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
        self.class_weight = class_weight
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
    def partial_fit(self, X, y, sample_weight=None, classes=None):
        """Continue training with one pass over the given data.

        Parameters
        ----------
        X : array-like of shape (n_sequences, n_steps, n_features) or \
                (n_sequences, n_steps), or list of arrays of shape (n_steps, n_features)
            Sequences, as in fit. ``alpha`` is relative to the sum of their weights.
        y : array-like
            Labels, as in fit.
        sample_weight : array-like, default=None
            Weights, as in fit.
        classes : array-like of shape (n_classes,), default=None
            All labels that may occur in any call. Required in the first call only.

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
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' is not supported by partial_fit, which does not "
                "know the share of the classes in all data. Give a dict of weights, as "
                "from sklearn.utils.class_weight.compute_class_weight."
            )
        return self._partial_fit(X, y, sample_weight, classes=classes)

    def _encode(self, y, classes, known, incremental):
        kind = type_of_target(y, input_name="y")
        if kind == "multiclass-multioutput":
            raise ValueError(
                "Several columns of y must be indicators of 0 and 1 (multilabel)."
            )
        if kind not in ("binary", "multiclass", "multilabel-indicator"):
            check_classification_targets(y)  # raises
        if incremental:
            _check_partial_fit_first_call(self, classes)
            if len(self.classes_) < 2:
                raise ValueError(f"classes must be at least two. Got {self.classes_}.")
        elif not known:
            self.classes_ = np.unique(y)
        multilabel = kind == "multilabel-indicator"
        if multilabel and not np.isin(y, (0, 1)).all():
            raise ValueError(
                "Several columns of y must be indicators of 0 and 1 (multilabel). Got the "
                f"values {np.unique(y)}."
            )
        n_columns = y.shape[1] if multilabel else None
        if not known:
            self._n_columns = n_columns
            if multilabel:
                columns = np.arange(y.shape[1])
                if incremental and not np.array_equal(self.classes_, columns):
                    raise ValueError(
                        "classes of indicators are the numbers of the columns of y, "
                        f"{columns}. Got {self.classes_}."
                    )
                self.classes_ = columns
            many = multilabel or len(self.classes_) > 2
            self.n_outputs_ = len(self.classes_) if many else 1
        elif n_columns != self._n_columns:
            raise ValueError(
                "Training continues with the kind of targets it began with, labels or "
                f"indicators: y has {n_columns} columns of indicators, but had "
                f"{self._n_columns}."
            )
        if multilabel:
            return y
        if known or incremental:
            self._check_labels(y, incremental)
        return np.searchsorted(self.classes_, y)

    def _check_labels(self, y, incremental):
        """Refuse labels that are no classes, and data of a whole fit that lack some."""
        unknown = np.setdiff1d(y, self.classes_)
        if len(unknown):
            raise ValueError(
                f"y has the labels {unknown}, which are not among the classes "
                f"{self.classes_} that training began with."
            )
        missing = np.setdiff1d(self.classes_, y)
        if len(missing) and not incremental:
            raise ValueError(
                "fit with warm_start=True needs the same classes as the first fit, "
                f"{self.classes_}. y lacks {missing}. For data that lack classes, use "
                "partial_fit."
            )

    def _check_encoded(self, data):
        super()._check_encoded(data)
        if self._n_columns is not None:
            return
        found = data.y[data.weights > 0]
        if found.min() == found.max():
            raise ValueError(
                "At least two classes are needed in y, but got 1 class among the targets "
                f"of positive weight: {self.classes_[found[0]]!r}."
            )

    def _apply_class_weight(self, data):
        if self.class_weight is None:
            return data
        if self._n_columns is None:
            factors = class_factors(data.y, data.weights, self.classes_, self.class_weight)
        else:
            per_column = self.class_weight
            if per_column == "balanced":
                per_column = ["balanced"] * self._n_columns
            if not isinstance(per_column, list) or len(per_column) != self._n_columns:
                raise ValueError(
                    "class_weight for indicators must be 'balanced' or a list with a dict "
                    f"for each of the {self._n_columns} columns of y. Got "
                    f"{self.class_weight!r}."
                )
            of_columns = np.broadcast_to(data.weights.T, data.y.T.shape)
            columns = [
                class_factors(y.astype(int), weights, np.arange(2), of_column)
                for y, weights, of_column in zip(data.y.T, of_columns, per_column)
            ]
            factors = np.prod(columns, axis=0)
        factors = factors.astype(data.weights.dtype)
        weights = (data.weights.T * factors).T
        if not weights.any():
            raise ValueError(
                f"class_weight={self.class_weight!r} leaves no weight to any of the data."
            )
        return drop_weightless(data.reweighted(weights))

    def _make_loss(self, spec):
        if self._n_columns is None and len(self.classes_) > 2:
            return CrossEntropy(len(self.classes_))
        return BinaryCrossEntropy()

    def _automatic_alpha(self):
        return 0.01

    def _strata(self, data):
        return data.y if data.y.ndim == 1 and not data.per_step else None

    def _codes(self, raw):
        """Encoded predictions."""
        if self._n_columns is not None:
            return (raw > 0).astype(int)
        if raw.shape[1] == 1:
            return (raw[:, 0] > 0).astype(int)
        return raw.argmax(axis=1)

    def _decode(self, raw):
        return self._decode_targets(self._codes(raw))

    def _decode_targets(self, y):
        return y if self._n_columns is not None else self.classes_[y]

    def decision_function(self, X):
        """Raw outputs: the logits of the classes, or of the second of two.

        Parameters
        ----------
        X : array-like of shape (n_sequences, n_steps, n_features) or \
                (n_sequences, n_steps), or list of arrays of shape (n_steps, n_features)
            Sequences of the same kind as in fit.

        Returns
        -------
        logits : ndarray of shape (n_sequences,) or (n_sequences, n_classes)
            For targets per step in the form of X, as in :meth:`predict`.
        """
        raw, sequences = self._raw(X)
        return self._arrange(self._decision(raw), sequences)

    def _is_binary(self, raw):
        """Whether there is one output for two classes."""
        return self._n_columns is None and raw.shape[1] == 1

    def _decision(self, raw):
        return raw[:, 0] if self._is_binary(raw) else raw

    def predict_proba(self, X):
        """Probabilities of the classes.

        Parameters
        ----------
        X : array-like of shape (n_sequences, n_steps, n_features) or \
                (n_sequences, n_steps), or list of arrays of shape (n_steps, n_features)
            Sequences of the same kind as in fit.

        Returns
        -------
        p : ndarray of shape (n_sequences, n_classes)
            In the order of ``classes_``. For indicators, of each label for itself. For
            targets per step in the form of X, as in :meth:`predict`.
        """
        raw, sequences = self._raw(X)
        return self._arrange(self._proba(raw), sequences)

    def _proba(self, raw):
        return self._loss.predict(np.hstack([-raw, raw]) if self._is_binary(raw) else raw)

    def predict_log_proba(self, X):
        """Logarithms of the probabilities of the classes.

        Parameters
        ----------
        X : array-like of shape (n_sequences, n_steps, n_features) or \
                (n_sequences, n_steps), or list of arrays of shape (n_steps, n_features)
            Sequences of the same kind as in fit.

        Returns
        -------
        log_p : ndarray of shape (n_sequences, n_classes)
            In the order of ``classes_``. For indicators, of each label for itself. For
            targets per step in the form of X, as in :meth:`predict`.
        """
        raw, sequences = self._raw(X)
        return self._arrange(self._log_proba(raw), sequences)

    def _log_proba(self, raw):
        if self._n_columns is not None:
            return log_expit(raw)
        if self._is_binary(raw):
            return log_expit(np.hstack([-raw, raw]))
        return log_softmax(raw, axis=1)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


def class_factors(codes, weights, classes, class_weight):
    """Factors of the weights, from a dict or "balanced".

    "balanced" gives each class that occurs the same sum of weights, as scikit-learn's
    heuristic does for weighted data. The factor of a target without weight is 1.
    """
    known = weights > 0
    factors = np.ones(len(codes))
    if class_weight == "balanced":
        sums = np.bincount(codes, weights)
        factors[known] = weights.sum() / (np.count_nonzero(sums) * sums[codes[known]])
    else:
        if not isinstance(class_weight, dict):
            raise ValueError(
                f"class_weight must be a dict or 'balanced'. Got {class_weight!r}."
            )
        of_class = compute_class_weight(class_weight, classes=classes, y=classes[codes])
        factors[known] = of_class[codes[known]]
    if not (np.isfinite(factors).all() and (factors >= 0).all()):
        raise ValueError(
            f"class_weight must give finite weights of zero or more. Got {class_weight!r}."
        )
    return factors
