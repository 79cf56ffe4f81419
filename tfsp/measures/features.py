"""Features for comparing images, each with a name that says what it is."""

import collections
import dataclasses
import hashlib
from collections.abc import Callable

import keras
import numpy as np

from tfsp import arguments
from tfsp.measures.proportions import Labeller
from tfsp.random import check_seed, generator, short_seed

_CACHE = collections.OrderedDict()
_CACHED = 4  # classifiers kept
_BATCH = 500
_CLASSIFIER = "stride-2 convolutions 32-64, dense 64"
_CLASSIFIER_FLAT = "dense 128-64"


@dataclasses.dataclass(frozen=True, eq=False)
class FeatureMap:
    """A function of images with a name.

    Attributes:
      name: short, a word that results are named by, such as "classifier".
      function: float32 `[b, ...]` -> `[b, num_features]`.
      num_features: how many.
      description: what the features are, in full: network, data, accuracy.
      resize: what `function` does to the images' size, "none" if nothing.

    Raises:
      ValueError: without a name or a description.
    """

    name: str
    function: Callable
    num_features: int
    description: str
    resize: str = "none"

    def __post_init__(self):
        for field in ("name", "description"):
            text = getattr(self, field)
            if not isinstance(text, str) or not text.strip():
                raise ValueError(
                    f"Features need a {field}: distances in unnamed features cannot be compared. "
                    f"Received: {text!r}."
                )
        if not self.name.isidentifier():
            raise ValueError(f"`name` must be one word. Received: {self.name!r}.")

    def __call__(self, images):
        """Features of `[n, ...]`, `[n, num_features]`, computed in parts.

        Raises:
          ValueError: if there are no images.
        """
        images = np.asarray(images, np.float32)
        if not images.ndim or not len(images):
            raise ValueError(
                f"`images` must be [n, ...] with n >= 1. Received: shape {images.shape}."
            )
        parts = [
            np.asarray(self.function(images[i : i + _BATCH])) for i in range(0, len(images), _BATCH)
        ]
        return np.concatenate(parts)


def classifier_features(
    images, labels, test_images=None, test_labels=None, data="the same data", epochs=8, seed=0
):
    """The last hidden layer of a small classifier, trained here on labelled data.

    For images two convolutions (3x3, stride 2; 32 and 64 channels), for flat data one dense layer
    of 128, then a dense layer of 64, whose rectified values are the features, and one output for
    each class (or each attribute). Adam, learning rate 1e-3, batches of 100. A classifier that
    was trained on the same arrays in this process before is taken from memory.

    Args:
      images: float32 `[n, H, W, C]` or `[n, D]`.
      labels: integers `[n]`, or attributes 0 and 1 `[n, k]`.
      test_images, test_labels: for the accuracy that the description states; None leaves it out.
      data: what the images are, for the description.
      epochs: passes over the images.
      seed: of weights and order.

    Returns:
      `FeatureMap` named "classifier".

    Raises:
      ValueError: for shapes that do not fit, or labels of a single class.
    """
    _, encode, description = _classifier(
        images, labels, test_images, test_labels, data, epochs, seed
    )
    return FeatureMap(
        "classifier",
        lambda x: encode(x, training=False),
        64,
        f"last hidden layer of {description}",
    )


def classifier_labeller(
    images, labels, test_images=None, test_labels=None, data="the same data", epochs=8, seed=0
):
    """The classifier of `classifier_features` itself, a `Labeller`.

    Args:
      images: float32 `[n, H, W, C]` or `[n, D]`.
      labels: integers `[n]`.
      test_images, test_labels, data, epochs, seed: as in `classifier_features`.

    Returns:
      `Labeller`.

    Raises:
      ValueError: as `classifier_features`.
    """
    if np.ndim(labels) != 1:
        raise ValueError(
            f"`labels` must be integers [n], one class each. Received: shape {np.shape(labels)}."
        )
    network, _, description = _classifier(
        images, labels, test_images, test_labels, data, epochs, seed
    )

    def probabilities(x):
        logits = network.predict(np.asarray(x, np.float32), batch_size=_BATCH, verbose=0)
        odds = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
        return odds / odds.sum(axis=1, keepdims=True)

    return Labeller(np.unique(labels), probabilities, description)


