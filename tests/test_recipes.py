"""Each recipe of the documentation runs by itself, as a reader would paste it."""

import doctest
import re
from pathlib import Path

import pytest

RECIPES = Path(__file__).resolve().parents[1] / "docs" / "recipes.rst"
OPTIONS = doctest.NORMALIZE_WHITESPACE


def sections():
    """Titles and texts."""
    parts = re.split(r"^(.+)\n-{3,}\n", RECIPES.read_text("utf-8"), flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2]))


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
    "Log in mlflow": "mlflow.sklearn",
}


@pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType:UserWarning")
@pytest.mark.parametrize("title", sections())
def test_recipe(title):
    if title in NEEDED:
        pytest.importorskip(NEEDED[title])
    test = doctest.DocTestParser().get_doctest(
        sections()[title], {"__name__": "__main__"}, title, str(RECIPES), 0
    )
    report = []
    runner = doctest.DocTestRunner(optionflags=OPTIONS)
    runner.run(test, out=report.append)
    assert runner.failures == 0, "".join(report)
    assert runner.tries > 5
