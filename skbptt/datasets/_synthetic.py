"""Generated sequences with long dependencies."""

import numpy as np
from sklearn.utils import check_random_state


def make_adding_problem(n_sequences=1000, n_steps=100, *, random_state=None):
    """Make the adding problem: the sum of two marked values of a long series.

    The first feature is drawn uniformly from [0, 1); the second marks one step in the
    first half and one in the second half with 1. The target is the sum of the two marked
    values. Always predicting the mean, 1, has a mean squared error of 1/6.

    Parameters
    ----------
    n_sequences : int, default=1000
        Number of sequences, at least 1.
    n_steps : int, default=100
        Their length, at least 2.
    random_state : int, RandomState instance or None, default=None
        Determines the random numbers.

    Returns
    -------
    X : ndarray of shape (n_sequences, n_steps, 2)
    y : ndarray of shape (n_sequences,)

    References
    ----------
    Hochreiter, S. & Schmidhuber, J. (1997). Long short-term memory. Neural Computation
    9(8), experiment 4; in the form of Le, Q. V., Jaitly, N. & Hinton, G. E. (2015),
    arXiv:1504.00941, section 4.1.

    Examples
    --------
    >>> from skbptt.datasets import make_adding_problem
    >>> X, y = make_adding_problem(3, 10, random_state=0)
    >>> X.shape, bool((X[..., 0] * X[..., 1]).sum(axis=1)[0] == y[0])
    ((3, 10, 2), True)
    """
    check_at_least("n_sequences", n_sequences, 1)
    check_at_least("n_steps", n_steps, 2)
    rng = check_random_state(random_state)
    X = np.zeros((n_sequences, n_steps, 2))
    X[:, :, 0] = rng.uniform(size=(n_sequences, n_steps))
    rows, half = np.arange(n_sequences), n_steps // 2
    X[rows, rng.randint(0, half, n_sequences), 1] = 1
    X[rows, rng.randint(half, n_steps, n_sequences), 1] = 1
    return X, X.prod(axis=2).sum(axis=1)


def make_temporal_order(n_sequences=1000, n_steps=100, *, n_symbols=2, random_state=None):
    """Make the temporal order problem: the order in which rare symbols occur.

    Each step is one of six symbols, one-hot encoded. Four symbols are distractors. The
    other two occur at two (or three) random steps, far from the end and from each other.
    Their order is the class, one of 4 (or 8).

    Parameters
    ----------
    n_sequences : int, default=1000
        Number of sequences, at least 1.
    n_steps : int, default=100
        Their length, at least 10. With two symbols, these are at n_steps/10 to
        n_steps/5 and n_steps/2 to 3 n_steps/5; with three, from n_steps/10, n_steps/3 and
        2 n_steps/3 on, for n_steps/10 steps.
    n_symbols : {2, 3}, default=2
        Number of relevant symbols in a sequence.
    random_state : int, RandomState instance or None, default=None
        Determines the random numbers.

    Returns
    -------
    X : ndarray of shape (n_sequences, n_steps, 6)
        One-hot symbols. The last two features are the relevant symbols.
    y : ndarray of shape (n_sequences,)
        Class 0 to 3 (or 7): the symbols read as binary digits, the first the highest.

    References
    ----------
    Hochreiter, S. & Schmidhuber, J. (1997). Long short-term memory. Neural Computation
    9(8), experiments 6a and 6b.

    Examples
    --------
    >>> from skbptt.datasets import make_temporal_order
    >>> X, y = make_temporal_order(3, 30, random_state=0)
    >>> X.shape, y
    ((3, 30, 6), array([3, 3, 0]))
    """
    check_at_least("n_sequences", n_sequences, 1)
    check_at_least("n_steps", n_steps, 10)
    if n_symbols not in (2, 3):
        raise ValueError(f"n_symbols must be 2 or 3. Got {n_symbols!r}.")
    rng = check_random_state(random_state)
    symbols = rng.randint(0, 4, (n_sequences, n_steps))
    rows, y = np.arange(n_sequences), np.zeros(n_sequences, dtype=np.int64)
    starts = (0.1, 0.5) if n_symbols == 2 else (0.1, 1 / 3, 2 / 3)
    for start in starts:
        first = int(start * n_steps)
        bit = rng.randint(0, 2, n_sequences)
        where = rng.randint(first, first + max(1, n_steps // 10), n_sequences)
        symbols[rows, where] = 4 + bit
        y = 2 * y + bit
    return np.eye(6)[symbols], y


def make_copy_memory(
    n_sequences=1000, n_steps=100, *, n_symbols=8, n_memorized=10, random_state=None
):
    """Make the copy memory problem: repeat symbols after a long pause.

    A sequence consists of ``n_memorized`` random symbols, ``n_steps`` blanks, the last of
    which is replaced by a go signal, and ``n_memorized`` blanks during which the symbols
    are to be repeated. Every step has a target, which is blank until the repetition begins.

    Parameters
    ----------
    n_sequences : int, default=1000
        Number of sequences, at least 1.
    n_steps : int, default=100
        Length of the pause, at least 1.
    n_symbols : int, default=8
        Number of different symbols, at least 2.
    n_memorized : int, default=10
        Number of symbols to remember, at least 1.
    random_state : int, RandomState instance or None, default=None
        Determines the random numbers.

    Returns
    -------
    X : ndarray of shape (n_sequences, n_steps + 2 * n_memorized, n_symbols + 2)
        One-hot: blank, the symbols, go.
    y : ndarray of shape (n_sequences, n_steps + 2 * n_memorized)
        0 for blank, 1 to n_symbols for the symbols.

    References
    ----------
    Hochreiter, S. & Schmidhuber, J. (1997). Long short-term memory. Neural Computation
    9(8); in the form of Arjovsky, M., Shah, A. & Bengio, Y. (2016), arXiv:1511.06464,
    section 4.1.

    Examples
    --------
    >>> from skbptt.datasets import make_copy_memory
    >>> X, y = make_copy_memory(1, 4, n_symbols=3, n_memorized=2, random_state=0)
    >>> X[0].argmax(axis=1), y[0]
    (array([1, 2, 0, 0, 0, 4, 0, 0]), array([0, 0, 0, 0, 0, 0, 1, 2]))
    """
    check_at_least("n_sequences", n_sequences, 1)
    check_at_least("n_steps", n_steps, 1)
    check_at_least("n_symbols", n_symbols, 2)
    check_at_least("n_memorized", n_memorized, 1)
    rng = check_random_state(random_state)
    kept = rng.randint(1, n_symbols + 1, (n_sequences, n_memorized))
    shown = np.zeros((n_sequences, n_steps + 2 * n_memorized), dtype=np.int64)
    y = shown.copy()
    shown[:, :n_memorized] = kept
    shown[:, n_memorized + n_steps - 1] = n_symbols + 1
    y[:, -n_memorized:] = kept
    return np.eye(n_symbols + 2)[shown], y


def check_at_least(name, value, least):
    if not isinstance(value, (int, np.integer)) or value < least:
        raise ValueError(f"{name} must be an int of at least {least}. Got {value!r}.")
