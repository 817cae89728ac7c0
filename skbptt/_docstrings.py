"""Text that the docstrings of the classifier and the regressor share, and its address."""

import re


class Documented:
    """Makes the HTML representation show the help of the parameters, and link to it."""

    _doc_link_module = "skbptt"
    _doc_link_template = (
        "https://skbptt.readthedocs.io/en/stable/generated/"
        "{estimator_module}.{estimator_name}.html"
    )


NETWORK_PARAMETERS = """\
hidden_layer_sizes : int or array-like of int, default=(64,)
    Number of units of each recurrent layer. Several layers are stacked.

cell : {"gru", "lem", "lstm", "rnn"} or Cell instance, default="gru"
    The recurrence: gated recurrent unit, long expressive memory, long short-term memory,
    or Elman's simple recurrent network. Pass an instance of a class of :mod:`skbptt.cells`
    to set further parameters, or a custom :class:`~skbptt.cells.Cell`.

activation : {"tanh", "relu", "logistic", "identity"}, default="tanh"
    Activation of the hidden units. Only used with ``cell="rnn"``: the gated cells have
    fixed activations, and any value but "tanh" raises an error.

bidirectional : bool, default=False
    Whether each layer reads the sequences both forwards and backwards. The states of both
    directions are concatenated. With ``return_sequences=True``, each output then also
    depends on later steps.

readout : {"concat", "last", "mean", "max"}, default="concat"
    How the states of a sequence are reduced to one vector: "last" is the last state (for
    the backward direction, the state at the first step), "mean" and "max" are the mean and
    the maximum of each unit over the steps, and "concat" concatenates all three [5]_.
    Padding is ignored. Not used with ``return_sequences=True``.

return_sequences : bool, default=False
    Whether there is one target per time step instead of one per sequence.

dropout : float in [0, 1), default=0.0
    Fraction of units that are dropped between layers, before the output, and in the
    embedding vectors, with one mask per sequence [6]_. Only for "adam" and "sgd".

categorical_features : "from_dtype", array-like or None, default="from_dtype"
    Which features are categorical. Each of their categories is represented by a learned
    embedding vector. "from_dtype" selects the columns of data frames whose dtype is
    "category" in pandas, or Categorical or Enum in polars. An array-like holds indices,
    names of columns, or a boolean mask. None selects no feature. Sequences of tokens are
    always categorical. The feature of a 2-D X has the index 0.

embedding_dim : int, array-like of int or "auto", default="auto"
    Length of the embedding vectors, for all categorical features or for each of them.
    "auto" is half the number of categories, but at most 64.

initial_state : {"zeros", "learned"}, default="zeros"
    States of the recurrent layers before the first step: zeros, or learned parameters, with
    one vector for each layer, direction and state of the cell.
"""

