"""Files for ONNX Runtime, LiteRT and OpenVINO: the signatures give the numbers of the model."""

import importlib
import warnings

import numpy as np
import pytest
import tensorflow as tf

from serving import cases
from tfsp import evaluation, models, serving

NUMBER, SEED = 4, 7
# Networks of a few layers in float32, and logarithms of probabilities of some tens of nats.
# Random weights make logits of tens out of sums that cancel, and other runtimes add up in another
# order: 3.6e-5 was the most that was seen.
CLOSE = dict(rtol=1e-4, atol=1e-4)
# Gibbs chains draw in a loop; subtrees are asked for by a node that must be checked.
NEVER = {"log_likelihood", "hierarchy", "sample_subtree"}


def run(format, path, arguments, results):
    if format == "onnx":
        import onnxruntime

        session = onnxruntime.InferenceSession(str(path.with_suffix(".onnx")))
        return session.run(results, arguments)
    if format == "litert":
        from ai_edge_litert.interpreter import Interpreter

        answer = Interpreter(str(path.with_suffix(".tflite"))).get_signature_runner()(**arguments)
        return [answer[name] for name in results]
    import openvino

    answer = openvino.compile_model(str(path.with_suffix(".xml")), "CPU")(arguments)
    return [answer[name] for name in results]


class Exported:
    """A model, what its signatures must answer, and where its files lie."""

    def __init__(self, case, folder):
        self.model, self.folder = cases.make(case), folder
        model, x = self.model, cases.images(5)
        z = np.float32(np.random.default_rng(2).normal(size=(3, model.representation_dim)))
        self.calls = {
            "encode": ({"images": x}, {"latent": model.encode(x)}),
            "decode": ({"latent": z}, {"mean": model.decode(z).mean()}),
            "reconstruct": ({"images": x}, {"mean": model.reconstruct(x)}),
        }
        with model.prior.portable():
            signatures = model.signatures()
            if "attach" in signatures:
                edges = model.prior.attachment().edge_log_prob(model.encode(x))
                edge = np.argmax(edges, axis=1)
                self.calls["attach"] = {"images": x}, {"edge_log_prob": edges, "edge": edge}
                frame = evaluation.attach(model, x)
                names = ("node", "probability", "cluster")
                self.calls["members"] = {"images": x}, {name: frame[name] for name in names}
            if "categories" in signatures:
                probabilities = model.responsibilities(x)
                self.calls["categories"] = {"images": x}, {"probabilities": probabilities}
            if "graph" in signatures:
                self.calls["graph"] = {}, {"adjacency": model.graph().adjacency}
            for name in signatures:
                if name in ("sample", "sample_category") and not isinstance(
                    model, models.DiscreteVAE
                ):
                    self.calls[name] = self.sampled(name, *signatures[name])
        self.expected = set(signatures) - NEVER
        if isinstance(model, models.DiscreteVAE):
            self.expected.remove("sample")

    def sampled(self, name, function, specs):
        """The call with the noise that the model draws by itself."""
        rest = {"category": np.int32(1)} if name == "sample_category" else {}
        sampler = serving.Sampler(function, specs)
        noise = sampler.noise(num_samples=NUMBER, seed=SEED, **rest)
        names = [spec.name for spec in sampler.specs]
        arguments = dict(zip(names, [*noise, *map(np.asarray, rest.values())], strict=True))
        return arguments, {"mean": self.model.sample(NUMBER, seed=SEED, **rest)}

    def check(self, format):
        folder = self.folder / format
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            written = self.model.export(folder, format=format)
        assert set(written) == self.expected == set(self.calls)
        assert {path.stem for path in folder.iterdir()} == self.expected
        left_out = set(self.model.signatures()) - self.expected
        texts = [str(warning.message) for warning in told if "Not written" in str(warning.message)]
        assert len(texts) == bool(left_out)
        assert all(f"{name} (it " in texts[0] for name in left_out)
        for name, (arguments, results) in self.calls.items():
            actual = run(format, folder / name, arguments, list(results))
            for value, (result, expected) in zip(actual, results.items(), strict=True):
                np.testing.assert_allclose(value, expected, **CLOSE, err_msg=f"{name} {result}")
            if "images" in arguments or "latent" in arguments:
                self.check_rows(format, folder / name, arguments, list(results), actual)

    def check_rows(self, format, path, arguments, results, sound):
        """One row that is not finite, and the others as before."""
        ((name, rows),) = arguments.items()
        rows = rows.copy()
        rows[1].flat[0] = np.nan
        rows[2].flat[-1] = np.inf
        for value, before in zip(run(format, path, {name: rows}, results), sound, strict=True):
            bad = value[1:3]
            assert np.all(np.isnan(bad) if bad.dtype.kind == "f" else bad == -1)
            np.testing.assert_array_equal(np.delete(value, [1, 2], 0), np.delete(before, [1, 2], 0))


