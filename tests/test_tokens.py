"""TokenEncoder, against CountVectorizer and counts by hand."""

import re
from collections import Counter

import numpy as np
import pandas
import polars
import pytest
import sklearn
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.model_selection import GridSearchCV, KFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import estimator_checks, get_tags

from skbptt.preprocessing import TokenEncoder

TEXTS = [
    "A good film, a GOOD film!",
    "It's a bad film.",
    "Café: good; naïve",
    "don't panic 42 times",
    "a  b\tc",
]
CHARS = "\N{REPLACEMENT CHARACTER}"
words = st.sampled_from(["the", "a", "film", "not", ".", "!", "naïve", "straße"])
documents = st.lists(st.lists(words, max_size=9), min_size=1, max_size=8).filter(any)


def assert_ids(got, expected):
    assert got.dtype == object
    assert [ids.tolist() for ids in got] == expected
    assert all(ids.dtype == np.int32 and ids.ndim == 1 for ids in got)


def by_hand(documents, min_frequency=1, max_tokens=None):
    """Ids of the tokens: by descending count, then by name."""
    counts = Counter(token for tokens in documents for token in tokens)
    ranked = sorted(sorted(counts), key=counts.get, reverse=True)
    kept = [token for token in ranked if counts[token] >= min_frequency][:max_tokens]
    return {token: i + 1 for i, token in enumerate(kept)}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"lowercase": False},
        {"strip_accents": "ascii"},
        {"strip_accents": str.swapcase},
        {"token_pattern": r"(?u)\b\w\w+\b"},
        {"token_pattern": r"(\w)\w*"},
        {"tokenizer": str.split, "token_pattern": None},
        {"analyzer": "char"},
        {"analyzer": "char", "lowercase": False, "strip_accents": "unicode"},
        {"analyzer": str.split},
    ],
)
@pytest.mark.parametrize("cut", [{}, {"min_frequency": 2}, {"max_tokens": 3}])
def test_tokens_and_counts_are_those_of_count_vectorizer(options, cut):
    reference = CountVectorizer(token_pattern=TokenEncoder().token_pattern)
    reference.set_params(**options)
    documents = list(map(reference.build_analyzer(), TEXTS))
    vocabulary = by_hand(documents, **cut)
    expected = [
        [vocabulary.get(token, 0) for token in tokens] or [0] for tokens in documents
    ]

    encoder = TokenEncoder(**options, **cut)
    assert_ids(encoder.fit_transform(TEXTS), expected)
    assert encoder.vocabulary_ == vocabulary
    assert_ids(clone(encoder).fit(TEXTS).transform(TEXTS), expected)

    reference.set_params(vocabulary=list(vocabulary), token_pattern=None)
    if options.get("tokenizer") is None:
        reference.set_params(token_pattern=encoder.token_pattern)
    counts = np.stack(
        [np.bincount(ids, minlength=len(vocabulary) + 1)[1:] for ids in expected]
    )
    np.testing.assert_array_equal(reference.transform(TEXTS).toarray(), counts)


def test_default_tokens():
    split = TokenEncoder().fit(["I don't: it's 3.5 (très_bien)... 好!"])
    assert split.inverse_transform(split.transform(["I don't: it's 3.5!", "a"])) == [
        ["i", "don", "'", "t", ":", "it", "'", "s", "3", ".", "5", "!"],
        ["<unk>"],
    ]


@given(documents, st.integers(1, 3), st.none() | st.integers(1, 4), st.randoms())
def test_known_tokens_come_back(documents, min_frequency, max_tokens, random):
    encoder = TokenEncoder(min_frequency=min_frequency, max_tokens=max_tokens)
    known = by_hand(documents, min_frequency, max_tokens)
    if not known:
        with pytest.raises(ValueError, match="Empty vocabulary"):
            encoder.fit(documents)
        return
    ids = encoder.fit_transform(documents)
    expected = [
        [token if token in known else "<unk>" for token in tokens] or ["<unk>"]
        for tokens in documents
    ]
    decoded = encoder.inverse_transform(ids)
    assert decoded == expected
    assert_ids(encoder.transform(decoded), [x.tolist() for x in ids])

    texts = [" ".join(tokens) for tokens in documents]
    random.shuffle(texts)
    assert list(clone(encoder).fit(texts).vocabulary_.items()) == list(known.items())


