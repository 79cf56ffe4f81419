"""Tasks: what can be measured of a run, each registered with its needs, columns and help."""

import dataclasses
import warnings
from collections.abc import Callable

from tfsp.entries import Entries, Entry
from tfsp.evaluation import needs as needs_of


@dataclasses.dataclass(frozen=True)
class Task(Entry):
    """One thing that can be measured of a run; `function` returns a flat dict, a part of a row.

    Attributes:
      needs: names of what it needs of a run; see `tfsp.evaluation.needs`.
      columns: keys of the row that tables show, in order.
      owns: keys of the row that are the task's alone and are replaced when it is run again; None
        stands for its name and all keys that begin with its name and "_".
      check: `Subject` -> None, raises ValueError for a run that has the needs and still does not
        support the task; or None.
      default: whether the task is run by default.
      share: `Subject` with a `share` -> list of the files it was written to; or None of a task
        that cannot be done in shares.
    """

    needs: tuple = ()
    columns: tuple = ()
    owns: tuple | None = None
    check: Callable | None = None
    default: bool = False
    share: Callable | None = None

    def has(self, key):
        """Whether the key of a row is the task's own."""
        if self.owns is not None:
            return key in self.owns
        return key == self.name or key.startswith(f"{self.name}_")


TASKS = Entries("task", Task)
register = TASKS.register
names = TASKS.names


def default_names():
    """The tasks that are run by default."""
    return tuple(name for name in names() if TASKS[name].default)


def shared_names():
    """The tasks that can be done in shares; see `tfsp.evaluation.shares`."""
    return tuple(name for name in names() if TASKS[name].share is not None)


def columns():
    """The columns of a table of results, in order."""
    return tuple(dict.fromkeys(key for name in names() for key in TASKS[name].columns))


def owner(key):
    """The task that a key of a row belongs to, or None."""
    owners = [name for name in TASKS if TASKS[name].has(key)]
    return max(owners, key=len, default=None)  # "tree_depth" before "tree"


def check(subject, tasks):
    """Those of the tasks that the run supports; warns of each of the others, with the reason.

    Raises:
      ValueError: for unknown tasks, and where the run supports none.
    """
    TASKS.check_names("tasks", tasks)
    refused = {}
    for name in tasks:
        try:
            _check(subject, TASKS[name])
        except ValueError as error:
            refused[name] = error
    fit = [name for name in tasks if name not in refused]
    _leave_out(refused, fit)
    return fit


def measure(subject, tasks):
    """Results of the tasks: dict task -> flat dict.

    Cheap tasks that may fail run first, the default ones with log p(x) last. A task that the run
    does not support is left out with a warning, and so is one that fails on its numbers: the
    results of the others are not lost.

    Raises:
      ValueError: as `check`, and where every task fails.
    """
    tasks = check(subject, tasks)
    results, failed = {}, {}
    for name in sorted(names(), key=lambda name: TASKS[name].default):
        if name in tasks:
            try:
                results[name] = TASKS[name].function(subject)
            except (ArithmeticError, ValueError) as error:
                failed[name] = error
    _leave_out(failed, results)
    return results


def measure_share(subject, tasks):
    """Files of the subject's share of the tasks, a list of paths.

    Raises:
      ValueError: for a task that cannot be done in shares, and as `check`.
    """
    TASKS.check_names("tasks", tasks)
    whole = [name for name in tasks if TASKS[name].share is None]
    if whole:
        raise ValueError(
            f"Tasks that can be done in shares: {', '.join(shared_names())}. Received: "
            f"{', '.join(whole)}. Leave them to the call without a share."
        )
    return [path for name in check(subject, tasks) for path in TASKS[name].share(subject)]


def _check(subject, task):
    """Raises ValueError if the run does not support the task."""
    reason = needs_of.missing(subject, task.needs)
    if reason:
        if "labels" in needs_of.complete(task.needs) and needs_of.missing(subject, ("labels",)):
            without = [n for n in names() if "labels" not in needs_of.complete(TASKS[n].needs)]
            reason += f" Tasks for runs without labels: {', '.join(without)}."
        raise ValueError(f"The task {task.name!r} {reason}")
    if task.check is not None:
        task.check(subject)


def _leave_out(refused, others):
    """Warns of tasks that are left out (dict task -> error); raises the error if none is left."""
    if refused and not others:
        first, *rest = refused.values()
        raise ValueError("\n".join(map(str, [first, *rest]))) from first
    for name, error in refused.items():
        warnings.warn(f"The task {name!r} is left out. {error}", stacklevel=4)
