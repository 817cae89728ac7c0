"""A callback of scikit-learn 1.9 that only records the end of tasks."""


class Listener:
    """Subclasses define ``on_fit_task_end``, whose True ends training."""

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass
