"""Evaluation of a run directory: test results as JSON and as a table."""

from tfsp import experiment
from tfsp.evaluation.bounds import bounds
from tfsp.evaluation.latent import active_units, encode
from tfsp.evaluation.likelihood import log_likelihood
from tfsp.evaluation.report import format_table, read_json, write_json
from tfsp.run_directory import RunDirectory

_COLUMNS = (
    "data",
    "binarization",
    "prior",
    "elbo",
    "log_likelihood_term",
    "kl",
    "active_units",
    "log_p",
    "standard_error",
    "num_samples",
)


def format_results(rows):
    """Rows of `evaluate_run` as a plain-text table; what data they are on stands in each row."""
    return format_table(rows, _COLUMNS)


def evaluate_run(
    run_dir,
    data_dir=None,
    download=False,
    num_samples=None,
    num_examples=None,
    checkpoint="best",
    seed=0,
    progress=True,
):
    """Evaluates a run on its test data and adds the row to the run's `metrics.json`.

    Args:
      run_dir: the run's folder.
      data_dir, download: as in training; by default where the data were then.
      num_samples: S for log p(x); None takes the config's `evaluate.num_samples`, 0 leaves log
        p(x) out.
      num_examples: how many test examples log p(x) is estimated on; None takes the config's
        `evaluate.num_examples`; 0 means all.
      checkpoint: "best", "last" or an epoch.
      seed: of the draws.
      progress: show a progress bar.

    Returns: the row, a dict. Units: nats per example, but for `bits_per_dimension`.
      An earlier row of the same data, checkpoint, S and seed is replaced.
    """
    model, config = experiment.load_run(run_dir, checkpoint)
    run = RunDirectory(run_dir)
    data = experiment.load_data(config, data_dir or run.data_dir(), download)
    if num_samples is None:
        num_samples = config["evaluate"]["num_samples"]
    if num_examples is None:
        num_examples = config["evaluate"]["num_examples"]
    terms = bounds(model, data.test, seed)
    row = {
        "data": data.info.name,
        "split": data.info.split,
        "binarization": data.info.binarization,
        "model": config["model"]["name"],
        "prior": config["prior"]["name"],
        "checkpoint": checkpoint,
        "seed": seed,
        **terms,
        "active_units": active_units(encode(model, data.test)[0]),
    }
    row["log_likelihood_term"] = row.pop("log_likelihood")
    row["num_samples"] = num_samples if model.prior.is_density else 0
    if row["num_samples"]:
        test = data.arrays("test", limit=num_examples or None)[0]
        estimate = log_likelihood(model, test, num_samples, seed=seed, progress=progress)
        row["log_p_num_examples"] = estimate.pop("num_examples")
        row.update(estimate)
    results = read_json(run.metrics)["results"] if run.metrics.exists() else []
    key = ("data", "split", "binarization", "checkpoint", "seed", "num_samples")
    results = [old for old in results if any(old.get(k) != row.get(k) for k in key)]
    write_json(run.metrics, {"results": [*results, row]})
    return row
