"""Tokens and categorical features against one-hot rows, whatever form they come in."""

import numpy as np
import pandas
import polars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbptt import RNNRegressor
from skbptt.data._sequences import object_array
from skbptt.inspection import (
    HiddenStateDisplay,
    SaliencyDisplay,
    hessian_product,
    hidden_states,
    loss_gradient,
    permutation_importance,
    saliency,
)
from skbptt.layers._embedding import sum_by_code, sum_by_code_in_numpy
from skbptt.network import Stack, raw_outputs
from skbptt.preprocessing import TimeDistributed, TokenEncoder
from tests.coded import (
    COLORS,
    IDS,
    LABELS,
    LENGTHS,
    NUMBERS,
    RNG,
    arrays,
    classifier,
    colors,
    folded,
    frames,
    one_hot,
)
from tests.fits import assert_same_model


@pytest.mark.parametrize("cell", ["gru", "lstm", "rnn"])
@pytest.mark.parametrize("start", ["zeros", "learned"])
@pytest.mark.parametrize("n_numbers", [0, 2])
def test_an_embedding_is_a_product_with_one_hot_rows(cell, start, n_numbers):
    """Outputs, gradients of the weights, and the saliency of the 1 of each row."""
    X = arrays() if n_numbers else IDS
    rows = [
        np.hstack([n[:, :n_numbers], one_hot(i)]) for i, n in zip(IDS, NUMBERS, strict=True)
    ]
    options = {"cell": cell, "bidirectional": True, "initial_state": start}
    options |= {"categorical_features": [1]} if n_numbers else {}
    model = classifier(**options, embedding_dim=2).fit(X, LABELS)
    network, theta = folded(model, n_numbers)
    other = classifier(**options | {"categorical_features": None}).fit(rows, LABELS)
    other._network, other._theta = network, theta
    np.testing.assert_allclose(
        other.predict_proba(rows), model.predict_proba(X), rtol=1e-12
    )
    # Without L2, which applies to other matrices here.
    model.alpha = other.alpha = 0.0
    (loss, gradient), (loss_2, gradient_2) = (
        loss_gradient(model, X, LABELS),
        loss_gradient(other, rows, LABELS),
    )
    assert loss == pytest.approx(loss_2, rel=1e-13)
    name = "embedding.x1.W" if n_numbers else "embedding.x0.W"
    expected = 0
    for side in ("forward", "backward"):
        key = f"layers.0.{side}.W"
        dW = gradient_2[key]
        expected = expected + dW[n_numbers:] @ model.weights_[key][n_numbers:].T
        of_vectors = model.weights_[name].T @ dW[n_numbers:]
        np.testing.assert_allclose(gradient[key][n_numbers:], of_vectors, atol=1e-13)
        np.testing.assert_allclose(gradient[key][:n_numbers], dW[:n_numbers], atol=1e-13)
        if start == "learned":
            key = f"layers.0.{side}.h_0"
            np.testing.assert_allclose(gradient[key], gradient_2[key], atol=1e-13)
    np.testing.assert_allclose(gradient[name], expected, atol=1e-13)
    for mine, theirs, ids in zip(saliency(model, X), saliency(other, rows), IDS):
        of_token = theirs[np.arange(len(ids)), n_numbers + ids // 3]
        mine = mine[:, 1] if n_numbers else mine
        np.testing.assert_allclose(mine, of_token, atol=1e-13)


FORMS = {
    "frames": (frames(), "from_dtype", "color"),
    "frames, by name": (frames(), ["color"], "color"),
    "polars": (frames(polars), "from_dtype", "color"),
    "text by index": (arrays(colors, object), [1], "x1"),
    "text by mask": (arrays(colors, object), [False, True, False], "x1"),
    "objects": (object_array(arrays(colors, object)), np.array([1]), "x1"),
    "numbers": (arrays(), [1], "x1"),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_the_same_fit(form):
    X, which, name = FORMS[form]
    model = classifier(categorical_features=which).fit(X, LABELS)
    expected = classifier(categorical_features=[1]).fit(arrays(), LABELS)
    assert model.weights_[f"embedding.{name}.W"].shape == (5, 3)
    np.testing.assert_array_equal(model._theta, expected._theta)
    np.testing.assert_array_equal(model.predict_proba(X), expected.predict_proba(arrays()))
    np.testing.assert_array_equal(model.is_categorical_, [False, True, False])
    categories = [0, 3, 6, 9, 12] if form == "numbers" else COLORS
    np.testing.assert_array_equal(model.categories_[0], categories)


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.uint8])
def test_forms_of_tokens(dtype):
    """Arrays, lists of unequal length, and rows of a table where fit knows of tokens."""
    ids = [i.astype(dtype) for i in IDS]
    model = classifier().fit(ids, LABELS)
    assert model.n_features_in_ == 1
    assert model._theta.dtype == (np.float64 if dtype == np.int64 else np.float32)
    same = classifier().fit(object_array(ids), LABELS)
    np.testing.assert_array_equal(model._theta, same._theta)
    same = classifier().fit([i.tolist() for i in IDS], LABELS)
    np.testing.assert_allclose(same._theta, model._theta, rtol=1e-3, atol=1e-5)
    table = [[3, 6, 0], [12, 0, 0]]
    expected = model.predict_proba([np.array(row) for row in table])
    np.testing.assert_array_equal(model.predict_proba(table), expected)
    np.testing.assert_array_equal(model.predict_proba(np.array(table)), expected)
    apart = [model.predict_proba([np.array(row)])[0] for row in table]
    np.testing.assert_allclose(apart, expected, rtol=1e-5)