@given(st.lists(st.text(), min_size=1).filter(any), st.text())
def test_characters_come_back_as_strings(texts, other):
    encoder = TokenEncoder("char", lowercase=False)
    try:
        ids = encoder.fit_transform(texts)
    except ValueError:
        assert set("".join(texts)) <= {CHARS}
        return

    def read(text):
        return re.sub(r"\s\s+", " ", text) or CHARS

    assert encoder.inverse_transform(ids) == list(map(read, texts))
    (decoded,) = encoder.inverse_transform(encoder.transform([other]))
    known = set("".join(map(read, texts)))
    assert decoded == "".join(c if c in known else CHARS for c in read(other))
    assert_ids(encoder.transform([decoded]), [encoder.transform([other])[0].tolist()])


def test_names_by_id():
    encoder = TokenEncoder().fit(["b a b c", "<unk>"])
    names = encoder.get_feature_names_out()
    # The default pattern splits the name of the unknown token.
    assert names.tolist() == ["<unk>", "b", "<", ">", "a", "c", "unk"]
    assert {name: i for i, name in enumerate(names)} == {"<unk>": 0} | encoder.vocabulary_
    letters = TokenEncoder("char").fit(["ba b"])
    assert letters.get_feature_names_out().tolist() == [CHARS, "b", " ", "a"]


@pytest.mark.parametrize(
    ("encoder", "texts", "expected"),
    [
        (TokenEncoder(token_pattern=r"\S+"), ["a <unk> a", "<UNK> b"], [[1, 0, 1], [0, 2]]),
        (TokenEncoder(), [["a", "<unk>", "a"], ["<unk>", "b"]], [[1, 0, 1], [0, 2]]),
        (TokenEncoder("char"), [f"a{CHARS}a", f"{CHARS}b"], [[1, 0, 1], [0, 2]]),
    ],
)
def test_the_name_of_the_unknown_token_is_read_as_such(encoder, texts, expected):
    assert_ids(encoder.fit_transform(texts), expected)
    assert len(encoder.vocabulary_) == 2


@pytest.mark.parametrize("analyzer", ["word", "char"])
def test_a_text_without_tokens_is_one_unknown_token(analyzer):
    encoder = TokenEncoder(analyzer)
    assert_ids(encoder.fit_transform(["a a", "", []])[1:], [[0], [0]])
    assert_ids(encoder.transform([(), "", np.array([])]), [[0], [0], [0]])
    assert_ids(TokenEncoder().fit(["a"]).transform([" \n"]), [[0]])


def test_split_texts_are_not_changed():
    texts = [["A", "good film", "É"], ("a", "A"), np.array(["good film"])]
    encoder = TokenEncoder(strip_accents="ascii")
    assert_ids(encoder.fit_transform(texts), [[1, 2, 4], [3, 1], [2]])
    assert encoder.vocabulary_ == {"A": 1, "good film": 2, "a": 3, "É": 4}
    assert {type(token) for token in encoder.vocabulary_} == {str}
    # Texts that are not split still are.
    assert_ids(encoder.transform(["A É", ["A É", "É"]]), [[3, 0], [0, 4]])


def test_a_callable_is_given_the_items_as_they_are():
    def pairs(item):
        return (a + b for a, b in zip(item["tokens"], item["tokens"][1:]))

    items = [{"tokens": "ABCAB"}, {"tokens": ["x"]}]
    assert_ids(TokenEncoder(pairs).fit_transform(items), [[1, 2, 3, 1], [0]])


CONTAINERS = {
    "tuple": tuple,
    "generator": iter,
    "object array": lambda x: np.array(x, object),
    "str array": np.array,
    "column of an array": lambda x: np.array(x)[:, np.newaxis],
    "pandas": lambda x: pandas.Series(x, index=range(len(x), 0, -1), name="text"),
    "pandas frame": lambda x: pandas.DataFrame({"text": x}),
    "polars": polars.Series,
    "polars frame": lambda x: polars.DataFrame({"text": x}),
}


@pytest.mark.parametrize("container", CONTAINERS)
def test_containers_of_texts(container):
    contain = CONTAINERS[container]
    expected = TokenEncoder().fit(TEXTS)
    encoder = TokenEncoder().fit(contain(TEXTS))
    assert encoder.vocabulary_ == expected.vocabulary_
    ids = [x.tolist() for x in expected.transform(TEXTS)]
    assert_ids(encoder.transform(contain(TEXTS)), ids)
    assert_ids(clone(encoder).fit_transform(contain(TEXTS)), ids)


@pytest.mark.parametrize("series", [pandas.Series, polars.Series])
def test_series_of_lists(series):
    texts = series(["a b", "b"]).str.split(" ")
    assert_ids(TokenEncoder().fit_transform(texts), [[2, 1], [1]])


