"""Which inputs mattered, and when."""

from itertools import cycle

import numpy as np
from sklearn.base import is_classifier

from ...data import check_sequences
from ...estimators import PointwiseRNN
from .._gradient import saliency
from .._integrated import integrated_gradients, numeric_features, origin_of
from .._pipeline import names_out
from .._target import class_of
from ._common import COLORS, as_batch, integer_ticks, legend_above, make_panels

# How the relevance is found, and what the colour bar says.
METHODS = {
    "gradient_x_input": "gradient x input",
    "integrated_gradients": "integrated gradients",
}

# Features up to which each has a panel of its own, and up to which each row of a heat map
# has a name.
FEW = 6
NAMED = 25


class SaliencyDisplay:
    """Relevance of each feature at each step of one sequence.

    Red raises the output that is explained, blue lowers it, in the background of each
    feature's own curve; more than 6 features are shown as one heat map. With a target a
    step, a last panel compares the predicted and the true track. It is recommended to use
    :meth:`from_estimator`.

    Parameters
    ----------
    x : ndarray of shape (n_steps, n_features)
        The sequence.
    relevance : ndarray of shape (n_steps, n_features)
        Relevance of its values.
    relevance_name : str, default="gradient x input"
        What the relevance is, for the colour bar.
    feature_names : list of str, default=None
        Names of the features.
    y_pred, y_true : ndarray of shape (n_steps,) or (n_steps, n_outputs), default=None
        Prediction and target of each step.
    classes : ndarray of shape (n_classes,), default=None
        The classes of a classifier, of which ``y_pred`` and ``y_true`` are.
    name : str, default=None
        Title.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes, of shape (n_panels, 1)
    figure_ : matplotlib Figure

    See Also
    --------
    saliency : The gradient.
    integrated_gradients : Shares that sum to the change of the output.
    permutation_importance : Importance over many sequences.

    Examples
    --------
    >>> import numpy as np
    >>> from skbptt import RNNRegressor
    >>> from skbptt.inspection import SaliencyDisplay
    >>> X = np.random.default_rng(0).normal(size=(50, 20, 2))
    >>> y = X[:, -1, 0]
    >>> model = RNNRegressor(8, max_iter=20, random_state=0).fit(X, y)
    >>> display = SaliencyDisplay.from_estimator(model, X[0], y[0])
    >>> display.relevance.shape
    (20, 2)
    """

    def __init__(
        self,
        *,
        x,
        relevance,
        relevance_name="gradient x input",
        feature_names=None,
        y_pred=None,
        y_true=None,
        classes=None,
        name=None,
    ):
        self.x = x
        self.relevance = relevance
        self.relevance_name = relevance_name
        self.feature_names = feature_names
        self.y_pred = y_pred
        self.y_true = y_true
        self.classes = classes
        self.name = name

    @classmethod
    def from_estimator(
        cls,
        estimator,
        x,
        y=None,
        *,
        target=None,
        method="gradient_x_input",
        baseline=0.0,
        ax=None,
        name=None,
        **kwargs,
    ):
        """Plot the share of each input of one sequence in an output.

        The title gives the prediction and, for a classifier, its probability; for a
        transcriber or a translator, the probability of all labels together. For a category
        the share is that of its vector, and the input is drawn as the position in
        ``categories_``.

        For a pipeline, relevance and baseline are those of the inputs of its last step. If
        the steps before keep number and names of features and number of steps, such as
        ``TimeDistributed(StandardScaler())``, the curves show x as it is given, in its own
        units; otherwise, what the last step gets. Names of features are those that the
        steps give.

        Parameters
        ----------
        estimator : RNNClassifier, RNNRegressor, RNNTranscriber or RNNTranslator
            A fitted estimator, or a pipeline that ends with one. The steps before it
            transform x.
        x : array-like of shape (n_steps, n_features) or (n_steps,)
            One sequence, without the first axis of the X in fit. Steps of NaN at
            its end are padding.
        y : scalar or array-like of shape (n_outputs,), (n_steps,) or \
                (n_steps, n_outputs), or labels or a text, default=None
            The true target, shown next to the prediction.
        target : label, int or tuple of two ints, default=None
            The output to explain in place of what is predicted, as in :func:`saliency`: the
            label of another class shows which inputs speak for it.
        method : {"gradient_x_input", "integrated_gradients"}, default="gradient_x_input"
            The gradient times the distance from the baseline is the share of each value to
            first order. Those of :func:`integrated_gradients` sum to the change of the
            output.
        baseline : float or array-like of shape (n_features,), default=0.0
            What stands for no information, as in :func:`integrated_gradients`. Zero is the
            mean, if the features were standardised.
        ax, name, **kwargs
            As in :meth:`plot`.

        Returns
        -------
        display : SaliencyDisplay

        Raises
        ------
        TypeError
            If it is another estimator.
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If x is not one sequence, y does not have the shape of the prediction, target is
            not one of the outputs, or method or baseline is not allowed.
        """
        if method not in METHODS:
            raise ValueError(f"method must be one of {[*METHODS]}. Got {method!r}.")
        given, pipeline = x, estimator
        estimator, X = as_batch(estimator, x)
        y_pred = estimator.predict(X)[0]
        pointwise = isinstance(estimator, PointwiseRNN)
        per_step = pointwise and estimator._network.per_step
        if per_step and y is not None and len(y) == len(x):
            y = y[: len(X[0])]
        if pointwise and y is not None:
            check_target(estimator, y, y_pred)
        values, relevance = relevance_of(estimator, X, target, method, baseline)
        names = names_of_features(pipeline, estimator, given)
        if pipeline is not estimator:
            values = in_given_units(pipeline, given, values)
        of_features = {
            "x": values,
            "relevance": relevance,
            "relevance_name": METHODS[method],
            "feature_names": None if estimator._univariate else names,
        }
        if per_step:
            one_label = is_classifier(estimator) and np.ndim(y_pred) == 1
            classes = estimator.classes_ if one_label else None
            display = cls(
                **of_features,
                y_pred=y_pred,
                y_true=None if y is None else np.asarray(y),
                classes=classes,
                name=None if target is None else toward(estimator, target),
            )
        else:
            title = title_of(estimator, X, y_pred, y, target)
            display = cls(**of_features, name=title)
        return display.plot(ax, name=name, **kwargs)

    def plot(self, ax=None, *, name=None, **kwargs):
        """Plot the relevance.

        Parameters
        ----------
        ax : matplotlib Axes or array-like of them, default=None
            One for all panels, or one per panel. By default, those of a new figure.
        name : str, default=None
            Title in place of ``self.name``, such as the name of the estimator.
        **kwargs
            For :meth:`matplotlib.axes.Axes.imshow`, of the relevance.

        Returns
        -------
        display : SaliencyDisplay

        Raises
        ------
        ValueError
            If there are not as many axes as panels.
        """
        n_features = np.shape(self.x)[1]
        names = self.feature_names or [f"feature {j}" for j in range(n_features)]
        heights = [1] * n_features if n_features <= FEW else [min(6, 2 + n_features / 10)]
        if self.y_pred is not None:
            heights.append(1.5)
        self.figure_, self.axes_ = make_panels(
            self,
            ax,
            len(heights),
            1,
            figsize=(6.4, max(3.2, 1 + 1.1 * sum(heights))),
            height_ratios=heights,
            sharex=True,
        )
        axes = self.axes_[:, 0]
        limit = np.abs(self.relevance).max() or 1.0
        colours = {"cmap": "RdBu_r", "vmin": -limit, "vmax": limit} | kwargs
        panels = axes if self.y_pred is None else axes[:-1]
        if n_features <= FEW:
            for panel, label, x, relevance in zip(
                panels, names, np.transpose(self.x), np.transpose(self.relevance)
            ):
                image = draw_curve(panel, x, relevance, colours)
                panel.set_ylabel(label)
        else:
            image = draw_map(panels[0], np.transpose(self.relevance), names, colours)
        if self.y_pred is not None:
            self._draw_tracks(axes[-1])
        axes[-1].set_xlabel("step")
        integer_ticks(axes[-1].xaxis)
        self.figure_.colorbar(image, ax=list(panels), label=self.relevance_name, pad=0.02)
        axes[0].set_title(self.name or "" if name is None else name, fontsize="medium")
        return self

    def _draw_tracks(self, panel):
        """Predicted and true targets of the steps, one colour an output."""
        style = {} if self.classes is None else {"drawstyle": "steps-mid"}
        broad = {"linewidth": 4, "alpha": 0.35}  # seen beneath a prediction that is right
        for label, y, width in [
            ("true", self.y_true, broad),
            ("predicted", self.y_pred, {}),
        ]:
            if y is None:
                continue
            if self.classes is not None:
                y = np.searchsorted(self.classes, y)
            columns = np.reshape(y, (len(y), -1)).T
            for j, (color, column) in enumerate(zip(cycle(COLORS), columns)):
                output = f" {j}" if len(columns) > 1 else ""
                panel.plot(column, color=color, label=label + output, **style, **width)
        if self.classes is not None:
            panel.set_yticks(range(len(self.classes)), self.classes)
            panel.set_ylim(-0.3, len(self.classes) - 0.7)
        panel.set_ylabel("target")
        legend_above(panel, ncols=4)


