"""Learning rates of stochastic descent, and the epoch at which it ends."""

import math

SCHEDULES = ("constant", "invscaling", "adaptive", "one_cycle")

# Share of a cycle in which the rate rises, and the most epochs of an open-ended rise.
WARM_UP, MOST_WARM_UP = 0.1, 10

# "adaptive" divides the rate by this, and ends below the least rate.
ADAPTIVE_DIVISOR = 5
LEAST_RATE = 1e-6


def start_schedule():
    """State of a schedule before the first epoch.

    "fall" is the first epoch of the fall of an open-ended cycle and the number of its
    epochs, or None before it.
    """
    return {"factor": 1.0, "cycle_epoch": 0, "fall": None, "t": 0}


class Schedule:
    """A learning rate that changes with time, over a dict of plain state.

    Parameters
    ----------
    name : {"constant", "invscaling", "adaptive", "one_cycle"}
    initial : float
        The rate to start from, or the peak of the cycle.
    power_t : float
        Exponent of "invscaling".
    n_epochs : int
        Epochs of a cycle, at most.
    open_ended : bool
        Whether a cycle holds its peak until progress ends, and falls only then. Its length
        need not be known in advance: the rise takes at most ten epochs, and the fall as
        many epochs as came before it.
    state : dict
        From :func:`start_schedule`; updated in place.
    """

    def __init__(self, name, initial, power_t, n_epochs, open_ended, state):
        self.name = name
        self.initial = initial
        self.power_t = power_t
        self.n_epochs = n_epochs
        self.open_ended = open_ended and name == "one_cycle"
        self.state = state

    def restart(self):
        """Begin a new cycle."""
        self.state["cycle_epoch"], self.state["fall"] = 0, None

    def rate(self, share):
        """The rate when ``share`` of the current epoch is over."""
        state = self.state
        if self.name == "invscaling":
            return self.initial / (state["t"] + 1) ** self.power_t
        if self.name == "adaptive":
            return self.initial * state["factor"]
        if self.name == "constant":
            return self.initial
        position = self._position(state["cycle_epoch"] % self.n_epochs + share)
        if position < WARM_UP:
            return self.initial * position / WARM_UP
        falling = (position - WARM_UP) / (1 - WARM_UP)
        return self.initial * 0.5 * (1 + math.cos(math.pi * falling))

    def _position(self, epoch):
        """Share of the cycle that is over; WARM_UP while the rate is held at its peak."""
        if not self.open_ended:
            return epoch / self.n_epochs
        if self.state["fall"] is None:
            return WARM_UP * min(1, epoch / self._rise)
        start, length = self.state["fall"]
        return WARM_UP + (1 - WARM_UP) * (epoch - start) / length

    @property
    def _rise(self):
        """Epochs in which the rate of an open-ended cycle rises."""
        return min(WARM_UP * self.n_epochs, MOST_WARM_UP)

    def end_epoch(self, n_items, out_of_patience):
        """Count an epoch over ``n_items``; True if it was the last."""
        state = self.state
        state["t"] += n_items
        state["cycle_epoch"] += 1
        if self.open_ended:
            return self._end_epoch_of_cycle(out_of_patience)
        if self.name == "adaptive" and out_of_patience:
            state["factor"] /= ADAPTIVE_DIVISOR
            return self.initial * state["factor"] < LEAST_RATE
        return out_of_patience

    def _end_epoch_of_cycle(self, out_of_patience):
        epoch, fall = self.state["cycle_epoch"], self.state["fall"]
        if fall is not None:
            return epoch >= sum(fall)
        # No patience ends the rise, and the fall has to fit into what is left.
        stalled = out_of_patience and epoch >= self._rise
        if stalled or 2 * epoch >= self.n_epochs:
            self.state["fall"] = [epoch, max(1, min(epoch, self.n_epochs - epoch))]
        return False
