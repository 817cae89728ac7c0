"""Look into a fitted network."""

from ._gradient import loss_gradient, saliency
from ._permutation import permutation_importance

__all__ = ["loss_gradient", "permutation_importance", "saliency"]
