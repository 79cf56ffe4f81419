"""Figures 4 and C.2: shapes in the plane, each by three models. No download, half a minute.

    --config=configs/intel_vae/synthetic.py --config.data.name=star
    --config=configs/intel_vae/synthetic.py:vamp --config.data.name=infinity

Targets: circle (the default), square, star, infinity, two_gaussians. Models: intel_vae (the
default, with the map of the target's topology), vae, vamp. `scripts/figure_intel_vae.py` trains
the whole grid with the same values.

The paper has layers of 10 and batches of 10 to 500 (Table C.1); with layers of 10 a map from the
circle to the star's ten corners does not fit.
"""

from tfsp.config import default_config, row_of

ROWS = {
    "intel_vae": dict(model=dict(name="intel_vae"), mapping=dict(name="auto")),
    "vae": {},
    "vamp": dict(prior=dict(name="vamp", num_components=50, start="data", bounded=False)),
}


def get_config(row="intel_vae"):
    config = default_config()
    config.data.update(name="circle", binarization="none", train_size=1_500_000)
    config.model.update(latent_dim=2, posterior_covariance="full")
    config.network.hidden = (32, 32, 32)
    # The noise of the curves.
    config.likelihood.update(name="gaussian", scale="fixed", initial_scale=0.05)
    config.update(row_of(ROWS, row))
    config.train.update(
        epochs=20,
        batch_size=1000,
        steps_per_execution=100,
        learning_rate=3e-3,
        final_learning_rate=1e-4,
        final_fraction=0.3,
    )
    return config
