"""Bad input: an error that says what and where, and an estimator as it was before."""

import pickle
import re
from copy import deepcopy

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.dummy import DummyRegressor
from sklearn.exceptions import NotFittedError

from skbptt import RNNClassifier, RNNRegressor, solvers
from skbptt.cells import Cell, GRUCell
from skbptt.inspection import loss_gradient

rng = np.random.RandomState(0)
X = [rng.standard_normal((n, 2)) for n in (3, 5, 4, 3, 6, 2)]
X3 = rng.standard_normal((6, 4, 2))
X2 = rng.standard_normal((6, 5))
Y = np.arange(6.0)
LABELS = np.array([0, 1, 2, 0, 1, 2])
STEPS = [np.arange(float(len(x))) for x in X]
EXACT = [name for name in solvers.SOLVERS if name not in ("adam", "sgd")]


def with_value(value, i=2, step=1, feature=0):
    changed = [x.copy() for x in X]
    changed[i][step, feature] = value
    return changed


def padded(hole=None):
    X_padded = np.full((6, 6, 2), np.nan)
    for i, x in enumerate(X):
        X_padded[i, : len(x)] = x
    if hole is not None:
        X_padded[hole] = np.nan
    return X_padded


BAD_X = {
    "nan": (with_value(np.nan), ValueError, r"NaN: X\[2\] at step 1, feature 0"),
    "nan in 3-D": (
        padded(hole=(4, 2, 1)),
        ValueError,
        r"NaN: X\[4\] at step 2, feature 1.*all NaN",
    ),
    "nan step in 3-D": (padded(hole=(4, 2)), ValueError, r"NaN: X\[4\] at step 2"),
    "all nan": (padded(hole=3), ValueError, r"X\[3\] is empty"),
    "infinity in 3-D": (
        np.full((6, 4, 2), np.inf),
        ValueError,
        r"infinity: X\[0\] at step 0",
    ),
    "complex 3-D": (X3 * 1j, ValueError, "Complex data not supported"),
    "infinity": (with_value(-np.inf), ValueError, r"infinity: X\[2\] at step 1"),
    "empty list": ([], ValueError, "X is empty"),
    "no sequences": (np.zeros((0, 4, 2)), ValueError, "X is empty"),
    "no steps": (np.zeros((6, 0, 2)), ValueError, r"X\[0\] is empty"),
    "empty sequence": (
        [*X[:5], np.zeros((0, 2))],
        ValueError,
        r"X\[5\] is empty: a sequence must have at least one step",
    ),
    "no features": (np.zeros((6, 4, 0)), ValueError, r"0 feature\(s\)"),
    "features differ": (
        [*X[:5], np.zeros((2, 3))],
        ValueError,
        r"X\[5\] has 3, but X\[0\] has 2",
    ),
    "4-D": (np.zeros((6, 4, 2, 1)), ValueError, "X has 4 dimensions. Allowed are 3"),
    "list of 3-D": ([X3, X3], ValueError, "Got items of 3 dimensions"),
    "ragged items": ([[[1.0, 2.0], [3.0]]], ValueError, r"X\[0\] is not a matrix"),
    "ragged 1-D": ([[1.0, 2.0], [1.0]], ValueError, r"x.reshape\(-1, 1\)"),
    "1-D": (np.zeros(6), ValueError, "Expected 2D array, got 1D array"),
    "mixed dimensions": ([X[0], X[1][:, 0]], ValueError, "Got items of 1 and 2 dim"),
    "strings": (
        [np.full((3, 2), "a")] * 6,
        ValueError,
        "could not convert string to float",
    ),
    "strings in 3-D": (
        np.full((6, 3, 2), "a", dtype=object),
        ValueError,
        "could not convert string to float",
    ),
    "complex": ([x * 1j for x in X], ValueError, "Complex data not supported"),
    "sparse": (csr_matrix(X2), TypeError, "Sparse data was passed"),
    "sparse items": ([csr_matrix(x) for x in X], TypeError, "Sparse data was passed"),
}


def fitted(cls=RNNRegressor, X=X, y=Y, **options):
    defaults = {"hidden_layer_sizes": 3, "max_iter": 2, "random_state": 0}
    return cls(**defaults | options).fit(X, y)


