"""What the displays draw, against numbers of another source."""

import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.utils import Bunch

from skbptt.inspection import (
    GradientFlowDisplay,
    HiddenStateDisplay,
    LossCurveDisplay,
    SaliencyDisplay,
)
from tests.drawn import linear_net, lines, shown_in
from tests.fits import LABELS, X, Y, classifier, quietly, regressor

pytestmark = pytest.mark.usefixtures("close_figures")


def marked(panel, marker):
    """Points with a marker."""
    points = [line.get_xydata() for line in panel.lines if line.get_marker() == marker]
    return np.concatenate(points).tolist()


def curve(values):
    return np.c_[np.arange(1, len(values) + 1), values]


# The course of training.


def test_loss_curves_and_the_weights_kept():
    y_val = Y[:9] + np.arange(9)  # more to learn and more to unlearn
    model = regressor(max_iter=60, early_stopping=True, n_iter_no_change=3, scoring=None)
    model.fit(X, Y, X_val=X[:9], y_val=y_val)
    display = LossCurveDisplay.from_estimator(model)
    loss, score, norm, rate = display.axes_[:, 0]
    np.testing.assert_array_equal(lines(loss)[0], curve(model.loss_curve_))
    np.testing.assert_array_equal(lines(loss)[1], curve(model.validation_loss_curve_))
    np.testing.assert_array_equal(lines(score)[0], curve(model.validation_scores_))
    np.testing.assert_array_equal(lines(norm)[0], curve(model.grad_norm_curve_))
    np.testing.assert_array_equal(lines(rate)[0], curve(model.learning_rate_curve_))
    assert [line.get_linestyle() for line in loss.lines[:2]] == ["-", "--"]

    ((at, value),) = marked(score, "o")
    assert 1 < at < model.n_iter_
    assert value == pytest.approx(model.score(X[:9], y_val), rel=1e-12)
    assert marked(loss, "o") == [[at, model.validation_loss_curve_[int(at) - 1]]]
    assert display.kept == {"RNNRegressor": at}
    assert marked(loss, "x") == [[model.n_iter_, model.loss_]]
    assert shown_in(loss.get_legend()) == ["training", "validation", "kept", "end"]
    assert loss.get_legend().get_title().get_text() == "RNNRegressor"
    assert rate.get_xlabel() == "iteration"


def test_loss_curves_of_several():
    """Only those panels and lines for which there are numbers."""
    sgd, lbfgs = regressor(solver="sgd").fit(X, Y), regressor(solver="lbfgs")
    quietly(lbfgs.fit, X, Y)
    display = LossCurveDisplay.from_estimator({"SGD": sgd, "L-BFGS": lbfgs}, lw=3)
    loss, norm, rate = display.axes_[:, 0]
    for panel, name in [(loss, "loss_curve_"), (norm, "grad_norm_curve_")]:
        for line, model in zip(lines(panel), [sgd, lbfgs], strict=True):
            np.testing.assert_array_equal(line, curve(getattr(model, name)))
    np.testing.assert_array_equal(lines(rate), [curve(sgd.learning_rate_curve_)])
    assert marked(loss, "o") == marked(loss, "x")
    assert shown_in(loss.get_legend()) == ["SGD", "L-BFGS", "training", "kept", "end"]
    assert norm.lines[0].get_linewidth() == 3
    first, second = norm.lines
    assert first.get_color() != second.get_color()
    alone = LossCurveDisplay.from_estimator(lbfgs)
    assert [panel.get_ylabel() for panel in alone.axes_[:, 0]] == ["loss", "gradient\nnorm"]


def test_names_of_a_list():
    models = [regressor().fit(X, Y), classifier().fit(X, LABELS)]
    display = LossCurveDisplay.from_estimator(models)
    assert list(display.curves) == ["RNNRegressor 1", "RNNClassifier 2"]
    texts = shown_in(display.plot(name=["a", "b"]).axes_[0, 0].get_legend())
    assert texts[:2] == ["a", "b"]


@pytest.mark.parametrize(
    ("loss", "norm", "scales"),
    [
        ([1.0, 0.5], [1.0, 0.0], ["linear", "log"]),
        ([100.0, 1.0], [0.0, 0.0], ["log", "linear"]),
        ([100.0, -1.0], [np.nan, 1.0], ["linear", "log"]),
        ([], [], ["linear"]),
    ],
)
def test_scales_of_loss_and_gradient(loss, norm, scales):
    """Logarithms of the loss if it falls far, of norms if there is one but zero."""
    curves = {"loss": loss, "grad_norm": norm, "learning_rate": [np.nan] * len(loss)}
    display = LossCurveDisplay(curves={"any": curves}).plot()
    assert [ax.get_yscale() for ax in display.axes_[:, 0]] == scales


