"""From a translator and input sequences to the most probable sequences of labels."""

from copy import copy

import numpy as np

from ..layers import Pass, by_table
from ..loops import WorkspacePool
from ..losses import cross_entropy
from ._parts import parts_of


def greedy(network, theta, sequences, max_length, map_parts=map):
    """The most probable label after those before, until the end.

    Parameters
    ----------
    network, theta, sequences, max_length, map_parts
        As in :func:`translate`.

    Returns
    -------
    labels : list of ndarrays
        The codes of the output of each sequence.
    """

    def of_batch(batch, reader):
        n = len(batch.order)
        found = np.empty((n, max_length), np.intp)
        lengths = np.full(n, max_length)
        label = np.full(n, reader.end)
        for t in range(max_length):
            label = reader.read(label).argmax(axis=1)
            found[reader.sequences, t] = label
            continues = label != reader.end
            if not continues.all():
                lengths[reader.sequences[~continues]] = t
                (rest,) = continues.nonzero()
                if not len(rest):
                    break
                reader.choose(rest)
                label = label[rest]
        return [labels[:length] for labels, length in zip(found, lengths)]

    return decoded(network, theta, sequences, of_batch, map_parts)


def translate(
    network, theta, sequences, max_length, width=1, penalty=0.0, n_best=1, map_parts=map
):
    """The most probable outputs of each sequence, by beam search.

    At each step the search keeps the ``width`` most probable continuations of a sequence.
    Those that end leave the beam. With a width of 1 it finds what :func:`greedy` does.

    Parameters
    ----------
    network : Translator
    theta : ndarray
    sequences : Sequences
    max_length : int
        Most labels of an output, after which it ends.
    width : int, default=1
    penalty : float, default=0.0
        Outputs are compared by their log-probability over their number of labels, and 1
        for the end, to this power.
    n_best : int, default=1
        Outputs wanted, at most ``width``. There are fewer where there are no more.
    map_parts : callable
        Like :class:`map`; may run in threads.

    Returns
    -------
    labels : list of lists of ndarrays
        Of each sequence, the codes of its outputs, the best first.
    log_p : list of ndarrays
        Their log-probabilities.
    """

    def of_batch(batch, reader):
        n = len(batch.order)
        return Search(reader, n, max_length, width, penalty, n_best).run()

    found = decoded(network, theta, sequences, of_batch, map_parts)
    labels, log_p = map(list, zip(*found))
    return labels, log_p


def decoded(network, theta, sequences, of_batch, map_parts):
    """What ``of_batch(batch, reader)`` gives for each sequence, as a list."""
    workspaces = WorkspacePool()

    def of_part(part):
        with workspaces.lend() as workspace:
            batch = sequences.pack(part)
            reader = Reader(network, theta, batch, workspace)
            return batch.order, of_batch(batch, reader)

    results = [None] * len(sequences)
    parts = parts_of(network, sequences, np.arange(len(sequences)), keep=False)
    for order, found in map_parts(of_part, parts):
        for i, of_one in zip(order, found):
            results[i] = of_one
    return results


class Reader:
    """The decoder while it reads outputs of the sequences of a batch, label by label.

    At first there is one output of each sequence, which holds nothing.

    Attributes
    ----------
    end : int
        The code of the end, which also stands before the first label.
    sequences : ndarray of shape (n,)
        The sequence that each output belongs to.
    """

    def __init__(self, network, theta, batch, workspace):
        self.layer, self.p = network.layer, network.layout.tree(theta)
        self.dtype, self.end = theta.dtype, network.layer.n_labels
        n, x = len(batch.order), batch.x
        if self._reads_codes("encoder", len(x)):
            x = x[:, 0].astype(np.intp)
        self.coded = self._reads_codes("decoder", len(x))
        run = Pass(batch, workspace, keep=False)
        h, starts, _ = self.layer.encode(self.p, x, run)
        self.memory = self.layer.remember(self.p, h, run)
        self.sequences = np.arange(n)
        decoder = self.layer.layers["decoder"]
        self.stepper = decoder.stepper(self.p["decoder"], n, self.dtype)
        for name, start in starts.items():
            k, state = name.split(".")
            self.stepper.states[f"layers.{k}.forward.{state}"][:] = start

    def _reads_codes(self, part, n_rows):
        """Let a part read codes from now on, where they are few; and whether they are."""
        found = by_table(self.layer.layers[part], self.p[part], n_rows)
        if found:
            self.layer = copy(self.layer)
            chain, p = found
            self.layer.layers = self.layer.layers | {part: chain}
            self.p = self.p | {part: p}
        return found is not None

    def read(self, labels):
        """Raw outputs after one more label of each output."""
        x = labels if self.coded else labels[:, np.newaxis].astype(self.dtype)
        return self.layer.answer(self.p, self.stepper.step(x), self.memory)

    def choose(self, outputs):
        """Keep the outputs with these indices, in this order."""
        self.stepper = self.stepper.choose(outputs)
        self.sequences = self.sequences[outputs]
        if self.memory is not None:
            self.memory = self.memory.choose(outputs)