def assert_fails_unchanged(model, call, error, match):
    """The call raises, and the fitted model is as it was, to the byte."""
    before = pickle.dumps(model)
    names = set(vars(model))
    with pytest.raises(error, match=match):
        call()
    assert set(vars(model)) == names
    assert pickle.dumps(model) == before


@pytest.mark.parametrize("case", BAD_X)
@pytest.mark.parametrize("method", ["fit", "partial_fit", "predict"])
def test_bad_X(case, method):
    bad, error, match = BAD_X[case]
    if method == "predict":
        model = fitted()
        if case in ("1-D", "sparse"):  # taken for 2-D input, which comes first
            model = fitted(X=X2)
        assert_fails_unchanged(model, lambda: model.predict(bad), error, match)
        return
    y = Y[: len(bad)] if case != "sparse" else Y
    unfitted = RNNRegressor()
    with pytest.raises(error, match=match):
        getattr(unfitted, method)(bad, y)
    assert set(vars(unfitted)) == set(RNNRegressor().get_params())
    model = fitted(X=X2) if case in ("1-D", "sparse") else fitted()
    call = getattr(model, method)
    assert_fails_unchanged(model, lambda: call(bad, y), error, match)


def test_kind_and_features_are_those_of_fit():
    model = fitted()
    expected = r"X is 2-D .*in fit of this RNNRegressor it was 3-D"
    assert_fails_unchanged(model, lambda: model.predict(X2), ValueError, expected)
    assert_fails_unchanged(model, lambda: model.partial_fit(X2, Y), ValueError, expected)
    assert_fails_unchanged(
        model,
        lambda: model.predict(np.zeros((3, 4, 5))),
        ValueError,
        "X has 5 features, but RNNRegressor is expecting 2 features",
    )
    flat = fitted(X=X2)
    expected = r"X is 3-D .*in fit of this RNNRegressor it was 2-D"
    assert_fails_unchanged(flat, lambda: flat.predict(X3), ValueError, expected)
    assert_fails_unchanged(
        flat,
        lambda: flat.predict(X2[:, :3]),
        ValueError,
        "X has 3 features, but RNNRegressor is expecting 5 features",
    )


REGRESSION_Y = {
    "none": (None, "requires y to be passed, but the target y is None"),
    "short": (Y[:5], "X has 6 sequences, y has 5"),
    "nan": (np.r_[Y[:5], np.nan], "Input y contains NaN"),
    "infinity": (np.r_[Y[:5], np.inf], "Input y contains infinity"),
    "strings": (list("abcdef"), "could not convert string to float"),
    "steps": (STEPS, "set return_sequences=True"),
    "3-D": (np.zeros((6, 4, 2)), "set return_sequences=True"),
}


@pytest.mark.parametrize("case", REGRESSION_Y)
def test_bad_y_of_a_regressor(case):
    y, match = REGRESSION_Y[case]
    model = fitted()
    assert_fails_unchanged(model, lambda: model.fit(X, y), ValueError, match)


STEP_Y = {
    "a step short": (
        [*STEPS[:5], np.zeros(1)],
        r"y\[5\] has 1 steps, but X\[5\] has 2",
    ),
    "a sequence short": (STEPS[:5], "X has 6 sequences, y has 5"),
    "one a sequence": (Y, "must hold one value per step.*Got 1 dimension"),
    "dense": (np.zeros((6, 9)), r"y\[0\] has 9 steps, but X\[0\] has 3"),
    "too deep": ([y[:, None, None] for y in STEPS], r"y\[0\] has 3 dimensions"),
    "outputs differ": (
        [*[y[:, None] for y in STEPS[:5]], np.zeros((2, 2))],
        "items of y differ in shape",
    ),
}


@pytest.mark.parametrize("case", STEP_Y)
def test_bad_step_targets(case):
    y, match = STEP_Y[case]
    model = fitted(y=STEPS, return_sequences=True)
    assert_fails_unchanged(model, lambda: model.fit(X, y), ValueError, match)


