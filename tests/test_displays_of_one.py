"""What the displays of one sequence or series draw, against numbers of another source."""

import numpy as np
import pandas
import pytest
from matplotlib.dates import date2num
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.pipeline import make_pipeline

from skbptt.inspection import ForecastDisplay, HiddenStateDisplay, SaliencyDisplay
from skbptt.preprocessing import make_windows
from tests.drawn import linear_net, shown_in
from tests.fits import LABELS, Y_STEPS, X, Y, classifier, regressor
from tests.gradcheck import states_by_hand

pytestmark = pytest.mark.usefixtures("close_figures")


# States and gates.


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_states_and_gates(cell, direction):
    x = 5 * X[0]  # to saturate some
    model = regressor(cell=cell, bidirectional=True).fit(X, Y)
    display = HiddenStateDisplay.from_estimator(model, x, direction=direction)
    order = slice(None, None, 1 if direction == "forward" else -1)
    key = f"layers.0.{direction}"
    expected = states_by_hand(cell, model.weights_, key, x[order])
    assert list(display.states) == list(expected)
    for panel, (name, values) in zip(display.axes_.flat, expected.items(), strict=True):
        image = panel.images[0]
        np.testing.assert_allclose(image.get_array(), values[order].T, rtol=1e-9)
        title = panel.get_title()
        if name == "c":
            assert title == "cell state c"
            assert image.get_clim() == pytest.approx(
                [-abs(values).max(), abs(values).max()]
            )
            continue
        gate = name in "ifo" + "rz"
        flat = (values < 0.1) | (values > 0.9) if gate else abs(values) > 0.9
        assert title.endswith(f" {name}, {100 * flat.mean():.0f} % saturated")
        assert display.saturation[name] == flat.mean()
        assert image.get_clim() == ((0, 1) if gate else (-1, 1))
    assert max(display.saturation.values()) > 0


@pytest.mark.parametrize(
    ("activation", "share"),
    [("relu", None), ("identity", None), ("logistic", lambda h: (h < 0.1) | (h > 0.9))],
)
def test_saturation_of_other_activations(activation, share):
    model = regressor(cell="rnn", activation=activation).fit(X, Y)
    display = HiddenStateDisplay.from_estimator(model, X[0], name="Elman")
    title = display.axes_[0, 0].get_title()
    if share is None:
        assert (title, display.saturation) == ("Elman: state h", {})
    else:
        assert display.saturation == {"h": share(display.states["h"]).mean()}


def test_states_of_the_second_layer_of_univariate_sequences():
    table = np.random.default_rng(0).normal(size=(20, 7))
    model = regressor(hidden_layer_sizes=(4, 3), readout="last").fit(table, table[:, 0])
    assert HiddenStateDisplay.from_estimator(model, table[0]).states["h"].shape == (7, 4)
    upper = HiddenStateDisplay.from_estimator(model, table[0], layer=1).states["h"]
    output = upper[-1] @ model.weights_["output.W"] + model.weights_["output.b"]
    np.testing.assert_allclose(output, model.predict(table[:1]))
    with pytest.raises(ValueError, match=r"one of \['layers.0.forward', .* Got layer=2"):
        HiddenStateDisplay.from_estimator(model, table[0], layer=2)


# Saliency.


