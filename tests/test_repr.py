"""How estimators show themselves."""

import pytest
import sklearn
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_html_repr
from sklearn.utils.fixes import parse_version

from skbptt import RNNClassifier, RNNRegressor
from skbptt.cells import ElmanCell
from skbptt.preprocessing import (
    SequenceFlattener,
    SequenceImputer,
    SequenceUnflattener,
    TimeDistributed,
    TokenEncoder,
)

ALL = [
    RNNClassifier(),
    RNNRegressor(),
    TimeDistributed(StandardScaler()),
    SequenceFlattener(),
    SequenceImputer(),
    SequenceUnflattener(2),
    TokenEncoder(),
]
HAS_HELP = parse_version(sklearn.__version__) >= parse_version("1.8")


@pytest.mark.parametrize("estimator", ALL, ids=lambda estimator: type(estimator).__name__)
def test_html_links_to_the_documentation(estimator):
    cls = type(estimator)
    module = "skbptt" if cls.__name__.startswith("RNN") else "skbptt.preprocessing"
    page = f"https://skbptt.readthedocs.io/en/stable/generated/{module}.{cls.__name__}.html"
    assert page in estimator_html_repr(estimator)


@pytest.mark.skipif(not HAS_HELP, reason="scikit-learn shows it from 1.8 on")
@pytest.mark.parametrize("estimator", ALL, ids=lambda estimator: type(estimator).__name__)
def test_html_has_the_help_of_every_parameter(estimator):
    html = estimator_html_repr(estimator)
    for name in estimator.get_params(deep=False):
        assert f"{name}: " in html, name
        assert f"#:~:text={name}," in html, name


def test_text():
    model = make_pipeline(RNNRegressor(8, cell=ElmanCell("relu"), alpha=0))
    assert repr(model[-1]) == (
        "RNNRegressor(alpha=0, cell=ElmanCell('relu'), hidden_layer_sizes=8)"
    )
    assert "ElmanCell" in estimator_html_repr(model)
