"""Warnings that point to the line of the user's own code."""

import os
import sys
import warnings

import joblib
import sklearn

# Frames of files in these folders are not the user's.
FOLDERS = tuple(
    os.path.dirname(path) + os.sep for path in (__file__, sklearn.__file__, joblib.__file__)
)
# Where the frame of a call keeps the warnings that were issued in it.
ISSUED = "__skbptt_warnings__"


def warn(message, category):
    """Warn at the line outside of skbptt, scikit-learn and joblib that led here.

    Each message is issued once in the call that this line makes. So a grid search, which
    fits many estimators, warns once and not once per fold. The filters of Python cannot do
    that: scikit-learn changes them for each fit, upon which Python forgets what was shown.

    Parameters
    ----------
    message : str
        Equal for equal causes: without the numbers of a single fit.
    category : type of Warning
    """
    frame = call = sys._getframe()
    level = 1
    while frame.f_back is not None and frame.f_code.co_filename.startswith(FOLDERS):
        call, frame = frame, frame.f_back
        level += 1
    # The record ends with the call, since it is kept in its frame.
    issued = call.f_locals.setdefault(ISSUED, set())
    if (message, category) not in issued:
        warnings.warn(message, category, stacklevel=level)  # raises if the filter says so
        issued.add((message, category))
