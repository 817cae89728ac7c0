"""What is watched while a solver runs: history, patience and the best weights."""

from copy import deepcopy

import numpy as np

from ._ending import Ending

# What new data start with.
NOTHING_YET = {"best_loss": np.inf, "best_score": -np.inf, "no_change": 0}


def new_record():
    """The record of a training that has not begun."""
    return {
        "loss_curve": [],
        "grad_norm_curve": [],
        "learning_rate_curve": [],
        "validation_loss_curve": [],
        "validation_scores": [],
        **NOTHING_YET,
    }


def copied(state):
    """A copy of plain state: dicts, lists of numbers, arrays, random streams, values."""
    if isinstance(state, dict):
        return {name: copied(value) for name, value in state.items()}
    # Element by element, deepcopy takes its time on long curves.
    return state.copy() if isinstance(state, (list, np.ndarray)) else deepcopy(state)


class Monitor:
    """Records each iteration and says when to stop; the same for every solver.

    Parameters
    ----------
    theta : ndarray
        Weights before the first iteration.
    tol : float
        Improvement below which an iteration counts as none.
    patience : int or inf
        Stop after more iterations than these in a row without improvement.
    verbose : bool or int
        Print every iteration, or every k-th for an int k; :meth:`print_last` prints the
        last.
    validate : callable or None
        ``validate(theta)`` gives (loss, score) on data held back. Then improvement is
        measured by the score, and the best weights are the last of the best score.
    record : dict or None
        The :attr:`record` of an earlier run to resume.
    tell : callable or None
        ``tell(theta)`` is called at each iteration; True asks to stop.
    restore_loss, restore_score : callable, default=float
        What a loss and a score are in print.

    Attributes
    ----------
    record : dict
        Curves and counters as plain numbers and lists; updated in place.
    told_to_stop : bool
        Whether ``tell`` asked for it.
    """

    def __init__(
        self,
        theta,
        *,
        tol,
        patience,
        verbose,
        validate=None,
        record=None,
        tell=None,
        restore_loss=float,
        restore_score=float,
    ):
        self.tol = tol
        self.patience = patience
        self.verbose = int(verbose)
        self.validate = validate
        self.record = new_record() if record is None else record
        self.tell = tell
        self.restore_loss, self.restore_score = restore_loss, restore_score
        self.told_to_stop = False
        self._best = theta.copy()
        self._last = self._best
        self._line = None  # on the last iteration, unless it was printed

    def __call__(self, theta, loss, grad_norm, learning_rate=np.nan):
        """Record one iteration; True if it should be the last."""
        record = self.record
        validated = None if self.validate is None else self.validate(theta)
        self.add(loss, grad_norm, learning_rate)
        self._last = theta.copy()
        if validated is None:
            gain = record["best_loss"] - loss
            best = loss < record["best_loss"]
            score_text = ""
        else:
            validation_loss, score = map(float, validated)
            record["validation_loss_curve"].append(validation_loss)
            record["validation_scores"].append(score)
            gain = score - record["best_score"]
            # Of equals the later, which has seen more; never what is not finite.
            best = score >= record["best_score"] and score > -np.inf
            record["best_score"] = max(record["best_score"], score)
            score_text = f", validation score = {self.restore_score(score):.6g}"
        record["best_loss"] = min(record["best_loss"], float(loss))
        if best:
            self._best = self._last

        n_iter = len(record["loss_curve"])
        loss_text = f"loss = {self.restore_loss(loss):.8g}"
        self._line = f"Iteration {n_iter}, {loss_text}{score_text}"
        if self.verbose and n_iter % self.verbose == 0:
            self.print_last()

        record["no_change"] = 0 if gain > self.tol else record["no_change"] + 1
        out_of_patience = record["no_change"] > self.patience
        if out_of_patience:
            record["no_change"] = 0
        self.told_to_stop = self.tell is not None and self.tell(theta)
        return out_of_patience or self.told_to_stop

    @property
    def ending(self):
        """The ending of a run of which the last iteration was said to be the last."""
        return Ending.STOPPED if self.told_to_stop else Ending.FINISHED

    def print_last(self):
        """Print the line on the last iteration, if ``verbose`` and not printed yet."""
        if self.verbose and self._line is not None:
            print(self._line, flush=True)
            self._line = None

    def add(self, loss, grad_norm, learning_rate):
        """Record numbers of an iteration, and nothing else."""
        self.record["loss_curve"].append(float(loss))
        self.record["grad_norm_curve"].append(float(grad_norm))
        self.record["learning_rate_curve"].append(float(learning_rate))

    def weights(self, *, best=False, instead=None):
        """The weights to hand back: the best if asked or validated, else the last.

        ``instead`` stands for the last where those are no good.
        """
        if best or self.validate is not None:
            return self._best
        return self._last if instead is None else instead.copy()
