"""Bipartite Boltzmann machines (restricted Boltzmann machines) over zeros and ones."""

import tensorflow as tf
import tensorflow_probability as tfp

from tfsp import arguments, parameters
from tfsp.distributions import boltzmann_enumeration as enumeration
from tfsp.distributions import boltzmann_sampling as sampling
from tfsp.distributions import boltzmann_tempering as tempering
from tfsp.distributions import partition_function
from tfsp.distributions.measures import Discrete
from tfsp.random import as_seed, fold_in
from tfsp.sample_shape import IntegerDraws

tfd = tfp.distributions


class BoltzmannMachine(Discrete, IntegerDraws):
    """p(z) = exp(-E(z)) / Z,  -E(z) = l'W r + a'l + b'r,  z = [l, r] in {0, 1}^(L+R).

    Energies, conditionals and free energies are differentiable, and `energy` takes any real z, so
    that means or smoothed values can stand in for the zeros and ones. The samplers are graph ops
    without gradients. log Z is exact where one side has at most 20 units; else `log_z_ais` and
    `log_z_bar` estimate it, and `log_prob` wants to be given a value.

    Args:
      weights: `[L, R]`, W. Floating; gives the dtype. Variables, here and below, are read whenever
        they are needed; none of them has batch dimensions.
      bias_left: `[L]`, a.
      bias_right: `[R]`, b.
      log_z: scalar, log Z in nats, if it is known already.
      validate_args: check that states whose probability is asked for hold zeros and ones.

    Raises:
      ValueError: if the shapes do not fit, or the dtype is not float32 or float64.

    Source: Smolensky 1986; Rolfe 2017, arXiv:1609.02200, eq. (4) with bipartite W.
    """

    def __init__(
        self,
        weights,
        bias_left,
        bias_right,
        log_z=None,
        validate_args=False,
        name="BoltzmannMachine",
    ):
        given = dict(locals())
        with tf.name_scope(name):
            self._weights = parameters.hold(weights, name="weights")
            dtype = tf.as_dtype(self._weights.dtype)
            if dtype not in (tf.float32, tf.float64):
                raise ValueError(
                    f"`weights` must be float32 or float64. Received: dtype={dtype.name}. In half "
                    "precision, flips less likely than 1/1000 would be lost."
                )
            self._bias_left = parameters.hold(bias_left, dtype, "bias_left")
            self._bias_right = parameters.hold(bias_right, dtype, "bias_right")
            self._log_z = parameters.hold(log_z)
            _check_shapes(self._weights.shape, self._bias_left.shape, self._bias_right.shape)
            super().__init__(
                dtype=dtype,
                reparameterization_type=tfd.NOT_REPARAMETERIZED,
                validate_args=validate_args,
                allow_nan_stats=True,
                parameters=given,
                name=name,
            )

    @property
    def weights(self):
        return self._weights

    @property
    def bias_left(self):
        return self._bias_left

    @property
    def bias_right(self):
        return self._bias_right

    @property
    def sides(self):
        """(L, R)."""
        return tuple(self._weights.shape)

    @property
    def is_enumerable(self):
        """Whether one side has at most 20 units, so that log Z and samples are exact."""
        return min(self.sides) <= enumeration.MAX_UNITS

    def split(self, z):
        """z `[..., L + R]` -> left `[..., L]`, right `[..., R]`, in the machine's dtype.

        Raises:
          ValueError: if the last axis has another size.
        """
        z = tf.cast(tf.convert_to_tensor(z), self.dtype)
        if z.shape.rank == 0 or z.shape[-1] not in (None, sum(self.sides)):
            raise ValueError(
                f"z must have shape [..., {sum(self.sides)}], {self.sides[0]} left units and then "
                f"{self.sides[1]} right ones. Received: shape={z.shape}."
            )
        return tf.split(z, self.sides, axis=-1)

    # Energies and conditionals.

    def energy(self, z):
        """E(z), nats: `[..., L + R]` -> `[...]`."""
        left, right = self.split(z)
        products = tf.reduce_sum(self.right_logits(left) * right, axis=-1)
        return -products - tf.reduce_sum(left * self._bias_left, axis=-1)

    def right_logits(self, left):
        """Log odds of each right unit given the left, b + W'l: `[..., L]` -> `[..., R]`."""
        weights = tf.convert_to_tensor(self._weights)
        return tf.einsum("...l,lr->...r", left, weights) + self._bias_right

    def left_logits(self, right):
        """Log odds of each left unit given the right, a + W r: `[..., R]` -> `[..., L]`."""
        weights = tf.convert_to_tensor(self._weights)
        return tf.einsum("...r,lr->...l", right, weights) + self._bias_left

    def free_energy_left(self, left):
        """-log sum_r exp(-E(l, r)), nats: `[..., L]` -> `[...]`."""
        soft = tf.reduce_sum(tf.nn.softplus(self.right_logits(left)), axis=-1)
        return -soft - tf.reduce_sum(left * self._bias_left, axis=-1)

    def free_energy_right(self, right):
        """-log sum_l exp(-E(l, r)), nats: `[..., R]` -> `[...]`."""
        soft = tf.reduce_sum(tf.nn.softplus(self.left_logits(right)), axis=-1)
        return -soft - tf.reduce_sum(right * self._bias_right, axis=-1)

    # The normalising constant.

    def log_z_exact(self):
        """log Z `[]`, float64 nats, by enumerating the smaller side. Differentiable once.

        Raises:
          ValueError: if both sides have more than 20 units.
        """
        return enumeration.log_z(*self._small_side_first())

    def log_z_ais(self, num_chains=1000, num_temperatures=2000, seed=None, **options):
        """Estimate of log Z by annealed importance sampling: (log_z, standard_error).

        See `partition_function.log_z_ais`.
        """
        return partition_function.log_z_ais(self, num_chains, num_temperatures, seed, **options)

    def log_z_bar(self, num_chains=100, num_rounds=1000, seed=None, **options):
        """Estimate by parallel tempering and Bennett's acceptance ratio: (log_z, standard_error).

        See `partition_function.log_z_bar`. It needs the package pymbar.
        """
        return partition_function.log_z_bar(self, num_chains, num_rounds, seed, **options)

    def exact_moments(self):
        """E[z] `[L + R]` and E[l r'] `[L, R]` under p, in the machine's dtype, by enumeration.

        Raises:
          ValueError: if both sides have more than 20 units.
        """
        sides = self._small_side_first()
        small, large, products = enumeration.moments(*sides, enumeration.log_z(*sides))
        if self._right_is_smaller:
            small, large, products = large, small, tf.transpose(products)
        mean = tf.concat([small, large], axis=-1)
        return tf.cast(mean, self.dtype), tf.cast(products, self.dtype)

    @property
    def _right_is_smaller(self):
        return self.sides[1] < self.sides[0]

    def _small_side_first(self):
        """Weights and biases in float64 with the side to enumerate first."""
        if not self.is_enumerable:
            raise ValueError(
                "Exact sums enumerate the smaller side, of at most "
                f"{enumeration.MAX_UNITS} units. Received: {self.sides[0]} + {self.sides[1]} "
                "units. Estimate log Z by `log_z_ais` or `log_z_bar` (and pass it as `log_z` "
                "where a normalised density is wanted), and sample by `gibbs` or `tempering`."
            )
        held = (self._weights, self._bias_left, self._bias_right)
        weights, left, right = (tf.cast(tf.convert_to_tensor(p), tf.float64) for p in held)
        if self._right_is_smaller:
            return tf.transpose(weights), right, left
        return weights, left, right

    # Markov chains.

    def initial_chains(self, shape, seed=None):
        """Fair coins `[*shape, L + R]`, where chains may start; shape: int or a list of ints."""
        shape = [*([shape] if isinstance(shape, int) else shape), sum(self.sides)]
        key = sampling.keys_of(as_seed(seed), 1)[0]
        return tf.cast(sampling.uniform(shape, key, 0, self.dtype) < 0.5, self.dtype)

    def gibbs(self, chains, num_sweeps, seed=None, inverse_temperature=1.0):
        """Moves chains by block Gibbs sweeps: the right given the left, then the left.

        Args:
          chains: `[..., L + R]`, zeros and ones. Known sizes make it faster.
          num_sweeps: int >= 0, or an int32 scalar tensor.
          seed: as in `tfsp.random.as_seed`.
          inverse_temperature: beta, a scalar or of a shape that broadcasts to that of the chains
            without their last axis: they sample p(z)^beta / Z_beta.

        Returns:
          `[..., L + R]`. No gradient flows through it.

        Raises:
          ValueError: for chains of another size or a negative number of sweeps.
        """
        chains = tf.concat(self.split(chains), axis=-1)
        if not tf.is_tensor(num_sweeps):
            num_sweeps = arguments.integer("num_sweeps", num_sweeps, 0)
        return sampling.run(self, chains, num_sweeps, seed, inverse_temperature)

    def tempering(
        self, chains, inverse_temperatures, num_rounds, seed=None, sweeps_per_round=1, trace=False
    ):
        """Parallel tempering: Gibbs sweeps at T temperatures, and swaps between neighbours.

        After the sweeps of a round, neighbours swap states with the Metropolis probability of
        their marginals over the left units, even and odd pairs in turn. Every distribution
        p(z)^beta_k / Z_k is left invariant, and chains at beta = 1 inherit the fast mixing of hot
        ones.

        Args:
          chains: `[T, C, L + R]`, C independent ensembles of T chains, both known; the chain of
            temperature k is `chains[k]`.
          inverse_temperatures: `[T]`, monotone for swaps to succeed; see `ladder`.
          num_rounds: int >= 0.
          seed: as in `tfsp.random.as_seed`.
          sweeps_per_round: int >= 1.
          trace: whether to keep the log ratios and coldest states of each round, for `log_z_bar`.

        Returns:
          `Tempered` (chains, acceptance `[T - 1]`, log_ratios, coldest).

        Raises:
          ValueError: if the shapes do not fit.

        Source: Swendsen & Wang 1986; Geyer 1991.
        """
        chains = tf.concat(self.split(chains), axis=-1)
        betas = tf.convert_to_tensor(inverse_temperatures)
        betas = tf.cast(betas, self.dtype)
        if chains.shape.rank != 3 or not chains.shape.is_fully_defined():
            raise ValueError(
                "`chains` must have shape [T, C, L + R] (temperatures, ensembles, units), all "
                f"known. Received: chains.shape={chains.shape}."
            )
        if not betas.shape.is_compatible_with(chains.shape[:1]):
            raise ValueError(
                f"`inverse_temperatures` must have shape [{chains.shape[0]}], one entry for each "
                f"row of `chains`. Received: {betas.shape}."
            )
        betas = tf.reshape(betas, chains.shape[:1])  # known lengths
        num_rounds = arguments.integer("num_rounds", num_rounds, 0)
        sweeps_per_round = arguments.integer("sweeps_per_round", sweeps_per_round)
        return tempering.run(self, chains, betas, num_rounds, seed, sweeps_per_round, trace)

    def ladder(self, seed=None, **options):
        """Inverse temperatures from 0 to 1 with swaps accepted about half the time, `[T]`.

        See `boltzmann_tempering.ladder`.
        """
        return tempering.ladder(self, seed, **options)

    # As a distribution.

    def _unnormalized_log_prob(self, z):
        return -self.energy(z)

    def _log_prob(self, z, log_z=None):
        """-E(z) - log Z, with `log_z` from here, the constructor, or enumeration, in this order."""
        if log_z is None:
            log_z = self.log_z_exact() if self._log_z is None else self._log_z
        return -self.energy(z) - tf.cast(log_z, self.dtype)

    def _sample_n(self, n, seed=None):
        """Exact draws by enumeration; ValueError if both sides have more than 20 units."""
        seeds = tfp.random.split_seed(tfp.random.sanitize_seed(seed), 2)
        weights, a, b = self._small_side_first()
        log_probs = enumeration.state_log_probs(weights, a, b)
        # By the inverse CDF: `n` draws from 2^20 states need not hold 2^20 n Gumbels.
        cdf = tf.cumsum(tf.nn.softmax(log_probs))
        uniform = tf.random.stateless_uniform([n], seeds[0], dtype=tf.float64, alg="philox")
        index = tf.searchsorted(cdf, uniform * cdf[-1], side="right")
        small = enumeration.decode(tf.minimum(index, tf.size(cdf) - 1), a.shape[0])
        uniform = tf.random.stateless_uniform(
            [n, b.shape[0]], fold_in(seeds[1], 0), dtype=tf.float64, alg="philox"
        )
        large = tf.cast(uniform < tf.sigmoid(tf.matmul(small, weights) + b), tf.float64)
        order = (large, small) if self._right_is_smaller else (small, large)
        z = tf.cast(tf.concat(order, axis=-1), self.dtype)
        return tf.stop_gradient(z)

    def _mean(self):
        return self.exact_moments()[0]

    def _event_shape(self):
        return tf.TensorShape([sum(self.sides)])

    def _event_shape_tensor(self):
        return tf.constant([sum(self.sides)])

    def _batch_shape(self):
        return tf.TensorShape([])

    def _batch_shape_tensor(self):
        return tf.constant([], tf.int32)

    def _default_event_space_bijector(self):
        return None  # no smooth map leads to zeros and ones

    def _sample_control_dependencies(self, z, log_z=None):
        if not self.validate_args:
            return []
        zeros, ones = tf.zeros([], self.dtype), tf.ones([], self.dtype)
        check = tf.reduce_all(tf.equal(z, zeros) | tf.equal(z, ones))
        return [tf.debugging.assert_equal(check, True, "Units must be 0 or 1.")]

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        sides = parameters.not_implied("the number of units on each side")
        return {
            "weights": parameters.real(2, shape_fn=sides),
            "bias_left": parameters.real(1, shape_fn=sides),
            "bias_right": parameters.real(1, shape_fn=sides),
            # What follows from the others is nothing to train.
            "log_z": parameters.real(0, is_preferred=False),
        }


def _check_shapes(weights, bias_left, bias_right):
    if weights.rank != 2 or not weights.is_fully_defined() or 0 in weights.as_list():
        raise ValueError(
            "`weights` must have shape [L, R], one row per left unit and one column per right "
            f"unit, both known. Received: weights.shape={weights}."
        )
    for side, bias, axis in (("left", bias_left, 0), ("right", bias_right, 1)):
        if not bias.is_compatible_with(weights[axis : axis + 1]):
            raise ValueError(
                f"`bias_{side}` must have shape [{weights[axis]}], one entry per "
                f"{('row', 'column')[axis]} of `weights`. Received: bias_{side}.shape="
                f"{bias}, weights.shape={weights}. Are left and right swapped?"
            )
