"""The private and the new names of scikit-learn and joblib, all in one place.

The private ones have kept their meaning from scikit-learn 1.6 to 1.9, and joblib 1.2 to
1.6.
"""

import sys
from functools import wraps

from joblib.parallel import get_active_backend
from sklearn.utils._set_output import _get_output_config
from sklearn.utils.multiclass import _check_partial_fit_first_call
from sklearn.utils.parallel import _get_threadpool_controller
from sklearn.utils.validation import _check_feature_names_in, _check_sample_weight

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # before scikit-learn 1.9

    class NoCallbacks:
        """A context in which nobody listens."""

        def subcontext(self, **task):
            return self

        def call_on_fit_task_begin(self, **what):
            pass

        def call_on_fit_task_end(self, **what):
            return False

    class CallbackSupportMixin:  # type: ignore[no-redef]
        def _init_callback_context(self, **task):
            return NoCallbacks()

    def with_callbacks(method):
        @wraps(method)
        def without_callbacks(*args, **kwargs):
            return method(*args, **kwargs)

        return without_callbacks


def in_dask_worker():
    """Whether this runs in a task of Dask, which joblib does not count as nested."""
    distributed = sys.modules.get("distributed.utils")
    return distributed is not None and hasattr(distributed.thread_state, "execution_state")


__all__ = [
    "CallbackSupportMixin",
    "_check_feature_names_in",
    "_check_partial_fit_first_call",
    "_check_sample_weight",
    "_get_output_config",
    "_get_threadpool_controller",
    "get_active_backend",
    "in_dask_worker",
    "with_callbacks",
]
