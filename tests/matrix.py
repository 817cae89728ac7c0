"""The matrix of what works with what: its columns, its rows and its workarounds.

A row is a check of one part of scikit-learn: a function of Data, which fails unless the
result equals the same thing done by hand. A column is a form of X. Where the part refuses a
form, the row names the message, and the workaround with which the same check holds. The
rows are declared in matrix_selection, matrix_ensembles and matrix_tools; the table of
docs/compatibility.rst is written from them, and compared with them.
"""

import warnings
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from textwrap import wrap

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skbptt import RNNClassifier, RNNRegressor
from skbptt.preprocessing import (
    SequenceFlattener,
    SequenceUnflattener,
    TimeDistributed,
    pad_sequences,
)

N, WIDTH, N_FEATURES = 48, 6, 2
ROWS = []

# Columns: from a list of arrays to X.


def as_objects(items):
    X = np.empty(len(items), object)
    X[:] = items
    return X


def as_frames(items):
    import pandas

    return [pandas.DataFrame(x, columns=["a", "b"]) for x in items]


def as_padded(items):
    return pad_sequences(items, length=WIDTH)


FORMS = {
    "3-D": np.stack,
    "list": list,
    "object array": as_objects,
    "padded 3-D": as_padded,
    "2-D": lambda items: np.stack(items)[..., 0],
    "list of frames": as_frames,
}
OF_ONE_LENGTH = {"3-D", "2-D"}


@dataclass(frozen=True)
class Data:
    """Sequences in one form of X, and models to learn their targets."""

    items: list
    build: Callable  # from a list of arrays to X
    wrap: Callable = lambda model: model  # from a network to what reads such X
    lift: Callable = lambda transformer: transformer  # from one of rows to one of X

    @property
    def X(self):
        return self.build(self.items)

    def take(self, rows):
        """Some of the sequences, without any indexing by scikit-learn."""
        return self.build([self.items[i] for i in rows])

    @property
    def target(self):
        return np.array([x[-1, 0] for x in self.items])

    @property
    def labels(self):
        return np.digitize(self.target, [-0.4, 0.4])

    @property
    def binary(self):
        return (self.target > 0).astype(int)

    def classifier(self, **options):
        return self.wrap(RNNClassifier(**OPTIONS | options))

    def regressor(self, **options):
        return self.wrap(RNNRegressor(**OPTIONS | options))

    def tasks(self):
        return [(self.classifier(), self.labels), (self.regressor(), self.target)]

    def grid(self, model):
        """Two values of each of two parameters."""
        return {"hidden_layer_sizes": [1, 6], "cell": ["rnn", "gru"]}

    def fit(self, model, y, rows=slice(None)):
        """A clone of the model, fitted to some of the sequences."""
        rows = np.arange(len(self.items))[rows]
        return clone(model).fit(self.take(rows), some(y, rows))


OPTIONS = {
    "hidden_layer_sizes": 6,
    "cell": "rnn",
    "readout": "last",
    "max_iter": 15,
    "learning_rate_init": 0.1,
    "batch_size": 32,
    "random_state": 0,
}


def make_data(form):
    rng = np.random.RandomState(0)
    lengths = np.full(N, WIDTH) if form in OF_ONE_LENGTH else rng.randint(3, WIDTH + 1, N)
    return Data([rng.standard_normal((n, N_FEATURES)) for n in lengths], FORMS[form])


def some(y, rows):
    """Some of the targets, of an array or of a list."""
    return y[rows] if isinstance(y, np.ndarray) else [y[i] for i in rows]


def equal(got, expected):
    """Sequences of equal arrays, or arrays."""
    if isinstance(got, list) or got.dtype == object:
        for one, other in zip(got, expected, strict=True):
            np.testing.assert_array_equal(one, other)
    else:
        np.testing.assert_array_equal(got, expected)


def above_chance(score):
    """Of three balanced classes or, in R^2, of the mean."""
    assert score > 0.5, score


# Workarounds: from data that are refused to data that are not.

FILL = 1e6  # stands for padding where NaN is refused


def table_of(data):
    """From a list of arrays to a table as wide as the longest sequence of all data."""
    return SequenceFlattener().fit(data.items).transform


def fill(X):
    return np.nan_to_num(X, nan=FILL)


def restore(X):
    return np.where(X == FILL, np.nan, X)


def flat(data):
    """A table outside; the first step inside cuts its rows into sequences."""
    return replace(
        data,
        build=table_of(data),
        wrap=lambda model: make_pipeline(SequenceUnflattener(N_FEATURES), model),
    )


