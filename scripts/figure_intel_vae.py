"""Figure 4 of the InteL-VAE paper: data with holes and clusters, and what three models learn.

Trains a VAE, a VAE with a VampPrior and an InteL-VAE with the right map on the circle, the square,
the star, the infinity sign and two Gaussians, for several seeds, and writes the figure and a table
of distances between what was learned and the data.

    python scripts/figure_intel_vae.py --out=runs/figure_4 --seeds=5
"""

from absl import app, flags

from tfsp import studies, viz
from tfsp.command_line import plain_errors
from tfsp.visualize import check_grid_folder, write_grid

_OUT = flags.DEFINE_string(
    "out", "runs/figure_4", "Folder for figure.png, figure.pdf, table.txt and results.json."
)
_TARGETS = flags.DEFINE_list("targets", list(studies.SHAPE_TARGETS), "Targets, the rows.")
_MODELS = flags.DEFINE_list("models", list(studies.SHAPE_MODELS), "Models, the columns.")
_SEEDS = flags.DEFINE_integer("seeds", 5, "Training runs of each.", lower_bound=1)
_STEPS = flags.DEFINE_integer("steps", 30_000, "Training steps of each run.", lower_bound=100)
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 1000, "Points in a batch.", lower_bound=1)
_OBJECTIVE = flags.DEFINE_enum(
    "objective", "elbo", ["elbo", "iwae"], "The bound that all models are trained by."
)
_IMPORTANCE_SAMPLES = flags.DEFINE_integer(
    "importance_samples", 5, "Draws in the bound 'iwae'.", lower_bound=1
)
_NUM_SAMPLES = flags.DEFINE_integer(
    "num_samples",
    10_000,
    "Draws of each model, and data points, compared and drawn.",
    lower_bound=4,
)
_KIND = flags.DEFINE_enum("kind", "histogram", ["histogram", "scatter"], "How points are drawn.")


def _report(row):
    text = "{target:14s} {model:10s} seed {seed}: {energy_distance:.5f} {seconds:.1f} s"
    print(text.format(**row), flush=True)


@plain_errors
def main(_):
    check_grid_folder(_OUT.value)
    rows, samples, data = studies.train_shapes(
        _TARGETS.value,
        _MODELS.value,
        _SEEDS.value,
        _NUM_SAMPLES.value,
        _report,
        steps=_STEPS.value,
        batch_size=_BATCH_SIZE.value,
        objective=_OBJECTIVE.value,
        importance_samples=_IMPORTANCE_SAMPLES.value,
    )
    figure = viz.distribution_grid(data, samples, kind=_KIND.value)
    table, files = write_grid(_OUT.value, figure, rows)
    print(f"\n{table}", *files, sep="\n")


if __name__ == "__main__":
    app.run(main)
