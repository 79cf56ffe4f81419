"""Tasks on a run directory: rows, what is kept, and errors before anything is computed."""

import dataclasses
import shutil
import types

import numpy as np
import pytest

from tfsp import evaluation, experiment, priors
from tfsp.config import default_config
from tfsp.evaluation import tasks as tasks_module
from tfsp.evaluation.tasks.few_shot import worthwhile

SIZES = dict(labels_per_class=[1, 5], num_label_sets=3, progress=False)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    path = tmp_path_factory.mktemp("tasks") / "run"
    config = default_config()
    config.data.update(train_size=300, validation_size=50, test_size=120)
    config.model.latent_dim = 4
    config.network.hidden = (16,)
    config.prior.update(name="vamp", num_components=12)
    config.train.update(batch_size=50, epochs=3, jit_compile=False, steps_per_execution=2)
    experiment.train(config, path, verbose=0)
    return path


@pytest.fixture
def run_dir(trained, tmp_path):
    """A copy, so that each test has a metrics.json of its own."""
    return shutil.copytree(trained, tmp_path / "run")


def rows_of(run_dir):
    return evaluation.read_json(run_dir / "metrics.json")["results"]


def test_tasks_are_the_functions_on_posterior_means(run_dir):
    tasks = ("retrieval", "few_shot", "labelled_points")
    row = evaluation.evaluate_run(run_dir, tasks=tasks, seed=3, **SIZES)
    model, config = experiment.load_run(run_dir)
    data = experiment.load_data(config)
    codes = {}
    for part in ("train", "test"):
        images, labels = data.arrays(part)
        assert set(np.unique(images)) == {0, 1}  # the fixed draws
        codes[part] = np.asarray(model.posterior(images).mean()), labels
    found = evaluation.retrieval(*codes["test"])
    assert row["retrieval_auc"] == pytest.approx(found["auc"], rel=1e-4)
    assert row["retrieval_map"] == pytest.approx(found["mean_average_precision"], rel=1e-4)
    np.testing.assert_allclose(row["retrieval_precision"], found["precision"], atol=2e-3)
    assert (row["retrieval_num_queries"], row["retrieval_num_left_out"]) == (120, 0)
    shots = evaluation.few_shot(*codes["train"], *codes["test"], [1, 5], 3, seed=3)
    for i, n in enumerate((1, 5)):
        assert row[f"few_shot_{n}"] == pytest.approx(shots["mean"][i], abs=0.01)
        assert row[f"few_shot_{n}_sd"] == pytest.approx(shots["standard_deviation"][i], abs=0.01)
        assert row[f"few_shot_{n}_num_labels"] == 10 * n
    assert row["few_shot_num_label_sets"] == 3
    assert row["few_shot_num_not_converged"] == 0
    points = evaluation.representatives(model)
    labels = evaluation.nearest_labels(points, *codes["train"], k=5)
    expected = evaluation.labelled_points(points, labels, *codes["test"])
    assert row["labelled_points"] == pytest.approx(expected["accuracy"], abs=0.02)
    assert row["labelled_points_count"] == 12
    assert "elbo" not in row
    assert "log_p" not in row
    assert rows_of(run_dir) == [row]


def test_later_tasks_add_to_the_row_and_lose_nothing(run_dir):
    def evaluate(*tasks, **settings):
        return evaluation.evaluate_run(run_dir, tasks=tasks, **{**SIZES, **settings})

    first = evaluate("few_shot")
    assert "few_shot_5" in first
    second = evaluate("bounds", "log_likelihood", num_samples=5)
    assert second == first | second
    assert {"elbo", "log_p", "few_shot_1", "active_units"} <= set(second)
    third = evaluate("retrieval")
    assert third == second | {k: v for k, v in third.items() if k.startswith("retrieval")}
    assert rows_of(run_dir) == [third]
    # Another S: a row of its own, with all that does not depend on S.
    other = evaluate("log_likelihood", num_samples=7)
    assert rows_of(run_dir) == [third, other]
    assert other["num_samples"] == 7
    assert other["log_p"] != third["log_p"]
    assert other["retrieval_auc"] == third["retrieval_auc"]
    # A task that is run again replaces its own results alone.
    again = evaluate("few_shot", labels_per_class=[2])
    assert "few_shot_1" not in again
    assert "few_shot_2" in again
    assert again["log_p"] == other["log_p"]
    assert rows_of(run_dir) == [third, again]
    without = evaluate("log_likelihood", num_samples=0)
    assert without["num_samples"] == 0
    assert not {"log_p", "standard_error", "bits_per_dimension"} & set(without)
    assert without["few_shot_2"] == again["few_shot_2"]
    # Other draws, other row.
    evaluate("retrieval", seed=1, checkpoint="last")
    assert len(rows_of(run_dir)) == 4
    table = evaluation.format_results(rows_of(run_dir))
    assert [line.split()[0] for line in table.splitlines()[2:5]] == [
        "data",
        "binarization",
        "prior",
    ]
    assert "retrieval_auc" in table
    assert "labelled_points" not in table


def test_results_of_a_checkpoint_that_was_trained_on_are_dropped(run_dir):
    old = evaluation.evaluate_run(run_dir, tasks=["retrieval"], progress=False)
    assert "<td" in old._repr_html_()
    assert old["steps"] in (6, 12, 18)  # the best of three epochs
    evaluation.write_json(run_dir / "metrics.json", {"results": [old | {"steps": 3}]})
    new = evaluation.evaluate_run(run_dir, tasks=["bounds"], progress=False)
    assert rows_of(run_dir) == [new]
    assert "retrieval_auc" not in new
    # A row from before steps were noted counts as the same.
    del old["steps"]
    evaluation.write_json(run_dir / "metrics.json", {"results": [old]})
    new = evaluation.evaluate_run(run_dir, tasks=["bounds"], progress=False)
    assert new["retrieval_auc"] == old["retrieval_auc"]


