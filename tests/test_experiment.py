"""From config to run directory: training, resuming, strategies, errors."""

import copy
import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
from marks import slow_but

from tfsp import atomic, callbacks, evaluation, experiment, registry
from tfsp.config import SECTIONS, default_config, of_run, to_dict
from tfsp.export import export_run
from tfsp.history_file import read_history
from tfsp.lock import InUseError
from tfsp.run_directory import RunDirectory

ROOT = pathlib.Path(__file__).parents[1]


def config(**train):
    settings = default_config()
    settings.data.update(train_size=200, validation_size=50, test_size=50)
    settings.model.latent_dim = 3
    settings.network.hidden = (16,)
    settings.train.update(
        batch_size=50, epochs=2, jit_compile=False, steps_per_execution=2, image_epochs=2
    )
    settings.train.update(train)
    return settings


def weights(run_dir, epoch):
    model = keras.saving.load_model(RunDirectory(run_dir).checkpoint_path(epoch))
    return [np.asarray(w) for w in [*model.weights, *model.optimizer.variables]]


def assert_same_weights(one, two):
    assert len(one) == len(two) > 10
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.graphs
@pytest.mark.parametrize(
    "prior",
    slow_but(
        [dict(name="vamp", num_components=5, start="data")],
        [
            dict(name="normal"),
            dict(name="mixture", num_components=5),
            dict(name="vamp", num_components=5, start="data"),
            dict(name="flow", hidden=(8,)),
        ],
    ),
    ids=lambda prior: prior["name"],
)
def test_two_and_two_epochs_equal_four_bit_for_bit(prior, tmp_path, monkeypatch):
    settings = config(epochs=4, kl_warmup_epochs=3, keep_checkpoints=0)
    settings.prior.update(prior)
    experiment.train(settings, tmp_path / "whole", verbose=0)

    class Killed(Exception):
        pass

    class Kill(callbacks.EpochLine):
        def on_train_batch_end(self, batch, logs=None):
            # In the middle of the third epoch.
            if self.model.optimizer.iterations.numpy() >= 10:
                raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(callbacks, "EpochLine", Kill)
        with pytest.raises(Killed):
            experiment.train(settings, tmp_path / "parts")
    assert RunDirectory(tmp_path / "parts").epochs() == [1, 2]
    keras.utils.set_random_seed(99)  # nothing may depend on the process's own seed
    experiment.train(settings, tmp_path / "parts", verbose=0)
    assert_same_weights(weights(tmp_path / "whole", 4), weights(tmp_path / "parts", 4))
    ours, theirs = (read_history(RunDirectory(tmp_path / n).history) for n in ("whole", "parts"))
    assert ours == theirs
    assert [row["epoch"] for row in ours] == [0, 1, 2, 3]


