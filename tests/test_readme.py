"""The README's example runs as pasted."""

import re
from pathlib import Path

import numpy as np
import pytest

README = Path(__file__).parents[1] / "README.md"


def printed(code, capsys):
    exec(code, {})
    return capsys.readouterr().out.splitlines()


@pytest.mark.slow
def test_examples(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    search, dates, forecasts = re.findall(
        r"```python\n(.*?)```", README.read_text("utf-8"), re.S
    )
    best, score = printed(search, capsys)
    assert set(eval(best)) == {"cell", "bidirectional"}
    assert float(score) > 0.9
    score, predicted = printed(dates, capsys)
    assert float(score) > 0.98
    assert f"# {predicted}\n" in dates
    bounds = np.array([line.strip("[] ").split() for line in printed(forecasts, capsys)])
    lower, upper = bounds.astype(float).T
    hours = np.arange(1500, 1503)
    season = 10 * np.sin(2 * np.pi * hours / 24) + 5 * np.sin(2 * np.pi * hours / 168)
    assert (lower < 50 + season).all()
    assert (50 + season < upper).all()
    assert (upper - lower < 8).all()  # 2 * 1.64 for perfect forecasts
    assert (tmp_path / "forecasts.png").stat().st_size > 10_000


def test_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)]+)\)", README.read_text(encoding="utf-8")):
        assert (README.parent / target).exists(), target