TRAINING_PARAMETERS = """\
solver : {"adam", "sgd", "lbfgs", "cg", "newton-cg", "trust-ncg", "trust-krylov", \
        "hessian-free", "adam+lbfgs"}, default="adam"
    The optimiser. :doc:`/solvers` compares them.

    - "adam" and "sgd" are stochastic: they take a step after each mini-batch.
    - "lbfgs", "cg", "newton-cg", "trust-ncg" and "trust-krylov" are the full-batch methods
      of :func:`scipy.optimize.minimize`, for small data and high precision. The last three
      use exact products with the Hessian. All five work best if the objective is smooth,
      as with the readouts "last" and "mean".
    - "hessian-free" takes truncated Newton steps on large batches, with the Gauss-Newton
      matrix and structural damping [11]_ [12]_. It suits dependencies over many steps.
    - "adam+lbfgs" runs ``max_iter`` epochs of "adam", followed by up to ``max_iter``
      iterations of "lbfgs" [13]_.

alpha : float or "auto", default="auto"
    Strength of the L2 penalty on weight matrices: alpha / 2 times their squared norm is
    added to the weighted sum of losses. Embedding vectors are not penalised. The strength
    depends neither on the batch size nor on the units of the targets. "auto" is 0.01 for a
    classifier or transcriber. For a regressor it is 1.2, or 0.1 with
    ``return_sequences=True``, which is strong enough for noisy series, and twenty times as
    much for the losses "gaussian", "student_t" and "negative_binomial". Choose a smaller
    value for targets without noise.

max_grad_norm : float or None, default=1.0
    If the norm of the gradient is larger, the gradient is scaled to this norm [7]_. Only
    used by "adam" and "sgd".

truncation : int, (int, int) or None, default=None
    Truncated backpropagation through time [8]_. With (k1, k2), where k2 >= k1, the
    gradient of each window of k1 steps flows back k2 steps through the recurrence. An int k
    means (k, k). Windows start at the first step that a layer and direction reads, so the
    last one may be shorter. For example, with ``readout="last"`` and a sequence of 21
    steps, the gradient goes back only one step with k = 20, but 20 steps with (1, 20).
    None computes the exact gradient. Only for "adam" and "sgd".

n_jobs : int or None, default=None
    Number of threads that share the work on a batch in training, and on sequences in
    prediction. The result does not depend on it: a batch is split in the same way for any
    number of threads, and the gradients of the parts are summed in order. A small batch is
    a single part, so threads help with wide networks and large batches. None means 1 unless
    in a :func:`joblib.parallel_config` context, and -1 means all processors. In a worker of
    joblib, as in a grid search with ``n_jobs``, it is always 1.

batch_size : int or "auto", default="auto"
    The largest number of sequences in a mini-batch; the batches of an epoch have similar
    sizes. "auto" is 32, or less if there would be fewer than five batches per epoch (twenty
    with ``return_sequences=True``). In ``partial_fit``, "auto" is always 32.
    "hessian-free" computes its gradient on this number of sequences, 1000 for "auto", and
    the curvature on a fifth of them, or on 200 sequences if that is more and there are as
    many. Full-batch solvers do not use it.

learning_rate : {"auto", "one_cycle", "constant", "invscaling", "adaptive"}, \
        default="auto"
    Schedule of the learning rate, for stochastic solvers.

    - "auto" is "one_cycle" in ``fit`` and "constant" in ``partial_fit``, where the number
      of epochs is unknown.
    - "one_cycle" rises linearly over the first tenth of the ``max_iter`` epochs, and then
      falls to zero along half a cosine [9]_. In ``partial_fit``, each ``max_iter`` calls
      form one cycle. With ``early_stopping``, the length of the cycle depends on the
      validation score: the rate rises for at most ten epochs, stays at its peak until
      ``n_iter_no_change`` epochs have passed without improvement or half of ``max_iter`` is
      reached, and then falls over as many epochs as have passed.
    - "constant" is ``learning_rate_init``.
    - "invscaling" is ``learning_rate_init / (t + 1) ** power_t`` after t sequences.
    - "adaptive" divides the rate by 5 each time ``n_iter_no_change`` consecutive epochs
      fail to improve the loss by ``tol``. Training stops when the rate falls below 1e-6.

learning_rate_init : float, default=0.01
    The initial learning rate, or the peak of "one_cycle".

power_t : float, default=0.5
    The exponent of "invscaling".

max_iter : int, default=100
    Maximum number of iterations. For "adam" and "sgd" these are epochs (passes over the
    data). "adam+lbfgs" runs up to this number in each of its two phases.

shuffle : bool, default=True
    Whether to shuffle the sequences in each epoch. If True, equal sequences are merged and
    their weights added, so that the result does not depend on the order of the data. If
    False, stochastic solvers take the sequences in the given order.

random_state : int, RandomState instance or None, default=None
    Determines the initial weights, the batches, dropout and the validation split. Pass an
    int for reproducible results across calls.

tol : float, default=1e-4
    Tolerance of the optimisation. An iteration counts as an improvement only if the loss
    (or the validation score) improves by at least this much. All solvers but "adam" and
    "sgd" also stop when no entry of the gradient is larger ("hessian-free" only if a batch
    contains all data), or when the objective no longer decreases. For a regressor, losses
    and gradients are measured in units of the spread of the targets.

verbose : bool or int, default=False
    True prints the loss of every iteration. An integer k prints every k-th iteration and,
    in ``fit``, the last one.

warm_start : bool, default=False
    Whether ``fit`` resumes from the previous call: from its weights (the best ones with
    ``early_stopping``), optimiser state, learning rate, random state and curves.
    "one_cycle" starts a new cycle, and the solvers of scipy start a new search. If the data
    differ from those of the previous call, the best loss is reset. For a classifier, y must
    contain the same classes as in the first call; ``partial_fit`` accepts data in which
    some are absent.

frozen : array-like of str or None, default=None
    Names of ``weights_`` that training leaves unchanged, or patterns such as
    "layers.0.*". In a first ``fit`` they keep their initial values. If other weights were
    frozen in the previous call, the state of the optimiser is reset.

momentum : float in [0, 1), default=0.9
    Momentum of "sgd".

nesterovs_momentum : bool, default=True
    Whether to use Nesterov's momentum. Only used by "sgd".

early_stopping : bool, default=False
    Whether to stop training when the validation score (see ``scoring``) has not improved
    for ``n_iter_no_change`` iterations; with "one_cycle", the learning rate then falls
    first. The validation data are the X_val and y_val passed to ``fit``, or otherwise a
    ``validation_fraction`` of the sequences. The weights with the best score are kept, the
    latest if several are equal. Works with every solver.

scoring : str, callable or None, default="loss"
    The validation score of ``early_stopping``: "loss" is the loss without the penalty, any
    other string the name of a scorer of scikit-learn, and None the method ``score``. A
    callable has the signature (estimator, X, y), and also receives ``sample_weight`` if
    there are weights. With ``return_sequences=True``, a scorer given by name is applied to
    all steps.

validation_fraction : float in (0, 1), default=0.1
    Fraction of the sequences that ``early_stopping`` sets aside for validation, stratified
    by label. Not used with X_val. Windows of the same series, which share steps, are taken
    from the end of the series; with ``return_sequences=True``, training windows that
    overlap them are left out.

beta_1 : float in [0, 1), default=0.9
    Decay rate of the estimated mean of the gradient. Only used by "adam" [10]_.

beta_2 : float in [0, 1), default=0.999
    Decay rate of the estimated mean of the squared gradient. Only used by "adam".

epsilon : float, default=1e-8
    Added to the denominator for numerical stability. Only used by "adam".

n_iter_no_change : int or inf, default=10
    Stop after more than this number of consecutive iterations without improvement.

max_fun : int, default=15000
    Maximum number of evaluations of the objective and its gradient, for the solvers of
    scipy.
"""

