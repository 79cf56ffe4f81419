"""Which layers of a model are held in 8 bits, and how a saved model comes by them again."""

import keras


def can_be_quantised(layer):
    """Whether Keras knows how to quantise a layer; of subclasses of its own layers it does not."""
    own = type(layer).__module__.partition(".")[0] == "keras"
    return own and type(layer).quantize is not keras.layers.Layer.quantize


def quantised_layers(model):
    """How each quantised layer of a model is: a list of (place among all layers, config)."""
    return [
        (place, keras.saving.serialize_keras_object(layer.quantization_config))
        for place, layer in enumerate(_layers(model))
        if layer.quantization_mode is not None
    ]


def restore(model, quantised):
    """Quantises the layers of a built model as `quantised_layers` says of another like it.

    The networks of a model are made from their names when it is built, in whole numbers: without
    this, weights of 8 bits would not find their places. Networks that were given as Keras models
    say of themselves that they are quantised.
    """
    layers = _layers(model)
    for place, config in quantised:
        if layers[place].quantization_mode is None:
            layers[place].quantize(config=keras.saving.deserialize_keras_object(config))


def _layers(model):
    # Keras's own `quantize` goes through the layers in this order.
    return list(model._flatten_layers(include_self=False))