def columns(data, *before):
    """A table without NaN, and every column a step of one feature."""
    steps = (*before, FunctionTransformer(restore), SequenceUnflattener(1))
    flatten = table_of(data)
    return replace(
        data,
        build=lambda items: fill(flatten(items)),
        wrap=lambda model: make_pipeline(*steps, model),
    )


def rolled(data):
    """As columns, with what a chain appends moved to the front, so that padding trails."""
    shift = {"shift": -WIDTH * N_FEATURES, "axis": 1}
    return columns(data, FunctionTransformer(np.roll, kw_args=shift))


class WeightedPipeline(Pipeline):
    """A pipeline that hands sample_weight to its last step, as AdaBoost asks."""

    def fit(self, X, y, sample_weight=None):
        return super().fit(X, y, **{f"{self.steps[-1][0]}__sample_weight": sample_weight})


def filled(data):
    """A 3-D array without NaN; padding is restored inside."""
    restored = ("restore", FunctionTransformer(restore))
    return replace(
        data,
        build=lambda items: fill(as_padded(items)),
        wrap=lambda model: WeightedPipeline([restored, ("rnn", model)]),
    )


def by_step(data):
    return replace(data, lift=TimeDistributed)


# The names of the workarounds are the labels of their sections in the documentation.
WORKAROUNDS = {
    "flat": flat,
    "columns": columns,
    "chain": rolled,
    "filled": filled,
    "by step": by_step,
    "own": lambda data: data,  # by a check of its own
}

# Rows.

NOT_A_TABLE = {
    "3-D": "Found array with dim 3",
    "list": "setting an array element|got 1D array",
    "object array": "setting an array element|got 1D array|Unable to find the number",
    "padded 3-D": "Found array with dim 3",
    "list of frames": "setting an array element|got 1D array",
}


@contextmanager
def refused(message):
    """An error that matches, whatever is warned of on the way to it."""
    errors = (ValueError, TypeError, IndexError, AttributeError, NotImplementedError)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(errors, match=message):
            yield


@dataclass(frozen=True)
class Row:
    name: str
    check: Callable
    refuses: dict = field(default_factory=dict)  # form: pattern of the message
    workarounds: dict = field(default_factory=dict)  # form: name of the workaround
    check_instead: Callable | None = None  # where the workaround has a result of its own

    def run(self, form):
        data = make_data(form)
        if form not in self.refuses:
            self.check(data)
            return
        with refused(self.refuses[form]):
            self.check(data)
        workaround = self.workarounds[form]
        check = self.check_instead if workaround == "own" else self.check
        check(WORKAROUNDS[workaround](data))


def row(names, *, refuses=(), workaround=None, check_instead=None):
    """Declare the decorated function of Data as the check of a row.

    Or of several rows: then ``names`` is a dict from names to what the function gets as
    its second argument. ``workaround`` is the name of one, or a dict of those by form.
    """
    refuses = dict(refuses)
    workarounds = (
        workaround if isinstance(workaround, dict) else dict.fromkeys(refuses, workaround)
    )

    def declare(check):
        of_rows = (
            {name: partial(given, check, argument) for name, argument in names.items()}
            if isinstance(names, dict)
            else {names: check}
        )
        for name, of_row in of_rows.items():
            ROWS.append(Row(name, of_row, refuses, workarounds, check_instead))
        return check

    return declare


def given(check, argument, data):
    check(data, argument)


refused_as_no_table = partial(row, refuses=NOT_A_TABLE)


def table(of_rows, forms):
    """The matrix in reStructuredText. Parts with the same cells share a line."""
    shared = {}
    for one in of_rows:
        accepted = ", ".join(form for form in forms if form not in one.workarounds)
        workarounds = ", ".join(
            f":ref:`{workaround} <compatibility-{workaround.replace(' ', '-')}>`"
            for workaround in dict.fromkeys(one.workarounds.values())
        )
        cells = (accepted or "none", workarounds) if workarounds else ("all forms", "")
        shared.setdefault(cells, []).append(one.name.replace("(", " ("))
    lines = [".. list-table::", "   :header-rows: 1", "   :widths: 60 20 20", ""]
    rows = [(", ".join(names), *cells) for cells, names in shared.items()]
    for cells in [
        ("Part of scikit-learn", "Works with", "Workaround for other forms"),
        *rows,
    ]:
        for mark, cell in zip("*  ", cells):
            lines += wrap(f"   {mark} - {cell}", 92, subsequent_indent=7 * " ")
    return "\n".join(lines) + "\n"