@pytest.fixture(scope="module", params=cases.CASES)
def exported(request, tmp_path_factory):
    return Exported(request.param, tmp_path_factory.mktemp("formats"))


@pytest.mark.slow
@pytest.mark.parametrize("format", ["onnx", "litert"])
def test_files_give_the_models_numbers(exported, format):
    exported.check(format)


def test_openvino_reads_the_same(tmp_path):
    """Where it is installed: it is no light package."""
    pytest.importorskip("openvino")
    Exported("normal laplace", tmp_path).check("openvino")
    Exported("gm_vae", tmp_path / "other").check("openvino")


@pytest.mark.parametrize(("format", "package"), [("onnx", "tf2onnx"), ("litert", "ai_edge_litert")])
def test_a_missing_package_is_named_with_its_extra(format, package, tmp_path, monkeypatch):
    model = models.VAE(cases.MLP, latent_dim=2)
    model.build((None, 6))
    found = importlib.import_module

    def without(name, *rest):
        if name == package:
            raise ImportError(name)
        return found(name, *rest)

    monkeypatch.setattr(importlib, "import_module", without)
    with pytest.raises(ImportError, match=rf"'{format}' needs {package}.*pip install 'tfsp\[serv"):
        model.export(tmp_path / "files", format=format)
    assert not (tmp_path / "files").exists()


@pytest.mark.parametrize(
    ("format", "function", "operation"),
    [("onnx", tf.math.lgamma, "Lgamma"), ("litert", tf.math.asinh, "Asinh")],
)
def test_an_operation_that_a_format_lacks_is_named(format, function, operation, tmp_path):
    import keras

    @keras.saving.register_keras_serializable("test")
    class Odd(keras.layers.Layer):
        def call(self, inputs):
            return function(tf.nn.softplus(inputs) + 1.0)

    encoder = keras.Sequential([keras.Input((6,)), Odd(), keras.layers.Dense(4)])
    decoder = keras.Sequential([keras.Input((2,)), keras.layers.Dense(6)])
    model = models.VAE(encoder, decoder, latent_dim=2)
    model.build((None, 6))
    with pytest.raises(ValueError, match=rf"(?s)'encode' cannot be.* as {format}.*{operation}"):
        model.export(tmp_path / format, format=format)
    assert not (tmp_path / format).exists()


def test_unknown_formats_and_full_folders_are_refused(tmp_path):
    model = models.VAE(cases.MLP, latent_dim=2)
    model.build((None, 6))
    with pytest.raises(ValueError, match="`format` must be one of 'tf_saved_model', 'onnx'.*'pt'"):
        model.export(tmp_path / "new", format="pt")
    (tmp_path / "mine").write_text("precious")
    with pytest.raises(FileExistsError, match="exists already"):
        model.export(tmp_path, format="onnx")


@pytest.mark.slow
@pytest.mark.parametrize("format", ["onnx", "litert"])
def test_mixed_columns_with_missing_entries(format, tmp_path):
    """NaN stands for what is missing; what is infinite is still no row."""
    rng = np.random.default_rng(0)
    x = np.stack([rng.normal(70, 9, 20), rng.integers(0, 3, 20), rng.poisson(3.0, 20)], axis=1)
    x = np.float32(np.where(rng.random(x.shape) < 0.3, np.nan, x))
    kinds = ["gaussian", "categorical", "poisson"]
    likelihood = {"name": "columns", "kinds": kinds, "missing": True}
    model = models.VAE({"name": "mlp", "hidden": (4,)}, likelihood=likelihood, latent_dim=2, seed=0)
    model.likelihood.adapt(x)
    model.build((None, 3))
    model.export(tmp_path / format, format=format)
    for name, result, expected in (
        ("encode", "latent", model.encode(x)),
        ("reconstruct", "mean", model.reconstruct(x)),
    ):
        path = tmp_path / format / name
        (actual,) = run(format, path, {"images": x}, [result])
        np.testing.assert_allclose(actual, expected, **CLOSE)
        spoilt = np.where(np.arange(20)[:, None] == 5, np.float32(np.inf), x)
        (actual,) = run(format, path, {"images": spoilt}, [result])
        np.testing.assert_array_equal(np.isnan(actual).any(axis=1), np.arange(20) == 5)
