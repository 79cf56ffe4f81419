"""CP-VAE with 10 categories on MNIST, binarised afresh at each visit (cp_vae.txt, 5.2 and Fig. 7).

Latent 40 and two gated layers of 300, as in the paper; 100 epochs at a learning rate of 1e-3 (the
paper: 5e-4, early stopping), of which the first 20 hold the category. Samples of each category and
q(c) are among the pictures of scripts/visualize.py; scripts/evaluate.py --tasks=clusters tells the
unsupervised accuracy. --config.model.start=random starts as the paper does.
"""

from tfsp.config import default_config


def get_config():
    config = default_config("cp_vae")
    config.data.name = "mnist"
    config.model.update(num_categories=10, start_epoch=20)
    config.network.gated = True
    config.train.epochs = 100
    return config
