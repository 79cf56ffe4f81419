"""What a loaded data set is: the record kept beside every result."""

import dataclasses
from collections.abc import Mapping, Sequence
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
      source: where the images came from, in words; of a folder also how they are kept and brought
        to one size, of a table what became of rows with missing values.
      kind: "table", or "images" for all else.
      columns: names of the columns of a table, or None where they have none.
      class_names: sorted names of the labels 0, 1, ...: the subfolders of a folder that has one for
        each class, or labels that were text. Else None.
      categories: names of those columns of a table that hold codes -> the classes that 0, 1, ...
        stand for, in the form that the likelihood "columns" takes. None where there are none.
      files: of a folder, dict part -> paths of its files relative to the folder, in the order of
        `Data.arrays(part)`: sequences that make each string when it is asked for. Else None.
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
    class_names: tuple[str, ...] | None = dataclasses.field(default=None, repr=False)
    categories: Mapping[str, tuple[Any, ...]] | None = dataclasses.field(default=None, repr=False)
    files: Mapping[str, Sequence[str]] | None = dataclasses.field(
        default=None, repr=False, compare=False
    )

    def to_dict(self) -> dict[str, Any]:
        """Plain values that `json.dumps` takes: tuples become lists, `files` is left out."""
        names = [field.name for field in dataclasses.fields(self) if field.name != "files"]
        plain = {name: getattr(self, name) for name in names}
        if self.categories is not None:
            plain["categories"] = {name: list(each) for name, each in self.categories.items()}
        return {key: list(v) if isinstance(v, tuple) else v for key, v in plain.items()}
