"""More sequences to train on: copies that are changed at random."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_consistent_length, check_random_state
from sklearn.utils._param_validation import Interval

from .._docstrings import Documented
from ..data import library_of, stack_for, tokens_in, unchanged_on_error
from ._frames import is_per_step
from ._output import in_container, numbers_of

# Points in time at which the speed of a warped sequence is drawn; linear in between.
N_SPEEDS = 6

STRENGTH = [Interval(Real, 0, None, closed="left")]


class SequenceAugmenter(Documented, BaseEstimator):
    r"""Add copies of sequences, changed at random, to small training sets.

    A copy has the target of its original, and as many steps. It is read at a speed that
    varies smoothly. Its features can also be scaled, and noise be added (Um et al., 2017).
    This is a sampler with the interface of imbalanced-learn: in a pipeline of that library,
    only ``fit`` sees the copies.

    Parameters
    ----------
    n_copies : int, default=4
        Number of copies of each sequence.

    time_warp : float, default=0.3
        Standard deviation of the logarithm of the speed at six points in time, between
        which it is linear. Steps in between are interpolated linearly. The first and last
        steps remain.

    scale : float, default=0.0
        Standard deviation of the factor, with the mean 1, by which the distance of a
        feature from its mean over all steps is multiplied. There is one factor for each
        feature of a copy.

    noise : float, default=0.0
        Standard deviation of the noise at each step, relative to that of the feature over
        all steps.

    random_state : int, RandomState instance or None, default=None
        Draws the changes. Pass an int for the same result in each call.

    Attributes
    ----------
    n_features_in_ : int
        Number of features per step; for a 2-D X, its number of columns.
    feature_names_in_ : ndarray of str
        Names of the features. Only defined for data frames.

    See Also
    --------
    SequenceFrames : Reads each step with its neighbours.

    Notes
    -----
    Copies make an epoch longer: with four of them, ``max_iter=20`` takes as many updates as
    100 without. Which changes leave the target as it is depends on the data: timing, or the
    amplitude, may be what distinguishes the classes.

    References
    ----------
    Um, T. T. et al. (2017). Data augmentation of wearable sensor data for Parkinson's
    disease monitoring using convolutional neural networks. ICMI. arXiv:1706.00527.

    Examples
    --------
    >>> import numpy as np
    >>> from skbptt.preprocessing import SequenceAugmenter
    >>> X = np.random.default_rng(0).normal(size=(20, 50, 3))
    >>> y = np.repeat(["walks", "runs"], 10)
    >>> X_more, y_more = SequenceAugmenter(random_state=0).fit_resample(X, y)
    >>> X_more.shape, y_more.shape
    ((100, 50, 3), (100,))
    >>> bool((X_more[:20] == X).all())
    True
    """

    _parameter_constraints: dict = {
        "n_copies": [Interval(Integral, 1, None, closed="left")],
        "time_warp": STRENGTH,
        "scale": STRENGTH,
        "noise": STRENGTH,
        "random_state": ["random_state"],
    }

    def __init__(
        self, n_copies=4, *, time_warp=0.3, scale=0.0, noise=0.0, random_state=None
    ):
        self.n_copies = n_copies
        self.time_warp = time_warp
        self.scale = scale
        self.noise = noise
        self.random_state = random_state

    def fit_resample(self, X, y):
        """The sequences, and then their copies.

        Parameters
        ----------
        X : array-like of shape (n_sequences, n_steps, n_features) or \
                (n_sequences, n_steps), or list of arrays or data frames of shape \
                (n_steps, n_features)
            Sequences of numbers. A 2-D array holds univariate sequences.
        y : array-like of length n_sequences
            Targets. With one for every step, ``time_warp`` must be 0.

        Returns
        -------
        X : ndarray, data frame, list or object array
            ``n_copies + 1`` times as many sequences, in the form of the input.
        y : list or ndarray
            Their targets; a list if y is a list.

        Raises
        ------
        ValueError
            If a parameter is not allowed, if X holds what is no number, NaN (other than
            padding) or infinity, or if y does not fit X.
        """
        self._validate_params()
        if tokens_in(X) is not None:
            raise ValueError("X must hold sequences of numbers. Got tokens.")
        if y is None:
            raise ValueError("y must hold a target for each sequence. Got None.")
        with unchanged_on_error(self):
            stacked = stack_for(self, X, reset=True)
            rows, sequences = numbers_of(stacked), stacked.sequences
            check_consistent_length(sequences, y)
            if self.time_warp and is_per_step(y, sequences):
                raise ValueError(
                    "time_warp must be 0 where y has a target for every step. Got "
                    f"{self.time_warp!r}."
                )
        rng = check_random_state(self.random_state)
        copies = [self._copy(rows, sequences, rng) for _ in range(self.n_copies)]
        n = self.n_copies + 1
        stacked = stacked.resized(np.tile(sequences.lengths, n), sequences.width)
        y = y * n if isinstance(y, list) else np.concatenate([np.asarray(y)] * n)
        like = X if stacked.flat else X[0]
        names, library = getattr(like, "columns", None), library_of(like)
        return in_container(np.concatenate([rows, *copies]), stacked, names, library), y

    def _copy(self, rows, sequences, rng):
        """The rows of all sequences, each sequence changed."""
        lengths, dtype = sequences.lengths, rows.dtype
        mean, deviation = rows.mean(axis=0), rows.std(axis=0)
        if self.time_warp:
            parts = sequences.split(rows)
            rows = np.concatenate([warped(part, self.time_warp, rng) for part in parts])
        if self.scale:
            draws = rng.standard_normal((len(lengths), len(mean)))
            factors = np.repeat(1 + self.scale * draws, lengths, axis=0)
            rows = mean + factors * (rows - mean)
        if self.noise:
            rows = rows + self.noise * deviation * rng.standard_normal(rows.shape)
        return rows.astype(dtype, copy=False)


def warped(rows, strength, rng):
    """The rows of a sequence at other times, interpolated."""
    times = warped_times(len(rows), strength, rng)
    before = np.minimum(times.astype(int), max(len(rows) - 2, 0))
    after = np.minimum(before + 1, len(rows) - 1)
    share = (times - before)[:, np.newaxis]
    return (1 - share) * rows[before] + share * rows[after]


def warped_times(n, strength, rng):
    """n points in time from 0 to n - 1, at a speed that varies smoothly."""
    if n == 1:
        return np.zeros(1)
    drawn = strength * rng.standard_normal(N_SPEEDS)
    log_speeds = np.interp(np.linspace(0, N_SPEEDS - 1, n - 1), np.arange(N_SPEEDS), drawn)
    speeds = np.exp(log_speeds - log_speeds.max())  # which cannot overflow
    times = np.concatenate([[0], np.cumsum(speeds)])
    return times * ((n - 1) / times[-1])