def test_what_is_kept_after_new_data_and_after_divergence():
    """The best score since the data changed; the last weights whose loss is finite."""
    model = regressor(max_iter=8, early_stopping=True, warm_start=True)
    model.fit(X, Y).fit(X, np.random.default_rng(0).permutation(Y))
    scores = np.array(model.validation_scores_)
    assert scores[:8].max() > model.best_validation_score_
    (at,) = LossCurveDisplay.from_estimator(model).kept.values()
    assert at == 9 + scores[8:].argmax()
    assert scores[at - 1] == model.best_validation_score_

    display = LossCurveDisplay(curves={"a": {"loss": [3, 2, np.nan]}}).plot()
    assert display.kept == {"a": 2}
    assert marked(display.axes_[0, 0], "o") == [[2, 2]]


def test_numbers_alone_are_seen():
    curves = {"loss": [3, np.nan, 1], "grad_norm": [np.nan, 2, np.nan]}
    loss, norm = LossCurveDisplay(curves={"a": curves}).plot().axes_[:, 0]
    assert loss.lines[0].get_marker() == norm.lines[0].get_marker() == "."
    whole = LossCurveDisplay(curves={"a": {"loss": [3, 2, 1]}}).plot().axes_[0, 0]
    assert whole.lines[0].get_marker() == "None"


def test_curves_are_copies():
    model = regressor().fit(X, Y)
    LossCurveDisplay.from_estimator(model).curves["RNNRegressor"]["loss"].append(5)
    assert len(model.loss_curve_) == model.n_iter_


def test_the_first_of_the_best_is_kept():
    scores = {"loss": [4, 3, 2, 1], "validation_score": [0, 0.9, 0.9, np.nan]}
    display = LossCurveDisplay(curves={"a": scores, "b": {"loss": [3, 2]}}).plot()
    assert display.kept == {"a": 2, "b": 2}
    assert marked(display.axes_[0, 0], "o") == [[2, 3], [2, 2]]


def test_curves_end_together():
    """Training went on with early stopping."""
    model = regressor(max_iter=4, warm_start=True).fit(X, Y)
    model.set_params(early_stopping=True).fit(X, Y)
    display = LossCurveDisplay.from_estimator(model)
    loss, score = display.axes_[:2, 0]
    assert len(lines(loss)[0]) == 8
    for panel, values in [
        (loss, model.validation_loss_curve_),
        (score, model.validation_scores_),
    ]:
        drawn = lines(panel)[-1]
        np.testing.assert_array_equal(
            drawn[~np.isnan(drawn[:, 1])], np.c_[np.arange(5, 9), values]
        )
    assert display.kept == {"RNNRegressor": 5 + np.argmax(model.validation_scores_)}


# Gradient flow.


def test_gradient_flow_of_a_linear_net():
    """Norms fall by the factor |R| at each step, which is the spectral radius."""
    model, x, theta = linear_net()
    display = GradientFlowDisplay.from_estimator(model, x, x[:, 0, 0], name="linear")
    panel = display.axes_[0, 0]
    drawn, mark = lines(panel)
    residual = model.predict(x) - x[:, 0, 0]
    start = np.median(abs(residual)) * abs(theta["output.W"][0, 0])
    np.testing.assert_allclose(drawn[:, 1], start * 0.8 ** np.arange(60), rtol=1e-10)
    np.testing.assert_array_equal(drawn[:, 0], np.arange(60))
    assert (mark[:, 0] == 21).all()  # 0.8 ** 21 < 0.01 < 0.8 ** 20
    assert shown_in(panel.get_legend()) == [
        "linear: below 1 % at lag 21, spectral radius 0.80"
    ]


def flow_of(norm, reach=np.inf, key="layers.0.forward"):
    return Bunch(
        norm={key: norm}, spectral_radius={key: np.array([0.5, 1, 3])}, reach={key: reach}
    )


def test_bands_of_gradient_flow():
    norm = np.random.default_rng(0).lognormal(size=(25, 8))
    norm[:20, 6:] = np.nan
    display = GradientFlowDisplay(flows={"a": flow_of(norm)}).plot()
    panel = display.axes_[0, 0]
    (drawn,) = lines(panel)
    corners = panel.collections[0].get_paths()[0].vertices
    for t in range(8):
        values = norm[:, t] if t < 6 else norm[20:, t]
        assert drawn[t, 1] == np.median(values)
        band = corners[corners[:, 0] == t, 1]
        assert band.min() == pytest.approx(np.percentile(values, 25), rel=1e-12)
        assert band.max() == pytest.approx(np.percentile(values, 75), rel=1e-12)
    assert shown_in(panel.get_legend()) == ["a: never below 1 %, spectral radius 1.00"]


