"""Memory that is used again."""

from contextlib import contextmanager

import numpy as np

LINE = 64  # bytes of a line of the cache, at which arrays begin


class Workspace:
    """Uninitialised arrays that live until the next :meth:`reset`.

    Fresh memory costs a page fault every 4 kB, up to a third of a long scan. A pass asks
    for arrays in the same order each time, so the k-th request gets the k-th buffer, which
    grows where it must.

    Attributes
    ----------
    n_taken : int
        How many arrays are in use. To set it to an earlier value gives the later ones back.
    """

    def __init__(self):
        self._buffers = []
        self.n_taken = 0

    def reset(self):
        """Give all arrays back."""
        self.n_taken = 0

    def empty(self, shape, dtype):
        """An array as from :func:`numpy.empty`."""
        dtype = np.dtype(dtype)
        n_bytes = dtype.itemsize
        for n in shape:
            n_bytes *= n
        k = self.n_taken
        self.n_taken += 1
        if k == len(self._buffers):
            self._buffers.append(aligned(n_bytes))
        elif len(self._buffers[k]) < n_bytes:
            self._buffers[k] = None  # before the new one takes memory
            self._buffers[k] = aligned(n_bytes)
        return np.ndarray(shape, dtype, self._buffers[k])

    def take(self, array, rows):
        """The array ``array[rows]``."""
        if not array.flags.c_contiguous:  # take would copy all of it
            return array[rows]
        out = self.empty((len(rows), *array.shape[1:]), array.dtype)
        return array.take(rows, axis=0, out=out, mode="clip")


class WorkspacePool:
    """As many workspaces as are in use at once, by one thread each."""

    def __init__(self):
        self._idle = []

    @contextmanager
    def lend(self):
        try:
            workspace = self._idle.pop()
        except IndexError:
            workspace = Workspace()
        workspace.reset()
        try:
            yield workspace
        finally:
            self._idle.append(workspace)


def aligned(n_bytes):
    buffer = np.empty(n_bytes + LINE, np.uint8)
    start = -buffer.ctypes.data % LINE
    return buffer[start : start + n_bytes]
