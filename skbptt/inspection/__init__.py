"""Look into a fitted network."""

from ._gradient import loss_gradient, saliency
from ._hessian import hessian_product
from ._permutation import permutation_importance

__all__ = ["hessian_product", "loss_gradient", "permutation_importance", "saliency"]
