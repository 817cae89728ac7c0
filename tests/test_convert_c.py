"""C that is written of a network: compiled without a warning, it says what Python says."""

import shutil
import subprocess

import numpy as np
import pytest

from skbptt import RNNClassifier, RNNRegressor, RNNTranscriber
from skbptt.convert import from_weights, to_c
from tests.converted import LABELS, LEM_MODELS, MODELS, NUMBERS, coded, model_of
from tests.fits import quietly
from tests.strategies import LeakyCell

WARNINGS = ["-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror"]
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g"]
COMPILERS = [name for name in ("gcc", "clang") if shutil.which(name)]

# Reads numbers of steps and their steps, and writes what each step and the whole say.
MAIN = """
#include <stdio.h>
#include <stdlib.h>
#include "net.h"
int main(void)
{
    float n, *x, *y, out[NET_N_OUTPUTS];
    while (fread(&n, sizeof n, 1, stdin) == 1) {
        size_t t, n_steps = (size_t)n;
        net_state state;
        x = (float *)malloc(n_steps * NET_N_FEATURES * sizeof *x);
        y = (float *)calloc(n_steps * NET_N_OUTPUTS, sizeof *y);
        if (fread(x, sizeof *x * NET_N_FEATURES, n_steps, stdin) != n_steps)
            return 1;
        net_init(&state);
        for (t = 0; t < n_steps; t++) {
            net_step(&state, x + t * NET_N_FEATURES, out);
            fwrite(out, sizeof out, 1, stdout);
        }
        net_predict(x, n_steps, y);
        fwrite(y, sizeof out, N_ANSWERS, stdout);
        free(x);
        free(y);
    }
    return 0;
}
"""

needs_compiler = pytest.mark.skipif(not COMPILERS, reason="needs a C compiler")


