"""The registry: names, duplicates, and the keywords that a spec may hold."""

import keras
import ml_collections
import pytest

from tfsp.registry import Registry, defaults


class Base(keras.layers.Layer):
    """A stand-in for `Prior`: takes one keyword and passes the rest on."""

    def __init__(self, latent_dim, **kwargs):
        super().__init__(**kwargs)
        self.latent_dim = latent_dim


# The package's own bases count as "tfsp"; this one stands in for them.
Base.__module__ = "tfsp.stand_in"


class Shape:
    """Without `**kwargs`, like a network pair."""

    def __init__(self, width=3):
        self.width = width


@pytest.fixture
def registry():
    registry = Registry("shape")
    registry.register("square")(Shape)
    return registry


def test_a_name_is_found_and_names_are_sorted(registry):
    class Other:
        pass

    assert registry.register("circle")(Other) is Other
    assert registry.get("square") is Shape
    assert registry.names() == ["circle", "square"]


def test_a_name_is_taken_only_once(registry):
    with pytest.raises(ValueError, match="shape name 'square' is taken by"):
        registry.register("square")(type("Another", (), {}))
    assert registry.get("square") is Shape


def test_an_unknown_name_is_answered_with_the_known_ones(registry):
    for ask in (registry.get, registry.build):
        with pytest.raises(ValueError, match=r"Unknown shape: 'cube'. Known: square\."):
            ask("cube")


@pytest.mark.parametrize(
    "spec",
    ["square", {"name": "square"}, ml_collections.ConfigDict({"name": "square"})],
    ids=["str", "dict", "ConfigDict"],
)
def test_build_from_every_kind_of_spec(registry, spec):
    built = registry.build(spec, width=5, height=7)  # what is not taken is left out
    assert type(built) is Shape
    assert built.width == 5


def test_build_returns_an_instance_as_it_is(registry):
    instance = Shape(9)
    assert registry.build(instance, width=5) is instance


def test_the_spec_goes_before_the_context_and_is_not_changed(registry):
    spec = {"name": "square", "width": 4}
    assert registry.build(spec, width=5).width == 4
    assert spec == {"name": "square", "width": 4}


def test_a_dict_needs_a_name(registry):
    with pytest.raises(ValueError, match="needs the key 'name'"):
        registry.build({"width": 4})


def test_an_unknown_keyword_is_answered_with_the_known_ones(registry):
    with pytest.raises(ValueError, match=r"'square' does not take 'size'. It takes: width"):
        registry.build({"name": "square", "size": 4})


def test_a_layer_keyword_that_the_class_does_not_take_is_refused(registry):
    with pytest.raises(ValueError, match="does not take 'dtype'"):
        registry.build({"name": "square", "dtype": "float32"})


def test_inherited_keywords_and_those_of_every_layer_are_taken():
    registry = Registry("layer")

    @registry.register("tall")
    class Tall(Base):
        def __init__(self, height=1, **kwargs):
            super().__init__(**kwargs)
            self.height = height

    built = registry.build({"name": "tall", "height": 2, "dtype": "float64"}, latent_dim=6)
    assert (built.height, built.latent_dim, built.dtype) == (2, 6, "float64")
    with pytest.raises(ValueError, match="does not take 'activity_regularizer'"):
        registry.build({"name": "tall", "latent_dim": 6, "activity_regularizer": None})


def test_a_layer_of_layers_outside_the_package_takes_all_their_keywords():
    registry = Registry("layer")

    class Middle(Base):
        def __init__(self, middle=1, **kwargs):
            super().__init__(**kwargs)
            self.middle = middle

    @registry.register("bottom")
    class Bottom(Middle):
        def __init__(self, bottom=1, **kwargs):
            super().__init__(**kwargs)
            self.bottom = bottom

    built = registry.build({"name": "bottom", "bottom": 2, "middle": 3}, latent_dim=6)
    assert (built.bottom, built.middle, built.latent_dim) == (2, 3, 6)


def test_a_keyword_that_no_constructor_passes_on_is_refused():
    registry = Registry("layer")

    @registry.register("closed")
    class Closed(Base):
        def __init__(self, height=1):
            super().__init__(latent_dim=1)
            self.height = height

    with pytest.raises(ValueError, match="does not take 'latent_dim'"):
        registry.build({"name": "closed", "latent_dim": 2})
    assert registry.build("closed", latent_dim=2).latent_dim == 1


def test_what_a_class_gives_itself_is_not_taken():
    registry = Registry("layer")

    @registry.register("fixed")
    class Fixed(Base):
        fixed_arguments = ("latent_dim",)

        def __init__(self, height=1, **kwargs):
            super().__init__(3, **kwargs)
            self.height = height

    assert registry.build("fixed", latent_dim=2).latent_dim == 3
    with pytest.raises(ValueError, match=r"'fixed' does not take 'latent_dim'. It takes: height,"):
        registry.build({"name": "fixed", "latent_dim": 2})


def test_defaults_are_those_of_the_signatures():
    class Tall(Base):
        def __init__(self, height=1, sizes=(2,), **kwargs):
            super().__init__(**kwargs)

    class Taller(Tall):
        def __init__(self, latent_dim, height=5, *, width=None, **kwargs):
            super().__init__(latent_dim=latent_dim, **kwargs)

    assert defaults(Shape) == {"width": 3}
    assert defaults(Tall) == {"height": 1, "sizes": (2,)}  # latent_dim must be given
    assert defaults(Taller) == {"height": 5, "width": None, "sizes": (2,)}


def test_classes_of_the_same_python_name_are_told_apart_when_saved():
    """Keras finds a saved class by a name: the registered one, not the Python one."""
    first, second = Registry("layer"), Registry("thing")

    def make():
        class RegistryTestTwin(keras.layers.Layer):
            pass

        return RegistryTestTwin

    one, two = first.register("one")(make()), second.register("one")(make())
    for cls in (one, two):
        config = keras.saving.serialize_keras_object(cls())
        assert type(keras.saving.deserialize_keras_object(config)) is cls


def test_a_registered_layer_survives_keras_serialisation():
    registry = Registry("layer")

    @registry.register("saved")
    class RegistryTestSaved(keras.layers.Layer):
        def __init__(self, height=1, **kwargs):
            super().__init__(**kwargs)
            self.height = height

        def get_config(self):
            return {**super().get_config(), "height": self.height}

    config = keras.saving.serialize_keras_object(RegistryTestSaved(height=4))
    assert config["registered_name"] == "tfsp>layer.saved"
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is RegistryTestSaved
    assert again.height == 4
