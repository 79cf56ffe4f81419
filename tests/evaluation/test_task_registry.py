"""A task is one file, found in the registry, the help, the checks, the tables and the docs."""

import pathlib
import sys
import types

import numpy as np
import pytest
from script_runs import loaded

from tfsp import evaluation, models, networks
from tfsp.evaluation import needs, tasks

ROOT = pathlib.Path(__file__).parents[2]
COLOURS = '''"""The task "colours"."""

from tfsp.evaluation.tasks.registry import register


@register("colours", needs=("density", "palette"), columns=("colours_mean",), place=5.5)
def of_subject(subject):
    """Mean colour of samples.

    `colours_mean` is about ink.
    """
    return {"colours_mean": 0.25, "colours_note": "ink"}
'''


@pytest.fixture
def colours(tmp_path, monkeypatch):
    """A task in a file of its own, there for one test."""
    (tmp_path / "colours.py").write_text(COLOURS)
    monkeypatch.setattr(tasks, "__path__", [*tasks.__path__, str(tmp_path)])
    before = dict(tasks.TASKS)
    tasks.discover()
    yield
    tasks.TASKS.clear()
    tasks.TASKS.update(before)
    del sys.modules["tfsp.evaluation.tasks.colours"], tasks.colours


def subject(model):
    config = {"evaluate": dict(num_samples=1, num_examples=0), "model": dict(name="vae")}
    config["prior"] = dict(name="normal")
    return tasks.Subject(model, config, data=None)


def help_of_script():
    """The help of the flag --tasks of scripts/evaluate.py."""
    with loaded("evaluate") as (_, flags):
        return flags["tasks"].help


@pytest.mark.usefixtures("colours")
def test_a_task_is_one_file():
    names = tasks.names()
    assert names[names.index("colours") - 1 :][:3] == ["labelled_points", "colours", "tree"]
    assert "colours: Mean colour of samples." in help_of_script()
    page = tasks.markdown()
    row = "| `colours` | Mean colour of samples. | density, palette | no | `colours_mean` |"
    assert row in page.splitlines()
    assert "### colours\n\n`colours_mean` is about ink.\n" in page
    table = evaluation.format_results([{"colours_mean": 0.25}])
    assert "colours_mean" in table.splitlines()[0]
    assert tasks.owner("colours_note") == "colours"
    # What it needs is checked before anything is computed: here a capability nobody has heard of.
    model = models.VAE(networks.MLP(hidden=(4,)), latent_dim=2)
    with pytest.raises(ValueError, match="'colours' needs 'palette', which is not among the capa"):
        tasks.check(subject(model), ["colours"])
    model.capabilities = model.capabilities | {"palette"}
    assert tasks.measure(subject(model), ["colours"])["colours"]["colours_mean"] == 0.25


def test_the_page_of_the_docs_is_that_of_the_registry():
    written = (ROOT / "docs" / "tasks.md").read_text()
    assert written == tasks.markdown(), "make it anew, by the command that stands in it"


def test_every_task_is_a_file_with_its_name_and_a_line_of_help():
    folder = pathlib.Path(tasks.__file__).parent
    help_lines = tasks.flag_help().splitlines()
    for name in tasks.names():
        task = tasks.TASKS[name]
        assert (folder / f"{name}.py").exists()
        assert task.help.endswith(".")
        assert f"{name}: {task.help}" in help_lines
        assert set(task.needs) <= set(needs.NEEDS)  # a capability alone is for tasks to come
    assert tasks.default_names() == ("bounds", "log_likelihood")


def test_owners_of_keys():
    """A task owns its name and what begins with it; the longest name wins, terms have no owner."""
    for key, owner in {
        "retrieval_auc": "retrieval",
        "sparsity": "sparsity",
        "log_p": "log_likelihood",
        "num_samples": "log_likelihood",
        "log_likelihood_term": None,
        "log_z": None,
        "elbo": None,
        "treeish": None,
    }.items():
        assert tasks.owner(key) == owner
    for name, task in tasks.TASKS.items():
        if not task.default:
            assert {tasks.owner(key) for key in task.columns} <= {name}
    assert tasks.columns()[:6] == (
        "elbo",
        "log_likelihood_term",
        "kl",
        "active_units",
        "log_p",
        "standard_error",
    )


def test_the_longest_name_owns_a_key(monkeypatch):
    def depth(subject):
        """Depth of a tree."""

    monkeypatch.setitem(tasks.TASKS, "tree_depth", tasks.Task("tree_depth", depth))
    assert tasks.owner("tree_depth_mean") == "tree_depth"
    assert tasks.owner("tree_purity") == "tree"


def test_a_name_is_taken_once_and_help_is_asked_for():
    with pytest.raises(ValueError, match="task name 'tree' is taken"):
        tasks.register("tree")(test_owners_of_keys)
    with pytest.raises(ValueError, match="'bare' needs a docstring"):
        tasks.register("bare")(lambda subject: {})
    assert "bare" not in tasks.TASKS


def test_needs_imply_labels_and_data_come_first():
    assert needs.complete(["tree", "classes"]) == ("labels", "classes", "tree")
    assert needs.complete(["density"]) == ("density",)
    info = types.SimpleNamespace(num_classes=None, name="mine", source="a file")
    run = types.SimpleNamespace(
        data=types.SimpleNamespace(info=info, arrays=lambda *_, **__: (None, np.zeros(1))),
        model=types.SimpleNamespace(capabilities={"graph"}),
        config={"model": dict(name="vae")},
    )
    assert needs.missing(run, ["graph"]) == ""
    assert needs.missing(run, ["classes", "mapping"]).startswith("needs labels")
    assert "'mapping', which is not among" in needs.missing(run, ["mapping"])
