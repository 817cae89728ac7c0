"""What users give, as sequences with targets and weights."""

from ._categories import sequences_in, tokens_in
from ._data import Data, canonical, drop_weightless, fingerprint
from ._inputs import check_sequences, encode_step, names_of
from ._labels import (
    Labels,
    classes_of,
    codes_of_labels,
    label_sequences,
    labels_of_codes,
)
from ._sequences import Sequences, object_array
from ._stacked import Stacked, frame_of, library_of, stack_for
from ._targets import (
    check_known,
    check_same_number,
    check_targets,
    check_weights,
    narrowed,
    of_outputs,
    positive,
    runs_along_steps,
    stack_per_step,
    with_known,
)
from ._validation import (
    FLOATS,
    as_items,
    check_columns,
    check_finite,
    check_lengths,
    is_list,
    missing,
    stack_items,
    unchanged_on_error,
    unpadded_lengths,
)

__all__ = [
    "FLOATS",
    "Data",
    "Labels",
    "Sequences",
    "Stacked",
    "as_items",
    "canonical",
    "check_columns",
    "check_finite",
    "check_known",
    "check_lengths",
    "check_same_number",
    "check_sequences",
    "check_targets",
    "check_weights",
    "classes_of",
    "codes_of_labels",
    "drop_weightless",
    "encode_step",
    "fingerprint",
    "frame_of",
    "is_list",
    "label_sequences",
    "labels_of_codes",
    "library_of",
    "missing",
    "names_of",
    "narrowed",
    "object_array",
    "of_outputs",
    "positive",
    "runs_along_steps",
    "sequences_in",
    "stack_for",
    "stack_items",
    "stack_per_step",
    "tokens_in",
    "unchanged_on_error",
    "unpadded_lengths",
    "with_known",
]
