"""Figure 7: sparse representations of Fashion-MNIST (Figure C.3: MNIST) with 50 latents.

    --config=configs/intel_vae/figure_7.py:intel_vae --config.mapping.sparsity_weight=3.0
    --config=configs/intel_vae/figure_7.py:decomposed --config.data.name=mnist

Rows: intel_vae (the default; gamma is mapping.sparsity_weight), vae, decomposed (the sparse prior
of Mathieu et al. 2019 with its penalty, model.alpha), sparse_vae (Tonolini et al. 2020,
model.alpha).

All rows warm the KL up, which the paper does not say. Without it most of the 50 dimensions collapse
at once. In intel_vae the selector then leaves them out for good, or switches them on and off to
satisfy its regulariser: the sparsity of all 50 rises (C.3 scales a dimension however small), that
of the dimensions that tell of x (`sparsity_active` of the evaluation) hardly. A large gamma (30)
also shrinks DS for dimensions that the decoder scales up again.
"""

from tfsp.config import default_config, row_of

ROWS = {
    "intel_vae": dict(
        model=dict(name="intel_vae"), mapping=dict(name="selector", sparsity_weight=1.0)
    ),
    "vae": {},
    "decomposed": dict(
        model=dict(name="decomposed_vae", alpha=100.0, beta=1.0), prior=dict(name="sparse")
    ),
    "sparse_vae": dict(model=dict(name="sparse_vae", alpha=0.2)),
}


def get_config(row="intel_vae"):
    config = default_config()
    config.data.update(name="fashion_mnist", split="intel_vae")
    config.model.latent_dim = 50
    config.network.update(name="intel_vae_conv", filters=(32, 64, 128))
    config.train.kl_warmup_epochs = 10
    config.update(row_of(ROWS, row))
    return config
