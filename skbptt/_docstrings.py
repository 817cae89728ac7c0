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
    Units of each stacked recurrent layer.

cell : {"gru", "lem", "lstm", "rnn"} or Cell instance, default="gru"
    The recurrence: gated recurrent unit, long expressive memory, long short-term memory,
    or Elman's simple recurrent network. The cells of :mod:`skbptt.cells` have parameters of
    their own. A :class:`~skbptt.cells.Cell` of your own works as well.

activation : {"tanh", "relu", "logistic", "identity"}, default="tanh"
    Hidden activation with ``cell="rnn"``. The gated cells keep theirs and refuse another.

bidirectional : bool, default=False
    Whether each layer also reads the sequences from their ends; the layer above gets the
    states of both directions side by side. With ``return_sequences=True`` each output
    then depends on the steps to come.

readout : {"concat", "last", "mean", "max"}, default="concat"
    How the states of one sequence become one vector: the last state (of the backward
    direction that at the first step), the mean or maximum of each unit over the steps,
    or all three side by side [5]_. Padding never counts. Not used with
    ``return_sequences=True``.

return_sequences : bool, default=False
    Whether there is a target for every time step, instead of one a sequence.

dropout : float in [0, 1), default=0.0
    Share of units dropped between layers, before the output and in the vectors of
    categories, with one mask per sequence [6]_. Needs "adam" or "sgd".

categorical_features : "from_dtype", array-like or None, default="from_dtype"
    Which features are categorical: each category has a learned vector that takes the place
    of the feature. "from_dtype" are the columns of data frames whose dtype is "category" in
    pandas, or Categorical or Enum in polars. An array-like holds indices, names of columns,
    or a boolean mask. None for no feature. Sequences of tokens are always categorical. The
    feature of a 2-D X has the index 0.

embedding_dim : int, array-like of int or "auto", default="auto"
    Length of the vectors, for all or for each of the categorical features. "auto" is half
    the number of categories, at most 64.

initial_state : {"zeros", "learned"}, default="zeros"
    States of the recurrent layers before the first step: zeros, or parameters that are
    learned, one vector for each layer, direction and state of the cell.
"""

TRAINING_PARAMETERS = """\
solver : {"adam", "sgd", "lbfgs", "cg", "newton-cg", "trust-ncg", "trust-krylov", \
        "hessian-free", "adam+lbfgs"}, default="adam"
    Which suits what is measured in :doc:`/solvers`.

    - "adam" and "sgd" descend by mini-batches.
    - "lbfgs" and "cg", and with exact products with the Hessian "newton-cg", "trust-ncg"
      and "trust-krylov", are the full-batch methods of :func:`scipy.optimize.minimize`,
      for small data and high precision. They get furthest where the objective is smooth,
      with the readouts "last" and "mean".
    - "hessian-free" takes truncated Newton steps with the Gauss-Newton matrix and
      structural damping on large batches [11]_ [12]_, for long memories.
    - "adam+lbfgs" begins with "adam", for ``max_iter`` epochs, and finishes with "lbfgs",
      for as many iterations [13]_.

alpha : float or "auto", default="auto"
    Strength of the L2 penalty on weight matrices: alpha / 2 times their squared norm is
    added to the weighted sum of losses. The vectors of categories have no penalty. It does
    not depend on the batch size, nor on the units of the targets. "auto" is 0.01 for a
    classifier or transcriber, and for a regressor 1.2, or 0.1 with
    ``return_sequences=True``: strong enough for noisy series. It is twenty times as large
    for the losses "gaussian", "student_t" and "negative_binomial". Choose a smaller one for
    targets without noise.

max_grad_norm : float or None, default=1.0
    Clip the norm of the whole gradient to this value [7]_. Only used by "adam" and "sgd".

truncation : int, (int, int) or None, default=None
    Truncated backpropagation through time [8]_: with (k1, k2), every k1 steps the
    gradient of the last k1 steps flows back k2 steps through the recurrence, k2 >= k1; an
    int k means (k, k). Windows are counted from the first step that a layer and direction
    reads, so that the last one may be shorter: with ``readout="last"``, a sequence of 21
    steps and k = 20, the gradient goes back one step only, where (1, 20) goes back 20.
    None for the exact gradient. Needs "adam" or "sgd".

n_jobs : int or None, default=None
    Threads that share the work on a batch, and on sequences to predict. The result is the
    same to the bit for every number: a batch is cut into parts that do not depend on it,
    and their gradients are summed in order. So threads help with wide networks and large
    batches; a small batch is one part. None means 1 unless in a
    :func:`joblib.parallel_config` context, and -1 all processors; in a worker of joblib,
    as in a grid search with ``n_jobs``, it is always 1.

