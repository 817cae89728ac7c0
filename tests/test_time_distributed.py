"""TimeDistributed beside the same thing done by hand on the stacked steps."""

import pickle

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.compose import ColumnTransformer, make_column_transformer
from sklearn.decomposition import PCA, IncrementalPCA
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    SplineTransformer,
    StandardScaler,
)
from sklearn.utils.estimator_checks import check_estimator

from skbptt import RNNRegressor
from skbptt.preprocessing import TimeDistributed, pad_sequences

rng = np.random.RandomState(0)
LENGTHS = rng.randint(2, 9, 30)
X = [rng.standard_normal((n, 3)) * [1, 10, 100] + 5 for n in LENGTHS]
STEPS = np.concatenate(X)
Y = np.array([x[-1, 0] for x in X])


def by_hand(transformer, target=None):
    return np.split(transformer.fit_transform(STEPS, target), np.cumsum(LENGTHS)[:-1])


def assert_same(got, expected):
    assert len(got) == len(expected)
    for a, b in zip(got, expected):
        np.testing.assert_allclose(a, b, rtol=1e-12)


@pytest.mark.parametrize(
    "transformer",
    [
        StandardScaler(),
        PCA(2),
        SplineTransformer(4),
        make_pipeline(MinMaxScaler(), PCA(2)),
        ColumnTransformer(
            [("scaled", StandardScaler(), [1]), ("kept", "passthrough", [0])]
        ),
    ],
)
def test_every_form_of_sequences(transformer):
    expected = by_hand(clone(transformer))
    model = TimeDistributed(transformer)
    as_list = model.fit(X).transform(X)
    assert isinstance(as_list, list)
    assert_same(as_list, expected)
    objects = np.empty(len(X), object)
    objects[:] = X
    got = model.fit_transform(objects)
    assert got.dtype == object
    assert_same(got, expected)
    padded = model.fit_transform(pad_sequences(X))
    np.testing.assert_allclose(padded, pad_sequences(expected), rtol=1e-12)
    dense = np.stack([x[:2] for x in X])
    np.testing.assert_allclose(
        model.transform(dense)[4], model.transformer_.transform(dense[4]), rtol=1e-12
    )
    assert model.n_features_in_ == 3


@pytest.mark.parametrize("transformer", [StandardScaler(), PCA(1), MinMaxScaler()])
def test_check_estimator_on_two_dimensions(transformer):
    results = check_estimator(TimeDistributed(transformer), on_fail=None, on_skip=None)
    assert len(results) >= 40
    assert {result["status"] for result in results} == {"passed"}


def test_two_dimensions_are_univariate_sequences():
    table = rng.standard_normal((20, 7)) + 3
    scaler = TimeDistributed(StandardScaler()).fit(table)
    expected = (table - table.mean()) / table.std()
    np.testing.assert_allclose(scaler.transform(table), expected, rtol=1e-12)
    np.testing.assert_allclose(
        scaler.inverse_transform(scaler.transform(table)), table, rtol=1e-12
    )
    wide = TimeDistributed(SplineTransformer(4)).fit_transform(table)
    assert wide.shape == (20, 7, 6)
    column = SplineTransformer(4).fit_transform(table.reshape(-1, 1))
    np.testing.assert_allclose(wide.reshape(140, 6), column)


def test_inverse_transform_is_the_way_back():
    model = TimeDistributed(make_pipeline(StandardScaler(), PCA())).fit(X)
    assert_same(model.inverse_transform(model.transform(X)), X)
    padded = pad_sequences(X)
    np.testing.assert_allclose(model.inverse_transform(model.transform(padded)), padded)


def test_partial_fit_is_a_fit_in_parts():
    parts = TimeDistributed(StandardScaler())
    for start in range(0, 30, 10):
        parts.partial_fit(X[start : start + 10])
    whole = TimeDistributed(StandardScaler()).fit(X)
    np.testing.assert_allclose(parts.transformer_.mean_, whole.transformer_.mean_)
    assert_same(parts.transform(X), whole.transform(X))
    assert hasattr(TimeDistributed(IncrementalPCA()), "partial_fit")
    assert not hasattr(TimeDistributed(PCA()), "partial_fit")


