"""The private names of scikit-learn and joblib that are used here, all in one place.

They have kept their meaning from scikit-learn 1.6 to 1.9, and joblib 1.2 to 1.6.
"""

from joblib.parallel import get_active_backend
from sklearn.utils.multiclass import _check_partial_fit_first_call
from sklearn.utils.parallel import _get_threadpool_controller
from sklearn.utils.validation import _check_sample_weight

__all__ = [
    "_check_partial_fit_first_call",
    "_check_sample_weight",
    "_get_threadpool_controller",
    "get_active_backend",
]
