"""Models that bring a prior of their own, of which the normal is a part."""

import keras

from tfsp.priors import NormalPrior


def settings(model, part, prior, latent_dim, dtype):
    """(latent_dim, dtype of variables) for a model whose argument `prior` must be the normal one.

    Args:
      model: the model's registered name, for messages.
      part: what of its prior is normal, for messages.
      prior: "normal", `{"name": "normal"}` or a `NormalPrior`.
      latent_dim: D; None takes that of a `NormalPrior` object, else 40.
      dtype: what the model was given as `dtype`, or None.

    Raises: ValueError for another prior or one for other than `latent_dim` dimensions.
    """
    name = dict(prior).get("name") if hasattr(prior, "keys") else prior
    given = isinstance(prior, NormalPrior)
    unknown = sorted(set(prior) - {"name"}) if hasattr(prior, "keys") else []
    if name == "normal" and unknown:
        raise ValueError(
            f"The prior 'normal' of {part} in the model {model!r} takes no settings. Received: "
            f"{', '.join(map(str, unknown))}."
        )
    if name != "normal" and not given:
        shown = prior if isinstance(prior, str) else type(prior).__name__
        raise ValueError(
            f"The model {model!r} has a prior of its own; `prior` names that of {part} and must "
            f"be 'normal'. Received: {name if hasattr(prior, 'keys') else shown!r}. For other "
            "priors take the model 'vae'."
        )
    if latent_dim is None:
        latent_dim = prior.latent_dim if given else 40
    if given and prior.latent_dim != latent_dim:
        raise ValueError(
            f"`latent_dim` is {latent_dim}, but the prior was made for {prior.latent_dim} "
            "dimensions."
        )
    return latent_dim, keras.dtype_policies.get(dtype).variable_dtype
