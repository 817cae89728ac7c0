"""Where in a sequence a transcriber finds its labels."""

import numpy as np
from sklearn.isotonic import isotonic_regression

from ...estimators import RNNTranscriber
from ...losses import log_softmax
from .._alignment import aligned
from ._common import COLORS, as_batch, integer_ticks, make_panels

# Labels up to which each has a row; of more, those that matter for the sequence.
FEW = 30

# Height of a label in inches, and the space between it and the image in points.
HEIGHT, SPACE = 0.13, 12


class AlignmentDisplay:
    """Probabilities of the labels at each step of one sequence, and the labels aligned.

    Each label has a row, and the last row is the blank, where no label is. Frames mark the
    steps of the aligned labels, which stand above. Of more than 30 labels, the rows are
    those that are aligned or the most probable ones at some step. It is recommended to use
    :meth:`from_estimator`.

    Parameters
    ----------
    probabilities : ndarray of shape (n_steps, n_classes + 1)
        Probabilities of the labels, and of the blank in the last column.
    classes : ndarray of shape (n_classes,)
        The labels.
    codes : ndarray of int of shape (n_labels,)
        The aligned labels, as positions among the classes.
    position : ndarray of int of shape (n_steps,)
        For each step the position in ``codes`` of its label; -1 for the blank.
    name : str, default=None
        Title.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes, of shape (1, 1)
    figure_ : matplotlib Figure

    See Also
    --------
    alignment : The numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from skbptt import RNNTranscriber
    >>> from skbptt.inspection import AlignmentDisplay
    >>> rng = np.random.default_rng(0)
    >>> y = ["".join(rng.choice(list("ab"), 3)) for _ in range(100)]
    >>> X = [[[" ab".index(c)] for c in " " + " ".join(word)] for word in y]
    >>> model = RNNTranscriber(8, bidirectional=True, random_state=0).fit(X, y)
    >>> display = AlignmentDisplay.from_estimator(model, X[0], y[0])
    >>> display.probabilities.shape
    (6, 3)
    """

    def __init__(self, *, probabilities, classes, codes, position, name=None):
        self.probabilities = probabilities
        self.classes = classes
        self.codes = codes
        self.position = position
        self.name = name

    @classmethod
    def from_estimator(cls, estimator, x, y=None, *, ax=None, name=None, **kwargs):
        """Plot the alignment of given or predicted labels with one sequence.

        Parameters
        ----------
        estimator : RNNTranscriber
            A fitted estimator, or a pipeline that ends with one. The steps before it
            transform x.
        x : array-like of shape (n_steps, n_features) or (n_steps,)
            One sequence, without the first axis of the X in fit. Steps of NaN at
            its end are padding.
        y : sequence of labels or str, default=None
            Labels to align. By default those that are predicted.
        ax, name, **kwargs
            As in :meth:`plot`.

        Returns
        -------
        display : AlignmentDisplay

        Raises
        ------
        TypeError
            If it is another estimator.
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If x is not one sequence, or y cannot be aligned with it.
        """
        estimator, X = as_batch(estimator, x, RNNTranscriber)
        raw, labels, position, _ = aligned(estimator, X, None if y is None else [y])
        display = cls(
            probabilities=np.exp(log_softmax(raw)),
            classes=estimator.classes_,
            codes=labels.codes,
            position=position,
        )
        return display.plot(ax, name=name, **kwargs)

    def plot(self, ax=None, *, name=None, **kwargs):
        """Plot the alignment.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            By default, that of a new figure.
        name : str, default=None
            Title in place of ``self.name``, such as the name of the estimator.
        **kwargs
            For :meth:`matplotlib.axes.Axes.imshow`, of the probabilities.

        Returns
        -------
        display : AlignmentDisplay
        """
        rows = self._rows()
        n_steps = len(self.probabilities)
        size = np.clip(2 + n_steps / 20, 6.4, 11), 1.5 + 0.2 * len(rows)
        self.figure_, self.axes_ = make_panels(self, ax, 1, 1, figsize=size)
        panel = self.axes_[0, 0]
        image = panel.imshow(
            np.transpose(self.probabilities[:, rows]),
            **{
                "aspect": "auto",
                "interpolation": "nearest",
                "cmap": "Blues",
                "vmin": 0,
                "vmax": 1,
            }
            | kwargs,
        )
        names = [*map(str, self.classes), "(blank)"]
        panel.set_yticks(range(len(rows)), [names[k] for k in rows], fontsize="small")
        panel.set_xlabel("step")
        integer_ticks(panel.xaxis)
        self.figure_.colorbar(image, ax=panel, label="probability", pad=0.02)
        title = (self.name or "") if name is None else name
        texts = [names[k] for k in self.codes]
        panel.set_title(title, fontsize="medium", pad=2 * SPACE + 6 * longest(texts))
        self._mark(panel, rows, texts)
        return self

    def _rows(self):
        """Columns of the probabilities that are shown."""
        n = len(self.classes)
        if n <= FEW:
            return np.arange(n + 1)
        return np.unique([*self.codes, *self.probabilities.argmax(axis=1), n])

    def _mark(self, panel, rows, texts):
        """Frame the steps of each label, and write it above."""
        from matplotlib.patches import Rectangle

        spans = [np.flatnonzero(self.position == k)[[0, -1]] for k in range(len(texts))]
        if not spans:
            return
        middle = np.mean(spans, axis=1)
        width = panel.get_position().width * panel.figure.get_figwidth()
        turned = longest(texts) > 1
        n_steps = len(self.position)
        places = apart(middle, HEIGHT * n_steps / width, n_steps - 1)
        of_labels = np.searchsorted(rows, self.codes)
        for (first, last), row, x, place, text in zip(
            spans, of_labels, middle, places, texts
        ):
            frame = Rectangle(
                (first - 0.5, row - 0.5), last - first + 1, 1, fill=False, color=COLORS[1]
            )
            panel.add_patch(frame)
            panel.annotate(
                text,
                (x, 1),
                (place, SPACE),
                xycoords=("data", "axes fraction"),
                textcoords=("data", "offset points"),
                rotation=90 * turned,
                ha="center",
                va="bottom",
                fontsize="small",
                arrowprops={"arrowstyle": "-", "color": "0.6", "shrinkA": 0, "shrinkB": 0},
            )


def longest(texts):
    """Number of characters of the longest text."""
    return max(map(len, texts), default=0)


def apart(x, least, end):
    """Sorted places, moved as little as it takes to be at least so far from each other.

    They stay between 0 and ``end``, and are closer where there is no room.
    """
    shift = np.arange(len(x)) * min(least, end / len(x))
    return isotonic_regression(x - shift, y_min=0, y_max=end - shift[-1]) + shift