def test_a_table_of_categories():
    """A 2-D X has one feature, which may be categorical."""
    X = RNG.randint(0, 4, (30, 5))
    y = (X == 2).any(axis=1).astype(int)
    model = classifier(categorical_features=[0]).fit(X, y)
    tokens = classifier().fit(list(X), y)
    np.testing.assert_array_equal(model._theta, tokens._theta)
    text = COLORS[X]
    same = classifier(categorical_features=[True]).fit(text, y)
    np.testing.assert_array_equal(same._theta, model._theta)
    frame = pandas.DataFrame({c: pandas.Categorical(text[:, c]) for c in range(5)})
    np.testing.assert_array_equal(classifier().fit(frame, y)._theta, model._theta)


def test_unseen_categories_have_the_vector_zero():
    """So has a missing one that fit has not seen."""
    model = classifier(categorical_features=["color"]).fit(frames(), LABELS)
    X = frames()[:3]
    for value in ("purple", None, np.nan):
        other = [x.assign(color=pandas.Series([value] * len(x), dtype=object)) for x in X]
        zeroed = classifier(categorical_features=["color"]).fit(frames(), LABELS)
        zeroed._theta = zeroed._theta.copy()
        zeroed._network.layout.views(zeroed._theta)["embedding.color.W"][:] = 0
        np.testing.assert_array_equal(model.predict_proba(other), zeroed.predict_proba(X))


@pytest.mark.parametrize("gone", [None, np.nan, pandas.NA])
def test_missing_is_a_category(gone):
    """As if it were another one, that comes last."""
    X = arrays(colors, object)
    with_missing, with_last = ([x.copy() for x in X] for _ in range(2))
    for one, other in zip(with_missing, with_last):
        red = one[:, 1] == "red"
        one[red, 1], other[red, 1] = gone, "zzz"
    options = {"categorical_features": [1]}
    model = classifier(**options).fit(with_missing, LABELS)
    expected = classifier(**options).fit(with_last, LABELS)
    np.testing.assert_array_equal(model._theta, expected._theta)
    last = model.categories_[0][-1]
    assert last != last
    np.testing.assert_array_equal(
        model.predict_proba(with_missing), expected.predict_proba(with_last)
    )


