"""The ablation of Graph VAE's Figure 4: how M latent dimensions are best cut into nodes, MNIST.

    --config=configs/graph_vae/figure_4.py:m80_n5

A row is M, the number of dimensions, and N, the number of nodes, of M / N dimensions each. The
values of M and N are ours (the paper shows its own in a picture alone). 200 epochs.
"""

from tfsp.config import default_config, row_of

ROWS = {
    f"m{dims}_n{nodes}": (dims, nodes) for dims in (20, 40, 80) for nodes in (1, 2, 4, 5, 10, 20)
}


def get_config(row="m80_n5"):
    config = default_config("graph_vae")
    dims, nodes = row_of(ROWS, row)
    config.data.name = "mnist"
    config.model.update(latent_dim=dims, num_nodes=nodes, temperature_decay=0.98)
    config.train.update(batch_size=64, epochs=200)
    config.evaluate.update(num_samples=5000, num_examples=1000)
    return config
