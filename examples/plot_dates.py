"""
Dates in many notations
=======================

People write dates in many ways: "3rd March 1998", "Tue, 03 Mar 98", "03.03.1998". A
translator learns from examples to write all of them as ``1998-03-03``. It reads and writes
characters, and no rule is programmed.
"""

# %%
# The examples are random dates in 18 notations: names of months in full and in short,
# ordinal numbers, names of days, years of two digits. A slash means that the month comes
# first, and a dot that the day does.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.pipeline import make_pipeline

from skbptt import RNNTranslator
from skbptt.inspection import AttentionDisplay
from skbptt.preprocessing import TokenEncoder

NOTATIONS = (
    """
%d %B %Y|%B %d, %Y|%d %b %Y|%b %d, %Y|%d-%b-%y|%A, %d %B %Y|%a %d %b %Y|%a, %b %d, %Y
the %o of %B %Y|%B %o, %Y|%A the %o of %B, %Y|%o %b %y|%d.%m.%Y|%d.%m.%y|%m/%d/%Y|%m/%d/%y
%Y, %B %d|%Y %b %d
""".strip()
    .replace("\n", "|")
    .split("|")
)

rng = np.random.default_rng(0)


def ordinal(day):
    """1st, 2nd, 3rd, 4th, ..."""
    ending = {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"{day}{'th' if 10 < day < 20 else ending}"


def write(date):
    """A date in one of the notations, which may be all in small or in large letters."""
    day = date.item().day
    notation = rng.choice(NOTATIONS).replace("%o", ordinal(day))
    if rng.random() < 0.5:  # without the zero of the day
        notation = notation.replace("%d", str(day))
    return rng.choice([str, str.lower, str.upper])(date.item().strftime(notation))


days = rng.permutation(np.arange("1950-01-01", "2050-01-01", dtype="datetime64[D]"))[:4000]
X, y = np.array([write(day) for day in days]), np.datetime_as_string(days)
X_train, y_train, X_test, y_test = X[:3000], y[:3000], X[3000:], y[3000:]
for text, iso in zip(X_train[:6], y_train):
    print(f"{text:35} {iso}")

# %%
# ``TokenEncoder`` splits the inputs into characters, and ``target_tokenizer`` splits the
# outputs. The encoder reads in both directions. At each character of the output, the
# decoder attends to the relevant parts of the input.

model = make_pipeline(
    TokenEncoder(analyzer="char"),
    RNNTranslator(
        64,
        bidirectional=True,
        target_tokenizer="char",
        max_iter=10,
        random_state=0,
    ),
)
model.fit(X_train, y_train)

# %%
# No date of the test was in the training data, in any notation.

predicted = model.predict(X_test)
print(f"{np.mean(predicted == y_test):.1%} of {len(X_test)} new dates are right:\n")
for text, iso in zip(X_test[:5], predicted):
    print(f"{text:35} {iso}")

# %%
# Misspelled months, notations that do not occur in the training data, and years outside
# their range are harder. Some are read correctly, and some are not.

hard = {
    "3 Febuary 1999": "1999-02-03",
    "the 21st of Septembre, 1984": "1984-09-21",
    "4th March of 2011": "2011-03-04",
    "Sunday July 4 1976": "1976-07-04",
    "17 Aug. 2021": "2021-08-17",
    "on 9 May 1960": "1960-05-09",
    "2003-12-24": "2003-12-24",
    "5. Dezember 1991": "1991-12-05",
    "14 July 1889": "1889-07-14",
}
for (text, iso), its in zip(hard.items(), model.predict(list(hard))):
    print(f"{text:35} {its}  {'right' if its == iso else 'wrong, ' + iso}")

# %%
# The weights of attention show where each character of the output comes from: the digits
# of the year from those of the input, the month from the letters of its name.

encoder, translator = model
text = "Saturday the 3rd of March, 2018"
display = AttentionDisplay.from_estimator(
    translator,
    encoder.transform([text])[0],
    token_names=encoder.get_feature_names_out(),
    name=f"{text}: {model.predict([text])[0]}",
)
plt.show()
