"""A config made to fit a user's own data: what is chosen by looking at them, and why."""

import dataclasses

from tfsp import config as configs
from tfsp import data, likelihoods, networks
from tfsp.registry import check_keywords

_LEAST_ROWS = 20
# An epoch's end costs as much as some steps; of few rows more passes are learned by heart.
_LEAST_STEPS, _MOST_PASSES = 50, 10
_TRAINING = 0.8  # share of the rows, where validation and test are held out of them
_ROWS_TO_A_POINT = 8
_SIDE, _SIDE_OF_CONVOLUTIONS = 32, 64  # pixels, at most
# Settings that tell of the data of a config's own, and of no others.
_OF_LOOKING = ("background", "label", "index", "missing", "categorical", "layer", "table")
_NAMES = {
    "binary": "black and white",
    "bytes": "grey",
    "unit": "grey",
}


def fit_config(config, path, given=()):
    """Sets what of a config depends on the data to what the data at a path want.

    The data's own settings (`config.data`) start at their defaults, likelihood, binarisation and
    the size of pictures are chosen by a look at them (`tfsp.data.look`), networks and augmentations
    that only pictures can have are left out for all others, and what counts rows (inducing points,
    components, steps of an epoch) is fitted to their number.

    Args:
      config: an `ml_collections.ConfigDict` (see `tfsp.config.default_config`), which is changed.
      path: of a folder of pictures, or a file of arrays or of a table; see `tfsp.data.load`.
      given: names of settings such as "likelihood.name" that the user has given and that stay.

    Returns:
      three lines of text: what was found, what was chosen and why, and what was fitted; and a
      fourth where a column counts the rows.

    Raises:
      DataNotFoundError: a FileNotFoundError, if there is nothing at the path.
      ValueError: for too few rows, for `data.name` among the settings given, and as
        `tfsp.data.look`.
    """
    if "data.name" in given:
        raise ValueError("Give either --data=PATH or --config.data.name, not both.")
    choice = _Choice(config, frozenset(given))
    choice.reset_data()
    options = {k: config.data[k] for k in _OF_LOOKING if config.data.get(k) is not None}
    if choice.is_given("likelihood.name") and config.likelihood.name != "columns":
        options.setdefault("categorical", "error")  # codes mean nothing to other likelihoods
    try:
        seen = data.look(path, options)
    except data.DataFormatError as error:
        if not any(f"{name}=" in str(error) for name in _OF_LOOKING):
            raise
        raise data.DataFormatError(
            f"{error} On the command line these are --config.data.label=..., and so on."
        ) from error
    if seen.num_rows < _LEAST_ROWS:
        raise ValueError(
            f"{seen.path} has {seen.num_rows} rows, of which a tenth each are held out to validate "
            f"and to test: too few to learn from. Expected {_LEAST_ROWS} or more."
        )
    choice.set("data.name", str(seen.path))
    for name, value in seen.options.items():
        choice.set(f"data.{name}", value)
    if seen.unit_norm and seen.kind == "flat":  # lengths of 1 are of embeddings, not of pictures
        choice.set("data.table", True)
        seen = dataclasses.replace(seen, kind="table", values="real")
    convolves = _convolves(config)
    network = _fit_network(choice, seen, convolves)
    size = _fit_size(choice, seen, convolves) if seen.kind == "pictures" else ""
    why = _fit_likelihood(choice, seen, resized=bool(size))
    if "index" in seen.options:
        why += f", index={config.data.index}"
    fitted = _fit_numbers(choice, seen)
    lines = (
        f"Found: {_found(seen)}",
        f"Chosen: {', '.join(filter(None, (why, size)))}",
        f"Fitted: {', '.join((network, *fitted))}. Flags --config.X=... go first",
    )
    return tuple(f"{line}." for line in (*lines, *_odd(choice, seen)))


def _odd(choice, seen):
    """A line about a column that tells nothing of the rows but where they stand."""
    for name in seen.counting[:1]:
        free = choice.config.data.get("index") is None
        flag = f"--config.data.index={name}, or " if free else ""
        yield f"Note: column {name!r} only counts the rows. To keep it out: {flag}a file without it"


class _Choice:
    """A config in which what the user has given stays."""

    def __init__(self, config, given):
        self.config, self._given = config, given

    def is_given(self, name):
        return name in self._given

    def set(self, name, value):
        """Sets "section.setting" unless the user has."""
        section, _, key = name.partition(".")
        if not self.is_given(name):
            self.config[section][key] = value

    def change_class(self, section, name):
        """Another class at its defaults, but for what the user has given."""
        before = self.config[section]
        kept = {key: value for key, value in before.items() if self.is_given(f"{section}.{key}")}
        self.config[section] = configs.Section.of(section, name)
        self.config[section].update(kept)

    def reset_data(self):
        """The settings of `data` at their defaults: those of a config are about its own set."""
        own, fresh = self.config.data, configs.default_config().data
        for key in [*own]:
            if f"data.{key}" not in self._given:
                if key in fresh:
                    own[key] = fresh[key]
                else:
                    del own[key]


