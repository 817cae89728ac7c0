"""Look into a fitted network."""

from .._public import publish
from ._alignment import alignment
from ._displays import (
    AlignmentDisplay,
    ForecastDisplay,
    GradientFlowDisplay,
    HiddenStateDisplay,
    LossCurveDisplay,
    SaliencyDisplay,
)
from ._flow import gradient_flow, hidden_states
from ._gradient import loss_gradient, saliency
from ._hessian import hessian_product
from ._permutation import permutation_importance

__all__ = [
    "AlignmentDisplay",
    "ForecastDisplay",
    "GradientFlowDisplay",
    "HiddenStateDisplay",
    "LossCurveDisplay",
    "SaliencyDisplay",
    "alignment",
    "gradient_flow",
    "hessian_product",
    "hidden_states",
    "loss_gradient",
    "permutation_importance",
    "saliency",
]

publish(globals())
