"""A step of streams compared with ONNX Runtime, PyTorch and ``predict``.

    python benchmarks/stream.py [--cells rnn gru lstm] [--dtypes float32]
                                [--hidden 64] [--features 10] [--streams 10000]
                                [--steps 50] [--seconds 2]

First one stream: ``push`` of a fitted estimator with all its checks, compared with the
network as ``to_onnx`` writes it, in float32, in ONNX Runtime, and compared with PyTorch's
cell and linear layer in inference mode, which return raw outputs of the last state. Both
peers start from a ready array or tensor. Then many streams: ``push``, compared with
``predict`` on as many sequences, per step. With step targets both answer at every step;
else ``predict`` answers once per sequence. One thread.
"""

import warnings
from functools import partial

import numpy as np
import onnxruntime
import torch
from peers import alternate, describe_machine, parse
from threadpoolctl import threadpool_limits

from skbptt import RNNClassifier, RNNRegressor
from skbptt.convert import to_onnx

TORCH_CELLS = {
    "rnn": torch.nn.RNNCell,
    "gru": torch.nn.GRUCell,
    "lstm": torch.nn.LSTMCell,
}


def fitted(cell, kind, hidden, features, dtype, **parameters):
    """An estimator after one epoch on noise."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((64, 20, features)).astype(dtype)
    y = X[:, :, 0] if parameters.get("return_sequences") else X[:, -1, 0]
    parameters |= {"cell": cell, "max_iter": 1, "random_state": 0}
    if kind == "classifier":
        return RNNClassifier(hidden, **parameters).fit(X, np.digitize(y, (-0.5, 0.5)))
    return RNNRegressor(hidden, **parameters).fit(X, y)


def onnx_step(model):
    """One step of the same network in ONNX Runtime."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        to_onnx(model, stream=True).SerializeToString(),
        options,
        providers=["CPUExecutionProvider"],
    )
    state = {
        name: array.astype(np.float32) if array.dtype.kind == "f" else array
        for name, array in model.stream(1).state.items()
    }
    x = np.ones((1, model.n_features_in_), np.float32)
    outputs = [session.get_outputs()[0].name, *(f"{name}_next" for name in state)]

    def step():
        answer, *states = session.run(outputs, {"X": x, **state})
        state.update(zip(state, states))
        return answer

    return step


def torch_step(cell, hidden, features, n_outputs, dtype):
    """One step of PyTorch's cell and a linear layer."""
    number = torch.from_numpy(np.empty(0, dtype)).dtype
    module = TORCH_CELLS[cell](features, hidden).to(number).eval()
    output = torch.nn.Linear(hidden, n_outputs).to(number).eval()
    x, zeros = torch.randn(1, features, dtype=number), torch.zeros(1, hidden, dtype=number)
    state = [(zeros, zeros) if cell == "lstm" else zeros]

    def step():
        with torch.inference_mode():
            state[0] = module(x, state[0])
            return output(state[0][0] if cell == "lstm" else state[0])

    return step


def one_stream(options):
    print(
        "One stream, microseconds a step\n"
        "cell dtype   estimator   readout  skbptt  ONNX Runtime  PyTorch  ratios"
    )
    for cell in options.cells:
        for dtype in options.dtypes:
            shape = cell, options.hidden, options.features
            for kind in ("regressor", "classifier"):
                n_outputs = 3 if kind == "classifier" else 1
                of_torch = torch_step(*shape, n_outputs, dtype)
                for readout in ("last", "concat"):
                    model = fitted(cell, kind, *shape[1:], dtype, readout=readout)
                    x = np.ones(options.features, dtype)
                    push = partial(model.stream().push, x)
                    steps = [push, onnx_step(model), of_torch]
                    times = alternate(steps, options.seconds, turn=0.02)
                    own, in_onnx, in_torch = (1e6 * t for t in times)
                    print(
                        f"{cell:4s} {dtype} {kind:11s} {readout:7s} {own:7.1f} "
                        f"{in_onnx:13.1f} {in_torch:8.1f} {in_onnx / own:7.2f} "
                        f"{in_torch / own:.2f}",
                        flush=True,
                    )


def many_streams(options):
    n, n_steps = options.streams, options.steps
    print(
        f"{n} streams, nanoseconds a step of one stream\n"
        "cell dtype   estimator   targets             push  predict  ratio"
    )
    rng = np.random.default_rng(0)
    ways = {
        "of steps": {"return_sequences": True},
        "of sequences, last": {"readout": "last"},
        "of sequences, concat": {"readout": "concat"},
    }
    for cell in options.cells:
        for dtype in options.dtypes:
            X = rng.standard_normal((n, n_steps, options.features)).astype(dtype)
            x = X[:, 0].copy()
            for kind in ("regressor", "classifier"):
                for name, parameters in ways.items():
                    model = fitted(
                        cell, kind, options.hidden, options.features, dtype, **parameters
                    )
                    push = partial(model.stream(n).push, x)
                    predict = partial(model.predict, X)
                    own, whole = alternate([push, predict], options.seconds)
                    own, whole = 1e9 * own / n, 1e9 * whole / n / n_steps
                    print(
                        f"{cell:4s} {dtype} {kind:11s} {name:20s} {own:6.0f} "
                        f"{whole:8.0f} {whole / own:6.2f}",
                        flush=True,
                    )


def main():
    options = parse(
        __doc__.splitlines()[0],
        cells=["rnn", "gru", "lstm"],
        dtypes=["float32"],
        hidden=64,
        features=10,
        streams=10000,
        steps=50,
        seconds=2.0,
    )
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    describe_machine(1)
    print(f"ONNX Runtime {onnxruntime.__version__}")
    with threadpool_limits(1, "blas"):
        one_stream(options)
        many_streams(options)


if __name__ == "__main__":
    main()
