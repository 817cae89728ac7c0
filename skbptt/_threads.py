"""Threads: those of the linear algebra library, and our own."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock

import numpy as np
from joblib import effective_n_jobs

from ._compat import _get_threadpool_controller, get_active_backend


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


@contextmanager
def parallel_map(n_jobs):
    """A :class:`map` over lists that runs in up to ``n_jobs`` threads, for a while.

    As everywhere in scikit-learn, None stands for 1 unless a joblib context says more, and
    -1 for all processors. Inside a worker of joblib it is one thread: the machine is full.
    No thread starts before there are two items.
    """
    n_threads = effective_n_jobs(n_jobs)
    if n_threads == 1 or get_active_backend()[0].nesting_level:
        yield map
        return
    with ThreadPoolExecutor(n_threads) as pool:

        def map_in_threads(function, items):
            if len(items) == 1:
                return map(function, items)
            settings = np.geterr()  # which a thread would not inherit

            def run(item):
                with np.errstate(**settings):
                    return function(item)

            return pool.map(run, items)

        yield map_in_threads
