"""The matrix of the estimators whose targets are sequences of labels.

Its columns are forms of y, and X is a list. Most rows are those of the other estimators.
The rest are tools for classes and numbers, which refuse such targets.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import (
    BaggingClassifier,
    BaggingRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import (
    FixedThresholdClassifier,
    TunedThresholdClassifierCV,
    cross_validate,
)
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier
from sklearn.semi_supervised import SelfTrainingClassifier

from skbptt import RNNTranscriber, RNNTranslator
from skbptt.metrics import (
    neg_token_error_rate_scorer,
    sequence_accuracy_score,
    sequence_accuracy_scorer,
    token_error_rate,
)
from skbptt.preprocessing import TokenEncoder
from tests import matrix, matrix_selection, matrix_tools  # noqa: F401
from tests.matrix import Data, N, Row, as_objects, equal, some
from tests.matrix_selection import FOLDS

FORMS = {
    "list of texts": list,
    "list of sequences": lambda texts: [list(text) for text in texts],
    "object array": lambda texts: as_objects([np.array([*text]) for text in texts]),
    "2-D array": lambda texts: np.array([[*text] for text in texts]),
}
OPTIONS = {k: v for k, v in matrix.OPTIONS.items() if k != "readout"}
OPTIONS["target_tokenizer"] = "char"


@dataclass(frozen=True)
class LabelsOut(Data):
    """Of each sequence the sign of its first step and, if it is long, of its last one."""

    targets: Callable = list  # from a list of texts to y
    ragged: bool = True

    @property
    def texts(self):
        signs = ["".join("+" if v > 0 else "-" for v in x[[0, -1], 0]) for x in self.items]
        return [
            s[: 1 + (len(x) > 4)] if self.ragged else s for s, x in zip(signs, self.items)
        ]

    def tasks(self):
        y = self.targets(self.texts)
        models = RNNTranscriber(**OPTIONS), RNNTranslator(**OPTIONS)
        return [(self.wrap(model), y) for model in models]

    def grid(self, model):
        of_network = {"hidden_layer_sizes": [1, 6]}
        if hasattr(model, "attention"):
            of_network = {"attention": ["dot", None]}
        return {"beam_width": [1, 3]} | of_network


def as_tokens(items):
    return [(x[:, 0] > 0).astype(int) for x in items]


FORMS_OF_X = matrix.FORMS | {"list of tokens": as_tokens}


def make_data(form, of_X="list"):
    items = matrix.make_data(of_X if of_X in matrix.OF_ONE_LENGTH else "list").items
    return LabelsOut(
        items, FORMS_OF_X[of_X], targets=FORMS[form], ragged=form != "2-D array"
    )


def scorers(data):
    """Those of sequences, beside the own score of the estimators."""
    scoring = {"rate": neg_token_error_rate_scorer, "right": sequence_accuracy_scorer}
    for model, y in data.tasks():
        results = cross_validate(model, data.X, y, cv=FOLDS, scoring=scoring)
        own = cross_validate(model, data.X, y, cv=FOLDS)["test_score"]
        for k, (train, test) in enumerate(FOLDS):
            true = some(y, test)
            predicted = data.fit(model, y, train).predict(data.take(test))
            rate = token_error_rate(true, predicted)
            assert results["test_rate"][k] == -rate
            assert own[k] == 1 - rate
            assert results["test_right"][k] == sequence_accuracy_score(true, predicted)


def frozen(data):
    for model, y in data.tasks():
        fitted = data.fit(model, y, slice(N // 2))
        again = FrozenEstimator(fitted).fit(data.X, y)
        equal(again.predict(data.X), fitted.predict(data.X))


# Tools for classes and numbers.


def refuse(data, make):
    """Even with a table as X, so that it is y that they refuse."""
    X = np.stack([x[:3, 0] for x in data.items])
    for model, y in data.tasks():
        make(model).fit(X, y).predict(X)


def two_of(model):
    return [(str(seed), clone(model).set_params(random_state=seed)) for seed in range(2)]


def vote(members, x, n=7):
    """The output that the members find the most probable on average."""
    outputs = np.concatenate([member.predict_nbest([x], n)[0][0] for member in members])
    return outputs[mean_of(members, x, outputs).argmax()]


def mean_of(members, x, outputs):
    """Mean log-probability of outputs of one sequence."""
    X = [x] * len(outputs)
    return np.mean([member.log_likelihood(X, outputs) for member in members], axis=0)


def voted(data):
    """No output of up to two labels is more probable."""
    for model, y in data.tasks():
        members = [data.fit(one, y) for _, one in two_of(model)]
        every = ["++", "+-", "-+", "--"] + ["+", "-"] * data.ragged
        every = data.targets(every)

        for x in data.items[:8]:
            (found,) = mean_of(members, x, [vote(members, x)])
            assert found >= mean_of(members, x, every).max() - 1e-9


def listed(data):
    """Outputs with their probabilities."""
    for model, y in data.tasks():
        fitted = data.fit(model, y)
        outputs, log_p = fitted.predict_nbest(data.X, 7)
        for x, its, p in zip(data.items, outputs, log_p):
            np.testing.assert_allclose(
                fitted.log_likelihood([x] * len(its), its), p, rtol=1e-9
            )
            assert (np.diff(p) <= 0).all()
            assert np.exp(p).sum() <= 1 + 1e-12


def encoded(data):
    """Labels as integers, and back."""
    for model, y in data.tasks():
        texts = ["".join(labels) for labels in y]
        encoder = TokenEncoder("char").fit(texts)
        got = data.fit(model, encoder.transform(texts)).predict(data.X)
        by_frequency = sorted("+-", key="".join(texts).count, reverse=True)
        ids = {label: k for k, label in enumerate(by_frequency, 1)}
        assert encoder.vocabulary_ == ids
        names = {k: label for label, k in ids.items()}
        by_hand = data.fit(model, [[ids[label] for label in text] for text in texts])
        expected = ["".join(names[k] for k in one) for one in by_hand.predict(data.X)]
        assert encoder.inverse_transform(got) == expected


WORKAROUNDS = {"vote": voted, "n-best": listed, "encoded": encoded}

NO_TARGET = {
    "list of texts": "should be a (classifier|regressor)|must be a sequence of labels|"
    "unsupported operand|y has dtype string|not compatible with arrays",
    "list of sequences": "legacy multi-label|setting an array element",
    "object array": "Unknown label type|truth value of an array|should be a regressor|"
    "setting an array element|'bool' object has no attribute 'any'",
    "2-D array": "only supports binary|should be a 1d array|ufunc 'add'|Multioutput target|"
    "not compatible with arrays",
}
NO_CLASSES = dict.fromkeys(FORMS, "must be an object implementing 'fit' and")


def rows():
    of_others = {row.name: row for row in matrix.ROWS}
    yield from (of_others[name] for name in SELECTION)
    yield Row("scorers of skbptt.metrics", scorers)
    for workaround, refuses, tools in REFUSED:
        workarounds = dict.fromkeys(FORMS, workaround)
        for name, make in tools.items():
            yield Row(name, partial(refuse, make=make), refuses, workarounds)
    yield Row("FrozenEstimator", frozen)
    yield from (of_others[name] for name in TOOLS)


SELECTION = [
    "GridSearchCV",
    "RandomizedSearchCV",
    "HalvingGridSearchCV",
    "HalvingRandomSearchCV",
    "cross_val_score",
    "cross_validate",
    "cross_val_predict",
    "learning_curve",
    "validation_curve",
    "permutation_test_score",
    "GroupKFold",
    "LeaveOneGroupOut",
    "TimeSeriesSplit",
    "train_test_split",
    "resample",
    "shuffle",
]
REFUSED = [
    (
        "vote",
        NO_TARGET,
        {
            "VotingClassifier": lambda model: VotingClassifier(two_of(model)),
            "VotingRegressor": lambda model: VotingRegressor(two_of(model)),
            "StackingClassifier": lambda model: StackingClassifier(two_of(model)),
            "StackingRegressor": lambda model: StackingRegressor(two_of(model)),
            "BaggingClassifier": partial(BaggingClassifier, n_estimators=2),
            "BaggingRegressor": partial(BaggingRegressor, n_estimators=2),
        },
    ),
    (
        "n-best",
        NO_CLASSES,
        {
            "CalibratedClassifierCV": CalibratedClassifierCV,
            "FixedThresholdClassifier": FixedThresholdClassifier,
            "TunedThresholdClassifierCV": TunedThresholdClassifierCV,
            "OutputCodeClassifier": OutputCodeClassifier,
        },
    ),
    (
        "n-best",
        NO_TARGET,
        {
            "OneVsRestClassifier": OneVsRestClassifier,
            "OneVsOneClassifier": OneVsOneClassifier,
            "SelfTrainingClassifier": SelfTrainingClassifier,
        },
    ),
    ("encoded", NO_TARGET, {"TransformedTargetRegressor": TransformedTargetRegressor}),
]
TOOLS = [
    "Pipeline",
    "set_output",
    "clone",
    "pickle",
    "joblib.dump",
    "cloudpickle",
    "skops.io.dump",
    "estimator_html_repr",
]
ROWS = list(rows())
