"""Checks of numbers that users give."""

import re

import numpy as np
import pytest

from tfsp import arguments


@pytest.mark.parametrize("value", [1, np.int64(7), np.int32(3)])
def test_integers_are_plain(value):
    found = arguments.integer("n", value)
    assert found == value
    assert type(found) is int


@pytest.mark.parametrize("value", [0.5, 1, np.float32(0.25), np.int64(1)])
def test_numbers_are_plain_floats(value):
    found = arguments.number("x", value, "(0, 1]")
    assert found == value
    assert type(found) is float


@pytest.mark.parametrize(
    ("settings", "value", "message"),
    [
        ({}, 0, "`n` must be a positive integer. Received: 0."),
        ({}, True, "`n` must be a positive integer. Received: True."),
        ({}, 2.0, "`n` must be a positive integer. Received: 2.0."),
        ({}, "2", "`n` must be a positive integer. Received: '2'."),
        ({}, None, "`n` must be a positive integer. Received: None."),
        ({"least": 0}, -1, "`n` must be a non-negative integer. Received: -1."),
        ({"most": 4}, 5, "`n` must be an integer from 1 to 4. Received: 5."),
        (
            {"least": 2, "meaning": "one is none"},
            1,
            "an integer of at least 2: one is none. Received",
        ),
    ],
)
def test_other_integers_are_refused(settings, value, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        arguments.integer("n", value, **settings)


@pytest.mark.parametrize("values", [[1, 2], (1, np.int64(2)), np.array([1, 2])])
def test_lists_of_integers_are_plain_tuples(values):
    found = arguments.integers("n", values)
    assert found == (1, 2)
    assert all(type(value) is int for value in found)
    assert arguments.integers("n", []) == ()


@pytest.mark.parametrize(
    ("values", "settings", "message"),
    [
        ([3, 0], {}, "`n[1]` must be a positive integer. Received: 0."),
        (["3"], {"least": 2}, "`n[0]` must be an integer of at least 2. Received: '3'."),
        ((1, 5), {"most": 4}, "`n[1]` must be an integer from 1 to 4. Received: 5."),
        (3, {"meaning": "widths"}, "`n` must be a list of integers: widths. Received: 3."),
        ("34", {}, "`n` must be a list of integers. Received: '34'."),
        (None, {}, "`n` must be a list of integers. Received: None."),
        ([[1, 2]], {}, "`n[0]` must be a positive integer. Received: [1, 2]."),
    ],
)
def test_other_lists_are_refused(values, settings, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        arguments.integers("n", values, **settings)


@pytest.mark.parametrize(
    ("interval", "value", "message"),
    [
        ("(0, inf)", 0, "`x` must be a positive number. Received: 0."),
        ("(0, inf)", float("inf"), "`x` must be a positive number. Received: inf."),
        ("[0, inf)", -1e-9, "`x` must be a non-negative number. Received: -1e-09."),
        ("(-inf, inf)", float("nan"), "`x` must be a finite number. Received: nan."),
        ("(-inf, inf)", -float("inf"), "`x` must be a finite number. Received: -inf."),
        ("[0, 1)", 1.0, "`x` must be a number in [0, 1). Received: 1.0."),
        ("[0, 1]", 1.1, "`x` must be a number in [0, 1]. Received: 1.1."),
        ("(0, 1]", 0.0, "`x` must be a number in (0, 1]. Received: 0.0."),
        ("[0, 1]", True, "`x` must be a number in [0, 1]. Received: True."),
        ("[0, 1]", "0.5", "`x` must be a number in [0, 1]. Received: '0.5'."),
        ("[0, 1]", [0.5], "`x` must be a number in [0, 1]. Received: [0.5]."),
        ("[1, inf)", 0.5, "`x` must be a number in [1, inf). Received: 0.5."),
    ],
)
def test_other_numbers_are_refused(interval, value, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        arguments.number("x", value, interval)


def test_ends_with_square_brackets_are_allowed():
    assert arguments.number("x", 0, "[0, 1)") == 0
    assert arguments.number("x", 1, "(0, 1]") == 1
    assert arguments.integer("n", 4, most=4) == 4
