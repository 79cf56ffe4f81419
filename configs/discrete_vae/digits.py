"""Discrete VAE on the digits of scikit-learn: 16 + 16 coupled units, a layer of normal latents.

No download, two minutes on a core. The smaller side can be enumerated: log Z is exact.
"""

from tfsp.config import default_config

SMOOTHING = dict(name="spike_and_exponential", beta=3.0, trainable_beta=True, beta_bound=4.0)


def get_config():
    config = default_config("discrete_vae")
    config.data.name = "digits"
    config.model.update(
        latent_dim=32,
        smoothing=dict(SMOOTHING, beta_growth=0.2),
        num_chains=200,
        num_sweeps=20,
        num_continuous_layers=2,
        continuous_size=8,
        prior_hidden=(50,),
        # The two warm-ups of the paper's appendix H, in proportion to a shorter run.
        unit_warmup_epochs=6,
    )
    config.network.hidden = (100, 100)
    # An epoch is ten passes over the 1,297 training images: so few make too short an epoch.
    config.train.update(epochs=30, steps_per_epoch=120, kl_warmup_epochs=3, kl_start=0.05)
    return config
