"""Pictures of a fitted network, in scikit-learn's convention."""

<<<<<<< HEAD
from ._alignment import AlignmentDisplay
=======
from ._attention import AttentionDisplay
>>>>>>> transl2
from ._forecast import ForecastDisplay
from ._gradient_flow import GradientFlowDisplay
from ._hidden_state import HiddenStateDisplay
from ._loss_curve import LossCurveDisplay
from ._saliency import SaliencyDisplay

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
]
