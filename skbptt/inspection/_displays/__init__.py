"""Pictures of a fitted network, in scikit-learn's convention."""

from ._alignment import AlignmentDisplay
from ._attention import AttentionDisplay
from ._forecast import ForecastDisplay
from ._gradient_flow import GradientFlowDisplay
from ._hidden_state import HiddenStateDisplay
from ._loss_curve import LossCurveDisplay
from ._saliency import SaliencyDisplay

__all__ = [
    "AlignmentDisplay",
    "AttentionDisplay",
    "ForecastDisplay",
    "GradientFlowDisplay",
    "HiddenStateDisplay",
    "LossCurveDisplay",
    "SaliencyDisplay",
]
