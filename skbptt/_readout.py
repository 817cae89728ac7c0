"""From the states of all steps of a sequence to one vector, in NumPy."""

import numpy as np

READOUTS = {
    "last": ("last",),
    "mean": ("mean",),
    "max": ("max",),
    "concat": ("last", "mean", "max"),
}


def read(h, batch, parts):
    """Parts of the readout, of shape (n_columns, n_parts, n_hidden).

    Steps count in the order in which the layer reads them. Also gives the rows of the
    largest states, for :func:`read_back`.
    """
    s, rows_of_max = [], None
    for part in parts:
        if part == "last":
            s.append(h[batch.last])
        elif part == "mean":
            s.append(mean_over_time(h, batch))
        else:
            top, rows_of_max = max_over_time(h, batch)
            s.append(top)
    return np.stack(s, axis=1), rows_of_max


def read_back(ds, batch, parts, rows_of_max):
    """Gradient with respect to the states of all steps, given that of :func:`read`."""
    dh = np.zeros((len(batch.rows), ds.shape[2]), ds.dtype)
    for k, part in enumerate(parts):
        d_part = ds[:, k]
        if part == "last":
            dh[batch.last] += d_part
        elif part == "mean":
            dh += (d_part / batch.lengths[:, None].astype(ds.real.dtype))[batch.column]
        else:
            dh[rows_of_max, np.arange(dh.shape[1])] += d_part
    return dh


def mean_over_time(h, batch):
    s = np.zeros((len(batch.order), h.shape[1]), h.dtype)
    for columns, rows in batch.runs:
        s[:columns] += h[rows].reshape(-1, columns, h.shape[1]).sum(axis=0)
    return s / batch.lengths[:, None].astype(h.real.dtype)


def max_over_time(h, batch):
    """The largest value of each unit, and the row where it stands (the first)."""
    s = np.full((len(batch.order), h.shape[1]), -np.inf, h.dtype)
    rows_of_max = np.zeros(s.shape, np.intp)
    for columns, rows in batch.runs:
        steps = h[rows].reshape(-1, columns, h.shape[1])
        t = steps.real.argmax(axis=0)
        top = np.take_along_axis(steps, t[np.newaxis], axis=0)[0]
        higher = ~(top.real <= s[:columns].real)  # NaN is handed on
        s[:columns][higher] = top[higher]
        row = rows.start + t * columns + np.arange(columns)[:, np.newaxis]
        rows_of_max[:columns][higher] = row[higher]
    return s, rows_of_max
