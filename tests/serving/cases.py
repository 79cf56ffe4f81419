"""Small models of every kind that can be exported, their weights moved from the start."""

import numpy as np

from tfsp import likelihoods, models, networks, priors

MLP = networks.MLP(hidden=(8,))
SHAPE = (4, 4, 1)
TINY = {
    "flow": {"hidden": (8,)},
    "loracs": {"num_inducing": 6, "burn_in": 50},
    "mixture": {"num_components": 3},
    "tmc": {"num_points": 6, "burn_in": 50},
    "vamp": {"num_components": 4},
}
KEYWORDS = {
    "cp_vae": {"num_categories": 3},
    "discrete_vae": {
        "latent_dim": 6,
        "num_groups": 2,
        "num_chains": 5,
        "num_sweeps": 2,
        "num_continuous_layers": 1,
        "continuous_size": 2,
    },
    "gm_vae": {"num_components": 3},
    "graph_vae": {"encoder": "graph_vae_mlp", "latent_dim": 6, "num_nodes": 3, "node_hidden": 4},
    "tmc_vae": {"prior": {"name": "tmc", "num_points": 24, "burn_in": 50}},
}


def _vae(prior, likelihood):
    covariance = "full" if prior == "normal" else "diagonal"
    return models.VAE(
        MLP,
        prior={"name": prior, **TINY.get(prior, {})},
        likelihood=likelihood,
        latent_dim=3,
        posterior_covariance=covariance,
        seed=0,
    )


def _model(name):
    return models.get(name)(
        **{"encoder": MLP, "latent_dim": 4, "seed": 0, **KEYWORDS.get(name, {})}
    )


def _cases():
    """Every prior and every likelihood, two by two, and every other model."""
    kinds = priors.names()
    # Not of mixed columns, which are no images: see tests/models/test_columns.py.
    outputs = [name for name in likelihoods.names() if likelihoods.get(name).kind != "mixed"]
    for i in range(max(len(kinds), len(outputs))):
        pair = kinds[i % len(kinds)], outputs[i % len(outputs)]
        yield " ".join(pair), (_vae, pair)
    for name in models.names():
        if name != "vae":
            yield name, (_model, (name,))


CASES = dict(_cases())


def images(number=24):
    return (np.random.default_rng(0).random((number, *SHAPE)) < 0.4).astype("float32")


def make(case):
    """The model of a case, its tree grown where it has one."""
    factory, arguments = CASES[case]
    model = factory(*arguments)
    model.build((None, *SHAPE))
    if model.likelihood.wants_data:
        model.likelihood.adapt(images())
    if model.prior.wants_data:
        model.adapt(images())
    rng = np.random.default_rng(1)
    for weight in model.trainable_weights:
        weight.assign(weight + 0.2 * rng.normal(size=weight.shape))
    return model