@pytest.mark.slow
def test_sigkill_and_resume_deterministically(tmp_path):
    """A real kill -9 in a real process; then the same command again.

    `test_faults` kills processes in `make test` too, though not the script.
    """
    command = [
        sys.executable,
        str(ROOT / "scripts/train.py"),
        f"--config={ROOT}/configs/vae/digits.py",
        "--config.train.epochs=6",
        "--config.train.steps_per_epoch=40",
        "--config.train.kl_warmup_epochs=2",
        "--config.train.keep_checkpoints=0",
        "--config.network.hidden=(16,)",
        "--deterministic",
    ]
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    process = subprocess.Popen(
        [*command, f"--run_dir={killed}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.time() + 120
    while len(RunDirectory(killed).epochs()) < 2 and time.time() < deadline:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert RunDirectory(killed).epochs()[:2] == [1, 2]
    for run_dir in (killed, whole):
        result = subprocess.run([*command, f"--run_dir={run_dir}"], capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
    assert_same_weights(weights(killed, 6), weights(whole, 6))


class Interrupt(callbacks.EpochLine):
    """Does something once, at the end of a batch; `train` prints its lines through this class."""

    step, action = 5, None

    def on_train_batch_end(self, batch, logs=None):
        super().on_train_batch_end(batch, logs)
        if self.action is not None and self.model.optimizer.iterations.numpy() == self.step:
            type(self).action(self.model)


@pytest.fixture
def interrupt(monkeypatch):
    """Has `train` do something after a step: `interrupt(step, action)`."""

    def at(step, action):
        once = type("Once", (Interrupt,), {"step": step, "action": staticmethod(action)})
        monkeypatch.setattr(callbacks, "EpochLine", once)

    return at


def test_one_process_trains_and_others_read(interrupt, tmp_path):
    """Each epoch has 4 steps of training; at step 6 there is one checkpoint."""
    settings, seen = config(epochs=2), []

    def meanwhile(model):
        with pytest.raises(InUseError, match=rf"run is being trained by process {os.getpid()} on"):
            experiment.train(settings, tmp_path / "run")
        for checkpoint in ("best", "last", 1):
            loaded, _ = experiment.load_run(tmp_path / "run", checkpoint)
            seen.append(int(loaded.optimizer.iterations))
        seen.append(len(experiment.history(tmp_path / "run")["elbo"]))

    interrupt(6, meanwhile)
    experiment.train(settings, tmp_path / "run")
    assert seen == [4, 4, 4, 1]
    assert RunDirectory(tmp_path / "run").epochs() == [1, 2]
    assert not (tmp_path / "run" / "lock").exists()


@pytest.mark.graphs
@pytest.mark.parametrize("validate", slow_but([True], [True, False]))
def test_what_the_last_update_of_an_epoch_ruined_is_not_saved(validate, interrupt, tmp_path):
    settings = config(epochs=3, keep_checkpoints=1, validate=validate)
    experiment.train(settings, tmp_path / "whole", verbose=0)
    run = RunDirectory(tmp_path / "run")

    def ruin(model):
        weight = model.trainable_weights[0]
        weight.assign(np.full(weight.shape, np.nan))

    interrupt(8, ruin)  # the last step of the second epoch
    with pytest.raises(callbacks.NonFiniteError) as caught:
        experiment.train(settings, run.path)
    assert "the last updates of epoch 2 made weights NaN or infinite" in str(caught.value)
    assert f"The last good checkpoint is {run.checkpoint_path(1)}." in str(caught.value)
    assert run.epochs() == [1]
    for which in ("last", "best"):
        model, _ = experiment.load_run(run.path, which)
        assert all(np.isfinite(w).all() for w in model.weights)
    experiment.train(settings, run.path, verbose=0)
    assert_same_weights(weights(tmp_path / "whole", 3), weights(run.path, 3))


@pytest.mark.parametrize("how", slow_but(["full"], ["interrupt", "full"]))
def test_what_stops_a_run_says_how_much_is_kept(how, interrupt, tmp_path):
    settings = config(epochs=3)
    experiment.train(settings, tmp_path / "whole", verbose=0)
    run = RunDirectory(tmp_path / "run")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def stop(model):
        if how == "interrupt":
            raise KeyboardInterrupt
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))  # less than a checkpoint

    for step, kept in (
        (2, "no epoch was completed"),
        (6, f"last good .* {run.checkpoint_path(1)}"),
    ):
        interrupt(step, stop)
        try:
            with pytest.raises((KeyboardInterrupt, atomic.WriteError), match=f"(?i){kept}") as c:
                experiment.train(settings, run.path)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        if how == "full":
            assert "could not be written: File too large. Raise the limit" in str(c.value)
            assert str(c.value).endswith("The same command goes on from there once it can write.")
        assert not [*run.path.rglob("partial-*"), *run.path.rglob("lock")]
    interrupt(0, None)
    experiment.train(settings, run.path)
    assert_same_weights(weights(tmp_path / "whole", 3), weights(run.path, 3))


def test_damaged_files_of_a_run(tmp_path):
    """The run goes on from what is whole, and ends as if nothing had happened."""
    settings = config(epochs=3, keep_checkpoints=2)
    whole, run = RunDirectory(tmp_path / "whole"), RunDirectory(tmp_path / "run")
    experiment.train(settings, whole.path, verbose=0)
    shutil.copytree(whole.path, run.path)
    latest = run.checkpoint_path(3)
    latest.write_bytes(latest.read_bytes()[:-1000])
    run.history.write_text("epoch\n0\n")
    with pytest.warns(UserWarning, match="goes on after epoch 2, from epoch-00002") as caught:
        experiment.train(settings, run.path, verbose=0)
    assert sum("history.csv does not hold the 2 epochs" in str(w.message) for w in caught) == 1
    assert_same_weights(weights(whole.path, 3), weights(run.path, 3))
    assert whole.history.read_bytes() == run.history.read_bytes()
    for which in ("best", "last"):
        one, two = (experiment.load_run(r.path, which)[0].get_weights() for r in (whole, run))
        assert all(map(np.array_equal, one, two))
    run.history.unlink()
    with pytest.warns(UserWarning, match="history.csv is lost. epoch-00003.keras is read"):
        assert experiment.history(run.path) == experiment.history(whole.path)
    content = json.loads((run.path / "config.json").read_text())
    del content["data"]
    (run.path / "config.json").write_text(json.dumps(content))
    for use in (experiment.load_run, lambda path: experiment.train(settings, path)):
        with pytest.raises(ValueError, match=f"{run.path}/config.json lacks data: it is damaged"):
            use(run.path)


def test_names_of_runs_that_cannot_be(tmp_path):
    (tmp_path / "file").touch()
    for name in ("x" * 300, "file", "file/run"):
        with pytest.raises(OSError, match="name too long|Not a directory"):
            experiment.train(config(), tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_finished_run_is_left_as_it_is(tmp_path, capsys):
    experiment.train(config(), tmp_path / "run", verbose=0)
    times = {p: p.stat().st_mtime_ns for p in (tmp_path / "run").rglob("*") if p.is_file()}
    experiment.train(config(), tmp_path / "run")
    assert "complete after 2 epochs" in capsys.readouterr().out
    assert times == {p: p.stat().st_mtime_ns for p in (tmp_path / "run").rglob("*") if p.is_file()}


def test_early_stopping_ends_a_run_for_good(tmp_path, capsys):
    settings = config(epochs=50, patience=2, learning_rate=0.0, final_learning_rate=0.0)
    experiment.train(settings, tmp_path / "run", verbose=0)
    done = RunDirectory(tmp_path / "run").epochs()[-1]
    assert done < 50
    RunDirectory(tmp_path / "run").history.unlink()  # the checkpoints remember
    with pytest.warns(UserWarning, match="history.csv does not hold"):
        experiment.train(settings, tmp_path / "run")
    assert RunDirectory(tmp_path / "run").epochs()[-1] == done
    assert "complete" in capsys.readouterr().out


def test_checkpoints_keep_the_last_and_the_best(tmp_path):
    experiment.train(config(epochs=4, keep_checkpoints=2), tmp_path / "run", verbose=0)
    run = RunDirectory(tmp_path / "run")
    assert run.epochs() == [3, 4]
    rows = read_history(run.history)
    best, _ = experiment.load_run(run.path, "best")
    epoch = int(np.argmax([row["val_elbo"] for row in rows]))
    steps = 4 * (epoch + 1)
    assert best.optimizer.iterations.numpy() == steps
    assert not list(run.checkpoints.glob("partial*"))


def test_nan_keeps_the_last_good_checkpoint(tmp_path):
    settings = config(epochs=30, learning_rate=1e30, steps_per_execution=1, keep_checkpoints=0)
    settings.likelihood.name = "gaussian"
    with pytest.raises(callbacks.NonFiniteError, match="became NaN or infinite at training step"):
        experiment.train(settings, tmp_path / "run", verbose=0)
    run = RunDirectory(tmp_path / "run")
    for epoch in run.epochs():
        model, _ = experiment.load_run(run.path, epoch)
        assert all(np.isfinite(w).all() for w in model.weights)


def test_learning_rate_falls_for_the_last_part(tmp_path):
    settings = config(epochs=5, final_fraction=0.4, final_learning_rate=1e-6)
    experiment.train(settings, tmp_path / "run", verbose=0)
    rates = [row["learning_rate"] for row in read_history(RunDirectory(tmp_path / "run").history)]
    np.testing.assert_allclose(rates, [1e-3, 1e-3, 1e-3, 1e-6, 1e-6], rtol=1e-5)


@pytest.mark.parametrize(
    ("train", "message"),
    [
        (
            {"strategy": "magic"},
            "`train.strategy` must be one of default, mirrored, multi_worker.*'magic'",
        ),
        ({"precision": "fp16"}, "`train.precision` must be one of float32.*'fp16'"),
        ({"epochs": 0}, "`train.epochs` must be a positive integer. Received: 0"),
        ({"image_epochs": -1}, "`train.image_epochs` must be a non-negative integer.*: -1"),
        ({"learning_rate": -1.0}, "`train.learning_rate` must be a non-negative number.*: -1.0"),
        ({"kl_start": 1.5}, r"`train.kl_start` must be a number in \[0, 1\].*: 1.5"),
        ({"patience": 3, "validate": False}, "needs `train.validate`"),
    ],
)
def test_settings_that_cannot_be(train, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        experiment.train(config(**train), tmp_path / "run", verbose=0)


def test_unknown_settings_are_refused(tmp_path):
    with pytest.raises(ValueError, match="Unknown setting 'trian'. Known: .*train"):
        to_dict({"trian": {}})
    with pytest.raises(ValueError, match=r"Unknown setting train\.epoch\. Known: .*epochs"):
        to_dict({"train": {"epoch": 3}})
    settings = config().to_dict()
    settings["prior"]["components"] = 3
    with pytest.raises(ValueError, match="'normal' does not take 'components'"):
        experiment.train(settings, tmp_path / "run", verbose=0)


@pytest.mark.parametrize(
    ("section", "settings", "message"),
    [
        ("prior", dict(name="vamp", num_flows=7), "'vamp' does not take 'num_flows'.*num_comp"),
        ("prior", dict(num_components=7), "'normal' does not take 'num_components'.*dtype"),
        ("network", dict(name="loracs_conv", gated=True), "'loracs_conv' does not take 'gated'"),
        ("likelihood", dict(scale="pixel"), "'bernoulli' does not take 'scale'"),
        ("mapping", dict(num_holes=3), "'identity' does not take 'num_holes'"),
        ("model", dict(name="discrete_vae", posterior_covariance="full"), "'discrete_vae' does"),
    ],
)
def test_settings_that_the_named_class_does_not_take(section, settings, message):
    given = default_config()
    given[section].update(settings)
    given = to_dict(given)
    for call in (experiment.check_names, lambda c: experiment.build_model(c, (8, 8, 1))):
        with pytest.raises(ValueError, match=message):
            call(given)


@pytest.mark.parametrize("model", ["cp_vae", "gm_vae", "graph_vae", "sparse_vae", "discrete_vae"])
def test_a_prior_of_a_model_that_has_its_own_is_refused(model):
    given = default_config()
    given.model.name, given.prior.name = model, "vamp"
    given = to_dict(given)
    for call in (experiment.check_names, lambda c: experiment.build_model(c, (8, 8, 1))):
        with pytest.raises(
            ValueError, match=rf"{model}' takes no prior, .*'vamp'. Set .*'vae', or"
        ):
            call(given)


def test_a_section_holds_the_settings_of_the_class_that_it_names():
    given = default_config()
    assert given.prior.to_dict() == {"name": "normal"}
    given.prior.name = "vamp"
    assert given.prior.to_dict() == dict(
        name="vamp", num_components=500, start="noise", bounded=True, learned=True
    )
    given.prior.update(num_components=5, name="mixture")  # the name counts first
    assert given.prior.num_components == 5
    assert "bounded" not in given.prior
    given.prior.name = "vamp"
    assert given.prior.num_components == 5  # set to no default: both take it
    for copied in (copy.deepcopy(given), given.copy_and_resolve_references()):
        copied.prior.name = "normal"
        assert copied.prior.to_dict() == {"name": "normal"}
    model = experiment.build_model(to_dict(given), (8, 8, 1))
    assert model.prior.num_components == 5


@pytest.mark.parametrize("section", SECTIONS)
def test_what_a_section_leaves_out_stands_at_the_default_of_the_constructor(section):
    """One source of defaults: the signatures."""
    for name in SECTIONS[section].names():
        settings = default_config()
        settings[section].name = name
        for _ in range(2):  # filled by `Section`, then by `to_dict`
            filled = to_dict(settings)[section]
            assert next(iter(filled)) == "name"
            standing = registry.defaults(SECTIONS[section].get(name))
            del filled["name"]
            for key, value in filled.items():
                assert value == standing[key] or (key, value) == ("latent_dim", 40)
            settings = {section: {"name": name}}


def test_the_default_parts_are_those_that_the_model_takes():
    names = [default_config(model) for model in ("vae", "graph_vae", "tmc_vae", "cp_vae")]
    names = [(c.model.name, c.model.latent_dim, c.network.name, c.prior.name) for c in names]
    assert names == [
        ("vae", 40, "mlp", "normal"),
        ("graph_vae", 80, "graph_vae_mlp", "normal"),
        ("tmc_vae", 40, "mlp", "tmc"),
        ("cp_vae", 40, "mlp", "normal"),
    ]


@pytest.mark.parametrize("prior", ["flow", "loracs", "vamp", "tmc"])
def test_parts_are_made_in_the_dtype_of_the_model(prior):
    given = config(precision="float64")
    given.prior.name = prior
    given.model.update(name="intel_vae")
    given.mapping.name = "selector"
    model = experiment.build_model(to_dict(given), (8, 8, 1))
    floating = [w.dtype for w in model.weights if w.dtype.startswith("float")]
    assert set(floating) == {"float64"}


def test_a_part_starts_from_the_seed_of_the_run_unless_its_section_sets_one():
    given = config()
    given.seed = 7
    given.prior.update(name="vamp", num_components=5)
    for seed in (7, 3):
        made = experiment.make_model(to_dict(given))
        assert (made.prior.get_config()["seed"], made.get_config()["seed"]) == (seed, 7)
        given.prior.seed = 3


def test_a_run_that_holds_the_settings_of_all_classes_is_taken_up(tmp_path):
    """So runs were kept until sections held those of one class; some with a section `presets`."""
    settings = config()
    settings.prior.update(name="vamp", num_components=5)
    now, run = to_dict(settings), RunDirectory(tmp_path / "run", of_run)
    old = json.loads(json.dumps(now))
    del old["prior"]["bounded"], old["model"]["decoder"], old["data"]["errors"]  # came later
    old["prior"] |= {"num_flows": 7, "hidden": [8], "num_inducing": 200}
    old["mapping"] |= {"epsilon": 0.001, "num_sectors": [2]}
    old["presets"] = {"prior": {"hidden": [8]}}
    run.start(old)
    run.checkpoint_path(1).touch()
    run.check(now)
    assert of_run(run.config()) == json.loads(json.dumps(now))
    settings.prior.num_components = 6
    with pytest.raises(ValueError, match=r"prior\.num_components: 5 in the run, 6 now"):
        run.check(to_dict(settings))


def test_warm_up_longer_than_the_run_is_told(tmp_path):
    with pytest.warns(UserWarning, match="takes 5 epochs, the run only 2"):
        experiment.train(config(kl_warmup_epochs=5), tmp_path / "run", verbose=0)


@pytest.mark.slow
@pytest.mark.graphs
@pytest.mark.parametrize(
    "setting", ["mirrored", "bfloat16", "float64", "clip", "xla", "iwae", "gated"]
)
def test_variants_train_and_resume(setting, tmp_path):
    settings = config(keep_checkpoints=0)
    if setting == "mirrored":
        settings.train.strategy = "mirrored"
    elif setting == "bfloat16":
        settings.train.precision = "mixed_bfloat16"
    elif setting == "float64":
        settings.train.precision = "float64"
    elif setting == "clip":
        settings.train.clip_norm = 1.0
    elif setting == "xla":
        settings.train.jit_compile = True
    elif setting == "iwae":
        settings.model.update(objective="iwae", num_samples=3)
    elif setting == "gated":
        settings.network.gated = True
    experiment.train(settings, tmp_path / "run", verbose=0)
    run = RunDirectory(tmp_path / "run")
    rows = read_history(run.history)
    assert np.isfinite([row["val_elbo"] for row in rows]).all()
    run.checkpoint_path(2).unlink()
    model = experiment.train(settings, tmp_path / "run", verbose=0)
    assert run.epochs() == [1, 2]
    if setting == "clip":
        assert model.optimizer.clipnorm == 1.0
    if setting == "float64":
        assert {"float64"} == {w.dtype for w in model.trainable_weights}
        row = evaluation.evaluate_run(tmp_path / "run", num_samples=5, progress=False)
        assert np.isfinite([row["log_p"], row["elbo"]]).all()
    if setting == "bfloat16":
        assert model.encoder.layers[-2].compute_dtype == "bfloat16"


@pytest.mark.slow
@pytest.mark.graphs
def test_mirrored_mean_matches_single_device(tmp_path):
    """Same seeds, no noise (prior none): the curves of one and two devices agree."""
    curves = []
    for name in ("default", "mirrored"):
        settings = config(strategy=name)
        settings.prior.name = "none"
        experiment.train(settings, tmp_path / name, verbose=0)
        curves.append(experiment.history(tmp_path / name)["val_elbo"])
    np.testing.assert_allclose(*curves, rtol=1e-4)


def test_results_are_kept_by_what_they_measure(tmp_path):
    experiment.train(config(), tmp_path / "run", verbose=0)
    first = evaluation.evaluate_run(tmp_path / "run", num_samples=5, progress=False)
    again = evaluation.evaluate_run(tmp_path / "run", num_samples=5, progress=False)
    assert first == again
    other = evaluation.evaluate_run(
        tmp_path / "run", num_samples=10, num_examples=20, checkpoint="last", progress=False
    )
    rows = evaluation.read_json(tmp_path / "run" / "metrics.json")["results"]
    assert rows == [again, other]
    assert other["log_p_num_examples"] == 20
    assert first["binarization"] == "dynamic"
    assert first["log_p"] > first["elbo"] - 4 * first["elbo_standard_error"]
    assert first["elbo"] == pytest.approx(first["log_likelihood_term"] - first["kl"])
    table = evaluation.format_results(rows)
    lines = [line.split() for line in table.splitlines()]  # too wide for a line for each run
    assert lines[0] == ["measure", "run", "1", "run", "2"]
    assert ["binarization", "dynamic", "dynamic"] in lines
    assert ["num_samples", "5", "10"] in lines


def test_a_plain_autoencoder_is_evaluated_without_log_p(tmp_path):
    settings = config()
    settings.prior.name = "none"
    experiment.train(settings, tmp_path / "run", verbose=0)
    row = evaluation.evaluate_run(tmp_path / "run", progress=False)
    assert row["kl"] == 0.0
    assert "log_p" not in row
    _, signatures = export_run(tmp_path / "run")
    assert signatures == ["encode", "decode", "reconstruct"]


def test_a_run_of_an_earlier_version_resumes(tmp_path):
    """`golden/run-0.1.0.json` is the config.json that version 0.1.0 wrote for these settings."""
    run = RunDirectory(tmp_path / "run")
    experiment.train(config(epochs=1), run.path, verbose=0)
    before = pathlib.Path(ROOT / "tests/golden/run-0.1.0.json").read_text()
    (run.path / "config.json").write_text(before)
    experiment.train(config(epochs=1), run.path, verbose=0)  # complete: nothing is trained
    assert experiment.load_run(run.path)[1]["model"]["latent_dim"] == 3
    (run.path / "config.json").write_text(before.replace('"seed": 0', '"seed": 1'))
    with pytest.raises(ValueError, match="seed: 1 in the run, 0 now"):
        experiment.train(config(epochs=1), run.path, verbose=0)
