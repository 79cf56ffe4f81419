"""Omniglot in Burda's split (chardata.mat), binarised afresh at each visit.

Table 2: 16 layers of 256 normal latents in 2 groups that share their parameters, 800 hidden units
in each layer of the prior; the rest as in `mnist.py`. "Except on Omniglot", says section 5, there
is no hidden layer in p(x given zeta, y): here it has one, as wide as those of the prior, since the
paper names no width. log p(x) in the paper: -97.43.
"""

from tfsp.config import default_config, preset


def get_config():
    config = default_config()
    config.data.update(name="omniglot", split="burda")
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
            beta_growth=0.1,
        ),
        num_chains=2000,
        num_sweeps=100,
        num_continuous_layers=16,
        continuous_size=256,
        prior_hidden=(800,),
        num_sharing_groups=2,
        decoder_hidden=(800,),
        unit_warmup_epochs=20,
        unit_warmup_strength=2.0,
    )
    preset(config, "network", name="mlp", hidden=(2000, 2000))
    config.train.update(epochs=400, kl_warmup_epochs=5, kl_start=0.05)
    config.evaluate.num_samples = 10_000
    return config