def test_saliency_of_a_linear_net():
    """Each value adds W R^lag times itself to the output."""
    model, x, theta = linear_net(T=12)
    display = SaliencyDisplay.from_estimator(model, x[3], 1.25)
    W, R, out = (
        theta[name] for name in ("layers.0.forward.W", "layers.0.forward.R", "output.W")
    )
    lag = np.arange(12)[::-1, np.newaxis]
    expected = x[3] * W[0, 0] * R[0, 0] ** lag * out[0, 0]
    panel = display.axes_[0, 0]
    np.testing.assert_allclose(panel.images[0].get_array(), expected.T, rtol=1e-10)
    assert panel.images[0].get_clim() == pytest.approx(
        (-abs(expected).max(), abs(expected).max())
    )
    np.testing.assert_array_equal(panel.lines[0].get_xydata(), np.c_[range(12), x[3]])
    bias = theta["output.b"][0] + out[0, 0] * theta["layers.0.forward.b"][0] * sum(0.8**lag)
    assert expected.sum() + bias == pytest.approx(model.predict(x[3:4])[0], rel=1e-10)
    assert panel.get_title() == f"predicted {model.predict(x[3:4])[0]:.3g}, true 1.25"
    assert "gradient x input" in [ax.get_ylabel() for ax in display.figure_.axes]


def test_saliency_of_frames_and_tables():
    frames = [pandas.DataFrame(x, columns=["speed", "load"]) for x in X]
    model = classifier().fit(frames, LABELS)
    display = SaliencyDisplay.from_estimator(model, frames[0], LABELS[0], cmap="PuOr")
    assert [ax.get_ylabel() for ax in display.axes_[:, 0]] == ["speed", "load"]
    for panel, column in zip(display.axes_[:, 0], X[0].T):
        np.testing.assert_array_equal(panel.lines[0].get_ydata(), column)
        assert panel.images[0].get_cmap().name == "PuOr"
    title = display.axes_[0, 0].get_title()
    (predicted,), share = model.predict(frames[:1]), model.predict_proba(frames[:1]).max()
    assert title == f"predicted {predicted} ({share:.2f}), true {LABELS[0]}"

    table = np.random.default_rng(0).normal(size=(20, 7))
    model = regressor().fit(table, np.c_[table[:, 0], table[:, 1]])
    display = SaliencyDisplay.from_estimator(model, table[0], name="two outputs")
    np.testing.assert_array_equal(display.x[:, 0], table[0])
    assert display.axes_[0, 0].get_title() == "two outputs"
    assert display.name == "predicted " + ", ".join(
        f"{y:.3g}" for y in model.predict(table)[0]
    )


def test_predicted_and_true_tracks():
    model = regressor(return_sequences=True).fit(X, Y_STEPS)
    panel = SaliencyDisplay.from_estimator(model, X[0], Y_STEPS[0]).axes_[-1, 0]
    true, predicted = panel.lines
    np.testing.assert_array_equal(true.get_ydata(), Y_STEPS[0])
    np.testing.assert_array_equal(predicted.get_ydata(), model.predict(X[:1])[0])
    assert shown_in(panel.get_legend()) == ["true", "predicted"]

    both = [np.c_[y, -y] for y in Y_STEPS]
    model = regressor(return_sequences=True).fit(X, both)
    panel = SaliencyDisplay.from_estimator(model, X[0]).axes_[-1, 0]
    drawn = np.transpose([line.get_ydata() for line in panel.lines])
    np.testing.assert_array_equal(drawn, model.predict(X[:1])[0])
    assert shown_in(panel.get_legend()) == ["predicted 0", "predicted 1"]


def test_tracks_of_classes():
    names = np.array(["low", "high", "mid"])
    labels = [names[np.digitize(y, [-1, 1])] for y in Y_STEPS]
    model = classifier(return_sequences=True, max_iter=30).fit(X, labels)
    panel = SaliencyDisplay.from_estimator(model, X[1], labels[1]).axes_[-1, 0]
    ticks = np.array([tick.get_text() for tick in panel.get_yticklabels()])
    np.testing.assert_array_equal(ticks[panel.lines[0].get_ydata()], labels[1])
    np.testing.assert_array_equal(
        ticks[panel.lines[1].get_ydata()], model.predict(X[1:2])[0]
    )


