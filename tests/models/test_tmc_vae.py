"""The TMC-VAE: its bound and gradient, stored encodings, indices, saving and resuming."""

import keras
import numpy as np
import pytest
import reference.tmc as reference
import tensorflow as tf
from model_contract import mirrored

from tfsp import callbacks, data, experiment, models, networks
from tfsp.config import default_config
from tfsp.run_directory import RunDirectory

N = 12


def tiny(latent_dim=3, prior=None, **kwargs):
    settings = {"name": "tmc", "start_epoch": 1, "burn_in": 200, "moves_per_step": 50}
    return models.TMCVAE(
        networks.MLP(hidden=(5,), activation="tanh"),
        prior={**settings, **(prior or {})},
        latent_dim=latent_dim,
        seed=0,
        **kwargs,
    )


def points(count=N, dtype="float32"):
    rng = np.random.default_rng(0)
    return (rng.random((count, 6)) < 0.5).astype(dtype)


def encodings(model, x):
    """Means and standard deviations from the encoder's outputs, in NumPy."""
    outputs = model.encoder(x).numpy().astype(float)
    dim = model.latent_dim
    return outputs[:, :dim], np.exp(0.5 * outputs[:, dim:])


def full_term(model, x):
    """1/N of -sum_n H[q_n] - E_q[log r(z_1..z_N | tree)], dense."""
    loc, scale = encodings(model, x)
    entropy = np.sum(0.5 * np.log(2 * np.pi * np.e * scale**2))
    tree = model.prior.parent.numpy()[0], model.prior.time.numpy()[0]
    return -(entropy + reference.expected_log_likelihood(*tree, loc, scale)) / len(x)


def test_training_terms_by_hand():
    x = points()
    model = tiny()
    model.adapt(x)
    index = np.array([7, 2, 9], np.int32)
    with model.seeds.at(3):
        terms = model({"x": x[index], "index": index}, training=True)
    with model.seeds.at(3):
        seed = model.seeds.next()
    z = model.posterior(x[index]).sample(1, seed=seed)[0]
    logits = model.decoder(z).numpy().astype(float)
    log_likelihood = -np.logaddexp(0, np.where(x[index] > 0.5, -logits, logits)).sum(axis=1)
    np.testing.assert_allclose(terms["log_likelihood"], log_likelihood, rtol=1e-5)
    loc, scale = encodings(model, x)
    tree = model.prior.parent.numpy()[0], model.prior.time.numpy()[0]
    joint = reference.expected_log_likelihood(*tree, loc, scale)
    entropy = np.sum(0.5 * np.log(2 * np.pi * np.e * scale**2), axis=1)
    np.testing.assert_allclose(terms["kl"], -entropy[index] - joint / N, rtol=1e-5)


@pytest.mark.parametrize("batch_size", [4, N])
def test_encoder_gradient_over_an_epoch_is_that_of_the_full_bound(batch_size, float64):
    """The mean over the batches of an epoch, B < N and B = N, against finite differences."""
    x = points(dtype="float64")
    model = tiny(dtype="float64")
    model.adapt(x)
    weights = model.encoder.trainable_variables
    gradients = [np.zeros(w.shape) for w in weights]
    batches = np.random.default_rng(1).permutation(N).reshape(-1, batch_size)
    for index in batches:
        with tf.GradientTape() as tape:
            terms = model({"x": x[index], "index": index}, training=True)
            kl = tf.reduce_mean(terms["kl"])
        for total, part in zip(
            gradients, tape.gradient(kl, [w.value for w in weights]), strict=True
        ):
            total += part.numpy() / len(batches)
    np.testing.assert_allclose(kl, full_term(model, x), rtol=1e-9) if batch_size == N else None
    rng = np.random.default_rng(2)
    for weight, gradient in zip(weights, gradients, strict=True):
        start, direction, step = weight.numpy(), rng.normal(size=weight.shape), 1e-5
        weight.assign(start + step * direction)
        up = full_term(model, x)
        weight.assign(start - step * direction)
        down = full_term(model, x)
        weight.assign(start)
        slope = (up - down) / (2 * step)
        assert abs(slope) > 1e-4
        np.testing.assert_allclose(np.sum(gradient * direction), slope, rtol=1e-6)


