"""The ladder of appendix J on statically binarised MNIST: each rung adds one part of the model.

    --config=configs/discrete_vae/ladder.py:rbm          the paper's budget
    --config=configs/discrete_vae/ladder.py:rbm,small    a small one

| row | adds | paper: log p(x), 10,000 samples |
| --- | --- | --- |
| factorial_sbn | independent units, a factorial posterior, a linear p(x given zeta) | -102.9 |
| hierarchical_sbn | a posterior of 4 groups | -97.0 |
| rbm | couplings between the units | -88.8 |
| nonlinear | a neural p(x given zeta) | -85.2 |
| continuous | layers of normal latents; p(x given zeta, y) linear again | -81.01 |

The first four have 200 units. With 128 the paper has -92.7 for rbm and -86.9 for nonlinear
(--config.model.latent_dim=128). The fifth is Table 1's model, of 128 units.

The paper's budget: networks of 2000-2000 in the posterior, 100 sweeps of 2,000 chains, the layers
of Table 2. The small one is for a processor of few cores: 300-300, 20 sweeps of 200 chains, 4
layers of 32 with 200 hidden units. --config.train.epochs sets the length of either; the paper names
none, nor the batch, the learning rate, the exponent beta and the width of the nonlinear decoder.

The set is `mnist`, binarised once. The field's own draws (binarized_mnist_{train,valid,test}.amat)
are --config.data.name=binarized_mnist --config.data.binarization=none; they have no labels.
"""

from tfsp.config import default_config, row_of

SMOOTHING = dict(name="spike_and_exponential", beta=3.0, trainable_beta=True, beta_bound=4.0)
RUNGS = {
    "factorial_sbn": dict(latent_dim=200, num_groups=1, boltzmann=False),
    "hierarchical_sbn": dict(latent_dim=200, boltzmann=False),
    "rbm": dict(latent_dim=200),
    "nonlinear": dict(latent_dim=200, decoder_hidden=(500, 500)),
    "continuous": dict(
        latent_dim=128,
        num_continuous_layers=20,
        continuous_size=256,
        prior_hidden=(2000,),
        num_sharing_groups=2,
    ),
}
SMALL_RUNGS = {
    **RUNGS,
    "continuous": dict(
        RUNGS["continuous"], num_continuous_layers=4, continuous_size=32, prior_hidden=(200,)
    ),
}
PAPER = dict(
    model=dict(num_chains=2000, unit_warmup_epochs=20),
    network=dict(hidden=(2000, 2000)),
    train=dict(epochs=200, kl_warmup_epochs=5),
    evaluate=dict(num_samples=10_000),
)
SMALL = dict(
    model=dict(num_chains=200, num_sweeps=20, unit_warmup_epochs=5),
    network=dict(hidden=(300, 300)),
    train=dict(epochs=30, kl_warmup_epochs=2),
    evaluate=dict(num_samples=1000),
)
ROWS = {
    **{rung: (settings, PAPER) for rung, settings in RUNGS.items()},
    **{f"{rung},small": (settings, SMALL) for rung, settings in SMALL_RUNGS.items()},
}


def get_config(row="rbm"):
    rung, budget = row_of(ROWS, row)
    config = default_config("discrete_vae")
    config.data.update(name="mnist", binarization="static")
    config.model.update(rung, smoothing=dict(SMOOTHING, beta_growth=0.1))
    config.train.kl_start = 0.05
    config.update(budget)
    return config
