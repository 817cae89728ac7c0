"""The C code for other processors: compiled by Zig, and run in an emulator on ARM."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from skbptt.convert import to_c
from tests.converted import model_of
from tests.test_convert_c import MAIN, answers
from tests.test_loops import CELLS, _loops, both_ways, name_of, problem

pytest.importorskip("ziglang", reason="needs the package 'ziglang'")
pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
LOOPS = HERE.parent / "skbptt" / "loops"
# Emulators, by the target that they run.
EMULATORS = {"aarch64-linux-musl": "qemu-aarch64", "arm-linux-musleabihf": "qemu-arm"}


def compile_for(target, *arguments):
    command = [sys.executable, "-m", "ziglang", "cc", "-target", target, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr


def emulated(target, program):
    """A program of one file that runs another in its emulator."""
    emulator = shutil.which(EMULATORS[target])
    if emulator is None:
        pytest.skip(f"needs {EMULATORS[target]}")
    script = program.with_suffix(".sh")
    script.write_text(f"#!/bin/sh\nexec {emulator} {program}\n")
    script.chmod(0o755)
    return script


@pytest.mark.parametrize("target", ["x86_64-windows-gnu", "aarch64-macos"])
def test_loops_compile_for(target, tmp_path):
    for name in ("loops.c", "adam.c"):
        made = tmp_path / f"{name}.o"
        compile_for(target, "-O0", "-w", "-c", f"{LOOPS / name}", "-o", f"{made}")
        assert made.stat().st_size > 1000


def test_loops_on_arm(tmp_path, monkeypatch):
    target, program = "aarch64-linux-musl", tmp_path / "scan"
    script = emulated(target, program)
    sources = [str(HERE / "scan.c"), str(LOOPS / "loops.c")]
    flags = ["-O1", "-w", "-static", "-fno-math-errno", "-fno-trapping-math", f"-I{LOOPS}"]
    compile_for(target, *flags, *sources, "-o", str(program), "-lm")
    for cell in CELLS:
        p, batch, rng = problem(cell, 17, 5, [9, 9, 3, 12, 1], "float64")
        dh = rng.standard_normal((len(batch.rows), 17))
        h, dx, grad = both_ways(None, monkeypatch, cell, p, batch, dh, (), None)
        sizes = [_loops.CELLS.index(name_of(cell)), 17, 5, len(batch.offsets) - 1]
        numbers = np.array(sizes, np.int64), np.float64(cell._constant)
        arrays = np.asarray(batch.offsets, np.int64), *p.values(), batch.x, dh
        sent = b"".join(np.ascontiguousarray(v).tobytes() for v in numbers + arrays)
        done = subprocess.run([script], input=sent, capture_output=True, timeout=300)
        assert done.returncode == 0
        expected = np.concatenate([v.ravel() for v in (h, dx, *grad.values())])
        got = np.frombuffer(done.stdout)
        np.testing.assert_allclose(got, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("target", EMULATORS)
def test_networks_in_c_on_arm(target, tmp_path):
    script = emulated(target, tmp_path / "net")
    for name in ("gru-concat", "mixed", "stack"):
        model, X = model_of(name)
        for file, text in (to_c(model, "net") | {"main.c": MAIN}).items():
            (tmp_path / file).write_text(text)
        sources = [str(tmp_path / "net.c"), str(tmp_path / "main.c")]
        flags = ["-O1", "-static", "-std=c99", "-DN_ANSWERS=1", "-o", str(tmp_path / "net")]
        compile_for(target, *flags, *sources, "-lm")
        method = "predict_proba" if hasattr(model, "classes_") else "predict"
        expected = getattr(model, method)(X)
        for whole, (_, answer) in zip(expected, answers(script, model, X)):
            np.testing.assert_allclose(answer.ravel(), whole.ravel(), rtol=2e-5, atol=1e-5)