def test_missing_numbers_are_a_category_as_well():
    X = arrays()
    for x in X:
        x[x[:, 1] == 12, 1] = np.nan
    model = classifier(categorical_features=[1]).fit(X, LABELS)
    expected = classifier(categorical_features=[1]).fit(arrays(), LABELS)
    np.testing.assert_array_equal(model._theta, expected._theta)
    np.testing.assert_array_equal(model.categories_[0], [0, 3, 6, 9, np.nan])


def test_padding_of_arrays_with_categories():
    """Trailing steps that are all missing are padding; others have a missing category."""
    width = LENGTHS.max()
    dense = np.full((len(IDS), width, 3), np.nan)
    for row, x in zip(dense, arrays()):
        row[: len(x)] = x
    model = classifier(categorical_features=[1]).fit(dense, LABELS)
    expected = classifier(categorical_features=[1]).fit(arrays(), LABELS)
    np.testing.assert_array_equal(model._theta, expected._theta)


WEIGHTS = RNG.randint(0, 3, len(IDS))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("form", ["tokens", "frames", "text by index"])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_weights_are_repetitions(form, solver):
    """To the bit; a category of weightless sequences alone is not there."""
    X = IDS if form == "tokens" else FORMS[form][0]
    which = "from_dtype" if form == "tokens" else FORMS[form][1]
    weights = WEIGHTS.copy()
    weights[[9 in ids for ids in IDS]] = 0
    order = RNG.permutation(np.repeat(np.arange(len(IDS)), weights))
    options = {"solver": solver, "categorical_features": which}
    model = classifier(**options).fit(X, LABELS, sample_weight=weights)
    repeated = classifier(**options).fit([X[i] for i in order], LABELS[order])
    assert_same_model(model, repeated)
    assert len(model.categories_[0]) == 4
    threads = classifier(**options, n_jobs=2).fit(X, LABELS, sample_weight=weights)
    np.testing.assert_array_equal(threads._theta, model._theta)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("form", ["tokens", "frames"])
def test_training_goes_on(form):
    X = IDS if form == "tokens" else frames()
    options = {"learning_rate": "constant", "max_iter": 4}
    whole = classifier(**options | {"max_iter": 8}).fit(X, LABELS)
    parts = classifier(**options, warm_start=True).fit(X, LABELS).fit(X, LABELS)
    np.testing.assert_array_equal(parts._theta, whole._theta)
    parts.partial_fit(X[:3], LABELS[:3])
    assert [len(c) for c in parts.categories_] == [5]
    with pytest.raises(ValueError, match="embedding_dim was 'auto' and is 7"):
        parts.set_params(embedding_dim=7).fit(X, LABELS)


@pytest.mark.parametrize("scoring", ["loss", "accuracy"])
@pytest.mark.parametrize("form", ["tokens", "frames"])
def test_early_stopping(form, scoring):
    """The score on the data held back is that of the weights kept."""
    X = IDS if form == "tokens" else frames()
    model = classifier(early_stopping=True, scoring=scoring, max_iter=20)
    model.fit(X, LABELS, X_val=X[:15], y_val=LABELS[:15])
    proba = model.predict_proba(X[:15])[np.arange(15), LABELS[:15]]
    expected = {
        "loss": np.log(proba).mean(),
        "accuracy": model.score(X[:15], LABELS[:15]),
    }
    assert model.best_validation_score_ == pytest.approx(expected[scoring], rel=1e-6)


def test_step_targets_and_their_score():
    y = [(ids == 6).astype(int) for ids in IDS]
    model = classifier(return_sequences=True, max_iter=60, early_stopping=True)
    model.fit(IDS, y, X_val=IDS, y_val=y)
    assert model.score(IDS, y) == 1
    for of_one, expected in zip(model.predict(IDS), y):
        np.testing.assert_array_equal(of_one, expected)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("solver", ["hessian-free", "trust-ncg"])