batch_size : int or "auto", default="auto"
    The largest number of sequences in a mini-batch; the batches of an epoch have similar
    sizes. "auto" is 32, but small enough for five batches per epoch, or twenty with
    ``return_sequences=True``; in ``partial_fit`` it is 32. "hessian-free" takes its
    gradient from that many sequences, "auto" is 1000, and the curvature from a fifth of
    them, but from 200 where there are as many. Not for full-batch solvers.

learning_rate : {"auto", "one_cycle", "constant", "invscaling", "adaptive"}, \
        default="auto"
    Schedule of the learning rate, for stochastic solvers.

    - "auto" is "one_cycle" in ``fit`` and "constant" in ``partial_fit``, since the length
      of a stream is not known.
    - "one_cycle" rises linearly over the first tenth of the ``max_iter`` epochs, and then
      falls to zero along half a cosine [9]_. In ``partial_fit``, ``max_iter`` calls are one
      cycle, after which the next begins. With ``early_stopping`` the length of the cycle
      follows the validation data: the rate rises for at most ten epochs, stays at its peak
      until ``n_iter_no_change`` epochs have brought no improvement, at most until half of
      ``max_iter``, and then falls over as many epochs as came before.
    - "constant" is ``learning_rate_init``.
    - "invscaling" is ``learning_rate_init / (t + 1) ** power_t`` after t sequences.
    - "adaptive" is divided by 5 each time ``n_iter_no_change`` epochs in a row fail to
      improve by ``tol``, and training ends below 1e-6.

learning_rate_init : float, default=0.01
    The learning rate to start from, or the peak of the cycle.

power_t : float, default=0.5
    Exponent of "invscaling".

max_iter : int, default=100
    Epochs (passes over the data) of "adam" and "sgd", iterations of the others, and of
    each of the two phases of "adam+lbfgs".

shuffle : bool, default=True
    Whether to shuffle the sequences in each epoch. Then equal sequences are merged, their
    weights added, and the result does not depend on the order of the data. With False,
    stochastic solvers take the sequences in the given order.

random_state : int, RandomState instance or None, default=None
    Determines the starting weights, batches, dropout and validation split. Pass an int
    for the same result at every call.

tol : float, default=1e-4
    An iteration that improves the loss (or the validation score) by less counts as no
    improvement. All solvers but "adam" and "sgd" stop where no entry of the gradient is
    larger ("hessian-free" if a batch holds all data), or where the objective no longer
    decreases. Losses and gradients of a regressor are measured in units of the spread of
    its targets here.

verbose : bool or int, default=False
    True prints the loss of every iteration. An integer k prints every k-th iteration, and
    ``fit`` also prints the last.

warm_start : bool, default=False
    Whether ``fit`` resumes from the last call: its weights, optimiser state, learning
    rate, random stream and curves. "one_cycle" begins a new cycle, the solvers of scipy
    a new search, and with ``early_stopping`` it resumes from the best weights. What counts
    as an improvement starts anew where the data are others. A classifier needs the same
    classes in y as in the first call; ``partial_fit`` takes data that lack some of them.

frozen : array-like of str or None, default=None
    Names of ``weights_`` that training does not change, or patterns of them, such as
    "layers.0.*". In a first ``fit`` they keep their starting values. If other weights were
    frozen in the last call, the optimiser starts anew.

momentum : float in [0, 1), default=0.9
    Momentum. Only used by "sgd".

nesterovs_momentum : bool, default=True
    Whether momentum is Nesterov's. Only used by "sgd".

early_stopping : bool, default=False
    Whether to watch ``scoring`` on validation data: the X_val and y_val given to ``fit``,
    or a ``validation_fraction`` of the sequences, held back. Training stops when it has not
    improved for ``n_iter_no_change`` iterations, with "one_cycle" after the rate has
    fallen, and keeps the best weights, of equals the latest. Works with every solver.

scoring : str, callable or None, default="loss"
    What ``early_stopping`` watches: the loss (without the penalty), a scorer of
    scikit-learn by name or as a callable of (estimator, X, y), or with None the method
    ``score``. With ``return_sequences=True`` the scorer of that name is applied to all
    steps. A callable receives ``sample_weight`` where there are weights.

validation_fraction : float in (0, 1), default=0.1
    Share of sequences held back by ``early_stopping``. Not used with X_val. Labels are
    stratified. Windows of the same series, which share steps, are held back from the end of
    the series; with ``return_sequences=True``, windows that overlap those are left out.

beta_1 : float in [0, 1), default=0.9
    Decay of the estimated mean of the gradient. Only used by "adam" [10]_.

beta_2 : float in [0, 1), default=0.999
    Decay of the estimated mean of its square. Only used by "adam".

epsilon : float, default=1e-8
    Added to the denominator of "adam".

n_iter_no_change : int or inf, default=10
    Stop after more than this number of consecutive iterations without improvement.

max_fun : int, default=15000
    Maximum number of evaluations of the objective and its gradient, for the solvers of
    scipy.
