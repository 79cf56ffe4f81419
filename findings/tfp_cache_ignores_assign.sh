#!/usr/bin/env bash
# A TFP bijector gives what it gave before a variable's `assign` for an input that it has seen.
#
# Versions: tensorflow-probability 0.25.0, tensorflow 2.21.0, tf-keras 2.21.0, Python 3.11,
# Linux x86-64, 2026-11-28.
#
# Behaviour: bijectors keep variables and read them at each call. But results are cached with the
# input tensor: asked again for the same tensor (the object, not its value) while the first result
# is alive, `forward` and `forward_log_det_jacobian` return the old numbers, and under a second tape
# their gradients are None. Eager loops over one fixed batch of data are concerned.
#
# Seen:
#   forward: before 1.5419, after 1.5419, right 2.2332; gradient None
#   log det: before -0.6210, after -0.6210, right -0.6444; gradient None
#
# What minds it: `tf.identity(x)` at each use, or a `tf.function`, in which each trace has its own.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q tensorflow==2.21.0 tf-keras==2.21.0 tensorflow-probability==0.25.0
cd "$folder"
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

softness = tf.Variable(2.0)
bijector = tfp.bijectors.Softplus(hinge_softness=softness)
x = tf.constant(0.3)
for name, method in (
    ("forward", bijector.forward),
    ("log det", bijector.forward_log_det_jacobian),
):
    softness.assign(2.0)
    before = method(x)
    softness.assign(3.0)
    with tf.GradientTape() as tape:
        after = method(x)
    slope = tape.gradient(after, softness)
    right = method(tf.identity(x))
    print(f"{name}: before {before:.4f}, after {after:.4f}, right {right:.4f}; gradient {slope}")
    assert after == before and not np.isclose(after, right) and slope is None
PYTHON
