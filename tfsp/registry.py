"""Registries: a class is found by its registered name, and a name can be taken only once."""

import inspect

import keras


class Registry:
    """Maps names to classes of one kind (priors, likelihoods, ...).

    Registered Keras classes also become serialisable under the package name `tfsp`, so that
    a model that holds one survives `model.save` and `keras.saving.load_model`.
    """

    def __init__(self, kind):
        self.kind = kind
        self._classes = {}

    def register(self, name):
        """Class decorator: adds the class under `name`.

        Raises:
          ValueError: if `name` is taken.
        """

        def add(cls):
            if name in self._classes:
                raise ValueError(
                    f"The {self.kind} name {name!r} is taken by {self._classes[name]!r}."
                )
            if hasattr(cls, "get_config"):
                # Named by kind and name: two Python classes may be called the same.
                keras_name = f"{self.kind}.{name}"
                cls = keras.saving.register_keras_serializable("tfsp", keras_name)(cls)
            self._classes[name] = cls
            return cls

        return add

    def names(self):
        """All registered names, sorted."""
        return sorted(self._classes)

    def get(self, name):
        """The class registered as `name`.

        Raises:
          ValueError: for an unknown name, with the known ones.
        """
        if name not in self._classes:
            raise ValueError(f"Unknown {self.kind}: {name!r}. Known: {', '.join(self.names())}.")
        return self._classes[name]

    def build(self, spec, **context):
        """Makes an instance from a name, a dict `{"name": ..., **keywords}` or an instance.

        A class lists in `fixed_arguments` those arguments of its bases that it sets itself: a spec
        must not contain them.

        Args:
          spec: as the user wrote it. An object that is neither a string nor a mapping is
            returned unchanged.
          **context: arguments that the caller knows (the latent size, the image shape). Those
            that the constructor does not take are left out; those in `spec` take precedence.

        Raises:
          ValueError: for an unknown name or a keyword that the constructor does not take.
        """
        if isinstance(spec, str):
            spec = {"name": spec}
        if spec is None or inspect.isclass(spec):
            raise ValueError(
                f"A {self.kind} must be a name ({', '.join(self.names())}), a dict with the key "
                f"'name', or an object. Received: {spec!r}."
            )
        if not hasattr(spec, "keys"):
            return spec
        keywords = dict(spec)
        if "name" not in keywords:
            raise ValueError(
                f"A {self.kind} given as a dict needs the key 'name'. Received: {keywords}."
            )
        name = keywords.pop("name")
        target = self.get(name)
        accepted = check_keywords(self.kind, name, target, keywords)
        known = {key: value for key, value in context.items() if key in accepted}
        return target(**{**known, **keywords})


def check_keywords(kind, name, target, keywords, fixed=()):
    """The names of the keywords that a class takes.

    Args:
      kind, name: of the class in its registry, for the error.
      target: the class.
      keywords: names of the keywords that it is to be given.
      fixed: names of keywords that it takes, but not from this source.

    Raises:
      ValueError: for a keyword that it does not take, with those that it takes.
    """
    accepted = [keyword for keyword in _keywords(target) if keyword not in fixed]
    unknown = sorted(set(keywords) - set(accepted))
    if unknown:
        raise ValueError(
            f"The {kind} {name!r} does not take {', '.join(map(repr, unknown))}. "
            f"It takes: {', '.join(accepted) or 'none'}."
        )
    return accepted


_LAYER_KEYWORDS = ("dtype", "trainable")  # what every Keras layer takes, and a user may set


def defaults(target):
    """Defaults of the keywords of a class and its bases: dict of name to value.

    Without required keywords, and those of Keras's own classes.
    """
    return {
        name: parameter.default
        for name, parameter in _parameters(target).items()
        if parameter.default is not parameter.empty
    }


def _keywords(target):
    """Names of the keywords that a class (or function) takes, its bases' included."""
    names = list(_parameters(target))
    layer = inspect.isclass(target) and _passes_on_to_keras(target)
    return names + [name for name in _LAYER_KEYWORDS if layer and name not in names]


def _parameters(target):
    """Keywords that a class (or function) takes: dict of name to `inspect.Parameter`.

    A base's keywords count as long as each constructor on the way passes `**kwargs` on, but for
    those in `target.fixed_arguments`, which the class sets itself.
    """
    if not inspect.isclass(target):
        return dict(inspect.signature(target).parameters)
    found = {}
    for constructor in _constructors(target):
        for parameter in constructor:
            if parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
                found.setdefault(parameter.name, parameter)
    fixed = getattr(target, "fixed_arguments", ())
    return {name: parameter for name, parameter in found.items() if name not in fixed}


def _constructors(cls):
    """The parameters of each constructor, up to one that passes none on or to Keras's own."""
    for base in cls.__mro__:
        if _is_keras(base):
            return
        if "__init__" not in vars(base):
            continue
        parameters = list(inspect.signature(base.__init__).parameters.values())[1:]
        yield parameters
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            return


def _passes_on_to_keras(cls):
    passed = all(any(p.kind is p.VAR_KEYWORD for p in c) for c in _constructors(cls))
    return passed and any(map(_is_keras, cls.__mro__))


def _is_keras(cls):
    return cls.__module__.partition(".")[0] == "keras"


def serialized(part):
    """A name, a dict or an object, as `get_config` has it."""
    if isinstance(part, str):
        return part
    return dict(part) if hasattr(part, "keys") else keras.saving.serialize_keras_object(part)


def deserialized(value):
    """What `serialized` was given, or a dict or name in its place."""
    if isinstance(value, dict) and "class_name" in value:
        return keras.saving.deserialize_keras_object(value)
    return value