def check_target(estimator, y, y_pred):
    """Refuse a true target that is not like the prediction."""
    shape = np.shape(y_pred)
    if estimator._quantiles is not None:
        shape = shape[:-1]
    if np.shape(y) != shape:
        raise ValueError(
            f"y must have the shape of the prediction, {shape}. Got {np.shape(y)}."
        )
    if is_classifier(estimator) and estimator._n_columns is None:
        unknown = np.setdiff1d(y, estimator.classes_)
        if len(unknown):
            raise ValueError(
                f"y must be of the classes {estimator.classes_}. Got {unknown[0]!r}."
            )


def relevance_of(estimator, X, target, method, baseline):
    """The values of one sequence as numbers and codes, and the relevance of each."""
    sequences = check_sequences(estimator, X, reset=False)
    values, numeric = sequences.steps, numeric_features(estimator, sequences)
    if method == "integrated_gradients":
        share = integrated_gradients(estimator, X, target=target, baseline=baseline)
        return values, share[0].reshape(values.shape)
    relevance = saliency(estimator, X, target=target)[0].reshape(values.shape)
    # That of a category is already by a factor of its vector.
    distance = values[:, numeric] - origin_of(estimator, baseline, numeric)
    relevance[:, numeric] *= distance
    return values, relevance


def title_of(estimator, X, y_pred, y, target):
    """What is explained, predicted and true, with probabilities where there are some."""
    parts = [f"predicted {shown(y_pred)}"]
    if is_classifier(estimator) or not isinstance(estimator, PointwiseRNN):
        parts[0] += f" ({probability_of(estimator, X, y_pred)})"
    if target is not None:
        parts.insert(0, toward(estimator, target))
        if is_classifier(estimator):
            parts[0] += f" ({probability_of(estimator, X, y_pred, target)})"
    if y is not None:
        parts.append(f"true {shown(y)}")
    return ", ".join(parts)


