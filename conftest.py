"""Set before what reads it is imported."""

import os
from importlib.util import find_spec

# Without it scikit-learn skips some of its checks.
os.environ["SCIPY_ARRAY_API"] = "1"
# Figures need no screen.
os.environ.setdefault("MPLBACKEND", "Agg")

# Modules that cannot be imported without an optional package.
OF_MODULES = {"skbptt/forecasting/sktime.py": "sktime"}
collect_ignore = [path for path, needed in OF_MODULES.items() if not find_spec(needed)]
