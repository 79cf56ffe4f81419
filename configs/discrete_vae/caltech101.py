"""Caltech-101 silhouettes (caltech101_silhouettes_28_split1.mat), binary as published.

Table 2: 12 layers of 80 normal latents that share all parameters, 100 hidden units in each layer of
the prior; the rest as in `mnist.py`. The smallest of the paper's sets: 4,100 training images, so
that an epoch is 41 steps. log p(x) in the paper: -97.6.
"""

from tfsp.config import default_config, preset


def get_config():
    config = default_config()
    config.data.update(name="caltech101_silhouettes", binarization="none")
    config.model.update(
        name="discrete_vae",
        latent_dim=128,
        num_groups=4,
        variant="dvae",
        smoothing=dict(
            name="spike_and_exponential",
            beta=3.0,
            trainable_beta=True,
            beta_bound=4.0,
            beta_growth=0.01,
        ),
        num_chains=2000,
        num_sweeps=100,
        num_continuous_layers=12,
        continuous_size=80,
        prior_hidden=(100,),
        num_sharing_groups=1,
        decoder_hidden=(),
        unit_warmup_epochs=20,
        unit_warmup_strength=2.0,
    )
    preset(config, "network", name="mlp", hidden=(2000, 2000))
    config.train.update(epochs=1000, kl_warmup_epochs=5, kl_start=0.05, patience=200)
    config.evaluate.num_samples = 10_000
    return config