def test_targets_go_with_the_steps():
    of_steps = [x[:, 2] for x in X]
    stacked = np.concatenate(of_steps)
    selected = TimeDistributed(SelectKBest(f_regression, k=1)).fit_transform(X, of_steps)
    assert_same(selected, [x[:, 2:] for x in X])
    padded = TimeDistributed(SelectKBest(f_regression, k=1))
    padded.fit(pad_sequences(X), pad_sequences(of_steps))
    expected = f_regression(STEPS, stacked)[0]
    np.testing.assert_allclose(padded.transformer_.scores_, expected)
    of_sequences = TimeDistributed(SelectKBest(f_regression, k=1)).fit(X, Y)
    expected = f_regression(STEPS, np.repeat(Y, LENGTHS))[0]
    np.testing.assert_allclose(of_sequences.transformer_.scores_, expected)


def test_weights_and_their_routing():
    weights = rng.uniform(size=30)
    mean = np.average(STEPS, axis=0, weights=np.repeat(weights, LENGTHS))
    scaler = TimeDistributed(StandardScaler()).fit(X, sample_weight=weights)
    np.testing.assert_allclose(scaler.transformer_.mean_, mean)
    with config_context(enable_metadata_routing=True):
        inner = StandardScaler().set_fit_request(sample_weight=True)
        model = RNNRegressor(2, max_iter=1, random_state=0).set_fit_request(
            sample_weight=True
        )
        pipeline = make_pipeline(TimeDistributed(inner), model)
        pipeline.fit(X, Y, sample_weight=weights)
        np.testing.assert_allclose(pipeline[0].transformer_.mean_, mean)
        expected = clone(model).fit(scaler.transform(X), Y, weights)
        np.testing.assert_array_equal(
            pipeline.predict(X), expected.predict(scaler.transform(X))
        )


def test_words_and_sparse_output():
    words = [np.array([["a"], ["b"]], object), np.array([["c"]], object)]
    encoded = TimeDistributed(OneHotEncoder()).fit_transform(words)
    assert_same(encoded, [[[1, 0, 0], [0, 1, 0]], [[0, 0, 1]]])


def test_gaps_are_filled_and_padding_is_kept():
    holes = pad_sequences(X)
    holes[0, 0, 1] = np.nan
    filled = TimeDistributed(SimpleImputer()).fit_transform(holes)
    assert filled[0, 0, 1] == pytest.approx(np.nanmean(holes[..., 1]))
    assert (np.isnan(filled) == np.isnan(pad_sequences(X))).all()


def frames_of(library):
    module = pytest.importorskip(library)
    return [module.DataFrame(dict(zip("abc", x.T))) for x in X]


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_data_frames_by_column_names(library):
    frames = frames_of(library)
    columns = ColumnTransformer(
        [("scaled", StandardScaler(), ["b"]), ("kept", "passthrough", ["a"])]
    )
    model = TimeDistributed(columns).fit(frames)
    expected = by_hand(
        ColumnTransformer([("scaled", StandardScaler(), [1]), ("kept", "passthrough", [0])])
    )
    assert_same(model.transform(frames), expected)
    np.testing.assert_array_equal(model.feature_names_in_, ["a", "b", "c"])
    np.testing.assert_array_equal(model.get_feature_names_out(), ["scaled__b", "kept__a"])
    framed = TimeDistributed(StandardScaler().set_output(transform=library))
    back = framed.fit_transform(frames)
    assert type(back[3]) is type(frames[3])
    assert list(back[3].columns) == ["a", "b", "c"]
    assert_same([np.asarray(frame) for frame in back], by_hand(StandardScaler()))
    with pytest.raises(ValueError, match="feature names should match"):
        model.transform([frame[["b", "a", "c"]] for frame in frames])


