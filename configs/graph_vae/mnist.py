"""Graph VAE on MNIST, five nodes of 16 (graph_vae.txt, 4.2 and Table 1), sixty epochs.

    --config=configs/graph_vae/mnist.py:ladder

Rows: graph (the default), vae, ladder, fc: the same model with learned gates, without edges, with
a chain, with all edges. Networks and optimiser are the paper's (batches of 64, Adam at 1e-3); 60
epochs in place of 2,000, so the temperature falls faster: by 0.94 an epoch, to 0.1 after 37.
"""

from tfsp.config import default_config, row_of

ROWS = {"graph": "learned", "vae": "independent", "ladder": "chain", "fc": "full"}


def get_config(row="graph"):
    config = default_config("graph_vae")
    config.data.name = "mnist"
    config.model.update(latent_dim=80, structure=row_of(ROWS, row), temperature_decay=0.94)
    config.train.update(batch_size=64, epochs=60)
    config.evaluate.update(num_samples=5000, num_examples=1000)
    return config
