"""From a config to a trained run directory, and back to the model."""

import contextlib
import warnings

import keras
import numpy as np
import tensorflow as tf

from tfsp import callbacks, data, distribute, history_file, models, resume, run_reader
from tfsp.config import SECTIONS, check_section, default_config, of_run, to_dict
from tfsp.models.inputs.examples import ADAPT_LIMIT
from tfsp.random import short_seed
from tfsp.registry import check_keywords
from tfsp.run_directory import RunDirectory
from tfsp.several_machines import check_workers, newest_checkpoint


def load_data(config, data_dir=None, download=False, labels=False):
    """The data set of a config, a `tfsp.data.Data`.

    Args:
      config: complete nested dict (see `tfsp.config.to_dict`).
      data_dir, download: where the data set is, and whether it may be fetched.
      labels: whether elements are (x, y) instead of x.

    Raises:
      ValueError: for an unknown data set, and settings that it does not take.
    """
    settings = dict(config["data"])
    settings["image_size"] = settings.pop("image_size") or None
    classes = [int(c) for c in str(settings.pop("classes")).split(",") if c.strip()]
    sizes = {k: settings.pop(k) or None for k in ("train_size", "validation_size", "test_size")}
    settings = {key: value for key, value in settings.items() if value is not None}
    return data.load(
        settings.pop("name"),
        data_dir=data_dir,
        download=download,
        batch_size=config["train"]["batch_size"],
        classes=tuple(classes) or None,
        labels=labels,
        seed=config["seed"],
        **sizes,
        **settings,
    )


def build_model(config, data_shape):
    """The model of a config, built for data of this shape, not compiled.

    Args:
      config: complete nested dict (see `tfsp.config.to_dict`).
      data_shape: of one example, such as (28, 28, 1).

    Raises:
      ValueError: as in `make_model`, and for networks that do not fit the data.
    """
    model = make_model(config)
    model.build((None, *data_shape))
    return model


def make_model(config):
    """The model of a config, not built.

    It makes its parts itself, from the sections of the config and in its own dtype.

    Raises:
      ValueError: as in `check_names`, and for settings that the classes refuse.
    """
    check_names(config)
    seed = config["seed"]
    return models.build(
        config["model"],
        encoder=config["network"],
        likelihood=config["likelihood"],
        prior=_seeded("prior", config),
        mapping=_seeded("mapping", config),
        seed=seed,
        dtype=config["train"]["precision"],
    )


def check_names(config):
    """Checks the classes that the sections of a config name, and their settings.

    Raises:
      ValueError: for unknown names, for settings that the named classes do not take, and for a
        prior or a mapping where the model takes none.
    """
    for section in SECTIONS:
        check_section(config, section)
    model = config["model"]["name"]
    taken = check_keywords("model", model, models.get(model), {})
    for part, none, other in (("prior", "normal", "vae"), ("mapping", "identity", "intel_vae")):
        name = config[part]["name"]
        if name != none and part not in taken:
            raise ValueError(
                f"The model {model!r} takes no {part}, but {part}.name is {name!r}. Set "
                f"model.name={other!r}, or leave the {part} {none!r}."
            )


def compile_model(model, config, steps_per_epoch):
    """Compiles with Adam and the config's learning-rate schedule, clipping and XLA.

    Args:
      model: a `StructuredVAE`.
      config: complete nested dict (see `tfsp.config.to_dict`).
      steps_per_epoch: training steps, which the schedule is measured in.
    """
    train = config["train"]
    total = train["epochs"] * steps_per_epoch
    learning_rate = train["learning_rate"]
    last_part = round(train["final_fraction"] * total)
    if last_part:
        learning_rate = keras.optimizers.schedules.PiecewiseConstantDecay(
            [total - last_part], [learning_rate, train["final_learning_rate"]]
        )
    model.compile(
        keras.optimizers.Adam(learning_rate, clipnorm=train["clip_norm"] or None),
        steps_per_execution=_divisor(steps_per_epoch, train["steps_per_execution"]),
        jit_compile=_use_xla(config),
    )


