"""The command `tfsp`: the scripts of the project, wherever it is installed.

    tfsp demo
    tfsp train --config=vae/digits.py --run_dir=runs/digits
    tfsp train --data=table.csv --run_dir=runs/table
    tfsp evaluate --run_dir=runs/digits
    tfsp train --help

`python -m tfsp` is the same. `tfsp configs` lists the configs that come with it.
"""

import difflib
import runpy
import sys

from tfsp import project_files

_HELP = {
    "train": "trains a model as a config says or on your own --data, or goes on with a run",
    "evaluate": "bounds, log p(x), clusters, trees, ... of a run",
    "visualize": "pictures of a run",
    "explore": "the page of a run's tree: look into branches, name them, say what belongs together",
    "refine": "trains a run on with the corrections that its page lets you download",
    "export": "a SavedModel of a run, or files for other runtimes",
    "demo": "all of it on scikit-learn's digits, in minutes",
    "configs": "lists the configs that come with the package",
}


def main(argv=None):
    """Runs `argv` (default: that of the process); ends the process as the script does."""
    program, *arguments = sys.argv if argv is None else argv
    name, *rest = arguments or ["--help"]
    if name in ("-h", "--help", "help"):
        print(_usage())
        return 0
    if name == "configs":
        print("\n".join(project_files.config_names()))
        return 0
    if name not in project_files.COMMANDS:
        near = difflib.get_close_matches(name, _HELP, 1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        print(f"tfsp: unknown command {name!r}.{hint}\n\n{_usage()}", file=sys.stderr)
        return 2
    script = project_files.root() / "scripts" / f"{name}.py"
    sys.argv = [program, *_with_configs(rest)]
    runpy.run_path(str(script), run_name="__main__")
    return 0


def _usage():
    width = max(map(len, _HELP))
    lines = [f"  {name:{width}}  {text}" for name, text in _HELP.items()]
    return "\n".join(["tfsp COMMAND [--flags]; `tfsp COMMAND --help` lists them.", "", *lines])


def _with_configs(arguments):
    """The same arguments, with the project's configs by their paths."""
    found, named = [], False
    for argument in arguments:
        flag, equals, value = argument.partition("=")
        if named:
            argument, named = project_files.find_config(argument), False
        elif flag in ("--config", "-config") and equals:
            argument = f"{flag}={project_files.find_config(value)}"
        named = flag in ("--config", "-config") and not equals
        found.append(argument)
    return found


if __name__ == "__main__":
    sys.exit(main())