class CountingClassifier(ClassifierMixin, BaseEstimator):
    """A classifier of sequences of ids, which counts them."""

    def fit(self, X, y):
        self.n_ids_ = 1 + max(map(max, X))
        self.model_ = DecisionTreeClassifier(random_state=0).fit(self.count(X), y)
        self.classes_ = self.model_.classes_
        return self

    def predict(self, X):
        return self.model_.predict(self.count(X))

    def count(self, X):
        return [np.bincount(x, minlength=self.n_ids_)[: self.n_ids_] for x in X]


# Each text has a word that no other has, but one, which is empty.
REVIEWS = [f"{word} w{i}" for i, word in enumerate(["good", "bad", "fine"] * 8)] + [""]
LABELS = ["good" in review for review in REVIEWS]
PIPELINE = make_pipeline(TokenEncoder(), CountingClassifier())


def test_cross_validation_fits_on_the_training_part_only():
    folds = cross_validate(
        PIPELINE, REVIEWS, LABELS, cv=KFold(3), return_estimator=True, return_indices=True
    )
    for model, train, test in zip(
        folds["estimator"], folds["indices"]["train"], folds["indices"]["test"]
    ):
        training = [re.findall(r"\w+", REVIEWS[i]) for i in train]
        assert model[0].vocabulary_ == by_hand(training)
        assert all(model[0].transform([f"w{i}"])[0] == [0] for i in test)
    np.testing.assert_array_equal(folds["test_score"], 1)


def test_grid_search():
    grid = {"tokenencoder__min_frequency": [1, 2], "tokenencoder__max_tokens": [1, 3]}
    search = GridSearchCV(PIPELINE, grid, cv=KFold(3)).fit(pandas.Series(REVIEWS), LABELS)
    # With one token, which is "bad" by the alphabet, "good" and "fine" look alike.
    one_token, three_tokens = search.cv_results_["mean_test_score"].reshape(2, 2)
    np.testing.assert_array_equal(three_tokens, 1)
    assert (one_token < 1).all()
    assert list(search.best_estimator_[0].vocabulary_) == ["bad", "fine", "good"]


def test_data_frames_may_be_asked_for():
    """Sequences are given as an array all the same."""
    expected = [x.tolist() for x in TokenEncoder().fit_transform(TEXTS)]
    for output in ("pandas", "polars"):
        pipeline = make_pipeline(TokenEncoder()).set_output(transform=output)
        assert_ids(pipeline.fit_transform(pandas.Series(TEXTS)), expected)
        with sklearn.config_context(transform_output=output):
            assert_ids(TokenEncoder().fit_transform(TEXTS), expected)


def test_tags_are_those_of_count_vectorizer():
    tags, expected = get_tags(TokenEncoder()), get_tags(CountVectorizer())
    assert tags.input_tags == expected.input_tags
    assert tags.requires_fit
    assert not tags.target_tags.required


@pytest.mark.parametrize(
    "name",
    [
        "check_estimator_cloneable",
        "check_no_attributes_set_in_init",
        "check_parameters_default_constructible",
        "check_get_params_invariance",
        "check_set_params",
        "check_param_validation",
        "check_estimator_repr",
        "check_estimator_tags_renamed",
        "check_valid_tag_types",
        "check_mixin_order",
        "check_estimators_unfitted",
    ],
)
def test_checks_of_scikit_learn(name):
    """Those that need no numbers; check_estimator itself runs one for text transformers."""
    getattr(estimator_checks, name)("TokenEncoder", TokenEncoder())


