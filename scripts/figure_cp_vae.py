"""Figure 3 of the CP-VAE paper: two modes on the line, and which models draw them again.

Trains VAEs with a normal, a mixture and a VampPrior and CP-VAEs, with 2 and with 150 components or
categories, for several seeds, and writes the figure and a table of distances to the data.

    python scripts/figure_cp_vae.py --out=runs/cp_figure_3 --seeds=5
"""

from absl import app, flags

from tfsp import studies, viz
from tfsp.command_line import plain_errors
from tfsp.visualize import check_grid_folder, write_grid

_OUT = flags.DEFINE_string(
    "out", "runs/cp_figure_3", "Folder for figure.png, figure.pdf, table.txt and results.json."
)
_MODELS = flags.DEFINE_list("models", list(studies.MODE_MODELS), "Models, the panels.")
_SEEDS = flags.DEFINE_integer("seeds", 5, "Training runs of each.", lower_bound=1)
_EPOCHS = flags.DEFINE_integer("epochs", 10, "Epochs of 50,000 points each.", lower_bound=1)
_WARMUP = flags.DEFINE_integer("kl_warmup_epochs", 0, "Epochs of KL warm-up.", lower_bound=0)
_SCALE = flags.DEFINE_float("scale", 0.1, "Standard deviation of p(x | z).", lower_bound=1e-6)
_LATENT_DIM = flags.DEFINE_integer("latent_dim", 40, "Dimensions of z.", lower_bound=1)
_NUM_SAMPLES = flags.DEFINE_integer(
    "num_samples",
    10_000,
    "Draws of each model, and data points, compared and drawn.",
    lower_bound=4,
)


def _report(row):
    text = "{model:12s} seed {seed}: {energy_distance:.5f} {seconds:.1f} s"
    print(text.format(**row), flush=True)


@plain_errors
def main(_):
    check_grid_folder(_OUT.value)
    rows, samples, data = studies.train_modes(
        _MODELS.value,
        _SEEDS.value,
        _NUM_SAMPLES.value,
        _report,
        epochs=_EPOCHS.value,
        kl_warmup_epochs=_WARMUP.value,
        scale=_SCALE.value,
        latent_dim=_LATENT_DIM.value,
    )
    figure = viz.histograms(data["two_modes"], samples["two_modes"])
    table, files = write_grid(_OUT.value, figure, rows)
    print(f"\n{table}", *files, sep="\n")


if __name__ == "__main__":
    app.run(main)
