"""Figure 3 of CP-VAE: data with two modes on the line, and which models reproduce them."""

import functools

from tfsp.config import default_config
from tfsp.studies.grid import train_grid

# name -> (model, prior, categories or components)
_KINDS = {
    "vae": ("vae", "normal", 0),
    "mixture_2": ("vae", "mixture", 2),
    "mixture_150": ("vae", "mixture", 150),
    "vamp_2": ("vae", "vamp", 2),
    "vamp_150": ("vae", "vamp", 150),
    "cp_vae_2": ("cp_vae", "normal", 2),
    "cp_vae_150": ("cp_vae", "normal", 150),
}
MODELS = tuple(_KINDS)


def mode_config(
    model, seed=0, epochs=10, kl_warmup_epochs=0, train_size=50_000, latent_dim=40, scale=0.1
):
    """The config of one model on "two_modes", an `ml_collections.ConfigDict` for `experiment`.

    All models share networks (the paper's two gated layers of 300), latent size, budget and
    likelihood N(mean, scale^2): the noise of the data.

    Args:
      model: one of `MODELS`: a VAE with a normal prior, with a mixture or a VampPrior of 2 or 150
        components, CP-VAE with 2 (known) or 150 (unknown) categories.
      seed, epochs: of training.
      kl_warmup_epochs: epochs in which the weight of the KL rises to 1, as in the paper (its 100).
      train_size: points of an epoch, newly drawn in each.
      latent_dim: the paper's 40.
      scale: standard deviation of p(x | z), fixed.

    Raises:
      ValueError: for an unknown model.
    """
    if model not in _KINDS:
        raise ValueError(f"`model` must be one of {', '.join(_KINDS)}. Received: {model!r}.")
    name, prior, count = _KINDS[model]
    config = default_config()
    config.seed = seed
    config.data.update(name="two_modes", binarization="none", train_size=train_size)
    config.model.update(name=name, latent_dim=latent_dim)
    config.network.update(name="mlp", hidden=(300, 300), gated=True)
    config.likelihood.update(name="gaussian", scale="fixed", initial_scale=scale)
    if name == "cp_vae":
        config.model.update(num_categories=count, start_epoch=2)
    elif count:
        config.prior.update(name=prior, num_components=count)
    if prior == "mixture":
        config.prior.learned_weights = False  # as in the paper
    if prior == "vamp":
        config.prior.update(start="data", bounded=False)
    config.train.update(
        epochs=epochs,
        kl_warmup_epochs=kl_warmup_epochs,
        learning_rate=5e-4,
        steps_per_execution=100,
    )
    return config


def train_modes(models=MODELS, num_seeds=5, num_samples=10_000, report=None, **settings):
    """Trains the models on "two_modes"; see `train_grid`, whose rows, samples and data it returns.

    Args:
      models: names out of `MODELS`.
      num_seeds, num_samples, report: see `train_grid`.
      **settings: epochs, kl_warmup_epochs, train_size, latent_dim, scale; see `mode_config`.

    Raises:
      ValueError: for an unknown model and numbers out of range, before anything is trained.
    """
    cells = [
        ("two_modes", model, functools.partial(mode_config, model, **settings)) for model in models
    ]
    return train_grid(cells, num_seeds, num_samples, report)
