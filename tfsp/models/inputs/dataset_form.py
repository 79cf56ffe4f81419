"""What a `tf.data.Dataset` yields, read off its specs and the steps it was made by."""

import tensorflow as tf

_CHANNELS = (1, 2, 3, 4)


def example_spec(dataset):
    """Spec of x in the elements x, (x,), (x, y) or (x, y, sample_weight) of a dataset."""
    spec = dataset.element_spec
    return spec[0] if isinstance(spec, tuple) else spec


def has_labels(dataset):
    """Whether the elements are (x, y) or (x, y, sample_weight) with a y."""
    spec = dataset.element_spec
    return isinstance(spec, tuple) and len(spec) > 1 and not isinstance(spec[1], tf.NoneTensorSpec)


def is_unbatched(dataset, data_shape=None):
    """Whether the elements are single examples.

    The shape of one example settles it where it is known. Otherwise a dataset counts as unbatched
    whose x is a vector at most, or has a first axis of known size though nothing on the dataset's
    way from its source made batches. (`from_tensors` yields its tensor whole: that is a batch.
    What a function of `flat_map` or `interleave` does cannot be seen: there only what looks like
    one image counts as one.)

    Args:
      data_shape: shape of one example, or None.
    """
    shape = getattr(example_spec(dataset), "shape", None)
    if shape is None or shape.rank is None:
        return False
    if data_shape is not None:
        return shape.rank == len(data_shape) and shape.is_compatible_with(data_shape)
    if shape.rank < 2:
        return True
    if shape.rank > 3 or shape[0] is None:
        return False
    kinds = list(_kinds(dataset))
    if any("batch" in kind or kind == "tensordataset" for kind in kinds):
        return False
    if any(_is_function(kind) for kind in kinds):
        return shape.rank == 3 and shape[2] in _CHANNELS
    return True


def is_infinite(dataset):
    """Whether the dataset is known to have no end, also behind a `filter` and the like."""
    if dataset.cardinality() != tf.data.UNKNOWN_CARDINALITY:
        return bool(dataset.cardinality() == tf.data.INFINITE_CARDINALITY)
    inputs = _inputs(dataset)
    return len(inputs) == 1 and "takewhile" not in _kind(dataset) and is_infinite(inputs[0])


def _kinds(dataset):
    """Kinds of a dataset and of all it is made of, back to the sources.

    An `unbatch` undoes what was before, and what a function makes of a dataset is its own affair.
    """
    kind = _kind(dataset)
    if "unbatch" in kind:
        return
    yield kind
    if not _is_function(kind):
        for step in _inputs(dataset):
            yield from _kinds(step)


def _kind(dataset):
    return type(dataset).__name__.lower().strip("_")


def _is_function(kind):
    return "flatmap" in kind or "interleave" in kind


def _inputs(dataset):
    # TensorFlow has no public way to the datasets that a dataset is made of.
    return getattr(dataset, "_inputs", list)()