def test_sizes_follow_the_classes():
    labels = np.repeat([0, 1], [12, 25])
    assert worthwhile((1, 10, 20, 30, 40, 50), labels) == [1, 10, 20, 30]
    assert worthwhile((100,), labels) == [100]
    assert worthwhile((25, 5, 5, 26), labels) == [5, 25]


def replace(monkeypatch, name, function):
    """Another function in the place of a task's own."""
    task = dataclasses.replace(tasks_module.TASKS[name], function=function)
    monkeypatch.setitem(tasks_module.TASKS, name, task)


class FakeData:
    """A data set of which only the facts are known."""

    def __init__(self, name="digits", num_classes=10, label_shape=()):
        self.info = types.SimpleNamespace(name=name, num_classes=num_classes, source="a file")
        self._label_shape = label_shape

    def arrays(self, part, limit=None):
        return np.zeros((1, 4, 4, 1)), np.zeros((1, *self._label_shape), np.int32)


@pytest.mark.parametrize(
    ("task", "data", "message"),
    [
        ("fewshot", {}, "some of .*few_shot.*Received: 'fewshot'"),
        ("few_shot", dict(name="mine", num_classes=None), "needs labels, and the data set 'mine'"),
        ("retrieval", dict(label_shape=(40,)), r"one class for each image.*shape \[40\]"),
        ("labelled_points", {}, "needs a prior with points.*this run, 'normal', has none"),
    ],
)
def test_impossible_tasks_are_refused_before_anything_is_computed(task, data, message, monkeypatch):
    replace(monkeypatch, "bounds", lambda subject: {"elbo": 1.0})
    settings = {"evaluate": dict(num_samples=1, num_examples=0), "prior": dict(name="normal")}
    model = types.SimpleNamespace(prior=priors.NormalPrior(2))
    subject = tasks_module.Subject(model, settings, FakeData(**data))
    assert tasks_module.measure(subject, ["bounds"]) == {"bounds": {"elbo": 1.0}}
    if task in tasks_module.TASKS:
        replace(monkeypatch, task, lambda subject: pytest.fail("computed"))
        with pytest.warns(UserWarning, match=f"{task}' is left out.*{message}"):
            found = tasks_module.measure(subject, [task, "bounds"])
        assert found == {"bounds": {"elbo": 1.0}}
    else:
        replace(monkeypatch, "bounds", lambda subject: pytest.fail("computed"))
        with pytest.raises(ValueError, match=message):
            tasks_module.measure(subject, ["bounds", task])
    with pytest.raises(ValueError, match=message):
        tasks_module.measure(subject, [task])
    with pytest.raises(ValueError, match="Received: none"):
        tasks_module.measure(subject, [])


def test_a_task_that_fails_does_not_lose_the_others(run_dir, monkeypatch):
    old = evaluation.evaluate_run(run_dir, tasks=["retrieval"], progress=False)

    def fails(subject):
        raise ValueError("No two points share a label.")

    replace(monkeypatch, "retrieval", fails)
    with pytest.warns(UserWarning, match="'retrieval' is left out. No two points"):
        new = evaluation.evaluate_run(
            run_dir, tasks=["retrieval", "bounds", "tree"], progress=False
        )
    assert "elbo" in new
    assert new["retrieval_auc"] == old["retrieval_auc"]  # what was measured before is kept
    assert rows_of(run_dir) == [new]
    with pytest.raises(ValueError, match="No two points share a label"):
        evaluation.evaluate_run(run_dir, tasks=["retrieval"], progress=False)
    with pytest.raises(ValueError, match="(?s)'tree' needs a tree prior.*'chains' needs Gibbs"):
        evaluation.evaluate_run(run_dir, tasks=["tree", "chains"], progress=False)
    assert rows_of(run_dir) == [new]


@pytest.mark.slow
def test_every_column_of_the_table_is_written(run_dir):
    # A tree and points are tested with runs that have them; so is a share of the second of two.
    others = {"energy_distance"}
    others |= {n for n in tasks_module.columns() if n.startswith(("log_z", "chains", "tree_"))}
    others |= {"proportions_second", "proportions_learned_second"}
    impossible = ("tree", "energy_distance", "attributes", "chains")
    tasks = [task for task in tasks_module.names() if task not in impossible]
    row = evaluation.evaluate_run(
        run_dir, num_samples=2, tasks=tasks, labels_per_class=[1, 10, 100], progress=False
    )
    # Of 300 images no class has 100; the table may show it for larger data.
    assert set(tasks_module.columns()) - set(row) == others


def test_spread_over_runs():
    rows = [{"elbo": -3.0, "kl": 1.0, "data": "digits"}, {"elbo": -5.0, "log_p": -2.0, "kl": None}]
    lines = evaluation.format_spread(rows).splitlines()
    assert lines[0].split() == ["measure", "mean", "standard", "deviation", "runs"]
    assert [line.split() for line in lines[2:]] == [["elbo", "-4.000", "1.414", "2"]]
    line = evaluation.format_spread(rows[:1]).splitlines()[2]
    assert line.split() == ["elbo", "-3.000", "-", "1"]
    assert evaluation.format_spread([{"data": "digits"}]) == ""