def test_second_order_solvers(solver):
    """A Hessian product is the difference of gradients, and the solvers converge."""
    options = {"solver": solver, "readout": "mean", "alpha": 0.1, "max_iter": 30}
    model = RNNRegressor(2, embedding_dim=2, random_state=0, **options)
    y = np.array([(ids == 6).mean() for ids in IDS])
    model.fit(IDS, y)
    rng = np.random.RandomState(0)
    v = {name: rng.standard_normal(w.shape) for name, w in model.weights_.items()}
    product = hessian_product(model, IDS, y, v)
    h, sides = 1e-5, []
    flat = np.concatenate([value.ravel() for value in v.values()])
    theta = model._theta
    for sign in (1, -1):
        model._theta = theta + sign * h * flat
        sides.append(loss_gradient(model, IDS, y)[1])
    for name, value in product.items():
        difference = (sides[0][name] - sides[1][name]) / (2 * h)
        np.testing.assert_allclose(value, difference, rtol=1e-5, atol=1e-7)
    model._theta = theta
    assert model.score(IDS, y) > 0.9


def test_relevance_of_tokens():
    """One token decides: it has the largest saliency, and its steps matter."""
    rng = np.random.RandomState(3)
    X = [rng.randint(1, 12, rng.randint(4, 9)) for _ in range(300)]
    y = np.array([(x == 5).any() for x in X]).astype(int)
    model = classifier(max_iter=40, embedding_dim=6, bidirectional=True).fit(X, y)
    assert model.score(X, y) > 0.95
    relevance = saliency(model, X)
    most_relevant = [x[np.argmax(of_one)] for x, of_one in zip(X, relevance) if 5 in x]
    assert np.mean(np.array(most_relevant) == 5) > 0.95
    fall = permutation_importance(model, X, y, random_state=0).importances_mean
    assert fall.shape == (1,)
    assert fall[0] > 0.2
    by_step = permutation_importance(model, X, y, by="step", random_state=0)
    assert (by_step.importances_mean[:4] > 0).all()


def test_pipeline_of_texts():
    texts = ["a good film", "so bad", "good good", "a bad bad film", "very good"] * 4
    y = [1, 0, 1, 0, 1] * 4
    model = make_pipeline(TokenEncoder(), classifier(max_iter=30)).fit(texts, y)
    assert model.score(texts, y) == 1
    # Unknown words alone leave what the other parts of the network say.
    encoded = model[0].transform(["unheard of"])
    zeros = [vector for name, vector in model[-1].weights_.items() if "embedding" in name]
    assert len(zeros[0]) == len(model[0].vocabulary_)
    assert model.predict(["unheard of"]) == model[-1].predict([np.array([10**6, 0])])
    assert encoded[0].tolist() == [0, 0]


