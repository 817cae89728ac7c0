"""
Is a film review positive?
==========================

A text is a sequence of words. A recurrent network learns a vector for each word, reads the
words in their order, and is accurate where a bag of words is, although it starts without
any knowledge of English. Its gradient shows which words were decisive.
"""

# %%
# The reviews are sentences collected by Pang & Lee and rated by people for the sentiment
# analysis tool VADER (Hutto & Gilbert, 2014). The source distribution of the package
# vaderSentiment (MIT licence) contains them. A review is positive if its mean rating is.

import io
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.ensemble import VotingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from skbptt import RNNClassifier
from skbptt.inspection import saliency
from skbptt.preprocessing import TokenEncoder

with tempfile.TemporaryDirectory() as folder:
    download = "pip download -q --no-deps --no-binary :all: vaderSentiment==3.3.2 -d"
    subprocess.run([sys.executable, "-m", *download.split(), folder], check=True)
    (path,) = Path(folder).glob("*.tar.gz")
    inside = "vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz"
    with tarfile.open(path) as outer:
        data = io.BytesIO(outer.extractfile(inside).read())
with tarfile.open(fileobj=data) as inner:
    file = inner.extractfile("hutto_ICWSM_2014/movieReviewSnippets_GroundTruth.txt")
    lines = file.read().decode("latin-1").splitlines()

ratings, texts = zip(*(line.split("\t")[1:3] for line in lines))
y = np.where(np.array(ratings, float) > 0, "positive", "negative")
X_train, X_test, y_train, y_test = train_test_split(
    np.array(texts, object), y, test_size=2000, random_state=0
)
print(X_train[0])

# %% :class:`~skbptt.preprocessing.TokenEncoder` splits the texts and encodes the words as
# integers. Texts need few epochs, a low learning rate and much dropout, because most words
# are rare.

net = make_pipeline(
    TokenEncoder(min_frequency=2),
    RNNClassifier(
        32,
        bidirectional=True,
        dropout=0.6,
        learning_rate_init=0.005,
        max_iter=5,
        random_state=0,
    ),
)
bag = make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression(C=4))
vote = VotingClassifier([("net", net), ("bag", bag)], voting="soft")
vote.fit(X_train, y_train)
net, bag = vote.estimators_
right = np.unique(y_train)[net.predict(X_test)] == y_test
print(f"network                    {right.mean():.3f}")
right = np.unique(y_train)[bag.predict(X_test)] == y_test
print(f"words and pairs of words   {right.mean():.3f}")
print(f"average of both            {vote.score(X_test, y_test):.3f}")

# %%
# The saliency of a token is the derivative of the output with respect to a factor of its
# vector: to first order, the change of the log odds if the word were removed. Here it is
# counted towards "positive".

examples = [
    "A gripping story, and the acting is wonderful.",
    "The acting is wonderful, but the story is dull.",
    "Not funny, not even once.",
    "You will not be bored by this clever little film.",
]
encoder, classifier = net[0], net[-1]
ids = encoder.transform(examples)
toward = np.where(classifier.predict(ids) == 1, 1, -1)
probability = classifier.predict_proba(ids)[:, 1]

fig, axes = plt.subplots(4, 1, figsize=(8, 7.5), layout="constrained")
fig.get_layout_engine().set(hspace=0.12)
names = encoder.get_feature_names_out()
for ax, of_text, relevance, sign, p in zip(
    axes, ids, saliency(classifier, ids), toward, probability
):
    relevance = sign * relevance
    ax.bar(range(len(of_text)), relevance, color=np.where(relevance > 0, "C0", "C3"))
    ax.axhline(0, color="k", linewidth=0.8)
    ax.set_xticks(range(len(of_text)), names[of_text], fontsize=11)
    ax.set_title(f"Probability of a positive review: {p:.2f}", fontsize=11)
    ax.set_ylim(-1.15 * np.abs(relevance).max(), 1.15 * np.abs(relevance).max())
    ax.set_yticks([])
    ax.spines[["top", "right", "left", "bottom"]].set_visible(False)
fig.suptitle("Relevance of each word: blue for positive, red for negative")
plt.show()

# %%
# The last two sentences are wrong: negations are rare in 8600 reviews, and the network
# reads them with little weight.
#
# Each word as a review by itself: the words with the most extreme probabilities among those
# that occur at least 20 times.

words = encoder.get_feature_names_out()[1:]
counts = np.bincount(np.concatenate(encoder.transform(X_train)), minlength=len(words) + 1)
common = np.flatnonzero(counts[1:] >= 20) + 1
odds = classifier.decision_function([np.array([k]) for k in common])
order = np.argsort(odds)
chosen = np.r_[order[:14], order[-14:]]

fig, ax = plt.subplots(figsize=(8, 4), layout="constrained")
ax.bar(range(28), odds[chosen], color=np.where(odds[chosen] > 0, "C0", "C3"))
ax.set_xticks(range(28), encoder.get_feature_names_out()[common[chosen]], rotation=60)
for label in ax.get_xticklabels():
    label.set_ha("right")
ax.set(ylabel="Log odds of a positive review", title="Words read alone")
ax.axhline(0, color="k", linewidth=0.8)
plt.show()
