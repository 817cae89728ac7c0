"""The container of the output of transformers that give sequences."""


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
