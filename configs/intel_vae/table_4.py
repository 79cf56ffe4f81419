"""Table 4: generation quality and sparsity on CelebA, 64x64, with 128 latents.

    --config=configs/intel_vae/table_4.py:intel_vae_70

Rows: intel_vae_70 (the default) and intel_vae_30 (gamma), vae, vamp, sylvester, sparse_vae_0.01 and
sparse_vae_0.2 (alpha). The paper gives 1 to 128 latents for all its experiments on CelebA; Table 4
names no number. Pixels are intensities, so the likelihood is the continuous Bernoulli.
"""

from tfsp.config import default_config, row_of

ROWS = {
    "intel_vae_70": dict(
        model=dict(name="intel_vae"), mapping=dict(name="selector", sparsity_weight=70.0)
    ),
    "intel_vae_30": dict(
        model=dict(name="intel_vae"), mapping=dict(name="selector", sparsity_weight=30.0)
    ),
    "vae": {},
    "vamp": dict(prior=dict(name="vamp", num_components=500)),
    "sylvester": dict(model=dict(name="sylvester_vae", flow="orthogonal", num_flows=4)),
    "sparse_vae_0.01": dict(model=dict(name="sparse_vae", alpha=0.01)),
    "sparse_vae_0.2": dict(model=dict(name="sparse_vae", alpha=0.2)),
}


def get_config(row="intel_vae_70"):
    config = default_config()
    config.data.update(name="celeb_a", binarization="none")
    config.model.latent_dim = 128
    config.network.update(name="intel_vae_conv", filters=(64, 128, 256))
    config.likelihood.name = "continuous_bernoulli"
    config.update(row_of(ROWS, row))
    return config
