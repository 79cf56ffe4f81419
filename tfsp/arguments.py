"""Checks of numbers that users give, with one wording of the errors."""

import math
import numbers
from typing import Any


def integer(
    name: str, value: Any, least: int = 1, most: int | None = None, meaning: str = ""
) -> int:
    """`value` as an int.

    Args:
      name: of the argument, for the error.
      least, most: the limits, both allowed; most=None is none.
      meaning: what the number is, for the error.

    Raises:
      ValueError: for what is no integer (True and 2.0 are not) or is outside the limits.
    """
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not whole or value < least or (most is not None and value > most):
        if most is not None:
            wanted = f"an integer from {least} to {most}"
        else:
            named = {0: "a non-negative integer", 1: "a positive integer"}
            wanted = named.get(least, f"an integer of at least {least}")
        _refuse(name, value, wanted, meaning)
    return int(value)


def count(name: str, value: Any, least: int = 0) -> Any:
    """How many there are to be: `value` as `integer`, or an integer tensor of shape [] as it is.

    The latter is what exported functions are given, whose value is not known while they are made.
    """
    if getattr(getattr(value, "dtype", None), "is_integer", False) and value.shape.rank == 0:
        return value
    return integer(name, value, least)


def integers(
    name: str, values: Any, least: int = 1, most: int | None = None, meaning: str = ""
) -> tuple[int, ...]:
    """`values`, a list or the like, as a tuple of ints, each as by `integer`."""
    if isinstance(values, str) or not hasattr(values, "__len__"):
        _refuse(name, values, "a list of integers", meaning)
    return tuple(
        integer(f"{name}[{i}]", value, least, most, meaning) for i, value in enumerate(values)
    )


def number(name: str, value: Any, interval: str = "(-inf, inf)", meaning: str = "") -> float:
    """`value` as a float.

    Args:
      name: of the argument, for the error.
      interval: where it must lie, as "[0, 1)": a square bracket allows its end, a round one does
        not.
      meaning: what the number is, for the error.

    Raises:
      ValueError: for what is no real number, NaN, or outside the interval.
    """
    low, high = (float(end) for end in interval[1:-1].split(","))
    real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if real:
        above = value >= low if interval[0] == "[" else value > low
        below = value <= high if interval[-1] == "]" else value < high
    if not real or not above or not below:
        named = {
            (-math.inf, "("): "a finite number",
            (0.0, "("): "a positive number",
            (0.0, "["): "a non-negative number",
        }
        open_ended = high == math.inf and interval[-1] == ")"
        wanted = open_ended and named.get((low, interval[0]))
        _refuse(name, value, wanted or f"a number in {interval}", meaning)
    return float(value)


def shorten(text: str, limit: int = 200) -> str:
    """`text` for an error, its middle left out where it is longer than `limit`."""
    if len(text) <= limit:
        return text
    half = limit // 2 - 20
    return f"{text[:half]} ... ({len(text)} characters) ... {text[-half:]}"


def shown(value: Any, limit: int = 200) -> str:
    """`repr(value)` for an error, however long it is."""
    try:
        return shorten(repr(value), limit)
    except ValueError:  # Python does not print an integer of thousands of digits
        return f"a number of type {type(value).__name__}, too long to print"


def _refuse(name, value, wanted, meaning):
    meaning = f": {meaning}" if meaning else ""
    raise ValueError(f"`{name}` must be {wanted}{meaning}. Received: {shown(value)}.")
