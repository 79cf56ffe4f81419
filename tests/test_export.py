"""SavedModels: right answers in a process that cannot import tfsp, for any batch size."""

import json
import pathlib
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from marks import slow_but

from tfsp import experiment, models, networks, priors
from tfsp.export import describe, export_run

TINY = {
    "flow": {"hidden": (8,)},
    "mixture": {"num_components": 3},
    "vamp": {"num_components": 4},
}

# Blocks tfsp and everything that only it needs: what is left is TensorFlow and NumPy.
CLIENT = """
    import sys, json
    for blocked in ("tfsp", "keras", "tf_keras", "tensorflow_probability"):
        sys.modules[blocked] = None
    import numpy as np, tensorflow as tf

    def answers(folder, data):
        served = tf.saved_model.load(folder)
        x = tf.constant(np.load(data))
        f = served.signatures
        out = {"signatures": sorted(f)}
        out["encode"] = f["encode"](images=x)["latent"].numpy().tolist()
        out["decode"] = f["decode"](latent=tf.constant(out["encode"]))["mean"].numpy().tolist()
        out["reconstruct"] = f["reconstruct"](images=x[:1])["mean"].numpy().tolist()
        if "sample" in f:
            draw = lambda n, s: f["sample"](num_samples=tf.constant(n), seed=tf.constant(s))["mean"]
            out["sample"] = draw(3, 7).numpy().tolist()
            out["same"] = bool(np.all(draw(3, 7) == draw(3, 7)))
            out["other"] = bool(np.any(draw(3, 7) != draw(3, 8)))
            bound = f["log_likelihood"](images=x, num_samples=tf.constant(120), seed=tf.constant(5))
            out["log_prob"] = bound["log_prob"].numpy().tolist()
            out["variance"] = bound["variance"].numpy().tolist()
        return out

    for line in sys.stdin:
        print(json.dumps(answers(*json.loads(line))), flush=True)
"""


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """`ask(folder, x)`: what `CLIENT` finds out; one process for all, which never sees tfsp."""
    folder = tmp_path_factory.mktemp("client")
    command = [sys.executable, "-c", textwrap.dedent(CLIENT)]
    with (
        open(folder / "errors", "w") as errors,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
        ) as process,
    ):

        def ask(served, x):
            np.save(folder / "x.npy", x)
            process.stdin.write(json.dumps([str(served), str(folder / "x.npy")]) + "\n")
            process.stdin.flush()
            answer = process.stdout.readline()
            assert answer, (folder / "errors").read_text()
            return json.loads(answer)

        yield ask
        process.stdin.close()