def _found(seen):
    name = seen.path.name + ("/" if seen.path.is_dir() else "")
    labels = f", {seen.num_classes} classes" if seen.num_classes else ""
    if seen.kind == "pictures":
        height, width, channels = seen.shape
        about = "" if seen.one_size else "about "
        colours = "colour" if channels > 1 and seen.values != "binary" else _NAMES[seen.values]
        what = f"{seen.num_rows:,} {colours} pictures of {about}{height}x{width}{labels}"
    elif seen.kind == "flat":
        what = f"{seen.num_rows:,} rows of {seen.shape[0]:,} intensities in [0, 1]{labels}"
    else:
        numbers = {
            "binary": "zeros and ones",
            "counts": f"counts up to {seen.largest:,.0f}, {seen.zeros:.0%} zeros",
            "real": "real numbers",
            "mixed": ", ".join(f"{number:,} {kind}" for kind, number in seen.kinds.items()),
        }[seen.values]
        if seen.unit_norm:
            numbers += ", rows of length 1 (embeddings)"
        if seen.missing:
            numbers += f", {max(seen.missing, 0.01):.0%} missing"
        what = f"a table of {seen.num_rows:,} rows and {seen.shape[0]:,} columns, {numbers}{labels}"
    return f"{name}, {what}"


def _fit_network(choice, seen, convolves):
    """Convolutions and augmentations only for pictures. Returns what there is now."""
    config, left_out = choice.config, []
    if seen.kind != "pictures":
        if convolves and not choice.is_given("network.name"):
            left_out.append(config.network.name)
            choice.change_class("network", "mlp")
        consistency = config.model.get("consistency")
        own = getattr(consistency, "get", lambda name: None)("augment")
        if consistency is not None and own is None:
            choice.set("model.consistency", None)
            left_out.append("consistency")
    instead = f" (without {' and '.join(left_out)}, of pictures alone)" if left_out else ""
    return f"network {config.network.name}{instead}"


def _convolves(config):
    """Whether the config's network takes pictures alone."""
    try:
        network = networks.build(config.network)
    except ValueError:
        return False  # whoever trains it says what is wrong
    try:
        network.encoder((16,), 2)
    except ValueError:
        return True
    return False


def _fit_size(choice, seen, convolves):
    """Pictures at one size that is not too large. Returns what is done to them; "" if nothing."""
    height, width, _ = seen.shape
    if choice.is_given("data.image_size"):
        side = choice.config.data.image_size
        same = not side or (seen.one_size and (height, width) == (side, side))
        return "" if same else f"{side}x{side} as given"
    most = _SIDE_OF_CONVOLUTIONS if convolves else _SIDE
    side, step = min(most, max(height, width)), 4 if convolves else 1  # they halve it twice
    if seen.one_size and max(height, width) <= most and not (height % step or width % step):
        choice.set("data.image_size", side if height == width else 0)
        return ""
    side = max(step, side - side % step)
    choice.set("data.image_size", side)
    fit = choice.config.data.fit or "squash"
    shape = "" if height == width else f" ({fit})"
    word = "shrunk" if max(height, width) > side else "brought"
    return f"{word} to {side}x{side}{shape}"


def _fit_likelihood(choice, seen, resized):
    """Likelihood and binarisation by the values. Returns what they are, and why."""
    config = choice.config
    choice.set("data.binarization", "none")
    if seen.kind == "table":
        name, settings, reason = _of_table(seen)
    elif (binarized := config.data.binarization) != "none":
        name, settings, reason = "bernoulli", {}, f"for binarization {binarized} as given"
    else:
        name, settings, reason = _of_intensities(seen, resized)
    if choice.is_given("likelihood.name"):
        name, reason = config.likelihood.name, "as given"
        taken = check_keywords("likelihood", name, likelihoods.get(name), {})
        wanted = {"scale": "feature", "standardize": True} if seen.kind == "table" else {}
        settings = {key: value for key, value in wanted.items() if key in taken}
    else:
        choice.change_class("likelihood", name)
    if seen.kind == "table" and config.data.missing == "model":
        settings = {**settings, "missing": True}
        reason += f", missing={config.data.missing}"
    for key, value in settings.items():
        choice.set(f"likelihood.{key}", value)
    return f"likelihood {name}, {reason}"


def _of_table(seen):
    if seen.values == "binary":
        return "bernoulli", {}, "for zeros and ones"
    if seen.values == "counts":
        return "negative_binomial", {}, "for counts around shares of each row's total"
    if seen.values == "mixed":
        return "columns", {}, "to each column that of its kind"
    settings = {"scale": "feature", "standardize": True}
    return "gaussian", settings, "standardised and a scale for each column, in any units"


def _of_intensities(seen, resized):
    if seen.values == "binary" and not resized:  # averages of black and white are grey
        return "bernoulli", {}, "for black and white, not binarised"
    if seen.values == "bytes" and seen.shape[-1] > 1 and seen.kind == "pictures":
        return "logistic", {}, "for 256 levels of colours, not binarised"
    return "continuous_bernoulli", {}, "for grey in [0, 1], not binarised"


def _fit_numbers(choice, seen):
    """What counts rows. Returns what was set, in words."""
    config, rows = choice.config, int(_TRAINING * seen.num_rows)
    most = rows // 2
    fitted = []
    wanted = {
        ("prior", "num_inducing"): max(_LEAST_ROWS, rows // _ROWS_TO_A_POINT),
        ("prior", "num_components"): most,
        ("model", "num_categories"): most,
    }
    for (section, key), largest in wanted.items():
        own = config[section].get(key)
        if isinstance(own, int) and own > (largest := min(largest, most)):
            choice.set(f"{section}.{key}", largest)
        if isinstance(own, int):
            fitted.append(f"{section}.{key} {config[section][key]}")
    passing = max(1, rows // config.train.batch_size)
    steps = min(max(config.train.steps_per_epoch, _LEAST_STEPS), _MOST_PASSES * passing)
    choice.set("train.steps_per_epoch", 0 if passing >= steps else steps)
    fitted.append(f"{config.train.steps_per_epoch or passing:,} steps an epoch")
    return fitted
