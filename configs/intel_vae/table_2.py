"""Table 2 (and Figure 6): zeros and ones of MNIST with a single latent.

    --config=configs/intel_vae/table_2.py:vamp

Rows: intel_vae (the default: the line torn into two halves), vae, gm_vae, mog (a fixed mixture of
two as prior), vamp, sylvester. Means over seeds:

    for seed in 0 1 2 3 4; do
      python scripts/train.py --config=configs/intel_vae/table_2.py:vamp --config.seed=$seed \\
          --data_dir=~/tensorflow_datasets --run_dir=runs/table_2/vamp-$seed
    done
    python scripts/evaluate.py --tasks=proportions \\
        --run_dir=runs/table_2/vamp-0,runs/table_2/vamp-1,...
    python scripts/visualize.py --run_dir=runs/table_2/intel_vae-0 \\
        --beside=runs/table_2/vae-0,runs/table_2/mog-0          # Figure 6

A small budget, 3,000 steps of less than a minute: --config.network.name=mlp
--config.network.hidden="(200,200)" --config.train.epochs=30.
"""

from tfsp.config import default_config, row_of

ROWS = {
    "intel_vae": dict(model=dict(name="intel_vae"), mapping=dict(name="sectors")),
    "vae": {},
    "gm_vae": dict(model=dict(name="gm_vae", num_components=2)),
    "mog": dict(
        prior=dict(
            name="mixture", num_components=2, learned=False, loc=[[-0.9], [0.9]], scale=0.436
        )
    ),
    "vamp": dict(prior=dict(name="vamp", num_components=500)),
    "sylvester": dict(model=dict(name="sylvester_vae", flow="orthogonal", num_flows=4)),
}


def get_config(row="intel_vae"):
    config = default_config()
    config.data.name = "mnist_01"
    config.model.latent_dim = 1
    config.network.update(name="intel_vae_conv", filters=(32, 64, 128))
    config.update(row_of(ROWS, row))
    return config
