"""Omniglot at 28x28, binarised afresh at each visit, with a multilayer perceptron.

    --config=configs/vae/omniglot.py:vamp

A row is a prior: normal (the default), mixture, vamp, flow or none. As CP-VAE's experiments
(cp_vae.txt, section 4): two layers of 300 gated units, latent 40, learning rate 5e-4, warm-up over
100 epochs, early stopping; 1,000 pseudo-inputs.
"""

from tfsp.config import default_config, row_of

ROWS = {
    "normal": dict(name="normal"),
    "mixture": dict(name="mixture", num_components=1000),
    "vamp": dict(name="vamp", num_components=1000),
    "flow": dict(name="flow"),
    "none": dict(name="none"),
}


def get_config(row="normal"):
    config = default_config()
    config.data.update(name="omniglot", split="burda")
    config.network.gated = True
    config.prior.update(row_of(ROWS, row))
    config.train.update(
        epochs=400, learning_rate=5e-4, kl_warmup_epochs=100, patience=50, final_fraction=0.0
    )
    return config
