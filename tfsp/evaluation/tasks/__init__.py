"""What can be measured of a run, by name: one file a task, found and registered by itself."""

from tfsp import discovery
from tfsp.evaluation.subject import Subject, of_run
from tfsp.evaluation.tasks.registry import (
    TASKS,
    Task,
    check,
    columns,
    default_names,
    measure,
    names,
    owner,
    register,
)
from tfsp.evaluation.tasks.texts import flag_help, markdown

__all__ = [
    "TASKS",
    "Subject",
    "Task",
    "check",
    "columns",
    "default_names",
    "discover",
    "flag_help",
    "markdown",
    "measure",
    "names",
    "of_run",
    "owner",
    "register",
]


def discover():
    """Imports every module of this package, which registers the tasks in it."""
    discovery.import_all(__name__, __path__)


discover()
