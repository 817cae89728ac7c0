"""Stochastic gradient descent over mini-batches."""

import numpy as np
from scipy.linalg import norm

from ._ending import Ending, Outcome, diverged, interrupted
from ._schedule import Schedule, start_schedule
from ._solver import Solver

UNFINISHED = (
    "Stochastic Optimizer: Maximum iterations ({}) reached and the optimization hasn't "
    "converged yet."
)
ADVICE = "Lower learning_rate_init or max_grad_norm"

# The automatic size of a mini-batch, unless it leaves fewer batches in an epoch: few
# sequences need many updates, and a sequence with step targets is itself a batch.
BATCH_SIZE, LEAST_BATCHES, LEAST_BATCHES_PER_STEP = 32, 5, 20


class Descent(Solver):
    """Stochastic gradient descent by an update rule.

    Its state is "descent": that of the rule, the last weights "sound" whose loss was seen
    to be finite, and that of the schedule.

    Parameters
    ----------
    rule : type
        SGD or Adam.
    """

    by_batches = takes_estimates = True

    def __init__(self, rule):
        self.rule = rule
        self.parameters = (
            "batch_size",
            "learning_rate",
            "learning_rate_init",
            "max_grad_norm",
            "max_iter",
            "power_t",
            "return_sequences",
            "shuffle",
            *rule.parameters,
        )

    def start(self, theta):
        rule = self.rule.start(theta)
        return {"descent": {"rule": rule, "sound": theta.copy(), **start_schedule()}}

    def run(self, theta, objective, monitor, state, options):
        rule = self.rule(*(options[name] for name in self.rule.parameters))
        return Epochs(rule, theta, objective, monitor, state, options).run()


class Epochs:
    """One run of :class:`Descent`. The parameters are those of :meth:`Descent.run`."""

    def __init__(self, rule, theta, objective, monitor, state, options):
        self.rule, self.theta = rule, theta.copy()
        self.objective, self.monitor, self.options = objective, monitor, options
        self.rng, self.state = state["rng"], state["descent"]
        self.one_epoch = options["one_epoch"]
        self.schedule = schedule_of(options, monitor.validate is not None, self.state)

    def run(self):
        """Run epochs, and say what they came to."""
        try:
            ending = self._epochs()
        except KeyboardInterrupt:
            if self.one_epoch:
                raise
            return interrupted(self.monitor.weights(best=True))
        if ending is Ending.DIVERGED:
            # The moments have seen what broke the weights.
            self.state["rule"] = self.rule.start(self.theta)
            return diverged(self.monitor.weights(instead=self.state["sound"]), ADVICE)
        message = None
        if ending is Ending.UNFINISHED:
            message = UNFINISHED.format(self.options["max_iter"])
        return Outcome(self.monitor.weights(), ending, message)

    def _epochs(self):
        """Run epochs until one is the last. Returns the ending."""
        schedule, monitor, n = self.schedule, self.monitor, self.objective.n
        if not self.one_epoch:
            schedule.restart()
        planned = self.one_epoch or schedule.name == "one_cycle"
        ending = Ending.FINISHED if planned else Ending.UNFINISHED
        for _ in range(1 if self.one_epoch else self.options["max_iter"]):
            batches = self._batches()
            means = self._epoch(batches)
            if means is None:
                return Ending.DIVERGED
            out_of_patience = monitor(self.theta, *means)
            if schedule.end_epoch(n, out_of_patience) or monitor.told_to_stop:
                ending = monitor.ending
                break
        # Nobody has seen yet what the last step did.
        last = self.objective.value(self.theta, batches[-1])
        return ending if np.isfinite(last) else Ending.DIVERGED

    def _batches(self):
        """The items of each batch of an epoch; the batches are of similar sizes."""
        n = self.objective.n
        order = self.rng.permutation(n) if self.options["shuffle"] else np.arange(n)
        return np.array_split(order, -(-n // batch_size_of(self.options, n)))

    def _epoch(self, batches):
        """One pass over the items.

        Returns the mean loss, norm of the gradient and learning rate, or None if the loss
        or its gradient is not finite.
        """
        loss_sum = norm_sum = rate_sum = 0.0
        for k, indices in enumerate(batches):
            loss, gradient = self.objective.value_and_gradient(
                self.theta, indices, self.rng
            )
            gradient_norm = norm(gradient, check_finite=False)
            if not (np.isfinite(loss) and np.isfinite(gradient_norm)):
                self.monitor.add(np.nan, gradient_norm, np.nan)
                return None
            rate = self.schedule.rate((k + 0.5) / len(batches))
            self._step(gradient, gradient_norm, rate)
            share = len(indices) / self.objective.n
            loss_sum += share * float(loss)
            norm_sum += share * gradient_norm
            rate_sum += share * rate
        return loss_sum, norm_sum, rate_sum

    def _step(self, gradient, gradient_norm, rate):
        """Clip the gradient (Pascanu, Mikolov & Bengio, 2013) and update the weights."""
        max_grad_norm = self.options["max_grad_norm"]
        if max_grad_norm is not None and gradient_norm > max_grad_norm:
            gradient *= max_grad_norm / gradient_norm
        np.copyto(self.state["sound"], self.theta)
        self.rule.step(self.theta, gradient, rate, self.state["rule"])


def schedule_of(options, validated, state):
    """The schedule of the learning rate over ``state``."""
    name = options["learning_rate"]
    if name == "auto":  # the length of a stream is not known
        name = "constant" if options["one_epoch"] else "one_cycle"
    rate, power_t = options["learning_rate_init"], options["power_t"]
    return Schedule(name, rate, power_t, options["max_iter"], validated, state)


def batch_size_of(options, n):
    """The most items of a batch, of n items."""
    if options["batch_size"] != "auto":
        return options["batch_size"]
    if options["one_epoch"]:
        return BATCH_SIZE
    least = LEAST_BATCHES_PER_STEP if options["return_sequences"] else LEAST_BATCHES
    return max(1, min(BATCH_SIZE, -(-n // least)))
