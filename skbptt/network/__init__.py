"""The network: layers over one flat vector, run in parts, derived and looked into."""

from ._curvature import Curvature
from ._decoding import greedy, translate
from ._layout import Layout
from ._network import Network, Stack, Translator
from ._parts import by_parts, input_gradients, parts_of, raw_outputs
from ._recording import (
    median_by_lag,
    reach_of,
    record_attention,
    record_gradient_norms,
    record_states,
    spectral_radii,
)

__all__ = [
    "Curvature",
    "Layout",
    "Network",
    "Stack",
    "Translator",
    "by_parts",
    "greedy",
    "input_gradients",
    "median_by_lag",
    "parts_of",
    "raw_outputs",
    "reach_of",
    "record_attention",
    "record_gradient_norms",
    "record_states",
    "spectral_radii",
    "translate",
]
