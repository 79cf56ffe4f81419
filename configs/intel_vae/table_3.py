"""Table 3: InteL-VAE learns the proportions of zeros and ones of MNIST-01.

    --config=configs/intel_vae/table_3.py:0.25     the true proportion of zeros

Rows: 0.5 (the default), 0.4, 0.25, 0.2, 0. The offset at which the line is torn is trained. The
task `proportions` of `scripts/evaluate.py` gives what was learned; seeds as in `table_2.py`.
"""

from tfsp.config import default_config, row_of

ROWS = {"0.5": 0.5, "0.4": 0.4, "0.25": 0.25, "0.2": 0.2, "0": 0.0}


def get_config(row="0.5"):
    config = default_config("intel_vae")
    # The data set counts the ones.
    config.data.update(name="mnist_01", proportion=1.0 - row_of(ROWS, row))
    config.model.latent_dim = 1
    config.mapping.update(name="sectors", learned=True)
    config.network.update(name="intel_vae_conv", filters=(32, 64, 128))
    return config