CLASSIFICATION_Y = {
    "one class": (np.zeros(6, int), "At least two classes are needed"),
    "continuous": (Y + 0.5, "Unknown label type"),
    "several columns": (
        np.column_stack([LABELS, LABELS]),
        "indicators of 0 and 1",
    ),
    "indicators of 0 and 2": (
        2 * np.column_stack([LABELS > 0, LABELS > 1]),
        r"indicators of 0 and 1.*Got the values \[0 2\]",
    ),
    "short": (LABELS[:4], "X has 6 sequences, y has 4"),
}


@pytest.mark.parametrize("case", CLASSIFICATION_Y)
def test_bad_y_of_a_classifier(case):
    y, match = CLASSIFICATION_Y[case]
    model = fitted(RNNClassifier, y=LABELS)
    assert_fails_unchanged(model, lambda: model.fit(X, y), ValueError, match)


def test_one_class_left_by_the_weights():
    model = fitted(RNNClassifier, y=LABELS)
    weights = (LABELS == 1).astype(float)
    match = "got 1 class among the targets of positive weight"
    assert_fails_unchanged(model, lambda: model.fit(X, LABELS, weights), ValueError, match)


def test_one_class_left_by_the_weights_of_steps():
    y = [np.arange(len(x)) % 2 for x in X]
    weights = [1.0 - v for v in y]
    with pytest.raises(ValueError, match="got 1 class among the targets"):
        RNNClassifier(return_sequences=True).fit(X, y, weights)


def test_partial_fit_of_a_classifier():
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        RNNClassifier().partial_fit(X, LABELS)
    model = RNNClassifier(3, random_state=0).partial_fit(X, LABELS, classes=[0, 1, 2])
    assert_fails_unchanged(
        model,
        lambda: model.partial_fit(X, LABELS + 1),
        ValueError,
        r"y has the labels \[3\], which are not among the classes \[0 1 2\]",
    )
    assert_fails_unchanged(
        model,
        lambda: model.partial_fit(X, LABELS, classes=[0, 1]),
        ValueError,
        "is not the same as on last call to partial_fit",
    )
    with pytest.raises(ValueError, match="class_weight='balanced' is not supported"):
        RNNClassifier(class_weight="balanced").partial_fit(X, LABELS, classes=[0, 1, 2])
    with pytest.raises(ValueError, match="early_stopping=True"):
        RNNClassifier(early_stopping=True).partial_fit(X, LABELS, classes=[0, 1, 2])
    assert not hasattr(RNNClassifier(solver="lbfgs"), "partial_fit")
    assert hasattr(RNNClassifier(solver="sgd"), "partial_fit")


def test_warm_start_goes_on_with_the_same_network_and_targets():
    model = fitted(RNNClassifier, y=LABELS, warm_start=True)
    for name, value in (
        ("hidden_layer_sizes", (3, 3)),
        ("cell", "lstm"),
        ("bidirectional", True),
        ("readout", "last"),
        ("return_sequences", True),
    ):
        changed = pickle.loads(pickle.dumps(model)).set_params(**{name: value})
        match = f"same network only, but {name} was .* and is "
        assert_fails_unchanged(
            changed, lambda m=changed: m.fit(X, LABELS), ValueError, match
        )
    assert_fails_unchanged(
        model, lambda: model.fit(X, LABELS + 5), ValueError, "not among the classes"
    )
    indicators = np.eye(3, dtype=int)[LABELS]
    assert_fails_unchanged(
        model, lambda: model.fit(X, indicators), ValueError, "kind of targets"
    )
    regressor = fitted(warm_start=True)
    two = np.column_stack([Y, Y])
    assert_fails_unchanged(
        regressor, lambda: regressor.fit(X, two), ValueError, "number of targets"
    )


class LeakyCell(Cell):
    """A cell with parameters, of which its repr shows none."""

    gates = ("s",)

    def __init__(self, leak):
        self.leak = leak

    def step(self, a, u, state, p):
        (h,) = state
        (s,) = np.tanh(a + u)
        return (self.leak * h + (1 - self.leak) * s,), s

    def step_back(self, d_state, s, p):
        (dh,) = d_state
        da = ((1 - self.leak) * dh * (1 - s * s))[np.newaxis]
        return da, da, (self.leak * dh,), {}


