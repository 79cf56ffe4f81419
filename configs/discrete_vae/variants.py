"""DVAE, DVAE++ and DVAE# on MNIST at one budget: 64 + 64 units, a neural p(x given zeta).

    --config=configs/discrete_vae/variants.py:dvae_sharp

| row | smoothing | gradient of the units' KL |
| --- | --- | --- |
| dvae | spike and exponential | eqs. (11) and (12) of Rolfe 2017 |
| dvae_pp | overlapping exponentials | z summed out given zeta (Vahdat et al. 2018, 1802.04920) |
| dvae_sharp | power function | relaxed prior, z summed out, mean-field bound (1805.07445) |
| dvae_sharp_gaussian | Gaussian integral | relaxed prior in closed form |

All else is equal: the networks, the chains, the epochs, the objective. DVAE# alone can be trained
by --config.model.objective=iwae --config.model.num_samples=25, as its paper does.
"""

from tfsp.config import default_config, row_of

ROWS = {
    "dvae": dict(variant="dvae", smoothing="spike_and_exponential"),
    "dvae_pp": dict(variant="dvae++", smoothing="overlapping_exponential"),
    "dvae_sharp": dict(variant="dvae#", smoothing="power_function"),
    "dvae_sharp_gaussian": dict(variant="dvae#", smoothing="gaussian_integral"),
}


def get_config(row="dvae_pp"):
    config = default_config("discrete_vae")
    config.data.name = "mnist"
    config.model.update(latent_dim=128, num_chains=200, num_sweeps=40, decoder_hidden=(200, 200))
    config.model.update(row_of(ROWS, row))
    config.train.update(epochs=40, kl_warmup_epochs=5, kl_start=0.05)
    return config
