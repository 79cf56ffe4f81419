"""Table 2 (and Figure 6): zeros and ones of MNIST with a single latent.

    --config=configs/intel_vae/table_2.py:vamp

Rows: intel_vae (the default: the line torn into two halves), vae, gm_vae, mog (a fixed mixture of
two as prior), vamp, sylvester.
"""

from tfsp.config import default_config

ROWS = {
    "intel_vae": dict(model=dict(name="intel_vae"), mapping=dict(name="sectors")),
    "vae": {},
    "gm_vae": dict(model=dict(name="gm_vae", num_components=2)),
    "mog": dict(
        prior=dict(
            name="mixture", num_components=2, learned=False, loc=[[-0.9], [0.9]], scale=0.436
        )
    ),
    "vamp": dict(prior=dict(name="vamp", num_components=500)),
    "sylvester": dict(model=dict(name="sylvester_vae", flow="orthogonal", num_flows=4)),
}


def get_config(row="intel_vae"):
    config = default_config()
    config.data.name = "mnist_01"
    config.model.latent_dim = 1
    config.network.update(name="intel_vae_conv", filters=(32, 64, 128))
    config.update(ROWS[row])
    return config