"""

ATTRIBUTES = """\
n_features_in_ : int
    Features of a time step; for 2-D X, its columns.

feature_names_in_ : ndarray of shape (`n_features_in_`,)
    Names of the columns, if X was a data frame, or a list of them, with string names.

is_categorical_ : ndarray of shape (n_features,) of bool, or None
    Which features are categorical; None if there are none.

categories_ : list of ndarray
    Categories of each categorical feature, sorted, in the order of the rows of its weights.
    NaN is last if values are missing.

n_outputs_ : int
    Units of the output layer. In a regressor there are several for each target with the
    losses "gaussian" (2), "student_t" (3), "negative_binomial" (2) and several quantiles
    (one each): first the first of all targets, then the second of all, and so on.

n_layers_ : int
    Number of layers, input and output included.

out_activation_ : str
    Activation of the output layer; of its first units where a target has several.

n_iter_ : int
    Number of iterations, in total over calls that resume training.

t_ : int
    Sequences seen by the stochastic solver, equal ones counted once.

loss_ : float
    Objective in the last iteration.

solver_result_ : dict or None
    What the last search of scipy came to: "success", "message", numbers of iterations
    "nit", evaluations "nfev" and products with the Hessian "nhev", objective "fun" and
    largest entry of the gradient "max_gradient". None for the other solvers.

best_loss_ : float or None
    The least loss; None with ``early_stopping``.

loss_curve_ : list of float
    Objective in each iteration, for every solver: the mean over the batches of an epoch,
    or the value at the iterate.

grad_norm_curve_ : list of float
    Euclidean norm of the gradient in each iteration, before it is clipped, for targets in
    units of their spread: the mean over
    the batches of an epoch, the norm at the iterate of a solver of scipy, or that at which
    a step of "hessian-free" begins.

learning_rate_curve_ : list of float
    Learning rate in each iteration, the mean over the batches of an epoch; NaN in the
    iterations of a solver that has none.

validation_loss_curve_, validation_scores_ : list of float or None
    Mean loss on the validation data, and what ``scoring`` returned, minus the loss for
    "loss"; None without ``early_stopping``.

best_validation_score_ : float or None
    The best of the scores; None without ``early_stopping``.
"""

NOTES = """\
Gradients are exact, by backpropagation through time [1]_. X may be

- an array (n_sequences, n_steps, n_features), where trailing steps whose features are all
  NaN are padding;
- a list, tuple or object array of arrays (n_steps, n_features), whose number of steps may
  differ;
- an array (n_sequences, n_steps) of univariate sequences;
- a list, tuple or object array of 1-D integer arrays (n_steps,): sequences of tokens, as
  from :class:`~skbptt.preprocessing.TokenEncoder`.

A categorical feature may hold strings or numbers. Missing values (NaN, None) are a category
of their own. A category that ``fit`` has not met has the vector zero. ``partial_fit`` knows
the categories of its first call.

Other NaN are missing values, which are refused; fill them with a
:class:`~skbptt.preprocessing.SequenceImputer`. At the end of a sequence of a 3-D array
missing values look like padding: a warning reports padding if all sequences in ``fit`` were
equally long.

Sequences of unequal length cost the sum of their lengths. float32 is computed in float32,
everything else in float64; sequences of tokens in float32 if the ids have 32 bits or less.
Standardise the features of X, with ``TimeDistributed(StandardScaler())`` for example.

A regressor standardises its targets itself, by a location and a spread that suit the loss.
The output layer absorbs both, so predictions, weights and loss curves are in the units of
y, and a fit does not depend on these units. In the loss of several targets, the weight of
each is inverse to its squared spread (to its spread for the absolute error and quantiles,
to its mean for Poisson counts), and the log-likelihoods have equal weight. Negative
binomial counts are learned as they are. ``partial_fit`` takes location and spread from its
first call, if that has 30 targets or more, and otherwise learns the targets as they are.

The objective is

.. math:: \\frac{1}{\\sum_i w_i} \\Bigl( \\sum_i w_i\\, \\ell_i
          + \\frac{\\alpha}{2} \\lVert\\text{weight matrices}\\rVert^2 \\Bigr)

over all sequences, or all steps, i. The loss :math:`\\ell_i` is the mean over several
outputs of a regressor, and the sum over the labels of a multilabel classifier. With a
weight :math:`w_{ik}` for each of K outputs, :math:`w_i \\ell_i` is the mean, or the sum, of
:math:`w_{ik} \\ell_{ik}`, and :math:`w_i = \\frac{1}{K} \\sum_k w_{ik}`.

A sequence of weight 2 is the same as two equal sequences, to the last bit (with
``shuffle=False`` and a stochastic solver only on average). The output bias starts at the
best constant prediction: the mean, the median or quantiles, the most likely parameters, or
the logarithms of shares.
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
