"""Codes that do not change with what does not matter: an image and its augmentation."""

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from tfsp import arguments
from tfsp.models.core.augmentation import random_transform

tfd = tfp.distributions


def build(spec):
    """A `Consistency` of a weight, a dict of its arguments or one; None of None and of 0.

    Raises:
      ValueError: for anything else, and for unknown or wrong arguments.
    """
    if spec is None or isinstance(spec, Consistency):
        return spec
    if hasattr(spec, "keys"):
        try:
            return Consistency(**spec)
        except TypeError as error:
            raise ValueError(f"`consistency`: {error}.") from None
    if isinstance(spec, bool) or not isinstance(spec, (int, float)):
        raise ValueError(
            "`consistency` must be None, a weight, a dict of arguments of `Consistency`, or one. "
            f"Received: {arguments.shown(spec)}."
        )
    return Consistency(spec) if spec else None


class Consistency:
    """KL(q(z | augmented x) || q(z | x)), which training adds to its loss with a weight.

    The bound that is maximised becomes the mean of those of x and of the augmented x. Codes then
    tell less of where and how an image stands and more of what it shows: clusters and trees over
    them are purer, at a cost in the bound (which has to explain the augmented images too).

    Args:
      weight: of the KL, nats, non-negative.
      discrete_weight: of the KL of categories, such as CP-VAE's; None for `weight`. The KL of ten
        categories is a nat or two where that of their codes is ten, and more weight makes them
        agree.
      reconstruct: whether the augmented x is reconstructed too, as in the source. False leaves its
        likelihood out, and with it a pass through the decoder: its codes are kept near the prior
        and near those of x.
      shift, rotation, zoom, shear, warp, flip: see `augmentation.random_transform`, of images
        `[H, W, C]`.
      augment: what to do in place of that, for data of any kind: a Keras layer or a function
        registered with Keras, batches to batches of the same shape.

    Raises:
      ValueError: for arguments out of range.

    Source: Sinha & Dieng 2021, "Consistency regularization for variational auto-encoders",
      arXiv:2105.14859, eq. 5.
    """

    def __init__(
        self,
        weight=1.0,
        discrete_weight=None,
        reconstruct=True,
        shift=0.1,
        rotation=0.05,
        zoom=0.1,
        shear=0.0,
        warp=0.0,
        flip=False,
        augment=None,
    ):
        self.weight = arguments.number("weight", weight, "[0, inf)")
        self.discrete_weight = discrete_weight
        if discrete_weight is not None:
            self.discrete_weight = arguments.number("discrete_weight", discrete_weight, "[0, inf)")
        self.reconstruct = bool(reconstruct)
        self.settings = {
            "shift": arguments.number("shift", shift, "[0, 1]"),
            "rotation": arguments.number("rotation", rotation, "[0, 1]"),
            "zoom": arguments.number("zoom", zoom, "[0, 1)"),
            "shear": arguments.number("shear", shear, "[0, 1]"),
            "warp": arguments.number("warp", warp, "[0, 1)"),
            "flip": bool(flip),
        }
        if isinstance(augment, dict):
            augment = keras.saving.deserialize_keras_object(augment)
        if augment is not None and not callable(augment):
            raise ValueError(
                "`augment` must be a Keras layer or a function of a batch. Received: "
                f"{arguments.shown(augment)}."
            )
        self.augment = augment

    def augmented(self, x, seed):
        """Another look at the examples `[B, *data_shape]`.

        Raises:
          ValueError: for data that are not images, or an `augment` that changes their shape.
        """
        if self.augment is not None:
            changed = self.augment(x)
            if changed.shape[1:] != x.shape[1:]:
                raise ValueError(
                    f"`augment` must leave the shape of a batch, {tuple(x.shape)}. It returned "
                    f"{tuple(changed.shape)}."
                )
            return tf.cast(changed, x.dtype)
        if x.shape.rank != 4:
            raise ValueError(
                "Shifts, rotations and zooms are of images [H, W, C]; for other data give "
                f"`consistency` an `augment`. Received: data of shape {tuple(x.shape[1:])}."
            )
        return random_transform(x, seed, **self.settings)

    def add(self, model, x, draw, terms, training):
        """Terms of a batch, in training averaged with the augmented x's, and two more, `[B]` nats.

        `consistency` is the KL between both posteriors, `consistency_loss` the same with its
        weights.

        Args:
          x: the batch; draw, terms: what the model found for it.
        """
        if not draw.posteriors:
            raise ValueError(
                f"{type(model).__name__} has no posterior whose KL to another is known in closed "
                "form, which `consistency` needs."
            )
        changed = self.augmented(x, model.seeds.next())
        other = model.inferred(changed, model.num_samples, model.seeds, training)
        pairs = list(zip(other.posteriors, draw.posteriors, strict=True))
        kl = [q.kl_divergence(p) for q, p in pairs]
        weighted = [self._weight_of(q) * part for (q, _), part in zip(pairs, kl, strict=True)]
        if training:
            of_both = model.terms if self.reconstruct else _kl_alone
            theirs = of_both(changed, other, training)
            terms = terms | {name: 0.5 * (terms[name] + theirs[name]) for name in theirs}
        return {**terms, "consistency": tf.add_n(kl), "consistency_loss": tf.add_n(weighted)}

    def _weight_of(self, posterior):
        if self.discrete_weight is None or not isinstance(posterior, tfd.OneHotCategorical):
            return self.weight
        return self.discrete_weight

    def get_config(self):
        """The constructor's arguments."""
        config = {
            "weight": self.weight,
            "discrete_weight": self.discrete_weight,
            "reconstruct": self.reconstruct,
            **self.settings,
        }
        if self.augment is not None:
            config["augment"] = keras.saving.serialize_keras_object(self.augment)
        return config


def _kl_alone(_, draw, training):
    """The parts of a draw's KL, as `StructuredVAE.terms` has them."""
    return draw.mean_kl()
