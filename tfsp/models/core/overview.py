"""A model at a glance, for notebooks: its parts, their settings, and how many numbers they hold."""

import keras

from tfsp import notebook

_FIRST = ("encoder", "decoder", "prior", "likelihood", "mapping")


def as_html(model):
    """HTML of a `StructuredVAE`: what it is, and a line for each part."""
    shape = model.data_shape
    draws = f"{model.num_samples} draw{'s'[: model.num_samples > 1]} of the latents"
    facts = {
        "objective": f"{model.objective}, {draws}",
        "data": "not known before the first fit" if shape is None else shape,
        "latent_dim": getattr(model, "latent_dim", None),
        "settings": notebook.settings(model._config) or None,
    }
    parts = sorted(
        ((name, part) for name, part in vars(model).items() if _is_part(name, part)),
        key=lambda pair: _FIRST.index(pair[0]) if pair[0] in _FIRST else len(_FIRST),
    )
    rows, seen = [], set()
    for name, part in parts:
        rows.append((name, type(part).__name__, *_counts(part, seen), _settings(name, part)))
    others = _counts(model, seen)
    if others != ["0", "0"]:
        rows.append(("others", "", *others, ""))
    columns = ("part", "class", "trained numbers", "other numbers", "settings")
    facts = {name: value for name, value in facts.items() if value is not None}
    return notebook.card(
        type(model).__name__, notebook.listing(facts), notebook.table(rows, columns)
    )


def _is_part(name, part):
    return isinstance(part, keras.layers.Layer) and not name.startswith("_")


def _counts(part, seen):
    """Numbers of trained and of other weights, of those that no part before has; as text."""
    new = [each for each in part.weights if id(each) not in seen]
    seen.update(map(id, new))
    trained = sum(notebook.size(each) for each in new if each.trainable)
    return [f"{trained:,}", f"{sum(map(notebook.size, new)) - trained:,}"]


def _settings(name, part):
    """Of networks their outputs alone: what they are made of, `summary` tells."""
    if name in ("prior", "likelihood", "mapping"):
        return notebook.settings(part.get_config(), ("latent_dim",))
    shape = getattr(part, "output_shape", None) if part.built else None
    return "" if shape is None else f"output {shape}"
