"""Which of several cases `make test` runs; `make test-all` runs each."""

import pytest


def slow_but(kept, values):
    """The values (tuples: of several parameters), those not in `kept` marked slow."""
    return [
        value
        if value in kept
        else pytest.param(
            *(value if isinstance(value, tuple) else (value,)), marks=pytest.mark.slow
        )
        for value in values
    ]
