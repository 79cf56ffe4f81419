"""Writes a model file of this version, to be loaded by the tests of all later ones.

    python tests/golden/make.py

Files of earlier versions stay: a model that was saved once must load for good.
"""

import pathlib

import keras
import numpy as np

import tfsp


def main():
    keras.utils.set_random_seed(0)
    x = (np.random.default_rng(0).random((32, 4, 4, 1)) < 0.4).astype("float32")
    model = tfsp.models.VAE(
        tfsp.networks.MLP(hidden=(8,)),
        prior={"name": "vamp", "num_components": 3},
        latent_dim=2,
        seed=0,
    )
    model.compile()
    model.fit(x, epochs=2, batch_size=16, verbose=0)
    folder = pathlib.Path(__file__).parent
    stem = f"vae_vamp-{tfsp.__version__}"
    if (folder / f"{stem}.keras").exists():
        raise FileExistsError(f"{stem}.keras is there already; a golden file is never rewritten.")
    model.save(folder / f"{stem}.keras")
    np.savez(
        folder / f"{stem}.npz",
        x=x,
        codes=model.encode(x),
        log_prior=model.prior.log_prob(model.encode(x)),
    )


if __name__ == "__main__":
    main()
