"""The pictures of a run directory, and of a grid of runs."""

import pathlib

from tfsp import atomic, evaluation, experiment, pictures, studies, viz
from tfsp.run_directory import RunDirectory


def visualize_run(
    run_dir,
    data_dir=None,
    download=False,
    checkpoint="best",
    seed=0,
    suffix=".png",
    beside=(),
    node_numbers=False,
    only=None,
):
    """Draws a run's pictures into its `figures/`; docs/pictures.md lists them.

    Args:
      run_dir: the run's folder.
      data_dir, download: as in training; by default where the data were then.
      checkpoint: "best", "last" or an epoch.
      seed: of the samples and of t-SNE.
      suffix: ".png", ".pdf" or ".svg".
      beside: folders of other runs on images, whose samples are drawn above this one's
        (samples_beside).
      node_numbers: write its number beside every node of the pictures of a tree.
      only: names of pictures (`tfsp.pictures.names()`); None draws all that fit the run.

    Of more than 3,000 test examples a random subset is drawn, the same in every call; so are the
    20 that are reconstructed (see `tfsp.subset`).

    Returns:
      dict of name -> path.

    Raises:
      ValueError: for unknown names, or a run beside that has no images to sample.
    """
    model, config = experiment.load_run(run_dir, checkpoint)
    run = RunDirectory(run_dir)
    data = experiment.load_data(config, data_dir or run.data_dir(), download)
    subject = pictures.Subject(model, config, data, run_dir, checkpoint, seed, beside, node_numbers)
    drawn = list(pictures.draw(subject, only))  # all of them, before any is written
    paths = {}
    for name, content, picture in drawn:
        paths[name] = run.figures / (picture.file or f"{name}{suffix}")
        if picture.file:
            atomic.write(paths[name], content)
        else:
            viz.save(content, paths[name])
    return paths


def check_grid_folder(folder):
    """Raises FileExistsError if `folder` holds a grid already; to be called before training."""
    results = pathlib.Path(folder) / "results.json"
    if results.exists():
        raise FileExistsError(
            f"{results} exists, from an earlier grid. Choose another folder (--out), or move this "
            "one away."
        )


def write_grid(folder, figure, rows):
    """Writes a grid of small runs: figure.png, figure.pdf, table.txt and results.json.

    Args:
      folder: made if need be.
      figure: a `matplotlib.figure.Figure`.
      rows: of `tfsp.studies.train_grid`.

    Returns:
      (text of the table, list of paths).
    """
    summary = studies.summarise_grid(rows)
    table = studies.format_grid(summary)
    return table, write_results(folder, figure, table, {"summary": summary, "runs": rows})


def write_results(folder, figure, table, results):
    """Writes figure.png, figure.pdf, table.txt and results.json; returns the paths."""
    folder = pathlib.Path(folder)
    paths = [viz.save(figure, folder / f"figure.{suffix}") for suffix in ("png", "pdf")]
    atomic.write(folder / "table.txt", table)
    evaluation.write_json(folder / "results.json", results)
    return [*paths, folder / "table.txt", folder / "results.json"]
