"""Compiled functions of a model, traced once however often they are asked for."""

import weakref
from collections.abc import Callable, Hashable
from typing import Any

_KNOWN: Any = weakref.WeakKeyDictionary()


def once(model: Any, key: Hashable, make: Callable[[Callable[[], Any]], Any]) -> Any:
    """What `make(owner)` returned when it was first asked for this model and key.

    Args:
      model: a `StructuredVAE`.
      key: what else the function depends on, its purpose included.
      make: of a function () -> model. What it returns must hold on to that alone: it is kept as
        long as the model, and must not keep the model alive.
    """
    known = _KNOWN.setdefault(model, {})
    if key not in known:
        known[key] = make(weakref.ref(model))
    return known[key]
