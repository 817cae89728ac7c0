"""Sequences as rows of a table, and back."""

from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted, validate_data

from .._callbacks import one_task
from .._compat import CallbackSupportMixin
from .._docstrings import Documented
from ..data import (
    Sequences,
    as_items,
    check_columns,
    missing,
    stack_items,
    unchanged_on_error,
)
from ._output import SequenceOutput


class SequenceFlattener(Documented, CallbackSupportMixin, TransformerMixin, BaseEstimator):
    """Put all steps of each sequence into one row of a table.

    Some parts of scikit-learn accept only tables, such as bagging, one-vs-one,
    self-training, chains and permutation importance. Pass them the flat X, and, as their
    estimator, a pipeline whose first step is a :class:`SequenceUnflattener`.

    The sequences of a list may differ in length. The longest one in ``fit`` determines the
    width of the table. The rows of shorter ones end in NaN, which the unflattener turns
    into padding.

    Attributes
    ----------
    n_steps_ : int
        Number of steps in a row of the table, that of the longest sequence in ``fit``.
    n_features_in_ : int
        Features of a step.
    feature_names_in_ : ndarray of str
        Names of the features. Only defined for data frames.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.ensemble import BaggingRegressor
    >>> from sklearn.pipeline import make_pipeline
    >>> from skbptt import RNNRegressor
    >>> from skbptt.preprocessing import SequenceFlattener, SequenceUnflattener
    >>> X = np.random.default_rng(0).normal(size=(30, 6, 2))
    >>> flat = SequenceFlattener().fit_transform(X)
    >>> flat.shape
    (30, 12)
    >>> rnn = make_pipeline(SequenceUnflattener(n_features=2), RNNRegressor(4, max_iter=5))
    >>> bagged = BaggingRegressor(rnn, n_estimators=3, random_state=0)
    >>> bagged.fit(flat, X[:, -1, 0]).predict(flat).shape
    (30,)
    """

    @one_task
    def fit(self, X, y=None):
        """Learn the shape of the sequences.

        Parameters
        ----------
        X : array-like of shape (n_sequences, n_steps, n_features), or list of arrays or \
                data frames of shape (n_steps, n_features)
        y : None
            Ignored.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If X is neither. The flattener then stays as it was.
        """
        items = sequences_in(X)
        with unchanged_on_error(self):
            validate_data(self, items[0], skip_check_array=True)
            if isinstance(items, np.ndarray):
                self.n_steps_ = items.shape[1]
            else:
                self.n_steps_ = int(stack_list(items)[1].max())
        return self

    def transform(self, X):
        """Lay the steps side by side.

        Parameters
        ----------
        X : array-like of shape (n_sequences, n_steps, n_features), or list of arrays or \
                data frames of shape (n_steps, n_features)
            An array must have as many steps as the table. The sequences of a list may have
            fewer.

        Returns
        -------
        X : ndarray of shape (n_sequences, n_steps * n_features)
            The features of the first step, then those of the second, ...

        Raises
        ------
        ValueError
            If a sequence is longer than all in ``fit``, or one of a list ends in a step
            that is all NaN, which would become padding.
        """
        check_is_fitted(self)
        items = sequences_in(X)
        if isinstance(items, np.ndarray) and items.shape[1:] != (
            self.n_steps_,
            self.n_features_in_,
        ):
            raise ValueError(
                f"X has {items.shape[1]} steps of {items.shape[2]} features, but "
                f"SequenceFlattener is expecting {self.n_steps_} of {self.n_features_in_}. "
                "Shorter sequences may be given as a list."
            )
        validate_data(self, items[0], reset=False, skip_check_array=True)
        return flattened(items, self.n_steps_)

    def inverse_transform(self, X):
        """Cut the rows into steps again.

        Parameters
        ----------
        X : array-like of shape (n_sequences, n_steps * n_features)

        Returns
        -------
        X : ndarray of shape (n_sequences, n_steps, n_features)
            With padding, NaN, where the sequences of a list were shorter.
        """
        check_is_fitted(self)
        return SequenceUnflattener(self.n_features_in_).fit_transform(X)

    def get_feature_names_out(self, input_features=None):
        """Names of the columns: those of the features with the step, as in "x1_t3".

        Parameters
        ----------
        input_features : array-like of str of shape (n_features,), default=None
            Names of the features. If None, those in ``fit``, or x0, x1, ...

        Returns
        -------
        names : ndarray of str
        """
        check_is_fitted(self)
        if input_features is None:
            numbered = [f"x{k}" for k in range(self.n_features_in_)]
            input_features = getattr(self, "feature_names_in_", numbered)
        if len(input_features) != self.n_features_in_:
            raise ValueError(
                f"input_features must have {self.n_features_in_} names. Got "
                f"{len(input_features)}."
            )
        steps = range(self.n_steps_)
        names = [f"{name}_t{t}" for t in steps for name in input_features]
        return np.array(names, object)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        return tags


