"""What README says is true: its code runs and prints what stands there, its links exist."""

import contextlib
import io
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def printed_by(code):
    """The text that stands next below a block of code."""
    return re.search(r"```text\n(.*?)```", README.partition(code)[2], re.DOTALL)[1]


def run(code, folder):
    """What `code` prints, in this folder."""
    printed = io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(printed):
        exec(compile(code, "README.md", "exec"), {"__name__": "__main__"})
    return printed.getvalue()


def run_process(code, folder):
    """What `code` prints in a process of its own, in this folder."""
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=folder
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.slow
def test_the_ten_lines_print_what_stands_there(tmp_path):
    code = blocks("python")[0]
    expected = printed_by(code)
    assert len(code.strip().splitlines()) <= 12
    printed = run_process(code, tmp_path)
    number = r"-?\d+\.\d+"
    ours, theirs = printed.strip(), expected.strip()
    assert re.sub(number, "#", ours) == re.sub(number, "#", theirs)
    for a, b in zip(re.findall(number, ours), re.findall(number, theirs), strict=True):
        # Another processor rounds differently and trains to slightly other weights.
        assert abs(float(a) - float(b)) < 0.5
    assert (tmp_path / "samples.png").exists()
    assert (tmp_path / "served" / "saved_model.pb").exists()


@pytest.mark.slow
def test_the_tree_prints_what_stands_there(tmp_path):
    code = next(block for block in blocks("python") if "run_chains" in block)
    expected = printed_by(code)
    printed = run(code, tmp_path)
    number = r"-?\d+(?:\.\d+)?"
    ours, theirs = re.findall(number, printed), re.findall(number, expected)
    # One draw of the posterior: its log joint spreads by 25 nats, its purity by 0.04; five of each.
    assert abs(float(ours[0]) - float(theirs[0])) < 125
    assert abs(float(ours[1]) - float(theirs[1])) < 0.2
    assert (tmp_path / "iris.png").exists()


@pytest.mark.slow
def test_the_tree_of_digits_prints_what_stands_there(tmp_path):
    code = next(block for block in blocks("python") if "loracs" in block)
    expected = printed_by(code)
    assert "epochs=60" in code  # enough to be worth a look; here it is enough to run
    code = code.replace("epochs=60", "epochs=22")
    printed = run(code, tmp_path)
    assert printed == expected


@pytest.mark.slow
def test_the_star_prints_what_stands_there(tmp_path):
    code = next(block for block in blocks("python") if "InteLVAE(" in block)
    code += next(block for block in blocks("python") if "bijectors.Sectors" in block)
    printed = run(code, tmp_path)
    radius, distance, shape = printed.strip().splitlines()
    assert abs(float(radius.split()[-1]) - 1) < 0.01
    # Four seeds gave .002 to .006; all mass in the middle gives .46.
    assert -0.01 < float(distance.split()[-1]) < 0.05
    assert shape == "(4,)"


@pytest.mark.slow
def test_the_discrete_vae_prints_what_stands_there(tmp_path):
    code = next(block for block in blocks("python") if "DiscreteVAE" in block)
    expected = printed_by(code)
    assert "epochs=30" in code  # here a few are enough to run
    code = code.replace("epochs=30", "epochs=3").replace("num_samples=1000", "num_samples=10")
    printed = run(code, tmp_path)
    number = r"-?\d+\.\d+"
    assert re.sub(number, "#", printed) == re.sub(number, "#", expected)
    assert (tmp_path / "chains.png").exists()


@pytest.mark.slow
def test_the_categories_print_what_stands_there(tmp_path):
    code = next(block for block in blocks("python") if "CPVAE(" in block)
    expected = printed_by(code)
    assert "start_epoch=60" in code
    assert "epochs=120" in code  # here a few are enough to run
    code = code.replace("start_epoch=60", "start_epoch=2").replace("epochs=120", "epochs=4")
    printed = run(code, tmp_path)
    number = r"\d+\.\d+"
    assert re.sub(number, "#", printed) == re.sub(number, "#", expected)
    assert (tmp_path / "categories.png").exists()


@pytest.mark.slow
def test_the_graph_prints_what_stands_there(tmp_path):
    code = next(block for block in blocks("python") if "GraphVAE(" in block)
    expected = printed_by(code)
    assert "epochs=80" in code
    code = code.replace("epochs=80", "epochs=2").replace("epochs=10", "epochs=1")
    printed = run(code, tmp_path)
    shape, _, _ = printed.strip().partition(":")  # which edges takes more epochs
    assert shape == "LatentGraph(4 nodes of size 5"
    assert shape in expected
    assert (tmp_path / "graph.png").exists()


def test_pictures_and_files_named_exist():
    prose = re.sub(r"```.*?```", "", README, flags=re.DOTALL)
    for path in re.findall(r"\]\((?!http)([^)]+)\)", prose):
        assert (ROOT / path).exists(), path
    for path in re.findall(r"(?:scripts|configs)/[\w/]+\.py", README):
        assert (ROOT / path).exists(), path


def test_make_targets_named_exist():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"^make (\w+)", README, re.MULTILINE))
    assert {"demo", "test"} <= named <= targets


def test_registered_names_are_in_the_readme():
    from tfsp import likelihoods, networks, priors

    for name in [*priors.names(), *likelihoods.names(), *networks.names()]:
        assert f"`{name}`" in README, name


def test_glossary_is_short_and_there():
    text = (ROOT / "GLOSSARY.md").read_text()
    assert len(text.splitlines()) < 100
    for letter in "BSDKNVEQ":
        assert f"| {letter} |" in text
