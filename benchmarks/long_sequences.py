"""Tasks over 64 to 1000 steps, beside an LSTM in PyTorch with the same budget.

    python benchmarks/long_sequences.py [--task adding copy digits permuted] [--seeds 5]
                                        [--models skbptt PyTorch]

- adding: the sum of two marked numbers among 1000; the mean squared error of new sequences,
  0.167 for the mean of the targets.
- copy: ten symbols of eight kinds, to be repeated after 200 steps; the share of them that
  is right in new sequences, 0.125 for a guess.
- digits, permuted: scikit-learn's digits, pixel by pixel (64 steps), in order of the rows
  or in a random order; the accuracy on a quarter of the images.

The PyTorch LSTM has the same number of units, and 1 as the bias of its forget gate. It
reads the last state (for copy, each state) and sees the same sequences as often, in batches
of the same size, with the same cycle of Adam's rate and the same clipping. Seconds are
processor time in training.
"""

import time

import numpy as np
import torch
from peers import Twin, describe_machine, one_cycle, parse, torch_step
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skbptt import RNNClassifier, RNNRegressor
from skbptt.datasets import make_adding_problem, make_copy_memory

# The estimators; what is not given has its default.
MODELS = {
    "adding": lambda: RNNRegressor(max_iter=6, batch_size=32),
    # A linear recurrence whose matrix is orthogonal at first forgets nothing.
    "copy": lambda: RNNClassifier(
        128,
        cell="rnn",
        activation="identity",
        return_sequences=True,
        learning_rate_init=0.001,
        max_iter=5,
        batch_size=32,
    ),
    "digits": lambda: RNNClassifier(128, batch_size=32),
    "permuted": lambda: RNNClassifier(
        128,
        cell="lem",
        bidirectional=True,
        dropout=0.3,
        learning_rate_init=0.002,
        batch_size=32,
    ),
}


def data(task, seed):
    """Sequences and targets for training, and for the test."""
    if task == "adding":
        train = make_adding_problem(5000, 1000, random_state=seed)
        test = make_adding_problem(1000, 1000, random_state=1000 + seed)
    elif task == "copy":
        sizes = {"n_steps": 200, "n_symbols": 8, "n_memorized": 10}
        train = make_copy_memory(20_000, **sizes, random_state=seed)
        test = make_copy_memory(1000, **sizes, random_state=1000 + seed)
    else:
        X, y = load_digits(return_X_y=True)
        X = (X[:, :, None] - 8) / 8
        if task == "permuted":
            X = X[:, np.random.default_rng(0).permutation(64)]
        X, X_test, y, y_test = train_test_split(X, y, stratify=y, random_state=seed)
        train, test = (X, y), (X_test, y_test)
    return *train, *test


def score(task, y, predicted):
    if task == "adding":
        return np.mean((y - predicted) ** 2)
    if task == "copy":
        y, predicted = y[:, -10:], predicted[:, -10:]
    return np.mean(y == predicted)


class StepTwin(Twin):
    """An output for every step, one after the other."""

    def forward(self, x):
        return self.output(self.recurrent(x)[0]).flatten(0, 1)


def fit_torch(model, X, y, seed):
    """A PyTorch LSTM, trained as the estimator is; the function that predicts."""
    torch.manual_seed(seed)
    real = y.dtype.kind == "f"
    n_outputs = 1 if real else int(y.max()) + 1
    (n_hidden,) = np.atleast_1d(model.hidden_layer_sizes).tolist()
    make = StepTwin if y.ndim == 2 else Twin
    module = make("lstm", X.shape[2], n_hidden, np.float32, n_outputs)
    with torch.no_grad():
        module.recurrent.bias_ih_l0[n_hidden : 2 * n_hidden] = 1
    inputs, targets = torch.tensor(X), torch.tensor(y.astype(np.float32) if real else y)
    optimiser = torch.optim.Adam(module.parameters(), lr=model.learning_rate_init)
    n_batches = -(-len(X) // model.batch_size)
    cycle = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda i: one_cycle((i + 0.5) / (model.max_iter * n_batches))
    )
    for _ in range(model.max_iter):
        for batch in torch.tensor_split(torch.randperm(len(X)), n_batches):
            torch_step(module, optimiser, inputs[batch], targets[batch].flatten())
            cycle.step()

    @torch.inference_mode()
    def predict(X):
        raw = module(torch.tensor(X))
        return (raw if real else raw.argmax(-1)).numpy().reshape(len(X), *y.shape[1:])

    return predict


def main():
    options = parse(
        __doc__.splitlines()[0],
        task=list(MODELS),
        seeds=5,
        models=["skbptt", "PyTorch"],
    )
    torch.set_num_threads(1)
    describe_machine(1)
    print("task      model    score    by seed; sequences seen, seconds")
    for task in options.task:
        for name in options.models:
            scores, seconds = [], []
            for seed in range(options.seeds):
                X, y, X_test, y_test = data(task, seed)
                X, X_test = X.astype(np.float32), X_test.astype(np.float32)
                model = MODELS[task]().set_params(random_state=seed)
                start = time.process_time()
                if name == "PyTorch":
                    predict = fit_torch(model, X, y, seed)
                else:
                    predict = model.fit(X, y).predict
                seconds.append(time.process_time() - start)
                scores.append(score(task, y_test, predict(X_test)))
            print(
                f"{task:9s} {name:8s} {np.mean(scores):.4f}  "
                + " ".join(f"{one:.4f}" for one in scores)
                + f" {model.max_iter * len(X):9d} {np.median(seconds):8.0f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
