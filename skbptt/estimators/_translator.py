"""The translator: sequences of labels of any length."""

from numbers import Integral, Real

from sklearn.utils._param_validation import Interval, StrOptions

from .._docstrings import fill_docstring
from ..losses import SequenceCrossEntropy
from ..network import Translator, greedy, translate
from ..training import one_blas_thread, parallel_map
from ._labels_out import LabelRNN, positive_integer
from ._parameters import automatic_dim, make_cell


@fill_docstring
class RNNTranslator(LabelRNN):
    """Recurrent neural network that translates sequences to sequences of any length.

    An encoder reads the sequence. A decoder starts from the encoder's last states and
    predicts the labels one by one, each from the previous ones, until it predicts the end
    [14]_. With attention, it also reads a weighted mean of all states of the encoder at
    each label [15]_.
    Training maximises the likelihood of the targets.

    Parameters
    ----------
    <sequence network parameters>

    attention : {"dot"} or None, default="dot"
        Whether the decoder uses attention. "dot" weights the states of the encoder by their
        scalar products with the state of the decoder, at each label.

    target_tokenizer : {"char", "word"} or callable, default="word"
        How texts in y are split into labels: into characters, into words separated by white
        space, or by a callable that returns the labels of a text. Predicted labels are
        joined into texts, with a space between words only. Not used if y holds
        sequences of labels.

    max_length : int or None, default=None
        Maximum number of labels of a prediction. None means the length of the longest
        target in ``fit``.

    beam_width : int, default=1
        1 predicts the most probable label at each step. A larger number is the width of a
        beam search, which keeps that many prefixes of each prediction.

    length_penalty : float, default=0.0
        Beam search divides the log-probability of a prediction by its number of labels,
        including the end, to this power. 0 does not divide, which favours short
        predictions; 1 takes the mean per label.

    solver : {"adam", "sgd", "lbfgs", "cg", "adam+lbfgs"}, default="adam"
        "adam" and "sgd" descend by mini-batches, "lbfgs" and "cg" are the full-batch
        methods of :func:`scipy.optimize.minimize`, and "adam+lbfgs" runs one after the
        other.

    <first-order training parameters>

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels that occur in y. The last output of the network is the end of sequence.

    <attributes>

    See Also
    --------
    RNNTranscriber : Labels in the order of the input, such as speech to words.

    Notes
    -----
    The layers of the decoder have the same sizes as those of the encoder, in one direction.
    The embedding vectors of labels have the length ``embedding_dim`` if that is an int, and
    otherwise the "auto" length of a categorical feature with as many categories.

    <notes>

    References
    ----------
    <references>
    .. [14] Sutskever, I., Vinyals, O. & Le, Q. V. (2014). Sequence to sequence learning
       with neural networks. NeurIPS.
    .. [15] Luong, M.-T., Pham, H. & Manning, C. D. (2015). Effective approaches to
       attention-based neural machine translation. EMNLP.

    Examples
    --------
    Numbers in words to digits:

    >>> from skbptt import RNNTranslator
    >>> from sklearn.pipeline import make_pipeline
    >>> from skbptt.preprocessing import TokenEncoder
    >>> tens = ["twenty", "thirty", "forty", "fifty", "sixty"]
    >>> ones = ["one", "two", "three", "four", "five", "six", "seven"]
    >>> X = [f"{ten} {one}" for ten in tens for one in ones]
    >>> y = [f"{10 * i + j}" for i in range(2, 7) for j in range(1, 8)]
    >>> model = make_pipeline(
    ...     TokenEncoder(), RNNTranslator(16, target_tokenizer="char", random_state=0)
    ... )
    >>> model = model.fit(X[:-1], y[:-1])
    >>> model.predict(["thirty five", "sixty seven"])
    array(['35', '67'], dtype=object)
    """

    _parameter_constraints: dict = {
        **LabelRNN._parameter_constraints,
        "attention": [StrOptions({"dot"}), None],
        "max_length": [Interval(Integral, 1, None, closed="left"), None],
        "length_penalty": [Interval(Real, 0, None, closed="left")],
    }
    _of_network = (*LabelRNN._of_network, "attention")

    _longest: int  # labels of a target in fit

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
        attention="dot",
        target_tokenizer="word",
        max_length=None,
        beam_width=1,
        length_penalty=0.0,
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
        self.attention = attention
        self.target_tokenizer = target_tokenizer
        self.max_length = max_length
        self.beam_width = beam_width
        self.length_penalty = length_penalty
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

    def _make_network(self, spec):
        dim = spec["embedding_dim"]
        return Translator(
            make_cell(spec["cell"], spec["activation"]),
            1 if self._univariate else self.n_features_in_,
            spec["hidden_layer_sizes"],
            self.n_outputs_,
            spec["bidirectional"],
            spec["attention"] is not None,
            dim if isinstance(dim, Integral) else automatic_dim(self.n_outputs_),
            self.dropout,
            spec["initial_state"] == "learned",
            self._embeddings(dim),
        )

    def _outputs_for(self, n_classes):
        return n_classes + 1

    def _check_labels(self, labels):
        """Every sequence of labels has a probability."""

    def _make_loss(self, spec):
        return SequenceCrossEntropy(len(self.classes_))

    def _automatic_alpha(self):
        return 0.01

    def _with_targets(self, sequences, y, sample_weight, *, known, incremental, **how):
        how |= {"known": known, "incremental": incremental}
        data = super()._with_targets(sequences, y, sample_weight, **how)
        longest = int(data.y.lengths.max())
        self._longest = max(longest, self._longest) if known else longest
        return data

    def _best(self, sequences):
        if positive_integer("beam_width", self.beam_width) > 1:
            return super()._best(sequences)
        return self._decoded(greedy, sequences)

    def _outputs(self, sequences, width, n_best):
        return self._decoded(translate, sequences, width, self.length_penalty, n_best)

    def _decoded(self, function, sequences, *how):
        longest = self._longest if self.max_length is None else self.max_length
        how = sequences, longest, *how
        with one_blas_thread(), parallel_map(self.n_jobs) as map_parts:
            return function(self._network, self._theta, *how, map_parts)
