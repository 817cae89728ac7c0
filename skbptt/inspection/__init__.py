"""Look into a fitted network."""

from .._public import publish
<<<<<<< HEAD
from ._alignment import alignment
from ._displays import (
    AlignmentDisplay,
=======
from ._attention import attention_weights
from ._displays import (
    AttentionDisplay,
>>>>>>> transl2
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
<<<<<<< HEAD
    "AlignmentDisplay",
=======
    "AttentionDisplay",
>>>>>>> transl2
    "ForecastDisplay",
    "GradientFlowDisplay",
    "HiddenStateDisplay",
    "LossCurveDisplay",
    "SaliencyDisplay",
<<<<<<< HEAD
    "alignment",
=======
    "attention_weights",
>>>>>>> transl2
    "gradient_flow",
    "hessian_product",
    "hidden_states",
    "loss_gradient",
    "permutation_importance",
    "saliency",
]

publish(globals())
