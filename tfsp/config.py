"""Every setting of an experiment, with its default."""

import ml_collections

from tfsp import arguments, mappings

PRECISIONS = ("float32", "float64", "mixed_bfloat16", "mixed_float16")
STRATEGIES = ("default", "mirrored")
# Sections that name a class.
SECTIONS = ("model", "network", "likelihood", "prior", "mapping")


def default_config():
    """Every setting with its default, as an `ml_collections.ConfigDict`.

    The files under `configs/` change some of them. Sections name a class (`name`) and hold
    keywords for it. Keywords that the named class does not take are passed over where they stand
    at their default or as a file has `preset` them, so that `--config.prior.name=flow` alone
    changes the prior; any other is an error.
    """
    return ml_collections.ConfigDict(
        dict(
            seed=0,
            # Same numbers on every run of the same machine; XLA is off then, by Keras's choice.
            deterministic=False,
            data=dict(
                name="digits",
                split="standard",
                binarization="dynamic",
                # Keep only these labels, as "0,1"; empty for all.
                classes="",
                # 0 keeps the size of the split.
                train_size=0,
                validation_size=0,
                test_size=0,
                # Side to which images are area-averaged; 0 leaves them.
                image_size=0,
                # Share of the second class, where the set takes it (mnist_01, two_gaussians,
                # two_modes); None for the set's own.
                proportion=ml_collections.config_dict.placeholder(float),
                # Of a folder of images: the colour behind transparent pixels ("white"), whether
                # to "raise" or "skip" unreadable files, the bits used of 16; None: see `load`.
                background=ml_collections.config_dict.placeholder(str),
                errors=ml_collections.config_dict.placeholder(str),
                bit_depth=ml_collections.config_dict.placeholder(int),
            ),
            model=dict(
                name="vae",
                latent_dim=40,
                objective="elbo",
                num_samples=1,
                posterior_covariance="diagonal",
            ),
            network=dict(
                name="mlp",
                hidden=(300, 300),
                activation="relu",
                gated=False,
                # Channels of intel_vae_conv.
                filters=(64, 128, 256),
            ),
            likelihood=dict(name="bernoulli", scale="fixed", initial_scale=1.0, location="linear"),
            prior=dict(
                name="normal",
                num_components=500,
                learned=True,
                start="noise",
                num_flows=1,
                hidden=(512, 512),
                num_inducing=200,
                num_chains=1,
                # Epochs with the normal prior before a tree starts.
                start_epoch=5,
                attachment="collapsed",
                edge_weights="prior",
                inducing_points="fixed",
                inducing_gradient="path",
                added_variance=0.0,
            ),
            # The map from y to z of the model intel_vae; "auto" takes the one with the topology of
            # a synthetic data set.
            mapping=dict(
                name="identity",
                epsilon=1e-3,
                num_holes=2,
                # Sectors of the first plane, of the second, ...: (10,) makes 10 clusters.
                num_sectors=(2,),
                learned=False,
                sparsity_weight=1.0,
                num_levels=5,
                # Dimensions of each level or sphere; empty for an even split, or one sphere.
                sizes=(),
                hidden=(128,),
                form="network",
            ),
            train=dict(
                batch_size=100,
                epochs=100,
                # Training steps that make an epoch; 0 takes one pass over the data.
                steps_per_epoch=0,
                learning_rate=1e-3,
                # The learning rate of the last part of the run, and how long that part is.
                final_learning_rate=1e-5,
                final_fraction=0.2,
                kl_warmup_epochs=0,
                kl_start=0.01,
                # Norm to which each gradient is clipped; 0 for none.
                clip_norm=0.0,
                # Epochs without a better validation bound before stopping; 0 never stops.
                patience=0,
                validate=True,
                keep_checkpoints=2,
                # Pictures for TensorBoard every so many epochs and after the last; 0: these alone.
                image_epochs=10,
                steps_per_execution=50,
                jit_compile=True,
                precision="float32",
                strategy="default",
            ),
            evaluate=dict(num_samples=1000, num_examples=0),
            # What a config file has set for whichever class is named in the end, see `preset`.
            presets={section: {} for section in SECTIONS},
        )
    )


def preset(config, section, **settings):
    """Sets settings of a section, for whichever class a flag may name there in the end.

    Where that class does not take one of them, it is passed over like a default.

    Args:
      config: the `ConfigDict` of a config file.
      section: one of `SECTIONS`.
      **settings: the class's `name`, and keywords of this class and others.
    """
    config[section].update(settings)
    config.presets[section].update({k: v for k, v in settings.items() if k != "name"})


def keywords(config, section):
    """The settings of a section: those its class has to take, and those it need not.

    Args:
      config: a complete nested dict, as of `to_dict`.

    Returns: two dicts without `name`: what differs from default and preset, and the rest.
    """
    settings = {key: value for key, value in config[section].items() if key != "name"}
    standing = [default_config()[section].to_dict(), config.get("presets", {}).get(section, {})]
    given = {
        key: value
        for key, value in settings.items()
        if not any(key in known and _plain(known[key]) == _plain(value) for known in standing)
    }
    return given, {key: value for key, value in settings.items() if key not in given}


def _plain(value):
    return list(value) if isinstance(value, (list, tuple)) else value


def to_dict(config):
    """A nested dict of plain values from a `ConfigDict` or a dict, complete and checked.

    Raises: ValueError for a section or a key that does not exist.
    """
    config = config.to_dict() if hasattr(config, "to_dict") else dict(config)
    complete = default_config().to_dict()
    for section, value in config.items():
        if section not in complete:
            raise ValueError(f"Unknown setting {section!r}. Known: {', '.join(complete)}.")
        if not isinstance(value, dict):
            complete[section] = value
            continue
        open_ended = section in ("data", *SECTIONS)
        unknown = set(value) - set(complete[section])
        if unknown and not open_ended:
            raise ValueError(
                f"Unknown setting {section}.{sorted(unknown)[0]}. "
                f"Known: {', '.join(complete[section])}."
            )
        complete[section] = {**complete[section], **value}
    _check_values(complete)
    if complete["mapping"]["name"] == "auto":
        complete["mapping"] |= mappings.mapping_for(complete["data"]["name"])
    return complete


def row_of(rows, name):
    """`rows[name]`: the row that `--config=file.py:name` asks of a config of several rows.

    Raises: ValueError for a name that is no key of `rows`, with those that are.
    """
    if name not in rows:
        raise ValueError(f"There is no row {name!r}. Rows: {', '.join(rows)}.")
    return rows[name]


def _check_values(config):
    train = config["train"]
    for name in ("batch_size", "epochs"):
        arguments.integer(f"train.{name}", train[name])
    for name in ("steps_per_epoch", "image_epochs", "patience", "kl_warmup_epochs"):
        arguments.integer(f"train.{name}", train[name], 0)
    for name in ("learning_rate", "final_learning_rate", "clip_norm"):
        arguments.number(f"train.{name}", train[name], "[0, inf)")
    for name in ("final_fraction", "kl_start"):
        arguments.number(f"train.{name}", train[name], "[0, 1]")
    for name, known in (("precision", PRECISIONS), ("strategy", STRATEGIES)):
        if train[name] not in known:
            raise ValueError(
                f"`train.{name}` must be one of {', '.join(known)}. Received: {train[name]!r}."
            )
    classes = str(config["data"]["classes"])
    if not all(part.strip().lstrip("-").isdigit() for part in classes.split(",") if part.strip()):
        raise ValueError(
            f"data.classes must be labels with commas between them, such as '0,1'. "
            f"Received: {classes!r}."
        )