ENCODER = TokenEncoder().fit(TEXTS)
IDS = "must be a 1-D array of integers from 0 to 21"


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: ENCODER.fit("text"), ValueError, "^Iterable over raw text documents exp"),
        (lambda: ENCODER.transform("text"), ValueError, "string object received.$"),
        (lambda: ENCODER.fit(3), TypeError, "X must be an iterable of texts. Got int"),
        (lambda: ENCODER.fit(None), TypeError, "X must be an iterable .* Got NoneType"),
        (lambda: ENCODER.fit([]), ValueError, "X is empty"),
        (lambda: ENCODER.transform(iter([])), ValueError, "X is empty"),
        (lambda: ENCODER.fit(np.array("text")), ValueError, r"single column.*shape \(\)"),
        (
            lambda: ENCODER.fit(pandas.DataFrame({"a": ["x"], "b": ["y"]})),
            ValueError,
            r"X must be a single column of texts. Got shape \(1, 2\)",
        ),
        (lambda: ENCODER.fit(np.zeros((2, 3, 1))), ValueError, r"shape \(2, 3, 1\)"),
        (
            lambda: ENCODER.transform(["a", np.nan]),
            TypeError,
            r"X\[1\] must be a text \(str\) or a list of tokens. Got nan of type float. A",
        ),
        (lambda: ENCODER.fit(["a", None]), TypeError, r"X\[1\] must be.*NoneType"),
        (lambda: ENCODER.fit([b"a"]), TypeError, r"X\[0\] must be.*b'a' of type bytes"),
        (lambda: ENCODER.fit(pandas.Series(["a", pandas.NA])), TypeError, r"X\[1\]"),
        (lambda: ENCODER.fit(polars.Series(["a", None])), TypeError, r"X\[1\]"),
        (lambda: ENCODER.fit(np.zeros((2, 1))), TypeError, r"X\[0\] must be a text"),
        (
            lambda: ENCODER.fit(["a b", [], ["a", 7]]),
            TypeError,
            r"Tokens must be strings. Got 7 of type int in X\[2\]",
        ),
        (lambda: ENCODER.transform([[1], ["a"]]), TypeError, r"of type int in X\[0\]"),
        (lambda: ENCODER.transform([[["a"]]]), TypeError, r"of type list in X\[0\]"),
        (lambda: TokenEncoder(lambda x: [x]).fit([1]), TypeError, r"int in X\[0\]"),
        (
            lambda: TokenEncoder(min_frequency=3).fit(["a b", "a"]),
            ValueError,
            "no token occurs min_frequency=3 times in X. The most frequent .* 2 times",
        ),
        (lambda: TokenEncoder().fit(["", []]), ValueError, "Empty vocabulary.* 0 times"),
        (lambda: TokenEncoder("char_wb").fit(TEXTS), ValueError, "'analyzer'.*'char_wb'"),
        (lambda: TokenEncoder(lowercase="no").fit(TEXTS), ValueError, "'lowercase'"),
        (lambda: TokenEncoder(tokenizer="x").fit(TEXTS), ValueError, "'tokenizer'"),
        (lambda: TokenEncoder(token_pattern=1).fit(TEXTS), ValueError, "'token_pattern'"),
        (
            lambda: TokenEncoder(token_pattern="(").fit(TEXTS),
            ValueError,
            r"token_pattern must be a regular expression. Got '\(': missing \)",
        ),
        (
            lambda: TokenEncoder(token_pattern="(a)(b)").fit(TEXTS),
            ValueError,
            "More than 1 capturing group in token pattern",
        ),
        (
            lambda: TokenEncoder(token_pattern=None).fit(TEXTS),
            ValueError,
            "token_pattern must be a str where tokenizer is None",
        ),
        (lambda: TokenEncoder(strip_accents="x").fit(TEXTS), ValueError, "'strip_accents'"),
        (lambda: TokenEncoder(min_frequency=0).fit(TEXTS), ValueError, "'min_frequency'"),
        (lambda: TokenEncoder(min_frequency=0.1).fit(TEXTS), ValueError, "'min_frequency'"),
        (lambda: TokenEncoder(max_tokens=0).fit(TEXTS), ValueError, "'max_tokens'"),
        (lambda: ENCODER.inverse_transform([[1], [22]]), ValueError, rf"X\[1\] {IDS}. Got"),
        (lambda: ENCODER.inverse_transform([[-1]]), ValueError, IDS),
        (lambda: ENCODER.inverse_transform([[1.0]]), ValueError, IDS),
        (lambda: ENCODER.inverse_transform([["a"]]), ValueError, IDS),
        (lambda: ENCODER.inverse_transform([1, 2]), ValueError, rf"X\[0\] {IDS}"),
        (lambda: ENCODER.inverse_transform([[[1]]]), ValueError, IDS),
    ],
)
def test_bad_input(call, error, match):
    before = dict(ENCODER.vocabulary_)
    with pytest.raises(error, match=match):
        call()
    assert ENCODER.vocabulary_ == before


def test_decoding_other_forms_of_ids():
    names = ENCODER.get_feature_names_out()
    assert ENCODER.inverse_transform(np.array([[1, 2], [0, 3]], np.uint8)) == [
        names[[1, 2]].tolist(),
        names[[0, 3]].tolist(),
    ]
    assert ENCODER.inverse_transform([[], [2]]) == [[], [names[2]]]
