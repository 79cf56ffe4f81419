"""Table 1: generation quality (FID) on MNIST with 50 latents.

    --config=configs/intel_vae/table_1.py:sylvester

Rows: intel_vae (the default), vae, gm_vae, mog (a fixed mixture as prior), vamp, sylvester. The
paper does not say into how many sectors InteL-VAE cuts the plane here: ten, one for each digit.
Networks, optimiser and sizes are those of Table C.1.
"""

from tfsp.config import default_config, row_of

ROWS = {
    "intel_vae": dict(
        model=dict(name="intel_vae"), mapping=dict(name="sectors", num_sectors=(10,))
    ),
    "vae": {},
    "gm_vae": dict(model=dict(name="gm_vae", num_components=10)),
    "mog": dict(prior=dict(name="mixture", num_components=10, learned=False)),
    "vamp": dict(prior=dict(name="vamp", num_components=500)),
    "sylvester": dict(model=dict(name="sylvester_vae", flow="orthogonal", num_flows=4)),
}


def get_config(row="intel_vae"):
    config = default_config()
    config.data.update(name="mnist", split="intel_vae")
    config.model.latent_dim = 50
    config.network.update(name="intel_vae_conv", filters=(32, 64, 128))
    config.update(row_of(ROWS, row))
    return config
