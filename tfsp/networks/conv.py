"""Convolutional pairs of the papers."""

import keras

from tfsp.networks.base import (
    NetworkPair,
    output_dense,
    output_dtype,
    register,
    require_image,
    sequential,
)


@register("loracs_conv")
class LoracsConv(NetworkPair):
    """The convolutional pair of LORACs (loracs.txt, Tables D.6 and D.7).

    Encoder: 3x3 convolutions 64 (stride 2), 32, 16 (stride 2), dense 512, all ReLU.
    Decoder: dense to H/4 x W/4 x `decoder_channels`, 3x3 transposed convolutions 32 (stride 2),
    32, and the outputs (stride 2). The tables give the last layer a ReLU, which would forbid
    probabilities below 1/2; it is linear here.

    Args:
      decoder_channels: channels after the decoder's dense layer: 64 in Table D.6 (28x28: 3136
        units), 16 in Table D.7 (64x64: 4096 units). None takes 64 for images up to 32 pixels
        wide and 16 for larger ones.

    Raises:
      ValueError: if height or width is not a multiple of 4.
    """

    def __init__(self, decoder_channels=None):
        self.decoder_channels = decoder_channels

    def _check(self, shape):
        require_image("loracs_conv", shape)
        if shape[0] % 4 or shape[1] % 4:
            raise ValueError(
                "The network 'loracs_conv' halves images twice, so height and width must be "
                f"multiples of 4. Received data of shape {tuple(shape)}: pad or resize it."
            )

    def encoder(self, data_shape, num_outputs):
        self._check(data_shape)

        def conv(filters, strides):
            return keras.layers.Conv2D(filters, 3, strides, padding="same", activation="relu")

        layers = [
            conv(64, 2),
            conv(32, 1),
            conv(16, 2),
            keras.layers.Flatten(),
            keras.layers.Dense(512, activation="relu"),
            output_dense(num_outputs),
        ]
        return sequential("encoder", data_shape, layers)

    def decoder(self, num_inputs, output_shape):
        self._check(output_shape)
        height, width, outputs = output_shape
        channels = self.decoder_channels or (64 if width <= 32 else 16)
        small = (height // 4, width // 4, channels)

        def deconv(filters, strides, **kwargs):
            return keras.layers.Conv2DTranspose(filters, 3, strides, padding="same", **kwargs)

        layers = [
            keras.layers.Dense(small[0] * small[1] * small[2], activation="relu"),
            keras.layers.Reshape(small),
            deconv(32, 2, activation="relu"),
            deconv(32, 1, activation="relu"),
            deconv(outputs, 2, dtype=output_dtype()),
        ]
        return sequential("decoder", (num_inputs,), layers)


@register("intel_vae_conv")
class IntelVAEConv(NetworkPair):
    """The convolutional pair of InteL-VAE (intel_vae.txt, Table C.2).

    Encoder: 4x4 convolutions with stride 2, batch normalisation and leaky ReLU (slope 0.2), then
    dense. Decoder: dense, then 4x4 transposed convolutions with stride 2, batch normalisation and
    ReLU; sizes that do not halve evenly are rounded up and the surplus is cropped at the end.

    Args:
      filters: the encoder's channels. (64, 128, 256), the default, is Table C.2 for CelebA;
        (32, 64, 128) is the pair for MNIST and Fashion-MNIST, which the paper takes from Mathieu
        et al. 2019, arXiv:1812.02833.

    Raises:
      ValueError: if `filters` is empty.
    """

    def __init__(self, filters=(64, 128, 256)):
        self.filters = tuple(filters)
        if not self.filters:
            raise ValueError("`filters` must name at least one layer. Received: ().")

    def encoder(self, data_shape, num_outputs):
        require_image("intel_vae_conv", data_shape)
        layers = []
        for filters in self.filters:
            layers += [
                keras.layers.Conv2D(filters, 4, 2, padding="same"),
                keras.layers.BatchNormalization(),
                keras.layers.LeakyReLU(0.2),
            ]
        layers += [keras.layers.Flatten(), output_dense(num_outputs)]
        return sequential("encoder", data_shape, layers)

    def decoder(self, num_inputs, output_shape):
        require_image("intel_vae_conv", output_shape)
        height, width, outputs = output_shape
        factor = 2 ** len(self.filters)
        small = (-(-height // factor), -(-width // factor), self.filters[-1])
        layers = [
            keras.layers.Dense(small[0] * small[1] * small[2]),
            keras.layers.BatchNormalization(),
            keras.layers.ReLU(),
            keras.layers.Reshape(small),
        ]
        for filters in reversed(self.filters[1:]):
            layers += [
                keras.layers.Conv2DTranspose(filters, 4, 2, padding="same"),
                keras.layers.BatchNormalization(),
                keras.layers.ReLU(),
            ]
        layers.append(
            keras.layers.Conv2DTranspose(outputs, 4, 2, padding="same", dtype=output_dtype())
        )
        surplus = (small[0] * factor - height, small[1] * factor - width)
        if any(surplus):
            crop = [(s // 2, s - s // 2) for s in surplus]
            layers.append(keras.layers.Cropping2D(crop, dtype=output_dtype()))
        return sequential("decoder", (num_inputs,), layers)