@pytest.mark.parametrize("n_features", [7, 40])
def test_many_features_are_a_heat_map(n_features):
    x, relevance = np.random.default_rng(0).normal(size=(2, 9, n_features))
    display = SaliencyDisplay(x=x, relevance=relevance, relevance_name="gradient").plot()
    panel = display.axes_[0, 0]
    np.testing.assert_array_equal(panel.images[0].get_array(), relevance.T)
    assert "gradient" in [ax.get_ylabel() for ax in display.figure_.axes]
    first = panel.get_yticklabels()[0].get_text()
    assert (first == "feature 0") == (n_features == 7)


# Forecasts.


class Persistence(RegressorMixin, BaseEstimator):
    """Forecasts that the last value stays, at every horizon."""

    def __init__(self, n_horizons=1, column=0):
        self.n_horizons = n_horizons
        self.column = column

    def fit(self, X, y):
        self.fitted_ = True
        return self

    def predict(self, X):
        return np.tile(X[:, -1:, self.column], self.n_horizons)


SERIES = np.random.default_rng(0).normal(size=40).cumsum()


@pytest.mark.parametrize("stride", [1, 3])
def test_forecasts_stand_where_they_are_for(stride):
    options = {"window": 5, "horizon": [1, 4], "stride": stride}
    display = ForecastDisplay.from_estimator(Persistence(2), SERIES, highlight=2, **options)
    upper, lower = display.axes_[:, 0]
    np.testing.assert_array_equal(upper.lines[0].get_xydata(), np.c_[range(40), SERIES])
    errors = []
    for line, residual, h in zip(upper.lines[1:], lower.lines[1:], [1, 4]):
        at = np.arange(0, 40 - 5 - 4 + 1, stride) + 4 + h
        np.testing.assert_array_equal(line.get_xydata(), np.c_[at, SERIES[at - h]])
        errors.append(SERIES[at] - SERIES[at - h])
        np.testing.assert_array_equal(residual.get_xydata(), np.c_[at, errors[-1]])
        assert (line.get_linestyle() == "-") == (stride == 1)
    assert shown_in(lower.get_legend()) == [
        f"1 step ahead, RMSE {np.sqrt(np.mean(errors[0] ** 2)):.3g}",
        f"4 steps ahead, RMSE {np.sqrt(np.mean(errors[1] ** 2)):.3g}",
    ]
    start = 2 * stride
    span = upper.patches[0].get_extents().transformed(upper.transData.inverted())
    assert (span.x0, span.x1) == pytest.approx((start, start + 4))
    one = upper.lines[-1].get_xydata()
    np.testing.assert_array_equal(one[:, 0], [start + 5, start + 8])
    np.testing.assert_array_equal(one[:, 1], SERIES[start + 4])

    X, y = make_windows(SERIES, **options)
    again = ForecastDisplay.from_predictions(y, Persistence(2).predict(X), **options)
    np.testing.assert_array_equal(again.residuals, display.residuals)
    known = again.axes_[0, 0].lines[0].get_xydata()
    np.testing.assert_array_equal(known[:, 1], SERIES[known[:, 0].astype(int)])
    assert set(known[:, 0]) == set(display.steps.ravel())


def test_forecasts_of_one_column_at_dates():
    days = pandas.date_range("2025-01-01", periods=40)
    frame = pandas.DataFrame({"rain": np.arange(40.0), "flow": SERIES}, index=days)
    model = make_pipeline(Persistence(column=1)).fit(None, None)
    display = ForecastDisplay.from_estimator(
        model, frame, window=6, target="flow", times=days, name="persistence"
    )
    upper, lower = display.axes_[:, 0]
    assert (upper.get_ylabel(), lower.get_xlabel()) == ("flow", "time")
    np.testing.assert_array_equal(lower.lines[1].get_ydata(), np.diff(SERIES[5:]))
    np.testing.assert_array_equal(date2num(lower.lines[1].get_xdata()), date2num(days[6:]))
    assert upper.get_legend().get_title().get_text() == "persistence"
    alike = ForecastDisplay.from_predictions(
        SERIES[6:], SERIES[5:-1], window=6, times=days, highlight=-1
    )
    np.testing.assert_array_equal(alike.residuals, display.residuals)
    np.testing.assert_array_equal(alike.axes_[0, 0].lines[-1].get_ydata(), SERIES[-2:-1])


