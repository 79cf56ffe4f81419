#!/usr/bin/env bash
# Keras 3 drops `sample_weight` without a word when `fit` is called without targets.
#
# Versions: keras 3.15.1, tensorflow 2.21.0, numpy 2.4.6, Python 3.11, 2026-11-28.
#
# Behaviour: a model that brings its own loss (a VAE, say) is fitted by `fit(x)`. With
# `fit(x, sample_weight=w)` its `compute_loss` receives sample_weight=None: arrays are packed as
# (x, y, w) only if there is a y, and the weights go with the missing y. No warning; the weighted
# fit is bit for bit the unweighted one. `evaluate` does the same. A dataset of (x, None, w) is
# refused (None is no tensor), so the one public way to weigh is to pass any y along.
# `class_weight` without y ends in "IndexError: tuple index out of range".
#
# Seen:
#   fit(x, sample_weight=w):    compute_loss got None
#   evaluate(x, sample_weight): compute_loss got None
#   fit(x, y, sample_weight=w): compute_loss got weights [0. 1. 2. 3.]
#   fit(x, class_weight=...):   IndexError
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  keras==3.15.1 tensorflow==2.21.0 numpy==2.4.6
cd "$folder"
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - <<'PYTHON'
import keras
import numpy as np


class OwnLoss(keras.Model):
    received = "nothing yet"

    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(1)

    def call(self, x):
        return self.dense(x)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        self.received = None if sample_weight is None else f"weights {np.array(sample_weight)}"
        return keras.ops.mean(y_pred**2)


x, weights = np.ones((4, 2), "float32"), np.arange(4.0)
options = {"batch_size": 4, "verbose": 0}
model = OwnLoss()
model.compile("sgd", run_eagerly=True)
model.fit(x, sample_weight=weights, **options)
fit = model.received
print("fit(x, sample_weight=w):    compute_loss got", fit)
model.evaluate(x, sample_weight=weights, **options)
evaluate = model.received
print("evaluate(x, sample_weight): compute_loss got", evaluate)
model.fit(x, np.zeros(4), sample_weight=weights, shuffle=False, **options)
with_targets = model.received
print("fit(x, y, sample_weight=w): compute_loss got", with_targets)
try:
    model.fit(x, class_weight={0: 1.0}, **options)
    error = "no error"
except Exception as caught:
    error = type(caught).__name__
print("fit(x, class_weight=...):  ", error)
seen = (fit, evaluate, with_targets, error)
same = seen == (None, None, "weights [0. 1. 2. 3.]", "IndexError")
raise SystemExit(0 if same else "the behaviour has changed")
PYTHON