def toward(estimator, target):
    labelled = is_classifier(estimator) and estimator._n_columns is None
    return f"toward {'' if labelled else 'output '}{target}"


def names_of_features(pipeline, estimator, x):
    """Names of the features that an estimator gets of x through a pipeline, or None."""
    names = getattr(estimator, "feature_names_in_", None)
    if pipeline is estimator:
        names = getattr(x, "columns", names)
    elif names is None:
        names = names_out(pipeline)
        if names is not None and len(names) != estimator.n_features_in_:
            names = None
    return None if names is None else list(names)


def in_given_units(pipeline, x, values):
    """The numbers of x as given, if they are one by one those that the last step gets."""
    try:
        given = np.asarray(x, float)
    except (TypeError, ValueError):
        return values
    given = given.reshape(len(given), -1)[: len(values)]
    numbered = [f"x{j}" for j in range(np.shape(x)[-1])]
    names = getattr(x, "columns", getattr(pipeline, "feature_names_in_", numbered))
    out = names_out(pipeline)
    same = out in (list(names), ["x0"]) if np.ndim(x) == 1 else out == list(names)
    finite = given.shape == values.shape and np.isfinite(given).all()
    return given if same and finite else values


def probability_of(estimator, X, y_pred, target=None):
    """The probability of what is predicted, or of a class or indicator, as text."""
    if not isinstance(estimator, PointwiseRNN):
        of_all = np.exp(estimator.log_likelihood(X, [y_pred]))
    elif estimator._n_columns is None:
        label = y_pred if target is None else target
        of_all = estimator.predict_proba(X)[:, class_of(estimator, label)]
    else:
        of_ones = estimator.predict_proba(X)[0]
        of_all = np.where(y_pred, of_ones, 1 - of_ones)
        if target is not None:
            of_all = of_ones[[target]]
    return ", ".join(f"{probability:.2f}" for probability in of_all)


def shown(y):
    """A target as text."""
    return ", ".join(
        f"{value:.3g}" if isinstance(value, (float, np.floating)) else str(value)
        for value in np.atleast_1d(y)
    )


def draw_curve(panel, x, relevance, colours):
    """A curve over its relevance, which fills the panel."""
    from matplotlib.patheffects import withStroke

    margin = 0.1 * np.ptp(x) or 1.0
    extent = (-0.5, len(x) - 0.5, x.min() - margin, x.max() + margin)
    image = panel.imshow(
        relevance[np.newaxis],
        **{"aspect": "auto", "interpolation": "nearest", "extent": extent} | colours,
    )
    halo = [withStroke(linewidth=3, foreground="white")]
    panel.plot(x, color="black", linewidth=1.2, path_effects=halo)
    return image


def draw_map(panel, relevance, names, colours):
    """Relevance of many features, one a row."""
    image = panel.imshow(
        relevance, **{"aspect": "auto", "interpolation": "nearest"} | colours
    )
    if len(names) <= NAMED:
        panel.set_yticks(range(len(names)), names, fontsize="small")
    else:
        integer_ticks(panel.yaxis)
        panel.set_ylabel("feature")
    return image