def test_a_legend_holds_six_horizons():
    y = SERIES[np.arange(10)[:, np.newaxis] + np.arange(1, 25)]
    display = ForecastDisplay.from_predictions(y, 0 * y, window=1, horizon=range(1, 25))
    texts = shown_in(display.axes_[1, 0].get_legend())
    assert [text.split()[0] for text in texts] == ["1", "5", "10", "14", "19", "24"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"series": [SERIES, SERIES]}, "series must be one series. Got 2"),
        ({"series": np.c_[SERIES, SERIES]}, "target must be one column .* Got 2 columns"),
        ({"horizon": [1, 2]}, r"y_pred must have .* 34 windows and 2 .* Got .* \(34, 1\)"),
        ({"times": range(39)}, r"times must give one time for each of 40 .* Got .*\(39,\)"),
        ({"highlight": 35}, "highlight must be the number of a window, below 35. Got 35"),
        ({"highlight": 1.5}, "highlight must be the number .* Got 1.5"),
        ({"times": ["monday"] * 40}, "times must be numbers or dates. Got str"),
        ({"window": 40}, "No series is as long"),
    ],
)
def test_forecasts_refuse(options, message):
    with pytest.raises(ValueError, match=message):
        ForecastDisplay.from_estimator(
            Persistence(), **{"series": SERIES, "window": 5} | options
        )


def test_predictions_must_be_of_consecutive_windows():
    _, y = make_windows(SERIES, window=5, horizon=[1, 2])
    perfect = ForecastDisplay.from_predictions(y, y, window=5, horizon=[1, 2])
    assert (perfect.residuals == 0).all()
    with pytest.raises(ValueError, match="consecutive windows of one series"):
        ForecastDisplay.from_predictions(y[::-1], y[::-1], window=5, horizon=[1, 2])


def test_dates_of_python():
    days = pandas.date_range("2025-01-01", periods=40)
    options = {"estimator": Persistence(), "series": SERIES, "window": 6}
    display = ForecastDisplay.from_estimator(**options, times=list(days.to_pydatetime()))
    np.testing.assert_array_equal(display.times, days)


def test_predictions_must_be_of_the_targets():
    with pytest.raises(ValueError, match=r"y_true must have .* 3 windows and 1 .* \(4,\)"):
        ForecastDisplay.from_predictions(np.ones(4), np.ones(3), window=2)


def test_what_is_no_sequence_or_class():
    model = classifier().fit(X, LABELS)
    with pytest.raises(ValueError, match="x must have at least one step"):
        SaliencyDisplay.from_estimator(model, np.full((3, 2), np.nan))
    with pytest.raises(ValueError, match="y must be of the classes .* Got .*'huge'"):
        SaliencyDisplay.from_estimator(model, X[0], "huge")


def test_padding_is_left_out():
    """The picture of a padded sequence is that of its steps."""
    x, y = X[0], Y_STEPS[0]
    model = regressor(return_sequences=True).fit(X, Y_STEPS)
    padded = np.r_[x, np.full((3, 2), np.nan)], np.r_[y, np.full(3, np.nan)]
    expected = SaliencyDisplay.from_estimator(model, x, y)
    display = SaliencyDisplay.from_estimator(model, *padded)
    for name in ("x", "relevance", "y_pred", "y_true"):
        np.testing.assert_array_equal(getattr(display, name), getattr(expected, name))
    states = HiddenStateDisplay.from_estimator(model, padded[0]).states
    np.testing.assert_array_equal(
        states["h"], HiddenStateDisplay.from_estimator(model, x).states["h"]
    )
