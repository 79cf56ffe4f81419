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

from tfsp.config import default_config, preset, row_of

_STRUCTURES = {"vae": "independent", "ladder": "chain", "fc": "full", "graph": "learned"}
ROWS = {
    f"{data}_{row}": (data, structure)
    for data in ("mnist", "omniglot", "cifar10")
    for row, structure in _STRUCTURES.items()
}


def get_config(row="mnist_graph"):
    config = default_config()
    data, structure = row_of(ROWS, row)
    config.data.name = data
    config.model.update(name="graph_vae", latent_dim=80, num_nodes=5, structure=structure)
    config.network = dict(name="graph_vae_mlp")
    config.train.update(batch_size=64, epochs=2000, final_learning_rate=1e-4)
    if data == "cifar10":
        config.data.binarization = "none"
        preset(config, "likelihood", name="gaussian", scale="pixel", location="sigmoid")
        config.train.epochs = 3000
    config.evaluate.num_samples = 5000
    return config
