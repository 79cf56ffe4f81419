"""Statically binarised MNIST: 64 + 64 coupled units and a neural p(x given zeta), nothing else.

The paper's appendix J: log p(x) = -86.9 by 10,000 importance samples (-85.2 with 200 units,
--config.model.latent_dim=200). The width of the decoder is not in the paper.

The set is `mnist`, binarised once. The field's own draws (binarized_mnist_{train,valid,test}.amat)
are --config.data.name=binarized_mnist --config.data.binarization=none; they have no labels.
"""

from tfsp.config import default_config, preset


def get_config():
    config = default_config()
    config.data.update(name="mnist", binarization="static")
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
        decoder_hidden=(500, 500),
        unit_warmup_epochs=20,
        unit_warmup_strength=2.0,
    )
    preset(config, "network", name="mlp", hidden=(2000, 2000))
    config.train.update(epochs=200, kl_warmup_epochs=5, kl_start=0.05)
    config.evaluate.num_samples = 10_000
    return config
