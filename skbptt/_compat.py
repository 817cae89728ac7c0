"""The private names of scikit-learn that are used here, all in one place.

They have kept their meaning from scikit-learn 1.6 to 1.9.
"""

from sklearn.utils.multiclass import _check_partial_fit_first_call
from sklearn.utils.parallel import _get_threadpool_controller
from sklearn.utils.validation import _check_sample_weight

__all__ = [
    "_check_partial_fit_first_call",
    "_check_sample_weight",
    "_get_threadpool_controller",
]
