"""MNIST, binarised afresh at each visit: the model of Table 1 and Figure 5.

Appendix H and Table 2: 64 + 64 units, a posterior of 4 groups, 100 sweeps of 20 chains for each
image of the batch, 18 layers of 64 normal latents without shared parameters, 1,000 hidden units in
each layer of the prior, 2000-2000 in the posterior, a linear p(x given zeta, y); warm-ups of
strength 20 over 5 epochs and, on the units alone, 2 over 20. log p(x) in the paper: -80.15.

The paper does not name the batch, the learning rate, the number of epochs and the exponent beta.
For a processor: --config.network.hidden="(300, 300)" --config.model.num_chains=200
--config.model.num_sweeps=20 --config.model.num_continuous_layers=4 and fewer --config.train.epochs.
"""

from tfsp.config import default_config, preset


def get_config():
    config = default_config()
    config.data.name = "mnist"
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
        num_continuous_layers=18,
        continuous_size=64,
        prior_hidden=(1000,),
        num_sharing_groups=0,
        decoder_hidden=(),
        unit_warmup_epochs=20,
        unit_warmup_strength=2.0,
    )
    preset(config, "network", name="mlp", hidden=(2000, 2000))
    config.train.update(epochs=200, kl_warmup_epochs=5, kl_start=0.05)
    config.evaluate.num_samples = 10_000
    return config
