"""Early stopping: the sequences held back, and what is watched on them."""

from functools import partial
from inspect import signature

import numpy as np
from sklearn.metrics import check_scoring
from sklearn.model_selection import train_test_split

from ..data import Labels, object_array
from ..metrics import make_step_scorer
from ..network import raw_outputs
from ._objective import losses_of
from ._overlap import positions_in_series

# Targets below which a validation loss says little.
FEW = 10

TOO_FEW = (
    f"early_stopping=True holds back fewer than {FEW} targets, too few to judge by. Pass "
    "X_val and y_val, raise validation_fraction, or train without early_stopping."
)


def hold_back(data, fraction, seed, strata=None):
    """Split into training and validation data.

    Windows of a series, which share steps, are held back from its end. Other sequences are
    drawn at random, by ``strata`` where that can be: a class of one sequence is trained on.
    """
    n = len(data.sequences)
    n_held = int(np.ceil(fraction * n))
    if n_held < 2 or n - n_held < 1:
        raise ValueError(
            f"validation_fraction={fraction} of {n} different sequences leaves {n_held} "
            f"for validation and {n - n_held} for training. At least 2 and 1 are needed."
        )
    found = positions_in_series(data.sequences)
    if found is None:
        train, held = drawn_at_random(n, n_held, seed, strata)
    else:
        train, held = from_the_end(data, n_held, seed, *found)
    return data.take(train), data.take(held)


def drawn_at_random(n, n_held, seed, strata):
    """Indices to train on, and to validate on."""
    single = np.zeros(n, bool)
    if strata is not None:
        _, group, counts = np.unique(strata, return_inverse=True, return_counts=True)
        single = counts[group] == 1
        n_drawn, n_classes = n - single.sum(), (counts > 1).sum()
        if n_classes > min(n_held, n_drawn - n_held):
            strata, single = None, np.zeros(n, bool)
    drawn = np.flatnonzero(~single)
    train, held = train_test_split(
        drawn,
        test_size=n_held,
        random_state=seed,
        stratify=None if strata is None else strata[drawn],
    )
    return np.concatenate([train, np.flatnonzero(single)]), held


def from_the_end(data, n_held, seed, series, position):
    """Indices to train on, and to validate on: the last windows of each series."""
    n = len(series)
    order = np.lexsort((-position, series))
    counts = np.bincount(series)
    rank = np.empty(n)
    rank[order] = np.arange(n) - np.repeat(np.cumsum(counts) - counts, counts)
    ties = np.random.RandomState(seed).permutation(n)
    held = np.lexsort((ties, rank / counts[series]))[:n_held]
    trained = np.ones(n, bool)
    trained[held] = False
    if data.per_step:
        # Windows that share steps share their targets.
        first = np.full(len(counts), np.inf)
        np.minimum.at(first, series[held], position[held])
        clear = position + data.sequences.lengths <= first[series]
        if (trained & clear).any():
            trained &= clear
    return np.flatnonzero(trained), held


class Validator:
    """What is watched on validation data: their loss, and a score.

    Parameters
    ----------
    estimator : RNNClassifier or RNNRegressor
        Says what is watched, by ``scoring``.
    run : Run
        What is trained, and the validation data that it holds back.
    map_parts : callable
        Like :class:`map`; may run in threads.
    """

    def __init__(self, estimator, run, map_parts):
        self.network, self.loss = run.network, run.loss
        self.data = run.units.standardise(run.held)
        self.map_parts = map_parts
        self.scorer = None
        if estimator.scoring != "loss":
            # Scorers get predictions, and so targets, in the units of the user.
            self.scorer = scorer_on(estimator, run.held)
            self.fitted = partial(estimator._view, run)

    def __call__(self, theta):
        """Loss and score; the score is minus the loss, unless there is a scorer."""
        data = self.data
        if isinstance(data.y, Labels):
            losses = losses_of(self.network, theta, self.loss, data, self.map_parts)
            if not np.isfinite(losses).all():
                return np.nan, -np.inf
            loss = np.average(losses, weights=data.weights)
        else:
            raw = raw_outputs(self.network, theta, data.sequences, self.map_parts)
            if not np.isfinite(self.loss.predict(raw)).all():
                return np.nan, -np.inf
            loss = self.loss.weighted_average(raw, data.y, data.weights)
        return loss, -loss if self.scorer is None else self.scorer(self.fitted(theta))


def scorer_on(estimator, data):
    """A function that scores estimators like the given on encoded data.

    Scorers take weights where there are any. One that does not is given each sequence as
    often as its weight says.
    """
    scoring = estimator.scoring
    if isinstance(scoring, str) and data.per_step:
        scoring = make_step_scorer(scoring)
    scorer = check_scoring(estimator, scoring)
    if data.weights.ndim == 2 and scoring is not None:
        raise ValueError(
            f"scoring={scoring!r} takes no weights of several outputs. Allowed with them "
            "are 'loss' and None."
        )
    weighted = not (data.weights == 1).all()
    if weighted and not takes_weights(scorer):
        counts = data.weights if not data.per_step else data.weights[data.sequences.starts]
        repeated = (
            counts if not data.per_step else np.repeat(counts, data.sequences.lengths)
        )
        if (counts % 1).any() or (repeated != data.weights).any():
            raise ValueError(
                f"scoring={scoring!r} must take sample_weight, since the validation data "
                "have weights that are no counts."
            )
        data = data.take(np.repeat(np.arange(len(counts)), counts.astype(int)))
        weighted = False
    sequences = data.sequences
    X = object_array(sequences.split(sequences.steps))

    def in_form(values):
        return object_array(sequences.split(values)) if data.per_step else values

    y = in_form(estimator._decode_targets(data.y))
    options = {"sample_weight": in_form(data.weights)} if weighted else {}

    def score(estimator):
        return float(scorer(estimator, X, y, **options))

    return score


def takes_weights(scorer):
    """Whether a scorer has an argument ``sample_weight``, or takes any."""
    parameters = signature(scorer).parameters.values()
    return any(p.name == "sample_weight" or p.kind == p.VAR_KEYWORD for p in parameters)