def test_gradients_of_zero_do_not_break_the_scale():
    norm = 0.1 ** np.arange(40.0) * np.ones((5, 1))
    norm[:, 30:] = 0
    flows = {"fades": flow_of(norm, reach=3), "dead": flow_of(0 * norm)}
    panel = GradientFlowDisplay(flows=flows).plot().axes_[0, 0]
    assert panel.get_yscale() == "log"
    assert panel.get_ylim() == pytest.approx((0.5e-12, 2))
    np.testing.assert_array_equal(panel.lines[0].get_ydata(), norm[0])
    GradientFlowDisplay(flows={"dead": flow_of(np.zeros((2, 3), np.float32))}).plot()


def test_a_panel_for_each_layer_and_direction():
    deep = regressor(hidden_layer_sizes=(4, 3), bidirectional=True).fit(X, Y)
    plain = regressor(cell="rnn").fit(X, Y)
    display = GradientFlowDisplay.from_estimator({"deep": deep, "plain": plain}, X, Y)
    titles = [
        [ax.get_legend().get_title().get_text() for ax in row] for row in display.axes_
    ]
    assert titles == [
        [f"layer {k}, {direction}" for direction in ("forward", "backward")] for k in (0, 1)
    ]
    n_lines = [[len(shown_in(ax.get_legend())) for ax in row] for row in display.axes_]
    assert n_lines == [[2, 1], [1, 1]]


# What is common.

MODEL = regressor().fit(X, Y)
DRAW = {
    LossCurveDisplay: lambda model, **options: LossCurveDisplay.from_estimator(
        model, **options
    ),
    GradientFlowDisplay: lambda model, **options: GradientFlowDisplay.from_estimator(
        model, X, Y, **options
    ),
    HiddenStateDisplay: lambda model, **options: HiddenStateDisplay.from_estimator(
        model, X[0], **options
    ),
    SaliencyDisplay: lambda model, **options: SaliencyDisplay.from_estimator(
        model, X[0], **options
    ),
}
each = pytest.mark.parametrize("display", DRAW, ids=lambda display: display.__name__)


@each
def test_other_estimators_are_refused(display):
    with pytest.raises(TypeError, match="must be an RNNClassifier.* Got LinearRegression"):
        DRAW[display](make_pipeline(LinearRegression()))
    with pytest.raises(NotFittedError):
        DRAW[display](regressor())


@each
def test_axes_of_the_user(display):
    """One is divided, or there is one for each panel."""
    own = DRAW[display](MODEL)
    figure, (left, right) = plt.subplots(1, 2)
    inside = DRAW[display](MODEL, ax=left)
    assert inside.figure_ is figure
    assert inside.axes_.shape == own.axes_.shape
    ends = inside.axes_[-1, -1].get_position().x1
    assert 0 < ends < right.get_position().x0
    axes = plt.figure().subplots(own.axes_.size, squeeze=False)
    given = DRAW[display](MODEL, ax=list(axes.ravel()))
    assert list(given.axes_.ravel()) == list(axes.ravel())
    assert own.plot(ax=list(axes.ravel())) is own
    with pytest.raises(ValueError, match=f"one for each of {axes.size} panels. Got 9"):
        DRAW[display](MODEL, ax=[left] * 9)


@each
def test_matplotlib_is_asked_for(display, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=f"{display.__name__}.plot requires matplotlib"):
        DRAW[display](MODEL)


def test_axes_that_cannot_be_divided():
    ax = plt.figure().add_axes((0, 0, 1, 1))
    with pytest.raises(
        ValueError, match="ax must be a subplot, to be divided into 3 panels"
    ):
        LossCurveDisplay.from_estimator(MODEL, ax=ax)


@pytest.mark.parametrize("display", [LossCurveDisplay, GradientFlowDisplay])
def test_names_of_estimators(display):
    with pytest.raises(ValueError, match="estimator must hold at least one"):
        DRAW[display]([])
    with pytest.raises(
        ValueError, match=r"as many names as there are, 1. Got \['a', 'b'\]"
    ):
        DRAW[display](MODEL, name=["a", "b"])


@pytest.mark.parametrize("display", [HiddenStateDisplay, SaliencyDisplay])
def test_one_sequence_is_asked_for(display):
    with pytest.raises(ValueError, match=r"\(n_steps, n_features\). Got 3 dimensions"):
        display.from_estimator(MODEL, X[0][np.newaxis])
    table = np.ones((4, 3)) * np.arange(4)[:, np.newaxis]
    with pytest.raises(ValueError, match=r"\(n_steps,\), as X was 2-D .* Got 2 dim"):
        display.from_estimator(regressor().fit(table, table[:, 0]), table)


def test_targets_of_another_shape():
    with pytest.raises(ValueError, match=r"the prediction, \(\). Got \(2,\)"):
        SaliencyDisplay.from_estimator(MODEL, X[0], [1, 2])
