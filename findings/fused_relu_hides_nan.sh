#!/usr/bin/env bash
# A Keras network whose first layer is Dense or Conv2D with "relu" hides NaN on a CPU.
#
# Versions: tensorflow 2.21.0, keras 3.15.1, numpy 2.4.6, Python 3.11, Linux x86-64, 2026-11-28.
#
# Behaviour: TensorFlow's graph optimizer joins MatMul + bias + ReLU (and Conv2D + bias + ReLU) into
# one kernel, and that kernel returns 0 where the sum is NaN. So the same model gives NaN when it
# is called, and plausible finite numbers by `predict`, `evaluate` and `fit`, which run in a graph.
# In training the gradient does see the NaN: the kernel of the first layer becomes NaN, its units
# are 0 from then on, and the loss stays finite. A guard that watches the loss (TerminateOnNaN)
# never fires. With jit_compile=True the loss is NaN at once. Of the activations tried (elu, gelu,
# leaky_relu, sigmoid, softplus, tanh) ReLU alone is concerned.
#
# Seen:
#   Dense   called: nan, predicted: 0.0
#   Conv2D  called: nan, predicted: 0.0
#   fit, plain: loss finite True, first kernel NaN True, TerminateOnNaN stopped False
#   fit, XLA:   loss finite False, first kernel NaN True, TerminateOnNaN stopped True
#
# What minds it: check data before `predict` too, and look at weights, not at the loss alone.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  tensorflow==2.21.0 keras==3.15.1 numpy==2.4.6
cd "$folder"
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - <<'PYTHON'
import keras
import numpy as np

keras.utils.set_random_seed(0)


def first(name, layer, shape):
    model = keras.Sequential([keras.Input(shape), layer])
    x = np.full((1, *shape), np.nan, "float32")
    called, predicted = np.ravel(model(x))[0], np.ravel(model.predict(x, verbose=0))[0]
    print(f"{name:7} called: {called}, predicted: {predicted}")
    return np.isnan(called) and predicted == 0


def fit(name, jit_compile):
    x = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
    y = x.sum(1, keepdims=True)
    x[::4] = np.nan
    layers = [keras.Input((4,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(1)]
    model = keras.Sequential(layers)
    model.compile("sgd", "mse", jit_compile=jit_compile)
    guard = keras.callbacks.TerminateOnNaN()
    losses = model.fit(x, y, epochs=3, verbose=0, callbacks=[guard]).history["loss"]
    finite = bool(np.isfinite(losses).all())
    broken = bool(np.isnan(model.weights[0].numpy()).any())
    stopped = bool(model.stop_training)
    print(f"{name} loss finite {finite}, first kernel NaN {broken}, TerminateOnNaN stopped {stopped}")
    return finite, broken, stopped


same = first("Dense", keras.layers.Dense(2, "relu"), (4,))
same &= first("Conv2D", keras.layers.Conv2D(2, 3, activation="relu"), (8, 8, 1))
same &= fit("fit, plain:", False) == (True, True, False)
same &= fit("fit, XLA:  ", True) == (False, True, True)
raise SystemExit(0 if same else "the behaviour has changed")
PYTHON
