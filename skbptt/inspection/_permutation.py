"""Importance of features and of times, by permutation."""

from numbers import Integral

import numpy as np
from sklearn.metrics import check_scoring
from sklearn.utils import Bunch, _safe_indexing, check_random_state
from sklearn.utils._param_validation import Interval, StrOptions, validate_params
from sklearn.utils.parallel import Parallel, delayed

from ..data import Stacked, sequences_in


@validate_params(
    {
        "by": [StrOptions({"feature", "step"}), Interval(Integral, 1, None, closed="left")],
        "n_repeats": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def permutation_importance(
    estimator,
    X,
    y,
    *,
    by="feature",
    scoring=None,
    n_repeats=5,
    n_jobs=None,
    random_state=None,
    sample_weight=None,
):
    """How much the score falls if a feature, or a time, is permuted among sequences [1]_.

    The counterpart of :func:`sklearn.inspection.permutation_importance`, which takes
    nothing but tables. At each step the values are permuted among the sequences that have
    that step, so that lengths, padding and the distribution at each step stay. A sequence
    takes the values of one and the same other sequence as long as that lasts.

    Parameters
    ----------
    estimator : object
        A fitted estimator of sequences, also a pipeline or a search.
    X : array-like of shape (n_sequences, n_steps, n_features) or \
            (n_sequences, n_steps), or list of arrays or data frames of shape \
            (n_steps, n_features)
        Sequences.
    y : array-like
        Targets, as in fit.
    by : {"feature", "step"} or int, default="feature"
        What is permuted at once: a feature at all steps; all features at one step; or all
        features in a block of so many steps. Steps count from the first of each sequence.
    scoring : str, callable, list, tuple or dict, default=None
        As in :func:`sklearn.model_selection.cross_validate`. By default the estimator's
        own score.
    n_repeats : int, default=5
        How many times each is permuted.
    n_jobs : int or None, default=None
        Jobs of joblib, which share the features or blocks. The result does not depend on
        it.
    random_state : int, RandomState instance or None, default=None
        Determines the permutations.
    sample_weight : array-like, default=None
        Weights, for the score. Targets may be missing where they are 0, if the scorer
        allows it, as the estimator's own does.

    Returns
    -------
    result : :class:`~sklearn.utils.Bunch` or dict of such
        For each metric if ``scoring`` names several.

        importances_mean, importances_std : ndarray of shape (n_importances,)
            Over the repeats.
        importances : ndarray of shape (n_importances, n_repeats)
            Score of X less the score of permuted X.

        There are as many importances as features, steps of the longest sequence, or
        blocks of them; steps that one sequence only has are of importance zero.

    Raises
    ------
    ValueError
        If a parameter is not allowed.

    References
    ----------
    .. [1] Breiman, L. (2001). Random forests. Machine Learning 45(1), 5-32. Section 10.

    Examples
    --------
    >>> import numpy as np
    >>> from skbptt import RNNRegressor
    >>> from skbptt.inspection import permutation_importance
    >>> X = np.random.default_rng(0).normal(size=(100, 6, 2))
    >>> y = X[:, 2, 1]
    >>> model = RNNRegressor(8, max_iter=30, random_state=0).fit(X, y)
    >>> result = permutation_importance(model, X, y, random_state=0)
    >>> int(result.importances_mean.argmax())
    1
    >>> result = permutation_importance(model, X, y, by="step", random_state=0)
    >>> int(result.importances_mean.argmax())
    2
    >>> result = permutation_importance(model, X, y, by=3, random_state=0)
    >>> result.importances.shape
    (2, 5)
    """
    scorer = check_scoring(estimator, scoring=scoring)
    weights = {} if sample_weight is None else {"sample_weight": sample_weight}
    baseline = scorer(estimator, X, y, **weights)
    items = sequences_in(X)
    permuter = OfTable(X, by) if items is None else OfSequences(X, items, by)
    rng = check_random_state(random_state)
    seeds = rng.randint(np.iinfo(np.int32).max, size=len(permuter.blocks))
    scores = Parallel(n_jobs=n_jobs)(
        delayed(permuted_scores)(
            scorer, estimator, permuter, y, weights, block, n_repeats, seed
        )
        for block, seed in zip(permuter.blocks, seeds)
    )
    if isinstance(baseline, dict):
        return {
            name: importances(value, [[one[name] for one in repeats] for repeats in scores])
            for name, value in baseline.items()
        }
    return importances(baseline, scores)


def permuted_scores(scorer, estimator, permuter, y, weights, block, n_repeats, seed):
    """Scores of X with one block permuted, time and again."""
    rng = np.random.RandomState(seed)
    return [
        scorer(estimator, permuter.permuted(block, rng), y, **weights)
        for _ in range(n_repeats)
    ]


class OfTable:
    """Univariate sequences in a table: a step is a column, and the feature all of them."""

    def __init__(self, X, by):
        self.X = X if hasattr(X, "columns") else np.asarray(X)
        width = self.X.shape[1]
        size = {"feature": width, "step": 1}.get(by, by)
        self.blocks = [
            list(range(width))[start : start + size] for start in range(0, width, size)
        ]

    def permuted(self, block, rng):
        return replaced(self.X, rng.permutation(len(self.X)), block)


class OfSequences:
    """Sequences of features: a block is a span of steps, and columns or None for all."""

    def __init__(self, X, items, by):
        self.stacked = Stacked(X, items)
        longest, n_features = self.stacked.lengths.max(), self.stacked.rows.shape[1]
        size = 1 if by == "step" else by
        self.blocks = (
            [(slice(None), [j]) for j in range(n_features)]
            if by == "feature"
            else [(slice(t, t + size), None) for t in range(0, longest, size)]
        )

    def permuted(self, block, rng):
        steps, columns = block
        source = permuted_rows(self.stacked.sequences, steps, rng)
        return self.stacked.unstack(replaced(self.stacked.rows, source, columns))


def importances(baseline, scores):
    falls = baseline - np.array(scores)
    return Bunch(
        importances_mean=falls.mean(axis=1),
        importances_std=falls.std(axis=1),
        importances=falls,
    )


def permuted_rows(sequences, block, rng):
    """For each row of the stacked steps, the one whose values it gets.

    A permutation at each step of the slice ``block`` among the sequences that have it.
    """
    source = np.arange(sequences.lengths.sum())
    by_length = np.argsort(-sequences.lengths, kind="stable")
    lengths, starts = sequences.lengths[by_length], sequences.starts[by_length]
    first, stop, _ = block.indices(lengths[0])
    donor = rng.permutation(np.count_nonzero(lengths > first))
    for t in range(first, stop):
        donor = first_return(donor, np.count_nonzero(lengths > t))
        rows = starts[: len(donor)] + t
        source[rows] = rows[donor]
    return source


def first_return(permutation, n):
    """A permutation of 0 to n - 1 derived from one of more numbers.

    It maps k to the first number below n that repeated application of ``permutation``
    reaches from k. Where ``permutation`` maps k to a number below n, both agree.
    """
    led = permutation[:n].copy()
    while (away := led >= n).any():
        led[away] = permutation[led[away]]
    return led


def replaced(rows, source, columns):
    """Rows whose values, or those of the ``columns``, come from the rows ``source``."""
    permuted = _safe_indexing(rows, source)
    if columns is None:
        return permuted
    if hasattr(rows, "with_columns"):  # polars
        return rows.with_columns(permuted[:, columns])
    result = rows.copy()
    if hasattr(rows, "iloc"):
        for j in columns:
            result.isetitem(j, permuted.iloc[:, j].array)
    else:
        result[:, columns] = permuted[:, columns]
    return result
