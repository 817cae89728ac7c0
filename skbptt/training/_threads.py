"""Threads: those of the linear algebra library, and our own."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock

import numpy as np
from joblib import cpu_count

from .._compat import _get_threadpool_controller, get_active_backend, in_dask_worker


class OneBlasThread:
    """A context in which products run on one thread: small ones are slower on several.

    The limit applies to the whole process. The first of several concurrent fits sets it,
    and the last to end restores the previous one.
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


def number_of_threads(n_jobs):
    """What the parameter ``n_jobs`` stands for.

    As everywhere in scikit-learn, None stands for 1 unless a joblib context says more, and
    -1 for all processors. Inside a worker of joblib it is one thread: the machine is full.
    """
    backend, of_context = get_active_backend()
    if backend.nesting_level or in_dask_worker():
        return 1
    if n_jobs is None:
        # Other backends than joblib's own count the processors of a cluster.
        here = type(backend).__module__ == "joblib._parallel_backends"
        n_jobs = (of_context if here else None) or 1
    return n_jobs if n_jobs > 0 else max(1, cpu_count() + 1 + n_jobs)


@contextmanager
def parallel_map(n_jobs):
    """A :class:`map` over lists that runs in up to ``n_jobs`` threads, for a while.

    No thread starts before there are two items.
    """
    n_threads = number_of_threads(n_jobs)
    if n_threads == 1:
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
