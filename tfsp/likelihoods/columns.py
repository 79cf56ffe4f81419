"""A table whose columns are of several kinds, each with its own likelihood."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_probability import distributions as tfd

from tfsp.likelihoods import column_distribution, column_kinds
from tfsp.likelihoods.base import Likelihood, build, register
from tfsp.likelihoods.categorical import Categorical
from tfsp.likelihoods.column_distribution import Block, ColumnDistribution


@register("columns")
class Columns(Likelihood):
    """p(x) = prod_d p_d(x_d) for a row of a table: real, binary, categorical and count columns.

    x is `[..., D]` in raw units; a categorical column holds codes 0, ..., K-1, a binary one 0
    and 1. Columns of equal settings share one likelihood over them (so that with library="observed"
    their counts have their total in common). log p is the sum over columns: of logs of
    probabilities and of densities with respect to x in its units. Means and draws are in raw units,
    and the mean of a categorical column is its most likely code.

    Encoders see the columns likelihood by likelihood in the order in which these first occur:
    numbers as each likelihood scales them, categories as K numbers of which one is 1; with
    `missing` 0 instead of what is missing (a category is all 0), and then D numbers, 1 where x is
    there. Between codes, where learned pseudo-inputs of a VampPrior may be, two of the K share
    the 1.

    What is "auto" is decided from the first data, by `fit` or `adapt(x)`: a column of 0 and 1 alone
    becomes "bernoulli", any other "gaussian". Categories cannot be told from numbers: `kinds` or
    `categories` names them. What was decided stays with the model, also when it is saved.

    Args:
      kinds: "auto" (or None); a list, one kind for each column; or a dict of names or numbers of
        columns, whose other columns are "auto". A kind is "auto", the name of a likelihood or a
        dict of its settings. Unless they say otherwise "gaussian" and "laplace" are standardised,
        with a scale learned for each column, counts have library="none", and "categorical" takes K
        from `categories` or from the largest code in the data.
      names: of the columns, such as `data.info.columns`. Without them a dict of names must hold
        all columns, in the order of the table.
      categories: dict of names or numbers of columns -> their classes or how many there are, such
        as `data.info.categories`. Where `kinds` says nothing, a column of two becomes "bernoulli",
        one of more "categorical".
      **kwargs: of `Likelihood`: missing, for all columns.

    Attributes:
      parts: the likelihoods, once kinds are decided.
      blocks: the columns of each, a `column_distribution.Block`.

    Raises:
      ValueError: for kinds that are none, names that no column has, and settings that a kind does
        not take.
    """

    kind = "mixed"
    unit_interval = False

    def __init__(
        self,
        kinds: Any = None,
        names: Sequence[str] | None = None,
        categories: Mapping[Any, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.names = None if names is None else [str(name) for name in names]
        self._categories = None if categories is None else dict(categories)
        self._given = kinds = column_kinds.AUTO if kinds is None else kinds
        self.parts: list[Likelihood] = []
        self.blocks: tuple[Block, ...] = ()
        self._specs: list[Any] | None = None
        if self.names is None:
            self.names = column_kinds.names_in(kinds)
        size = column_kinds.size_of(kinds, self.names)
        if size is not None:
            self._set_specs(self._specs_of(size))

    @property
    def shape_needs_data(self) -> bool:
        """Whether kinds, or numbers of classes, are still to be decided."""
        return not self.blocks

    @property
    def wants_data(self) -> bool:
        """Whether kinds are to be decided, or a likelihood wants data."""
        return self.shape_needs_data or any(part.wants_data for part in self.parts)

    def adapt(self, x: Any) -> None:
        """Decides what kinds are open, and gives each likelihood its columns.

        Args:
          x: array `[n, D]`.

        Raises:
          ValueError: for another shape, and values that a kind cannot have.
        """
        x = np.asarray(x, np.float64)
        if x.ndim != 2:
            raise ValueError(
                "The likelihood Columns is of tables, [n, D]. Received: an array of shape "
                f"{x.shape}."
            )
        if self.shape_needs_data:
            specs = enumerate(self._specs_of(x.shape[1]))
            self._set_specs(
                [column_kinds.decided(spec, x[:, i], self._named(i)) for i, spec in specs]
            )
        self.build(x.shape[1:])
        for part, block in zip(self.parts, self.blocks, strict=True):
            part.adapt(block.of(x))

    def build(self, data_shape: Any = None) -> None:
        """Makes the weights of all likelihoods.

        Raises:
          ValueError: for another number of columns, and while kinds are open.
        """
        shape = self.shape_of_entries(data_shape)
        self._require_decided(shape)
        for part, block in zip(self.parts, self.blocks, strict=True):
            if not part.built:
                part.build((len(block.places),))
        super().build(shape)

    def output_shape(self, data_shape: Sequence[int]) -> tuple[int, ...]:
        """The likelihoods' outputs side by side, each as `Likelihood` says."""
        self._require_decided(data_shape)
        return (sum(self._output_sizes()),)

    def describe_outputs(self, data_shape: Sequence[int]) -> str:
        """See the base class."""
        return f"the parameters of the likelihoods of {data_shape[-1]} columns"

    def encoder_shape(self, data_shape: Sequence[int]) -> tuple[int, ...]:
        """See the class: one number a column, K where it is categorical, and the mask."""
        self._require_decided(data_shape)
        seen = sum(block.width for block in self.blocks)
        return (seen + (int(data_shape[-1]) if self.missing else 0),)

    def scaled(self, x: tf.Tensor) -> tf.Tensor:
        """What encoders see of complete rows."""
        x = tf.cast(x, self.variable_dtype)
        seen = []
        for part, block in zip(self.parts, self.blocks, strict=True):
            seen.append(part.scaled(block.of(x)) if block.top is None else block.one_hot(x))
        return tf.concat(seen, axis=-1)

    def fill_value(self) -> Any:
        """`[D]`: for a category -1, which is all 0 to encoders."""
        own = [
            tf.broadcast_to(
                tf.cast(part.fill_value() if block.top is None else -1.0, self.variable_dtype),
                [len(block.places)],
            )
            for part, block in zip(self.parts, self.blocks, strict=True)
        ]
        return column_distribution.joined(self.blocks, own)

    def log_prob(self, x: Any, outputs: tf.Tensor, data_rank: int) -> tf.Tensor:
        """log p(x | outputs) in nats, summed over the columns that are there: `[...]`."""
        x = tf.cast(x, self.variable_dtype)
        return sum(
            part.log_prob(block.of(x), own, data_rank)
            for part, block, own in self._with_outputs(outputs)
        )

    def distribution(self, outputs: tf.Tensor, data_rank: int) -> tfd.Distribution:
        """A `ColumnDistribution`; `data_rank` is 1."""
        each = [part.distribution(own, data_rank) for part, _, own in self._with_outputs(outputs)]
        return ColumnDistribution(self.blocks, each)

    def distribution_given(self, x: Any, outputs: tf.Tensor, data_rank: int) -> tfd.Distribution:
        """As `distribution`, for an x that is known."""
        x = tf.cast(x, self.variable_dtype)
        each = [
            part.distribution_given(block.of(x), own, data_rank)
            for part, block, own in self._with_outputs(outputs)
        ]
        return ColumnDistribution(self.blocks, each)

    def statistics(self, distribution: tfd.Distribution) -> tf.Tensor:
        """Means, and of categories their probabilities."""
        return distribution.statistics()

    def expected(self, statistics: tf.Tensor) -> tf.Tensor:
        """Means, and most likely codes: `[..., D]`."""
        return column_distribution.expected(self.blocks, statistics)

    def require(self, values: np.ndarray) -> None:
        """Raises ValueError for values that a column's likelihood cannot have, by its name."""
        if self.shape_needs_data:
            return
        for part, block in zip(self.parts, self.blocks, strict=True):
            own = values[..., list(block.places)]
            wanted, good = _support(part, block, own)
            if not good.all():
                row, column = (int(i) for i in np.argwhere(~good)[0])
                raise ValueError(
                    f"{self._named(block.places[column])} has the likelihood "
                    f"{type(part).__name__} and must hold {wanted}. Received: "
                    f"{own[row, column]:.6g} in row {row}. Give it another kind by `kinds`, or "
                    "mend the data."
                )

    def get_config(self) -> dict[str, Any]:
        kinds = self._given if self._specs is None else [dict(spec) for spec in self._specs]
        categories = self._categories
        if categories is not None:
            categories = {
                name: classes if isinstance(classes, int) else list(classes)
                for name, classes in categories.items()
            }
        return {
            **super().get_config(),
            "kinds": dict(kinds) if isinstance(kinds, Mapping) else kinds,
            "names": None if self.names is None else list(self.names),
            "categories": categories,
        }

    def _specs_of(self, size):
        return column_kinds.specs(self._given, self.names, self._categories, size)

    def _set_specs(self, specs):
        """Makes the likelihoods, if nothing is open any more."""
        if any(column_kinds.is_open(spec) for spec in specs):
            return
        groups = []  # (spec, numbers of its columns)
        for place, spec in enumerate(specs):
            same = next((places for known, places in groups if known == spec), None)
            groups.append((spec, [place])) if same is None else same.append(place)
        parts = [build(spec, dtype=self.variable_dtype, missing=self.missing) for spec, _ in groups]
        self._specs, self.parts = specs, parts
        self.blocks = tuple(
            Block(tuple(places), part.num_levels - 1 if isinstance(part, Categorical) else None)
            for part, (_, places) in zip(parts, groups, strict=True)
        )

    def _require_decided(self, data_shape):
        if len(data_shape) != 1:
            raise ValueError(
                "The likelihood Columns is of tables, whose rows have the shape (D,). Received: "
                f"data of shape {tuple(data_shape)}."
            )
        if self.shape_needs_data:
            raise ValueError(
                "The likelihood Columns has columns whose kind, or whose number of classes, data "
                "have yet to tell. Call `fit` of a model that has not been built, or "
                "`model.likelihood.adapt(x)` with an array of examples before `model.build`; or "
                "name all of `kinds` and `categories`."
            )
        size = sum(len(block.places) for block in self.blocks)
        if data_shape[0] != size:
            raise ValueError(f"This likelihood is of {size} columns. Received: {data_shape[0]}.")

    def _output_sizes(self):
        return [
            len(block.places) * part.num_parameters
            for part, block in zip(self.parts, self.blocks, strict=True)
        ]

    def _with_outputs(self, outputs):
        own = tf.split(outputs, self._output_sizes(), axis=-1)
        return zip(self.parts, self.blocks, own, strict=True)

    def _named(self, place):
        return column_kinds.named(place, self.names)


def _support(part, block, own):
    """(what a column must hold, where it does) of the values of a block."""
    if block.top is not None:
        good = (own == np.rint(own)) & (own >= 0) & (own <= block.top)
        return f"codes 0, ..., {block.top}", good
    if part.kind == "counts":
        return "counts, 0, 1, 2, ...", (own == np.rint(own)) & (own >= 0)
    if part.kind == "discrete" and part.num_levels == 2:
        return "0 and 1", (own == 0) | (own == 1)
    if part.unit_interval:
        return "numbers in [0, 1]", (own >= 0) & (own <= 1)
    return "numbers", np.ones(own.shape, bool)
