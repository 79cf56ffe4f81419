"""The rows of CP-VAE's Table 1: bounds on MNIST and Omniglot, by the size of the prior.

    --config=configs/cp_vae/table_1.py:mnist_cp_10

A row is data set, method and, but for those without components, the number of categories,
mixture components or pseudo-inputs: 10, 150 or 500 on MNIST, 50 or 500 on Omniglot. Methods:

| method | model |
| --- | --- |
| cp | CP-VAE |
| vae | VAE, standard normal prior |
| mg | VAE, mixture of Gaussians of equal weights |
| vp | VAE, VampPrior |
| hvae | two-layered VAE, standard normal prior |
| hvp | two-layered VAE, VampPrior |

All have latents of 40 (the two-layered ones 40 in each), two gated layers of 300, Adam at 5e-4,
batches of 100, a KL warm-up of 100 epochs and early stopping.
"""

from tfsp.config import default_config, row_of

SIZES = {"mnist": (10, 150, 500), "omniglot": (50, 500)}
ROWS = {
    **{
        f"{data}_{method}_{size}": dict(data=dict(name=data), **settings)
        for data, sizes in SIZES.items()
        for size in sizes
        for method, settings in {
            "cp": dict(model=dict(name="cp_vae", num_categories=size, start_epoch=20)),
            "mg": dict(prior=dict(name="mixture", num_components=size, learned_weights=False)),
            "vp": dict(prior=dict(name="vamp", num_components=size)),
            "hvp": dict(
                model=dict(name="hierarchical_vae"), prior=dict(name="vamp", num_components=size)
            ),
        }.items()
    },
    **{
        f"{data}_{method}": dict(data=dict(name=data), model=dict(name=model))
        for data in SIZES
        for method, model in {"vae": "vae", "hvae": "hierarchical_vae"}.items()
    },
}


def get_config(row="mnist_cp_10"):
    config = default_config()
    config.network.gated = True
    config.train.update(epochs=500, learning_rate=5e-4, kl_warmup_epochs=100, patience=50)
    config.update(row_of(ROWS, row))
    return config
