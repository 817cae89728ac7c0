"""What stored models are made of."""

#: Types that skops is to trust, to load what is stored of this package. Besides them a
#: model holds plain numbers, strings, lists, dicts, arrays and a RandomState only.
TRUSTED_TYPES = (
    "skbptt.RNNClassifier",
    "skbptt.RNNRegressor",
    "skbptt.RNNTranscriber",
    "skbptt.RNNTranslator",
    "skbptt.cells.ElmanCell",
    "skbptt.cells.GRUCell",
    "skbptt.cells.LEMCell",
    "skbptt.cells.LSTMCell",
    "skbptt.metrics.StepScorer",
    "skbptt.preprocessing.SequenceAugmenter",
    "skbptt.preprocessing.SequenceDifferences",
    "skbptt.preprocessing.SequenceFlattener",
    "skbptt.preprocessing.SequenceFrames",
    "skbptt.preprocessing.SequenceImputer",
    "skbptt.preprocessing.SequenceUnflattener",
    "skbptt.preprocessing.TimeDistributed",
    "skbptt.preprocessing.TokenEncoder",
    # The names in models that earlier versions stored.
    "skbptt._classifier.RNNClassifier",
    "skbptt._regressor.RNNRegressor",
    "skbptt.cells._elman.ElmanCell",
    "skbptt.cells._gru.GRUCell",
    "skbptt.cells._lstm.LSTMCell",
    "skbptt.preprocessing._flatten.SequenceFlattener",
    "skbptt.preprocessing._flatten.SequenceUnflattener",
    "skbptt.preprocessing._impute.SequenceImputer",
    "skbptt.preprocessing._time_distributed.TimeDistributed",
)
