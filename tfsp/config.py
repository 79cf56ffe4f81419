"""Every setting of an experiment, with its default."""

import pathlib
import runpy

import ml_collections

from tfsp import arguments, likelihoods, mappings, models, networks, priors
from tfsp.latent_layer import LATENT_DIM
from tfsp.registry import check_keywords, defaults

PRECISIONS = ("float32", "float64", "mixed_bfloat16", "mixed_float16")
STRATEGIES = ("default", "mirrored", "multi_worker")
# Sections that name a class, and where it is registered.
SECTIONS = {
    "model": models,
    "network": networks,
    "likelihood": likelihoods,
    "prior": priors,
    "mapping": mappings,
}
# Arguments of their constructors that come from other settings.
_GIVEN = {
    "model": ("encoder", "likelihood", "prior", "mapping"),
    "prior": ("latent_dim",),
    "mapping": ("latent_dim",),
}


def default_config(model="vae"):
    """Every setting with its default, as an `ml_collections.ConfigDict`.

    The files under `configs/` change some of them. Each of `SECTIONS` names a class (`name`) and
    holds the keywords of its constructor with their defaults, see `Section`.

    Args:
      model: one of `tfsp.models.names()`. Network, likelihood, prior and mapping are its defaults.

    Raises:
      ValueError: for an unknown model.
    """
    config = ml_collections.ConfigDict(
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
                # What image_size does to pictures of another shape: "squash", "crop", "pad"; where
                # decoded images are kept: "memory", "disk" (in the folder cache_dir), "none".
                fit=ml_collections.config_dict.placeholder(str),
                cache=ml_collections.config_dict.placeholder(str),
                cache_dir=ml_collections.config_dict.placeholder(str),
                # Of a set of TensorFlow Datasets: the feature that is the image, where there are
                # several (and `label` the one that is the class).
                image=ml_collections.config_dict.placeholder(str),
                # Of a table: the columns that are the class and the name of a row; what becomes of
                # missing values ("error", "drop", "mean", "model") and of columns of text and
                # categories ("error", "code"); the layer of an .h5ad file; True reads an array
                # [n, D] as a table whatever its values.
                label=ml_collections.config_dict.placeholder(str),
                index=ml_collections.config_dict.placeholder(str),
                missing=ml_collections.config_dict.placeholder(str),
                categorical=ml_collections.config_dict.placeholder(str),
                layer=ml_collections.config_dict.placeholder(str),
                table=ml_collections.config_dict.placeholder(bool),
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
        )
    )
    taken = defaults(models.get(model))
    names = {
        "model": model,
        "network": taken["encoder"],
        "likelihood": taken["likelihood"],
        "prior": taken.get("prior", "normal"),
        "mapping": taken.get("mapping", "identity"),
    }
    for section, name in names.items():
        config[section] = Section.of(section, name)
    return config


class Section(ml_collections.ConfigDict):
    """The settings of a class: its `name`, and the keywords of its constructor.

    Each keyword starts at the constructor's default. Another `name` brings the keywords and the
    defaults of that class; what was set to anything but a default is kept if that class takes it
    too. So name the class first.
    """

    _section = None  # None: a plain `ConfigDict`, such as a setting that is a dict

    @classmethod
    def of(cls, section, name):
        """A new section.

        Args:
          section: one of `SECTIONS`.
          name: of a class in its registry.
        """
        new = cls()
        object.__setattr__(new, "_section", section)
        new["name"] = name
        return new

    def __setstate__(self, state):
        super().__setstate__(state)
        object.__setattr__(self, "_section", state["_section"])

    def copy_and_resolve_references(self, visit_map=None):
        """See `ConfigDict`."""
        copy = super().copy_and_resolve_references(visit_map)
        object.__setattr__(copy, "_section", self._section)
        return copy

    def __setitem__(self, key, value):
        if key == "name" and self._section is not None and value != self.get("name"):
            self._change_class(value)
        super().__setitem__(key, value)

    def update(self, *other, **settings):
        """See `ConfigDict`; a `name` among the settings is set first."""
        settings = {key: value for part in (*other, settings) for key, value in part.items()}
        if "name" in settings:
            self["name"] = settings.pop("name")
        super().update(settings)

    def get_type(self, key):
        """The type that a flag's value must have; any, where the setting is None."""
        value = super().get_type(key)
        return object if value is type(None) else value

    def _change_class(self, name):
        before = section_defaults(self._section, self.get("name"))
        after = section_defaults(self._section, name)
        with self.unlocked():
            for key, value in list(self.items()):
                if key in before and (key not in after or value == before[key]):
                    del self[key]
            for key, value in after.items():
                if key not in self:
                    self[key] = value


