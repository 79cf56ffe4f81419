"""Omniglot at 28x28, binarised afresh at each visit, with a multilayer perceptron.

As CP-VAE's experiments (cp_vae.txt, section 4): two layers of 300 gated units, latent 40, learning
rate 5e-4, warm-up over 100 epochs, early stopping; 1,000 pseudo-inputs.
"""

from tfsp.config import default_config, preset


def get_config():
    config = default_config()
    config.data.update(name="omniglot", split="burda")
    preset(config, "network", name="mlp", hidden=(300, 300), gated=True)
    preset(config, "prior", num_components=1000)
    config.train.update(
        epochs=400, learning_rate=5e-4, kl_warmup_epochs=100, patience=50, final_fraction=0.0
    )
    return config
