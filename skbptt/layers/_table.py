"""Chains that begin with an embedding, for prediction: a table in place of two products.

The rows of E W, for the vectors E of an embedding and the input weights W of the layer
above it, are what each code contributes to the sums of that layer.
"""

from ._dropout import Dropout
from ._embedding import Embedding
from ._groups import Chain
from ._recurrent import Recurrent

# So many rows must be read for each code of a table, which is made and packed for them.
ROWS_PER_CODE = 4


def by_table(chain, p, n_rows):
    """A chain that reads codes, and does what the given chain does without noise.

    Parameters
    ----------
    chain : Chain
    p : dict
        Its parameters.
    n_rows : int
        About how many codes will be read.

    Returns
    -------
    chain : Chain
        It reads arrays of int of shape (n_rows,). It has no way back.
    p : dict
        Its parameters.

    Where the chain does not begin with a single embedding, or a table would be more work,
    None is returned.
    """
    (name, first), *rest = chain.layers.items()
    ((place, embedding),) = [*first.leaves().items()][:1]
    if not isinstance(embedding, Embedding) or embedding.n_in > 1:
        return None
    E = (p[name][place] if place else p[name])["W"]
    if ROWS_PER_CODE * len(E) > n_rows:
        return None
    if isinstance(rest[0][1], Dropout):
        del rest[0]
    layers = dict(rest)
    p = {name: p[name] for name in layers}
    name, reader = rest[0]
    if isinstance(reader, Recurrent):
        p[name] = p[name] | {"W": E @ p[name]["W"]}
    else:
        p[name] = {side: q | {"W": E @ q["W"]} for side, q in p[name].items()}
    return Chain(layers), p
