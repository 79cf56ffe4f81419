"""Scripts and configs: in a clone beside the package, in a wheel within it."""

import pathlib

COMMANDS = ("train", "evaluate", "visualize", "explore", "refine", "export", "demo")
_PACKAGE = pathlib.Path(__file__).parent
FOLDER = "_project"  # of the package, where setup.py puts them


def root() -> pathlib.Path:
    """The folder that holds `scripts` and `configs`.

    Raises:
      FileNotFoundError: for an installation without them.
    """
    for folder in (_PACKAGE / FOLDER, _PACKAGE.parent):
        if (folder / "scripts" / "train.py").is_file() and (folder / "configs").is_dir():
            return folder
    raise FileNotFoundError(
        f"The scripts and configs of tfsp are neither in {_PACKAGE / FOLDER}, where a wheel has "
        f"them, nor beside the package in {_PACKAGE.parent}. Install tfsp again by pip."
    )


def find_config(name: str) -> str:
    """`name` of a config file, perhaps with `:ROW`, as a path that is there.

    A file of the user comes first. Else `configs/vae/digits.py` and `vae/digits.py` are those of
    the project. A name that is neither is returned as it is, so that whoever opens it finds fault
    with what was given.
    """
    path, colon, row = name.partition(".py:")
    path = path + ".py" if colon else path
    if pathlib.Path(path).expanduser().exists():
        return name
    for folder in (root(), root() / "configs"):
        if (folder / path).is_file():
            return f"{folder / path}{':' + row if colon else ''}"
    return name


def config_names() -> list[str]:
    """The configs that `find_config` knows, such as `vae/digits.py`, sorted."""
    folder = root() / "configs"
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.py"))
