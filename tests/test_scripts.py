"""The scripts from the command line, on a tiny run of the digits."""

import pathlib
import subprocess
import sys
import time

import pytest
from script_runs import loaded, run

from tfsp.run_directory import RunDirectory

ROOT = pathlib.Path(__file__).parents[1]


def run_process(script, *arguments):
    """In a process of its own."""
    command = [sys.executable, str(ROOT / "scripts" / f"{script}.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT)


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    path = tmp_path_factory.mktemp("scripts") / "run"
    run(
        "train",
        "--config=configs/vae/digits.py",
        "--config.prior.name=mixture",
        "--config.prior.num_components=5",
        "--config.train.epochs=2",
        "--config.train.steps_per_epoch=10",
        "--config.train.kl_warmup_epochs=0",
        f"--run_dir={path}",
    )
    return path


@pytest.mark.slow
def test_evaluate_prints_a_table_and_writes_json(run_dir):
    out = run("evaluate", f"--run_dir={run_dir},{run_dir}", "--num_samples=10").stdout
    each, spread = (line.split()[1:] for line in out.splitlines() if line.startswith("elbo "))
    assert each == [spread[0]] * 2
    assert spread[1:] == ["0.000", "2"]  # deviation and number of runs, the same one twice
    assert "digits" in out
    assert "dynamic" in out
    assert (run_dir / "metrics.json").exists()


@pytest.mark.slow
def test_evaluate_takes_tasks(run_dir):
    out = run(
        "evaluate",
        f"--run_dir={run_dir}",
        "--tasks=few_shot,retrieval,labelled_points",
        "--labels_per_class=1,10",
        "--num_label_sets=2",
    ).stdout
    for name in ("few_shot_1", "few_shot_10", "retrieval_auc", "labelled_points"):
        assert name in out
    assert "Beside the paper's" not in out  # it has no digits
    assert '"retrieval_precision"' in (run_dir / "metrics.json").read_text()
    wrong = run("evaluate", f"--run_dir={run_dir}", "--tasks=recall", check=False)
    assert wrong.returncode != 0
    assert "few_shot, retrieval, labelled_points" in wrong.stderr


@pytest.mark.slow
def test_visualize_writes_every_picture(run_dir):
    out = run("visualize", f"--run_dir={run_dir}", "--format=pdf").stdout
    names = {pathlib.Path(line).name for line in out.splitlines() if line.endswith(".pdf")}
    expected = [
        "reconstructions",
        "samples",
        "latent_map",
        "neighbours",
        "training_curves",
        "traversal",
    ]
    assert names == {f"{name}.pdf" for name in expected}
    for name in names:
        assert (run_dir / "figures" / name).stat().st_size > 2000


@pytest.mark.slow
def test_export_writes_a_saved_model_once(run_dir):
    assert "encode, decode, reconstruct" in run("export", f"--run_dir={run_dir}").stdout
    assert (run_dir / "export" / "saved_model.pb").exists()
    again = run("export", f"--run_dir={run_dir}", check=False)
    assert again.returncode != 0
    assert "exists already" in again.stderr


def test_another_config_in_the_same_folder_is_refused(run_dir):
    result = run(
        "train",
        "--config=configs/vae/digits.py",
        "--config.prior.name=vamp",
        f"--run_dir={run_dir}",
        check=False,
    )
    assert result.returncode != 0
    assert "prior.name: 'mixture' in the run, 'vamp' now" in result.stderr


@pytest.mark.slow
def test_help_of_a_process():
    result = run_process("train", "--help")
    assert "--run_dir" in result.stdout
    assert "config.prior.name: flow, loracs," in result.stdout
    assert "(no help available)" not in result.stdout


@pytest.mark.parametrize("script", ["train", "evaluate", "visualize", "explore", "export", "demo"])
def test_help_explains_each_flag(script):
    with loaded(script) as (_, values):
        assert "run_dir" in values
        for name in values:
            assert values[name].help, name


def test_show_config_needs_no_run_dir():
    out = run(
        "train",
        "--config=configs/vae/digits.py",
        "--config.train.epochs=7",
        "--strategy=mirrored",
        "--show_config",
    ).stdout
    assert "epochs: 7" in out
    assert "strategy: mirrored" in out


def test_sigterm_ends_a_run_with_a_sentence(tmp_path):
    run_dir = RunDirectory(tmp_path / "run")
    process = subprocess.Popen(
        [
            sys.executable,
            str(ROOT / "scripts" / "train.py"),
            f"--config={ROOT}/configs/vae/digits.py",
            "--config.train.epochs=10000",
            "--config.train.steps_per_epoch=2",
            "--config.train.jit_compile=False",
            f"--run_dir={run_dir.path}",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    while process.poll() is None and not run_dir.epochs():
        time.sleep(0.01)
    process.terminate()
    errors = process.communicate()[1]
    assert process.returncode == 143
    assert "Traceback" not in errors
    latest = run_dir.checkpoint("last")
    line = f"Stopped by SIGTERM: the last good checkpoint is {latest}."
    assert errors.splitlines()[-1] == line
    assert not [*run_dir.path.rglob("partial-*"), *run_dir.path.rglob("lock")]


def test_missing_data_is_explained(tmp_path):
    result = run_process(
        "train",
        "--config=configs/vae/mnist.py",
        f"--data_dir={tmp_path}",
        f"--run_dir={tmp_path}/run",
    )
    assert result.returncode != 0
    message = result.stderr.strip().splitlines()[-1]
    assert "data_dir" in message
    assert str(tmp_path) in message
    assert not (tmp_path / "run").exists()
