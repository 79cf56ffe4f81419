"""Files beside the code agree with it and with each other."""

import pathlib
import re
import tomllib

import yaml

from tfsp import __version__

ROOT = pathlib.Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
MAKEFILE = (ROOT / "Makefile").read_text()


def test_the_citation_is_of_this_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == __version__
    assert citation["license"] == PROJECT["project"]["license"]["text"]
    names = [author["name"] for author in citation["authors"]]
    assert names == [author["name"] for author in PROJECT["project"]["authors"]]


def test_the_change_log_has_this_version():
    headings = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert __version__ in headings
    assert headings[0] in ("Unreleased", __version__)


def test_commits_are_checked_by_what_make_lint_runs():
    lint = re.search(r"^lint:.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)[1]
    commands = re.findall(r"\$\(BIN\)/(.*)", lint)
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    hooks = [hook["entry"] for repo in config["repos"] for hook in repo["hooks"]]
    hooks = [entry.removeprefix(".venv/bin/").replace(" --force-exclude", "") for entry in hooks]
    assert hooks == [command.removesuffix(" .") for command in commands]


def test_the_versions_of_python_agree():
    project = PROJECT["project"]
    minors = [
        int(classifier.rpartition(".")[2])
        for classifier in project["classifiers"]
        if re.search(r"Python :: 3\.\d+", classifier)
    ]
    assert minors == list(range(minors[0], minors[-1] + 1))
    assert project["requires-python"] == f">=3.{minors[0]},<3.{minors[-1] + 1}"
    assert f"not (3, {minors[0]}) <= sys.version_info[:2] < (3, {minors[-1] + 1})" in MAKEFILE


def test_annotations_are_shipped():
    assert (ROOT / "tfsp" / "py.typed").exists()
    assert "py.typed" in PROJECT["tool"]["setuptools"]["package-data"]["tfsp"]


def test_links_of_the_contributors_guide_exist():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    for link in re.findall(r"\]\((\S+)\)", text):
        assert (ROOT / link).exists(), link
    for name in re.findall(r"`((?:tests|configs|scripts|tfsp|\.ci)/[\w./]+)`", text):
        if "yours" not in name:
            assert (ROOT / name).exists(), name