class Search:
    """Beam search for n sequences at once. Outputs of one follow each other."""

    def __init__(self, reader, n, max_length, width, penalty, n_best):
        self.reader, self.max_length = reader, max_length
        self.width, self.penalty, self.n_best = width, penalty, n_best
        self.log_p = np.zeros(n)
        self.labels = np.full((n, max_length + 1), reader.end)
        self.ended = np.full((n, n_best), -np.inf)  # what outputs are compared by
        self.ended_log_p = np.full((n, n_best), -np.inf)
        self.ended_labels = np.zeros((n, n_best, max_length + 1), np.intp)
        self.ended_lengths = np.zeros((n, n_best), np.intp)

    def run(self):
        """The labels and log-probabilities of the outputs of each sequence."""
        t = 0
        while len(self.log_p):
            self.step(t)
            t += 1
        order = np.argsort(-self.ended, axis=1, kind="stable")
        results = []
        for i, its in enumerate(order):
            its = its[self.ended[i, its] > -np.inf]
            lengths = self.ended_lengths[i, its]
            labels = [self.ended_labels[i, k, :n] for k, n in zip(its, lengths)]
            results.append((labels, self.ended_log_p[i, its]))
        return results

    def step(self, t):
        """Read the last label of each output, and keep the best continuations."""
        of = self.reader.sequences
        # Before the first label, the last column has the end in it.
        label, log_p = self.continuations(t, self.reader.read(self.labels[:, t - 1]))
        sequences, first, index = np.unique(of, return_index=True, return_inverse=True)
        # The continuations of a sequence side by side.
        n_each = label.shape[1]
        total = np.full((len(first), self.width, n_each), -np.inf)
        total[index, np.arange(len(of)) - first[index]] = self.log_p[:, np.newaxis] + log_p
        total = total.reshape(len(first), -1)
        best = np.argpartition(-total, min(self.width, total.shape[1]) - 1)
        best = best[:, : self.width]
        log_p = np.take_along_axis(total, best, axis=1)
        source, which = np.divmod(best, n_each)
        source = np.minimum(first[:, np.newaxis] + source, len(of) - 1)
        label = label[source, which]
        ends = label == self.reader.end
        self.put_away(t, sequences, np.where(ends, log_p, -np.inf), source)
        log_p[ends] = -np.inf
        self.drop_hopeless(sequences, log_p)
        alive = log_p > -np.inf
        self.log_p, source = log_p[alive], source[alive]
        self.labels = self.labels[source]
        self.labels[:, t] = label[alive]
        if len(source):
            self.reader.choose(source)

    def continuations(self, t, raw):
        """The most probable labels after each output, and their log-probabilities."""
        end = self.reader.end
        top = raw.argmax(axis=1)
        log_p = -cross_entropy(raw, top)
        if t == self.max_length:
            label = np.full((len(raw), 1), end)
        elif self.width == 1:
            label = top[:, np.newaxis]
        else:
            n_each = min(self.width, end + 1)
            label = np.argpartition(-raw, n_each - 1)[:, :n_each]
        behind = np.take_along_axis(raw, np.column_stack([top, label]), axis=1)
        return label, log_p[:, np.newaxis] + (behind[:, 1:] - behind[:, :1])

    def put_away(self, t, i, log_p, source):
        """Keep the best of the outputs that end after t labels, and those before."""
        if not (log_p > -np.inf).any():
            return
        rows = np.arange(len(log_p))[:, np.newaxis]
        value = log_p / (t + 1) ** self.penalty
        values = np.hstack([self.ended[i], value])
        best = np.argsort(-values, axis=1, kind="stable")[:, : self.n_best]
        lengths = np.hstack([self.ended_lengths[i], np.full(log_p.shape, t)])
        log_ps = np.hstack([self.ended_log_p[i], log_p])
        labels = np.concatenate([self.ended_labels[i], self.labels[source]], axis=1)
        self.ended[i], self.ended_log_p[i] = values[rows, best], log_ps[rows, best]
        self.ended_lengths[i], self.ended_labels[i] = (
            lengths[rows, best],
            labels[rows, best],
        )

    def drop_hopeless(self, i, log_p):
        """Drop what can no longer be among the best: no probability grows."""
        at_best = log_p / (self.max_length + 1) ** self.penalty
        log_p[at_best <= self.ended[i].min(axis=1)[:, np.newaxis]] = -np.inf
