"""Sequences of any form as rows, one per step, and the conversion back to that form."""

from copy import copy

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.validation import validate_data

from ._categories import is_category
from ._mistakes import refuse_multi_index, refuse_text
from ._sequences import Sequences
from ._validation import (
    as_items,
    check_columns,
    check_padding,
    check_same_kind,
    is_list,
    stack_items,
)


def stack_for(transformer, X, *, reset):
    """The steps of X as rows, once its kind and its features are checked.

    Sets ``n_features_in_``, ``feature_names_in_`` and ``_univariate`` of the transformer if
    ``reset``, and compares with them otherwise. What the values are is not looked at.
    """
    refuse_multi_index(X)
    items = as_items(X)
    univariate = items is None
    if univariate:
        refuse_text(X)
    if not reset:
        check_same_kind(transformer, univariate)
    if univariate:
        X = validate_data(transformer, X, reset=reset, ensure_all_finite=False)
    stacked = Stacked(X, items)
    if not univariate:
        first = stacked.rows[:1]
        validate_data(transformer, first, reset=reset, skip_check_array=True)
    if reset:
        transformer._univariate = univariate
    check_padding(transformer, stacked.sequences, reset=reset)
    return stacked


class Stacked:
    """The steps of sequences as rows, and the way back to the form of the sequences."""

    def __init__(self, X, items):
        tokens = items is not None and np.ndim(items[0]) == 1
        self.flat = items is None or tokens  # one feature without an axis
        self.as_list = isinstance(X, (list, tuple)) and items is not None
        self.indexes = None  # of frames that have one
        if tokens:
            self.rows, width = np.concatenate(items)[:, np.newaxis], None
            self.lengths = np.array([len(item) for item in items])
        elif self.flat:  # nothing is padding
            X = np.asarray(X)
            width = X.shape[1]
            self.rows, self.lengths = X.reshape(-1, 1), np.full(len(X), width)
        elif check_columns(items):
            self.rows, width = concatenate_frames(items), None
            self.lengths = np.array([len(item) for item in items])
            if hasattr(self.rows, "index"):
                self.indexes = [item.index for item in items]
        else:
            self.rows, self.lengths, width = stack_items(items)
        self.sequences = Sequences(self.rows, self.lengths, width)

    def resized(self, lengths, width):
        """The same form of sequences of other lengths, whose frames have no index."""
        other = copy(self)
        other.lengths, other.indexes = lengths, None
        other.rows = np.empty(lengths.sum())
        other.sequences = Sequences(other.rows, lengths, width)
        return other

    def spread(self, values):
        """A value for every row, if there is one for every sequence or for every step."""
        sized = hasattr(values, "__len__") and not isinstance(values, (str, dict))
        if not sized or len(values) != len(self.lengths):
            return values
        width = self.sequences.width
        if is_list(values) and np.ndim(values[0]) > 0 and width is None:
            return np.concatenate([np.asarray(item) for item in values])
        values = np.asarray(values)
        if values.ndim > 1 and values.shape[1] == width:
            return values[np.arange(width) < self.lengths[:, np.newaxis]]
        return np.repeat(values, self.lengths, axis=0)

    def unstack(self, rows):
        """Rows of features in the form of the sequences."""
        if issparse(rows):
            rows = rows.toarray()
        if len(rows) != len(self.rows):
            raise ValueError(
                f"The transformer made {len(rows)} rows of {len(self.rows)} steps, but it "
                "must give one for each."
            )
        if hasattr(rows, "columns") and self.sequences.width is None:
            parts = self._frames(rows)
        else:
            rows = np.asarray(rows)
            if self.flat and rows.shape[1] == 1:
                rows = rows[:, 0]
            parts = self.sequences.unstack(rows)
        return list(parts) if self.as_list and self.sequences.width is None else parts

    def _frames(self, rows):
        """One frame a sequence, with the index that it came with."""
        if not hasattr(rows, "iloc"):
            return self.sequences.split(rows)
        parts = self.sequences.split(rows.iloc)
        if self.indexes is None:
            return parts
        return [part.set_axis(index) for part, index in zip(parts, self.indexes)]


def library_of(X):
    """The library of a data frame, "pandas" or "polars"; None of anything else."""
    if not hasattr(X, "columns"):
        return None
    return "polars" if type(X).__module__.startswith("polars") else "pandas"


def concatenate_frames(frames):
    """One data frame of several of the same columns, by the library they come from."""
    if library_of(frames[0]) == "polars":
        import polars

        return polars.concat(frames, how="vertical_relaxed")
    import pandas

    frames = list(frames)
    for name, dtype in frames[0].dtypes.items():
        # Columns of different categories would be concatenated as objects.
        if is_category(dtype) and all(is_category(f.dtypes[name]) for f in frames):
            columns = [frame[name].array for frame in frames]
            union = pandas.api.types.union_categoricals(columns, ignore_order=True)
            union = union.categories
            frames = [f.assign(**{name: f[name].cat.set_categories(union)}) for f in frames]
    return pandas.concat(frames)


def frame_of(values, columns, library, index=None):
    """A data frame of an array; ``index`` is for pandas."""
    if library == "polars":
        import polars

        return polars.DataFrame(values, schema=list(columns), orient="row")
    import pandas

    return pandas.DataFrame(values, columns=columns, index=index)
