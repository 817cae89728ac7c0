"""Running a network over all sequences in bounded memory: in parts, which threads share."""

import numpy as np

from ..loops import WorkspacePool

# A pass over more sequences than fill so much tape, in bytes, runs in parts. They bound the
# memory, fit the cache, and can be shared by threads.
TAPE_BYTES = 1 << 22


def parts_of(network, sequences, indices, keep=True):
    """The sequences ``indices`` in parts, which do not depend on the number of threads."""
    bytes_per_step = network.bytes_per_step(sequences.steps.itemsize, keep)
    max_steps = TAPE_BYTES // max(1, bytes_per_step)
    return sequences.chunks(indices, max(1, max_steps))


def raw_outputs(network, theta, sequences, map_parts=map):
    """Raw outputs of all sequences, in their order, in bounded memory."""

    def outputs_of(batch, workspace):
        return network.forward(theta, batch, None, workspace, keep=False)[0]

    return by_parts(network, sequences, outputs_of, map_parts, network.per_step, keep=False)


def input_gradients(network, theta, sequences, d_raw_of, map_parts=map):
    """dL/dx of each step, for the L whose dL/d(raw outputs) is ``d_raw_of(raw, batch)``."""

    def gradient_of(batch, workspace):
        raw, tape = network.forward(theta, batch, None, workspace)
        return network.backward(tape, d_raw_of(raw, batch), need_dx=True)[1]

    return by_parts(network, sequences, gradient_of, map_parts, per_step=True)


def by_parts(network, sequences, function, map_parts, per_step, keep=True):
    """Rows that ``function(batch, workspace)`` gives, put together in bounded memory.

    There is one for each sequence, or each step, in the order of ``sequences``.
    """
    workspaces = WorkspacePool()

    def rows_of(part):
        with workspaces.lend() as workspace:
            batch = sequences.pack(part)
            rows = function(batch, workspace)
            return batch.rows if per_step else batch.order, rows

    n = len(sequences.steps) if per_step else len(sequences)
    result = None
    parts = parts_of(network, sequences, np.arange(len(sequences)), keep)
    for where, rows in map_parts(rows_of, parts):
        if result is None:
            result = np.empty((n, rows.shape[1]), rows.dtype)
        result[where] = rows
    return result
