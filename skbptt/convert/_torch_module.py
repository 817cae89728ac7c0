"""The network of a fitted estimator as a module of PyTorch."""

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

MODULES = {
    "tanh": (nn.RNN, {"nonlinearity": "tanh"}),
    "relu": (nn.RNN, {"nonlinearity": "relu"}),
    "gru": (nn.GRU, {}),
    "lstm": (nn.LSTM, {}),
}


class RNNModule(nn.Module):
    """Embeddings, recurrent layers, a readout and a linear layer.

    Parameters
    ----------
    net : Description
    """

    def __init__(self, net):
        super().__init__()
        dtype = tensor_of(net.W).dtype
        self.kind, self.parts, self.numbers = net.kind, net.parts, net.numbers
        self.univariate, self.columns = net.univariate, [e.column for e in net.embedded]
        self.missing = [e.missing for e in net.embedded]
        self.embeddings = nn.ModuleList()
        for k, e in enumerate(net.embedded):
            n, dim = e.W.shape
            # A row of zeros for unknown categories, which training leaves alone.
            self.embeddings.append(nn.Embedding(n + 1, dim, padding_idx=n, dtype=dtype))
            self.register_buffer(f"keys_{k}", tensor_of(e.keys))
        cls, options = MODULES[net.kind]
        both = len(net.layers[0]) > 1
        self.layers, self.starts = nn.ModuleList(), nn.ParameterList()
        for layer in net.layers:
            how = {"batch_first": True, "bidirectional": both, "dtype": dtype, **options}
            self.layers.append(cls(layer[0].n_in, layer[0].n_hidden, **how))
            if layer[0].learned:
                for state in net.states:
                    start = np.stack([side.start[state] for side in layer])
                    self.starts.append(nn.Parameter(tensor_of(start[:, np.newaxis])))
        self.dropout = nn.Dropout1d(net.dropout)
        self.output = nn.Linear(*net.W.shape, dtype=dtype)
        self._fill(net)

    @torch.no_grad()
    def _fill(self, net):
        for embedding, e in zip(self.embeddings, net.embedded):
            embedding.weight[:-1] = tensor_of(e.W)
        for module, layer in zip(self.layers, net.layers):
            for side, suffix in zip(layer, ("", "_reverse")):
                w = {name: tensor_of(values) for name, values in side.weights.items()}
                getattr(module, f"weight_ih_l0{suffix}")[:] = w["W"].T
                getattr(module, f"weight_hh_l0{suffix}")[:] = w["R"].T
                getattr(module, f"bias_ih_l0{suffix}")[:] = w["b"]
                getattr(module, f"bias_hh_l0{suffix}")[:] = 0
                if "b_n" in w:
                    getattr(module, f"bias_hh_l0{suffix}")[-side.n_hidden :] = w["b_n"]
        self.output.weight[:] = tensor_of(net.W).T
        self.output.bias[:] = tensor_of(net.b)

    def forward(self, x, lengths=None):
        """Raw outputs.

        Parameters
        ----------
        x : Tensor of shape (n, n_steps, n_features) or (n, n_steps)
            Sequences, padded with anything to one length, in the form met in fit. A
            category is its number, or the position of its text in ``categories_``.
        lengths : Tensor of shape (n,), default=None
            Number of steps of each sequence; all if None.

        Returns
        -------
        raw : Tensor of shape (n, n_outputs) or (n, n_steps, n_outputs)
        """
        x = x.unsqueeze(-1) if self.univariate else x
        n, n_steps = x.shape[:2]
        if lengths is None:
            lengths = torch.full((n,), n_steps)
        lengths = lengths.cpu()
        x = self._read(x)
        for layer, start in zip(self.layers, self._starts(n)):
            packed = pack_padded_sequence(x, lengths, True, enforce_sorted=False)
            packed, last = layer(packed, start)
            y, _ = pad_packed_sequence(packed, True, total_length=n_steps)
            x = self._drop(y)
        if not self.parts:
            return self.output(x)
        last = last[0] if isinstance(last, tuple) else last
        there = torch.arange(n_steps) < lengths[:, None]
        there = there.to(x.device).unsqueeze(-1)
        parts = {
            "last": lambda: torch.cat(list(last), dim=1),
            "mean": lambda: torch.where(there, y, 0).sum(1) / there.sum(1),
            "max": lambda: torch.where(there, y, -torch.inf).amax(1),
        }
        s = torch.stack([parts[part]() for part in self.parts], dim=1)
        return self.output(self._drop(s).flatten(1))

    def _starts(self, n):
        """The initial states of n sequences, layer by layer; None for zeros."""
        if not len(self.starts):
            return [None] * len(self.layers)
        wide = [start.expand(-1, n, -1).contiguous() for start in self.starts]
        if self.kind != "lstm":
            return wide
        return list(zip(wide[::2], wide[1::2]))

    def _drop(self, x):
        """Dropout of the same units at all steps of a sequence."""
        return self.dropout(x.transpose(1, 2)).transpose(1, 2)

    def _read(self, x):
        """Numbers, and the vectors of categories."""
        if not self.columns:
            return x
        x = x if x.ndim == 3 else x.unsqueeze(-1)
        vectors = []
        for k, (column, embedding) in enumerate(zip(self.columns, self.embeddings)):
            values, n = x[..., column].contiguous(), embedding.num_embeddings - 1
            keys = getattr(self, f"keys_{k}").to(values.dtype)
            codes = torch.searchsorted(keys, values).clamp(max=len(keys) - 1)
            codes = torch.where(keys[codes] == values, codes, n)
            if values.is_floating_point():
                missing = self.missing[k] if self.missing[k] >= 0 else n
                codes = torch.where(values.isnan(), missing, codes)
            vectors.append(embedding(codes))
        vectors = self._drop(torch.cat(vectors, dim=-1))
        numbers = x[..., self.numbers].to(vectors.dtype)
        return torch.cat([numbers, vectors], dim=-1)


def tensor_of(array):
    return torch.tensor(np.array(array))
