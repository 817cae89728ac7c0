"""Fits as tasks that report to the callbacks of scikit-learn."""

from functools import wraps
from typing import Any

from ._compat import with_callbacks


def one_task(fit):
    """Decorate the fit of a transformer that is a single task to callbacks."""

    @with_callbacks
    @wraps(fit)
    def fit_as_task(self, X, y=None, **params):
        context = self._init_callback_context()
        context.call_on_fit_task_begin(estimator=self, X=X, y=y)
        result = fit(self, X, y, **params)
        context.call_on_fit_task_end(estimator=self, X=X, y=y)
        return result

    return fit_as_task


class Iterations:
    """The iterations of a fit as tasks of scikit-learn's callbacks.

    Parameters
    ----------
    estimator : RNNClassifier or RNNRegressor
    X, y, sample_weight
        What it is fitted to.
    n_iterations : int
        Maximum number of iterations.
    """

    def __init__(self, estimator, X, y, sample_weight, n_iterations):
        metadata = {} if sample_weight is None else {"sample_weight": sample_weight}
        self.about = {"estimator": estimator, "X": X, "y": y, "metadata": metadata}
        self.n_left = n_iterations
        self.context = estimator._init_callback_context(max_subtasks=self.n_left)
        self.context.call_on_fit_task_begin(**self.about)

    def begin(self, theta, fitted):
        """Begin the first iteration, and give a function that ends one.

        Parameters
        ----------
        theta : ndarray
            Starting weights.
        fitted : callable
            ``fitted(theta)`` gives the attributes of an estimator with these weights.

        Returns
        -------
        tell : callable
            ``tell(theta)`` ends an iteration and begins the next. True asks to stop.
        """
        self.fitted = fitted

        self._next(theta)

        def tell(theta):
            stop = self.task.call_on_fit_task_end(**self._now(theta))
            self._next(theta)
            return stop

        return tell

    def close(self, theta):
        """End the fit, and an iteration that was begun and came to nothing."""
        if self.task is not None:
            self.task.call_on_fit_task_end(estimator=self.about["estimator"])
        self.context.call_on_fit_task_end(**self._now(theta))

    def _next(self, theta):
        self.task: Any = None
        if self.n_left:
            self.n_left -= 1
            self.task = self.context.subcontext(task_name="iteration")
            self.task.call_on_fit_task_begin(**self._now(theta))

    def _now(self, theta):
        return self.about | {"reconstruction_attributes": lambda: self.fitted(theta)}
