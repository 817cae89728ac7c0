"""More features of a step, from the steps around it."""

from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from .._callbacks import one_task
from .._compat import CallbackSupportMixin, _check_feature_names_in
from .._docstrings import Documented
from ..data import stack_for, unchanged_on_error
from ._output import FrameOutput, numbers_of

# Frames that a sequence of median length becomes with an automatic stride.
FEW = 30

POSITIVE = [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})]


class FromSteps(
    Documented,
    FrameOutput,
    CallbackSupportMixin,
    TransformerMixin,
    BaseEstimator,
    auto_wrap_output_keys=None,  # type: ignore[call-arg]
):
    """Base of the transformers that make features of several steps."""

    @one_task
    def fit(self, X, y=None):
        """Learn the number of features and what is automatic.

        Parameters
        ----------
        X : array-like of shape (n_sequences, n_steps, n_features) or \
                (n_sequences, n_steps), or list of arrays or data frames of shape \
                (n_steps, n_features)
            Sequences of numbers. A 2-D array holds univariate sequences.
        y : array-like, default=None
            Targets. Not used.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If a parameter is not allowed, or if X holds what is no number, NaN (other than
            padding) or infinity. The transformer then stays as it was.
        """
        self._validate_params()
        with unchanged_on_error(self):
            stacked = stack_for(self, X, reset=True)
            numbers_of(stacked)
            self._learn(stacked, y)
        return self

    def transform(self, X):
        """Make the features.

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
            if they were data frames. A 2-D array becomes 3-D if there are several features.
        """
        check_is_fitted(self)
        stacked = stack_for(self, X, reset=False)
        rows = self._features(numbers_of(stacked), stacked.sequences)
        return self._in_container(rows, self._shortened(stacked), X)

    def get_feature_names_out(self, input_features=None):
        """Names of the features of a step.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the features. If None, those in fit, or x0, x1, ...

        Returns
        -------
        names : ndarray of str
        """
        check_is_fitted(self)
        names = _check_feature_names_in(self, input_features)
        return np.array(self._names(["x0"] if self._univariate else list(names)), object)

    def _learn(self, stacked, y):
        """Set the fitted attributes."""

    def _shortened(self, stacked):
        """The form of sequences of as many steps as they have afterwards."""
        return stacked

    def __sklearn_is_fitted__(self):
        return hasattr(self, "n_features_in_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


class SequenceFrames(FromSteps):
    """Read sequences in frames: each step with its neighbours.

    A single step of a smooth series contains little information, and a long series is slow
    to read and hard to remember. A frame contains ``width`` steps as the features of one
    step. The next frame begins ``stride`` steps later. Beyond the ends of a sequence, its
    first and last step repeat.

    Parameters
    ----------
    width : int or "auto", default="auto"
        Number of steps in a frame. "auto" is three strides.

    stride : int or "auto", default="auto"
        Steps from one frame to the next. "auto" leaves about 30 frames of a sequence of
        median length: that length over 30, rounded, and at least 1. With a target for every
        step it must be 1.

    Attributes
    ----------
    width_, stride_ : int
        Width and stride of the frames.
    n_features_in_ : int
        Number of features per step; for a 2-D X, its number of columns.
    feature_names_in_ : ndarray of str
        Names of the features. Only defined for data frames.

    See Also
    --------
    SequenceDifferences : Appends the differences from the step before.
    make_windows : Cuts a series into windows, to forecast what follows them.

    Notes
    -----
    Frame k covers the steps from ``k * stride - (width - stride) // 2`` on, so that it is
    centred on the steps that it stands for. A sequence of T steps has T / stride frames,
    rounded up.

    Examples
    --------
    >>> import numpy as np
    >>> from skbptt.preprocessing import SequenceFrames
    >>> X = np.arange(6.0).reshape(1, 6, 1)
    >>> SequenceFrames(width=3, stride=1).fit_transform(X)[0]
    array([[0., 0., 1.],
           [0., 1., 2.],
           [1., 2., 3.],
           [2., 3., 4.],
           [3., 4., 5.],
           [4., 5., 5.]])
    >>> SequenceFrames(width=4, stride=2).fit_transform(X)[0]
    array([[0., 0., 1., 2.],
           [1., 2., 3., 4.],
           [3., 4., 5., 5.]])
    """

    _parameter_constraints: dict = {"width": POSITIVE, "stride": POSITIVE}

    def __init__(self, width="auto", *, stride="auto"):
        self.width = width
        self.stride = stride

    def _learn(self, stacked, y):
        lengths = stacked.lengths
        automatic = max(1, round(float(np.median(lengths)) / FEW))
        stride = automatic if self.stride == "auto" else int(self.stride)
        if stride > 1 and is_per_step(y, stacked.sequences):
            raise ValueError(
                "stride must be 1 where y has a target for every step, since there are "
                f"fewer frames than steps. Got {self.stride!r}, which is {stride}."
            )
        self.stride_ = stride
        self.width_ = 3 * stride if self.width == "auto" else int(self.width)

    def _counts(self, lengths):
        return -(-lengths // self.stride_)

    def _shortened(self, stacked):
        width = stacked.sequences.width
        return stacked.resized(
            self._counts(stacked.lengths), None if width is None else self._counts(width)
        )

    def _features(self, rows, sequences):
        counts = self._counts(sequences.lengths)
        starts = np.repeat(sequences.starts, counts)[:, np.newaxis]
        ends = starts + np.repeat(sequences.lengths, counts)[:, np.newaxis] - 1
        number = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        first = number * self.stride_ - (self.width_ - self.stride_) // 2
        steps = starts + first[:, np.newaxis] + np.arange(self.width_)
        return rows[steps.clip(starts, ends)].reshape(len(steps), -1)

    def _names(self, names):
        first = -((self.width_ - self.stride_) // 2)
        offsets = range(first, first + self.width_)
        return [f"{name}_{offset:+d}" for offset in offsets for name in names]


class SequenceDifferences(FromSteps):
    """Append to each feature its difference from the step before.

    The difference at the first step is 0. Differences show how a feature changes, which a
    network must otherwise find in small changes of large values.

    Attributes
    ----------
    n_features_in_ : int
        Number of features per step; for a 2-D X, its number of columns.
    feature_names_in_ : ndarray of str
        Names of the features. Only defined for data frames.

    See Also
    --------
    SequenceFrames : Reads each step with its neighbours.

    Examples
    --------
    >>> from skbptt.preprocessing import SequenceDifferences
    >>> X = [[[1.0], [3.0], [6.0]], [[5.0], [4.0]]]
    >>> SequenceDifferences().fit_transform(X)[0]
    array([[1., 0.],
           [3., 2.],
           [6., 3.]])
    """

    _parameter_constraints: dict = {}

    def _features(self, rows, sequences):
        steps = np.zeros_like(rows)
        steps[1:] = rows[1:] - rows[:-1]
        steps[sequences.starts] = 0
        return np.hstack([rows, steps])

    def _names(self, names):
        return [*names, *(f"diff_{name}" for name in names)]

    def inverse_transform(self, X):
        """Leave out the differences.

        Parameters
        ----------
        X : ndarray, list or object array
            As returned by transform.

        Returns
        -------
        X : ndarray, list or object array
            Sequences of the form of the input of transform.
        """
        check_is_fitted(self)
        n = 1 if self._univariate else self.n_features_in_
        items = [np.asarray(x)[..., :n] for x in X]
        if isinstance(X, np.ndarray) and X.dtype != object:
            dense = np.stack(items)
            return dense[..., 0] if self._univariate else dense
        if isinstance(X, list):
            return items
        found = np.empty(len(items), object)
        found[:] = items
        return found


def is_per_step(y, sequences):
    """Whether y holds sequences of as many targets as there are steps, or padded ones."""
    # A pandas.Series need not have a label 0, and a data frame iterates over names.
    if y is None or len(y) != len(sequences) or np.ndim(next(iter(y))) == 0:
        return False
    n_targets = np.array([len(of_one) for of_one in y])
    padded = sequences.width is not None and (n_targets == sequences.width).all()
    return bool(padded or (n_targets == sequences.lengths).all())
