"""The grid of Figure 4: targets in two dimensions, and what each model learns."""

import functools

from tfsp import arguments
from tfsp.config import default_config
from tfsp.studies.grid import train_grid

TARGETS = ("circle", "square", "star", "infinity", "two_gaussians")
MODELS = ("vae", "vamp", "intel_vae")


def shape_config(
    target,
    model,
    seed=0,
    steps=30_000,
    batch_size=1000,
    hidden=(32, 32, 32),
    learning_rate=3e-3,
    posterior_covariance="full",
    objective="elbo",
    importance_samples=5,
):
    """The config of one cell of the grid, an `ml_collections.ConfigDict` for `experiment`.

    All models share encoder, decoder, budget, posterior and likelihood, N(mean, 0.05^2): the
    noise of the curves. (A scale that is learned ends, for every model, in wide blurs: a poor
    optimum.) The paper has layers of 10 and batches of 10 to 500 (Table C.1); with layers of 10 a
    map from the circle to the star's ten corners does not fit.

    The posterior has a full covariance. With a diagonal one the axes of y are special: on a circle
    the encoder gathers its points near the four axes, where a diagonal normal can be long in the
    direction that the map forgets, and the density learned along the circle is uneven.

    The objective matters too. The map allows some posteriors and not others, so that the ELBO is
    looser in some places than in others, and a model that is trained by it puts its mass where it
    is tight: an uneven density along the curve, which the bound itself does not show. The
    importance-weighted bound removes that.

    Args:
      target: one of `TARGETS`.
      model: "vae" (normal prior), "vamp" (a VAE with a VampPrior of 50 pseudo-inputs that start as
        data) or "intel_vae" (with the map of the target's topology).
      seed, steps, batch_size, hidden, learning_rate: of training.
      posterior_covariance: "full" or "diagonal".
      objective: "elbo" or "iwae", with `importance_samples` draws.

    Raises:
      ValueError: for an unknown target, model or objective.
    """
    for name, value, known in (
        ("target", target, TARGETS),
        ("model", model, MODELS),
        ("objective", objective, ("elbo", "iwae")),
    ):
        if value not in known:
            raise ValueError(f"`{name}` must be one of {', '.join(known)}. Received: {value!r}.")
    config = default_config()
    config.seed = seed
    epochs = 20 if steps % 20 == 0 else 1
    config.data.update(name=target, binarization="none", train_size=steps * batch_size // epochs)
    config.model.update(latent_dim=2, posterior_covariance=posterior_covariance)
    config.network.update(name="mlp", hidden=tuple(hidden))
    config.likelihood.update(name="gaussian", scale="fixed", initial_scale=0.05)
    if model == "vamp":
        config.prior.update(name="vamp", num_components=50, start="data", bounded=False)
    if model == "intel_vae":
        config.model.name = "intel_vae"
        config.mapping.name = "auto"
    if objective != "elbo":
        config.model.update(objective=objective, num_samples=importance_samples)
    config.train.update(
        batch_size=batch_size,
        epochs=epochs,
        steps_per_execution=100,
        learning_rate=learning_rate,
        final_learning_rate=learning_rate / 30,
        final_fraction=0.3,
    )
    return config


def train_shapes(
    targets=TARGETS,
    models=MODELS,
    num_seeds=5,
    num_samples=5000,
    report=None,
    **settings,
):
    """Trains every model on every target and measures what it has learned.

    A step is compiled once for each target and model; the other seeds reuse it with new weights and
    new data.

    Args:
      targets, models: of the grid.
      num_seeds: training runs of each, with seeds 0, 1, ...
      num_samples: draws of each model, and test points, that are compared.
      report: called with each row as soon as it is complete, such as `print`, or None.
      **settings: steps, batch_size, hidden, ...; see `shape_config`.

    Returns:
      (rows, samples, data):
        rows: list of dicts with target, model, seed, energy_distance (of draws of x to test data,
          unbiased), stray and missed (see `coverage`), elbo (nats, on test data) and seconds.
        samples: dict target -> dict model -> `[num_samples, 2]`, of seed 0.
        data: dict target -> `[num_samples, 2]`.

    Raises:
      ValueError: for unknown names and numbers out of range, before anything is trained.
    """
    targets, models = list(targets), list(models)
    num_seeds = arguments.integer("num_seeds", num_seeds)
    arguments.integer("num_samples", num_samples, 4)
    for target in targets:
        for model in models:
            shape_config(target, model, **settings)
    cells = [
        (target, model, functools.partial(shape_config, target, model, **settings))
        for target in targets
        for model in models
    ]
    return train_grid(cells, num_seeds, num_samples, report)