ATTRIBUTES = """\
n_features_in_ : int
    Number of features per time step; for a 2-D X, its number of columns.

feature_names_in_ : ndarray of shape (`n_features_in_`,)
    Names of the columns. Only defined if X was a data frame with string names, or a list of
    such data frames.

is_categorical_ : ndarray of shape (n_features,) of bool, or None
    Which features are categorical, or None if there are none.

categories_ : list of ndarray
    Sorted categories of each categorical feature, in the order of the rows of its embedding
    matrix. NaN comes last if values are missing.

n_outputs_ : int
    Number of units of the output layer. A regressor has several per target with the losses
    "gaussian" (2), "student_t" (3), "negative_binomial" (2), and with several quantiles
    (one each). The first units of all targets come first, then the second ones, and so on.

n_layers_ : int
    Number of layers, including input and output.

out_activation_ : str
    Activation of the output layer. If targets have several units, that of the first.

n_iter_ : int
    Number of iterations, including those of previous calls if training was resumed.

t_ : int
    Number of sequences seen by the stochastic solver. Merged sequences count once.

loss_ : float
    Objective at the last iteration.

solver_result_ : dict or None
    Result of the last search of a solver of scipy: "success"; "message"; the numbers of
    iterations, "nit", of evaluations, "nfev", and of products with the Hessian, "nhev"; the
    objective "fun"; and the largest entry of the gradient, "max_gradient". None for other
    solvers.

best_loss_ : float or None
    Lowest value in ``loss_curve_``. None with ``early_stopping``.

loss_curve_ : list of float
    Objective at each iteration: for stochastic solvers the mean over the batches of an
    epoch, for others the value at the iterate.

grad_norm_curve_ : list of float
    Euclidean norm of the gradient at each iteration, before clipping, with targets in units
    of their spread: the mean over the batches of an epoch, the norm at the iterate of a
    solver of scipy, or the norm before a step of "hessian-free".

learning_rate_curve_ : list of float
    Learning rate at each iteration, averaged over the batches of an epoch. NaN for solvers
    without a learning rate.

validation_loss_curve_, validation_scores_ : list of float or None
    Mean loss and score on the validation data at each iteration. With ``scoring="loss"``,
    the score is minus the loss. None without ``early_stopping``.

best_validation_score_ : float or None
    The best validation score. None without ``early_stopping``.
"""

