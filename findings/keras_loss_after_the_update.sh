#!/usr/bin/env bash
# Date: 2026-11-28. Versions: keras 3.15.1, tensorflow 2.21.0 (CPU), numpy 2.4.6, Python 3.11.
#
# `train_on_batch` (and `fit`) can return the loss at the weights from AFTER the optimiser's update.
# The traced graph orders the read of a weight before its update by a control edge. TensorFlow's
# graph optimiser drops that edge where another path leads from the read to the update, and the sum
# of gradients over replicas in every Keras optimiser offers one: an IdentityN of all gradients,
# which the same optimiser takes apart later. A weight in which the loss is linear (its gradient
# does not need its value) and that the gradient of another weight needs is then read whenever a
# thread comes to it. Here the read waits for an operation that takes 0.1 s, so that it always comes
# late; elsewhere it happens in some steps of a thousand, and two equal runs differ.
#
# Output seen:
#   by hand, before the update 0.731059, after it 0.196612
#   train_on_batch             0.196612
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  tensorflow==2.21.0 keras==3.15.1 numpy==2.4.6
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - <<'PYTHON'
import time

import keras
import numpy as np
import tensorflow as tf


def nap():
    time.sleep(0.1)
    return np.float32(0.0)


class Model(keras.Model):
    def __init__(self):
        super().__init__()
        self.u = self.add_weight(shape=(), initializer="ones", name="u")
        self.v = self.add_weight(shape=(), initializer="ones", name="v")

    def call(self, x):
        h = tf.sigmoid(x * tf.convert_to_tensor(self.u))
        before = tf.numpy_function(nap, [], tf.float32)
        with tf.control_dependencies([before]):
            v = tf.convert_to_tensor(self.v)
        return h * v


model = Model()
model.compile(keras.optimizers.SGD(1.0), loss=lambda y, p: p, jit_compile=False)
ones = np.ones((4, 1), "float32")
loss = float(model.train_on_batch(ones, ones))
h = 1.0 / (1.0 + np.exp(-1.0))  # v moves from 1 to 1 - h
print(f"by hand, before the update {h:.6f}, after it {h * (1.0 - h):.6f}")
print(f"train_on_batch             {loss:.6f}")
assert abs(loss - h * (1.0 - h)) < 1e-5, "the loss is that of the weights before the update"
PYTHON
