"""Which likelihood each column of a table has: as the user says it, and as the data tell."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfsp.likelihoods.base import get, names
from tfsp.likelihoods.categorical import Categorical
from tfsp.likelihoods.counts import CountLikelihood
from tfsp.likelihoods.location_scale import LocationScale

AUTO = "auto"


def named(place: int, columns: Sequence[str] | None) -> str:
    """A column as errors call it."""
    return f"Column {place}" + (f" ({columns[place]!r})" if columns else "")


def names_in(kinds: Any) -> list[str] | None:
    """The names of all columns that a dict of kinds holds; None where it goes by numbers."""
    if isinstance(kinds, Mapping) and not all(_is_number(key) for key in kinds):
        return [str(key) for key in kinds]
    return None


def size_of(kinds: Any, columns: Sequence[str] | None) -> int | None:
    """D, where the arguments of `Columns` tell it, else None."""
    if columns is not None:
        return len(columns)
    return len(kinds) if isinstance(kinds, (list, tuple)) else None


def specs(
    kinds: Any,
    columns: Sequence[str] | None,
    categories: Mapping[Any, Any] | None,
    size: int,
) -> list[dict[str, Any] | str]:
    """A spec for each of D columns, or "auto", as the arguments of `Columns` say.

    Args:
      kinds, categories: see `Columns`.
      columns: their names, or None.
      size: D.

    Raises:
      ValueError: for kinds that are none, names that no column has, and another number of columns.
    """
    by_kind = {} if isinstance(kinds, str) and kinds == AUTO else _by_place(kinds, columns, "kinds")
    classes = _by_place(categories or {}, columns, "categories")
    given = [len(each) for each in (columns, kinds) if isinstance(each, (list, tuple))]
    most = max([-1, *by_kind, *classes]) + 1
    if most > size or any(number != size for number in given):
        raise ValueError(
            "`kinds`, `names` and `categories` must be of the columns of the table, which are "
            f"{size}. Received: {max([most, *given])}."
        )
    return [
        spec_of(by_kind.get(i, AUTO), _number_of(classes.get(i)), named(i, columns))
        for i in range(size)
    ]


def _by_place(given, columns, what):
    """Number of a column -> what is given for it, by a list or a dict of names or numbers."""
    if isinstance(given, (list, tuple)):
        return dict(enumerate(given))
    if not isinstance(given, Mapping):
        raise ValueError(
            f"`{what}` must be a list, one entry for each column, or a dict of names or numbers of "
            f"columns. Received: {given!r}."
        )
    known = {name: place for place, name in enumerate(columns or ())}
    unknown = [key for key in given if key not in known and not _is_number(key)]
    if unknown:
        raise ValueError(
            f"`{what}` has names that no column has: {', '.join(map(repr, unknown[:5]))}. Columns: "
            f"{', '.join(map(repr, list(known)[:20])) or 'not named, see `names`'}."
        )
    return {known[key] if key in known else int(key): value for key, value in given.items()}


def _is_number(key):
    return isinstance(key, int) or str(key).isdigit()  # JSON makes text of numbers


def _number_of(classes):
    return classes if classes is None or isinstance(classes, int) else len(classes)


def spec_of(kind: Any, num_classes: int | None, column: str) -> dict[str, Any] | str:
    """The spec of a column's likelihood, complete but for what data have to tell.

    Numbers in a table are standardised, with a scale for each feature that is learned, and its
    counts have no total in common, where the user does not say otherwise.

    Args:
      kind: "auto", the name of a likelihood, or a dict of its settings.
      num_classes: K where categories are known, else None.
      column: what the column is called in errors.

    Raises:
      ValueError: for an unknown name, for "columns", and for what is neither name nor dict.
    """
    if kind == AUTO:
        if num_classes is None:
            return AUTO
        kind = "bernoulli" if num_classes <= 2 else "categorical"
    settings = {"name": kind} if isinstance(kind, str) else kind
    if not isinstance(settings, Mapping) or "name" not in settings:
        raise ValueError(
            f"The kind of {column} must be 'auto', the name of a likelihood ({', '.join(names())}) "
            f"or a dict with the key 'name'. Received: {kind!r}."
        )
    if settings["name"] == "columns":
        raise ValueError(f"The kind of {column} cannot be 'columns' itself.")
    cls = get(settings["name"])
    defaults: dict[str, Any] = {}
    if issubclass(cls, LocationScale):
        defaults = {"scale": "feature", "standardize": True}
    elif issubclass(cls, CountLikelihood):
        defaults = {"library": "none"}
        if settings.get("library") == "learned":
            raise ValueError(
                f"The kind of {column} cannot have library='learned', which is of whole tables of "
                "counts: take 'none', or 'observed' for columns that have their total in common."
            )
    elif issubclass(cls, Categorical) and num_classes is not None:
        defaults = {"num_levels": max(num_classes, 2)}
    return {**defaults, **settings}


def is_open(spec: dict[str, Any] | str) -> bool:
    """Whether data have yet to tell something of a column's likelihood."""
    return spec == AUTO or (
        isinstance(spec, dict)
        and issubclass(get(spec["name"]), Categorical)
        and "num_levels" not in spec
    )


def decided(spec: dict[str, Any] | str, values: np.ndarray, column: str) -> dict[str, Any] | str:
    """The complete spec of a column, from its values `[n]`, NaN where they are missing.

    0 and 1 alone are taken as binary, all else as real numbers; the classes of a categorical
    column are 0, ..., the largest of its values.

    Raises:
      ValueError: for categories that are no codes.
    """
    if not is_open(spec):
        return spec
    there = values[~np.isnan(values)]
    if isinstance(spec, str):
        binary = len(there) and np.isin(there, (0, 1)).all()
        return spec_of("bernoulli" if binary else "gaussian", None, column)
    wrong = there[(there < 0) | (there != np.rint(there))]
    if len(wrong) or not len(there):
        raise ValueError(
            f"{column} is categorical, and must hold the codes 0, 1, ... of its classes. Received: "
            f"{wrong[0] if len(wrong) else 'no value'}. `tfsp.data.load(..., categorical='code')` "
            "makes codes of text."
        )
    return {**spec, "num_levels": max(int(there.max()) + 1, 2)}