NOTES = """\
Gradients are exact, by backpropagation through time [1]_. X may be

- an array (n_sequences, n_steps, n_features), where trailing steps whose features are all
  NaN are padding;
- a list, tuple or object array of arrays (n_steps, n_features) whose numbers of steps may
  differ;
- an array (n_sequences, n_steps) of univariate sequences;
- a list, tuple or object array of 1-D integer arrays (n_steps,): sequences of tokens, as
  from :class:`~skbptt.preprocessing.TokenEncoder`.

A categorical feature may hold strings or numbers. Missing values (NaN, None) form a
separate category. Categories that did not occur in ``fit`` are represented by a zero
vector. ``partial_fit`` uses the categories of its first call.

Other NaN are missing values, which raise an error. Fill them with a
:class:`~skbptt.preprocessing.SequenceImputer`. In a 3-D array, missing values at the end of
a sequence cannot be distinguished from padding. Prediction therefore warns of padding if
all sequences in ``fit`` had the same length.

The computing time of sequences of unequal length is proportional to the sum of their
lengths. float32 data are computed in float32, and all other data in float64; sequences of
tokens are computed in float32 if the ids have at most 32 bits. Standardise the features of
X, for example with ``TimeDistributed(StandardScaler())``.

A regressor standardises its targets, by a location and a spread that suit the loss. Both
are absorbed by the output layer: predictions, weights and loss curves are in the units of
y, and the fit does not depend on these units. With several targets, the weight of each in
the loss is the inverse of its squared spread (of its spread for the absolute error and
quantiles, of its mean for Poisson counts). Log-likelihoods have equal weights. Negative
binomial counts are not standardised. ``partial_fit`` takes location and spread from its
first call if that has at least 30 targets, and otherwise does not standardise.

The objective is

.. math:: \\frac{1}{\\sum_i w_i} \\Bigl( \\sum_i w_i\\, \\ell_i
          + \\frac{\\alpha}{2} \\lVert\\text{weight matrices}\\rVert^2 \\Bigr)

where i runs over all sequences, or over all steps. The loss :math:`\\ell_i` is the mean
over the outputs of a regressor, or the sum over the labels of a multilabel classifier. With
a weight :math:`w_{ik}` for each of K outputs, :math:`w_i \\ell_i` is the mean, or the sum,
of :math:`w_{ik} \\ell_{ik}`, and :math:`w_i = \\frac{1}{K} \\sum_k w_{ik}`.

A sequence of weight 2 has exactly the same effect as two equal sequences (with
``shuffle=False`` and a stochastic solver only on average). The output bias is initialised
to the best constant prediction: the mean, the median or quantiles, the most likely
parameters, or the logarithms of the class frequencies.
"""

REFERENCES = """\
.. [1] Werbos, P. J. (1990). Backpropagation through time: what it does and how to do it.
   Proceedings of the IEEE 78(10), 1550-1560.
.. [2] Elman, J. L. (1990). Finding structure in time. Cognitive Science 14(2).
.. [3] Hochreiter, S. & Schmidhuber, J. (1997). Long short-term memory. Neural
   Computation 9(8).
.. [4] Cho, K. et al. (2014). Learning phrase representations using RNN encoder-decoder
   for statistical machine translation. EMNLP.
.. [5] Howard, J. & Ruder, S. (2018). Universal language model fine-tuning for text
   classification. ACL. Section 3.3.
.. [6] Gal, Y. & Ghahramani, Z. (2016). A theoretically grounded application of dropout in
   recurrent neural networks. NeurIPS.
.. [7] Pascanu, R., Mikolov, T. & Bengio, Y. (2013). On the difficulty of training
   recurrent neural networks. ICML. Algorithm 1.
.. [8] Williams, R. J. & Peng, J. (1990). An efficient gradient-based algorithm for on-line
   training of recurrent network trajectories. Neural Computation 2(4).
.. [9] Smith, L. N. & Topin, N. (2019). Super-convergence: very fast training of neural
   networks using large learning rates. SPIE.
.. [10] Kingma, D. P. & Ba, J. (2015). Adam: a method for stochastic optimization. ICLR.
.. [11] Martens, J. (2010). Deep learning via Hessian-free optimization. ICML.
.. [12] Martens, J. & Sutskever, I. (2011). Learning recurrent neural networks with
   Hessian-free optimization. ICML.
.. [13] Bemporad, A. (2023). Training recurrent neural networks by sequential least squares
   and the alternating direction method of multipliers. Automatica 156.
"""

BLOCKS = {
    "<network parameters>": NETWORK_PARAMETERS,
    "<training parameters>": TRAINING_PARAMETERS,
    "<attributes>": ATTRIBUTES,
    "<notes>": NOTES,
    "<references>": REFERENCES,
}


def without(block, *names):
    """The descriptions of parameters in a block, but for those of some names."""
    entries = re.split(r"\n(?=\w)", block)
    return "\n".join(entry for entry in entries if entry.split(" :")[0] not in names)


# Of estimators whose targets are sequences of labels.
BLOCKS["<sequence network parameters>"] = without(
    NETWORK_PARAMETERS, "readout", "return_sequences"
)
BLOCKS["<first-order training parameters>"] = without(TRAINING_PARAMETERS, "solver")


def fill_docstring(cls):
    """Put the shared blocks in place of their names."""
    lines = []
    for line in cls.__doc__.splitlines():
        block = BLOCKS.get(line.strip())
        indent = line[: len(line) - len(line.lstrip())]
        lines += [line] if block is None else [indent + row for row in block.splitlines()]
    cls.__doc__ = "\n".join(row.rstrip() for row in lines)
    return cls
