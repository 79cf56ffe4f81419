"""The registry of the pictures of a run."""

import dataclasses
import warnings

from tfsp.entries import Entries, Entry
from tfsp.evaluation.needs import complete, missing


@dataclasses.dataclass(frozen=True)
class Picture(Entry):
    """A picture of a run.

    `function` returns a `matplotlib.figure.Figure`, a dict of several by their names, the text of a
    file, or None where there is nothing to draw after all.

    Attributes:
      needs: names of what it needs of a run; see `tfsp.evaluation.needs`.
      file: name of the file if it is a text; None for figures.
    """

    needs: tuple = ()
    file: str | None = None


PICTURES = Entries("picture", Picture)
register = PICTURES.register
names = PICTURES.names


def draw(subject, chosen=None):
    """Yields (name, what the picture's function returns or one figure of several, `Picture`).

    Args:
      subject: `tfsp.pictures.Subject`.
      chosen: names of pictures; None takes all that the run can be given. One that is named, and
        cannot be given, is left out with a warning.

    Raises:
      ValueError: for unknown names.
    """
    if chosen is not None:
        PICTURES.check_names("pictures", chosen)
    for name in names():
        if chosen is not None and name not in chosen:
            continue
        picture = PICTURES[name]
        reason = missing(subject, picture.needs)
        if reason:
            if chosen is not None:
                warnings.warn(f"The picture {name!r} is left out. It {reason}", stacklevel=3)
            continue
        drawn = picture.function(subject)
        if drawn is None:
            continue
        for own, figure in (drawn if isinstance(drawn, dict) else {name: drawn}).items():
            yield own, figure, picture


def flag_help():
    """The help of a flag that takes pictures: a line for each."""
    return "\n".join(
        [
            "Pictures, with commas between them. Default: all that fit the run.",
            *PICTURES.help_lines(),
        ]
    )


def markdown():
    """The page docs/pictures.md: a table of all pictures, then the details of each."""
    rows = ["| picture | what it shows | needs |", f"|{' --- |' * 3}"]
    for name in names():
        picture = PICTURES[name]
        needs = ", ".join(complete(picture.needs)) or "none"
        rows.append(f"| `{name}` | {picture.cell} | {needs} |")
    return "\n".join([_HEAD, *rows, "", *PICTURES.sections()])


_HEAD = """# Pictures of a run

`scripts/visualize.py --run_dir=RUN`, or `tfsp.visualize.visualize_run`, draws those that fit the
run into its `figures/`. This page is made from the registry (`tfsp/pictures`, one file a picture or
a family of them; a file put there is found) by
`python -c "from tfsp import pictures; print(pictures.markdown(), end='')" > docs/pictures.md`.

Of more than 3,000 test examples a random subset is drawn, the same in every call (`tfsp.subset`).
"""
