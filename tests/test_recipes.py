"""Recipes and examples of third-party tools run one by one, as a reader pastes them."""

import doctest
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[1] / "docs"
OPTIONS = doctest.NORMALIZE_WHITESPACE


def sections(page):
    """Titles and texts of the sections with examples."""
    text = (DOCS / page).read_text("utf-8")
    parts = re.split(r"^(.+)\n-{3,}\n", text, flags=re.MULTILINE)[1:]
    return {k: v for k, v in zip(parts[::2], parts[1::2]) if ">>>" in v}


RECIPES, THIRD_PARTY = sections("recipes.rst"), sections("third_party.rst")
NEEDED = {
    "Run on Dask": "distributed",
    "Translate, and score by BLEU": "sacrebleu",
    "Watch progress": "sklearn.callback",
    **dict.fromkeys(
        [
            "Fill gaps",
            "Windows of a long table",
            "Columns known ahead",
            "Search for the parameters of a forecaster",
        ],
        "pandas",
    ),
    "Forecast in sktime": "sktime",
    "Forecast in skforecast": "skforecast",
    "Forecast in mlforecast": "mlforecast",
    "Conformal intervals": "mapie",
    "Optuna": "optuna",
    "scikit-optimize": "skopt",
    "MLflow": "mlflow.sklearn",
    "skore": "skore",
    "darts": "darts",
    "sktime": "sktime",
    "imbalanced-learn": "imblearn",
    "fairlearn": "fairlearn",
    "SHAP": "shap",
    "LIME": "lime",
}


def run(title, text):
    if title in NEEDED:
        pytest.importorskip(NEEDED[title])
    test = doctest.DocTestParser().get_doctest(
        text, {"__name__": "__main__"}, title, title, 0
    )
    report = []
    runner = doctest.DocTestRunner(optionflags=OPTIONS)
    runner.run(test, out=report.append)
    assert runner.failures == 0, "".join(report)
    assert runner.tries > 5


@pytest.mark.parametrize("title", RECIPES)
def test_recipe(title):
    run(title, RECIPES[title])


@pytest.mark.parametrize("title", THIRD_PARTY)
@pytest.mark.filterwarnings("ignore")  # the tools warn about their own changes
def test_third_party(title):
    run(title, THIRD_PARTY[title])
