"""What corrections have made of a run: runs in its folder `refined`, and which of them is shown."""

import contextlib
import json
import pathlib
import re

from tfsp import atomic

FOLDER, _STATE, _DONE = "refined", "current.json", "refinement.json"
_NUMBER = re.compile(r"[1-9]\d{0,5}")


class Generations:
    """The run itself is generation 0; those after it stand in RUN_DIR/refined/1, 2, ...

    Each of them is a run like any other, made from an earlier one by `tfsp refine`. None is ever
    removed here: to undo is to show again what one was made from. A folder in which a refinement
    was stopped is no generation, and its number is not used again.

    Args:
      run_dir: the folder of generation 0.
    """

    def __init__(self, run_dir):
        self.root = pathlib.Path(run_dir)
        self._folder = self.root / FOLDER

    def path(self, number):
        """The run folder of a generation."""
        return self._folder / str(number) if number else self.root

    def numbers(self):
        """Those that are complete, ascending, 0 first."""
        found = self._folder.iterdir() if self._folder.is_dir() else ()
        made = [int(p.name) for p in found if _NUMBER.fullmatch(p.name) and (p / _DONE).is_file()]
        return [0, *sorted(made)]

    def unfinished(self):
        """Folders in which a refinement was begun and not ended, sorted."""
        found = self._folder.iterdir() if self._folder.is_dir() else ()
        numbered = [p for p in found if _NUMBER.fullmatch(p.name) and p.is_dir()]
        left = [p for p in numbered if not (p / _DONE).is_file()]
        return sorted(left, key=lambda path: int(path.name))

    def current(self):
        """The number of the generation that is shown.

        Raises:
          ValueError: if refined/current.json is damaged, or names what is not there.
        """
        file = self._folder / _STATE
        try:
            number = json.loads(file.read_text())["current"]
        except FileNotFoundError:
            return 0
        except (ValueError, KeyError, TypeError):
            raise ValueError(
                f'{file} is damaged: expected {{"current": number}}. Remove it to start from the '
                "run itself; refinements stay."
            ) from None
        if type(number) is not int or number not in self.numbers():
            raise ValueError(
                f"{file} names refinement {number!r}; there are {self.numbers()}. Remove the file "
                "to start from the run itself."
            )
        return number

    def show(self, number):
        """Makes a complete generation the one that is shown."""
        if number not in self.numbers():
            raise ValueError(f"There is no refinement {number}; there are {self.numbers()}.")
        atomic.write(self._folder / _STATE, json.dumps({"current": number}) + "\n")

    def parent(self, number):
        """The generation that one was made from; None for the run itself.

        Raises:
          ValueError: if its refinement.json is damaged.
        """
        if not number:
            return None
        file = self.path(number) / _DONE
        try:
            found = json.loads(file.read_text())["parent"]
        except (ValueError, KeyError, TypeError):
            found = None
        if type(found) is not int or not 0 <= found < number:
            raise ValueError(
                f'{file} is damaged: expected {{"parent": number of an earlier one, or 0 for the '
                "run itself}. Mend it, or remove current.json beside its folder to start from the "
                "run itself."
            )
        return found

    def reserve(self):
        """(number, folder) of the next generation: a number nobody else has; the folder is new.

        Raises:
          WriteError: if it cannot be made, as where there is no run.
        """
        with atomic.explained(self._folder):
            self._folder.mkdir(exist_ok=True)
            taken = [int(p.name) for p in self._folder.iterdir() if _NUMBER.fullmatch(p.name)]
            number = max(taken, default=0) + 1
            while True:
                try:
                    self.path(number).mkdir()
                    return number, self.path(number)
                except FileExistsError:  # another process was faster
                    number += 1

    def release(self, number):
        """Gives a reserved number back if nothing was made in its folder."""
        with contextlib.suppress(OSError):
            self.path(number).rmdir()
            self._folder.rmdir()

    def finish(self, number, parent):
        """Marks a generation as complete, and shows it."""
        content = json.dumps({"parent": parent}, indent=1)
        atomic.write(self.path(number) / _DONE, content + "\n")
        self.show(number)
