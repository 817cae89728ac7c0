"""The README's example runs as pasted."""

import re
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"


def printed(code, capsys):
    exec(code, {})
    return capsys.readouterr().out.splitlines()


@pytest.mark.slow
def test_examples(capsys):
    search, dates = re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), re.S)
    best, score = printed(search, capsys)
    assert set(eval(best)) == {"cell", "bidirectional"}
    assert float(score) > 0.9
    score, predicted = printed(dates, capsys)
    assert float(score) > 0.98
    assert f"# {predicted}\n" in dates


def test_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)]+)\)", README.read_text(encoding="utf-8")):
        assert (README.parent / target).exists(), target