@pytest.mark.parametrize("devices", [["CPU:0"], ["CPU:0", "CPU:1"]])
def test_fit_stores_every_points_encoding_in_its_row(devices):
    """Shuffled batches, on one or two replicas, a learning rate of 0: rows are encodings."""
    x = points(16)
    with mirrored(devices).scope():
        model = tiny(prior={"start_epoch": 0, "refresh": False})
        model.compile(keras.optimizers.SGD(0.0))
    model.adapt(x)
    model.prior.mean.assign(np.zeros((16, 3)))
    model.prior.variance.assign(np.ones(16))
    history = model.fit(x, np.arange(16), batch_size=4, epochs=1, verbose=0).history
    loc, scale = encodings(model, x)
    np.testing.assert_allclose(model.prior.mean, loc, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(model.prior.variance, np.sum(scale**2, axis=1), rtol=1e-5)
    assert model.prior.move_counts.numpy()[1].sum() == 4 * 50
    np.testing.assert_allclose(
        history["elbo"][0], history["log_likelihood"][0] - history["kl"][0], rtol=1e-5
    )


@pytest.mark.slow
def test_the_bound_rises_and_new_points_attach(tmp_path):
    """Two kinds of images; after the start the tree keeps them apart and pays."""
    rng = np.random.default_rng(0)
    kinds = np.arange(60) % 2
    x = (rng.random((60, 16)) < np.where(kinds[:, None] == np.arange(16) // 8, 0.9, 0.1)).astype(
        "float32"
    )
    model = tiny(2, {"start_epoch": 5, "moves_per_step": 300})
    model.compile(keras.optimizers.Adam(1e-2), jit_compile=False)
    history = model.fit(
        x, batch_size=20, epochs=25, verbose=0, validation_split=0.2, shuffle=True
    ).history
    assert model.prior.num_points == 48
    # Mean of five epochs against the first with the tree: noise of a nat, a rise of several.
    assert np.mean(history["elbo"][-5:]) > history["elbo"][5] + 1
    assert np.isfinite(history["val_elbo"]).all()
    scores = model.evaluate(x[48:], verbose=0, return_dict=True)
    np.testing.assert_allclose(scores["elbo"], scores["log_likelihood"] - scores["kl"], rtol=1e-4)
    q = model.posterior(x[48:])
    with model.seeds.at(1):
        terms = model(x[48:])
    with model.seeds.at(1):
        z = q.sample(1, seed=model.seeds.next())
    np.testing.assert_allclose(
        terms["kl"], (q.log_prob(z) - model.prior.log_prob(z))[0], rtol=1e-4, atol=1e-4
    )
    edges = model.prior.attachment().edge_log_prob(model.encode(x[48:]))
    assert edges.shape == (12, 95)
    assert model.predict(x[48:], verbose=0)["latent"].shape == (12, 2)
    assert model.sample(3, seed=0).shape == (3, 16)

    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.prior.phylogeny() == model.prior.phylogeny()
    for ours, theirs in zip(model.weights, again.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(again.log_weights(x, 2, seed=1), model.log_weights(x, 2, seed=1))


def config(epochs):
    settings = default_config()
    settings.data.update(train_size=60, validation_size=20, test_size=20)
    settings.model.update(name="tmc_vae", latent_dim=3)
    settings.network.hidden = (8,)
    settings.prior.name = "tmc"
    settings.prior.update(start_epoch=1, burn_in=200, moves_per_step=50)
    settings.train.update(
        batch_size=20, epochs=epochs, jit_compile=False, steps_per_execution=1, keep_checkpoints=0
    )
    settings.data.binarization = "dynamic"
    return settings


def weights(run_dir, epoch):
    model = keras.saving.load_model(RunDirectory(run_dir).checkpoint_path(epoch))
    return [np.asarray(w) for w in [*model.weights, *model.optimizer.variables]]


@pytest.mark.slow
def test_two_and_two_epochs_equal_four_bit_for_bit(tmp_path):
    """A run whose last two epochs are lost does them again from its checkpoint."""
    settings = config(4)
    model = experiment.train(settings, tmp_path / "run", verbose=0)
    assert model.prior.num_points == 60
    assert model.prior.phylogeny().num_leaves == 60
    run = RunDirectory(tmp_path / "run")
    whole = weights(run.path, 4)
    for epoch in (3, 4):
        run.checkpoint_path(epoch).unlink()
    keras.utils.set_random_seed(99)  # nothing may depend on the process's own seed
    experiment.train(settings, tmp_path / "run", verbose=0)
    again = weights(run.path, 4)
    assert len(whole) == len(again) > 10
    for one, two in zip(whole, again, strict=True):
        np.testing.assert_array_equal(one, two)
    history = experiment.history(run.path)
    assert np.isfinite(history["val_elbo"]).all()
    assert np.isnan(history["log_joint"][0])
    assert np.isfinite(history["log_joint"][1:]).all()


@pytest.mark.slow
def test_an_indexed_stream_with_points(binary_images):
    loaded = data.load(binary_images, batch_size=8, validation_size=0, test_size=0)
    examples = loaded.arrays("train")[0]
    model = tiny(prior={"start_epoch": 0})
    model.compile()
    stream = loaded.train_stream(index=True)
    model.fit(stream, points=examples, steps_per_epoch=loaded.steps_per_epoch, verbose=0)
    assert model.prior.num_points == len(examples)
    schedule = callbacks.PriorSchedule(lambda limit: examples[:limit])
    model.fit(stream, callbacks=schedule, steps_per_epoch=2, verbose=0)
    with pytest.raises(ValueError, match="needs `points`"):
        model.fit(stream, steps_per_epoch=2, verbose=0)
    with pytest.raises(ValueError, match="which training points"):
        model.fit(loaded.train, points=examples, verbose=0)


@pytest.mark.slow
def test_bad_use_is_explained():
    x = points()
    model = tiny()
    model.compile()
    with pytest.raises(ValueError, match="trains on an array, or on a dataset"):
        model.fit((batch for batch in [x]), verbose=0)
    model.fit(x, batch_size=4, epochs=1, verbose=0)
    with pytest.raises(ValueError, match="each of 12 training points. Received: 10"):
        model.fit(x[:10], verbose=0)
    with pytest.raises(ValueError, match="must know which training points"):
        model(x, training=True)
    with pytest.raises(ValueError, match="one integer for each example.*float32"):
        model({"x": x, "index": np.arange(12.0, dtype="float32")}, training=True)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"lie in \[0, 12\)"):
        model({"x": x[:2], "index": np.array([0, 12])}, training=True)
    with pytest.raises(ValueError, match="has not started"):
        model.refresh(x)
    with pytest.raises(ValueError, match="Received: a dataset"):
        model.adapt(tf.data.Dataset.from_tensor_slices(x).batch(4))
    with pytest.raises(ValueError, match="take the model 'vae'"):
        models.TMCVAE(prior="mixture")
    with pytest.raises(ValueError, match="objective 'elbo' alone"):
        models.TMCVAE(objective="iwae")
    unsized = tiny()
    unsized.build((None, 6))
    with pytest.raises(ValueError, match="does not know its number of points"):
        unsized.sample(3)