@given(st.integers(0, 2**31 - 1), st.integers(1, 4), st.booleans())
@settings(max_examples=25, deadline=None)
def test_repeated_ids_against_a_loop(seed, n_columns, learned):
    """Outputs from vectors that are looked up by hand, several features at once."""
    rng = np.random.RandomState(seed)
    X = [rng.randint(0, 4, (rng.randint(1, 6), n_columns)) for _ in range(6)]
    which = list(range(0, n_columns, 2))
    state = "learned" if learned else "zeros"
    model = RNNRegressor(2, max_iter=1, random_state=0, initial_state=state)
    model.set_params(categorical_features=which, embedding_dim=[1 + k for k in which])
    model.fit(X, rng.standard_normal(6))
    looked_up = []
    for x in X:
        parts = [x[:, [k]].astype(float) for k in range(n_columns) if k not in which]
        for k, categories in zip(which, model.categories_):
            W = model.weights_[f"embedding.x{k}.W"]
            parts.append(np.array([W[categories.tolist().index(i)] for i in x[:, k]]))
        looked_up.append(np.hstack(parts))
    description = model._network.description
    description |= {"n_features": looked_up[0].shape[1], "embeddings": {}}
    network = Stack(**description)
    theta = model._theta[-network.layout.size :]
    sequences = RNNRegressor(max_iter=1).fit(looked_up, np.arange(6.0))
    from skbptt.data._inputs import check_sequences

    raw = raw_outputs(network, theta, check_sequences(sequences, looked_up, reset=False))
    np.testing.assert_allclose(model.predict(X), raw[:, 0], rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_sums_by_code_equal_a_loop_to_the_bit(dtype):
    """Compiled and in NumPy, of rows that lie apart; the code -1 counts nowhere."""
    rng = np.random.RandomState(0)
    rows = rng.standard_normal((50, 7)).astype(dtype)[:, 2:]
    codes = rng.randint(-1, 6, 50)
    expected = np.zeros((8, 5), dtype)
    for row, code in zip(rows, codes):
        if code >= 0:
            expected[code] += row
    for function in (sum_by_code, sum_by_code_in_numpy):
        sums = np.full((8, 5), np.nan, dtype)
        function(rows, codes, sums)
        np.testing.assert_array_equal(sums, expected)


def test_compiled_sums_stay_within_their_arrays(compiled):
    rows, codes, sums = np.ones((4, 3)), np.array([0, 1, -1, 1]), np.empty((2, 3))
    for wrong in (2, 9):
        with pytest.raises(ValueError, match=f"row {wrong}, but there are 2"):
            sum_by_code(rows, np.array([0, 1, wrong, 1]), sums)
    with pytest.raises(ValueError, match="3 numbers of int64, not 4"):
        sum_by_code(rows, codes[1:], sums)
    with pytest.raises(ValueError, match="float32"):
        sum_by_code(rows, codes, sums.astype("f4"))
    with pytest.raises(ValueError, match="shape"):
        sum_by_code(rows[:, 1:], codes, sums)
    with pytest.raises(ValueError, match="contiguous"):
        sum_by_code(rows, codes, np.empty((2, 6))[:, ::2])
    sums.flags.writeable = False
    with pytest.raises(ValueError, match="read-only|not writable"):
        sum_by_code(rows, codes, sums)


def test_hidden_states_of_tokens():
    model = classifier(return_sequences=True).fit(IDS, [ids % 2 for ids in IDS])
    states = hidden_states(model, IDS)["layers.0.forward.h"]
    assert [len(of_one) for of_one in states] == LENGTHS.tolist()


def test_numbers_are_scaled_beside_categories():
    """Frames keep the dtype of their categories, which may differ from frame to frame."""
    observed = [
        x.assign(color=x["color"].cat.remove_unused_categories(), a=100 * x["a"])
        for x in frames()
    ]
    scale = ColumnTransformer(
        [("scale", StandardScaler(), ["a", "b"])],
        remainder="passthrough",
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")
    model = make_pipeline(TimeDistributed(scale), classifier()).fit(observed, LABELS)
    stacked = np.concatenate(NUMBERS)
    by_hand = [
        pandas.DataFrame(
            (n - stacked.mean(axis=0)) / stacked.std(axis=0), columns=["a", "b"]
        )
        for n in NUMBERS
    ]
    by_hand = [b.assign(color=x["color"]) for b, x in zip(by_hand, frames())]
    expected = classifier().fit(by_hand, LABELS)
    np.testing.assert_allclose(model[-1]._theta, expected._theta, rtol=1e-6)


def test_displays_of_frames_and_tokens():
    pytest.importorskip("matplotlib").use("Agg")
    for X in (frames(), IDS):
        model = classifier().fit(X, LABELS)
        display = SaliencyDisplay.from_estimator(model, X[0])
        expected = np.array(saliency(model, X[:1])[0])
        if expected.ndim == 2:  # numbers multiply their gradient, categories have a 1
            expected[:, [0, 2]] *= X[0][["a", "b"]].to_numpy()
        np.testing.assert_allclose(np.squeeze(display.relevance), expected)
        states = HiddenStateDisplay.from_estimator(model, X[0])
        assert states.figure_ is not None


def test_codes_of_categories_are_pointed_out():
    X = RNG.randint(0, 1000, (40, 6))
    with pytest.warns(UserWarning, match="codes of categories, list them in categ"):
        RNNRegressor(2, max_iter=1).fit(X, np.arange(40.0))
