"""Each function and display on a pipeline, against its last step on transformed data."""

from numbers import Number

import numpy as np
import pandas
import pytest
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skbptt import RNNTranscriber, RNNTranslator, inspection
from skbptt.inspection import AttentionDisplay, SaliencyDisplay, saliency
from skbptt.preprocessing import (
    SequenceDifferences,
    SequenceFrames,
    TimeDistributed,
    TokenEncoder,
)
from tests.fits import classifier, regressor

pytestmark = pytest.mark.usefixtures("close_figures")

rng = np.random.default_rng(0)
DENSE = rng.normal(2, 3, (20, 5, 2))
TARGET = DENSE.sum(axis=(1, 2))
SCALED = (DENSE - DENSE.mean(axis=(0, 1))) / DENSE.std(axis=(0, 1))
FRAMES = [pandas.DataFrame(x, columns=["speed", "load"]) for x in DENSE]


def scaled(*steps):
    return make_pipeline(TimeDistributed(StandardScaler()), *steps)


PIPELINE = scaled(regressor()).fit(DENSE, TARGET)
WORDS = ["ab", "b"] * 10
TRANSCRIBING = scaled(RNNTranscriber(2, max_iter=2, random_state=0)).fit(DENSE, WORDS)
TRANSLATING = scaled(RNNTranslator(2, max_iter=2, random_state=0)).fit(DENSE, WORDS)
VECTOR = PIPELINE[-1].weights_
ASKED = {
    "AlignmentDisplay": lambda model, X: inspection.AlignmentDisplay.from_estimator(
        model, X
    ),
    "AttentionDisplay": lambda model, X: inspection.AttentionDisplay.from_estimator(
        model, X
    ),
    "alignment": lambda model, X: inspection.alignment(model, X, WORDS),
    "attention_weights": lambda model, X: inspection.attention_weights(model, X),
    "GradientFlowDisplay": lambda model, X: inspection.GradientFlowDisplay.from_estimator(
        {"one": model}, X, TARGET
    ),
    "HiddenStateDisplay": lambda model, X: inspection.HiddenStateDisplay.from_estimator(
        model, X
    ),
    "LossCurveDisplay": lambda model, X: inspection.LossCurveDisplay.from_estimator(
        [model]
    ),
    "SaliencyDisplay": lambda model, X: inspection.SaliencyDisplay.from_estimator(model, X),
    "gradient_flow": lambda model, X: inspection.gradient_flow(model, X, TARGET),
    "hessian_product": lambda model, X: inspection.hessian_product(
        model, X, TARGET, VECTOR
    ),
    "hidden_states": lambda model, X: inspection.hidden_states(model, X),
    "loss_gradient": lambda model, X: inspection.loss_gradient(model, X, TARGET),
    "integrated_gradients": lambda model, X: inspection.integrated_gradients(model, X),
    "permutation_importance": lambda model, X: inspection.permutation_importance(
        model, X, TARGET, random_state=0
    ),
    "saliency": lambda model, X: inspection.saliency(model, X),
}
NOT_NUMBERS = "classes", "feature_names", "labels", "name", "steps"
OF_ONE = "AlignmentDisplay", "AttentionDisplay", "HiddenStateDisplay", "SaliencyDisplay"


def test_every_inspection_is_tried():
    # ForecastDisplay, of regressors and pipelines, has tests of its own.
    assert {*ASKED, "ForecastDisplay"} == set(inspection.__all__)


def numbers_in(result):
    """All numbers in a result, in their order; of a display, in what it draws."""
    if result is None or isinstance(result, str):
        return []
    if isinstance(result, (Number, np.ndarray)):
        flat = np.ravel(result).tolist()
        return [x for item in flat for x in (np.ravel(item) if np.ndim(item) else [item])]
    if hasattr(result, "figure_"):
        result = {
            key: value
            for key, value in vars(result).items()
            if not key.endswith("_") and key not in ("x", *NOT_NUMBERS)
        }
    items = result.values() if hasattr(result, "values") else result
    return [number for item in items for number in numbers_in(item)]


@pytest.mark.parametrize("name", ASKED)
@pytest.mark.parametrize("nested", [False, True])
def test_the_steps_before_transform(name, nested):
    pipeline = TRANSCRIBING if "lignment" in name else PIPELINE
    pipeline = TRANSLATING if "ttention" in name else pipeline
    if nested:
        pipeline = make_pipeline(make_pipeline(pipeline[0]), make_pipeline(pipeline[-1]))
    last = pipeline[-1][-1] if nested else pipeline[-1]
    given, transformed = (DENSE[0], SCALED[0]) if name in OF_ONE else (DENSE, SCALED)
    expected = numbers_in(ASKED[name](last, transformed))
    found = numbers_in(ASKED[name](pipeline, given))
    assert len(expected) > 1
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_the_last_step_must_be_fitted():
    with pytest.raises(NotFittedError):
        saliency(scaled(regressor()), DENSE)
    with pytest.raises(TypeError, match="ends with one. Got StandardScaler"):
        saliency(make_pipeline(StandardScaler()).fit(DENSE[0]), DENSE)