def _classifier(images, labels, test_images, test_labels, data, epochs, seed):
    """(network, its part up to the features, description), trained or from memory."""
    images, labels = np.asarray(images, np.float32), np.asarray(labels)
    epochs = arguments.integer("epochs", epochs)
    _check(images, labels)
    key = (_digest(images, labels), epochs, int(seed))
    if key not in _CACHE:
        _CACHE[key] = _train(images, labels, epochs, seed)
    _CACHE.move_to_end(key)
    while len(_CACHE) > _CACHED:
        _CACHE.popitem(last=False)
    network, encode = _CACHE[key]
    accuracy = ""
    if test_images is not None:
        accuracy = f", test accuracy {_accuracy(network, test_images, test_labels, labels):.4f}"
    layers = _CLASSIFIER if images.ndim == 4 else _CLASSIFIER_FLAT
    description = (
        f"a classifier ({layers}) trained for {epochs} epochs on {len(images)} examples of "
        f"{data}{accuracy}"
    )
    return network, encode, description


def _check(images, labels):
    if images.ndim not in (2, 4):
        raise ValueError(
            f"`images` must be [n, H, W, C] or [n, D]. Received: shape {images.shape}."
        )
    if labels.ndim not in (1, 2) or len(labels) != len(images) or labels.dtype.kind not in "iub":
        raise ValueError(
            f"`labels` must be integers [{len(images)}], or attributes [{len(images)}, k]. "
            f"Received: shape {labels.shape}, dtype {labels.dtype}."
        )
    if labels.ndim == 1 and len(np.unique(labels)) < 2:
        raise ValueError("A classifier needs at least two classes. Received: one.")
    if labels.ndim == 2 and not np.isin(labels, (0, 1)).all():
        raise ValueError("Attributes must be 0 or 1.")


def _digest(images, labels):
    state = hashlib.sha256(repr((images.shape, labels.shape)).encode())
    for array in (images, labels):
        state.update(np.ascontiguousarray(array).data)
    return state.hexdigest()


def _train(images, labels, epochs, seed):
    """(network, its part up to the features)."""
    # In float32 whatever Keras's policy is: features must not depend on the precision of a model.
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        return _train_in_policy(images, labels, epochs, seed)
    finally:
        keras.config.set_dtype_policy(policy)


def _train_in_policy(images, labels, epochs, seed):
    seeds = (short_seed(10 * check_seed(seed), i) for i in range(10))

    def init():
        return keras.initializers.GlorotUniform(next(seeds))

    inputs = keras.Input(images.shape[1:], dtype="float32")
    hidden = inputs
    if images.ndim == 4:
        for width in (32, 64):
            layer = keras.layers.Conv2D(
                width, 3, 2, "same", activation="relu", kernel_initializer=init()
            )
            hidden = layer(hidden)
        hidden = keras.layers.Flatten()(hidden)
    else:
        hidden = keras.layers.Dense(128, activation="relu", kernel_initializer=init())(hidden)
    hidden = keras.layers.Dense(64, activation="relu", kernel_initializer=init())(hidden)
    if labels.ndim == 1:
        classes, targets = np.unique(labels, return_inverse=True)
        count, loss = len(classes), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    else:
        targets = labels.astype(np.float32)
        count, loss = labels.shape[1], keras.losses.BinaryCrossentropy(from_logits=True)
    outputs = keras.layers.Dense(count, kernel_initializer=init())(hidden)
    network = keras.Model(inputs, outputs)
    # Without XLA: its compilation takes longer than the training of so small a network.
    network.compile(keras.optimizers.Adam(1e-3), loss, jit_compile=False)
    rng = generator(seed)
    for _ in range(epochs):
        order = rng.permutation(len(images))
        network.fit(images[order], targets[order], batch_size=100, shuffle=False, verbose=0)
    return network, keras.Model(inputs, hidden)


def _accuracy(network, images, labels, train_labels):
    outputs = network.predict(np.asarray(images, np.float32), batch_size=_BATCH, verbose=0)
    labels = np.asarray(labels)
    if labels.ndim == 1:
        return float(np.mean(np.unique(train_labels)[outputs.argmax(axis=1)] == labels))
    return float(np.mean((outputs > 0) == labels))
