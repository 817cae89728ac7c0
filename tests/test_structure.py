"""The shape of the package: one direction of imports, files of one idea."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import skbptt
from skbptt._docstrings import BLOCKS

ROOT = Path(skbptt.__file__).parent

# Each module may import those in earlier rows only.
LAYERS = [
    {"_compat", "_docstrings", "_persistence", "_public", "_warn"},
    {"_callbacks", "_scores", "cells", "data", "datasets", "loops"},
    {"losses", "layers"},
    {"network", "solvers"},
    {"metrics", "preprocessing"},
    {"training"},
    {"estimators"},
    {"_show_versions", "forecasting", "inspection"},
    {"__init__"},
]
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}


def module_of(path):
    return path.relative_to(ROOT).with_suffix("").parts[0]


def imports_of(path):
    """Modules of the package that a file imports from outside its own folder."""
    depth = len(path.relative_to(ROOT).parts)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level == depth:
            if node.module:
                yield node.module.split(".")[0]
            else:
                yield from (alias.name for alias in node.names)


PATHS = sorted(ROOT.rglob("*.py"))


@pytest.mark.parametrize("path", PATHS, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_run_one_way(path):
    for imported in imports_of(path):
        assert RANK[imported] < RANK[module_of(path)], imported


@pytest.mark.parametrize("path", PATHS, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_can_be_held_in_the_head(path):
    assert len(path.read_text().splitlines()) <= 500


def test_import_is_lean():
    """No plotting, no data frames, no deep-learning framework at import."""
    code = "import sys, skbptt, skbptt.datasets, skbptt.inspection; print(*sys.modules)"
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    modules = set(shown.stdout.split())
    assert not modules & {"matplotlib", "torch", "hypothesis", "pytest"}


def test_public_names_are_documented_and_listed():
    from skbptt import cells, datasets, inspection, metrics, preprocessing

    listed = (ROOT.parent / "docs" / "api.rst").read_text().split()
    for module in (skbptt, cells, datasets, inspection, metrics, preprocessing):
        for name in module.__all__:
            if name != "__version__":
                assert name in listed
            if name not in ("__version__", "TRUSTED_TYPES"):
                assert ">>>" in getattr(module, name).__doc__, name


def test_docstrings_name_every_parameter():
    for cls in (skbptt.RNNClassifier, skbptt.RNNRegressor, skbptt.RNNTranscriber):
        text = cls.__doc__.split("Attributes\n")[0]
        for name in cls().get_params():
            assert f" {name} :" in text
        assert "<" not in text.split("Parameters\n")[0]
        for block in BLOCKS:
            assert block not in cls.__doc__
