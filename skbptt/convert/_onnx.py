"""A fitted network as a model of ONNX."""

from sklearn.pipeline import Pipeline

from ..estimators import RNNClassifier, RNNRegressor, RNNTranscriber, RNNTranslator
from ._description import describe
from ._onnx_model import model_of, translator_models
from ._optional import needed

KNOWN = RNNClassifier, RNNRegressor, RNNTranscriber, RNNTranslator


def to_onnx(estimator, *, stream=False):
    """Convert a fitted estimator to an ONNX model of standard operators in float32.

    Parameters
    ----------
    estimator : RNNClassifier, RNNRegressor, RNNTranscriber, RNNTranslator or Pipeline
        A fitted estimator, or a pipeline that ends with a classifier or regressor. The
        transformers of a pipeline are those that skl2onnx can convert, within
        :class:`~skbptt.preprocessing.TimeDistributed`.
    stream : bool, default=False
        Whether the model reads one step of each sequence, with the states as inputs and
        outputs. This needs an estimator with ``bidirectional=False``.

    Returns
    -------
    model : onnx.ModelProto, or two of them for a translator
        Its inputs:

        - "X" of shape (n, n_steps, n_features), sequences padded with any values to
          one length. For an estimator that was fitted to a 2-D array or to tokens (int64),
          of shape (n, n_steps). With categorical features, it holds only the other
          features, and each categorical feature is an input with its name, of shape (n,
          n_steps), of strings or floats. The missing category is "" or NaN.
        - "lengths" (int64) of shape (n,), the number of steps of each sequence.

        Its outputs are those of skl2onnx: "label" and "probabilities" of a classifier,
        and "variable" of a regressor, of shape (n, n_outputs). With step targets they have
        an axis of steps after the first, and are meaningless where X is padding. A
        transcriber has only "probabilities", at each step: those of ``classes_``, and
        then of the blank. The best path is their argmax, without repetitions and blanks.

        With ``stream=True`` the inputs have no axis of steps, there are no lengths, and
        there is an input for each name in :attr:`Stream.state <skbptt.Stream.state>`, whose
        next value is the output with "_next" after this name.

        A translator becomes a named tuple of two models:

        - ``encoder`` has the inputs above. Its outputs are "encoder_states" of shape
          (n, n_steps, n_units), and the first states of the layers of the decoder, such as
          "layers.0.forward.h".
        - ``decoder`` is one step. Its inputs are "label" (int64) of shape (n,), which is
          the position in ``classes_`` of the label before, or ``len(classes_)`` at the
          start; then "encoder_states", "lengths" and the states. Its outputs are
          "log_probabilities" of shape (n, n_classes + 1), those of ``classes_`` and then of
          the end; and the next states, with "_next" after their names.

        With ``attention=None`` the encoder has no output "encoder_states", and the decoder
        no inputs "encoder_states" and "lengths". The user guide (Into production) shows a
        loop that predicts.

    Raises
    ------
    ImportError
        If onnx, or skl2onnx for a pipeline, is not installed.
    TypeError
        If the estimator or its cell cannot be expressed.
    ValueError
        If ``stream=True``, and the network reads sequences in both directions or is a
        translator; or if a categorical feature has the name of another input.

    Examples
    --------
    >>> import numpy as np
    >>> import onnxruntime
    >>> from skbptt import RNNRegressor
    >>> from skbptt.convert import to_onnx
    >>> X = np.random.default_rng(0).normal(size=(50, 8, 3)).astype(np.float32)
    >>> model = RNNRegressor(4, max_iter=5, random_state=0).fit(X, X[:, :, 0].sum(axis=1))
    >>> session = onnxruntime.InferenceSession(to_onnx(model).SerializeToString())
    >>> (y,) = session.run(None, {"X": X, "lengths": np.full(50, 8)})
    >>> bool(np.allclose(y[:, 0], model.predict(X), atol=1e-5))
    True
    """
    if isinstance(estimator, Pipeline):
        if stream:
            raise ValueError(
                "stream=True needs an estimator, not a pipeline: export the last step, and "
                "transform each step before."
            )
        needed("skl2onnx", "to_onnx of a pipeline")
        from ._skl2onnx import pipeline_to_onnx

        return pipeline_to_onnx(estimator)
    onnx = needed("onnx", "to_onnx")
    net = describe(estimator, "to_onnx", KNOWN)
    if net.decoder is not None:
        if stream:
            raise ValueError(
                "stream=True is not for an RNNTranslator, which reads whole sequences. Its "
                "decoder is written step by step without it."
            )
        return translator_models(onnx, net)
    if stream and len(net.layers[0]) > 1:
        raise ValueError(
            "stream=True needs a network that reads sequences step by step. Got "
            "bidirectional=True."
        )
    return model_of(onnx, net, stream)


def register_skl2onnx():
    """Register converters with skl2onnx, for its conversion of pipelines and
    meta-estimators.

    :func:`to_onnx` of a pipeline needs no registration. Without an input "lengths" all
    sequences have as many steps as the array.

    Raises
    ------
    ImportError
        If skl2onnx is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> import skl2onnx
    >>> from skbptt import RNNRegressor
    >>> from skbptt.convert import register_skl2onnx
    >>> X = np.random.default_rng(0).normal(size=(50, 8, 3)).astype(np.float32)
    >>> model = RNNRegressor(4, max_iter=5, random_state=0).fit(X, X[:, :, 0].sum(axis=1))
    >>> register_skl2onnx()
    >>> [output.name for output in skl2onnx.to_onnx(model, X).graph.output]
    ['variable']
    """
    needed("skl2onnx", "register_skl2onnx")
    from ._skl2onnx import register

    register()