def train(config, run_dir, data_dir=None, download=False, verbose=1, make=None, extra=()):
    """Trains a config's model in the folder `run_dir`; resumes where a killed run stopped.

    A damaged checkpoint is renamed to `damaged-...`, and the run resumes from the next older one,
    with a warning.

    Args:
      config: `ConfigDict` or nested dict (see `default_config`).
      run_dir: the run's folder; see `RunDirectory`.
      data_dir, download: where the data set is, and whether it may be fetched.
      verbose: 0 for silence, 1 for a line for each epoch.
      make: function (data, config) -> model, which a new run begins with; None takes `model_for`.
      extra: more callbacks, which come before the checkpoint is saved.

    Returns:
      The trained model (its last epoch).

    Raises:
      ValueError: for a config that contradicts itself, or does not fit the data or the run in the
        folder.
      InUseError: a ValueError, if another process trains in the folder.
      WorkerLost: an OSError, if another worker has stopped (`train.strategy="multi_worker"`).
      NonFiniteError: when a value becomes NaN or infinite (the last good checkpoint is kept).
      WriteError: an OSError, if a file cannot be written.
    """
    config = to_dict(config)
    _warn_about(config)
    run = RunDirectory(run_dir, of_run)
    run.check(config)
    check_names(config)
    distribution = strategy(config["train"]["strategy"])  # before any TensorFlow operation
    keras.utils.set_random_seed(short_seed(config["seed"]))
    if config["deterministic"]:
        tf.config.experimental.enable_op_determinism()
    chief = distribute.is_chief(distribution)
    with (
        distribute.losses_explained(distribution, lambda: resume.kept(run)),
        resume.state_in_errors(run),
    ):
        check_workers(distribution, config)
        with run.lock() if chief else contextlib.nullcontext():
            dataset = load_data(config, data_dir, download)
            args = config, run, dataset, data_dir, verbose, make or model_for, extra
            return _train(distribution, *args)


def _train(distribution, config, run, dataset, data_dir, verbose, make, extra):
    train_config = config["train"]
    chief = distribute.is_chief(distribution)
    steps = train_config["steps_per_epoch"] or dataset.steps_per_epoch
    model, first_epoch, checkpoint, problems = newest_checkpoint(distribution, run)
    if distribute.several_workers(distribution):
        # The chief has loaded a model more than the others, and may have drawn more.
        keras.utils.set_random_seed(short_seed(config["seed"]))
    with distribute.scope(distribution):
        if model is None:
            model = make(dataset, config)
            compile_model(model, config, steps)
        indexed = getattr(model, "needs_index", False)  # it must identify each training point
        if indexed:
            model.set_num_points(dataset.info.num_train)
    since = model.prior.start_epoch
    rows = None
    if chief:
        run.start(config)
        if data_dir:
            run.remember_data_dir(data_dir)
        rows = resume.mend(run, first_epoch, checkpoint, problems, since)
    rows = distribute.from_chief(distribution, rows)
    history = callbacks.HistoryFile(run.history, first_epoch, rows)
    stopping = []
    if train_config["patience"]:
        stopping = [
            callbacks.EarlyStopping(train_config["patience"], history=history.rows, since=since)
        ]
    if first_epoch >= train_config["epochs"] or any(s.done() for s in stopping):
        if verbose and chief:
            print(f"{run.path}: training is complete after {first_epoch} epochs.")
        return model
    if verbose and chief and first_epoch:
        print(f"{run.path}: resuming after {first_epoch} epochs.")

    images = steps * min(train_config["batch_size"], dataset.info.num_train)
    written = saved = ()  # by the chief alone
    if chief:
        events, pictures = run.logs / "tensorboard", _drawer(dataset)
        written = [
            *([callbacks.EpochLine(images)] if verbose else []),
            history,
            callbacks.TensorBoardLog(events, pictures, train_config["image_epochs"]),
        ]
        kept = {"history": history.rows, "since": since}
        saved = [callbacks.Checkpoint(run, train_config["keep_checkpoints"], **kept)]
    limit = None if indexed else model.prior.most_examples
    model.fit(
        _stream_from(dataset, first_epoch * steps, indexed),
        initial_epoch=first_epoch,
        epochs=train_config["epochs"],
        steps_per_epoch=steps,
        shuffle=False,  # the stream shuffles
        validation_data=dataset.validation if train_config["validate"] else None,
        verbose=0,
        callbacks=[
            callbacks.KLWarmUp(train_config["kl_warmup_epochs"], train_config["kl_start"]),
            callbacks.PriorSchedule(
                lambda n: dataset.arrays("train", limit=n)[0],
                limit,
                lambda _: dataset.info.num_train,
            ),
            callbacks.StopOnNonFinite(lambda: resume.kept(run)),
            *extra,
            *written,
            *stopping,
            *saved,
        ],
    )
    distribute.from_chief(distribution, None)  # nobody leaves before the chief has saved all
    return model


