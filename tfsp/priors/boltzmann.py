"""A Boltzmann machine over binary units as a prior layer: weights, chains, log Z, smoothing."""

import math

import keras
import numpy as np
import tensorflow as tf

from tfsp import arguments
from tfsp.distributions.boltzmann import BoltzmannMachine
from tfsp.priors import relaxed_boltzmann
from tfsp.priors.base import Prior
from tfsp.priors.smoothing import UnitSmoothing
from tfsp.random import SeedStream, as_seed, check_seed, generator, split_seed

_EXACT = 20  # units of the smaller side up to which log Z is enumerated


@keras.saving.register_keras_serializable("tfsp")
class BoltzmannPrior(Prior):
    """p(z) = exp(b'z + l'Wr) / Z over z = (l, r) in {0,1}^n, and p(zeta | z) = r(zeta | z).

    Not in the registry, since it is not a density over all of R^D: it belongs to `DiscreteVAE`.

    log Z is kept as a weight. `refresh_log_z` computes it; `DiscreteVAE.fit` and `evaluate` call
    that at the beginning of each epoch and before each evaluation, if the weights have moved.
    Between refreshes it follows the weights: each `update` adds the log of the mean over chains of
    exp(E_old - E_new), the ratio of the two constants by importance sampling. Without couplings
    log Z is exact at all times.

    Args:
      latent_dim: n, even; the first half is the left side.
      couplings: whether W is trained. Without, W = 0: independent units.
      smoothing: a name, or a dict of `UnitSmoothing`'s arguments.
      num_chains: persistent Markov chains of the negative phase (eq. 11).
      num_sweeps: block-Gibbs sweeps of each before each training step.
      num_replicas: T; above 1 the chains are the coldest of T replicas at inverse temperatures 1,
        (T-2)/(T-1), ..., 0 that swap states after each sweep (parallel tempering). They cost T
        times as much.
      warmup_epochs, warmup_strength: the KL of the units alone counts 1 / strength in epoch 0,
        rising linearly to 1 (appendix H).
      log_z_chains, log_z_steps: of annealed importance sampling in `refresh_log_z`.
      seed: int, of the chains.

    Attributes (weights):
      couplings: W, `[n/2, n/2]`, None without. bias: b, `[n]`.
      chains: 0/1, `[num_chains, n]`. hot: the warmer replicas, `[T-1, num_chains, n]`.
      log_z, log_z_error: the stored constant and the standard error of its last refresh, nats.
      log_z_age: training steps since that refresh.

    Raises:
      ValueError: for settings out of range.

    Source: Rolfe 2017, arXiv:1609.02200, eqs. (6) and (11), appendices F and H.
    """

    has_health = True
    health_needs_codes = False

    def __init__(
        self,
        latent_dim,
        couplings=True,
        smoothing="spike_and_exponential",
        num_chains=100,
        num_sweeps=100,
        num_replicas=1,
        warmup_epochs=0,
        warmup_strength=2.0,
        log_z_chains=100,
        log_z_steps=1000,
        seed=0,
        **kwargs,
    ):
        super().__init__(latent_dim, **kwargs)
        # Compiled as a whole a step is no faster (7 ms either way at 32 units, batch 100), and XLA
        # takes 16 s to do so: the models compile the optimizer alone.
        self.supports_jit = False
        counts = dict(num_chains=num_chains, num_sweeps=num_sweeps, num_replicas=num_replicas)
        counts |= dict(log_z_chains=log_z_chains, log_z_steps=log_z_steps)
        counts = {name: arguments.integer(name, count) for name, count in counts.items()}
        if self.latent_dim % 2:
            raise ValueError(
                "The units are split evenly between two sides, so their number must be even. "
                f"Received: {self.latent_dim}."
            )
        spec = {"name": smoothing} if isinstance(smoothing, str) else dict(smoothing)
        self._config = dict(
            couplings=bool(couplings),
            smoothing=spec,
            **counts,
            warmup_epochs=arguments.integer("warmup_epochs", warmup_epochs, 0),
            warmup_strength=arguments.number("warmup_strength", warmup_strength, "[1, inf)"),
            seed=check_seed(seed, optional=True),
        )
        self.num_left = self.latent_dim // 2
        self.smoothing = UnitSmoothing(**spec, dtype=self.variable_dtype)
        self.seeds = SeedStream(seed)
        self.bias = self._constant("bias", np.zeros(self.latent_dim, "float32"))
        self.kl_weight = self._state("kl_weight", 1.0)
        self.couplings = None
        if couplings:
            self._make_chains()

    def _make_chains(self):
        n, num_chains = self.latent_dim, self._config["num_chains"]
        self.couplings = self._constant(
            "couplings", np.zeros((self.num_left, n - self.num_left), "float32")
        )
        # Where W = 0 and b = 0, as here, fair coins are draws of p, and log Z = n log 2.
        rng = generator(self._config["seed"], optional=True)
        replicas = rng.integers(0, 2, (self._config["num_replicas"], num_chains, n))
        self.chains = self._state("chains", replicas[0])
        self.hot = self._state("hot", replicas[1:]) if len(replicas) > 1 else None
        self.chain_scores = self._state("chain_scores", np.zeros(num_chains))
        self.log_z = self._state("log_z", n * math.log(2.0), "float64")
        self.log_z_error = self._state("log_z_error", 0.0, "float64")
        self.log_z_age = self._state("log_z_age", 0, "int64")

    def _state(self, name, value, dtype=None):
        return self._constant(
            name,
            np.asarray(value),
            False,
            dtype=dtype or self.variable_dtype,
            aggregation="only_first_replica",
        )

    # The machine.

    def weights_and_bias(self):
        """(W `[L, R]`, b `[n]`), tensors; W is zero without couplings."""
        bias = tf.convert_to_tensor(self.bias)
        if self.couplings is None:
            return tf.zeros([self.num_left, self.latent_dim - self.num_left], bias.dtype), bias
        return tf.convert_to_tensor(self.couplings), bias

    def machine(self):
        """The prior over z as a `tfsp.distributions.BoltzmannMachine`, a new object."""
        weights, bias = self.weights_and_bias()
        return BoltzmannMachine(weights, bias[: self.num_left], bias[self.num_left :])

    def score(self, z):
        """-E(z) = b'z + l'Wr, `[..., n]` -> `[...]`, nats: log p(z) + log Z."""
        weights, bias = self.weights_and_bias()
        score = tf.linalg.matvec(z, bias)
        if self.couplings is None:
            return score
        left, right = z[..., : self.num_left], z[..., self.num_left :]
        return score + tf.reduce_sum(tf.tensordot(left, weights, 1) * right, axis=-1)

    def log_partition(self):
        """log Z, a scalar, nats. Its gradient is that of eq. (11), from the chains.

        Value: the stored one. Gradient: E_p[-dE], the mean over the chains with the right side
        summed out given the left. Without couplings both are exact.
        """
        weights, bias = self.weights_and_bias()
        if self.couplings is None:
            return tf.reduce_sum(tf.nn.softplus(bias))
        left = tf.convert_to_tensor(self.chains)[:, : self.num_left]
        fields = bias[: self.num_left], bias[self.num_left :]
        free = tf.reduce_mean(relaxed_boltzmann.left_score(weights, *fields, left))
        value = tf.cast(tf.convert_to_tensor(self.log_z), free.dtype)
        return tf.stop_gradient(value - free) + free

    def log_prob_units(self, z):
        """log p(z) of binary z with the stored log Z, `[..., n]` -> `[...]`, nats."""
        return self.score(z) - self.log_partition()

    def log_prob(self, z, training=False):
        """log p(zeta), `[..., n]` -> `[...]`, nats, with the stored log Z.

        For spikes (a density, at zeta_i = 0 times the mass of the atom) and for the Gaussian
        integral.

        Raises:
          ValueError: for overlapping smoothings, where the sum over z has no closed form.
        """
        z = tf.cast(z, self.variable_dtype)
        if self.smoothing.is_gaussian:
            return self.gaussian_integral().unnormalized_log_prob(z) - self.log_partition()
        if not self.smoothing.is_spike:
            raise ValueError(
                f"With the smoothing {self.smoothing.kind!r} the density of zeta is a sum over 2^n "
                "states without a closed form. Take `log_prob_bound(zeta)`."
            )
        units = tf.cast(z != 0.0, z.dtype)
        r = self.smoothing.bijector(tf.zeros_like(z)).component_log_prob(z, units)
        return self.log_prob_units(units) + tf.reduce_sum(r, axis=-1)

    def kl(self, q, z, training=False):
        raise ValueError(
            "The KL to a discrete prior is computed by `DiscreteVAE`, which knows q over the units."
        )

    # The relaxed prior over zeta (DVAE#).

    def gaussian_integral(self):
        """r(zeta | z) and p(zeta) of the smoothing "gaussian_integral", a new object."""
        beta = tf.convert_to_tensor(self.smoothing.beta)
        return relaxed_boltzmann.GaussianIntegral(*self.weights_and_bias(), beta)

    def log_prob_bound(self, zeta):
        """The mean-field lower bound on log p(zeta), overlapping smoothings, `[...]`, nats."""
        weights, base, fields = self._fields(zeta)
        bound, _ = relaxed_boltzmann.mean_field(weights, *fields)
        return base + bound - self.log_partition()

    def log_prob_estimate(self, zeta, seed):
        """log of an unbiased estimate of p(zeta), overlapping smoothings, `[...]`, nats.

        One draw of the left side from the mean-field approximation, the right side summed out.
        """
        weights, base, fields = self._fields(zeta)
        _, logits = relaxed_boltzmann.mean_field(weights, *fields)
        u = tf.random.stateless_uniform(tf.shape(logits), as_seed(seed), dtype=logits.dtype)
        left = tf.cast(u < tf.sigmoid(logits), logits.dtype)
        log_m = tf.reduce_sum(left * logits - tf.nn.softplus(logits), axis=-1)
        score = relaxed_boltzmann.left_score(weights, *fields, left)
        return base + score - log_m - self.log_partition()

    def _fields(self, zeta):
        """W, log r(zeta | z = 0), and what b is once r(zeta | z) is added to it, both sides."""
        weights, bias = self.weights_and_bias()
        bijector = self.smoothing.bijector(tf.zeros_like(zeta))
        zero = bijector.component_log_prob(zeta, tf.zeros_like(zeta))
        one = bijector.component_log_prob(zeta, tf.ones_like(zeta))
        field = bias + one - zero
        sides = field[..., : self.num_left], field[..., self.num_left :]
        return weights, tf.reduce_sum(zero, axis=-1), sides

    # Samples.

    def sample_units(self, n, seed=None, chain_steps=None):
        """`n` draws of z, `[n, D]`; the persistent chains stay where they are.

        Args:
          n: number of draws. More than there are chains share their starting points.
          chain_steps: block-Gibbs sweeps from the stored chains on; None takes `num_sweeps`, 0 the
            chains themselves. Without couplings draws are independent.
        """
        n = arguments.count("n", n)
        steps = self._config["num_sweeps"]
        if chain_steps is not None:
            steps = arguments.count("chain_steps", chain_steps)
        seeds = split_seed(as_seed(seed))
        if self.couplings is None:
            u = tf.random.stateless_uniform([n, self.latent_dim], seeds[0], dtype=self.bias.dtype)
            return tf.cast(u < tf.sigmoid(tf.convert_to_tensor(self.bias)), self.variable_dtype)
        chains = tf.convert_to_tensor(self.chains)
        first = tf.random.stateless_uniform([], seeds[0], 0, chains.shape[0], tf.int32)
        z = tf.gather(chains, (first + tf.range(n)) % chains.shape[0])
        return self.move(z, steps, seeds[1])

    def move(self, z, num_sweeps, seed=None):
        """z `[n, D]` after so many block-Gibbs sweeps; fresh draws without couplings."""
        if self.couplings is None:
            return self.sample_units(tf.shape(z)[0], seed)
        return self.machine().gibbs(z, num_sweeps, as_seed(seed)) if num_sweeps else z

    def smooth(self, z, seed=None):
        """A draw of r(zeta | z) for each z, `[..., n]`."""
        if self.smoothing.is_gaussian:
            return self.gaussian_integral().sample(z, as_seed(seed))
        u = tf.random.stateless_uniform(tf.shape(z), as_seed(seed), dtype=z.dtype)
        rho = tf.clip_by_value(u, 2.0**-24, 1.0 - 2.0**-24)
        return self.smoothing.bijector(tf.zeros_like(z)).component_quantile(rho, z)

    def sample(self, n, seed=None, chain_steps=None):
        """`n` draws of zeta, `[n, D]`: see `sample_units`."""
        seeds = split_seed(as_seed(seed))
        return self.smooth(self.sample_units(n, seeds[0], chain_steps), seeds[1])

    # Training.

    def update(self):
        """Takes log Z along with the weights, and moves the chains by `num_sweeps` sweeps."""
        if self.couplings is None:
            return
        chains = tf.convert_to_tensor(self.chains)
        change = self.score(chains) - tf.convert_to_tensor(self.chain_scores)
        count = math.log(self._config["num_chains"])
        change = tf.cast(tf.reduce_logsumexp(change) - count, tf.float64)
        self.log_z.assign(tf.convert_to_tensor(self.log_z) + change)
        self.log_z_age.assign(tf.convert_to_tensor(self.log_z_age) + 1)
        chains = self._moved(chains, self.seeds.next(shared=True))
        self.chains.assign(chains)
        self.chain_scores.assign(self.score(chains))

    def _moved(self, chains, seed):
        machine, num_sweeps = self.machine(), self._config["num_sweeps"]
        if self.hot is None:
            return machine.gibbs(chains, num_sweeps, seed)
        replicas = tf.concat([chains[tf.newaxis], tf.convert_to_tensor(self.hot)], axis=0)
        betas = np.linspace(1.0, 0.0, self._config["num_replicas"])
        replicas = machine.tempering(replicas, betas, num_sweeps, seed).chains
        self.hot.assign(replicas[1:])
        return replicas[0]

    def refresh_log_z(self, method="auto", seed=0, **settings):
        """Recomputes log Z and stores it with its standard error.

        Args:
          method: "exact" (enumeration of the smaller side), "ais", "bar" (needs pymbar), or
            "auto": exact up to 20 units a side, else ais.
          seed: int.
          **settings: of `BoltzmannMachine.log_z_ais` or `log_z_bar`.

        Returns:
          (log_z, standard_error), floats, nats.

        Raises:
          ValueError: for an unknown method.
        """
        if method not in ("auto", "exact", "ais", "bar"):
            raise ValueError(
                f"`method` must be 'auto', 'exact', 'ais' or 'bar'. Received: {method!r}."
            )
        if self.couplings is None:
            return float(self.log_partition()), 0.0
        machine = self.machine()
        if method == "auto":
            method = "exact" if self.num_left <= _EXACT else "ais"
        if method == "exact":
            log_z, error = machine.log_z_exact(), 0.0
        elif method == "ais":
            defaults = dict(
                num_chains=self._config["log_z_chains"],
                num_temperatures=self._config["log_z_steps"],
            )
            log_z, error = machine.log_z_ais(seed=seed, **{**defaults, **settings})
        else:
            log_z, error = machine.log_z_bar(seed=seed, **settings)
        log_z, error = float(log_z), float(error)
        self.log_z.assign(log_z)
        self.log_z_error.assign(error)
        self.log_z_age.assign(0)
        self.chain_scores.assign(self.score(tf.convert_to_tensor(self.chains)))
        return log_z, error

    def begin_epoch(self, epoch):
        """Warm-up, bound on beta, and log Z if training has moved the weights since."""
        self.smoothing.begin_epoch(epoch)
        length, strength = self._config["warmup_epochs"], self._config["warmup_strength"]
        progress = min(1.0, epoch / length) if length else 1.0
        self.kl_weight.assign(1.0 / strength + (1.0 - 1.0 / strength) * progress)
        self.refresh_if_moved()

    def begin_evaluation(self):
        """Computes log Z if it is needed and training has moved the weights since."""
        if self.built:
            self.refresh_if_moved()

    def refresh_if_moved(self):
        """`refresh_log_z()` if there was an `update` since the last one."""
        if self.couplings is not None and int(self.log_z_age.numpy()):
            self.refresh_log_z()

    def health(self, codes):
        """Dict of floats: log_z and its standard error; beta, where there is one."""
        found = {}
        if self.couplings is not None:
            found["log_z"] = float(self.log_z.numpy())
            found["log_z_error"] = float(self.log_z_error.numpy())
        if self.smoothing.has_beta:
            found["beta"] = float(self.smoothing.beta.numpy())
        return found

    @classmethod
    def example(cls):
        prior = cls(latent_dim=4, num_chains=8, num_sweeps=2)
        prior.build()
        prior.couplings.assign([[1.0, -0.5], [0.3, 0.8]])
        prior.refresh_log_z()
        return prior

    def get_config(self):
        return {**super().get_config(), **self._config}