@pytest.mark.parametrize("prior", slow_but(["normal", "loracs"], priors.names()))
def test_served_without_tfsp(prior, binary_images, tmp_path, client):
    model = models.VAE(
        networks.MLP(hidden=(16,)),
        prior={"name": prior, **TINY.get(prior, {})},
        latent_dim=3,
        seed=0,
    )
    model.compile()
    model.fit(binary_images, epochs=1, verbose=0)
    signatures = model.export(tmp_path / "served")
    out = client(tmp_path / "served", binary_images[:5])
    assert {*signatures, "serving_default"} == set(out["signatures"])
    usual = ["encode", "decode", "reconstruct", "sample", "log_likelihood"]
    assert signatures == usual[: 3 if prior == "none" else 5]  # no tree has started
    x = binary_images[:5]
    close = dict(rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(out["encode"], model.encode(x), **close)
    np.testing.assert_allclose(out["decode"], model.decode(model.encode(x)).mean(), **close)
    np.testing.assert_allclose(out["reconstruct"], model.reconstruct(x[:1]), **close)
    if prior == "none":
        assert not {"sample", "log_likelihood"} & set(out["signatures"])
        return
    np.testing.assert_allclose(out["sample"], model.sample(3, seed=7), **close)
    assert out["same"]
    assert out["other"]
    expected = models.importance_log_prob(model, x, 120, chunk_size=50, seed=5)
    np.testing.assert_allclose(out["log_prob"], expected["log_prob"], rtol=1e-4)
    np.testing.assert_allclose(out["variance"], expected["variance"], rtol=1e-2)


@pytest.mark.slow
def test_a_discrete_vae_is_served_with_log_z_anew(binary_images, tmp_path, monkeypatch, client):
    """A run whose log Z is not of its weights: what is served has the exact one."""
    model = models.DiscreteVAE(
        networks.MLP(hidden=(8,)),
        latent_dim=6,
        num_groups=2,
        num_chains=7,
        num_sweeps=3,
        num_continuous_layers=1,
        continuous_size=2,
        seed=0,
    )
    model.build((None, 8, 8, 1))
    rng = np.random.default_rng(0)
    model.prior.couplings.assign(rng.normal(size=(3, 3)))
    monkeypatch.setattr(experiment, "load_run", lambda *_: (model, {}))
    path, names = export_run(tmp_path, tmp_path / "served")
    assert names == ["encode", "decode", "reconstruct", "sample", "log_likelihood"]
    x = binary_images[:5]
    out = client(path, x)
    close = dict(rtol=1e-4, atol=1e-5)
    exact = float(model.prior.machine().log_z_exact())
    assert abs(exact - 6 * np.log(2)) > 0.1
    model.prior.log_z.assign(exact)
    expected = models.importance_log_prob(model, x, 120, chunk_size=50, seed=5)
    np.testing.assert_allclose(out["log_prob"], expected["log_prob"], rtol=1e-4)
    np.testing.assert_allclose(out["encode"], model.encode(x), **close)
    # zeta means come first, in [0, 1], then those of the continuous layer.
    codes = np.array(out["encode"])
    assert codes.shape == (5, 8)
    assert codes[:, :6].min() >= 0
    assert codes[:, :6].max() <= 1
    np.testing.assert_allclose(out["reconstruct"], model.reconstruct(x[:1]), **close)
    np.testing.assert_allclose(out["sample"], model.sample(3, seed=7), **close)
    assert out["same"]
    assert out["other"]
    with pytest.raises(FileExistsError, match="exists already"):
        export_run(tmp_path, path)


def test_rows_that_are_not_finite_are_nan(binary_images, tmp_path):
    """A fused product with a ReLU makes 0 of NaN: what is served must say so itself."""
    import tensorflow as tf

    model = models.CPVAE(networks.MLP(hidden=(16,)), num_categories=3, latent_dim=3, seed=0)
    model.build((None, 8, 8, 1))
    model.export(tmp_path / "served")
    served = tf.saved_model.load(str(tmp_path / "served")).signatures
    x = binary_images[:4].copy()
    z = np.array(model.encode(x))
    whole = {"num_samples": tf.constant(60), "seed": tf.constant(3)}
    calls = {
        "encode": dict(images=x),
        "decode": dict(latent=z),
        "reconstruct": dict(images=x),
        "categories": dict(images=x),
        "log_likelihood": dict(images=x, **whole),
    }
    for name, arguments in calls.items():
        sound = served[name](**{k: tf.constant(v) for k, v in arguments.items()})
        rows = "latent" if name == "decode" else "images"
        for value in (np.nan, np.inf, -np.inf):
            bad = arguments[rows].copy()
            bad[1].flat[0] = bad[3].flat[-1] = value
            answer = served[name](**{**arguments, rows: tf.constant(bad)})
            for result, expected in sound.items():
                assert np.all(np.isnan(answer[result][1::2])), (name, result)
                if name == "log_likelihood":  # the draws are those of the whole batch
                    np.testing.assert_allclose(answer[result][::2], expected[::2], rtol=1e-5)
                else:
                    np.testing.assert_array_equal(answer[result][::2], expected[::2])


@pytest.mark.slow
def test_saved_model_cli_runs_the_signatures(binary_images, tmp_path):
    model = models.VAE(networks.MLP(hidden=(16,)), latent_dim=3, seed=0)
    model.build((None, 8, 8, 1))
    model.export(tmp_path / "served")
    arrays = {"images": binary_images[:2], "num_samples": np.int32(5), "seed": np.int32(1)}
    for name, value in arrays.items():
        np.save(tmp_path / f"{name}.npy", value)
    program = pathlib.Path(sys.executable).with_name("saved_model_cli")
    inputs = {"log_likelihood": list(arrays), "sample": ["num_samples", "seed"]}
    for signature, names in inputs.items():
        command = [program, "run", "--dir", tmp_path / "served", "--tag_set", "serve"]
        command += ["--signature_def", signature, "--outdir", tmp_path / signature]
        command += ["--inputs", ";".join(f"{name}={tmp_path}/{name}.npy" for name in names)]
        result = subprocess.run([*map(str, command)], capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
    expected = models.importance_log_prob(model, binary_images[:2], 5, chunk_size=50, seed=1)
    log_prob = np.load(tmp_path / "log_likelihood" / "log_prob.npy")
    np.testing.assert_allclose(log_prob, expected["log_prob"], rtol=1e-5)
    assert np.load(tmp_path / "sample" / "mean.npy").shape == (5, 8, 8, 1)


def test_nothing_is_overwritten(tmp_path):
    model = models.VAE(networks.MLP(hidden=(4,)), latent_dim=2)
    with pytest.raises(ValueError, match="has not been built"):
        model.export(tmp_path / "new")
    model.build((None, 6))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").write_text("precious")
    with pytest.raises(FileExistsError, match="exists already"):
        model.export(tmp_path / "mine")
    assert (tmp_path / "mine" / "file").read_text() == "precious"


def test_describe_names_arguments_and_results(tmp_path):
    model = models.VAE(networks.MLP(hidden=(4,)), latent_dim=2)
    model.build((None, 6))
    names = model.export(tmp_path / "served")
    lines = describe(tmp_path / "served")
    assert set(lines) == set(names)
    assert lines["encode"] == "images float32 [?, 6] -> latent float32 [?, 2]"
    assert lines["sample"] == "num_samples int32 [], seed int32 [] -> mean float32 [?, 6]"
    with pytest.raises(FileNotFoundError):
        describe(tmp_path)
