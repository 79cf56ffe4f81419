"""Table B.1 (and Figures B.2, B.3): hierarchical representations.

    --config=configs/intel_vae/table_b_1.py:fashion_mnist

Rows: intel_vae (the default) and vae, CelebA 64x64 with 64 latents, for the prediction of
attributes; fashion_mnist, 50 latents in 5 levels, for manipulation level by level.
"""

from tfsp.config import default_config, row_of

CELEB_A = dict(
    data=dict(name="celeb_a", binarization="none"),
    network=dict(filters=(64, 128, 256)),
    likelihood=dict(name="continuous_bernoulli"),
)
HIERARCHY = dict(name="hierarchy", num_levels=5)
ROWS = {
    "intel_vae": dict(CELEB_A, model=dict(name="intel_vae", latent_dim=64), mapping=HIERARCHY),
    "vae": dict(CELEB_A, model=dict(latent_dim=64)),
    "fashion_mnist": dict(
        data=dict(name="fashion_mnist", split="intel_vae"),
        model=dict(name="intel_vae", latent_dim=50),
        mapping=HIERARCHY,
    ),
}


def get_config(row="intel_vae"):
    config = default_config()
    config.network.update(name="intel_vae_conv", filters=(32, 64, 128))
    config.update(row_of(ROWS, row))
    return config
