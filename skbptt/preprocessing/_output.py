"""The container of the output of transformers that give sequences."""

from collections.abc import Callable

from sklearn.utils.validation import check_array

from .._compat import _get_output_config
from ..data import FLOATS, check_finite, frame_of, library_of


class SequenceOutput:
    """Lets a pipeline that is asked for data frames contain a transformer of sequences."""

    def set_output(self, *, transform=None):
        """Accepted for pipelines; sequences are always returned as an array.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"} or None, default=None
            Ignored.

        Returns
        -------
        self : object
        """
        return self


class FrameOutput:
    """Data frames out, for transformers whose columns are named, if asked for or given."""

    get_feature_names_out: Callable

    def set_output(self, *, transform=None):
        """Choose the container of the output.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"} or None, default=None
            The container of each sequence of a list, and of a 2-D X to which no columns
            are appended. A 3-D array remains an array. "default" keeps the container of X.

        Returns
        -------
        self : object
        """
        if transform is not None:
            self._sklearn_output_config = {"transform": transform}
        return self

    def _in_container(self, rows, stacked, X):
        """Rows of features in the form of X, of data frames where it has or should."""
        library = _get_output_config("transform", self)["dense"]
        if library == "default":
            library = library_of(X if stacked.flat else X[0])
        names = None if library is None else self.get_feature_names_out()
        index = X.index if library_of(X) == "pandas" else None
        return in_container(rows, stacked, names, library, index)


def in_container(rows, stacked, names, library, index=None):
    """Rows in the form of the stacked sequences, in data frames of a library if any."""
    if library is None:
        return stacked.unstack(rows)
    if not stacked.flat:
        return stacked.unstack(frame_of(rows, names, library))
    rows = stacked.unstack(rows)
    return rows if rows.ndim == 3 else frame_of(rows, names, library, index)


def numbers_of(stacked, allow_nan=False):
    """The stacked steps as floats; where allowed, NaN is a missing value."""
    try:
        rows = check_array(stacked.rows, dtype=FLOATS, ensure_all_finite=False)
    except (TypeError, ValueError) as error:
        raise type(error)(f"X must hold numbers. {error}") from error
    check_finite(rows, stacked.lengths, allow_nan=allow_nan)
    return rows
