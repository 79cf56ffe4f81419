"""What a user gave for one part of a data set, before it is read as images or as a table."""

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True, eq=False)
class Given:
    """Examples and labels as they came.

    Attributes:
      x: an array, a pandas DataFrame, a SciPy sparse matrix or an AnnData object.
      y: labels, or None.
      x_name, y_name: what they are called in messages.
    """

    x: Any
    y: Any
    x_name: str
    y_name: str