def built(model, folder, compiler, *flags, main=MAIN, weights="float32"):
    """The program of a model."""
    of_steps = model._network.per_step
    files = to_c(model, "net", weights=weights) | {"main.c": main}
    for name, text in files.items():
        (folder / name).write_text(text)
    flags = [*flags, f"-DN_ANSWERS={'n_steps' if of_steps else '1'}", *WARNINGS]
    command = [compiler, *flags, "net.c", "main.c", "-o", "net", "-lm"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return folder / "net"


def answers(program, model, X):
    """For each sequence what each step says, and what the whole does."""
    sent = b"".join(
        np.concatenate([[len(x)], x.ravel()]).astype(np.float32).tobytes()
        for x in coded(model, X)
    )
    done = subprocess.run([program], input=sent, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    n_columns = 2 if getattr(model, "n_outputs_", 1) == 1 else model.n_outputs_
    if not hasattr(model, "classes_"):
        n_columns = model.n_outputs_
    values = iter(np.frombuffer(done.stdout, np.float32).reshape(-1, n_columns))
    for x in X:
        steps = np.array([next(values) for _ in range(len(x))])
        n = len(x) if model._network.per_step else 1
        yield steps, np.array([next(values) for _ in range(n)])
    assert next(values, None) is None


@needs_compiler
@pytest.mark.parametrize("name", [*MODELS, *LEM_MODELS])
def test_streams_and_predictions(name, tmp_path):
    model, X = model_of(name)
    program = built(model, tmp_path, COMPILERS[0], "-std=c99", *SANITIZERS)
    method = "predict_proba" if hasattr(model, "classes_") else "predict"
    expected = getattr(model, method)(X)
    stream = model.stream()
    for x, whole, (steps, answer) in zip(X, expected, answers(program, model, X)):
        stream.reset()
        pushed = np.array([stream.push(step, method=method) for step in x])
        for ours, theirs in ((steps, pushed), (answer, whole)):
            np.testing.assert_allclose(ours.ravel(), theirs.ravel(), rtol=2e-5, atol=1e-5)


@needs_compiler
@pytest.mark.parametrize(
    "name", ["gru-concat", "gru-reset-before", "stack", "mixed", "lstm-max", "lem-stack"]
)
def test_weights_of_8_bits(name, tmp_path):
    """They are those of Python rounded to 255 values for each row."""
    model, X = model_of(name)
    rounded = {}
    for key, W in model.weights_.items():
        if W.ndim == 2 and not key.startswith("embedding."):
            unit = np.abs(W).max(axis=1, keepdims=True) / 127
            assert (np.abs(W / unit) <= 127 * (1 + 1e-9)).all()
            rounded[key] = np.round(W / unit) * unit
    model_8 = from_weights(rounded, model)
    program = built(model, tmp_path, COMPILERS[0], "-std=c99", *SANITIZERS, weights="int8")
    method = "predict_proba" if hasattr(model, "classes_") else "predict"
    expected, exact = getattr(model_8, method)(X), getattr(model, method)(X)
    got = np.array([whole.ravel() for _, whole in answers(program, model, X)])
    np.testing.assert_allclose(got, expected.reshape(got.shape), rtol=2e-5, atol=1e-5)
    assert not np.allclose(got, exact.reshape(got.shape), rtol=2e-5, atol=1e-5)
    with pytest.raises(ValueError, match="weights must be one of.*int8.*Got 'int4'"):
        to_c(model, "net", weights="int4")


@needs_compiler
def test_unknown_and_missing_categories(tmp_path):
    model, _ = model_of("mixed")
    program = built(model, tmp_path, COMPILERS[0], "-std=c99", *SANITIZERS)
    rows = [[0.5, 7.0, 1.0, "none"], [0.5, np.nan, 1.0, "hi"], [-1.0, -9.0, 0.0, "lo"]]
    new = [np.array(rows, dtype=object)]
    ((_, answer),) = answers(program, model, new)
    np.testing.assert_allclose(answer.ravel(), model.predict(new), rtol=1e-5)
    model, _ = model_of("tokens")
    program = built(model, tmp_path, COMPILERS[0], "-std=c99", *SANITIZERS)
    new = [np.array([5, 3, 0, 70, 71])]
    ((_, answer),) = answers(program, model, new)
    np.testing.assert_allclose(answer, model.predict_proba(new), rtol=1e-5)


@needs_compiler
def test_class_of_probabilities(tmp_path):
    """The index of the class that ``predict`` gives."""
    main = MAIN.replace(
        "fwrite(y, sizeof out, N_ANSWERS, stdout);",
        "(void)N_ANSWERS; { float k = (float)net_class(y); "
        "for (t = 0; t < NET_N_OUTPUTS; t++) fwrite(&k, sizeof k, 1, stdout); }",
    )
    for name in ("gru-mean", "binary"):
        model, X = model_of(name)
        program = built(model, tmp_path, COMPILERS[0], "-std=c99", main=main)
        indices = [int(answer[0, 0]) for _, answer in answers(program, model, X)]
        np.testing.assert_array_equal(model.classes_[indices], model.predict(X))


@pytest.mark.parametrize("compiler", [*COMPILERS, "g++", "clang++"])
@pytest.mark.parametrize("name", ["gru-concat", "mixed", "stack", "counts", "lem-concat"])
def test_compiles_without_a_warning(name, compiler, tmp_path):
    if not shutil.which(compiler):
        pytest.skip(f"needs {compiler}")
    model, _ = model_of(name)
    standard = "-std=c++11" if compiler.endswith("++") else "-std=c99"
    built(model, tmp_path, compiler, standard, "-O2")


def test_no_state_of_its_own():
    """Every variable of the file is a constant."""
    model, _ = model_of("gru-concat")
    text = to_c(model, "net")["net.c"]
    at_top = [line for line in text.splitlines() if line.startswith("static")]
    for line in at_top:
        assert "(" in line or line.startswith("static const float "), line
    assert "alloc" not in text


def test_what_cannot_be_written():
    model, X = model_of("gru-last")
    with pytest.raises(ValueError, match="identifier of C. Got '2x'"):
        to_c(model, "2x")
    with pytest.raises(TypeError, match="or RNNRegressor. Got RNNTranscriber"):
        to_c(RNNTranscriber(), "net")
    both = quietly(RNNRegressor(3, bidirectional=True, max_iter=1).fit, X, NUMBERS)
    with pytest.raises(ValueError, match="bidirectional=True"):
        to_c(both, "net")
    own = quietly(RNNRegressor(3, cell=LeakyCell(), max_iter=1).fit, X, NUMBERS)
    with pytest.raises(TypeError, match="and LEMCell of .* Got cell=LeakyCell"):
        to_c(own, "net")
    near = [np.array([[1.0], [1.0 + 1e-9]])] * 24
    near = quietly(RNNClassifier(2, categorical_features=[0], max_iter=1).fit, near, LABELS)
    with pytest.raises(ValueError, match="feature 'x0' are equal"):
        to_c(near, "net")
    model._theta[0] = 1e60
    with pytest.raises(ValueError, match="in which W_0 overflows"):
        to_c(model, "net")
    model._theta[0] = np.nan
    with pytest.raises(ValueError, match="layers.0.forward.W is not"):
        to_c(model, "net")
