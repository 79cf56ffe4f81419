"""Figure 4 (and C.2): shapes in the plane, each by three models. No download, a minute on a core.

    --config=configs/intel_vae/figure_4.py:star,vae     target,model

Targets: circle, square, star, infinity, two_gaussians. Models: intel_vae (the default, with the
map of the right topology), vae, vamp. `scripts/figure_intel_vae.py` trains the whole grid.

The paper's networks have three layers of 10, its batches 10 to 500 points (Table C.1).
"""

from tfsp.config import default_config

MAPPINGS = {
    "circle": dict(name="circle"),
    "square": dict(name="circle"),
    "star": dict(name="circle"),
    "infinity": dict(name="glued_circles", num_holes=2),
    "two_gaussians": dict(name="sectors", num_sectors=(2,)),
}
MODELS = {
    "intel_vae": {},
    "vae": dict(mapping=dict(name="identity")),
    "vamp": dict(
        mapping=dict(name="identity"),
        prior=dict(name="vamp", num_components=50, start="data", bounded=False),
    ),
}
ROWS = [f"{target},{model}" for target in MAPPINGS for model in MODELS]


def get_config(row="circle,intel_vae"):
    target, model = row.split(",")
    config = default_config()
    config.data.update(name=target, binarization="none", train_size=250_000)
    config.model.update(name="intel_vae" if model == "intel_vae" else "vae", latent_dim=2)
    config.network.update(name="mlp", hidden=(32, 32, 32))
    # The noise of the curves.
    config.likelihood.update(name="gaussian", scale="fixed", initial_scale=0.05)
    config.mapping.update(MAPPINGS[target])
    config.update(MODELS[model])
    config.train.update(
        epochs=20, batch_size=500, learning_rate=3e-3, final_learning_rate=1e-4, final_fraction=0.3
    )
    return config
