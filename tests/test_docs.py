"""The examples of the documentation paste into the interactive prompt of Python 3.10."""

from codeop import compile_command
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
WRITTEN = "docs/developers.rst"  # holds the text of files
PAGES = [
    path.relative_to(ROOT).as_posix()
    for path in [*ROOT.glob("docs/**/*.rst"), *ROOT.glob("skbptt/**/*.py")]
    if not {"_build", "auto_examples", "generated"} & set(path.parts)
]


def blocks(text):
    """Numbered lines of each block of examples, as the copy button copies them."""
    block, prompt = [], False
    for number, line in enumerate([*text.splitlines(), ""], 1):
        line = line.strip()
        prompt = line.startswith(">>>") or (prompt and line.startswith("..."))
        if prompt:
            block.append((number, line[4:]))
        elif not line and block:
            yield block
            block = []


def mistakes(text):
    """Numbers of the lines that the prompt would not understand."""
    for block in blocks(text):
        entered = []
        for number, line in [*block, (block[-1][0], "")]:
            entered.append(line)
            try:
                complete = compile_command("\n".join(entered))
            except SyntaxError:
                yield number
                break
            if complete is not None:
                entered = []


@pytest.mark.parametrize("page", sorted({*PAGES} - {WRITTEN}))
def test_examples_paste_into_the_prompt(page):
    assert list(mistakes((ROOT / page).read_text("utf-8"))) == []
