"""Texts as sequences of integers."""

import re
from collections import Counter
from itertools import repeat
from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from .._callbacks import one_task
from .._compat import CallbackSupportMixin
from .._docstrings import Documented
from ._convert import from_stacked
from ._output import SequenceOutput


class TokenEncoder(
    Documented,
    SequenceOutput,
    CallbackSupportMixin,
    TransformerMixin,
    BaseEstimator,
    auto_wrap_output_keys=None,  # type: ignore[call-arg]
):
    r"""Encode texts as sequences of integers.

    Each text is split into tokens by the analyzer of
    :class:`~sklearn.feature_extraction.text.CountVectorizer`, and each token is replaced
    by its id. The order of the tokens is kept, so that recurrent networks can read them.

    Id 0 is the unknown token: it stands for every token that is not in the vocabulary.
    The known tokens have the ids 1, 2, ..., n_tokens by descending frequency in the
    training texts, and in alphabetical order where frequencies are equal. The ids
    therefore do not depend on the order of the texts.

    Parameters
    ----------
    analyzer : {"word", "char"} or callable, default="word"
        Whether tokens are words or characters. A callable is given each item of X as it
        is, and returns the tokens of that item.

    lowercase : bool, default=True
        Whether to convert texts to lower case. Not used if ``analyzer`` is callable.

    tokenizer : callable or None, default=None
        Splits a text into words, in place of ``token_pattern``. Only used if ``analyzer``
        is "word".

    token_pattern : str or None, default=r"\\w+|[^\\w\\s]"
        Regular expression of a token. If it has a capturing group, the token is what the
        group matches. Only used if ``analyzer`` is "word" and ``tokenizer`` is None. The
        default matches words of any length and single punctuation marks. The default of
        ``CountVectorizer`` drops punctuation and words of one letter, which a sequence
        model can use.

    strip_accents : {"ascii", "unicode"}, callable or None, default=None
        How to remove accents, as in ``CountVectorizer``. Not used if ``analyzer`` is
        callable.

    min_frequency : int, default=1
        Tokens that occur fewer times in the training texts are unknown. With the default
        of 1, no training token is unknown, and the vector of the unknown token is not
        trained; a value of 2 or more trains it.

    max_tokens : int or None, default=None
        Maximum size of the vocabulary, without the unknown token. The most frequent
        tokens are kept. None means no limit.

    Attributes
    ----------
    vocabulary_ : dict of str to int
        Id of each known token, in the order of the ids.

    See Also
    --------
    sklearn.feature_extraction.text.CountVectorizer : Counts tokens without their order.

    Notes
    -----
    Texts that are already split, as lists, tuples or 1-D arrays of tokens, are not
    changed: neither ``lowercase`` nor ``strip_accents`` applies to them.

    A text without any token, such as an empty string, becomes a single unknown token,
    because a sequence must have at least one step.

    The name of the unknown token is "<unk>", or the replacement character U+FFFD if
    ``analyzer`` is "char". A token of this name in a text is read as the unknown token.

    Examples
    --------
    >>> from skbptt.preprocessing import TokenEncoder
    >>> encoder = TokenEncoder()
    >>> X = encoder.fit_transform(["A good film.", "Not a good film!"])
    >>> X[0], X[1]
    (array([1, 3, 2, 5], dtype=int32), array([6, 1, 3, 2, 4], dtype=int32))
    >>> encoder.get_feature_names_out()
    array(['<unk>', 'a', 'film', 'good', '!', '.', 'not'], dtype=object)
    >>> encoder.inverse_transform(encoder.transform(["A bad film", ""]))
    [['a', '<unk>', 'film'], ['<unk>']]
    """

    _parameter_constraints: dict = {
        "analyzer": [StrOptions({"word", "char"}), callable],
        "lowercase": ["boolean"],
        "tokenizer": [callable, None],
        "token_pattern": [str, None],
        "strip_accents": [StrOptions({"ascii", "unicode"}), callable, None],
        "min_frequency": [Interval(Integral, 1, None, closed="left")],
        "max_tokens": [Interval(Integral, 1, None, closed="left"), None],
    }

    def __init__(
        self,
        analyzer="word",
        *,
        lowercase=True,
        tokenizer=None,
        token_pattern=r"\w+|[^\w\s]",
        strip_accents=None,
        min_frequency=1,
        max_tokens=None,
    ):
        self.analyzer = analyzer
        self.lowercase = lowercase
        self.tokenizer = tokenizer
        self.token_pattern = token_pattern
        self.strip_accents = strip_accents
        self.min_frequency = min_frequency
        self.max_tokens = max_tokens

    @one_task
    def fit(self, X, y=None):
        """Learn the vocabulary.

        Parameters
        ----------
        X : iterable of str or of lists of str, of length n_texts
            Texts, or texts split into tokens: a list, a 1-D array, a Series, or a data
            frame or array with a single column.
        y : None
            Ignored.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If X is a single string or is empty, or if the vocabulary would be empty.
        TypeError
            If an item of X is not a text, or a token is not a string.
        """
        self._fit(X)
        return self

    @one_task
    def fit_transform(self, X, y=None):
        """Learn the vocabulary, and encode the texts.

        Parameters
        ----------
        X : iterable of str or of lists of str, of length n_texts
            As in fit.
        y : None
            Ignored.

        Returns
        -------
        ids : ndarray of shape (n_texts,) and dtype object
            As returned by transform.
        """
        return self._encode(*self._fit(X))

    def transform(self, X):
        """Encode texts.

        Parameters
        ----------
        X : iterable of str or of lists of str, of length n_texts
            As in fit.

        Returns
        -------
        ids : ndarray of shape (n_texts,) and dtype object
            Integer arrays of shape (n_tokens,), with the ids of the tokens of each text.
        """
        check_is_fitted(self)
        return self._encode(*self._split(X))

    def inverse_transform(self, X):
        """Decode ids.

        Parameters
        ----------
        X : iterable of array-like of int of shape (n_tokens,)
            Ids of the tokens of each text.

        Returns
        -------
        texts : list of lists of str, or list of str
            The tokens of each text, or the text itself if ``analyzer`` is "char".
            ``transform`` encodes them as X again.

        Raises
        ------
        ValueError
            If an item of X is not a 1-D array of ids.
        """
        check_is_fitted(self)
        names = self.get_feature_names_out()
        texts = []
        for i, item in enumerate(X):
            ids = np.asarray(item)
            if ids.size == 0:
                ids = ids.astype(np.intp)
            if (
                ids.ndim != 1
                or ids.dtype.kind not in "iu"
                or ((ids < 0) | (ids >= len(names))).any()
            ):
                raise ValueError(
                    f"X[{i}] must be a 1-D array of integers from 0 to {len(names) - 1}. "
                    f"Got {item!r:.80}."
                )
            texts.append(names[ids].tolist())
        return ["".join(text) for text in texts] if self.analyzer == "char" else texts

    def get_feature_names_out(self, input_features=None):
        """Names of the tokens by id; that of the unknown token comes first.

        Parameters
        ----------
        input_features : None
            Ignored.

        Returns
        -------
        names : ndarray of shape (n_tokens + 1,) and dtype object
        """
        check_is_fitted(self)
        return np.array([self._unknown, *self.vocabulary_], object)

    @property
    def _unknown(self):
        """Name of the unknown token."""
        return "\N{REPLACEMENT CHARACTER}" if self.analyzer == "char" else "<unk>"

    def _fit(self, X):
        """Learn the vocabulary, and give the tokens."""
        self._validate_params()
        tokens, lengths = self._split(X)
        counts = Counter(tokens)
        del counts[self._unknown]
        known = [token for token, n in counts.items() if n >= self.min_frequency]
        if not known:
            raise ValueError(
                f"Empty vocabulary: no token occurs min_frequency={self.min_frequency} "
                f"times in X. The most frequent one occurs "
                f"{max(counts.values(), default=0)} times."
            )
        known.sort(key=lambda token: (-counts[token], token))
        self.vocabulary_ = {
            str(token): i for i, token in enumerate(known[: self.max_tokens], start=1)
        }
        return tokens, lengths

    def _split(self, X):
        """The tokens of all texts, one text after the other, and their numbers."""
        analyze = self._build_analyzer()
        tokens: list = []
        lengths = []
        for i, text in enumerate(as_texts(X)):
            start = len(tokens)
            if isinstance(text, str) or callable(self.analyzer):
                tokens.extend(analyze(text))
            elif isinstance(text, (list, tuple)) or getattr(text, "ndim", 0) == 1:
                tokens.extend(text)
            else:
                raise TypeError(
                    f"X[{i}] must be a text (str) or a list of tokens. Got {text!r:.50} of "
                    f"type {type(text).__name__}. A missing text can be given as ''."
                )
            if len(tokens) == start:
                tokens.append(self._unknown)
            lengths.append(len(tokens) - start)
        check_tokens(tokens, lengths)
        return tokens, lengths

    def _build_analyzer(self):
        """A function that splits one text."""
        if callable(self.analyzer):
            return self.analyzer
        if self.analyzer == "word" and self.tokenizer is self.token_pattern is None:
            raise ValueError("token_pattern must be a str where tokenizer is None.")
        vectorizer = CountVectorizer(
            analyzer=self.analyzer,
            lowercase=self.lowercase,
            tokenizer=self.tokenizer,
            token_pattern=self.token_pattern,
            strip_accents=self.strip_accents,
        )
        try:
            return vectorizer.build_analyzer()
        except re.error as error:
            raise ValueError(
                f"token_pattern must be a regular expression. Got {self.token_pattern!r}: "
                f"{error}."
            ) from error

    def _encode(self, tokens, lengths):
        ids = map(self.vocabulary_.get, tokens, repeat(0))
        return from_stacked(np.fromiter(ids, np.int32, len(tokens)), lengths)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags


def as_texts(X):
    """X as a list of texts."""
    if isinstance(X, str):
        raise ValueError(
            "Iterable over raw text documents expected, string object received."
        )
    if not hasattr(X, "__iter__"):
        raise TypeError(f"X must be an iterable of texts. Got {type(X).__name__}.")
    if hasattr(X, "columns") or getattr(X, "ndim", 1) != 1:
        X = np.asarray(X)
        if X.ndim != 2 or X.shape[1] != 1:
            raise ValueError(f"X must be a single column of texts. Got shape {X.shape}.")
        X = X[:, 0]
    texts = X.to_list() if hasattr(X, "to_list") else list(X)
    if not texts:
        raise ValueError("X is empty: at least one text is required.")
    return texts


def check_tokens(tokens, lengths):
    """Say which text has a token that is not a string."""
    if all(issubclass(kind, str) for kind in set(map(type, tokens))):
        return
    at, token = next(
        (at, token) for at, token in enumerate(tokens) if not isinstance(token, str)
    )
    i = np.searchsorted(np.cumsum(lengths), at, side="right")
    raise TypeError(
        f"Tokens must be strings. Got {token!r:.50} of type {type(token).__name__} in "
        f"X[{i}]."
    )
