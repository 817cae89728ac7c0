"""What a translator reads of its input at each label."""

import numpy as np

from ...estimators import RNNTranslator
from .._attention import labelled_weights
from .._pipeline import names_out
from ._common import as_batch, integer_ticks, make_panels

# Steps and labels up to which each has a name on its axis.
NAMED = 60

# Inches: of a row or a column with a name, and of a picture at most.
SPACE, MOST = 0.24, 10


class AttentionDisplay:
    """Attention weights of one output, as an image.

    Rows are the labels of the output and its end. Columns are the steps of the input. It
    is recommended to use :meth:`from_estimator`.

    Parameters
    ----------
    weights : ndarray of shape (n_labels + 1, n_steps)
        Weights of the input steps at each label and at the end.
    labels : sequence of length n_labels
        The labels of the output.
    steps : sequence of length n_steps, default=None
        Names of the input steps, such as their tokens. None means their numbers from 0.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    See Also
    --------
    attention_weights : The weights of many sequences.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from skbptt import RNNTranslator
    >>> from skbptt.inspection import AttentionDisplay
    >>> from skbptt.preprocessing import TokenEncoder
    >>> encoder = TokenEncoder("char")
    >>> X, y = ["one", "two", "three"] * 10, ["1", "2", "3"] * 10
    >>> model = RNNTranslator(8, target_tokenizer="char", max_iter=20, random_state=0)
    >>> model = model.fit(encoder.fit_transform(X), y)
    >>> display = AttentionDisplay.from_estimator(
    ...     model,
    ...     encoder.transform(["three"])[0],
    ...     "3",
    ...     token_names=encoder.get_feature_names_out(),
    ... )
    >>> display.weights.shape
    (2, 5)
    >>> "".join(display.steps)
    'three'
    """

    def __init__(self, *, weights, labels, steps=None):
        self.weights = weights
        self.labels = labels
        self.steps = steps

    @classmethod
    def from_estimator(
        cls, estimator, x, y=None, *, token_names=None, ax=None, name=None, **kwargs
    ):
        """Plot the attention weights of a fitted translator for one sequence.

        Parameters
        ----------
        estimator : RNNTranslator
            A fitted estimator with attention, or a pipeline that ends with one. The steps
            before it transform x.
        x : array-like of shape (n_steps,) or (n_steps, n_features)
            One sequence, without the first axis of the X in fit.
        y : sequence of labels or str, default=None
            The output, of labels among ``classes_``. None means the prediction for x.
        token_names : array-like of str, default=None
            Names of the tokens by id, such as
            :meth:`TokenEncoder.get_feature_names_out() \
<skbptt.preprocessing.TokenEncoder.get_feature_names_out>`, for an x of tokens. By
            default, those that the steps of a pipeline give; else tokens are named by their
            ids, and steps of numbers by their position.
        ax, name, **kwargs
            As in :meth:`plot`.

        Returns
        -------
        display : AttentionDisplay

        Raises
        ------
        TypeError
            If the estimator is not a translator.
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If the estimator was fitted with ``attention=None``, if x is not one sequence,
            if y has labels that are not among ``classes_``, or if ``token_names`` does not
            name all tokens of x.
        """
        last, X = as_batch(estimator, x, RNNTranslator)
        if token_names is None and last._tokens:
            token_names = names_out(estimator)
        weights, labels = labelled_weights(last, X, None if y is None else [y])
        display = cls(weights=weights[0], labels=labels[0], steps=named(X[0], token_names))
        return display.plot(ax, name=name, **kwargs)

    def plot(self, ax=None, *, name=None, **kwargs):
        """Plot the weights.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. By default a new figure.
        name : str, default=None
            Title, such as the name of the estimator.
        **kwargs
            For :meth:`matplotlib.axes.Axes.imshow`.

        Returns
        -------
        display : AttentionDisplay
        """
        n_rows, n_columns = np.shape(self.weights)
        width, height = (
            min(MOST, max(least, 1.5 + SPACE * n))
            for least, n in ((4.0, n_columns + 4), (2.6, n_rows))
        )
        self.figure_, axes = make_panels(self, ax, 1, 1, figsize=(width, height))
        self.ax_ = axes[0, 0]
        image = self.ax_.imshow(
            self.weights,
            **{
                "aspect": "auto",
                "interpolation": "nearest",
                "cmap": "Blues",
                "vmin": 0,
                "vmax": 1,
            }
            | kwargs,
        )
        self.figure_.colorbar(image, ax=self.ax_, label="attention weight", pad=0.02)
        name_ticks(self.ax_.xaxis, self.steps, n_columns)
        name_ticks(self.ax_.yaxis, [*self.labels, "(end)"], n_rows)
        self.ax_.set(xlabel="input", ylabel="output")
        if name is not None:
            self.ax_.set_title(name, fontsize="medium")
        return self


def named(x, token_names):
    """Names of the steps of a sequence, or None if they are not tokens."""
    x = np.asarray(x)
    if x.ndim != 1 or x.dtype.kind not in "iu":
        if token_names is not None:
            raise ValueError(
                "token_names is for a sequence of tokens, a 1-D array of integers. x is "
                f"{x.dtype} of shape {x.shape}."
            )
        return None
    if token_names is None:
        return x
    if x.max() >= len(token_names):
        raise ValueError(
            f"token_names must name all tokens of x. Got {len(token_names)} names, but x "
            f"holds the token {x.max()}."
        )
    return [str(token_names[token]) for token in x]


def name_ticks(axis, names, n):
    """A tick with the name of each of n rows or columns, or numbers if they are many."""
    if names is None or n > NAMED:
        integer_ticks(axis)
        return
    # A space that is seen.
    names = ["\N{OPEN BOX}" if str(name) == " " else str(name) for name in names]
    long = axis.axis_name == "x" and max(map(len, names)) > 2
    turned = {"rotation": 90} if long else {}
    axis.set_ticks(range(n), names, fontsize="small", **turned)
