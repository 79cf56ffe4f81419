"""What a loaded data set is: the record kept beside every result."""

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class DataInfo:
    """Facts about a loaded data set.

    Attributes:
      name: registered name, or the file, folder or kind of object it came from.
      image_shape: (H, W, C), or (D,) for flat data and points.
      num_train, num_validation, num_test: numbers of images. Where training images are drawn
        without end, `num_train` is how many make an epoch.
      num_classes: number of distinct labels kept; None if the source has no labels. With
        `classes=(3, 7)` it is 2, while the labels stay 3 and 7.
      binarization: "none", "dynamic", "static", "threshold", or what the source itself did.
      split: name of the split.
      source: where the images came from, in words; of a table also what became of rows with missing
        values.
      kind: "table", or "images" for all else.
      columns: names of the columns of a table, or None where they have none.
      class_names: names of the labels 0, 1, ... where labels were text, else None.
    """

    name: str
    image_shape: tuple[int, ...]
    num_train: int
    num_validation: int
    num_test: int
    num_classes: int | None
    binarization: str
    split: str
    source: str
    kind: str = "images"
    columns: tuple[str, ...] | None = dataclasses.field(default=None, repr=False)  # many
    class_names: tuple[str, ...] | None = None

    def to_dict(self) -> dict[str, Any]:
        """A dict of plain values that `json.dumps` takes; tuples become lists."""
        values = dataclasses.asdict(self)
        return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}
