"""The temperature that falls from epoch to epoch."""

import re

import pytest

from tfsp.priors.temperature import Temperature


def test_it_falls_to_the_least():
    temperature = Temperature(1, 0.5, 0.2)
    assert [temperature.at(epoch) for epoch in range(4)] == [1.0, 0.5, 0.25, 0.2]
    assert Temperature(0.1, 1.0, 0.2).at(0) == 0.2
    assert temperature.at(100_000) == 0.2


def test_config_makes_another():
    config = Temperature(1, 0.5, 0.2).config
    assert config == dict(temperature=1.0, temperature_decay=0.5, min_temperature=0.2)
    assert all(type(value) is float for value in config.values())
    assert Temperature(**config).config == config


@pytest.mark.parametrize("name", ["temperature", "min_temperature"])
@pytest.mark.parametrize("value", [0.0, -1, float("inf"), float("nan"), "1", None, True])
def test_wrong_temperatures_are_refused(name, value):
    settings = dict(temperature=1.0, temperature_decay=0.9, min_temperature=0.1)
    message = f"`{name}` must be a positive number. Received: {value!r}."
    with pytest.raises(ValueError, match=re.escape(message)):
        Temperature(**{**settings, name: value})


@pytest.mark.parametrize("value", [0, 1.1, "0.5", None])
def test_wrong_decays_are_refused(value):
    message = f"`temperature_decay` must be a number in (0, 1]. Received: {value!r}."
    with pytest.raises(ValueError, match=re.escape(message)):
        Temperature(1.0, value, 0.1)
