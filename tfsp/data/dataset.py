"""What `load` returns: the parts of a data set, ready to be iterated over."""

import dataclasses
import functools
from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from tfsp import arguments, subset
from tfsp.data import pipeline, splits
from tfsp.data.info import DataInfo


class Data:
    """A loaded data set; made by `load`.

    Attributes:
      train: finite tf.data.Dataset. Each iteration is another epoch: another order and, with
        dynamic binarisation, other draws; the sequence of epochs is given by the seed. The
        remainder is dropped (static batch shape) unless there is less than one batch.
      validation, test: finite, in fixed order with fixed draws, the remainder included.
      steps_per_epoch: int, batches in a training epoch.
      info: DataInfo.

    Elements are x, or (x, y) if loaded with `labels=True`; x is float32 [B, H, W, C] (or
    [B, D]) in [0, 1] (tables and the synthetic sets of points know no bounds), y is int32 [B].
    """

    def __init__(
        self,
        parts: Mapping[str, pipeline.Part],
        plan: pipeline.Plan,
        info: DataInfo,
        index: Mapping[str, np.ndarray] | None = None,
    ) -> None:
        self._parts = parts
        self._plan = plan
        self._index = index
        self.info = info
        self.steps_per_epoch = pipeline.steps_per_epoch(info.num_train, plan.batch_size)

    @functools.cached_property
    def train(self) -> tf.data.Dataset:
        return pipeline.fresh_epochs(self._parts["train"], self._plan)

    @functools.cached_property
    def validation(self) -> tf.data.Dataset:
        return self._parts["validation"].in_order(self._plan)

    @functools.cached_property
    def test(self) -> tf.data.Dataset:
        return self._parts["test"].in_order(self._plan)

    def train_stream(self, first_epoch: int = 0, index: bool = False) -> tf.data.Dataset:
        """Infinite tf.data.Dataset of training batches, epoch after epoch without a seam.

        Epoch e holds `steps_per_epoch` batches that are a function of (seed, e) alone, whatever
        `first_epoch` is: training that is resumed at epoch e goes on bit for bit.

        Args:
          first_epoch: integer >= 0, number of the epoch to begin with.
          index: whether {"x": x, "index": i} stands for x, i int32 [B] the place of each image
            in `arrays("train")`.

        Raises:
          ValueError: for another `first_epoch`, and for `index` of data drawn without end.
        """
        first_epoch = arguments.integer("first_epoch", first_epoch, 0)
        if index and not self._parts["train"].has_places:
            raise ValueError(
                f"The data set {self.info.name!r} draws new examples for every batch, so that none "
                "has a place. A model that must know each training point (such as 'tmc_vae') needs "
                "a data set of finite size."
            )
        plan = dataclasses.replace(self._plan, index=bool(index))
        return pipeline.endless(self._parts["train"], plan, first_epoch)

    def arrays(self, part: str, limit: int | None = None) -> tuple[np.ndarray, np.ndarray | None]:
        """Images and labels of a part as evaluation sees them, the fixed draws included.

        Args:
          part: "train", "validation" or "test".
          limit: number of images at most, or None for all. Of more, a random subset that is the
            same in every call, in the order of the part (see `tfsp.subset`).

        Returns:
          float32 [n, H, W, C] or [n, D] in [0, 1], of a table any numbers; int32 [n], or None if
          the source has no labels (whatever `labels` was in `load`). Rows of a sparse table are
          dense here: of a large one ask for few.

        Raises:
          ValueError: for another part or limit.
        """
        self._check(part, limit)
        return self._parts[part].arrays(limit)

    def index(self, part: str, limit: int | None = None) -> np.ndarray | None:
        """Names of the rows of a part of a table, in the order of `arrays(part, limit)`.

        Args:
          part: "train", "validation" or "test".
          limit: as in `arrays`.

        Returns:
          strings [n]; None if the rows have no names.

        Raises:
          ValueError: for another part or limit.
        """
        self._check(part, limit)
        if self._index is None:
            return None
        names = self._index[part]
        return names[subset.rows(len(names), limit)]

    def rows(self, part: str, limit: int | None = None) -> np.ndarray:
        """Numbers of the rows of a part in the source, in the order of `arrays(part, limit)`.

        Args:
          part: "train", "validation" or "test".
          limit: as in `arrays`.

        Returns:
          int [n]: places in the array, the table (without the rows that `missing="drop"` left
          out) or among the files of a folder; of parts that were given apart those of the training
          part come first, then validation and test. Of a streamed tf.data.Dataset and of sets
          that draw their examples all rows are counted so, part by part.

        Raises:
          ValueError: for another part or limit.
        """
        self._check(part, limit)
        found = getattr(self._parts[part], "rows", None)
        if found is None:
            before = splits.PARTS[: splits.PARTS.index(part)]
            first = sum(self._parts[name].size for name in before)
            found = np.arange(first, first + self._parts[part].size)
        return found[subset.rows(len(found), limit)]

    def names(self, part: str, limit: int | None = None) -> np.ndarray:
        """What a user knows the rows of a part by, in the order of `arrays(part, limit)`.

        Args:
          part: "train", "validation" or "test".
          limit: as in `arrays`.

        Returns:
          [n]: strings of `index`, of a folder its files (`info.files`), or else the numbers of
          `rows`.

        Raises:
          ValueError: for another part or limit.
        """
        found = self.index(part, limit)
        if found is None and self.info.files is not None:
            files = self.info.files[part]
            found = np.array([files[i] for i in subset.rows(len(files), limit).tolist()], str)
        return self.rows(part, limit) if found is None else found

    def _check(self, part, limit):
        if part not in self._parts:
            raise ValueError(f"Unknown part: {part!r}. Known: {', '.join(splits.PARTS)}.")
        splits.check_size(limit, "limit")

    def __repr__(self) -> str:
        return f"Data({self.info})"