def test_a_pipeline_that_asks_for_frames_still_works():
    pytest.importorskip("pandas")
    pipeline = make_pipeline(
        TimeDistributed(StandardScaler()), RNNRegressor(2, max_iter=1, random_state=0)
    )
    plain = clone(pipeline).fit(X, Y).predict(X)
    pipeline.set_output(transform="pandas")
    np.testing.assert_array_equal(pipeline.fit(X, Y).predict(X), plain)
    assert list(pipeline[:-1].transform(X)[0].columns) == ["x0", "x1", "x2"]
    dense = pipeline[:-1].transform(pad_sequences(X))
    np.testing.assert_allclose(dense, pad_sequences(by_hand(StandardScaler())))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_search_over_the_whole_pipeline_in_two_processes():
    pipeline = make_pipeline(
        TimeDistributed(StandardScaler()), RNNRegressor(max_iter=4, random_state=0)
    )
    grid = {
        "timedistributed__transformer": [StandardScaler(), MinMaxScaler()],
        "rnnregressor__hidden_layer_sizes": [2, (3, 2)],
        "rnnregressor__cell": ["rnn", "gru", "lstm"],
        "rnnregressor__solver": ["adam", "lbfgs"],
    }
    found = [
        GridSearchCV(pipeline, grid, cv=2, n_jobs=n_jobs).fit(X, Y).cv_results_
        for n_jobs in (1, 2)
    ]
    scores = found[0]["mean_test_score"]
    np.testing.assert_array_equal(found[1]["mean_test_score"], scores)
    assert np.isfinite(scores).all()
    assert len(set(scores)) == len(scores)


def test_pickle_and_clone():
    model = TimeDistributed(StandardScaler(with_mean=False)).fit(X)
    assert_same(pickle.loads(pickle.dumps(model)).transform(X), model.transform(X))
    assert clone(model).get_params()["transformer__with_mean"] is False
    with pytest.raises(NotFittedError):
        clone(model).transform(X)


class DropsRows(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X[1:]


def test_bad_input_leaves_it_as_it_was():
    model = TimeDistributed(StandardScaler()).fit(X)
    before = pickle.dumps(model)
    calls = [
        (lambda: model.transform(np.zeros((3, 4))), "X is 2-D"),
        (lambda: model.transform([x[:, :2] for x in X]), "expecting 3 features"),
        (lambda: model.fit([*X, np.zeros((2, 4))]), r"X\[30\] has 4"),
        (lambda: model.fit([]), "X is empty"),
        (lambda: model.fit([np.array([[np.inf]])]), "infinity"),
        (lambda: model.partial_fit(np.zeros((3, 4))), "X is 2-D"),
    ]
    for call, match in calls:
        with pytest.raises(ValueError, match=match):
            call()
        assert pickle.dumps(model) == before
    with pytest.raises(ValueError, match="made .* rows of .* steps"):
        TimeDistributed(DropsRows()).fit_transform(X)


@pytest.mark.parametrize("form", ["list", "padded"])
def test_weights_of_steps(form):
    rng = np.random.default_rng(0)
    x = [rng.normal(size=(n, 2)) for n in (4, 2, 5)]
    weights = [rng.uniform(size=len(one)) for one in x]
    by_hand = StandardScaler().fit(np.concatenate(x), None, np.concatenate(weights))
    if form == "padded":
        x, weights = pad_sequences(x), pad_sequences(weights)
    scaler = TimeDistributed(StandardScaler()).fit(x, sample_weight=weights)
    np.testing.assert_array_equal(scaler.transformer_.mean_, by_hand.mean_)


def test_objects_in_three_dimensions():
    """Words beside numbers, for an encoder."""
    x = np.array([[[1.0, "a"], [2.0, "b"]], [[3.0, "b"], [4.0, "a"]]], dtype=object)
    encode = make_column_transformer((OrdinalEncoder(), [1]), remainder="passthrough")
    made = TimeDistributed(encode).fit_transform(x)
    np.testing.assert_array_equal(made, [[[0, 1], [1, 2]], [[1, 3], [0, 4]]])


@pytest.mark.parametrize("given", [LinearRegression(), StandardScaler, None, "passthrough"])
def test_what_does_not_transform(given):
    with pytest.raises(TypeError, match="transformer must be an instance with the methods"):
        TimeDistributed(given).fit(np.zeros((2, 3, 1)))
