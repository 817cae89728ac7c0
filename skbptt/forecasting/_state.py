"""The state from which forecasts continue: the last values and the network's states."""

import numpy as np


def read(stream, rows):
    """Push rows of inputs, whose numbers may differ from stream to stream.

    All streams end together. One that has no rows stays as it is.

    Parameters
    ----------
    stream : Stream
    rows : list of ndarrays of shape (n_steps, n_inputs)
        Of each stream.
    """
    lengths = np.array([len(part) for part in rows])
    longest = lengths.max()
    steps = np.zeros((longest, len(rows), rows[0].shape[1]))
    for i, part in enumerate(rows):
        steps[longest - len(part) :, i] = part
    before = stream.state
    for t in range(longest + 1):
        # What has been pushed to those that begin now was not theirs.
        begin = lengths == longest - t
        if t and begin.any():
            now = stream.state
            for name, array in now.items():
                array[begin] = before[name][begin]
            stream.state = now
        if t < longest:
            stream.push(steps[t])


class State:
    """The last values of series, and a stream that has read all but the next step.

    Parameters
    ----------
    before : ndarray of shape (n_series, n_before)
        The last values, filled where they were missing.
    stream : Stream
    """

    def __init__(self, before, stream):
        self.before, self.stream = before, stream

    def branch(self, regressor, n):
        """A copy with each series n times, one after the other."""
        stream = regressor.stream(len(self.before) * n)
        states = self.stream.state
        stream.state = {name: np.repeat(array, n, 0) for name, array in states.items()}
        return State(np.repeat(self.before, n, axis=0), stream)

    def copy(self):
        return State(self.before.copy(), self.stream.copy())
