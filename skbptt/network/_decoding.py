"""From a translator and input sequences to the most probable sequences of labels."""

import numpy as np

from ..layers import Grid, Pass
from ._parts import parts_of

# Sequences that have ended are decoded on until fewer than this share is left.
SHRINK = 0.75


def translate(
    network, theta, sequences, max_length, width=1, penalty=0.0, n_best=1, map_parts=map
):
    """The most probable outputs of each sequence, by beam search.

    At each step the search keeps the ``width`` most probable continuations of a sequence.
    Those that end leave the beam. With a width of 1 this is greedy decoding.

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
    labels, log_p = [None] * len(sequences), [None] * len(sequences)

    def of_part(part):
        batch = sequences.pack(part)
        search = Search(network, theta, batch, max_length, width, penalty, n_best)
        return batch.order, search.run()

    parts = parts_of(network, sequences, np.arange(len(sequences)), keep=False)
    for order, found in map_parts(of_part, parts):
        for i, (its_labels, its_log_p) in zip(order, found):
            labels[i], log_p[i] = its_labels, its_log_p
    return labels, log_p


class Search:
    """Beam search for all sequences of a batch at once."""

    def __init__(self, network, theta, batch, max_length, width, penalty, n_best):
        self.layer, self.p = network.layer, network.layout.tree(theta)
        self.dtype, self.n_labels = theta.dtype, network.layer.n_labels
        self.max_length, self.width, self.penalty = max_length, width, penalty
        self.n_best = n_best
        n = len(batch.order)
        h, starts, _ = self.layer.encode(self.p, batch.x, Pass(batch, keep=False))
        grid = Grid(batch.column, batch.time, n)
        self.H, self.there = grid.pad(h), grid.there
        starts = {name: np.repeat(start, width, axis=0) for name, start in starts.items()}
        self.begin(starts)
        self.running = np.arange(n)  # sequences that are read on
        self.log_p = np.full((n, width), -np.inf)
        self.log_p[:, 0] = 0
        self.prefixes = np.zeros((n, width, max_length + 1), np.intp)
        self.ended = np.full((n, n_best), -np.inf)  # what outputs are compared by
        self.ended_log_p = np.full((n, n_best), -np.inf)
        self.ended_labels = np.zeros((n, n_best, max_length + 1), np.intp)
        self.ended_lengths = np.zeros((n, n_best), np.intp)

    def begin(self, starts):
        """A stepper of the decoder whose states are the given ones."""
        n_streams = len(next(iter(starts.values())))
        decoder = self.layer.layers["decoder"]
        self.stepper = decoder.stepper(self.p["decoder"], n_streams, self.dtype)
        for name, start in starts.items():
            k, state = name.split(".")
            self.stepper.states[f"layers.{k}.forward.{state}"][:] = start

    def states(self):
        """The states of the decoder, by the names of :meth:`begin`."""
        shorter = {}
        for name, array in self.stepper.states.items():
            _, k, _, state = name.split(".")
            shorter[f"{k}.{state}"] = array
        return shorter

    def run(self):
        """The labels and log-probabilities of the outputs of each sequence."""
        read = np.full((len(self.running), self.width), self.n_labels)
        for t in range(self.max_length + 1):
            read = self.step(t, read)
            if read is None:
                break
        order = np.argsort(-self.ended, axis=1, kind="stable")
        results = []
        for i, its in enumerate(order):
            its = its[self.ended[i, its] > -np.inf]
            lengths = self.ended_lengths[i, its]
            labels = [self.ended_labels[i, k, :n] for k, n in zip(its, lengths)]
            results.append((labels, self.ended_log_p[i, its]))
        return results

    def step(self, t, read):
        """Read a label in each beam; the labels to read next, or None at the end."""
        m, width = len(self.running), self.width
        s = self.stepper.step(read.reshape(-1, 1).astype(self.dtype))
        raw, _ = self.layer.answer(self.p, s.reshape(m, width, -1), self.H, self.there)
        raw -= raw.max(axis=2, keepdims=True)
        log_p = raw - np.log(np.exp(raw).sum(axis=2, keepdims=True))
        if t == self.max_length:
            log_p[:, :, : self.n_labels] = -np.inf
        total = (self.log_p[:, :, np.newaxis] + log_p).reshape(m, -1)
        if width == 1:
            best = total.argmax(axis=1)[:, np.newaxis]
        else:
            best = np.argpartition(-total, min(width, total.shape[1]) - 1)[:, :width]
        rows = np.arange(m)[:, np.newaxis]
        log_p = total[rows, best]
        source, label = np.divmod(best, self.n_labels + 1)
        prefixes = self.prefixes[rows, source]
        prefixes[:, :, t] = label
        ends = label == self.n_labels
        self.put_away(t, np.where(ends, log_p, -np.inf), prefixes)
        log_p[ends] = -np.inf
        self.drop_hopeless(log_p)
        alive = (log_p > -np.inf).any(axis=1)
        if not alive.any():
            return None
        keep = np.flatnonzero(alive)
        if len(keep) > SHRINK * m:
            keep = np.arange(m)
        streams = (keep[:, np.newaxis] * width + source[keep]).ravel()
        states = {name: array[streams] for name, array in self.states().items()}
        if len(keep) < m:
            self.begin(states)
            self.H, self.there = self.H[keep], self.there[keep]
            self.running = self.running[keep]
        else:
            for name, array in self.states().items():
                array[:] = states[name]
        self.log_p, self.prefixes = log_p[keep], prefixes[keep]
        return label[keep]

    def put_away(self, t, log_p, prefixes):
        """Keep the best of the outputs that end after t labels, and those before."""
        if not (log_p > -np.inf).any():
            return
        rows, i = np.arange(len(log_p))[:, np.newaxis], self.running
        value = log_p / (t + 1) ** self.penalty
        values = np.hstack([self.ended[i], value])
        best = np.argsort(-values, axis=1, kind="stable")[:, : self.n_best]
        lengths = np.hstack([self.ended_lengths[i], np.full(log_p.shape, t)])
        log_ps = np.hstack([self.ended_log_p[i], log_p])
        labels = np.concatenate([self.ended_labels[i], prefixes], axis=1)
        self.ended[i], self.ended_log_p[i] = values[rows, best], log_ps[rows, best]
        self.ended_lengths[i], self.ended_labels[i] = (
            lengths[rows, best],
            labels[rows, best],
        )

    def drop_hopeless(self, log_p):
        """Drop what can no longer be among the best: no probability grows."""
        at_best = log_p / (self.max_length + 1) ** self.penalty
        log_p[at_best <= self.ended[self.running].min(axis=1)[:, np.newaxis]] = -np.inf
