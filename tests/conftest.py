"""Set before SciPy is imported: without it scikit-learn skips some of its checks."""

import os

os.environ["SCIPY_ARRAY_API"] = "1"
