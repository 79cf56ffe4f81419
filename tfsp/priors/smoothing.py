"""The smoothing r(zeta | z) of a discrete prior, with a sharpness that training may move."""

import inspect

import keras
import tensorflow as tf

from tfsp import arguments
from tfsp.bijectors import smoothing as smoothings

GAUSSIAN_INTEGRAL = "gaussian_integral"
_GAUSSIAN_BETA = 5.0  # standard deviations of at most 0.45 between modes at distance 1


@keras.saving.register_keras_serializable("tfsp")
class UnitSmoothing(keras.layers.Layer):
    """A smoothing of `tfsp.bijectors.smoothing`, or "gaussian_integral", and its sharpness beta.

    Args:
      name: of the smoothing.
      beta: sharpness at the start, positive; None takes the smoothing's own default.
      trainable_beta: whether training moves it, one number for all units. It stays above
        `beta_floor` and below a bound, by projection after each step.
      beta_bound: the bound in epoch 0; None takes twice `beta`.
      beta_growth: what is added to the bound with each epoch of `fit`.
      beta_floor: positive.

    Raises:
      ValueError: for an unknown smoothing, numbers out of range, and a beta for a smoothing without
        one.

    Source: Rolfe 2017, arXiv:1609.02200, appendix H ("bounded above by a value that increases
      linearly with the number of training epochs"). The paper gives no numbers.
    """

    def __init__(
        self,
        name,
        beta=None,
        trainable_beta=False,
        beta_bound=None,
        beta_growth=0.0,
        beta_floor=0.5,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self._config = dict(
            name=name,
            beta=beta,
            trainable_beta=trainable_beta,
            beta_bound=beta_bound,
            beta_growth=beta_growth,
            beta_floor=beta_floor,
        )
        self.kind = name
        self.is_gaussian = name == GAUSSIAN_INTEGRAL
        if not self.is_gaussian and name not in smoothings.names():
            raise ValueError(
                f"Unknown smoothing: {name!r}. Known: "
                f"{', '.join([*smoothings.names(), GAUSSIAN_INTEGRAL])}."
            )
        self._class = None if self.is_gaussian else smoothings.get(name)
        parameters = {} if self.is_gaussian else inspect.signature(self._class).parameters
        self.has_beta = self.is_gaussian or "beta" in parameters
        self._default = _GAUSSIAN_BETA
        if not self.is_gaussian and self.has_beta:
            self._default = parameters["beta"].default
        if not self.has_beta and (beta is not None or trainable_beta):
            raise ValueError(
                f"The smoothing {name!r} has no sharpness beta. Leave `beta` and "
                f"`trainable_beta` out. Received: beta={beta!r}, trainable_beta={trainable_beta!r}."
            )
        self.beta = self.bound = None
        if self.has_beta:
            self._make_beta()
        self.built = True  # its weights are made

    def _make_beta(self):
        config = self._config
        start = self._default if config["beta"] is None else config["beta"]
        start = arguments.number("beta", start, "(0, inf)")
        bound = 2.0 * start if config["beta_bound"] is None else config["beta_bound"]
        bound = arguments.number("beta_bound", bound, "(0, inf)")
        floor = arguments.number("beta_floor", config["beta_floor"], "(0, inf)")
        arguments.number("beta_growth", config["beta_growth"], "[0, inf)")
        if not config["trainable_beta"]:
            floor, bound = min(floor, start), max(bound, start)
        if not floor <= start <= bound:
            raise ValueError(
                "The sharpness needs beta_floor <= beta <= beta_bound. Received: "
                f"beta_floor={floor}, beta={start}, beta_bound={bound}."
            )
        self._first_bound, self._floor = bound, floor
        self.bound = self.add_weight(
            name="beta_bound",
            shape=(),
            initializer=keras.initializers.Constant(bound),
            trainable=False,
            aggregation="only_first_replica",
            autocast=False,
        )
        self.beta = self.add_weight(
            name="beta",
            shape=(),
            initializer=keras.initializers.Constant(start),
            trainable=bool(config["trainable_beta"]),
            constraint=self._project if config["trainable_beta"] else None,
            autocast=False,
        )

    @property
    def is_spike(self):
        """Whether z is a function of zeta: zeta = 0 if and only if z = 0."""
        return not self.is_gaussian and bool(self._class.is_spike)

    @property
    def depends_on_input(self):
        """Whether q(zeta | z = 1, x) has a mean and a scale of its own for each x."""
        return self.kind == "spike_and_gaussian"

    @property
    def num_parameters(self):
        """Numbers for each unit that a posterior network gives."""
        if self.is_gaussian:
            return 2  # mean and log-variance of zeta
        return 3 if self.depends_on_input else 1  # logits (, mean, log-variance)

    def bijector(self, logits, loc=0.0, scale=1.0):
        """From uniform noise to zeta ~ (1 - q) r(.|0) + q r(.|1), for logits `[..., n]` of q.

        loc, scale: of r(zeta | z = 1) where it depends on the input; the prior has N(0, 1).
        """
        if self.depends_on_input:
            return self._class(logits, loc, scale)
        if self.has_beta:
            return self._class(logits, beta=tf.convert_to_tensor(self.beta))
        return self._class(logits)

    def begin_epoch(self, epoch):
        """Raises the bound on beta to that of this epoch."""
        if self.has_beta:
            self.bound.assign(self._first_bound + self._config["beta_growth"] * epoch)

    def _project(self, beta):
        return tf.clip_by_value(beta, self._floor, tf.convert_to_tensor(self.bound))

    def get_config(self):
        return {**super().get_config(), **self._config}
