"""Look into a fitted network."""

from .._public import publish
from ._alignment import alignment
from ._attention import attention_weights
from ._displays import (
    AlignmentDisplay,
    AttentionDisplay,
    ForecastDisplay,
    GradientFlowDisplay,
    HiddenStateDisplay,
    LossCurveDisplay,
    SaliencyDisplay,
)
from ._flow import gradient_flow, hidden_states
from ._gradient import loss_gradient, saliency
from ._hessian import hessian_product
from ._integrated import integrated_gradients
from ._permutation import permutation_importance

__all__ = [
    "AlignmentDisplay",
    "AttentionDisplay",
    "ForecastDisplay",
    "GradientFlowDisplay",
    "HiddenStateDisplay",
    "LossCurveDisplay",
    "SaliencyDisplay",
    "alignment",
    "attention_weights",
    "gradient_flow",
    "hessian_product",
    "hidden_states",
    "integrated_gradients",
    "loss_gradient",
    "permutation_importance",
    "saliency",
]

publish(globals())
