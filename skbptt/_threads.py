"""Threads of the linear algebra library."""

from contextlib import contextmanager
from threading import Lock

from ._compat import _get_threadpool_controller


class OneBlasThread:
    """A context in which products run on one thread: they are small, and lose by more.

    The limit is the process's. So the first of several fits at once sets it, and the last
    to end gives back what was before.
    """

    def __init__(self):
        self._lock = Lock()
        self._n_inside = 0

    @contextmanager
    def __call__(self):
        with self._lock:
            if self._n_inside == 0:
                controller = _get_threadpool_controller()
                self._limit = controller.limit(limits=1, user_api="blas")
            self._n_inside += 1
        try:
            yield
        finally:
            with self._lock:
                self._n_inside -= 1
                if self._n_inside == 0:
                    self._limit.restore_original_limits()


one_blas_thread = OneBlasThread()
