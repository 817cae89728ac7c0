"""The transcriber: labels in the order of the input, at most one per step."""

from .._docstrings import fill_docstring
from ..losses import CTC, best_path, check_alignable, prefix_search
from ._labels_out import LabelRNN, positive_integer


@fill_docstring
class RNNTranscriber(LabelRNN):
    """Recurrent neural network that transcribes sequences to shorter sequences of labels.

    Examples are speech to words, handwriting to letters, and signals to events: the labels
    are in the order of the input, there is at most one label per step, and their positions
    in the training data are unknown. At each step, the network predicts the probabilities
    of the labels and of a blank. Connectionist temporal classification (CTC) sums over all
    alignments [14]_.

    Parameters
    ----------
    <sequence network parameters>

    target_tokenizer : {"char", "word"} or callable, default="char"
        How texts in y are split into labels: into characters, into words separated by white
        space, or by a callable that returns the labels of a text. Predicted labels are
        joined into texts, with a space between words only. Not used if y holds
        sequences of labels.

    beam_width : int, default=1
        1 predicts the labels of the most probable path. A larger number is the width of a
        prefix beam search for the most probable output, summed over its paths.

    solver : {"adam", "sgd", "lbfgs", "cg", "adam+lbfgs"}, default="adam"
        "adam" and "sgd" descend by mini-batches, "lbfgs" and "cg" are the full-batch
        methods of :func:`scipy.optimize.minimize`, and "adam+lbfgs" runs one after the
        other.

    <first-order training parameters>

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels that occur in y. The last output of the network is the blank.

    <attributes>

    See Also
    --------
    RNNClassifier : One label for each sequence, or for each step.

    Notes
    -----
    y is a list or an object array of sequences of integers or of strings, or of texts. A
    target may be empty. A target that cannot be aligned raises an error: a sequence needs
    one step for each label, and one more between equal labels.

    <notes>

    References
    ----------
    <references>
    .. [14] Graves, A., Fernández, S., Gomez, F. & Schmidhuber, J. (2006). Connectionist
       temporal classification: labelling unsegmented sequence data with recurrent neural
       networks. ICML.

    Examples
    --------
    Pulses of three heights, with pauses and durations that differ:

    >>> import numpy as np
    >>> from skbptt import RNNTranscriber
    >>> rng = np.random.default_rng(0)
    >>> def signal(word):
    ...     parts = [[0.0] * rng.integers(1, 4) + [" abc".index(c)] * 3 for c in word]
    ...     return np.concatenate(parts)[:, np.newaxis]
    ...
    >>> y = ["".join(rng.choice(list("abc"), rng.integers(1, 5))) for _ in range(200)]
    >>> X = [signal(word) for word in y]
    >>> model = RNNTranscriber(16, bidirectional=True, max_iter=40, random_state=0)
    >>> model = model.fit(X, y)
    >>> model.predict([signal("cab"), signal("abba")])
    array(['cab', 'abba'], dtype=object)
    >>> model.score(X, y) > 0.95
    True
    """

    def __init__(
        self,
        hidden_layer_sizes=(64,),
        *,
        cell="gru",
        activation="tanh",
        bidirectional=False,
        dropout=0.0,
        categorical_features="from_dtype",
        embedding_dim="auto",
        initial_state="zeros",
        target_tokenizer="char",
        beam_width=1,
        solver="adam",
        alpha="auto",
        max_grad_norm=1.0,
        truncation=None,
        n_jobs=None,
        batch_size="auto",
        learning_rate="auto",
        learning_rate_init=0.01,
        power_t=0.5,
        max_iter=100,
        shuffle=True,
        random_state=None,
        tol=1e-4,
        verbose=False,
        warm_start=False,
        frozen=None,
        momentum=0.9,
        nesterovs_momentum=True,
        early_stopping=False,
        scoring="loss",
        validation_fraction=0.1,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        n_iter_no_change=10,
        max_fun=15000,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.cell = cell
        self.activation = activation
        self.bidirectional = bidirectional
        self.dropout = dropout
        self.categorical_features = categorical_features
        self.embedding_dim = embedding_dim
        self.initial_state = initial_state
        self.target_tokenizer = target_tokenizer
        self.beam_width = beam_width
        self.solver = solver
        self.alpha = alpha
        self.max_grad_norm = max_grad_norm
        self.truncation = truncation
        self.n_jobs = n_jobs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.frozen = frozen
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.scoring = scoring
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun

    def _outputs_for(self, n_classes):
        return n_classes + 1

    def _check_labels(self, labels):
        check_alignable(labels.n_steps, labels.codes, labels.lengths)

    def _make_loss(self, spec):
        return CTC(len(self.classes_))

    def _automatic_alpha(self):
        return 0.01

    def _best(self, sequences):
        if positive_integer("beam_width", self.beam_width) > 1:
            return super()._best(sequences)
        return best_path(self._raw_of(sequences), sequences.lengths)

    def _outputs(self, sequences, width, n_best):
        return prefix_search(self._raw_of(sequences), sequences.lengths, width, n_best)