@pytest.mark.parametrize("leak", [0.9, np.array([0.9, 0.1])])
def test_warm_start_with_another_cell(leak):
    model = fitted(cell=LeakyCell(leak), warm_start=True, hidden_layer_sizes=2)
    model.set_params(cell=LeakyCell(deepcopy(leak))).fit(X, Y)
    for other in (LeakyCell(np.subtract(1, leak)), GRUCell(), "gru"):
        model.set_params(cell=other)
        both = f"cell was {LeakyCell(leak)!r} and is {other!r}"
        match = f"same network only, but {re.escape(both)}"
        assert_fails_unchanged(model, lambda: model.fit(X, Y), ValueError, match)


def test_a_fitted_model_does_not_change_with_the_cell_given():
    cell = LeakyCell(0.9)
    model = fitted(cell=cell)
    expected, stored = model.predict(X), pickle.dumps(model)
    cell.leak = 0.1
    for kept in (model, pickle.loads(stored), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(kept.predict(X), expected)
    assert model.cell is cell


WEIGHTS = {
    "too large": (np.full(6, 1.7e308), "sum of sample_weight must be finite"),
    "negative": (np.r_[np.ones(5), -2.0], "Negative values in sample_weight.*-2"),
    "zero": (np.zeros(6), "(?i)sample.weight.*zero"),
    "nan": (np.r_[np.ones(5), np.nan], "sample_weight contains NaN"),
    "short": (np.ones(5), r"sample_weight.shape == \(5,\)"),
    "two-dimensional": (np.ones((6, 2)), r"y has 1 output\(s\). Allowed are the shapes"),
}


@pytest.mark.parametrize("case", WEIGHTS)
def test_bad_weights(case):
    weights, match = WEIGHTS[case]
    model = fitted()
    assert_fails_unchanged(model, lambda: model.fit(X, Y, weights), ValueError, match)
    assert_fails_unchanged(
        model, lambda: model.partial_fit(X, Y, weights), ValueError, match
    )
    if case != "two-dimensional":
        per_step = fitted(y=STEPS, return_sequences=True)
        assert_fails_unchanged(
            per_step, lambda: per_step.fit(X, STEPS, weights), ValueError, match
        )


def test_bad_step_weights():
    model = fitted(y=STEPS, return_sequences=True)
    wrong = [np.ones(len(x) + 1) for x in X]
    assert_fails_unchanged(
        model,
        lambda: model.fit(X, STEPS, wrong),
        ValueError,
        r"sample_weight\[0\] has 4 steps, but X\[0\] has 3",
    )
    zero = [np.zeros(len(x)) for x in X]
    assert_fails_unchanged(
        model, lambda: model.fit(X, STEPS, zero), ValueError, "(?i)sample.weight.*zero"
    )


OUT_OF_RANGE = {
    "hidden_layer_sizes": [0, (), (3, 0), (2.5,), "64", (3, (2,)), True],
    "cell": ["mlp", 3, RNNRegressor],
    "activation": ["sigmoid"],
    "bidirectional": [1, "yes"],
    "readout": ["attention", None],
    "return_sequences": ["no"],
    "dropout": [-0.1, 1.0],
    "categorical_features": ["color", 3],
    "embedding_dim": [0, 2.5, "automatic"],
    "initial_state": ["random", None],
    "frozen": ["output.*", 3],
    "loss": ["log_loss"],
    "quantile": [0.0, 1.0],
    "solver": ["rmsprop", "newton"],
    "alpha": [-1e-9],
    "max_grad_norm": [0, -1.0],
    "n_jobs": [0, 1.5, "all"],
    "truncation": [0, -3, (3, 2), (0, 2), (1, 2, 3), 2.5, (1.5, 3), "all"],
    "batch_size": [0, "all", 2.5],
    "learning_rate": ["cosine"],
    "learning_rate_init": [0, -0.1],
    "power_t": [-1],
    "max_iter": [0, 2.5],
    "shuffle": [2],
    "random_state": ["seed"],
    "tol": [-1e-4],
    "verbose": [-1, "loud"],
    "warm_start": [3],
    "momentum": [-0.1, 1.0],
    "nesterovs_momentum": ["no"],
    "early_stopping": ["yes"],
    "scoring": ["nonsense", 3],
    "validation_fraction": [0.0, 1.0, -0.5],
    "beta_1": [-0.1, 1.0],
    "beta_2": [-0.1, 1.0],
    "epsilon": [0.0],
    "n_iter_no_change": [0, 1.5],
    "max_fun": [0],
}


def test_every_parameter_has_a_case():
    assert set(OUT_OF_RANGE) == set(RNNRegressor().get_params())


@pytest.mark.parametrize(
    ("name", "value"), [(n, v) for n in OUT_OF_RANGE for v in OUT_OF_RANGE[n]]
)
def test_parameters_out_of_range(name, value):
    """The message names the parameter, what is allowed and what was given."""
    model = fitted().set_params(**{name: value})
    shown = repr(value) if not isinstance(value, type) else "RNNRegressor"
    match = rf"(?s){name}.* must be .*Got .*{shown.replace('(', '.').replace(')', '.')}"
    assert_fails_unchanged(model, lambda: model.fit(X, Y), ValueError, match)
    assert_fails_unchanged(model, lambda: model.partial_fit(X, Y), ValueError, match)


@pytest.mark.parametrize(
    ("value", "match"),
    [
        ("even", "'class_weight'.* must be .*Got 'even'"),
        (3, "'class_weight'.* must be .*Got 3"),
        ({0: -1}, "class_weight must give finite weights of zero or more.*-1"),
        ({0: np.nan}, "class_weight must give finite weights"),
        ({0: 0, 1: 0, 2: 0}, "class_weight=.* leaves no weight"),
        ({0: 0, 1: 0}, "At least two classes are needed"),
        ([{0: 1}], "class_weight must be a dict or 'balanced'"),
    ],
)
def test_class_weight_out_of_range(value, match):
    model = fitted(RNNClassifier, y=LABELS).set_params(class_weight=value)
    assert_fails_unchanged(model, lambda: model.fit(X, LABELS), ValueError, match)


def test_class_weight_of_indicators_needs_a_dict_a_column():
    y = np.eye(3, dtype=int)[LABELS]
    with pytest.raises(ValueError, match="one dict|a dict for each of the 3 columns"):
        RNNClassifier(class_weight={0: 2}).fit(X, y)


def test_classes_of_the_first_partial_fit():
    with pytest.raises(ValueError, match="classes must be at least two"):
        RNNClassifier().partial_fit(X, LABELS, classes=[0])
    y = np.eye(3, dtype=int)[LABELS]
    with pytest.raises(ValueError, match="numbers of the columns of y"):
        RNNClassifier().partial_fit(X, y, classes=[0, 1])
    RNNClassifier(3).partial_fit(X, y, classes=[0, 1, 2])


@pytest.mark.parametrize(
    ("solver", "name", "value"),
    [
        *((solver, "batch_size", 4) for solver in solvers.METHODS),
        *((s, "truncation", 2) for s in EXACT),
        *((s, "dropout", 0.1) for s in EXACT),
    ],
)
def test_solvers_refuse_what_they_cannot_do(solver, name, value):
    model = RNNRegressor(solver=solver, **{name: value})
    match = (
        rf"{name}={value} needs one of the solvers \('adam', .*'{re.escape(solver)}' nee"
    )
    with pytest.raises(ValueError, match=match):
        model.fit(X, Y)


def test_gated_cells_keep_their_activation():
    for cell in ("gru", "lstm"):
        with pytest.raises(ValueError, match="activation='relu' needs cell='rnn'"):
            RNNRegressor(cell=cell, activation="relu").fit(X, Y)


def test_poisson_needs_counts():
    with pytest.raises(ValueError, match="needs y of zero or more. The least y is -1"):
        RNNRegressor(loss="poisson").fit(X, Y - 1)


@pytest.mark.parametrize("method", ["predict", "predict_proba", "predict_log_proba"])
def test_prediction_before_fit(method):
    with pytest.raises(NotFittedError, match="is not fitted yet"):
        getattr(RNNClassifier(), method)(X)


def test_inspection_before_fit():
    with pytest.raises(NotFittedError):
        loss_gradient(RNNRegressor(), X, Y)
    with pytest.raises(NotFittedError):
        RNNRegressor().score(X, Y)
    with pytest.raises(TypeError, match="must be an RNNClassifier, RNNRegressor"):
        loss_gradient(DummyRegressor().fit(X2, Y), X2, Y)
