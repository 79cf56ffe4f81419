"""The rows of Graph VAE's Table 1: three data sets, four structures, with the paper's recipe.

    --config=configs/graph_vae/table_1.py:omniglot_ladder

Data sets: mnist, omniglot (both binarised afresh at each visit) and cifar10 (a Gaussian with a
learned variance for each entry; bits per dimension). Structures: vae, ladder, fc, graph. Five
nodes of 16, batches of 64, Adam at 1e-3; 2,000 epochs (3,000 for CIFAR-10), the temperature of the
gates 0.99^epoch. The paper lowers its learning rate by a quarter every 200 epochs; here it falls
once, to 1e-4 for the last fifth. Hours on a GPU; `mnist.py` beside this is for less.

The paper's VAE has a larger encoder, so that all models have as many parameters; here all have the
same one.
"""

from tfsp.config import default_config, row_of

DATA = {
    "mnist": dict(data=dict(name="mnist")),
    "omniglot": dict(data=dict(name="omniglot")),
    "cifar10": dict(
        data=dict(name="cifar10", binarization="none"),
        likelihood=dict(name="gaussian", scale="pixel", location="sigmoid"),
        train=dict(epochs=3000),
    ),
}
STRUCTURES = {"vae": "independent", "ladder": "chain", "fc": "full", "graph": "learned"}
ROWS = {
    f"{data}_{row}": dict(settings, model=dict(structure=structure))
    for data, settings in DATA.items()
    for row, structure in STRUCTURES.items()
}


def get_config(row="mnist_graph"):
    config = default_config("graph_vae")
    config.model.latent_dim = 80
    config.train.update(batch_size=64, epochs=2000, final_learning_rate=1e-4)
    config.evaluate.num_samples = 5000
    config.update(row_of(ROWS, row))
    return config