# What the curves of SaliencyDisplay show.


def drawn(pipeline, x, **options):
    display = SaliencyDisplay.from_estimator(pipeline, x, **options)
    panels = display.axes_[:, 0]
    curves = np.transpose([panel.lines[0].get_ydata() for panel in panels])
    return [panel.get_ylabel() for panel in panels], curves


@pytest.mark.parametrize("form", [list, np.array])
def test_curves_in_the_units_of_the_user(form):
    """Of frames, whose columns have names, and of arrays."""
    X = FRAMES if form is list else DENSE
    pipeline = scaled(regressor()).fit(X, TARGET)
    names, curves = drawn(pipeline, X[3])
    assert names == (["speed", "load"] if form is list else ["x0", "x1"])
    np.testing.assert_array_equal(curves, DENSE[3])


def test_padding_is_left_out_of_both():
    pipeline = scaled(regressor()).fit(FRAMES, TARGET)
    padded = FRAMES[3].reindex(range(7))
    one = SaliencyDisplay.from_estimator(pipeline, padded)
    other = SaliencyDisplay.from_estimator(pipeline, FRAMES[3])
    np.testing.assert_array_equal(one.relevance, other.relevance)
    np.testing.assert_array_equal(one.x, other.x)


@pytest.mark.parametrize(
    ("step", "names"),
    [
        (SequenceDifferences(), ["speed", "load", "diff_speed", "diff_load"]),
        (SequenceFrames(2), ["speed_+0", "load_+0", "speed_+1", "load_+1"]),
        (TimeDistributed(PCA()), ["pca0", "pca1"]),
    ],
    ids=["differences", "frames", "pca"],
)
def test_features_that_a_step_makes(step, names):
    """There are no units of the user for them; the curves are what the net gets."""
    pipeline = scaled(step, regressor()).fit(FRAMES, TARGET)
    labels, curves = drawn(pipeline, FRAMES[3])
    assert labels == names
    np.testing.assert_allclose(curves, pipeline[:-1].transform(FRAMES)[3])


def test_a_step_without_names():
    pipeline = make_pipeline(
        FunctionTransformer(lambda X: [2 * np.asarray(x) for x in X]), regressor()
    ).fit(DENSE, TARGET)
    labels, curves = drawn(pipeline, DENSE[3])
    assert labels == ["feature 0", "feature 1"]
    np.testing.assert_array_equal(curves, 2 * DENSE[3])


@pytest.mark.parametrize("scaler", [StandardScaler(), TimeDistributed(StandardScaler())])
def test_rows_of_a_table(scaler):
    table = DENSE[:, :, 0]
    pipeline = make_pipeline(scaler, regressor()).fit(table, TARGET)
    display = SaliencyDisplay.from_estimator(pipeline, table[3])
    np.testing.assert_array_equal(display.x[:, 0], table[3])
    x = scaler.transform(table)[3:4]
    expected = saliency(pipeline[-1], x) * x
    np.testing.assert_allclose(display.relevance[:, 0], expected[0])


TEXTS, FILMS = ["a good film", "a bad film"] * 10, [1, 0] * 10


def test_texts_are_read_by_the_pipeline():
    pipeline = make_pipeline(TokenEncoder(), classifier()).fit(TEXTS, FILMS)
    display = SaliencyDisplay.from_estimator(pipeline, TEXTS[0])
    ids = pipeline[0].transform(TEXTS[:1])[0]
    (known,) = pipeline[-1].categories_  # x is drawn as positions in them
    np.testing.assert_array_equal(known[display.x[:, 0].astype(int)], ids)
    np.testing.assert_array_equal(display.relevance[:, 0], saliency(pipeline, TEXTS[:1])[0])


def test_attention_names_the_tokens_that_a_pipeline_reads():
    pipeline = make_pipeline(
        TokenEncoder(analyzer="char"), RNNTranslator(4, max_iter=2, random_state=0)
    ).fit(["abc", "cb"] * 5, ["xy", "y"] * 5)
    display = AttentionDisplay.from_estimator(pipeline, "cab", "xy")
    assert list(display.steps) == ["c", "a", "b"]
