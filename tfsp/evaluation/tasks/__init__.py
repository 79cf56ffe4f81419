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
    measure_share,
    names,
    owner,
    register,
    shared_names,
)
from tfsp.evaluation.tasks.texts import flag_help, markdown, share_help

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
    "measure_share",
    "names",
    "of_run",
    "owner",
    "register",
    "share_help",
    "shared_names",
]


def discover():
    """Imports every module of this package, which registers the tasks in it."""
    discovery.import_all(__name__, __path__)


discover()
