"""Missing values of sequences, filled along time."""

from numbers import Real

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from .._callbacks import one_task
from .._compat import CallbackSupportMixin, _check_feature_names_in
from .._docstrings import Documented
from ..data import stack_for, unchanged_on_error
from ._output import FrameOutput, numbers_of


class SequenceImputer(
    Documented,
    FrameOutput,
    CallbackSupportMixin,
    TransformerMixin,
    BaseEstimator,
    auto_wrap_output_keys=None,  # type: ignore[call-arg]
):
    """Fill the missing values of sequences.

    A missing value is NaN, or None in an array of objects. Padding is kept. Only a 3-D
    array has padding: its trailing steps that are all NaN. In a list, every NaN is a
    missing value. If the trailing NaN of a 3-D array are missing values, pass ``list(X)``.

    Parameters
    ----------
    strategy : {"forward", "linear", "mean", "median", "constant"}, default="forward"
        How to fill a feature.

        - "forward" repeats the last observation of the sequence, and takes the mean of
          the training data before the first one. No value depends on a later step.
        - "linear" interpolates between the last and the next observation of the
          sequence, by the number of the step. Before the first and after the last
          observation it repeats that observation. It uses later steps of the sequence, so
          it does not suit streams and forecasts: there, a later step is not yet known. A
          feature that a sequence never observes gets the mean of the training data.
        - "mean" and "median" are those of the training data, "constant" is ``fill_value``.

    fill_value : float, default=0.0
        The value of the strategy "constant".

    add_indicator : bool, default=False
        Whether to append a column for every feature that is 1 where the feature was
        missing and 0 elsewhere.

    add_delta : bool, default=False
        Whether to append a column for every feature with the number of steps since its
        last observation before this step, as in GRU-D [1]_. It is 0 at the first step;
        at step t it is 1 if the feature was observed at step t - 1, else 1 more than at
        step t - 1. It grows with the length of a gap, so consider scaling it.

    Attributes
    ----------
    statistics_ : ndarray of shape (n_features,)
        Fills a feature where the sequence has no observation to use: the mean of its
        observed steps in the training data; the median with "median", and ``fill_value``
        with "constant". It is 0 for a feature that was never observed. One value for 2-D X.
    n_features_in_ : int
        Number of features per step; for a 2-D X, its number of columns.
    feature_names_in_ : ndarray of str
        Names of the features. Only defined for data frames.

    See Also
    --------
    TimeDistributed : ``TimeDistributed(SimpleImputer())`` fills each step by itself.
    make_windows : Cuts a series, once it is filled, into windows.

    References
    ----------
    .. [1] Che, Z., Purushotham, S., Cho, K., Sontag, D. & Liu, Y. (2018). Recurrent neural
       networks for multivariate time series with missing values. Scientific Reports 8,
       6085.

    Examples
    --------
    >>> import numpy as np
    >>> from skbptt.preprocessing import SequenceImputer
    >>> X = [[[1.0], [np.nan], [np.nan], [4.0]], [[np.nan], [7.0]]]
    >>> SequenceImputer().fit_transform(X)[0].ravel()
    array([1., 1., 1., 4.])
    >>> SequenceImputer("linear").fit_transform(X)[0].ravel()
    array([1., 2., 3., 4.])
    >>> SequenceImputer(add_indicator=True, add_delta=True).fit_transform(X)[1]
    array([[4., 1., 0.],
           [7., 0., 1.]])

    One long series is a list of one sequence:

    >>> series = np.array([5.0, np.nan, 6.0])
    >>> SequenceImputer().fit_transform([series])[0]
    array([5., 5., 6.])
    """

    _parameter_constraints: dict = {
        "strategy": [StrOptions({"forward", "linear", "mean", "median", "constant"})],
        "fill_value": [Interval(Real, None, None, closed="neither")],
        "add_indicator": ["boolean"],
        "add_delta": ["boolean"],
    }

    def __init__(
        self, strategy="forward", *, fill_value=0.0, add_indicator=False, add_delta=False
    ):
        self.strategy = strategy
        self.fill_value = fill_value
        self.add_indicator = add_indicator
        self.add_delta = add_delta

    @one_task
    def fit(self, X, y=None):
        """Learn the mean or the median of each feature.

        Parameters
        ----------
        X : array-like of shape (n_sequences, n_steps, n_features) or \
                (n_sequences, n_steps), or list of arrays or data frames of shape \
                (n_steps, n_features)
            Sequences of numbers. A 2-D array holds univariate sequences.
        y : None
            Ignored.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If a parameter is not allowed, or if X holds infinity or what is no number. The
            imputer then stays as it was.
        """
        self._validate_params()
        with unchanged_on_error(self):
            rows = numbers_of(stack_for(self, X, reset=True), allow_nan=True)
            self.statistics_ = np.array([self._statistic(column) for column in rows.T])
        return self

    def transform(self, X):
        """Fill missing values.

        Parameters
        ----------
        X : array-like of shape (n_sequences, n_steps, n_features) or \
                (n_sequences, n_steps), or list of arrays or data frames of shape \
                (n_steps, n_features)
            Sequences of the same kind as in fit.

        Returns
        -------
        X : ndarray, data frame, list or object array
            Sequences in the form of the input, float32 if they were, else float64: an
            array, with NaN where it is padding; a list or an object array, of data frames
            if they were data frames. A 2-D array becomes 3-D if columns are appended.
            The columns are the features, then the indicators, then the deltas.
        """
        check_is_fitted(self)
        stacked = stack_for(self, X, reset=False)
        rows = numbers_of(stacked, allow_nan=True)
        observed = ~np.isnan(rows)
        columns = [self._filled(rows, observed, stacked.sequences)]
        if self.add_indicator:
            columns.append(~observed)
        if self.add_delta:
            columns.append(steps_since(observed, stacked.sequences))
        filled = np.hstack(columns).astype(rows.dtype, copy=False)
        return self._in_container(filled, stacked, X)

    def get_feature_names_out(self, input_features=None):
        """Names of the columns: "missingindicator_a" and "delta_a" are those of "a".

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the features. If None, those in fit, or x0, x1, ...

        Returns
        -------
        names : ndarray of str
            Those of the features of a step. For 2-D X, those of its columns if none are
            appended.
        """
        check_is_fitted(self)
        names = _check_feature_names_in(self, input_features)
        prefixes = ["missingindicator"] * self.add_indicator + ["delta"] * self.add_delta
        if self._univariate and prefixes:
            names = np.array(["x0"], object)
        added = [f"{prefix}_{name}" for prefix in prefixes for name in names]
        return np.concatenate([names, np.array(added, object)])

    def _statistic(self, column):
        """What fills a feature where its sequence says nothing."""
        if self.strategy == "constant":
            return float(self.fill_value)
        values = column[~np.isnan(column)]
        if not len(values):
            return 0.0
        if self.strategy == "median":
            return float(np.median(values))
        return float(np.mean(values, dtype=np.float64))

    def _filled(self, rows, observed, sequences):
        """The rows without NaN."""
        filled = np.where(observed, rows, self.statistics_.astype(rows.dtype))
        if self.strategy not in ("forward", "linear"):
            return filled
        before, seen_before = last_observed(observed, sequences)
        x_before = np.take_along_axis(rows, before, 0)
        if self.strategy == "forward":
            return np.where(observed | ~seen_before, filled, x_before)
        after, seen_after = next_observed(observed, sequences)
        x_after = np.take_along_axis(rows, after, 0)
        row = np.arange(len(rows))[:, np.newaxis]
        share = (row - before) / np.maximum(after - before, 1)
        nearest = np.where(seen_before, x_before, x_after)
        between = (1 - share) * x_before + share * x_after
        return np.select(
            [observed, seen_before & seen_after, seen_before | seen_after],
            [rows, between, nearest],
            filled,
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def last_observed(observed, sequences):
    """Row of the last observation up to each step, and whether there is one.

    Where there is none, it is the first row of the sequence.
    """
    first = np.repeat(sequences.starts, sequences.lengths)[:, np.newaxis]
    row = np.arange(len(observed))[:, np.newaxis]
    # The maximum never reaches back beyond the first row of a sequence.
    last = np.maximum.accumulate(np.where(observed, row, first), axis=0)
    return last, np.take_along_axis(observed, last, 0)


def next_observed(observed, sequences):
    """Row of the next observation from each step on, and whether there is one."""
    ends = np.repeat(sequences.starts + sequences.lengths - 1, sequences.lengths)
    row = np.arange(len(observed))[:, np.newaxis]
    where = np.where(observed, row, ends[:, np.newaxis])
    following = np.minimum.accumulate(where[::-1], axis=0)[::-1]
    return following, np.take_along_axis(observed, following, 0)


def steps_since(observed, sequences):
    """Steps since the last observation before each step; 0 at the first step."""
    last, _ = last_observed(observed, sequences)
    delta = np.zeros(observed.shape)
    delta[1:] = np.arange(1, len(observed))[:, np.newaxis] - last[:-1]
    delta[sequences.starts] = 0
    return delta
