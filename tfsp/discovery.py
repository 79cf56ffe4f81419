"""Modules of a package that register what is in them: a file put there is found."""

import importlib
import pkgutil
from collections.abc import Iterable


def import_all(package: str, path: Iterable[str]) -> None:
    """Imports every module of a package.

    Args:
      package: its name.
      path: its `__path__`, the folders that its modules are in.
    """
    for module in pkgutil.iter_modules(path):
        importlib.import_module(f"{package}.{module.name}")