class SequenceUnflattener(
    Documented,
    SequenceOutput,
    CallbackSupportMixin,
    TransformerMixin,
    BaseEstimator,
    auto_wrap_output_keys=None,  # type: ignore[call-arg]
):
    """Cut each row of a table into the steps of a sequence.

    It reverses :class:`SequenceFlattener`.

    Parameters
    ----------
    n_features : int, default=1
        Number of features per step. The columns contain the features of the first step,
        then those of the second, ...

    Attributes
    ----------
    n_features_in_ : int
        Number of columns.

    Examples
    --------
    >>> from skbptt.preprocessing import SequenceUnflattener
    >>> SequenceUnflattener(n_features=2).fit_transform([[1.0, 2.0, 3.0, 4.0]])
    array([[[1., 2.],
            [3., 4.]]])
    """

    _parameter_constraints: dict = {
        "n_features": [Interval(Integral, 1, None, closed="left")]
    }

    def __init__(self, n_features=1):
        self.n_features = n_features

    @one_task
    def fit(self, X, y=None):
        """Check that the columns are whole steps.

        Parameters
        ----------
        X : array-like of shape (n_sequences, n_steps * n_features)
        y : None
            Ignored.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If the number of columns is no multiple of ``n_features``.
        """
        self._validate_params()
        with unchanged_on_error(self):
            n_columns = validate_data(self, X, ensure_all_finite=False).shape[1]
            if n_columns % self.n_features:
                raise ValueError(
                    f"X must have a multiple of n_features={self.n_features} columns. Got "
                    f"{n_columns}."
                )
        return self

    def transform(self, X):
        """Cut the rows into steps.

        Parameters
        ----------
        X : array-like of shape (n_sequences, n_steps * n_features)

        Returns
        -------
        X : ndarray of shape (n_sequences, n_steps, n_features)
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, ensure_all_finite=False)
        return X.reshape(len(X), -1, self.n_features)

    def inverse_transform(self, X):
        """Lay the steps side by side.

        Parameters
        ----------
        X : array-like of shape (n_sequences, n_steps, n_features), or list of arrays of \
                shape (n_steps, n_features)

        Returns
        -------
        X : ndarray of shape (n_sequences, n_steps * n_features)
        """
        check_is_fitted(self)
        return flattened(sequences_in(X), self.n_features_in_ // self.n_features)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def sequences_in(X):
    """X as an array (n_sequences, n_steps, n_features), or a list of 2-D items."""
    items = as_items(X)
    if items is None:
        raise ValueError(
            "X must have the shape (n_sequences, n_steps, n_features), or be a list of "
            "sequences of shape (n_steps, n_features)."
        )
    if not len(items):
        raise ValueError("X is empty: at least one sequence is required.")
    check_columns(items)
    return items


def stack_list(items):
    """Steps and lengths of a list, whose sequences must not end like padding."""
    steps, lengths, _ = stack_items(items)
    empty = missing(steps[np.cumsum(lengths) - 1]).all(axis=1)
    if empty.any():
        raise ValueError(
            f"X[{empty.argmax()}] ends in a step that is all NaN, which would be read as "
            "padding once it is flat. Fill missing values first, with a "
            "skbptt.preprocessing.SequenceImputer."
        )
    return steps, lengths


def flattened(items, n_steps):
    """One row for each sequence; NaN for the steps that a sequence of a list lacks."""
    if isinstance(items, np.ndarray):
        return items.reshape(len(items), -1)
    steps, lengths = stack_list(items)
    i = lengths.argmax()
    if lengths[i] > n_steps:
        raise ValueError(
            f"X[{i}] has {lengths[i]} steps, but the table has room for {n_steps}, the "
            "length of the longest sequence in fit."
        )
    dense = Sequences(steps, lengths, n_steps).unstack(steps)
    return dense.reshape(len(lengths), -1)
