"""Four models that the papers compare theirs to, on MNIST.

    --config=configs/baselines/mnist.py:sylvester

decomposed (Mathieu et al. 2019, arXiv:1812.02833): a sparse prior and the decomposition penalty, as
in the sparse experiments there: 50 dimensions of which 80% are off, the weights alpha = 100 and
beta = 1; but on MNIST, not Fashion-MNIST, and in batches of 100, not 500
(--config.train.batch_size). The divergence is estimated within a batch: smaller batches make it
noisier, not larger. Sweep --config.model.alpha.

gm_vae (the default; Dilokthanakul et al. 2016, arXiv:1611.02648): ten components, their means and
variances shaped by a second latent, with the minimum information constraint.

sparse_vae (variational sparse coding, Tonolini et al. 2020): a fifth of 50 dimensions on at a time.
The smaller --config.model.alpha, the sparser.

sylvester (van den Berg et al. 2018, arXiv:1803.05649): a Sylvester posterior, four steps with
Householder matrices. Choose by --config.model.flow=orthogonal|householder|triangular. The sizes are
the smaller ones of the paper: 64 dimensions, 4 steps, 8 reflections or 32 columns.
"""

from tfsp.config import default_config, row_of

ROWS = {
    "gm_vae": dict(
        model=dict(name="gm_vae", latent_dim=50, style_dim=50, min_information=1.0),
        train=dict(epochs=100),
    ),
    "decomposed": dict(
        model=dict(name="decomposed_vae", latent_dim=50),
        prior=dict(name="sparse"),
        train=dict(epochs=80, learning_rate=5e-4),
    ),
    "sparse_vae": dict(
        model=dict(name="sparse_vae", latent_dim=50, sharpness_start=10.0, warmup_steps=10_000),
        train=dict(epochs=100),
    ),
    "sylvester": dict(
        model=dict(name="sylvester_vae", latent_dim=64, flow="householder", num_columns=32),
        train=dict(epochs=100, kl_warmup_epochs=10),
    ),
}


def get_config(row="gm_vae"):
    config = default_config()
    config.data.name = "mnist"
    config.update(row_of(ROWS, row))
    return config
