"""The Japanese vowels."""

from importlib.resources import files

import numpy as np
from sklearn.utils import Bunch

N_TRAIN = 270
N_COEFFICIENTS = 12


def load_japanese_vowels(*, subset="all", return_X_y=False):
    """Load utterances of two Japanese vowels by nine speakers.

    Nine men say "ae"; each utterance is a sequence of 7 to 29 frames (6.4 ms apart) of 12
    cepstrum coefficients of linear prediction, and the task is to identify the speaker. The
    split is the published one: 30 utterances of each speaker for training, and 24 to 88
    for the test.

    =================   ==============
    Sequences                      640
    Training                       270
    Test                           370
    Steps                      7 to 29
    Features                        12
    Classes                          9
    =================   ==============

    Parameters
    ----------
    subset : {"all", "train", "test"}, default="all"
        Which utterances to load. With "all", those for training come first.
    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        With the attributes

        data : ndarray of shape (n_sequences,), of objects
            Each an array of shape (n_steps, 12) of float64.
        target : ndarray of shape (n_sequences,), of int
            The speaker, 1 to 9.
        feature_names : list of str
            Names of the coefficients.
        target_names : list of str
            Names of the speakers.
        DESCR : str
            Description, source and licence.
    (data, target) : tuple if ``return_X_y`` is True

    References
    ----------
    Kudo, M., Toyama, J. & Shimbo, M. (1999). Multidimensional curve classification using
    passing-through regions. Pattern Recognition Letters 20(11-13), 1103-1111. UCI Machine
    Learning Repository, https://doi.org/10.24432/C5NS47, CC BY 4.0.

    Examples
    --------
    >>> from skbptt.datasets import load_japanese_vowels
    >>> X, y = load_japanese_vowels(subset="train", return_X_y=True)
    >>> X.shape, X[0].shape, y[:3]
    ((270,), (20, 12), array([1, 1, 1]))
    """
    spans = {
        "all": slice(None),
        "train": slice(N_TRAIN),
        "test": slice(N_TRAIN, None),
    }
    if subset not in list(spans):
        raise ValueError(f"subset must be one of {sorted(spans)}. Got {subset!r}.")
    folder = files(__package__) / "data"
    with (folder / "japanese_vowels.npz").open("rb") as file, np.load(file) as stored:
        # Published with six decimals, and stored as integers of the sixth.
        steps = np.ascontiguousarray(stored["micro"]) / 1e6
        lengths, target = stored["lengths"], stored["target"].astype(np.int64)
    data = np.empty(len(lengths), dtype=object)
    for i, utterance in enumerate(np.split(steps, np.cumsum(lengths)[:-1])):
        data[i] = utterance
    data, target = data[spans[subset]], target[spans[subset]]
    if return_X_y:
        return data, target
    return Bunch(
        data=data,
        target=target,
        feature_names=[f"cepstrum_{k + 1}" for k in range(N_COEFFICIENTS)],
        target_names=[f"speaker_{k}" for k in range(1, 10)],
        DESCR=(folder / "japanese_vowels.md").read_text(encoding="utf-8"),
    )