def model_for(dataset, config):
    """The model of a config, built for a data set, from which its likelihood may be told more.

    Args:
      dataset: a `tfsp.data.Data`.
      config: complete nested dict (see `tfsp.config.to_dict`).
    """
    info, likelihood = dataset.info, config["likelihood"]
    if likelihood["name"] == "columns":
        told = {"names": info.columns, "categories": info.categories}
        config = {**config, "likelihood": {**told, **_given(likelihood)}}
    model = make_model(config)
    if model.likelihood.shape_needs_data:
        model.likelihood.adapt(dataset.arrays("train", limit=ADAPT_LIMIT)[0])
    model.build((None, *info.image_shape))
    return model


def _given(settings):
    return {name: value for name, value in settings.items() if value is not None}


def load_run(run_dir, checkpoint="best"):
    """(model, config) of a run, which may be in training.

    Args:
      run_dir: the run's folder.
      checkpoint: "best" (on the validation data), "last", or the number of an epoch. Where the
        last one is damaged the one before is loaded, with a warning.

    Raises:
      FileNotFoundError: if there is no run or no such checkpoint.
      ValueError: if the checkpoint or the run's config.json is damaged.
    """
    run = RunDirectory(run_dir, of_run)
    config = run.config(like=default_config().to_dict())
    return run_reader.load(run, checkpoint), config


def history(run_dir):
    """Metrics of each epoch of a run, dict of lists (like Keras's `History.history`).

    NaN stands for what was not measured in an epoch.
    """
    return history_file.columns(run_reader.rows_of(RunDirectory(run_dir)))


def _seeded(section, config):
    """The settings of a section, with the run's seed where the named class takes one."""
    spec = config[section]
    taken = check_keywords(section, spec["name"], SECTIONS[section].get(spec["name"]), {})
    return {"seed": config["seed"], **spec} if "seed" in taken else spec


def _stream_from(dataset, step, index=False):
    """Training batches from the `step`-th on; an epoch of training need not be a pass over data."""
    passes, rest = divmod(step, dataset.steps_per_epoch)
    stream = dataset.train_stream(passes, index)
    return stream.skip(rest) if rest else stream


def _use_xla(config):
    plain = config["train"]["strategy"] == "default"
    return config["train"]["jit_compile"] and plain and not config["deterministic"]


def strategy(name):
    """A `tf.distribute` strategy by name, or None for "default".

    "mirrored" puts a copy of the model on each local GPU, or on each logical CPU device if there
    is no GPU; "multi_worker" on each of every machine (`tfsp.distribute.workers`).

    Raises:
      ValueError: for an unknown name, and as `tfsp.distribute.workers`.
    """
    if name == "default":
        return None
    if name == "multi_worker":
        return distribute.workers()
    if name != "mirrored":
        raise ValueError(
            f"`train.strategy` must be 'default', 'mirrored' or 'multi_worker'. Received: {name!r}."
        )
    if tf.config.list_logical_devices("GPU"):
        return tf.distribute.MirroredStrategy()
    devices = [device.name for device in tf.config.list_logical_devices("CPU")]
    # Collective ops between CPU devices fail in a process that makes a second strategy.
    return tf.distribute.MirroredStrategy(devices, tf.distribute.ReductionToOneDevice())


def _divisor(steps, wanted):
    """The largest divisor of `steps` up to `wanted`: no execution runs past an epoch's end."""
    return max(d for d in range(1, min(steps, max(1, wanted)) + 1) if steps % d == 0)


def _warn_about(config):
    train_config = config["train"]
    if train_config["kl_warmup_epochs"] >= train_config["epochs"] > 0:
        warnings.warn(
            f"The KL warm-up takes {train_config['kl_warmup_epochs']} epochs, the run only "
            f"{train_config['epochs']}: the KL weight will not reach 1 for a whole epoch. "
            "Shorten `train.kl_warmup_epochs`.",
            stacklevel=3,
        )
    if train_config["patience"] and not train_config["validate"]:
        raise ValueError("`train.patience` needs `train.validate`: stopping watches val_elbo.")


def _drawer(dataset):
    """Pictures for TensorBoard: reconstructions of test images, and samples."""
    if len(dataset.info.image_shape) != 3:
        return None
    images = dataset.arrays("validation", limit=10)[0]

    def draw(model):
        from tfsp import viz

        means = np.asarray(model.reconstruct(images))
        pictures = {
            "reconstructions": viz.tile(np.concatenate([images, means]), 2, len(images), clip=True),
        }
        if model.prior.is_density:
            pictures["samples"] = viz.tile(np.asarray(model.sample(50, seed=0)), 5, 10, clip=True)
        return pictures

    return draw
