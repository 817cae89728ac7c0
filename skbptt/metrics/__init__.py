"""Metrics of sequences: of the steps of step targets, and of sequences of tokens.

And of predictions with their uncertainty.
"""

from .._public import publish
from ._distributions import crps, interval_coverage
from ._sequences import (
    edit_distance,
    neg_token_error_rate_scorer,
    sequence_accuracy_score,
    sequence_accuracy_scorer,
    token_error_rate,
)
from ._steps import (
    StepScorer,
    make_step_scorer,
    stack_steps,
    step_accuracy_score,
    step_f1_score,
    step_log_loss,
    step_mean_squared_error,
    step_pinball_loss,
    step_r2_score,
)

__all__ = [
    "crps",
    "edit_distance",
    "interval_coverage",
    "make_step_scorer",
    "neg_token_error_rate_scorer",
    "sequence_accuracy_score",
    "sequence_accuracy_scorer",
    "stack_steps",
    "step_accuracy_score",
    "step_f1_score",
    "step_log_loss",
    "step_mean_squared_error",
    "step_pinball_loss",
    "step_r2_score",
    "token_error_rate",
]

publish(globals())
StepScorer.__module__ = __name__  # stored models hold those of make_step_scorer
