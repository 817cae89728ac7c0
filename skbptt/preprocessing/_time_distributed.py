"""A transformer of steps, applied to sequences."""

from sklearn import get_config
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from .._callbacks import one_task
from .._compat import CallbackSupportMixin
from .._docstrings import Documented
from ..data import Stacked, as_items, stack_for, unchanged_on_error


def inner_has(name):
    """Whether the inner transformer has a method."""

    def check(self):
        return hasattr(getattr(self, "transformer_", self.transformer), name)

    return check


class TimeDistributed(
    Documented,
    CallbackSupportMixin,
    TransformerMixin,
    BaseEstimator,
    auto_wrap_output_keys=None,  # type: ignore[call-arg]
):
    """Apply a transformer to every time step of sequences.

    The steps of all sequences are stacked, one per row, without padding, so that any
    transformer of scikit-learn can be fitted to them and transform them: a scaler, PCA,
    splines, a pipeline, or a ColumnTransformer where the sequences are data frames.

    Only a 3-D array has padding: its trailing steps that are all NaN stay as they are. In a
    list, NaN is a missing value wherever it stands, so that ``SimpleImputer`` fills the end
    of a sequence of a list, but not of a 3-D array. If the trailing NaN of a 3-D array are
    missing values, pass ``list(X)``.

    Parameters
    ----------
    transformer : estimator
        A transformer that returns one row for each row.

    Attributes
    ----------
    transformer_ : estimator
        The fitted transformer.
    n_features_in_ : int
        Number of features per step; for a 2-D X, its number of columns.
    feature_names_in_ : ndarray of str
        Names of the features. Only defined for data frames.

    See Also
    --------
    SequenceImputer : Fills missing values along time.
    sklearn.preprocessing.FunctionTransformer : Turns a function into a transformer.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skbptt import RNNRegressor
    >>> from skbptt.preprocessing import TimeDistributed
    >>> rng = np.random.default_rng(0)
    >>> X = [rng.normal(5, 3, size=(n, 2)) for n in (4, 7, 5)]
    >>> scaled = TimeDistributed(StandardScaler()).fit_transform(X)
    >>> np.concatenate(scaled).std(axis=0).round(6)
    array([1., 1.])
    >>> model = make_pipeline(TimeDistributed(StandardScaler()), RNNRegressor(4))
    >>> model.fit(X, [0.0, 1.0, 2.0]).predict(X).shape
    (3,)
    """

    def __init__(self, transformer):
        self.transformer = transformer

    @one_task
    def fit(self, X, y=None, **params):
        """Fit the transformer to the stacked steps.

        Parameters
        ----------
        X : array-like of shape (n_sequences, n_steps, n_features) or \
                (n_sequences, n_steps), or list of arrays or data frames of shape \
                (n_steps, n_features)
            Sequences. Trailing steps of a 3-D array are padding where all features are
            NaN; other NaN are passed to the transformer. A 2-D array holds univariate
            sequences.
        y : array-like, default=None
            Targets of the sequences or of the steps, as in the fit of an estimator. The
            target of a sequence is repeated for each of its steps.
        **params : dict
            Further arguments of the transformer's fit, such as ``sample_weight``, with one
            value per sequence, which is repeated for each of its steps, or one per step.

        Returns
        -------
        self : object

        Raises
        ------
        TypeError
            If ``transformer`` does not transform.
        """
        self._fit("fit", self._new(), X, y, params)
        return self

    @one_task
    def fit_transform(self, X, y=None, **params):
        """Fit to X, and transform it.

        Parameters
        ----------
        X, y, **params
            As in fit.

        Returns
        -------
        X : ndarray, list or object array
            As returned by transform.
        """
        method = "fit_transform" if inner_has("fit_transform")(self) else "fit"
        stacked, rows = self._fit(method, self._new(), X, y, params)
        if method == "fit":
            rows = self.transformer_.transform(stacked.rows)
        return stacked.unstack(rows)

    @available_if(inner_has("partial_fit"))
    def partial_fit(self, X, y=None, **params):
        """Fit incrementally, with the transformer's ``partial_fit``.

        Parameters
        ----------
        X, y, **params
            As in fit.

        Returns
        -------
        self : object
        """
        inner = getattr(self, "transformer_", None)
        inner = self._new() if inner is None else inner
        self._fit("partial_fit", inner, X, y, params)
        return self

    def transform(self, X):
        """Transform every step.

        Parameters
        ----------
        X : array-like of shape (n_sequences, n_steps, n_features) or \
                (n_sequences, n_steps), or list of arrays or data frames of shape \
                (n_steps, n_features)
            Sequences of the same kind as in fit.

        Returns
        -------
        X : ndarray, list or object array
            Sequences of the form of the input: an array, with NaN where it is padding; a
            list; or an object array. The items are data frames if the transformer
            returns data frames. A 2-D array becomes 3-D if there are several features.
        """
        check_is_fitted(self)
        stacked = stack_for(self, X, reset=False)
        return stacked.unstack(self.transformer_.transform(stacked.rows))

    @available_if(inner_has("inverse_transform"))
    def inverse_transform(self, X):
        """Undo transform.

        Parameters
        ----------
        X : ndarray, list or object array
            As returned by transform.

        Returns
        -------
        X : ndarray, list or object array
            Sequences of the form of the input.
        """
        check_is_fitted(self)
        stacked = Stacked(X, as_items(X))
        X = stacked.unstack(self.transformer_.inverse_transform(stacked.rows))
        return X[..., 0] if self._univariate and X.ndim == 3 else X

    @available_if(inner_has("get_feature_names_out"))
    def get_feature_names_out(self, input_features=None):
        """Names of the features of a step, as the transformer gives them.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the features of a step.

        Returns
        -------
        names : ndarray of str
        """
        check_is_fitted(self)
        return self.transformer_.get_feature_names_out(input_features)

    def set_output(self, *, transform=None):
        """Choose the container of the output, by the transformer's ``set_output``.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"} or None, default=None
            For a list, each sequence becomes a data frame. An array remains an array.

        Returns
        -------
        self : object
        """
        for inner in {self.transformer, getattr(self, "transformer_", self.transformer)}:
            if hasattr(inner, "set_output"):
                inner.set_output(transform=transform)
        return self

    def get_metadata_routing(self):
        """How metadata are passed to the transformer.

        Returns
        -------
        routing : MetadataRouter
        """
        mapping = MethodMapping()
        for method in ("fit", "fit_transform", "partial_fit"):
            mapping.add(caller=method, callee=method)
        return MetadataRouter(owner=self).add(
            transformer=self.transformer, method_mapping=mapping
        )

    def _new(self):
        """An unfitted transformer."""
        given = self.transformer
        if isinstance(given, type) or not (
            hasattr(given, "fit") and hasattr(given, "transform")
        ):
            raise TypeError(
                "transformer must be an instance with the methods fit and transform. Got "
                f"{given!r}."
            )
        return clone(given)

    def _fit(self, method, inner, X, y, params):
        if get_config()["enable_metadata_routing"]:
            params = process_routing(self, method, **params).transformer[method]
        reset = method != "partial_fit" or not hasattr(self, "transformer_")
        with unchanged_on_error(self):
            stacked = stack_for(self, X, reset=reset)
            if stacked.sequences.padded:
                self._equally_long = False  # also after the first call of partial_fit
            params = {name: stacked.spread(value) for name, value in params.items()}
            rows = getattr(inner, method)(stacked.rows, stacked.spread(y), **params)
            self.transformer_ = inner
        return stacked, rows

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inner = get_tags(self.transformer)
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = inner.input_tags.allow_nan
        tags.target_tags.required = inner.target_tags.required
        tags.transformer_tags.preserves_dtype = inner.transformer_tags.preserves_dtype
        return tags