def section_defaults(section, name):
    """The keywords that a class takes from a section, with their defaults; {} if it is unknown."""
    registry = SECTIONS[section]
    if name not in registry.names():
        return {}
    found = defaults(registry.get(name))
    if section == "model" and found.get("latent_dim", 0) is None:
        found["latent_dim"] = LATENT_DIM
    left_out = (*_GIVEN.get(section, ()), "seed")  # the run's, unless a section sets its own
    return {key: value for key, value in found.items() if key not in left_out}


def check_section(config, section):
    """Checks the name in a section, and that the named class takes the section's other settings.

    Args:
      config: a complete nested dict, as `to_dict` returns it.
      section: one of `SECTIONS`.

    Raises:
      ValueError: for an unknown name, with the known ones, and for keywords that the class does
        not take, with those that it takes.
    """
    settings = dict(config[section])
    name = settings.pop("name")
    cls = SECTIONS[section].get(name)
    check_keywords(section, name, cls, settings, fixed=_GIVEN.get(section, ()))


def to_dict(config):
    """A nested dict of plain values from a `ConfigDict` or a dict, complete and checked.

    Raises:
      ValueError: for a section or a setting that does not exist, and for values of `train` and
        `data.classes` out of range. `check_section` checks the settings of classes.
    """
    config = config.to_dict() if hasattr(config, "to_dict") else dict(config)
    complete = default_config().to_dict()
    for section, value in config.items():
        if section not in complete:
            raise ValueError(f"Unknown setting {section!r}. Known: {', '.join(complete)}.")
        if section in SECTIONS or not isinstance(value, dict):
            continue
        unknown = set(value) - set(complete[section])
        if unknown and section != "data":  # it takes what its data set takes
            raise ValueError(
                f"Unknown setting {section}.{sorted(unknown)[0]}. "
                f"Known: {', '.join(complete[section])}."
            )
    complete = _filled(config, complete)
    _check_values(complete)
    return complete


def of_run(config):
    """The config of a run in the form of this version.

    Earlier versions kept in each of `SECTIONS` the settings of all classes, of which only those are
    kept that the named class takes, and in `presets` which of them a file had set. Settings that
    were added later get their defaults.

    Args:
      config: nested dict, as read from a run's config.json.

    Returns:
      A nested dict as `to_dict` returns it, but with lists in place of tuples.
    """
    config = {key: value for key, value in config.items() if key != "presets"}
    for section, registry in SECTIONS.items():
        settings = config.get(section, {})
        if settings.get("name") in registry.names():
            taken = check_keywords(section, settings["name"], registry.get(settings["name"]), {})
            config[section] = {k: v for k, v in settings.items() if k in ("name", *taken)}
    return _filled(config, default_config().to_dict())


def _filled(config, complete):
    """`config`, completed from `complete` and from the defaults of the named classes."""
    filled = dict(complete)
    for key, value in config.items():
        if key in SECTIONS:
            value = {"name": complete[key]["name"], **value}
            if key == "mapping" and value["name"] == "auto":
                data = {**complete["data"], **config.get("data", {})}
                value |= mappings.mapping_for(data["name"])
            filled[key] = {"name": value["name"], **section_defaults(key, value["name"]), **value}
        elif isinstance(value, dict) and isinstance(complete.get(key), dict):
            filled[key] = {**complete[key], **value}
        else:
            filled[key] = value
    return filled


def read_config(path):
    """The config of a file: what `--config=FILE.py` or `--config=FILE.py:ROW` gives to the scripts.

    Args:
      path: of a Python file that defines `get_config`, with ":" and its argument if it takes one.

    Returns:
      What `get_config` returns, an `ml_collections.ConfigDict`.

    Raises:
      FileNotFoundError: if there is no such file.
      ValueError: for a file without `get_config`, or a row that it does not know.
    """
    path, _, row = str(path).partition(".py:")
    path = pathlib.Path(f"{path}.py" if row else path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no config file {path}.")
    module = runpy.run_path(str(path))
    if "get_config" not in module:
        raise ValueError(f"{path} must define `get_config()`, which returns a config.")
    return module["get_config"](*([row] if row else []))


def row_of(rows, name):
    """`rows[name]`: the row that `--config=file.py:name` selects from a config of several rows.

    Raises:
      ValueError: for a name that is not a key of `rows`, with those that are.
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
            f"`data.classes` must be comma-separated labels, such as '0,1'. Received: {classes!r}."
        )
