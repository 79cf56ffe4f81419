"""Functions registered with what users are told of them: measures, tasks, pictures."""

import dataclasses
import inspect
from collections.abc import Callable


@dataclasses.dataclass(frozen=True)
class Entry:
    """A function, and what users are told of it.

    Attributes:
      name: as users write it.
      function: the first line of its docstring is its line in `--help` and in the table of the page
        in docs/, the rest what there is to know beyond it.
      place: where it stands among others, in lists and tables.
    """

    name: str
    function: Callable
    place: float = float("inf")

    @property
    def help(self):
        """One line."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]

    @property
    def cell(self):
        """The line as a cell of a table in Markdown."""
        return self.help.replace("|", "\\|")

    @property
    def details(self):
        """What there is to know beyond the line; "" if nothing."""
        return (inspect.getdoc(self.function) or "").partition("\n")[2].strip()


class Entries(dict):
    """Entries of one kind, by name.

    Args:
      kind: what one of them is called in messages.
      entry: the class of the entries, a child of `Entry`.
    """

    def __init__(self, kind, entry):
        super().__init__()
        self._kind, self._entry = kind, entry

    def register(self, name, **facts):
        """Decorator: adds a function as `name`; `facts` are the other attributes of the entry.

        Raises:
          ValueError: if the name is taken, or the function has no docstring.
        """

        def add(function):
            entry = self._entry(name, function, **facts)
            if name in self:
                raise ValueError(
                    f"The {self._kind} name {name!r} is taken by {self[name].function!r}."
                )
            if not entry.help:
                raise ValueError(
                    f"The {self._kind} {name!r} needs a docstring: its first line is the help."
                )
            self[name] = entry
            return function

        return add

    def names(self):
        """All names, in their order in lists and tables."""
        return sorted(self, key=lambda name: (self[name].place, name))

    def help_lines(self):
        """A line for each: name and help."""
        return [f"{name}: {self[name].help}" for name in self.names()]

    def check_names(self, argument, names):
        """Refuses names that are not registered, and no names at all.

        Raises:
          ValueError: with the names that are.
        """
        unknown = [name for name in names if name not in self]
        if unknown or not names:
            raise ValueError(
                f"`{argument}` must be some of {', '.join(self.names())}. Received: "
                f"{', '.join(map(repr, unknown)) or 'none'}."
            )

    def sections(self):
        """Markdown: what there is to know of each beyond its line."""
        return [
            f"### {name}\n\n{self[name].details}\n" for name in self.names() if self[name].details
        ]
