"""Set before what reads it is imported."""

import os

# Without it scikit-learn skips some of its checks.
os.environ["SCIPY_ARRAY_API"] = "1"
# Figures need no screen.
os.environ.setdefault("MPLBACKEND", "Agg")
