"""From the states of all steps of a sequence to one vector, in NumPy."""

import numpy as np

READOUTS = {
    "last": ("last",),
    "mean": ("mean",),
    "max": ("max",),
    "concat": ("last", "mean", "max"),
}
UNKNOWN = "A readout has the parts 'last', 'mean' and 'max'. Got {!r}."


def read(h, batch, parts):
    """Parts of the readout, of shape (n_columns, n_parts, n_hidden).

    Steps count in the order in which the layer reads them. Also gives the rows of the
    largest states, for :func:`read_back`.
    """
    rows_of_max = rows_of_largest(h, batch) if "max" in parts else None
    return read_at(h, batch, parts, rows_of_max), rows_of_max


def read_at(h, batch, parts, rows_of_max):
    """The same, where the largest states, as of other values, are known: it is linear."""
    s = np.empty((len(batch.order), len(parts), h.shape[1]), h.dtype)
    for k, part in enumerate(parts):
        if part == "last":
            s[:, k] = h[batch.last]
        elif part == "mean":
            s[:, k] = mean_over_time(h, batch)
        elif part == "max":
            s[:, k] = h[rows_of_max, np.arange(h.shape[1])]
        else:
            raise ValueError(UNKNOWN.format(part))
    return s


def read_back(ds, batch, parts, rows_of_max):
    """Gradient with respect to the states of all steps, given that of :func:`read`."""
    dh = np.zeros((len(batch.rows), ds.shape[2]), ds.dtype)
    for k, part in enumerate(parts):
        d_part = ds[:, k]
        if part == "last":
            dh[batch.last] += d_part
        elif part == "mean":
            dh += (d_part / batch.lengths[:, None].astype(ds.real.dtype))[batch.column]
        elif part == "max":
            dh[rows_of_max, np.arange(dh.shape[1])] += d_part
        else:
            raise ValueError(UNKNOWN.format(part))
    return dh


def mean_over_time(h, batch):
    s = np.zeros((len(batch.order), h.shape[1]), h.dtype)
    for columns, rows in batch.runs:
        s[:columns] += h[rows].reshape(-1, columns, h.shape[1]).sum(axis=0)
    return s / batch.lengths[:, None].astype(h.real.dtype)


def rows_of_largest(h, batch):
    """The row where the largest value of each unit stands, the first of equals."""
    s = np.full((len(batch.order), h.shape[1]), -np.inf, h.real.dtype)
    rows_of_max = np.zeros(s.shape, np.intp)
    for columns, rows in batch.runs:
        steps = h.real[rows].reshape(-1, columns, h.shape[1])
        t = steps.argmax(axis=0)
        top = np.take_along_axis(steps, t[np.newaxis], axis=0)[0]
        higher = ~(top <= s[:columns])  # NaN is handed on
        s[:columns][higher] = top[higher]
        row = rows.start + t * columns + np.arange(columns)[:, np.newaxis]
        rows_of_max[:columns][higher] = row[higher]
    return rows_of_max


def start_reading(parts, values, n_read):
    """Fill the parts so far of n streams, and the number of steps, before the first step.

    ``values`` has shape (n, n_parts, n_hidden) and ``n_read``, of int64, (n, 1). Gives
    them, by name, as far as :func:`read_on` starts from them.
    """
    values[:], n_read[:] = 0, 0
    states = {f"readout.{part}": values[:, k] for k, part in enumerate(parts)}
    states.pop("readout.last", None)
    if "max" in parts:
        states["readout.max"][:] = -np.inf
    return states | {"readout.n_steps": n_read} if "mean" in parts else states


def read_on(h, parts, values, n_read):
    """Bring the parts so far up to date, given the states ``h`` of one more step."""
    n_read += 1
    for k, part in enumerate(parts):
        if part == "last":
            values[:, k] = h
        elif part == "mean":
            values[:, k] += (h - values[:, k]) / n_read.astype(h.dtype)
        else:
            np.maximum(values[:, k], h, out=values[:, k])
