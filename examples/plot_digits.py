"""
Digits read row by row
======================

An image of a handwritten digit is a sequence as well: 8 rows from the top to the bottom, each of
8 pixels. A net of one direction reads them in this order, and can be asked after each row what
it takes the digit for. It is trained on whole images only.
"""

# %%
# The images of scikit-learn, 8 by 8 pixels: a dense array of 1797 sequences of 8 steps and 8
# features.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skbptt import RNNClassifier

X, y = load_digits(return_X_y=True)
X = X.reshape(-1, 8, 8) / 16
X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=500, stratify=y, random_state=0
)
model = RNNClassifier(64, max_iter=30, random_state=0).fit(X_train, y_train)
print(f"Test accuracy: {model.score(X_test, y_test):.3f}")
