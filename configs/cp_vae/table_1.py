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

from tfsp.config import default_config, preset, row_of

_SIZES = {"mnist": (10, 150, 500), "omniglot": (50, 500)}
_METHODS = {
    "cp": ("cp_vae", None),
    "mg": ("vae", "mixture"),
    "vp": ("vae", "vamp"),
    "hvp": ("hierarchical_vae", "vamp"),
}
ROWS = {
    **{
        f"{data}_{method}_{size}": (data, *_METHODS[method], size)
        for data, sizes in _SIZES.items()
        for method in _METHODS
        for size in sizes
    },
    **{
        f"{data}_{method}": (data, model, "normal", 0)
        for data in _SIZES
        for method, model in (("vae", "vae"), ("hvae", "hierarchical_vae"))
    },
}


def get_config(row="mnist_cp_10"):
    config = default_config()
    data, model, prior, size = row_of(ROWS, row)
    config.data.name = data
    config.model.name = model
    if prior is None:
        config.model.update(num_categories=size, start_epoch=20)
    else:
        preset(config, "prior", name=prior, num_components=size or config.prior.num_components)
    if prior == "mixture":
        preset(config, "prior", learned_weights=False)
    preset(config, "network", name="mlp", hidden=(300, 300), gated=True)
    config.train.update(epochs=500, learning_rate=5e-4, kl_warmup_epochs=100, patience=50)
    return config
